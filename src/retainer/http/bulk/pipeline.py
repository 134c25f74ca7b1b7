"""Handlers of many lines, run concurrently, whose changes are sent together.

Each handler runs as for a request of its own, on a CapturingDb that holds its first change back
until every handler has come that far. Then the changes go in the order of the handlers: creates as
one statement, other alike ones pipelined. A handler that needs more than one change raises
CannotPipeline.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any, NamedTuple, NoReturn, TypeVar

from asyncpg import Record

from retainer.database import exact_json
from retainer.database.database import Db, Rollback, Values
from retainer.database.statement import Change, Create, Statement
from retainer.errors import Problem

AT_A_STRETCH = 25  # lines that are worked at before the event loop turns to others

T = TypeVar("T")


class CannotPipeline(Rollback):
    """These changes cannot be sent as one: roll back what was sent, and run the handlers one after
    the other.
    """


class _Captured(NamedTuple):
    """A change that waits for the others."""

    place: int
    db: Db
    statement: Change
    values: Values
    row: "asyncio.Future[Record]"


class Pipeline:
    """Runs handlers concurrently up to their first write, then sends all writes together."""

    def __init__(self, tx: Db) -> None:
        self.tx = tx
        self.captured: list[_Captured] = []
        self.running = 0
        self.is_sent = False

    async def run(self, handlers: list[Callable[[Db], Awaitable[T]]]) -> list[T | Problem]:
        """The result of each handler, or the Problem that it raised before its change. Raises
        CannotPipeline, and PostgreSQL's refusals.
        """
        self.running = len(handlers)
        tasks: list[asyncio.Future[T | Problem]] = []
        try:
            for place, handler in enumerate(handlers):
                tasks.append(asyncio.ensure_future(self._run_one(place, handler)))
                if place % AT_A_STRETCH == AT_A_STRETCH - 1:
                    await asyncio.sleep(0)  # others are served before the next ones begin
            await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
        for error in [task.exception() for task in tasks]:
            if error is not None:
                raise error
        return [task.result() for task in tasks]

    async def _run_one(self, place: int, handler: Callable[[Db], Awaitable[T]]) -> T | Problem:
        db = CapturingDb(self, place)
        try:
            result: T | Problem = await handler(db)
        except CannotPipeline as error:
            self._fail(error)
            raise
        except Problem as problem:
            if self.is_sent:
                raise
            result = problem
        if not self.is_sent:  # the handler ended without a change
            self.running -= 1
            await self._send_if_complete()
        return result

    async def capture(self, change: _Captured) -> Record:
        """The row of a change, once all have come."""
        if self.is_sent:
            raise CannotPipeline
        self.captured.append(change)
        self.running -= 1
        await self._send_if_complete()
        return await change.row

    async def _send_if_complete(self) -> None:
        if self.running or self.is_sent:
            return
        self.is_sent = True
        self.captured.sort(key=lambda change: change.place)
        try:
            for _, alike in groupby(self.captured, key=lambda change: id(change.statement)):
                await self._send(list(alike))
        except (Problem, CannotPipeline) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.is_sent = True
        for change in self.captured:
            if not change.row.done():
                change.row.set_exception(error)

    async def _send(self, alike: list[_Captured]) -> None:
        first = alike[0]
        if isinstance(first.statement, Create):
            values = exact_json.rows_as_json([change.values for change in alike])
            rows = await self.tx.rows(first.statement.bulk, rows=values)
        else:
            if first.statement.first is not None:
                ids = [change.values["id"] for change in alike]
                await self.tx.rows(first.statement.first, ids=ids)
            rows = await self.tx.many(first.statement, [_expecting(change) for change in alike])
        if len(rows) != len(alike):
            raise CannotPipeline  # one of them found nothing to change: its handler has to say why
        for change, row in zip(alike, rows, strict=True):
            change.row.set_result(row)


def _expecting(change: _Captured) -> Values:
    return {"expected": change.db.expected, "wanted": change.db.wanted, **change.values}


class CapturingDb(Db):
    """The database of one handler among many: its first statement must be a change, and its only
    one.
    """

    __slots__ = ("pipeline", "place")
    is_pipelined = True

    def __init__(self, pipeline: Pipeline, place: int) -> None:
        tx = pipeline.tx
        super().__init__(tx.database, tx.scope, tx.viewer_values, tx.origin, tx.action, tx.channel)
        self.connection = tx.connection
        self.pipeline = pipeline
        self.place = place

    async def row(self, statement: Statement, /, **values: Any) -> Record | None:
        if not isinstance(statement, Change):
            raise CannotPipeline
        row: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        return await self.pipeline.capture(_Captured(self.place, self, statement, values, row))

    async def rows(self, _statement: Statement, /, **_values: Any) -> NoReturn:
        raise CannotPipeline

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        raise CannotPipeline
        yield

    @asynccontextmanager
    async def transaction(self, **_how: bool) -> Any:
        raise CannotPipeline
        yield
