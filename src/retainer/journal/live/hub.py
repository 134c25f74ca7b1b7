"""The live updates of one process: the tenants it changed, and its open streams (docs/live.md).

A process notes which tenants it changed and notifies all processes a moment later, by one statement
outside any transaction: a NOTIFY inside a transaction makes commits wait for each other. Each
process polls the journal for the tenants with streams here: after a notification, and every two
seconds in any case, because a notification can be lost, and commands send none.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterator

from retainer.database.database import Database
from retainer.errors import Problem, TooManyRequests, Unavailable
from retainer.http.log import Log
from retainer.http.request import Request
from retainer.http.shares.holder import Holder, Holdings, holder_of
from retainer.identity.sessions.cache import SESSIONS, Sessions
from retainer.journal import changes
from retainer.journal.changes import Position
from retainer.journal.live.subscriber import Subscriber
from retainer.journal.live.tenant_poller import TenantPoller
from retainer.permissions import Viewer

NOTIFY_SECONDS = 0.2  # between two notifications
LIMIT_SECONDS = 2.0  # for a notification: on a stuck connection it would wait for ever
MAX_STREAMS = 500  # of a process
MAX_STREAMS_OF_SESSION = 10  # of one session in a process
RETRY_SECONDS = 10


class Live:
    """The tenants that this process changed and has not announced, and its open streams."""

    def __init__(
        self, database: Database, sessions: Sessions, log: Log, places: int = MAX_STREAMS
    ) -> None:
        self.places = places
        self.database = database
        self.sessions = sessions
        self.log = log
        self.name = secrets.token_hex(5)
        self.pollers: dict[int, TenantPoller] = {}  # by tenant
        self.of_session: Counter[int] = Counter()
        self.holders: dict[Subscriber, Holder] = {}  # the oldest first
        self.held = Holdings()
        self.is_ending = False
        self.listeners = [(changes.CHANNEL, self.on_notification), (SESSIONS, self.check)]

    async def run(self) -> None:
        """Announce the tenants that this process changed to all processes, until cancelled."""
        while True:
            await asyncio.sleep(NOTIFY_SECONDS)
            if self.database.changed:
                await self.announce()

    async def announce(self) -> None:
        tenants = sorted(self.database.changed)
        self.database.changed.clear()
        self.wake(tenants)
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                await changes.announce(self.database, self.name, tenants)
        except (Problem, TimeoutError):
            self.database.changed.update(tenants)

    def on_notification(self, payload: str) -> None:
        """Poll the tenants that a process has announced."""
        sender, _, tenants = payload.partition(" ")
        if sender != self.name:
            self.wake([int(tenant) for tenant in tenants.split(",")])

    def check(self, user: str) -> None:
        """Let the streams of a user check their sessions: something about the user has changed."""
        for subscriber in self.subscribers():
            if subscriber.viewer.user == int(user):
                subscriber.wakeup.set()

    def wake(self, tenants: list[int]) -> None:
        for tenant in self.pollers.keys() & set(tenants):
            self.pollers[tenant].wakeup.set()

    async def open(self, request: Request, after: Position | None) -> Subscriber:
        """A subscriber from the position on, or from now. Raises Unavailable or TooManyRequests
        when there are too many.
        """
        self.refuse_too_many(request.viewer)
        subscriber = Subscriber(request.viewer, request.db, self.sessions)
        poller = self.join(subscriber)
        try:
            await poller.begin()
            # Read once the poller has begun: it finds everything that is committed after this.
            position, buffer = await changes.since(subscriber.db, after)
        except BaseException:
            self.leave(subscriber)
            raise
        subscriber.take(buffer, position)
        if self.is_ending:
            # Ended without an error, so that the browser connects again by itself, elsewhere.
            subscriber.end()
        return subscriber

    def refuse_too_many(self, viewer: Viewer) -> None:
        if self.of_session[viewer.session] >= MAX_STREAMS_OF_SESSION:
            raise TooManyRequests(
                f"At most {MAX_STREAMS_OF_SESSION} streams of one session are open at a time; "
                "close a page, or poll.",
                headers={"retry-after": str(RETRY_SECONDS)},
            )
        if self.held.total >= self.places:
            self._make_room(holder_of(viewer))

    def _make_room(self, newcomer: Holder) -> None:
        """End the oldest stream of whoever has most in the tenant that has most. Raises Unavailable
        where nobody has more than is due to them.
        """
        largest = self.held.largest()
        if largest.group == newcomer.group:  # only of who has more than one browser may have
            can_spare = self.held.of_holder[largest] > MAX_STREAMS_OF_SESSION
        else:
            can_spare = self.held.size(largest)[0] > self.held.size(newcomer)[0] + 1
        if largest == newcomer or not can_spare:
            raise Unavailable(
                "No more streams can be opened at this moment; poll, or try again.", RETRY_SECONDS
            )
        oldest = next(each for each, holder in self.holders.items() if holder == largest)
        self._release(oldest)
        oldest.end()

    def _release(self, subscriber: Subscriber) -> None:
        holder = self.holders.pop(subscriber, None)
        if holder is not None:
            self.held.add(holder, -1)

    def join(self, subscriber: Subscriber) -> TenantPoller:
        tenant = subscriber.viewer.tenant
        self.of_session[subscriber.viewer.session] += 1
        self.holders[subscriber] = holder_of(subscriber.viewer)
        self.held.add(self.holders[subscriber])
        if tenant not in self.pollers:
            self.pollers[tenant] = TenantPoller(
                self.database.without_viewer(tenant, "", "live"), self.log
            )
        self.pollers[tenant].subscribers.add(subscriber)
        return self.pollers[tenant]

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a subscriber that has ended, and with the last of a tenant its poller."""
        self._release(subscriber)
        session, tenant = subscriber.viewer.session, subscriber.viewer.tenant
        self.of_session[session] -= 1
        if not self.of_session[session]:
            del self.of_session[session]
        self.pollers[tenant].subscribers.discard(subscriber)
        if not self.pollers[tenant].subscribers:
            self.pollers.pop(tenant).wakeup.set()

    def end(self) -> None:
        """End all streams, as the server stops; their clients connect elsewhere."""
        self.is_ending = True
        for subscriber in self.subscribers():
            subscriber.end()

    def subscribers(self) -> Iterator[Subscriber]:
        return (subscriber for poller in self.pollers.values() for subscriber in poller.subscribers)
