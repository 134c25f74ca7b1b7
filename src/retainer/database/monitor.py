"""The monitor: one connection per process that listens for notifications and detects an outage of
the database.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

from retainer.database import constraint_messages
from retainer.database.database import Database
from retainer.database.pool import SHARED, UNREACHABLE, Connection, Unprotected

CHECK_PAUSE = 0.4  # seconds between checks
CHECK_SECONDS = 1.0  # timeout of a check and of a connection attempt
START_SECONDS = 3.0  # timeout of what follows a connection: listening, reading the messages

_SIGNATURES = "SELECT value FROM secrets WHERE name = 'signatures'"

Listener: TypeAlias = tuple[str, Callable[[str], None]]  # a channel and its handler


class EventLog(Protocol):
    """A log of named events."""

    def event(self, event: str, **fields: object) -> None: ...


class Cache(Protocol):
    """A cache that notifications invalidate. It may hold rows only from `connected` to `lost`:
    without a connection it would miss notifications, and serve stale rows.
    """

    def connected(self) -> None: ...

    def lost(self) -> None: ...


class Monitor:
    """A connection that is kept open, passes notifications to the listeners in order, and sets
    `Database.is_up`.
    """

    def __init__(
        self, database: Database, cache: Cache, log: EventLog, listeners: Iterable[Listener]
    ) -> None:
        self.database = database
        self.cache = cache
        self.log = log
        self.listeners = tuple(listeners)
        self.connected = asyncio.Event()  # set at the first connection, never cleared
        self.reason = ""  # of the outage, as it was logged

    async def run(self) -> None:
        """Connect, listen and check until cancelled. Log an outage, then connect again."""
        while True:
            try:
                await self._watch()
            except UNREACHABLE as error:
                self._lost(error)
            await asyncio.sleep(CHECK_PAUSE)

    async def _watch(self) -> None:
        """Serve until a check fails. The connection is made as those of requests are: what it
        meets, they would meet.
        """
        pool = self.database.pool
        pool.monitor_pid, pool.fault = 0, None
        async with asyncio.timeout(CHECK_SECONDS):
            connection = await pool.connect()
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._begin(connection)
            while True:
                await asyncio.sleep(CHECK_PAUSE)
                async with asyncio.timeout(CHECK_SECONDS):
                    pid = await pool.look(connection)
                if pid != pool.monitor_pid:
                    raise Unprotected(SHARED)
                if pool.fault is not None:
                    raise pool.fault
        finally:
            connection.terminate()

    async def _begin(self, connection: Connection) -> None:
        pool = self.database.pool
        pool.monitor_pid = await pool.look(connection)
        await pool.open_first()
        self.database.messages = await constraint_messages.load(connection)
        self.database.secret = await connection.fetchval(_SIGNATURES)
        for channel in dict(self.listeners):
            await connection.add_listener(channel, self._notified)
        self.cache.connected()
        self.database.is_up = True
        if self.connected.is_set():
            self.log.event("database is back")
        self.connected.set()
        self.reason = ""

    def _notified(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        for listened, listener in self.listeners:
            if listened == channel:
                listener(str(payload))

    def _lost(self, error: Exception) -> None:
        reason = type(error).__name__
        if isinstance(error, Unprotected):
            reason = str(error)
        # One line an outage: while it lasts, one attempt may fail in another way than the next.
        if not self.reason or (isinstance(error, Unprotected) and reason != self.reason):
            self.log.event("database is gone", error=reason)
            self.reason = reason
        self.database.is_up = False
        self.database.pool.drop()  # statements in flight might never get a reply
        self.cache.lost()
