"""Creates that arrive together share one transaction, each of them an operation of its own
(docs/decisions/0018).
"""

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from retainer.errors import Problem

if TYPE_CHECKING:
    from retainer.database.database import Database

MOST = 32  # creates of one transaction
ENOUGH, AT_ONCE = (
    8,
    4,
)  # that many waiting go beside those in flight, up to so many transactions: PostgreSQL has cores

Made: TypeAlias = asyncpg.Record | None
Waiting: TypeAlias = tuple[list[Any], asyncio.Future[Made]]


class Together:
    """All creates of a process that make a row for certain, or are refused."""

    def __init__(self, database: "Database") -> None:
        self.database = database
        self.queues: dict[tuple[int, str], Queue] = {}

    async def make(self, tenant: int, text: str, arguments: list[Any]) -> Made:
        """The row that a statement makes of its arguments; None when it is to be sent alone:
        nothing was made, for one of those that it was sent with was refused. Raises what befell all
        of them.
        """
        queue = self.queues.get((tenant, text))
        if queue is None:
            queue = self.queues[tenant, text] = Queue(self.database, tenant, text)
        return await queue.join(arguments)


class Queue:
    """Those of one tenant and one statement: whoever comes while some are in flight waits for the
    next go.
    """

    def __init__(self, database: "Database", tenant: int, text: str) -> None:
        self.database, self.tenant, self.text = database, tenant, text
        self.waiting: list[Waiting] = []
        self.running: set[asyncio.Task[None]] = set()

    def join(self, arguments: list[Any]) -> asyncio.Future[Made]:
        future: asyncio.Future[Made] = asyncio.get_running_loop().create_future()
        self.waiting.append((arguments, future))
        if not self.running or (len(self.waiting) >= ENOUGH and len(self.running) < AT_ONCE):
            self.running.add(asyncio.create_task(self._run()))
        return future

    async def _run(self) -> None:
        while self.waiting:
            await self._go()
        self.running.discard(asyncio.current_task())

    async def _go(self) -> None:
        taken: list[Waiting] | None = None
        outcomes: list[Made | Exception]
        try:
            async with self.database.connection(self.tenant, acts=True) as connection:
                taken = self._take()
                sent = [arguments for arguments, _ in taken]
                outcomes = (
                    list(await self.database.send(connection, self.text, sent, many=True))
                    if sent
                    else []
                )
        except Exception as error:
            if taken is None:  # who waits in vain for a connection waits no second time
                taken, self.waiting = self.waiting, []
            is_undone = (
                error.is_undone
                if isinstance(error, Problem)
                else isinstance(error, asyncpg.PostgresError)
            )
            outcomes = [None if is_undone else error for _ in taken]
        for (_, future), outcome in zip(taken, outcomes, strict=True):
            if not future.done():
                future.set_exception(outcome) if isinstance(
                    outcome, Exception
                ) else future.set_result(outcome)

    def _take(self) -> list[Waiting]:
        """Those who go next. Who has given up meanwhile stays undone."""
        here = [each for each in self.waiting if not each[1].done()]
        self.waiting = here[MOST:]
        return here[:MOST]
