"""One open stream of server-sent events: the changes that its viewer was not sent yet."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import msgspec

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.errors import Problem
from retainer.http.request import Request
from retainer.identity.sessions.cache import Sessions
from retainer.journal.changes import ChangeBuffer, Position
from retainer.permissions import Viewer

RETRY_SECONDS = 1.0  # while the database is away
HEARTBEAT_SECONDS = 15.0
LIMIT_SECONDS = 2.0  # for a look at the session: on a stuck connection it would wait for ever

# Reads the session without prolonging it: an open stream must not keep an idle session alive.
_SESSION = Statement("""
    SELECT EXISTS (
        SELECT FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
        WHERE s.tenant_id = :tenant AND s.id = :session AND s.expires_at > now()
            AND s.idle_expires_at > now() AND u.is_active AND u.role = :viewer_role
            AND u.contact_id IS NOT DISTINCT FROM :contact)""")


class Subscriber:
    """One open page. Changes that it was not sent yet are merged, so that a slow client costs no
    memory.
    """

    def __init__(self, viewer: Viewer, db: Db, sessions: Sessions) -> None:
        self.viewer = viewer
        self.db = db
        self.sessions = sessions
        self.wakeup = asyncio.Event()
        self.is_ending = False
        self.buffer = ChangeBuffer()
        self.position: Position | None = None
        self.checked = sessions.generation

    def take(self, buffer: ChangeBuffer, position: Position) -> None:
        """Merge the changes that a poll found for this viewer's visibility key."""
        self.position = position
        if buffer:
            self.buffer.merge(buffer)
            self.wakeup.set()

    def visibility_key(self, *, is_personal: bool) -> tuple[object, ...]:
        """A key equal for viewers who see the same records. Among those who see everything, what
        `is_personal` differs by user: private views are their owner's alone.
        """
        viewer = self.viewer
        if viewer.scope == "all" and not is_personal:
            return (viewer.role,)
        return (viewer.role, viewer.user, viewer.contact)

    def end(self) -> None:
        """End the stream: the client has gone, or the server stops."""
        self.is_ending = True
        self.wakeup.set()

    async def events(
        self, request: Request, leave: Callable[["Subscriber"], None]
    ) -> AsyncIterator[bytes]:
        """The bytes of the stream, until it or its session ends."""
        assert request.disconnected is not None
        request.disconnected.add_done_callback(lambda _: self.end())
        try:
            # At random, or all clients of a process that stopped would connect at the same moment.
            retry = random.randint(500, 2500)  # noqa: S311
            yield b"retry: %d\n" % retry + self._event("ready", ChangeBuffer())
            while not self.is_ending:
                is_quiet = await self._is_quiet()
                try:
                    if self.is_ending or await self._has_ended(is_quiet=is_quiet):
                        return
                    yield self._next()
                except (
                    Problem,
                    TimeoutError,
                ):  # without the database nobody knows what this viewer may see
                    await asyncio.sleep(RETRY_SECONDS)
                    yield b": waiting\n\n"
        finally:
            leave(self)

    async def _is_quiet(self) -> bool:
        """Wait for a change or a heartbeat; true when the heartbeat came first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await self.wakeup.wait()
        return not self.wakeup.is_set()

    async def _has_ended(self, *, is_quiet: bool) -> bool:
        """True when the session has ended, or its user's role or contact has changed since the
        stream began. Looked up after a notification about any session, and at each heartbeat.
        """
        generation = self.sessions.generation
        if not is_quiet and self.sessions.listening and generation == self.checked:
            return False
        async with asyncio.timeout(LIMIT_SECONDS):
            is_live = bool(await self.db.value(_SESSION))
        self.checked = generation
        return not is_live

    def _next(self) -> bytes:
        self.wakeup.clear()
        if not self.buffer:
            return b": still here\nid: %b\n\n" % str(self.position).encode()
        event = self._event("changed", self.buffer)
        self.buffer = ChangeBuffer()
        return event

    def _event(self, name: str, buffer: ChangeBuffer) -> bytes:
        assert self.position is not None
        found = buffer.change_set(self.position, with_operations=self.viewer.may("history.read"))
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (
            found.mark.encode(),
            name.encode(),
            msgspec.json.encode(found),
        )
