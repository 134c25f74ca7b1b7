"""The database as requests use it. Statements are bound to a viewer, a writing request is one
transaction, and PostgreSQL's refusals become Problems in the API's words.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self, TypeVar

import asyncpg
import msgspec

from retainer.database.group_commit import GroupCommit
from retainer.database.places import Lane
from retainer.database.pool import BROKEN, PLANNED_ONCE, SERVE, SHORT_LIMITS, Connection, Pool
from retainer.database.read_coalescing import ReadCoalescer
from retainer.database.refusals import CONNECTION_LOST, UNREPLICATED, Messages, refusal
from retainer.database.statement import Create, Statement
from retainer.database.stored import Stored
from retainer.errors import NotFound, Problem, StorageFull, Unavailable
from retainer.permissions import Scope, Viewer

CHUNK = 500  # rows per statement when a whole list is streamed

Values = dict[str, Any]
Rows = list[asyncpg.Record]
T = TypeVar("T")


class Rollback(Exception):
    """Raised to roll back the transaction or savepoint although nothing is wrong."""


class Database:
    """The part that all requests of a process share: the pool, read coalescing, group commit, and
    the bounds on streams and bulk writes.
    """

    def __init__(self, url: str, *, size: int, statement_seconds: float) -> None:
        self.pool = Pool(url, size, statement_seconds)
        self.coalescers: dict[tuple[object, ...], ReadCoalescer] = {}
        self.group_commit = GroupCommit(self.writing, self.send)
        self.is_up = False  # set by the monitor; while it is False, requests fail at once
        self.is_full = False  # too little space is left; while it is True, changes are refused
        self.messages: Messages = {}  # loaded by the monitor
        self.secret = b""  # of the installation, for signatures; loaded by the monitor
        self.statements = 0  # statements sent so far, counted for the tests
        # Tenants with commits that the other processes have not been notified of yet.
        self.changed: set[int] = set()
        self.commits: Counter[int] = Counter()  # of this process, by tenant

    def of(
        self,
        viewer: Viewer,
        request_id: str,
        action: str,
        channel: str = "api",
        noun: str = "",
        *,
        address: str = "",
    ) -> "Db":
        """The database as this viewer sees it, for one request, which is about a noun and came from
        the address.
        """
        origin = f"{request_id} {address}"
        return Db(self, viewer.scope, viewer.values, origin, action, channel, noun)

    def without_viewer(
        self,
        tenant: int,
        request_id: str,
        action: str,
        channel: str = "api",
        address: str = "",
        **who: object,
    ) -> "Db":
        """The database of one tenant before anybody is signed in (login, set-up)."""
        values = {"tenant": tenant, **who}
        return Db(self, "all", values, f"{request_id} {address}", action, channel, action)

    async def plain(self, text: str, *arguments: object) -> Rows:
        """The rows of a statement that needs no tenant, such as those before signing in."""
        async with self.connection(None, PLAIN) as connection:
            return await self.send(connection, text, arguments)

    @asynccontextmanager
    async def connection(
        self, tenant: int | None, lane: Lane, *, short_timeout: bool = False
    ) -> AsyncIterator[Connection]:
        """A connection with the tenant and the limits set. It goes back to the pool if its use
        ended cleanly, and is closed otherwise.
        """
        if lane.writes and self.is_full:
            raise StorageFull
        if not self.is_up:
            raise Unavailable
        connection = await self.pool.acquire(lane, short_timeout=short_timeout)
        clean = False
        try:
            if tenant is not None and connection.serves != (tenant, short_timeout):
                await self._serve(connection, tenant, short_timeout)
            yield connection
            clean = True
            if lane.writes and tenant:
                self.changed.add(tenant)
                self.commits[tenant] += 1
        except (Problem, Rollback):
            clean = True  # PostgreSQL replied, so the protocol is in a known state
            raise
        finally:
            self.pool.release(connection, lane, clean=clean)

    async def _serve(self, connection: Connection, tenant: int, short_timeout: bool) -> None:
        """Set the tenant and the limits on a connection."""
        limits = (*PLANNED_ONCE, self.pool.statement_limit)
        if short_timeout:
            limits = SHORT_LIMITS
        # Unknown until the statement succeeds: a failure must not leave the former tenant noted.
        connection.serves = None
        await self.send(connection, SERVE, (str(tenant), *limits))
        connection.serves = (tenant, short_timeout)

    def writing(self, tenant: int, noun: str) -> AbstractAsyncContextManager[Connection]:
        """A connection for statements that change data of the tenant."""
        return self.connection(tenant, Lane(noun, writes=True))

    async def send(self, connection: Connection, text: str, arguments: Sequence[object]) -> Rows:
        """The rows of one statement. A refusal by PostgreSQL is raised as a Problem."""
        self.statements += 1
        return await self._result(connection, connection.fetch(text, *arguments))

    async def send_each(
        self, connection: Connection, text: str, arguments: list[list[object]]
    ) -> Rows:
        """The rows of one statement executed once per list of arguments, in one round trip."""
        self.statements += 1
        return await self._result(connection, connection.fetchmany(text, arguments))

    async def control(self, connection: Connection, text: str) -> None:
        """Begin or end a transaction or a part of one."""
        await self._result(connection, connection.execute(text))

    async def _result(self, connection: Connection, pending: Awaitable[T]) -> T:
        try:
            rows = await pending
        except asyncpg.PostgresError as error:
            raise refusal(error, self.messages) from error
        except BROKEN as error:
            connection.terminate()
            raise Unavailable(CONNECTION_LOST) from error
        if connection.is_unreplicated:
            connection.is_unreplicated = False
            raise Unavailable(UNREPLICATED)
        return rows


PLAIN = Lane("account")  # of statements without a tenant: sessions, users by name


class Db:
    """The database bound to a viewer and a request: tenant, visibility and actor are in every
    statement it sends.

    Callers pass a statement's values by name. The following are filled in here: `:tenant`, `:user`,
    `:contact`, `:session`, `:viewer_role`, `:channel`, `:request`, `:action`, `:expected` and
    `:wanted`.

    `expected` holds ETags without their quotes, or None for no precondition. With `wanted` a row
    that is changed must have one of them (If-Match), otherwise none of them (If-None-Match).
    """

    __slots__ = (
        "action",
        "channel",
        "connection",
        "database",
        "expected",
        "noun",
        "origin",
        "scope",
        "viewer_values",
        "wanted",
    )
    is_pipelined = False  # True where it takes one change alone, which is sent with others like it

    def __init__(
        self,
        database: Database,
        scope: Scope,
        viewer_values: Values,
        origin: str,
        action: str,
        channel: str,
        noun: str = "",
    ) -> None:
        self.database = database
        self.scope = scope
        self.viewer_values = viewer_values
        self.origin = origin
        self.action = action
        self.channel = channel
        self.noun = noun  # what the request is about
        self.connection: Connection | None = None  # of the open transaction
        self.expected: list[str] | None = None
        self.wanted = True

    async def rows(self, statement: Statement, /, **values: object) -> Rows:
        """All rows of one statement, which is its own transaction unless one is open."""
        text, arguments = self.bind(statement, values)
        if self.connection is not None:
            if statement.writes and self.database.is_full:
                raise StorageFull
            return await self.database.send(self.connection, text, arguments)
        tenant = self.viewer_values["tenant"]
        lane = Lane(self.noun, statement.writes)
        async with self.database.connection(
            tenant, lane, short_timeout=statement.short_timeout
        ) as connection:
            return await self.database.send(connection, text, arguments)

    async def row(self, statement: Statement, /, **values: object) -> asyncpg.Record | None:
        """The first row, or None."""
        rows = await self.rows(statement, **values)
        if not rows:
            return None
        return rows[0]

    async def get(self, statement: Statement, key: int) -> Stored:
        """The record with this id, read as `point` does. Raises NotFound."""
        row = await self.point(statement, key)
        if row is None:
            raise NotFound
        return Stored(*row)

    async def stored(self, statement: Statement, /, **values: object) -> Stored | None:
        """The record from a statement that selects id, version and JSON, or None."""
        row = await self.row(statement, **values)
        if row is None:
            return None
        return Stored(*row)

    async def create(self, statement: Create, /, **values: object) -> Stored | None:
        """The new record, or None. Creates that arrive together share a statement, unless they
        refer to rows, which may be locked or deleted and would hold up or fail the whole group
        (docs/decisions/0018).
        """
        if self.connection is None and all(values[name] is None for name in statement.references):
            text, names = statement.grouped.compiled[self.scope]
            row = await self.database.group_commit.create(
                self.noun, text, names, self._known(), values
            )
            if row is not None:
                return Stored(*row)
        return await self.stored(statement, **values)

    async def value(self, statement: Statement, /, **values: object) -> Any:
        """The first column of the first row, or None."""
        row = await self.row(statement, **values)
        if row is None:
            return None
        return row[0]

    async def point(self, statement: Statement, key: int) -> asyncpg.Record | None:
        """One row by id. The statement takes an array :ids and selects the id first: reads that
        arrive together for one tenant and visibility are sent as one.
        """
        if self.connection is not None:
            return await self.row(statement, ids=[key])
        contact, user = None, 0  # viewers who see everything share one group
        if self.scope != "all":
            contact, user = self.viewer_values["contact"], self.viewer_values["user"]
        role = self.viewer_values.get("viewer_role")
        group = (statement, self.viewer_values["tenant"], role, contact, user)
        coalescers = self.database.coalescers
        coalescer = coalescers.get(group)
        if coalescer is None:
            coalescer = coalescers[group] = ReadCoalescer(lambda: coalescers.pop(group, None))
        return await coalescer.read(lambda ids: self.rows(statement, ids=ids), key)

    @asynccontextmanager
    async def transaction(
        self, *, snapshot: bool = False, dry: bool = False
    ) -> AsyncIterator[Self]:
        """A transaction; inside an open one, a part of that.

        With `snapshot` it only reads, all at one point in time. With `dry` it checks deferred
        constraints at once and always rolls back.
        """
        if self.connection is not None:
            yield self
            return
        begin, end = "BEGIN", "COMMIT"
        if snapshot:
            begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        if dry:
            begin, end = f"{begin}; SET CONSTRAINTS ALL IMMEDIATE", "ROLLBACK"
        lane = Lane(self.noun, writes=not (snapshot or dry))
        async with self.database.connection(self.viewer_values["tenant"], lane) as connection:
            bound = self.bound(connection)
            await self.database.control(connection, begin)
            try:
                yield bound
            except (Problem, Rollback):
                await self.database.control(connection, "ROLLBACK")
                raise
            await self.database.control(connection, end)

    async def many(self, statement: Statement, values: list[Values]) -> Rows:
        """The rows of one statement executed once for each set of values, in one round trip inside
        the open transaction.
        """
        assert self.connection is not None
        text = statement.compiled[self.scope][0]
        arguments = [self.bind(statement, each)[1] for each in values]
        return await self.database.send_each(self.connection, text, arguments)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A savepoint of the open transaction, rolled back to on a raise. Without an open
        transaction it does nothing.
        """
        connection = self.connection
        if connection is None:
            yield
            return
        await self.database.control(connection, "SAVEPOINT part")
        try:
            yield
        except (Problem, Rollback):
            await self.database.control(
                connection, "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part"
            )
            raise
        await self.database.control(connection, "RELEASE SAVEPOINT part")

    async def estimate(self, statement: Statement, /, **values: object) -> int:
        """The planner's estimate of the number of rows of a statement."""
        text, arguments = self.bind(statement, values)
        async with self.database.connection(
            self.viewer_values["tenant"], Lane(self.noun), short_timeout=True
        ) as connection:
            plan = await self.database.send(connection, f"EXPLAIN (FORMAT JSON) {text}", arguments)
        return int(msgspec.json.decode(plan[0][0])[0]["Plan"]["Plan Rows"])

    def bound(self, connection: Connection) -> Self:
        """The same Db on the connection of a transaction."""
        bound = type(self)(
            self.database,
            self.scope,
            self.viewer_values,
            self.origin,
            self.action,
            self.channel,
            self.noun,
        )
        bound.connection = connection
        bound.expected, bound.wanted = self.expected, self.wanted
        return bound

    def bind(self, statement: Statement, values: Values) -> tuple[str, list[object]]:
        """The text of a statement for this viewer, and its arguments in order."""
        text, names = statement.compiled[self.scope]
        known = self._known() | values
        return text, [known[name] for name in names]

    def _known(self) -> Values:
        """The values that are filled in here."""
        return {
            "request": self.origin,
            "action": self.action,
            "channel": self.channel,
            "expected": self.expected,
            "wanted": self.wanted,
            **self.viewer_values,
        }
