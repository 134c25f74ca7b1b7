"""Connections to PostgreSQL, each of which remembers the tenant it served, and their pool
(docs/decisions/0004).
"""

import asyncio
from datetime import date
from weakref import WeakSet

import asyncpg

from retainer.errors import Unavailable

ACQUIRE_SECONDS = 1.0
CONNECT_SECONDS = 10.0  # for commands; requests give up long before
# The connection can no longer be used. asyncpg raises InternalClientError where the server ended
# it while it was idle.
BROKEN = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
UNREACHABLE = (*BROKEN, asyncpg.PostgresError, TimeoutError)


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection. `serves` is the tenant it is set to, and True with the short timeout; None when
    that is not certain.
    """

    serves: tuple[int, bool] | None = None


class Pool:
    """Up to `size` connections as the application role, the most recently used first.

    asyncpg's own pool costs a future, two timers and a proxy per use; this one keeps a list. A
    connection whose use did not end cleanly is closed instead of taken back.
    """

    def __init__(self, url: str, size: int, statement_seconds: float) -> None:
        self.url = url
        self.statement_limit = f"{int(statement_seconds * 1000)}ms"
        self.size = size
        self.places = asyncio.Semaphore(size)
        self.connecting = 0
        self.idle: list[Connection] = []
        self.open: WeakSet[Connection] = WeakSet()

    async def acquire(self, *, short_timeout: bool = False) -> Connection:
        """A connection, if possible one that last served with the same timeout. Raises Unavailable
        after about a second.
        """
        if self.places.locked():
            try:
                async with asyncio.timeout(ACQUIRE_SECONDS):
                    await self.places.acquire()
            except TimeoutError:
                raise Unavailable("All database connections are busy. Try again shortly.") from None
        else:
            await self.places.acquire()
        try:
            while (index := self._best(short_timeout)) is not None:
                connection = self.idle.pop(index)
                if not connection.is_closed():
                    return connection
            return await self._connect()
        except BaseException:
            self.places.release()
            raise

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

    def release(self, connection: Connection, *, clean: bool) -> None:
        if clean and not connection.is_closed() and not connection.is_in_transaction():
            self.idle.append(connection)
        else:
            connection.terminate()
        self.places.release()

    async def _connect(self) -> Connection:
        self.connecting += 1
        try:
            async with asyncio.timeout(ACQUIRE_SECONDS * 2):
                connection = await connect(
                    self.url,
                    # PostgreSQL ends a statement a little before the request's own deadline.
                    statement_timeout=self.statement_limit,
                    idle_in_transaction_session_timeout="60s",
                    # Statements are short: starting parallel workers or the JIT compiler would
                    # take longer than they do.
                    max_parallel_workers_per_gather="0",
                    jit="off",
                    role="retainer_app",
                )
        except UNREACHABLE as error:
            raise Unavailable from error
        finally:
            self.connecting -= 1
        self.open.add(connection)
        return connection

    def drop(self) -> None:
        """Close every connection at once; statements in flight fail."""
        for connection in list(self.open):
            connection.terminate()


async def connect(url: str, **settings: str) -> Connection:
    """A connection outside the pool, as the owner unless a `role` is set; in UTC, JSON as bytes."""
    try:
        connection: Connection = await asyncpg.connect(
            url,
            connection_class=Connection,
            timeout=CONNECT_SECONDS,
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
