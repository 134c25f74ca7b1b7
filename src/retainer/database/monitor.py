"""The connection of each process that listens for notifications and notices when the database is
gone.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

from retainer.database import constraint_messages
from retainer.database.database import Database
from retainer.database.pool import UNREACHABLE, Connection, connect

CHECK_PAUSE = 0.4  # seconds between checks
CHECK_SECONDS = 1.0  # the longest that a check or a connection attempt may take

Listener: TypeAlias = tuple[str, Callable[[str], None]]  # a channel, and what takes its payloads


class EventLog(Protocol):
    """A log that takes events by name."""

    def event(self, event: str, **fields: object) -> None: ...


class Cache(Protocol):
    """A cache that notifications keep true: it may hold rows only between the two calls."""

    def connected(self) -> None: ...

    def lost(self) -> None: ...


class Monitor:
    """Keeps one connection open, hands notifications to the listeners in their order, and sets
    `Database.is_up`.
    """

    def __init__(
        self, database: Database, cache: Cache, log: EventLog, listeners: Iterable[Listener]
    ) -> None:
        self.database = database
        self.cache = cache
        self.log = log
        self.listeners = tuple(listeners)
        self.connected = asyncio.Event()  # set from the first connection on

    async def run(self) -> None:
        """Connect, listen and check until cancelled; after a loss, log it and connect again."""
        while True:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    connection = await connect(self.database.pool.url)
            except UNREACHABLE as error:
                self._lost(error)
                await asyncio.sleep(CHECK_PAUSE)
                continue
            try:
                await self._watch(connection)
            except UNREACHABLE as error:
                self._lost(error)
            finally:
                connection.terminate()

    async def _watch(self, connection: Connection) -> None:
        self.database.messages = await constraint_messages.load(connection)
        for channel in dict(self.listeners):
            await connection.add_listener(channel, self._notified)
        self.cache.connected()
        self.database.is_up = True
        if self.connected.is_set():
            self.log.event("database is back")
        self.connected.set()
        while True:
            await asyncio.sleep(CHECK_PAUSE)
            async with asyncio.timeout(CHECK_SECONDS):
                await connection.execute("SELECT 1")

    def _notified(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        for of_channel, listener in self.listeners:
            if of_channel == channel:
                listener(str(payload))

    def _lost(self, error: Exception) -> None:
        if self.database.is_up:
            self.log.event("database is gone", error=type(error).__name__)
        self.database.is_up = False
        self.database.pool.drop()  # what was sent to it may never be answered
        self.cache.lost()
