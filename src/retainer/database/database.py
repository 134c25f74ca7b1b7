"""The database as requests use it: statements bound to a viewer, one transaction per writing
request, and what PostgreSQL refuses said in the API's words.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

import asyncpg
import msgspec

from retainer.database.group_commit import GroupCommit
from retainer.database.pool import ACQUIRE_SECONDS, BROKEN, Connection, Pool
from retainer.database.read_coalescing import ReadCoalescer
from retainer.database.refusals import Messages, refusal
from retainer.database.statement import Create, Statement
from retainer.database.stored import Stored
from retainer.errors import NotFound, Problem, Unavailable
from retainer.permissions import Scope, Viewer

CHUNK = 500  # rows of a whole list per statement
STREAMS = 4  # connections that whole lists may hold at the same time
BULKS = 2  # connections that requests of many writes may hold at the same time

Values = dict[str, Any]
Rows = list[asyncpg.Record]


class Rollback(Exception):
    """Rolls the transaction or savepoint back though nothing is wrong."""


class Database:
    """The part that all requests of a process share: the pool, read coalescing, group commit, and
    the bounds on streams and bulk writes.
    """

    def __init__(self, url: str, *, size: int, statement_seconds: float) -> None:
        self.pool = Pool(url, size, statement_seconds)
        self.coalescers: dict[tuple[Statement, int, Scope, int | None, int], ReadCoalescer] = {}
        self.group_commit = GroupCommit(self.writing, self.send_each)
        self.streams = asyncio.Semaphore(STREAMS)
        self.bulks = asyncio.Semaphore(BULKS)
        self.is_up = False  # kept by the monitor; while False requests fail fast
        self.messages: Messages = {}  # read by the monitor
        self.statements = 0  # how many were sent, for tests that count
        # Tenants of which something was committed, until all processes are told.
        self.changed: set[int] = set()

    def of(self, viewer: Viewer, request_id: str, action: str, via: str = "api") -> "Db":
        """The database as this viewer sees it, for one request."""
        return Db(self, viewer.scope, viewer.values, request_id, action, via)

    def without_viewer(
        self, tenant: int, request_id: str, action: str, via: str = "api", **who: object
    ) -> "Db":
        """The database of one tenant before anybody is signed in (login, set-up)."""
        return Db(self, "all", {"tenant": tenant, **who}, request_id, action, via)

    async def stream_place(self) -> None:
        """Wait for one more whole list to be allowed. Raises Unavailable after about a second."""
        if self.streams.locked():
            try:
                async with asyncio.timeout(ACQUIRE_SECONDS), self.streams:
                    pass
            except TimeoutError:
                raise Unavailable(
                    "Too many whole lists are being sent at this moment. Try again shortly."
                ) from None

    async def plain(self, text: str, *arguments: object) -> Rows:
        """A statement that needs no tenant: what precedes signing in, and throttles."""
        async with self.connection(None) as connection:
            return await self.send(connection, text, arguments)

    @asynccontextmanager
    async def connection(
        self, tenant: int | None, *, short_timeout: bool = False, writes: bool = False
    ) -> AsyncIterator[Connection]:
        """A connection on which the tenant and the limits are set; given back clean, or closed."""
        if not self.is_up:
            raise Unavailable
        connection = await self.pool.acquire(short_timeout=short_timeout)
        clean = False
        try:
            if tenant is not None and connection.serves != (tenant, short_timeout):
                connection.serves = None
                limits = SHORT if short_timeout else ("auto", self.pool.statement_limit)
                await self.send(connection, _SERVE, (str(tenant), *limits))
                connection.serves = (tenant, short_timeout)
            yield connection
            clean = True
            if writes and tenant:
                self.changed.add(tenant)
        except (Problem, Rollback):
            clean = True  # PostgreSQL answered and the connection is in step
            raise
        finally:
            self.pool.release(connection, clean=clean)

    def writing(self, tenant: int) -> AbstractAsyncContextManager[Connection]:
        """A connection for statements that change something of the tenant's."""
        return self.connection(tenant, writes=True)

    async def send(self, connection: Connection, text: str, arguments: Sequence[object]) -> Rows:
        """The rows of one statement; what PostgreSQL refuses becomes a Problem."""
        return await self._answer(connection, connection.fetch(text, *arguments))

    async def send_each(
        self, connection: Connection, text: str, arguments: list[list[object]]
    ) -> Rows:
        """The rows of one statement sent once for each list of arguments, in one go."""
        return await self._answer(connection, connection.fetchmany(text, arguments))

    async def _answer(self, connection: Connection, answer: Awaitable[Rows]) -> Rows:
        self.statements += 1
        try:
            return await answer
        except asyncpg.PostgresError as error:
            raise refusal(error, self.messages) from error
        except BROKEN as error:
            connection.terminate()
            raise Unavailable(LOST) from error


# Everything that is set on a connection before it serves somebody, in one statement.
_SERVE = """
    SELECT set_config('retainer.tenant', $1, false), set_config('plan_cache_mode', $2, false),
        set_config('statement_timeout', $3, false)
"""
# Planned for the values that are sent: a list that somebody filters as they like.
SHORT = ("force_custom_plan", "2s")

LOST = (
    "The connection to the database was lost; whether a change was made is not known."
    " Look before trying again."
)


class Db:
    """The database bound to a viewer and a request: tenant, visibility and actor are in every
    statement it sends.

    Statements are given by value names; `:tenant`, `:user`, `:contact`, `:session`, `:viewer_role`,
    `:via`, `:request` and `:action` are filled in here, and so are `:expected` and `:wanted`: the
    ETags, without quotes, of which a row that is changed must have one (wanted) or none; None
    expects nothing.
    """

    __slots__ = (
        "action",
        "database",
        "expected",
        "held",
        "request_id",
        "scope",
        "via",
        "viewer_values",
        "wanted",
    )

    def __init__(
        self,
        database: Database,
        scope: Scope,
        viewer_values: Values,
        request_id: str,
        action: str,
        via: str,
    ) -> None:
        self.database = database
        self.scope = scope
        self.viewer_values = viewer_values
        self.request_id = request_id
        self.action = action
        self.via = via
        self.held: Connection | None = None  # the transaction's connection
        self.expected: list[str] | None = None
        self.wanted = True

    async def rows(self, statement: Statement, /, **values: object) -> Rows:
        """All rows of one statement, which is its own transaction unless one is open."""
        text, arguments = self.bind(statement, values)
        if self.held is not None:
            return await self.database.send(self.held, text, arguments)
        tenant = self.viewer_values["tenant"]
        async with self.database.connection(
            tenant, short_timeout=statement.short_timeout, writes=statement.writes
        ) as connection:
            return await self.database.send(connection, text, arguments)

    async def row(self, statement: Statement, /, **values: object) -> asyncpg.Record | None:
        """The first row, or None."""
        rows = await self.rows(statement, **values)
        return rows[0] if rows else None

    async def get(self, statement: Statement, key: int) -> Stored:
        """The record of an id, by a statement for `point`. Raises NotFound."""
        row = await self.point(statement, key)
        if row is None:
            raise NotFound
        return Stored(*row)

    async def stored(self, statement: Statement, /, **values: object) -> Stored | None:
        """The record that a statement of id, version and JSON answers, or None."""
        row = await self.row(statement, **values)
        return None if row is None else Stored(*row)

    async def create(self, statement: Create, /, **values: object) -> Stored | None:
        """The record that is made, or None. Creates that arrive together share a transaction, unless
        they refer to rows: those they may have to wait for, or find gone (docs/decisions/0018).
        """
        if self.held is None and all(values[name] is None for name in statement.references):
            text, arguments = self.bind(statement.grouped, values)
            tenant = self.viewer_values["tenant"]
            row = await self.database.group_commit.create(tenant, text, arguments)
            if row is not None:
                return Stored(*row)
        return await self.stored(statement, **values)

    async def value(self, statement: Statement, /, **values: object) -> Any:
        """The first column of the first row, or None."""
        row = await self.row(statement, **values)
        return None if row is None else row[0]

    async def point(self, statement: Statement, key: int) -> asyncpg.Record | None:
        """One row by id. Reads of one tenant and visibility that arrive together share one
        statement, whose :ids is an array and whose first column is the id.
        """
        if self.held is not None:
            return await self.row(statement, ids=[key])
        contact = self.viewer_values["contact"] if self.scope != "all" else None
        user = self.viewer_values["user"] if self.scope != "all" else 0
        group = (statement, self.viewer_values["tenant"], self.scope, contact, user)
        coalescers = self.database.coalescers
        coalescer = coalescers.get(group)
        if coalescer is None:
            coalescer = coalescers[group] = ReadCoalescer(lambda: coalescers.pop(group, None))
        return await coalescer.read(lambda ids: self.rows(statement, ids=ids), key)

    @asynccontextmanager
    async def transaction(
        self, *, snapshot: bool = False, dry: bool = False
    ) -> AsyncIterator[Self]:
        """Several statements that hold together; `snapshot` for reading only, all at one point in
        time; `dry` to check every constraint at once and roll back in any case. Inside one that is
        open they become part of it.
        """
        if self.held is not None:
            yield self
            return
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if snapshot else "BEGIN"
        begin += "; SET CONSTRAINTS ALL IMMEDIATE" if dry else ""
        async with self.database.connection(
            self.viewer_values["tenant"], writes=not (snapshot or dry)
        ) as connection:
            bound = self.bound(connection)
            await self._control(connection, begin)
            try:
                yield bound
            except (Problem, Rollback):
                await self._control(connection, "ROLLBACK")
                raise
            await self._control(connection, "ROLLBACK" if dry else "COMMIT")

    async def many(self, statement: Statement, values: list[Values]) -> Rows:
        """The rows of one statement sent once for each of the values, in one go and inside the open
        transaction.
        """
        assert self.held is not None
        text = statement.compiled[self.scope][0]
        arguments = [self.bind(statement, each)[1] for each in values]
        return await self.database.send_each(self.held, text, arguments)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the open transaction that is taken back when it raises; where none is open,
        nothing.
        """
        if self.held is None:
            yield
            return
        await self._control(self.held, "SAVEPOINT part")
        try:
            yield
        except (Problem, Rollback):
            await self._control(self.held, "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
            raise
        await self._control(self.held, "RELEASE SAVEPOINT part")

    async def estimate(self, statement: Statement, /, **values: object) -> int:
        """About how many rows a statement finds, as the planner thinks."""
        text, arguments = self.bind(statement, values)
        async with self.database.connection(
            self.viewer_values["tenant"], short_timeout=True
        ) as connection:
            plan = await self.database.send(connection, f"EXPLAIN (FORMAT JSON) {text}", arguments)
        return int(msgspec.json.decode(plan[0][0])[0]["Plan"]["Plan Rows"])

    def bound(self, connection: Connection) -> Self:
        """The same, on the connection of a transaction."""
        bound = type(self)(
            self.database, self.scope, self.viewer_values, self.request_id, self.action, self.via
        )
        bound.held, bound.expected, bound.wanted = connection, self.expected, self.wanted
        return bound

    async def _control(self, connection: Connection, text: str) -> None:
        try:
            await connection.execute(text)
        except asyncpg.PostgresError as error:
            raise refusal(error, self.database.messages) from error
        except BROKEN as error:
            connection.terminate()
            raise Unavailable(LOST) from error

    def bind(self, statement: Statement, values: Values) -> tuple[str, list[object]]:
        """The text of a statement and its arguments, in order."""
        text, names = statement.compiled[self.scope]
        known: Values = {
            "request": self.request_id,
            "action": self.action,
            "via": self.via,
            "expected": self.expected,
        }
        known |= {"wanted": self.wanted, **self.viewer_values, **values}
        return text, [known[name] for name in names]
