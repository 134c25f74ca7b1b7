"""Connections to PostgreSQL, and the pool of them, which remember whose tenant they served
(docs/decisions/0004).
"""

import asyncio
from datetime import date
from weakref import WeakSet

import asyncpg

from retainer.errors import Unavailable

ACQUIRE_SECONDS = 1.0
CONNECT_SECONDS = 10.0  # a command gives up then; requests do long before
# The connection is of no more use: it was closed, or told so while it was idle (asyncpg's
# InternalClientError).
BROKEN = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
UNREACHABLE = (*BROKEN, asyncpg.PostgresError, TimeoutError)


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that remembers for which tenant it is set, and whether with the short timeout;
    None when that is not certain.
    """

    serves: tuple[int, bool] | None = None


class Pool:
    """Up to `size` connections as the application role, the most recently used first.

    asyncpg's own pool costs a future, two timers and a proxy per use; this one keeps a list. A
    connection comes back only after a clean end of its use, anything else closes it.
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
        """A connection, one that last served in the same way if there is; or Unavailable within
        about a second.
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
            while (place := self._best(short_timeout)) is not None:
                connection = self.idle.pop(place)
                if not connection.is_closed():
                    return connection
            return await self._connect()
        except BaseException:
            self.places.release()
            raise

    def _best(self, short_timeout: bool) -> int | None:
        """The place of the last used one that need not be told how to serve; else None for a new
        one, while there may be more: a page asks in both ways, and would tell the same one anew
        twice each time. Else the last used.
        """
        for place in range(len(self.idle) - 1, -1, -1):
            serves = self.idle[place].serves
            if serves is None or serves[1] == short_timeout:
                return place
        open = sum(not connection.is_closed() for connection in self.open)
        return -1 if self.idle and open + self.connecting >= self.size else None

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
                    # A statement ends on its own a little before the request's deadline does.
                    statement_timeout=self.statement_limit,
                    idle_in_transaction_session_timeout="60s",
                    # Statements here are short and many: starting helpers or a compiler takes
                    # longer than they do.
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
        """Close every connection at once; who waits on one is told."""
        for connection in list(self.open):
            connection.terminate()


async def connect(url: str, **settings: str) -> Connection:
    """One connection of its own, in UTC, JSON as bytes; as the owner unless a role is set."""
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
        # asyncpg's own message quotes a part of the address, and that may be one of the password.
        raise asyncpg.InterfaceError(
            "the address in RETAINER_DATABASE_URL cannot be read; percent-encode what is special in its password"
        ) from None
    await connection.set_type_codec(
        "json",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: value,
        decoder=lambda value: value,
    )
    # As text: asyncpg takes the first and the last day that Python knows for infinity.
    await connection.set_type_codec(
        "date", schema="pg_catalog", encoder=date.isoformat, decoder=str
    )
    return connection
