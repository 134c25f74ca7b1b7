"""Shares: nobody takes all of what everybody needs."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from retainer.errors import Unavailable
from retainer.http.shares import Holder, Holdings, Shares

ADA, CORA, OLGA = Holder("ours", "ada"), Holder("ours", "cora"), Holder("other", "olga")
LONG = 30.0


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def waiting(shares: Shares, holder: Holder, **how: Any) -> "asyncio.Task[None]":
    task = asyncio.ensure_future(shares.enter(holder, LONG, **how))
    await asyncio.sleep(0)
    return task


def test_who_holds_least_goes_first_by_tenant_and_then_by_user() -> None:
    async def work() -> None:
        shares = Shares(2, "full")
        await shares.enter(ADA, LONG)
        await shares.enter(ADA, LONG)
        again, cora, olga = [await waiting(shares, who) for who in (ADA, CORA, OLGA)]
        shares.leave(ADA)
        await olga
        shares.leave(ADA)
        await asyncio.wait([cora, again], return_when=asyncio.FIRST_COMPLETED)
        assert (cora.done(), again.done()) == (False, True), "the tenant holds as much; first come"
        shares.leave(OLGA)
        await cora

    run(work())


def test_a_user_and_a_tenant_hold_no_more_than_their_part() -> None:
    async def work() -> None:
        shares = Shares(4, "full", of_member=2, of_group=3)
        for who in (ADA, ADA, CORA):
            await shares.enter(who, LONG)
        third, fourth = await waiting(shares, ADA), await waiting(shares, CORA)
        await shares.enter(OLGA, LONG)
        assert not third.done()
        assert not fourth.done()
        shares.leave(OLGA)
        await asyncio.sleep(0)
        assert not third.done()
        shares.leave(ADA)
        await asyncio.wait([third, fourth], return_when=asyncio.FIRST_COMPLETED)
        for task in (third, fourth):
            task.cancel()

    run(work())


def test_a_full_queue_refuses_those_who_wait_for_most() -> None:
    async def work() -> None:
        shares = Shares(1, "full", most_waiting=2)
        await shares.enter(CORA, LONG)
        first, second = await waiting(shares, ADA), await waiting(shares, ADA)
        olga = await waiting(shares, OLGA)
        with pytest.raises(Unavailable, match="full"):
            await second
        shares.leave(CORA)
        await asyncio.wait([first, olga], return_when=asyncio.FIRST_COMPLETED)
        for task in (first, olga):
            task.cancel()

    run(work())


def test_who_is_first_goes_before_all_others() -> None:
    async def work() -> None:
        shares = Shares(1, "full", most_waiting=1)
        await shares.enter(CORA, LONG)
        ada = await waiting(shares, ADA)
        known = await waiting(shares, CORA, is_first=True)
        with pytest.raises(Unavailable):
            await ada
        shares.leave(CORA)
        await known

    run(work())


def test_a_wait_that_ends_or_is_given_up_leaves_every_place_free() -> None:
    async def work() -> None:
        shares = Shares(2, "full")
        await shares.enter(ADA, LONG, places=2)
        with pytest.raises(Unavailable, match="full"):
            await shares.enter(OLGA, 0.001)
        cancelled, granted = await waiting(shares, CORA), await waiting(shares, OLGA)
        cancelled.cancel()
        shares.leave(ADA, places=2)
        granted.cancel()  # in the moment in which it gets its place
        await asyncio.wait([cancelled, granted])
        assert shares.waiting == []
        if not granted.cancelled():
            shares.leave(OLGA)
        assert shares.held.total == 0

    run(work())


def test_work_heavier_than_all_places_takes_all_of_them() -> None:
    async def work() -> None:
        shares = Shares(2, "full")
        async with shares.place(ADA, LONG, places=9):
            assert shares.held.total == 2
        assert shares.held.total == 0

    run(work())


def test_the_largest_holder_is_of_the_largest_tenant() -> None:
    held = Holdings()
    held.add(OLGA, 3)
    held.add(ADA, 2)
    held.add(CORA, 2)
    held.add(CORA)
    assert held.largest() == CORA
    held.add(CORA, -3)
    assert held.largest() == OLGA
