"""Session cache of a process: from a cookie's value to its viewer, until PostgreSQL notifies it of
a change.
"""

import time
from collections import defaultdict
from datetime import timedelta

from retainer.database.database import Database
from retainer.identity.tokens import digest
from retainer.permissions import Viewer, viewer

SESSIONS = "retainer_sessions"  # channel of notifications; the payload is a user's id
REMEMBER = 60.0  # seconds; reading the row again also records that the session was seen
MAX_REMEMBERED = 20_000

_READ = "SELECT * FROM session_of_token($1, $2)"


class Sessions:
    """Viewers by their cookies.

    A row is read once and remembered for a minute. A change of the session or of its user, by any
    process, arrives as a notification and removes it. While no notifications arrive (the connection
    is lost) every row is read anew.
    """

    def __init__(self, database: Database, idle_hours: float) -> None:
        self.database = database
        self.idle = timedelta(hours=idle_hours)
        self.listening = False
        # Counts notifications: a row whose reading one of them overtook may be out of date, and is
        # not remembered.
        self.generation = 0
        self.known: dict[bytes, tuple[Viewer, float]] = {}
        self.of_user: defaultdict[int, set[bytes]] = defaultdict(set)
        self.listeners = [(SESSIONS, lambda user: self.forget(int(user)))]

    async def viewer(self, token: str) -> Viewer | None:
        """Viewer of a cookie's value; None when it belongs to no live session."""
        key = digest(token)
        known = self._known(key)
        if known is not None:
            return known
        generation = self.generation
        rows = await self.database.plain(_READ, key, self.idle)
        if not rows:
            return None
        found = viewer(rows[0])
        if self.listening and generation == self.generation:
            self._remember(key, found, min(REMEMBER, rows[0]["seconds_left"] / 2))
        return found

    def remembered(self, token: str) -> Viewer | None:
        """Viewer of a cookie's value, where its row need not be read; else None."""
        return self._known(digest(token))

    def _known(self, key: bytes) -> Viewer | None:
        known = self.known.get(key)
        if known is None or known[1] <= time.monotonic():
            return None
        return known[0]

    def _remember(self, key: bytes, found: Viewer, seconds: float) -> None:
        if len(self.known) >= MAX_REMEMBERED:
            self.forget_all()
        self.known[key] = (found, time.monotonic() + seconds)
        self.of_user[found.user].add(key)

    def forget(self, user: int) -> None:
        """Drop the sessions of a user who, or one of whose sessions, has changed."""
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
