"""Group commit: creates that arrive together share one transaction, and so one flush of the WAL.
Each remains an operation of its own in the journal (docs/decisions/0018).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import asyncpg

from retainer.database.pool import Connection
from retainer.errors import Problem

MAX_GROUP = 32  # creates in one transaction
# Once EARLY_GROUP creates wait, they start another transaction instead of waiting for the one in
# flight, up to MAX_IN_FLIGHT: more than PostgreSQL has cores for gains nothing.
EARLY_GROUP, MAX_IN_FLIGHT = 8, 4
# A transaction in flight for longer than this holds nobody up: its connection may be stuck. The
# next group takes another one, while fewer than MAX_LATE are late.
LATE_SECONDS, MAX_LATE = 0.5, 3

Row: TypeAlias = asyncpg.Record | None
Waiting: TypeAlias = tuple[list[object], asyncio.Future[Row]]
Acquire: TypeAlias = Callable[[int, str], AbstractAsyncContextManager[Connection]]
SendEach: TypeAlias = Callable[
    [Connection, str, list[list[object]]], Awaitable[list[asyncpg.Record]]
]


class GroupCommit:
    """The queues of a process: one for each tenant and statement.

    `acquire` lends a connection set to a tenant, for a noun; `send_each` executes one statement
    once for each list of arguments, in one transaction.
    """

    def __init__(self, acquire: Acquire, send_each: SendEach) -> None:
        self.acquire, self.send_each = acquire, send_each
        self.queues: dict[tuple[int, str], Queue] = {}

    async def create(self, tenant: int, noun: str, text: str, arguments: list[object]) -> Row:
        """The row that the statement inserts. None when a create of the group was refused: the
        whole group was rolled back, and each caller sends its own again, alone. Raises a failure of
        the connection.
        """
        queue = self.queues.get((tenant, text))
        if queue is None:
            queue = self.queues[tenant, text] = Queue(self, tenant, noun, text)
        return await queue.submit(arguments)


class Queue:
    """Creates of one tenant by one statement. Those that arrive while a transaction is in flight
    wait, and form the next group.
    """

    def __init__(self, commits: GroupCommit, tenant: int, noun: str, text: str) -> None:
        self.commits, self.tenant, self.noun, self.text = commits, tenant, noun, text
        self.waiting: list[Waiting] = []
        self.running: set[asyncio.Task[None]] = set()
        self.late: set[asyncio.Task[None]] = set()

    def submit(self, arguments: list[object]) -> asyncio.Future[Row]:
        future: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        self.waiting.append((arguments, future))
        is_early = len(self.waiting) >= EARLY_GROUP and len(self.running) < MAX_IN_FLIGHT
        if is_early or (not self.running and len(self.late) < MAX_LATE):
            self._start()
        return future

    def _start(self) -> None:
        task = asyncio.create_task(self._run())
        self.running.add(task)

    async def _run(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        while self.waiting and task in self.running:
            timer = loop.call_later(LATE_SECONDS, self._is_late, task)
            await self._commit_group()
            timer.cancel()
        self.running.discard(task)
        self.late.discard(task)
        if self.waiting and not self.running:  # while all were late
            self._start()

    def _is_late(self, task: asyncio.Task[None]) -> None:
        """Let the next group begin although this one has not ended."""
        self.running.discard(task)
        self.late.add(task)
        if self.waiting and not self.running and len(self.late) < MAX_LATE:
            self._start()

    async def _commit_group(self) -> None:
        group: list[Waiting] | None = None
        try:
            async with self.commits.acquire(self.tenant, self.noun) as connection:
                group = self._take()
                rows = await self._send(connection, group)
        except Exception as error:
            if group is None:
                # No connection within the timeout: fail everyone queued, instead of making each
                # wait again.
                group, self.waiting = self.waiting, []
            _fail(group, error)
        else:
            for (_, future), row in zip(group, rows, strict=True):
                if not future.done():
                    future.set_result(row)

    def _take(self) -> list[Waiting]:
        """The next group, without creates whose request has been cancelled."""
        waiting = [each for each in self.waiting if not each[1].done()]
        self.waiting = waiting[MAX_GROUP:]
        return waiting[:MAX_GROUP]

    async def _send(self, connection: Connection, group: list[Waiting]) -> list[asyncpg.Record]:
        if not group:
            return []
        return await self.commits.send_each(
            connection, self.text, [arguments for arguments, _ in group]
        )


def _fail(group: list[Waiting], error: Exception) -> None:
    """Give each create None if the transaction was certainly rolled back, so that it is sent again
    alone. Otherwise raise the error in each: it may have been committed, and sending it again could
    insert it twice.
    """
    is_rolled_back = isinstance(error, asyncpg.PostgresError)
    if isinstance(error, Problem):
        is_rolled_back = error.is_rolled_back
    for _, future in group:
        if future.done():
            continue
        if is_rolled_back:
            future.set_result(None)
        else:
            future.set_exception(error)
