"""One tenant's looks into the journal, and the open streams that are told of what they find."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import msgspec

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.errors import Problem
from retainer.http.log import Log
from retainer.http.request import Request
from retainer.identity.sessions.cache import Sessions
from retainer.journal import changes as news
from retainer.journal.changes import Mark, Pile
from retainer.permissions import Viewer

PAUSE_SECONDS = 0.25  # between two looks, and as long as a look took
POLL_SECONDS = 2.0
HEARTBEAT_SECONDS = 15.0

# A stream is no use of its session: left open it does not keep the session from ending.
_SESSION = Statement("""
    SELECT EXISTS (SELECT FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
        WHERE s.tenant_id = :tenant AND s.id = :session AND s.expires_at > now() AND s.idle_expires_at > now()
            AND u.is_active AND u.role = :viewer_role AND u.contact_id IS NOT DISTINCT FROM :contact)""")


class Stream:
    """One open page. What it was not sent yet is brought together, so that a slow reader costs no
    memory.
    """

    def __init__(self, viewer: Viewer, db: Db, sessions: Sessions) -> None:
        self.viewer = viewer
        self.db = db
        self.sessions = sessions
        self.sight = (viewer.role, None if viewer.scope == "all" else (viewer.user, viewer.contact))
        self.woken = asyncio.Event()
        self.is_ending = False
        self.pile = Pile()
        self.mark: Mark | None = None
        self.checked = sessions.generation

    def take(self, pile: Pile, mark: Mark) -> None:
        """What a look found for those who see what this viewer sees."""
        self.mark = mark
        if pile:
            self.pile.merge(pile)
            self.woken.set()

    def end(self) -> None:
        """Say no more: the client has gone, or the server stops."""
        self.is_ending = True
        self.woken.set()

    async def events(
        self, request: Request, leave: Callable[["Stream"], None]
    ) -> AsyncIterator[bytes]:
        """The bytes, until it ends or the session does."""
        assert request.left is not None
        request.left.add_done_callback(lambda _: self.end())
        try:
            # Who lost their streams together does not come back together.
            yield b"retry: %d\n" % random.randint(500, 2500) + self._event("ready", Pile())  # noqa: S311
            while not self.is_ending:
                is_quiet = await self._is_quiet()
                try:
                    if self.is_ending or await self._has_ended(is_quiet=is_quiet):
                        return
                    yield self._next()
                except Problem:  # the database is away, and who may be told what is not known
                    await asyncio.sleep(PAUSE_SECONDS * 4)
                    yield b": waiting\n\n"
        finally:
            leave(self)

    async def _is_quiet(self) -> bool:
        """Waits for something to say; whether there was nothing for so long that a word is due all
        the same.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await self.woken.wait()
        return not self.woken.is_set()

    async def _has_ended(self, *, is_quiet: bool) -> bool:
        """Whether the session is over or its user another than when the stream began: looked up
        when something about any session was told since, and now and then.
        """
        generation = self.sessions.generation
        if not is_quiet and self.sessions.listening and generation == self.checked:
            return False
        is_live = bool(await self.db.value(_SESSION))
        self.checked = generation
        return not is_live

    def _next(self) -> bytes:
        self.woken.clear()
        if not self.pile:
            return b": still here\nid: %b\n\n" % str(self.mark).encode()
        event = self._event("changed", self.pile)
        self.pile = Pile()
        return event

    def _event(self, name: str, pile: Pile) -> bytes:
        assert self.mark is not None
        news = pile.news(self.mark, with_operations=self.viewer.may("history.read"))
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (
            news.mark.encode(),
            name.encode(),
            msgspec.json.encode(news),
        )


class Watch:
    """The looks into one tenant's journal, as long as anybody there has a stream in this process."""

    def __init__(self, db: Db, log: Log) -> None:
        self.db = db
        self.log = log
        self.streams: set[Stream] = set()
        self.woken = asyncio.Event()
        self.beginning = asyncio.Lock()
        self.mark: Mark | None = None
        self.seen: list[int] = []  # what earlier looks found and the next might find again
        self.task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Take the first mark, and look on from there."""
        async with self.beginning:
            if self.task is None:  # kept, or it would be collected in the middle of its work
                self.mark = (await news.look(self.db, None)).mark
                self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        """Until nobody is left: look, when woken and now and then; while the database is away, from
        the same mark.
        """
        while self.streams:
            began = time.monotonic()
            self.woken.clear()
            try:
                await self.look()
            except Problem:
                pass
            except Exception as error:
                self.log.unknown(error, path="/live")
            await asyncio.sleep(max(PAUSE_SECONDS, time.monotonic() - began))
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self.woken.wait()

    async def look(self) -> None:
        """What was committed since the last look, told to each as they may know it: those who see
        the same share it.
        """
        found = await news.look(self.db, self.mark, self.seen)
        alike: dict[object, list[Stream]] = {}
        for stream in self.streams:
            alike.setdefault(stream.sight, []).append(stream)
        for streams in alike.values():
            pile = Pile()
            if found.is_partial:
                pile.overflow()
            elif found.operations:
                pile.add(await news.told(streams[0].db, found.operations))
            for stream in streams:
                stream.take(pile, found.mark)
        self.mark = found.mark
        self.seen = [id for id in (*self.seen, *found.operations) if id > found.mark.floor]
