"""Places, and the queues of those who wait for them."""

import asyncio
import itertools
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from retainer.errors import Problem
from retainer.http.shares.holder import Holder, Holdings

SPELL_SECONDS = 1.0  # a time of much waiting is over when nobody has waited for so long


class _Waiter(NamedTuple):
    holder: Holder
    places: int
    is_first: bool
    number: int  # in the order in which they came
    granted: "asyncio.Future[None]"


class _Pace:
    """The pace at which places are given, which tells how many may be waited for: as many as are
    given in `seconds`. Without a bound while it is not known, in the first `seconds` of a spell.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began = self.latest = -math.inf  # when somebody waited first, and last, of a spell
        self.end = -math.inf  # of the time in which `given` is counted
        self.given = 0
        self.before = 0  # given in as long a time before

    def give(self, now: float, places: int) -> None:
        """Count places that are given now."""
        self._turn(now)
        self.given += places

    def wait(self, now: float) -> None:
        """Note that somebody waits, or would."""
        if not self.is_spell(now):
            self.began = now
        self.latest = now

    def is_spell(self, now: float) -> bool:
        """True while somebody waits, or nearly so."""
        return now - self.latest <= SPELL_SECONDS

    def bound(self, now: float) -> float:
        """The most places that may be waited for."""
        if not self.is_spell(now) or now - self.began < self.seconds:
            return math.inf
        self._turn(now)
        return max(self.given, self.before)

    def _turn(self, now: float) -> None:
        if now < self.end:
            return
        self.before = 0
        if now < self.end + self.seconds:
            self.before = self.given
        self.given = 0
        self.end = now + self.seconds


class Shares:
    """Places for what is scarce. `of_member` and `of_group` are the most that one of them holds at
    a time; None is no bound. Waiters stand in a queue for each holder.

    With `patience`, the seconds that each waits at most, no more is waited for than was given in
    half that time: whoever would wait in vain is refused before they begin to.
    """

    def __init__(
        self,
        places: int,
        refusal: Callable[[], Problem],
        *,
        of_member: int | None = None,
        of_group: int | None = None,
        most_waiting: int = 100,
        patience: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.places = places
        self.refusal = refusal
        self.of_member = of_member or places
        self.of_group = of_group or places
        self.has_parts = self.of_member < places or self.of_group < places
        self.most_waiting = most_waiting
        self.held = Holdings()
        self.queues: dict[tuple[bool, Holder], deque[_Waiter]] = {}
        self.waiting = 0
        self.wanted = Holdings()  # places that are waited for
        self.numbers = itertools.count()
        self.pace = _Pace(patience / 2)
        self.clock = clock
        self.coming = 0  # places for which requests have been let in, but do not wait yet

    @asynccontextmanager
    async def place(
        self, holder: Holder, seconds: float, *, places: int = 1, is_first: bool = False
    ) -> AsyncIterator[None]:
        """Hold places within the block. See `enter`."""
        await self.enter(holder, seconds, places=places, is_first=is_first)
        try:
            yield
        finally:
            self.leave(holder, places=places)

    def takes(self, holder: Holder, places: int) -> bool:
        """Take places if that can be done at once; else False."""
        if self.waiting or not self._fits(holder, places):
            return False
        self.held.add(holder, places)
        self.pace.give(self.clock(), places)
        return True

    async def enter(
        self, holder: Holder, seconds: float, *, places: int = 1, is_first: bool = False
    ) -> None:
        """Take places, after a wait of at most `seconds`. Raises the refusal. Who `is_first` is
        served before all who are not.
        """
        places = min(places, self.places)
        if self.takes(holder, places):
            return
        if self.is_vain(holder, places, is_first=is_first):
            raise self.refusal()
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue(waiter := _Waiter(holder, places, is_first, next(self.numbers), granted))
        self._grant()
        while self.waiting and self.is_crowded():
            self._refuse_one()
        try:
            async with asyncio.timeout(seconds):
                await granted
        except TimeoutError:
            if self._withdraw(waiter) or granted.cancelled():
                raise self.refusal() from None
            granted.result()  # granted or refused at the last moment
        except asyncio.CancelledError:
            is_over = self._withdraw(waiter) or granted.cancelled()
            if not is_over and granted.exception() is None:
                self.leave(holder, places=places)
            raise

    def leave(self, holder: Holder, *, places: int = 1) -> None:
        """Give places back, to those who wait."""
        self.held.add(holder, -min(places, self.places))
        if self.queues:
            self._grant()

    def is_pressed(self) -> bool:
        """True when somebody who came now may be refused at once."""
        return self.pace.is_spell(self.clock())

    def is_crowded(self, places: int = 0) -> bool:
        """True when more wait than may, with one more who wants `places`."""
        if self.waiting + (places > 0) > self.most_waiting:
            return True
        wanted = self.held.total + self.wanted.total + self.coming + places
        if wanted <= 2 * self.places:
            return False
        return wanted > self.places + self.pace.bound(self.clock())

    def is_vain(self, holder: Holder, places: int, *, is_first: bool = False) -> bool:
        """True when a wait for places would be refused at once: too many wait already, and nobody
        for more than this holder.
        """
        if not self.is_crowded(places) or self._fits(holder, places + self.coming):
            return False
        self.pace.wait(self.clock())
        of_group, of_member = self.wanted.size(holder)
        own = not is_first, (of_group + places, of_member + places)
        return all(self._most(key) <= own for key in self.queues)

    def come(self, places: int) -> None:
        """Let somebody in who will ask for places in their task's first step: until then they are
        counted here, or all whose requests arrive in one turn of the loop would find room.
        """
        if not self.coming:
            asyncio.get_running_loop().call_soon(self._end_coming)
        self.coming += places

    def _end_coming(self) -> None:
        self.coming = 0

    def _most(self, key: tuple[bool, Holder]) -> tuple[bool, tuple[int, int]]:
        """Order in which queues give way: those who are not first, and wait for most."""
        is_first, holder = key
        return not is_first, self.wanted.size(holder)

    def _queue(self, waiter: _Waiter) -> None:
        self.pace.wait(self.clock())
        self.queues.setdefault((waiter.is_first, waiter.holder), deque()).append(waiter)
        self.waiting += 1
        self.wanted.add(waiter.holder, waiter.places)

    def _withdraw(self, waiter: _Waiter) -> bool:
        key = (waiter.is_first, waiter.holder)
        queue = self.queues.get(key, ())
        if waiter not in queue:
            return False
        assert isinstance(queue, deque)
        queue.remove(waiter)
        self.waiting -= 1
        self.wanted.add(waiter.holder, -waiter.places)
        if not queue:
            del self.queues[key]
        return True

    def _grant(self) -> None:
        while self.queues:
            heads = [queue[0] for queue in self.queues.values()]
            fitting = [head for head in heads if self._fits(head.holder, head.places)]
            if not fitting:
                return
            chosen = min(fitting, key=self._turn)
            self._withdraw(chosen)
            if not chosen.granted.done():  # else its wait has just been given up
                self.held.add(chosen.holder, chosen.places)
                self.pace.give(self.clock(), chosen.places)
                chosen.granted.set_result(None)

    def _fits(self, holder: Holder, places: int) -> bool:
        if self.held.total + places > self.places:
            return False
        if not self.has_parts:
            return True
        of_group, of_member = self.held.size(holder)
        return of_group + places <= self.of_group and of_member + places <= self.of_member

    def _turn(self, waiter: _Waiter) -> tuple[bool, tuple[int, int], int]:
        return not waiter.is_first, self.held.size(waiter.holder), waiter.number

    def _refuse_one(self) -> None:
        """Refuse the last who came of those who wait for most."""
        key = max(self.queues, key=lambda key: (*self._most(key), self.queues[key][-1].number))
        refused = self.queues[key][-1]
        self._withdraw(refused)
        if not refused.granted.done():
            refused.granted.set_exception(self.refusal())
