"""The places of the pool: how many connections are in use, by whom, and who has the next one.

Work that waits for one thing, such as a locked table or a standby that is away, comes in one lane:
the reads of a noun, or its changes. No lane takes the last places, so the others go on meanwhile.
"""

import asyncio
import itertools
from collections import Counter, deque
from typing import NamedTuple

RESERVED = 2  # places that are given only to a lane that holds none; the last one to readers alone


class Lane(NamedTuple):
    """The noun that a connection is wanted for, and whether it is changed."""

    name: str
    writes: bool = False


class Places:
    """As many places as the pool has connections."""

    def __init__(self, size: int) -> None:
        self.free = size
        self.reserved = min(RESERVED, size - 1)
        self.held: Counter[Lane] = Counter()
        self.waiting: dict[Lane, deque[tuple[int, asyncio.Future[None]]]] = {}
        self.arrivals = itertools.count()

    async def acquire(self, lane: Lane, seconds: float) -> None:
        """Take a place, or wait for one. Raises TimeoutError."""
        # Whoever waits could not be served, so nobody of the same lane is overtaken here.
        if self._may_take(lane):
            self._take(lane)
            return
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.setdefault(lane, deque()).append((next(self.arrivals), given))
        try:
            async with asyncio.timeout(seconds):
                await given
        except BaseException:
            if given.done() and not given.cancelled():  # given at the moment of giving up
                self.release(lane)
            raise

    def release(self, lane: Lane) -> None:
        """Give a place back, to whoever waits."""
        self.free += 1
        self.held[lane] -= 1
        if not self.held[lane]:
            del self.held[lane]
        while (found := self._next()) is not None:
            next_lane, given = found
            self._take(next_lane)
            given.set_result(None)

    def _may_take(self, lane: Lane) -> bool:
        if self.free > self.reserved:
            return True
        if self.held[lane] or not self.free:
            return False
        return self.free > 1 or not lane.writes

    def _take(self, lane: Lane) -> None:
        self.free -= 1
        self.held[lane] += 1

    def _next(self) -> tuple[Lane, asyncio.Future[None]] | None:
        """The future of the one who has waited longest of those who may take a place."""
        first: Lane | None = None
        for lane in list(self.waiting):
            queue = self.waiting[lane]
            while queue and queue[0][1].done():  # gave up
                queue.popleft()
            if not queue:
                del self.waiting[lane]
            elif self._may_take(lane) and (first is None or queue[0] < self.waiting[first][0]):
                first = lane
        if first is None:
            return None
        return first, self.waiting[first].popleft()[1]
