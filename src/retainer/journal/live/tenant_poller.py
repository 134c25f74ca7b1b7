"""One poller a tenant: reads the journal for the open streams of its people."""

import asyncio
import time
from contextlib import suppress

from retainer.database.database import Db
from retainer.errors import Problem
from retainer.http.log import Log
from retainer.journal import changes
from retainer.journal.changes import ChangeBuffer, Position
from retainer.journal.live.subscriber import Subscriber

PAUSE_SECONDS = 0.25  # between two polls, or as long as a poll took where that is longer
POLL_SECONDS = 2.0
# For a poll, doubled after each that took longer: on a stuck connection it would wait for ever, and
# on a slow day a poll has more to read.
LIMIT_SECONDS, LONGEST_SECONDS = 2.0, 16.0


class TenantPoller:
    """Polls the journal of one tenant while it has open streams in this process."""

    def __init__(self, db: Db, log: Log) -> None:
        self.db = db
        self.log = log
        self.subscribers: set[Subscriber] = set()
        self.wakeup = asyncio.Event()
        self.beginning = asyncio.Lock()
        self.position: Position | None = None
        self.seen: list[int] = []  # what earlier polls found and the next might find again
        self.task: asyncio.Task[None] | None = None
        self.limit = LIMIT_SECONDS

    async def begin(self) -> None:
        """Take the first position, and poll on from there."""
        async with self.beginning:
            if self.task is None:  # kept, or it would be collected in the middle of its work
                self.position = (await changes.poll(self.db, None)).position
                self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        """Poll on a wakeup and every POLL_SECONDS, until nobody is left. While the database is away
        the position stays.
        """
        while self.subscribers:
            self.wakeup.clear()
            await asyncio.sleep(await self._poll_in_time())
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self.wakeup.wait()

    async def _poll_in_time(self) -> float:
        """Poll, unless the database is away or stuck; returns the seconds to pause."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.limit):
                await self.poll()
            self.limit = LIMIT_SECONDS
        except TimeoutError:
            self.limit = min(2 * self.limit, LONGEST_SECONDS)
            self.wakeup.set()  # again, at once
            return PAUSE_SECONDS
        except Problem:
            pass
        except Exception as error:
            self.log.unknown(error, path="/live")
        return max(PAUSE_SECONDS, time.monotonic() - began)

    async def poll(self) -> None:
        """Hand each subscriber the changes committed since the last poll that its viewer sees. One
        statement serves all subscribers with the same visibility key.
        """
        found = await changes.poll(self.db, self.position, self.seen)
        is_personal = bool(found.operations) and await changes.has_views(self.db, found.operations)
        alike: dict[object, list[Subscriber]] = {}
        for subscriber in self.subscribers:
            key = subscriber.visibility_key(is_personal=is_personal)
            alike.setdefault(key, []).append(subscriber)
        for subscribers in alike.values():
            buffer = ChangeBuffer()
            if found.is_partial:
                buffer.overflow()
            elif found.operations:
                buffer.add(await changes.visible_changes(subscribers[0].db, found.operations))
            for subscriber in subscribers:
                subscriber.take(buffer, found.position)
        self.position = found.position
        self.seen = [id for id in (*self.seen, *found.operations) if id > found.position.floor]
