"""Group commit: creates of one noun that arrive together are one INSERT of several rows, and so one
transaction and one flush of the WAL. Each remains an operation of its own in the journal
(docs/decisions/0018).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, TypeAlias

import asyncpg

from retainer.database.exact_json import rows_as_json
from retainer.database.pool import Connection
from retainer.errors import Problem

MAX_GROUP = 32  # creates in one statement
# Once EARLY_GROUP creates wait, they start another transaction instead of waiting for the one in
# flight, up to MAX_IN_FLIGHT: more than PostgreSQL has cores for gains nothing.
EARLY_GROUP, MAX_IN_FLIGHT = 16, 4
# Where several went together last, the first of the next group waits this long for others: one row
# alone costs PostgreSQL as much as four of one statement do.
GATHER_SECONDS = 0.001
# A transaction in flight for longer than this holds nobody up: its connection may be stuck. The
# next group takes another one, while fewer than MAX_LATE are late.
LATE_SECONDS, MAX_LATE = 0.5, 3

# The parameters of a grouped statement that have a value for each request, and what it is there.
EACH = {
    "sessions": "session",
    "viewer_roles": "viewer_role",
    "channels": "channel",
    "requests": "request",
    "actions": "action",
}
ROWS = "rows"

Values: TypeAlias = dict[str, Any]
Row: TypeAlias = asyncpg.Record | None
Acquire: TypeAlias = Callable[[int, str], AbstractAsyncContextManager[Connection]]
Send: TypeAlias = Callable[[Connection, str, Sequence[object]], Awaitable[list[asyncpg.Record]]]


class Waiting(NamedTuple):
    """A create: who makes it, by the names in EACH, and the new row by its columns."""

    known: Values
    row: Values
    future: asyncio.Future[Row]


class GroupCommit:
    """The queues of a process: one for each statement and tenant, and whatever else the requests of
    a group must have in common.

    `acquire` lends a connection set to a tenant, for a noun; `send` executes a statement.
    """

    def __init__(self, acquire: Acquire, send: Send) -> None:
        self.acquire, self.send = acquire, send
        self.queues: dict[tuple[object, ...], Queue] = {}

    async def create(
        self, noun: str, text: str, names: Iterable[str], known: Values, row: Values
    ) -> Row:
        """The row that the statement inserts; `names` are its parameters in order. None when a
        create of the group was refused: the whole group was rolled back, and each caller sends its
        own again, alone. Raises a failure of the connection.
        """
        shared = {name: known[name] for name in names if name not in EACH and name != ROWS}
        key = (text, *shared.values())
        queue = self.queues.get(key)
        if queue is None:
            queue = self.queues[key] = Queue(self, noun, text, names, shared)
        return await queue.submit(known, row)


class Queue:
    """Creates by one statement. Those that arrive while a transaction is in flight wait, and form
    the next group.
    """

    def __init__(
        self, commits: GroupCommit, noun: str, text: str, names: Iterable[str], shared: Values
    ) -> None:
        self.commits, self.noun, self.text, self.names = commits, noun, text, names
        self.shared = shared
        self.waiting: list[Waiting] = []
        self.running: set[asyncio.Task[None]] = set()
        self.late: set[asyncio.Task[None]] = set()
        self.last = 1  # creates in the last group

    def submit(self, known: Values, row: Values) -> asyncio.Future[Row]:
        future: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        self.waiting.append(Waiting(known, row, future))
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
            if len(self.waiting) < min(self.last, EARLY_GROUP):
                await asyncio.sleep(GATHER_SECONDS)
                if not self.waiting:  # so many came that they began their own transaction
                    break
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
            async with self.commits.acquire(self.shared["tenant"], self.noun) as connection:
                group = self._take()
                rows = await self._send(connection, group)
        except Exception as error:
            if group is None:
                # No connection within the timeout: fail everyone queued, instead of making each
                # wait again.
                group, self.waiting = self.waiting, []
            _fail(group, error)
        else:
            for each, row in zip(group, rows, strict=True):
                if not each.future.done():
                    each.future.set_result(row)

    def _take(self) -> list[Waiting]:
        """The next group, without creates whose request has been cancelled."""
        waiting = [each for each in self.waiting if not each.future.done()]
        self.waiting = waiting[MAX_GROUP:]
        self.last = len(waiting[:MAX_GROUP])
        return waiting[:MAX_GROUP]

    async def _send(self, connection: Connection, group: list[Waiting]) -> list[asyncpg.Record]:
        if not group:
            return []
        values: Values = {
            plural: [each.known[name] for each in group] for plural, name in EACH.items()
        }
        values[ROWS] = rows_as_json([each.row for each in group])
        values |= self.shared
        return await self.commits.send(connection, self.text, [values[name] for name in self.names])


def _fail(group: list[Waiting], error: Exception) -> None:
    """Give each create None if the transaction was certainly rolled back, so that it is sent again
    alone. Otherwise raise the error in each: it may have been committed, and sending it again could
    insert it twice.
    """
    is_rolled_back = isinstance(error, asyncpg.PostgresError)
    if isinstance(error, Problem):
        is_rolled_back = error.is_rolled_back
    for each in group:
        if each.future.done():
            continue
        if is_rolled_back:
            each.future.set_result(None)
        else:
            each.future.set_exception(error)
