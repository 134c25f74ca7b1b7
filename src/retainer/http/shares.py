"""Shares of what all users of a process have in common: connections for long answers, processor
time for passwords, open streams.

Each such thing has a number of places. A user holds a part of them and a tenant all but one, so
that nobody takes everything; who waits is served in the order of what their tenant and they
themselves hold, least first, so that one who asks a hundred times waits behind one who asks once.
Where nobody has signed in, networks and names stand for tenants and users.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple, TypeVar

from retainer.errors import Overloaded, Problem, Unavailable
from retainer.permissions import Viewer


class Holder(NamedTuple):
    """Somebody who holds places: a user, and the tenant that they belong to."""

    group: Hashable
    member: Hashable


PLACES_OF_REQUESTS = 256  # as Route.weight counts
ADMISSION_SECONDS = 0.12  # a request that waits longer is refused: it would be answered too late
# A request that takes longer waits for something else than the processor, and has bounds there, if
# the processor is free: then this process looks at it no later than LATE_SECONDS after that time.
# Less than ADMISSION_SECONDS: nobody is refused for waiting behind such requests.
BUSY_SECONDS = 0.1
LATE_SECONDS = 0.02


OPERATOR = Holder("", "operator")  # who starts a server, or gives a command


def holder_of(viewer: Viewer) -> Holder:
    """A viewer as a holder: all their sessions together."""
    return Holder(viewer.tenant, viewer.user)


class EndOfTurn:
    """The end of a request's turn on the processor. `work` is done once: at the first call, or by
    itself when the request waits for something else than the processor.
    """

    __slots__ = ("due", "work")

    def __init__(self, work: Callable[[], None], due: float) -> None:
        self.work: Callable[[], None] | None = work
        self.due = due

    def __call__(self) -> None:
        work, self.work = self.work, None
        if work is not None:
            work()


class Turns:
    """The turns of requests, in the order in which they are looked at, behind one timer: a timer
    for each would cost as much as all else of a place.
    """

    def __init__(self) -> None:
        self.open: deque[EndOfTurn] = deque()
        self.timer: asyncio.TimerHandle | None = None

    def begin(self, work: Callable[[], None]) -> EndOfTurn:
        """The end of a turn that begins now."""
        loop = asyncio.get_running_loop()
        end = EndOfTurn(work, loop.time() + BUSY_SECONDS)
        self.open.append(end)
        if self.timer is None:
            self.timer = loop.call_at(end.due, self._look)
        return end

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self.open and (self.open[0].due <= now or self.open[0].work is None):
            end = self.open.popleft()
            if end.work is not None and now - end.due > LATE_SECONDS:
                end.due = now + BUSY_SECONDS
                self.open.append(end)
            else:
                end()
        self.timer = None
        if self.open:
            self.timer = loop.call_at(self.open[0].due, self._look)


class Holdings:
    """The number of places that each holder has."""

    def __init__(self) -> None:
        self.of_group: dict[Hashable, int] = {}
        self.of_holder: dict[Holder, int] = {}
        self.total = 0

    def add(self, holder: Holder, places: int = 1) -> None:
        """Count places for a holder, or fewer with a negative number."""
        self.total += places
        _add(self.of_group, holder.group, places)
        _add(self.of_holder, holder, places)

    def size(self, holder: Holder) -> tuple[int, int]:
        """The places of a holder as they are compared: those of their group, then their own."""
        return self.of_group.get(holder.group, 0), self.of_holder.get(holder, 0)

    def largest(self) -> Holder:
        """The member who has most in the group that has most. Some holder must have a place."""
        return max(self.of_holder, key=self.size)


K = TypeVar("K", bound=Hashable)


def _add(counts: dict[K, int], key: K, places: int) -> None:
    count = counts.get(key, 0) + places
    if count:
        counts[key] = count
    else:
        counts.pop(key, None)


class _Waiter(NamedTuple):
    holder: Holder
    places: int
    is_first: bool
    number: int  # in the order in which they came
    granted: "asyncio.Future[None]"


class Shares:
    """Places for what is scarce. `of_member` and `of_group` are the most that one of them holds at
    a time; None is no bound. Waiters stand in a queue for each holder.
    """

    def __init__(
        self,
        places: int,
        refusal: Callable[[], Problem],
        *,
        of_member: int | None = None,
        of_group: int | None = None,
        most_waiting: int = 100,
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
        self.numbers = itertools.count()

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
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(holder, places, is_first, next(self.numbers), granted)
        self.queues.setdefault((is_first, holder), deque()).append(waiter)
        self.waiting += 1
        self._grant()
        if self.waiting > self.most_waiting:
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

    def _withdraw(self, waiter: _Waiter) -> bool:
        key = (waiter.is_first, waiter.holder)
        queue = self.queues.get(key, ())
        if waiter not in queue:
            return False
        assert isinstance(queue, deque)
        queue.remove(waiter)
        self.waiting -= 1
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
        wanted = Holdings()
        for (_, holder), queue in self.queues.items():
            wanted.add(holder, len(queue))
        (_, _), queue = max(
            self.queues.items(),
            key=lambda each: (not each[0][0], wanted.size(each[0][1]), each[1][-1].number),
        )
        refused = queue[-1]
        self._withdraw(refused)
        if not refused.granted.done():
            refused.granted.set_exception(self.refusal())


def _unavailable(detail: str) -> Callable[[], Problem]:
    return partial(Unavailable, f"{detail} Try again shortly.")


class SharesOfAll:
    """The shares of one process, but for those that are counted elsewhere: streams of changes
    (journal/live/hub.py) and connections (server/http_server.py).
    """

    def __init__(self, connections: int) -> None:
        lists = max(1, min(4, connections // 2))
        self.lists = Shares(
            lists,
            _unavailable("Too many whole lists are being sent at this moment."),
            of_member=max(1, lists // 2),
            of_group=max(1, lists - 1),
        )
        self.requests = Shares(PLACES_OF_REQUESTS, Overloaded, most_waiting=1000)
        self.turns = Turns()
        # Attempts to sign in wait for the counts of their network and account. Without a bound of
        # their own a flood of them would hold all connections.
        self.attempts = Shares(
            max(1, connections // 3),
            _unavailable("Too many people are signing in at this moment."),
            most_waiting=200,
        )
        bulks = max(1, min(3, connections // 3))
        self.bulks = Shares(
            bulks,
            _unavailable("Too many requests of many writes are running."),
            of_group=max(1, bulks - 1),
        )
