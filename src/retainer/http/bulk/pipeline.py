"""Many handlers at once, whose changes are alike, sent as one.

Each handler runs as for a request of its own, on a Db that holds its first change back until every
one of them has come that far. Then the changes go in the order of the handlers: creates as one
statement, other alike ones in one go. What needs more than one change each cannot be gathered, and
is told by raising Alone.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any, NamedTuple, NoReturn, TypeVar

import msgspec
from asyncpg import Record

from retainer.database.database import Db, Rollback, Values
from retainer.database.statement import Change, Create, Statement
from retainer.errors import Problem
from retainer.http.body import Json

T = TypeVar("T")


class Alone(Rollback):
    """These cannot be sent together: what was sent is to be taken back, and done one after the
    other.
    """

    def __init__(self) -> None:
        super().__init__(None)


class _Held(NamedTuple):
    """A change that waits for the others."""

    place: int
    db: Db
    statement: Change
    values: Values
    row: "asyncio.Future[Record]"


class Gathering:
    """The handlers of one go, and their changes."""

    def __init__(self, tx: Db) -> None:
        self.tx = tx
        self.held: list[_Held] = []
        self.running = 0
        self.sent = False

    async def all(self, works: list[Callable[[Db], Awaitable[T]]]) -> list[T | Problem]:
        """What each returns, or the Problem that it raised before it changed anything. Raises
        Alone, and what PostgreSQL refuses.
        """
        self.running = len(works)
        tasks = [asyncio.ensure_future(self._run(place, work)) for place, work in enumerate(works)]
        try:
            await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
        for error in [task.exception() for task in tasks]:
            if error is not None:
                raise error
        return [task.result() for task in tasks]

    async def _run(self, place: int, work: Callable[[Db], Awaitable[T]]) -> T | Problem:
        db = Gathered(self, place)
        try:
            result: T | Problem = await work(db)
        except Alone as alone:
            self._give_up(alone)
            raise
        except Problem as problem:
            if self.sent:
                raise
            result = problem
        if not self.sent:  # it came to its end without a change
            self.running -= 1
            await self._send_if_all()
        return result

    async def take(self, change: _Held) -> Record:
        """The row of a change, once all have come."""
        if self.sent:
            raise Alone
        self.held.append(change)
        self.running -= 1
        await self._send_if_all()
        return await change.row

    async def _send_if_all(self) -> None:
        if self.running or self.sent:
            return
        self.sent = True
        self.held.sort(key=lambda change: change.place)
        try:
            for _, group in groupby(self.held, key=lambda change: id(change.statement)):
                await self._send(list(group))
        except (Problem, Alone) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.sent = True
        for change in self.held:
            if not change.row.done():
                change.row.set_exception(error)

    async def _send(self, alike: list[_Held]) -> None:
        first = alike[0]
        if isinstance(first.statement, Create):
            rows = await self.tx.rows(
                first.statement.bulk, rows=_json([change.values for change in alike])
            )
        else:
            rows = await self.tx.many(first.statement, [_expecting(change) for change in alike])
        if len(rows) != len(alike):
            raise Alone  # one of them found nothing to change: its handler has to say why
        for change, row in zip(alike, rows, strict=True):
            change.row.set_result(row)


def _json(rows: list[Values]) -> str:
    """Rows by column names, for a Create's `bulk`."""
    plain = [
        {k: msgspec.Raw(v.encode()) if isinstance(v, Json) else v for k, v in row.items()}
        for row in rows
    ]
    return msgspec.json.encode(plain).decode()


def _expecting(change: _Held) -> Values:
    return {"expected": change.db.expected, "wanted": change.db.wanted, **change.values}


class Gathered(Db):
    """The database of one handler among many: its first statement must be a change, and its only
    one.
    """

    __slots__ = ("gathering", "place")

    def __init__(self, gathering: Gathering, place: int) -> None:
        tx = gathering.tx
        super().__init__(tx.database, tx.scope, tx.viewer_values, tx.request_id, tx.action, tx.via)
        self.held = tx.held
        self.gathering = gathering
        self.place = place

    async def row(self, statement: Statement, /, **values: Any) -> Record | None:
        if not isinstance(statement, Change):
            raise Alone
        row: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        return await self.gathering.take(_Held(self.place, self, statement, values, row))

    async def rows(self, _statement: Statement, /, **_values: Any) -> NoReturn:
        raise Alone

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        raise Alone
        yield

    @asynccontextmanager
    async def transaction(self, **_how: bool) -> Any:
        raise Alone
        yield
