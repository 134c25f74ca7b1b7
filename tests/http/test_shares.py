"""Shares: nobody takes all of what everybody needs."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import httpx
import pytest

from retainer.errors import Unavailable
from retainer.http.shares.holder import Holder, Holdings, holder_of
from retainer.http.shares.places import Shares
from retainer.http.shares.turns import BUSY_SECONDS, Turns
from retainer.pages.routes import PAGES
from retainer.permissions import PUBLIC, Viewer
from retainer.routes import ROUTES
from support.cast import Cast
from support.in_process import InProcess

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
        shares = Shares(2, partial(Unavailable, "full"))
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
        shares = Shares(4, partial(Unavailable, "full"), of_member=2, of_group=3)
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
        shares = Shares(1, partial(Unavailable, "full"), most_waiting=2)
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


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def pressed(clock: Clock) -> tuple[Shares, list["asyncio.Task[None]"]]:
    """Shares of two places, both held by Ada, who has waited for two more for a second; two were
    given lately.
    """
    shares = Shares(2, partial(Unavailable, "full"), patience=1.0, clock=clock)
    for _ in range(2):
        await shares.enter(ADA, LONG)
    clock.now += 9
    tasks = [await waiting(shares, ADA) for _ in range(3)]
    assert not shares.is_vain(ADA, 1), "at first nobody knows how long a wait will be"
    for _ in range(2):
        clock.now += 0.3
        shares.leave(ADA)
        await asyncio.sleep(0)
    tasks.append(await waiting(shares, ADA))
    assert [task.done() for task in tasks] == [True, True, False, False]
    return shares, tasks


def test_who_would_wait_in_vain_is_refused_before_they_begin_to() -> None:
    """No more are waited for than were given in half the time that one waits."""

    async def work() -> None:
        shares, tasks = await pressed(Clock())
        assert shares.is_vain(ADA, 1)
        with pytest.raises(Unavailable, match="full"):
            await shares.enter(ADA, LONG)
        assert (shares.waiting, shares.wanted.total) == (2, 2)
        for _ in range(2):
            shares.leave(ADA)
        await asyncio.gather(*tasks)
        assert not shares.is_vain(ADA, 1)
        assert shares.wanted.total == 0

    run(work())


def test_who_waits_for_little_is_let_in_and_who_waits_for_most_gives_way() -> None:
    async def work() -> None:
        shares, tasks = await pressed(Clock())
        assert not shares.is_vain(OLGA, 1)
        olga = await waiting(shares, OLGA)
        await asyncio.sleep(0)
        assert [task.done() for task in tasks] == [True, True, False, True]
        with pytest.raises(Unavailable, match="full"):
            await tasks[-1]
        assert shares.is_vain(OLGA, 1), "now both wait for one: the last who came"
        shares.leave(ADA)
        await olga
        assert not tasks[2].done(), "who holds least goes first"
        shares.leave(ADA)
        await tasks[2]

    run(work())


def test_more_may_wait_where_more_is_given() -> None:
    async def work() -> None:
        clock = Clock()
        shares, tasks = await pressed(clock)
        for _ in range(8):
            shares.leave(ADA)
            await asyncio.sleep(0)
            tasks.append(await waiting(shares, ADA))
        assert [shares.is_vain(ADA, places) for places in (1, 9)] == [False, True]
        clock.now += 9
        assert not shares.is_vain(ADA, 9), "nobody has waited for long"
        for task in tasks:
            task.cancel()

    run(work())


def test_those_who_are_let_in_together_count_before_they_wait() -> None:
    async def work() -> None:
        shares = Shares(2, partial(Unavailable, "full"), most_waiting=9, patience=0.0)
        await shares.enter(CORA, LONG)
        await shares.enter(CORA, LONG)
        task = await waiting(shares, CORA)
        let_in = 0
        while not shares.is_vain(ADA, 1):
            shares.come(1)
            let_in += 1
        assert let_in == 1
        await asyncio.sleep(0)
        assert not shares.is_vain(ADA, 1)
        task.cancel()

    run(work())


def test_who_is_first_goes_before_all_others() -> None:
    async def work() -> None:
        shares = Shares(1, partial(Unavailable, "full"), most_waiting=1)
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
        shares = Shares(2, partial(Unavailable, "full"))
        await shares.enter(ADA, LONG, places=2)
        with pytest.raises(Unavailable, match="full"):
            await shares.enter(OLGA, 0.001)
        cancelled, granted = await waiting(shares, CORA), await waiting(shares, OLGA)
        cancelled.cancel()
        shares.leave(ADA, places=2)
        granted.cancel()  # in the moment in which it gets its place
        await asyncio.wait([cancelled, granted])
        assert shares.waiting == 0
        if not granted.cancelled():
            shares.leave(OLGA)
        assert shares.held.total == 0

    run(work())


def test_work_heavier_than_all_places_takes_all_of_them() -> None:
    async def work() -> None:
        shares = Shares(2, partial(Unavailable, "full"))
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


def test_a_wait_that_ends_while_places_are_given_back_is_refused_like_any_other() -> None:
    async def work() -> None:
        shares = Shares(1, partial(Unavailable, "full"))
        await shares.enter(ADA, LONG)
        late = asyncio.ensure_future(shares.enter(OLGA, 0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # its time is over, and it has not been told yet
        shares.leave(ADA)
        with suppress(Unavailable):
            await late
            shares.leave(OLGA)
        assert (shares.waiting, shares.held.total) == (0, 0)

    run(work())


def test_a_request_that_finds_no_place_in_time_is_refused_as_a_document(
    cast: Cast, inside: InProcess
) -> None:
    """Pages as well: an error page would take as long as what is refused."""
    requests = inside.app.shares.requests
    everything = Holder("another tenant", "busy")

    async def ask(path: str, **headers: str) -> httpx.Response:
        headers["Cookie"] = f"connect.sid={cast.ada.token}"
        return await inside.client.get(path, headers=headers)

    async def work() -> list[httpx.Response]:
        await requests.enter(everything, LONG, places=requests.places)
        paths = ("/api/organizations", f"/api/organizations/{cast.acme}", "/api/user", "/healthz")
        answers = [await ask(path) for path in paths]
        answers.append(await ask("/organizations", Accept="text/html"))
        requests.leave(everything, places=requests.places)
        return [*answers, await ask("/organizations", Accept="text/html")]

    *refused, alive, page, again = inside.sql.run(work())
    for answer in (*refused, page):
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "1"
    assert (alive.status_code, again.status_code) == (200, 200)
    inside.sql.run(asyncio.sleep(0.3))  # requests give their places back
    assert requests.held.total == 0


def test_a_request_that_would_wait_in_vain_is_refused_unread_as_it_would_be_later(
    cast: Cast, inside: InProcess
) -> None:
    """At the door, where neither a task nor a wait costs anything."""
    app, requests = inside.app, inside.app.shares.requests
    everything = Holder("another tenant", "busy")
    own = holder_of(cast_viewer(inside, cast))

    def scope(path: str, **headers: str) -> dict[str, Any]:
        given = {"host": "inside", "cookie": f"connect.sid={cast.ada.token}"} | headers
        return {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"name=Zo%C3%AB",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("192.0.2.1", 4711),
        }

    async def served(scope: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            raise AssertionError

        await app.serve(scope, receive, send)
        return sent[0]["status"], sent[0]["headers"], sent[1]["body"]

    refused = [
        scope("/api/organizations"),
        scope(f"/api/organizations/{cast.acme}"),
        scope('/api/organizations/"é"'),
        scope("/organizations", accept="text/html"),
        scope("/organizations", **{"accept-encoding": "gzip"}),
    ]
    let_in = [
        scope("/healthz"),
        scope("/api/nothing"),
        scope("/api/organizations", cookie="connect.sid=unknown"),
        scope("/api/organizations", cookie=""),
    ]

    async def work() -> None:
        assert [app.turn_away(each) for each in refused] == [None] * len(refused)
        await requests.enter(everything, LONG, places=requests.places)
        tasks = [
            asyncio.ensure_future(requests.enter(own, LONG, places=16))
            for _ in range(requests.places // 16)
        ]
        await asyncio.sleep(requests.pace.seconds)
        for each in refused:
            early, late = app.turn_away(each), await served(each)
            assert early is not None
            assert early[0] == 503
            assert with_own_id(early) == with_own_id(late)
        assert [app.turn_away(each) for each in let_in] == [None] * len(let_in)
        assert requests.waiting == len(tasks)
        for task in tasks:
            task.cancel()
        requests.leave(everything, places=requests.places)

    inside.sql.run(work())


def cast_viewer(inside: InProcess, cast: Cast) -> Viewer:
    found = inside.sql.run(inside.app.sessions.viewer(cast.ada.token))
    assert isinstance(found, Viewer)
    return found


def with_own_id(answer: tuple[int, list[tuple[bytes, bytes]], bytes]) -> tuple[Any, ...]:
    """An answer without the id of its request."""
    status, headers, body = answer
    id = dict(headers)[b"x-request-id"]
    assert body.count(id) == 1
    length = (b"content-length", b"%d" % len(body))
    assert length in headers
    kept = [each for each in headers if each != length and each[1] != id]
    return status, kept, body.replace(id, b"id")


def test_a_place_is_given_back_early_only_while_the_processor_is_free() -> None:
    async def work() -> None:
        done: list[str] = []
        turns = Turns()
        at_last = turns.begin(lambda: done.append("at last"))
        turns.begin(lambda: done.append("by itself"))
        time.sleep(3 * BUSY_SECONDS)  # the processor works, and the time passes
        await asyncio.sleep(0)
        assert done == []
        at_last()
        at_last()
        while len(done) < 2:
            await asyncio.sleep(BUSY_SECONDS)
        await asyncio.sleep(2 * BUSY_SECONDS)
        assert done == ["at last", "by itself"]

    run(work())


def test_pages_weigh_more_than_lists_and_lists_more_than_records() -> None:
    weights = {route.name: route.weight for route in ROUTES}
    pages = {
        page.weight
        for page in PAGES
        if page.html and not page.changes and page.permission != PUBLIC
    }
    listed, one, made = [
        weights[name] for name in ("listOrganizations", "getOrganization", "createOrganization")
    ]
    assert min(pages) > listed > one >= made > 0
    for name in ("healthz", "readyz", "live", "bulk", "login", "createDocument"):
        assert weights[name] == 0, name
