"""Open pages learn what others change: streams of server-sent events, and the same as a poll
(docs/live.md).

A process notes whose records it changed and tells all processes a moment later, by one statement
that is in nobody's transaction. Each process looks into the journal for the tenants whose people
have a stream here: when it was told, and every two seconds in any case, for what was missed and for
those who tell nobody.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterator

import msgspec

from retainer.database.database import Database
from retainer.errors import Problem, TooManyRequests, Unavailable
from retainer.http.log import Log
from retainer.http.request import Answer, Request, encoded
from retainer.identity.sessions.cache import SESSIONS, Sessions
from retainer.journal import changes
from retainer.journal.changes import Mark
from retainer.journal.live.subscriber import Stream, Watch
from retainer.permissions import Viewer

GATHER_SECONDS = 0.2  # between two tellings
MOST_STREAMS, MOST_OF_SESSION = 500, 10  # of a process, and of one session in it
RETRY_SECONDS = 10

EVENT_STREAM = b"text/event-stream"
_HEADERS = ((b"content-type", EVENT_STREAM), (b"x-accel-buffering", b"no"))


class LiveQuery(msgspec.Struct):
    """The parameters of GET /live: a mark that an earlier answer gave."""

    after: str | None = None


async def show(request: Request) -> Answer:
    """A stream for who accepts one, else what has changed since the mark."""
    given = request.header(b"last-event-id") or request.query.after
    after = changes.mark(given) if given else None
    if EVENT_STREAM in request.headers.get(b"accept", b"") and request.method == "GET":
        stream = await request.app.live.open(request, after)
        return Answer(200, stream.events(request, request.app.live.leave), *_HEADERS)
    mark, pile = await changes.since(request.db, after)
    return encoded(pile.news(mark, with_operations=request.viewer.may("history.read")))


class Live:
    """What one process knows of changes: whom to tell, and who is listening."""

    def __init__(self, database: Database, sessions: Sessions, log: Log) -> None:
        self.database = database
        self.sessions = sessions
        self.log = log
        self.name = secrets.token_hex(5)
        self.watches: dict[int, Watch] = {}  # by tenant
        self.of_session: Counter[int] = Counter()
        self.is_ending = False
        self.listeners = {changes.CHANNEL: self.heard, SESSIONS: self.check}

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
        for stream in self.streams():
            if stream.viewer.user == int(user):
                stream.woken.set()

    def wake(self, tenants: list[int]) -> None:
        for tenant in self.watches.keys() & set(tenants):
            self.watches[tenant].woken.set()

    async def open(self, request: Request, after: Mark | None) -> Stream:
        """A stream from the mark on, or from now. Raises Unavailable or TooManyRequests when there
        are too many.
        """
        self.refuse_too_many(request.viewer)
        stream = Stream(request.viewer, request.db, self.sessions)
        watch = self.join(stream)
        try:
            await watch.begin()
            # Only now: what is committed after this look, the watch finds.
            mark, pile = await changes.since(stream.db, after)
        except BaseException:
            self.leave(stream)
            raise
        stream.take(pile, mark)
        if self.is_ending:
            stream.end()  # at once, with no error: a browser comes back by itself then, elsewhere
        return stream

    def refuse_too_many(self, viewer: Viewer) -> None:
        if self.of_session[viewer.session] >= MOST_OF_SESSION:
            raise TooManyRequests(
                f"At most {MOST_OF_SESSION} streams of one session are open at a time; close a page, or poll.",
                headers=[(b"retry-after", b"%d" % RETRY_SECONDS)],
            )
        if self.of_session.total() >= MOST_STREAMS:
            raise Unavailable(
                "No more streams can be opened at this moment; poll, or try again.", RETRY_SECONDS
            )

    def join(self, stream: Stream) -> Watch:
        tenant = stream.viewer.tenant
        self.of_session[stream.viewer.session] += 1
        if tenant not in self.watches:
            self.watches[tenant] = Watch(self.database.without_viewer(tenant, "", "live"), self.log)
        self.watches[tenant].streams.add(stream)
        return self.watches[tenant]

    def leave(self, stream: Stream) -> None:
        """It has ended; with the last of its tenant the watch does."""
        session, tenant = stream.viewer.session, stream.viewer.tenant
        self.of_session[session] -= 1
        if not self.of_session[session]:
            del self.of_session[session]
        self.watches[tenant].streams.discard(stream)
        if not self.watches[tenant].streams:
            self.watches.pop(tenant).woken.set()

    def end(self) -> None:
        """The server stops: all streams end, and their clients go elsewhere."""
        self.is_ending = True
        for stream in self.streams():
            stream.end()

    def streams(self) -> Iterator[Stream]:
        return (stream for watch in self.watches.values() for stream in watch.streams)
