"""The live updates of one process: which tenants it changed, and who is listening here (docs/live.md).

A process notes whose records it changed and tells all processes a moment later, by one statement
that is in nobody's transaction. Each process polls the journal for the tenants whose people have a
stream here: when it was told, and every two seconds in any case, for what was missed and for those
who tell nobody.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterator

from retainer.database.database import Database
from retainer.errors import Problem, TooManyRequests, Unavailable
from retainer.http.log import Log
from retainer.http.request import Request
from retainer.identity.sessions.cache import SESSIONS, Sessions
from retainer.journal import changes
from retainer.journal.changes import Position
from retainer.journal.live.subscriber import Subscriber
from retainer.journal.live.tenant_poller import TenantPoller
from retainer.permissions import Viewer

GATHER_SECONDS = 0.2  # between two tellings
MOST_STREAMS, MOST_OF_SESSION = 500, 10  # of a process, and of one session in it
RETRY_SECONDS = 10


class Live:
    """What one process knows of changes: whom to tell, and who is listening."""

    def __init__(self, database: Database, sessions: Sessions, log: Log) -> None:
        self.database = database
        self.sessions = sessions
        self.log = log
        self.name = secrets.token_hex(5)
        self.pollers: dict[int, TenantPoller] = {}  # by tenant
        self.of_session: Counter[int] = Counter()
        self.is_ending = False
        self.listeners = [(changes.CHANNEL, self.heard), (SESSIONS, self.check)]

    async def run(self) -> None:
        """Until cancelled: tell all processes whose records this one has changed."""
        while True:
            await asyncio.sleep(GATHER_SECONDS)
            if self.database.changed:
                await self.tell()

    async def tell(self) -> None:
        tenants = sorted(self.database.changed)
        self.database.changed.clear()
        self.wake(tenants)
        try:
            await changes.announce(self.database, self.name, tenants)
        except Problem:
            self.database.changed.update(tenants)

    def heard(self, payload: str) -> None:
        """A process tells whose records have changed."""
        sender, _, tenants = payload.partition(" ")
        if sender != self.name:
            self.wake([int(tenant) for tenant in tenants.split(",")])

    def check(self, user: str) -> None:
        """Something about this user or a session of theirs has changed: their streams see whether
        they go on.
        """
        for subscriber in self.subscribers():
            if subscriber.viewer.user == int(user):
                subscriber.wakeup.set()

    def wake(self, tenants: list[int]) -> None:
        for tenant in self.pollers.keys() & set(tenants):
            self.pollers[tenant].wakeup.set()

    async def open(self, request: Request, after: Position | None) -> Subscriber:
        """A subscriber from the position on, or from now. Raises Unavailable or TooManyRequests when there
        are too many.
        """
        self.refuse_too_many(request.viewer)
        subscriber = Subscriber(request.viewer, request.db, self.sessions)
        poller = self.join(subscriber)
        try:
            await poller.begin()
            # Only now: what is committed after this, the poller finds.
            position, buffer = await changes.since(subscriber.db, after)
        except BaseException:
            self.leave(subscriber)
            raise
        subscriber.take(buffer, position)
        if self.is_ending:
            subscriber.end()  # at once, with no error: a browser comes back by itself then, elsewhere
        return subscriber

    def refuse_too_many(self, viewer: Viewer) -> None:
        if self.of_session[viewer.session] >= MOST_OF_SESSION:
            raise TooManyRequests(
                f"At most {MOST_OF_SESSION} streams of one session are open at a time; close a page, or poll.",
                headers={"retry-after": str(RETRY_SECONDS)},
            )
        if self.of_session.total() >= MOST_STREAMS:
            raise Unavailable(
                "No more streams can be opened at this moment; poll, or try again.", RETRY_SECONDS
            )

    def join(self, subscriber: Subscriber) -> TenantPoller:
        tenant = subscriber.viewer.tenant
        self.of_session[subscriber.viewer.session] += 1
        if tenant not in self.pollers:
            self.pollers[tenant] = TenantPoller(
                self.database.without_viewer(tenant, "", "live"), self.log
            )
        self.pollers[tenant].subscribers.add(subscriber)
        return self.pollers[tenant]

    def leave(self, subscriber: Subscriber) -> None:
        """It has ended; with the last of its tenant the poller does."""
        session, tenant = subscriber.viewer.session, subscriber.viewer.tenant
        self.of_session[session] -= 1
        if not self.of_session[session]:
            del self.of_session[session]
        self.pollers[tenant].subscribers.discard(subscriber)
        if not self.pollers[tenant].subscribers:
            self.pollers.pop(tenant).wakeup.set()

    def end(self) -> None:
        """The server stops: all streams end, and their clients go elsewhere."""
        self.is_ending = True
        for subscriber in self.subscribers():
            subscriber.end()

    def subscribers(self) -> Iterator[Subscriber]:
        return (subscriber for poller in self.pollers.values() for subscriber in poller.subscribers)
