"""Shares of what all users of a process have in common: connections for long answers, processor
time for passwords, open streams.

Each such thing has a number of places. A user holds a part of them and a tenant all but one, so
that nobody takes everything; who waits is served in the order of what their tenant and they
themselves hold, least first, so that one who asks a hundred times waits behind one who asks once.
Where nobody has signed in, networks and names stand for tenants and users.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import NamedTuple

from retainer.errors import Unavailable
from retainer.permissions import Viewer


class Holder(NamedTuple):
    """Somebody who holds places: a user, and the tenant that they belong to."""

    group: Hashable
    member: Hashable


OPERATOR = Holder("", "operator")  # who starts a server, or gives a command


def holder_of(viewer: Viewer) -> Holder:
    """A viewer as a holder: all their sessions together."""
    return Holder(viewer.tenant, viewer.user)


class Holdings:
    """The number of places that each holder has."""

    def __init__(self) -> None:
        self.of_group: Counter[Hashable] = Counter()
        self.of_holder: Counter[Holder] = Counter()

    def add(self, holder: Holder, places: int = 1) -> None:
        """Count places for a holder, or fewer with a negative number."""
        self.of_group[holder.group] += places
        self.of_holder[holder] += places
        if not self.of_holder[holder]:
            del self.of_holder[holder]
        if not self.of_group[holder.group]:
            del self.of_group[holder.group]

    @property
    def total(self) -> int:
        return self.of_group.total()

    def size(self, holder: Holder) -> tuple[int, int]:
        """The places of a holder as they are compared: those of their group, then their own."""
        return self.of_group[holder.group], self.of_holder[holder]

    def largest(self) -> Holder:
        """The member who has most in the group that has most. Some holder must have a place."""
        return max(self.of_holder, key=self.size)


class _Waiter(NamedTuple):
    holder: Holder
    places: int
    is_first: bool
    number: int  # in the order in which they came
    granted: "asyncio.Future[None]"


class Shares:
    """Places for what is scarce. `of_member` and `of_group` are the most that one of them holds at
    a time; None is no bound.
    """

    def __init__(
        self,
        places: int,
        refusal: str,
        *,
        of_member: int | None = None,
        of_group: int | None = None,
        most_waiting: int = 100,
    ) -> None:
        self.places = places
        self.refusal = refusal
        self.of_member = of_member or places
        self.of_group = of_group or places
        self.most_waiting = most_waiting
        self.held = Holdings()
        self.waiting: list[_Waiter] = []
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

    async def enter(
        self, holder: Holder, seconds: float, *, places: int = 1, is_first: bool = False
    ) -> None:
        """Take places, after a wait of at most `seconds`. Raises Unavailable. Who `is_first` is
        served before all who are not.
        """
        waiter = _Waiter(
            holder,
            min(places, self.places),
            is_first,
            next(self.numbers),
            asyncio.get_running_loop().create_future(),
        )
        self.waiting.append(waiter)
        self._grant()
        if waiter.granted.done():
            return
        if len(self.waiting) > self.most_waiting:
            self._refuse_one()
        try:
            async with asyncio.timeout(seconds):
                await waiter.granted
        except TimeoutError:
            if self._withdraw(waiter):
                raise Unavailable(self.refusal) from None
            waiter.granted.result()  # granted or refused at the last moment
        except asyncio.CancelledError:
            if not self._withdraw(waiter) and waiter.granted.exception() is None:
                self.leave(holder, places=places)
            raise

    def leave(self, holder: Holder, *, places: int = 1) -> None:
        """Give places back, to those who wait."""
        self.held.add(holder, -min(places, self.places))
        self._grant()

    def _withdraw(self, waiter: _Waiter) -> bool:
        if waiter not in self.waiting:
            return False
        self.waiting.remove(waiter)
        return True

    def _grant(self) -> None:
        while True:
            fitting = [
                waiter
                for waiter in self.waiting
                if not waiter.granted.done() and self._fits(waiter)
            ]
            if not fitting:
                return
            chosen = min(fitting, key=self._turn)
            self.waiting.remove(chosen)
            self.held.add(chosen.holder, chosen.places)
            chosen.granted.set_result(None)

    def _fits(self, waiter: _Waiter) -> bool:
        of_group, of_member = self.held.size(waiter.holder)
        return (
            self.held.total + waiter.places <= self.places
            and of_group + waiter.places <= self.of_group
            and of_member + waiter.places <= self.of_member
        )

    def _turn(self, waiter: _Waiter) -> tuple[bool, tuple[int, int], int]:
        return not waiter.is_first, self.held.size(waiter.holder), waiter.number

    def _refuse_one(self) -> None:
        """Refuse the last who came of those who wait for most."""
        wanted = Holdings()
        for waiter in self.waiting:
            wanted.add(waiter.holder)
        refused = max(
            self.waiting,
            key=lambda waiter: (not waiter.is_first, wanted.size(waiter.holder), waiter.number),
        )
        self.waiting.remove(refused)
        refused.granted.set_exception(Unavailable(self.refusal))


class SharesOfAll:
    """The shares of one process, but for those that are counted elsewhere: streams of changes
    (journal/live/hub.py) and connections (server/http_server.py).
    """

    def __init__(self, connections: int) -> None:
        lists = max(1, min(4, connections // 2))
        self.lists = Shares(
            lists,
            "Too many whole lists are being sent at this moment. Try again shortly.",
            of_member=max(1, lists // 2),
            of_group=max(1, lists - 1),
        )
        # Attempts to sign in wait for the counts of their network and account. Without a bound of
        # their own a flood of them would hold all connections.
        self.attempts = Shares(
            max(1, connections // 3),
            "Too many people are signing in at this moment. Try again shortly.",
            most_waiting=200,
        )
        bulks = max(1, min(3, connections // 3))
        self.bulks = Shares(
            bulks,
            "Too many requests of many writes are running. Try again shortly.",
            of_group=max(1, bulks - 1),
        )
