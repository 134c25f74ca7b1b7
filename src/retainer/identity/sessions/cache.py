"""From the cookie to the viewer: session rows, remembered by each process and dropped when
PostgreSQL says so.
"""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

from retainer.database import constraint_messages
from retainer.database.database import Database
from retainer.database.pool import UNREACHABLE, Connection, connect
from retainer.http.log import Log
from retainer.permissions import Viewer, viewer

COOKIE = "connect.sid"
SESSIONS = "retainer_sessions"  # the channel on which the ids of users are told
REMEMBER = 60.0  # seconds; then the row is read again, which also records that the session was seen
CHECK_PAUSE = 0.4  # seconds between looks at the database
CHECK_SECONDS = 1.0
MOST_REMEMBERED = 20_000

_READ = "SELECT * FROM session_by_token($1, $2)"


def digest(token: str) -> bytes:
    """What is stored of a token: its SHA-256. The token itself has 256 random bits and needs no
    salt.
    """
    return hashlib.sha256(token.encode()).digest()


class Sessions:
    """Who each cookie is.

    A row is read once and remembered for a minute; a change of the session or its user, committed
    anywhere, is told by NOTIFY and forgets it. While nobody is listening (the connection is lost)
    every row is read anew.
    """

    def __init__(self, database: Database, idle_hours: float) -> None:
        self.database = database
        self.idle = timedelta(hours=idle_hours)
        self.listening = False
        self.generation = (
            0  # counts what was told, so that a row read before is not remembered after
        )
        self.known: dict[bytes, tuple[Viewer, float]] = {}
        self.of_user: defaultdict[int, set[bytes]] = defaultdict(set)

    async def viewer(self, token: str) -> Viewer | None:
        """The viewer of a cookie's value, or None when it is no live session."""
        key = digest(token)
        known = self.known.get(key)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        generation = self.generation
        rows = await self.database.plain(_READ, key, self.idle)
        if not rows:
            return None
        found = viewer(rows[0])
        if self.listening and generation == self.generation:
            self._remember(key, found, min(REMEMBER, rows[0]["seconds_left"] / 2))
        return found

    def _remember(self, key: bytes, found: Viewer, seconds: float) -> None:
        if len(self.known) >= MOST_REMEMBERED:
            self.forget_all()
        self.known[key] = (found, time.monotonic() + seconds)
        self.of_user[found.user].add(key)

    def forget(self, user: int) -> None:
        """Something about this user or a session of theirs has changed."""
        self.generation += 1
        for key in self.of_user.pop(user, ()):
            self.known.pop(key, None)

    def forget_all(self) -> None:
        self.generation += 1
        self.known.clear()
        self.of_user.clear()


class Monitor:
    """One connection that listens for session changes and shows whether the database answers.
    `listeners` take what is told on each channel.
    """

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        log: Log,
        listeners: dict[str, Callable[[str], None]],
    ) -> None:
        self.database = database
        self.sessions = sessions
        self.log = log
        self.listeners = listeners
        self.connected = asyncio.Event()  # set from the first time on

    async def run(self) -> None:
        """Until cancelled: connect, listen, look every moment; on loss say so and connect again."""
        while True:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    connection = await connect(self.database.pool.url)
            except UNREACHABLE as error:
                self._down(error)
                await asyncio.sleep(CHECK_PAUSE)
                continue
            try:
                await self._watch(connection)
            except UNREACHABLE as error:
                self._down(error)
            finally:
                connection.terminate()

    async def _watch(self, connection: Connection) -> None:
        self.database.messages = await constraint_messages.load(connection)
        for channel in {SESSIONS, *self.listeners}:
            await connection.add_listener(channel, self._told)
        self.sessions.forget_all()
        self.sessions.listening = True
        self.database.is_up = True
        if self.connected.is_set():
            self.log.event("database is back")
        self.connected.set()
        while True:
            await asyncio.sleep(CHECK_PAUSE)
            async with asyncio.timeout(CHECK_SECONDS):
                await connection.execute("SELECT 1")

    def _told(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        if channel == SESSIONS:
            self.sessions.forget(int(str(payload)))
        if channel in self.listeners:
            self.listeners[channel](str(payload))

    def _down(self, error: Exception) -> None:
        if self.database.is_up:
            self.log.event("database is gone", error=type(error).__name__)
        self.database.is_up = False
        self.database.pool.drop()  # what was sent to it may never be answered
        self.sessions.listening = False
        self.sessions.forget_all()
