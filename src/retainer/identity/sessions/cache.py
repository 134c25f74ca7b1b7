"""From the cookie to the viewer: session rows, remembered by each process and dropped when
PostgreSQL says so.
"""

import hashlib
import time
from collections import defaultdict
from datetime import timedelta

from retainer.database.database import Database
from retainer.permissions import Viewer, viewer

COOKIE = "connect.sid"
SESSIONS = "retainer_sessions"  # the channel on which the ids of users are told
REMEMBER = 60.0  # seconds; then the row is read again, which also records that the session was seen
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
        self.listeners = [(SESSIONS, lambda user: self.forget(int(user)))]

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

    def connected(self) -> None:
        """Notifications arrive from now on."""
        self.forget_all()
        self.listening = True

    def lost(self) -> None:
        """Notifications may have been missed."""
        self.listening = False
        self.forget_all()

    def forget_all(self) -> None:
        self.generation += 1
        self.known.clear()
        self.of_user.clear()
