"""Connections to PostgreSQL, each of which remembers the tenant it served, and their pool
(docs/decisions/0004).
"""

import asyncio
from datetime import date
from weakref import WeakSet

import asyncpg

from retainer.database.places import Lane, Places
from retainer.errors import Unavailable

ACQUIRE_SECONDS = 1.0
# A connection that was idle for longer is asked for a sign of life before it is used: a firewall
# may have forgotten it, and would swallow in silence what is sent.
IDLE_SECONDS = 1.0
ALIVE_SECONDS = 0.25  # for that sign
GRACE_SECONDS = 1.0  # that we wait for a statement longer than PostgreSQL lets it run
APPLICATION = "retainer_app"  # the role of requests, which row-level security binds
CONNECT_SECONDS = 10.0  # for commands; requests give up long before
# The connection can no longer be used. asyncpg raises InternalClientError where the server ended
# it while it was idle.
BROKEN = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class Unprotected(Exception):
    """A connection lacks a protection that was asked for; the text says which, to the operator."""


SHARED = "a pooler lets several clients share a connection; name PostgreSQL's own address"
UNREACHABLE = (*BROKEN, asyncpg.PostgresError, TimeoutError, Unprotected)

# Everything that is set on a connection before it serves a tenant, in one round trip.
SERVE = """
    SELECT set_config('retainer.tenant', $1, false), set_config('plan_cache_mode', $2, false),
        set_config('enable_seqscan', $3, false), set_config('statement_timeout', $4, false)
"""
# Statements that nobody composes are planned once a connection, for any values: planning takes
# longer than they do. Without sequential scans, or the plan of a table that is still empty would
# read all of it when it is large (docs/decisions/0027).
PLANNED_ONCE = ("force_generic_plan", "off")
# In a list with filters of the user's choice that plan may be far off for the values sent.
SHORT_LIMITS = ("force_custom_plan", "on", "2s")
_SET = """
    SELECT name, set_config(name, value, false)
    FROM unnest($1::text[], $2::text[]) AS setting (name, value)
"""
_LOOK = """
    SELECT current_user::text AS role, pg_backend_pid() AS pid,
        row_security_active('organizations') AS is_bound,
        current_setting('transaction_read_only')::boolean AS takes_no_writes,
        ARRAY(SELECT current_setting(name)
            FROM unnest($1::text[]) WITH ORDINALITY AS asked (name, place)
            ORDER BY place) AS settings
"""


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection. `serves` is the tenant it is set to, and True with the short timeout; None when
    that is not certain. `idle_since` is the time on the clock of the event loop. `is_unreplicated`
    after a COMMIT that did not wait for its standby, because somebody cancelled it.
    """

    serves: tuple[int, bool] | None = None
    idle_since = 0.0
    is_unreplicated = False
    asked: dict[str, str]  # settings of a connection for requests, as PostgreSQL repeats them


class Pool:
    """Up to `size` connections as the application role, the most recently used first.

    asyncpg's own pool costs a future, two timers and a proxy per use; this one keeps a list. A
    connection whose use did not end cleanly is closed instead of taken back.
    """

    def __init__(self, url: str, size: int, statement_seconds: float) -> None:
        self.url = url
        self.statement_limit = f"{int(statement_seconds * 1000)}ms"
        self.answer_seconds = statement_seconds + GRACE_SECONDS
        self.size = size
        self.places = Places(size)
        self.connecting = 0
        self.idle: list[Connection] = []
        self.open: WeakSet[Connection] = WeakSet()
        self.fault: Exception | None = None  # why connections are refused; the monitor clears it
        self.monitor_pid = 0  # of the monitor's backend, which no other connection shares

    async def acquire(self, lane: Lane, *, short_timeout: bool = False) -> Connection:
        """A connection, if possible one that last served with the same timeout. Raises Unavailable
        after about a second.
        """
        try:
            await self.places.acquire(lane, ACQUIRE_SECONDS)
        except TimeoutError:
            raise Unavailable("All database connections are busy. Try again shortly.") from None
        try:
            while (index := self._best(short_timeout)) is not None:
                connection = self.idle.pop(index)
                if await self._is_usable(connection):
                    return connection
            return await self._connect()
        except BaseException:
            self.places.release(lane)
            raise

    async def _is_usable(self, connection: Connection) -> bool:
        """False for a closed connection, and for one that has been idle and gives no sign of life.
        Those that have been idle for as long are closed with it.
        """
        if connection.is_closed():
            return False
        if asyncio.get_running_loop().time() - connection.idle_since < IDLE_SECONDS:
            return True
        try:
            async with asyncio.timeout(ALIVE_SECONDS):
                await connection.execute("SELECT 1")
        except UNREACHABLE:
            for each in [connection, *self.idle]:
                if each.idle_since <= connection.idle_since:
                    each.terminate()
            return False
        except BaseException:
            connection.terminate()
            raise
        return True

    def _best(self, short_timeout: bool) -> int | None:
        """The index in `idle` of the connection to use, or None to open a new one.

        The best is the last used with this timeout. If there is none, a new one is opened while
        the pool has fewer than `size`: pages send statements with both timeouts, and with a single
        connection each of them would have to set its timeout first.
        """
        for index in range(len(self.idle) - 1, -1, -1):
            serves = self.idle[index].serves
            if serves is None or serves[1] == short_timeout:
                return index
        open = sum(not connection.is_closed() for connection in self.open)
        if self.idle and open + self.connecting >= self.size:
            return -1
        return None

    def release(self, connection: Connection, lane: Lane, *, clean: bool) -> None:
        if clean and not connection.is_closed() and not connection.is_in_transaction():
            connection.idle_since = asyncio.get_running_loop().time()
            self.idle.append(connection)
        else:
            connection.terminate()
        self.places.release(lane)

    async def _connect(self) -> Connection:
        self.connecting += 1
        try:
            async with asyncio.timeout(ACQUIRE_SECONDS * 2):
                connection = await self.connect()
        except (Unprotected, asyncpg.CannotConnectNowError) as error:
            self.fault = error  # the monitor says so, and nobody is served until it is cured
            raise Unavailable from error
        except UNREACHABLE as error:
            raise Unavailable from error
        finally:
            self.connecting -= 1
        self.open.add(connection)
        return connection

    async def open_first(self) -> None:
        """Open a connection before it is asked for, to see whether that can be done. Raises what
        connecting raises.
        """
        connection = await self.connect()
        connection.idle_since = asyncio.get_running_loop().time()
        self.open.add(connection)
        self.idle.append(connection)

    async def connect(self) -> Connection:
        """A connection as requests have it, its role and its limits set and looked at again: what
        stands between may lose them. Raises Unprotected.
        """
        connection = await connect(self.url, answer_seconds=self.answer_seconds)
        try:
            settings = {
                # PostgreSQL ends a statement a little before the request's own deadline.
                "statement_timeout": self.statement_limit,
                "idle_in_transaction_session_timeout": "60s",
                # Statements are short: starting parallel workers or the JIT compiler would take
                # longer than they do.
                "max_parallel_workers_per_gather": "0",
                "jit": "off",
                "row_security": "on",
                "role": APPLICATION,
            }
            asked = await connection.fetch(_SET, list(settings), list(settings.values()))
            connection.asked = dict(map(tuple, asked))
            await self.look(connection, not_pid=self.monitor_pid)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def look(self, connection: Connection, *, not_pid: int = 0) -> int:
        """The process id of the connection's backend. Raises Unprotected when its role, its limits
        or row-level security are not as they were set, when it takes no writes, which reads of
        sessions are too, or when the backend is one of another connection.
        """
        row = await connection.fetchrow(_LOOK, list(connection.asked))
        found = zip(connection.asked.items(), row["settings"], strict=True)
        wrong = [
            f"{name} is {is_} and not {wanted}" for (name, wanted), is_ in found if is_ != wanted
        ]
        if row["role"] != APPLICATION:
            wrong.append(f"statements run as {row['role']} and not as {APPLICATION}")
        if not row["is_bound"]:
            wrong.append(f"row-level security does not bind {row['role']}")
        if row["takes_no_writes"]:
            wrong.append("it takes no writes: it is read-only, or a standby")
        if row["pid"] == not_pid:
            wrong.append(SHARED)
        if wrong:
            raise Unprotected("; ".join(wrong))
        return int(row["pid"])

    def drop(self) -> None:
        """Close every connection at once; statements in flight fail."""
        for connection in list(self.open):
            connection.terminate()


async def connect(url: str, *, answer_seconds: float | None = None, **settings: str) -> Connection:
    """A connection as the owner, in UTC, JSON as bytes. A statement without an answer after
    `answer_seconds` raises TimeoutError.
    """
    try:
        connection: Connection = await asyncpg.connect(
            url,
            connection_class=Connection,
            timeout=CONNECT_SECONDS,
            command_timeout=answer_seconds,
            statement_cache_size=500,
            server_settings={"timezone": "UTC", "application_name": "retainer", **settings},
        )
    except ValueError as error:
        if isinstance(error, asyncpg.InterfaceError):
            raise
        # asyncpg's own message quotes a part of the URL, which may be a part of the password.
        raise asyncpg.InterfaceError(
            "the address in RETAINER_DATABASE_URL cannot be read;"
            " percent-encode what is special in its password"
        ) from None
    connection.add_log_listener(_noticed)
    await connection.set_type_codec(
        "json",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: value,
        decoder=lambda value: value,
    )
    # As text: asyncpg would read Python's first and last date as -infinity and infinity.
    await connection.set_type_codec(
        "date", schema="pg_catalog", encoder=date.isoformat, decoder=str
    )
    return connection


def _noticed(connection: Connection, message: asyncpg.PostgresLogMessage) -> None:
    """Note the warning that a COMMIT gave up waiting for its standby. Told by PostgreSQL's own
    function, because its words may be in any language. It is called before whoever sent the COMMIT
    goes on.
    """
    if message.server_source_function == "SyncRepWaitForLSN":
        connection.is_unreplicated = True
