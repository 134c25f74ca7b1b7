"""Places of the pool: whoever waits for one thing leaves the last ones to the others."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainer.database.places import Lane, Places
from retainer.database.pool import connect
from support.cast import Cast
from support.in_process import InProcess
from support.server import Server
from support.sql import Sql

READS, WRITES = Lane("organizations"), Lane("organizations", writes=True)


async def taken(places: Places, *lanes: Lane) -> list[bool]:
    """For each lane in turn, whether it was given a place at once."""
    results = []
    for lane in lanes:
        try:
            await places.acquire(lane, 0)
            results.append(True)
        except TimeoutError:
            results.append(False)
    return results


def test_a_noun_leaves_the_last_two_places_to_the_others() -> None:
    places = Places(5)
    wanted = [READS] * 4 + [Lane("contacts"), Lane("contacts"), Lane("tasks"), Lane("users")]
    got = asyncio.run(taken(places, *wanted))
    assert got == [True, True, True, False, True, False, True, False]


def test_the_last_place_is_for_reading() -> None:
    places = Places(4)
    wanted = [WRITES] * 3 + [Lane("contacts", writes=True), Lane("tasks", writes=True), READS]
    assert asyncio.run(taken(places, *wanted)) == [True, True, False, True, False, True]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_small_pool_serves_readers_and_writers_too(size: int) -> None:
    for lane in (READS, WRITES):
        assert asyncio.run(taken(Places(size), lane)) == [True]


LANES = st.sampled_from(
    [
        Lane(noun, writes)
        for noun in ("organizations", "contacts", "tasks")
        for writes in (False, True)
    ]
)


@given(st.integers(1, 6), st.lists(st.tuples(LANES, st.integers(0, 3)), max_size=40))
def test_every_place_comes_back_and_everybody_has_a_turn(
    size: int, visits: list[tuple[Lane, int]]
) -> None:
    """Visitors who stay for some turns of the event loop, or give up; none is counted twice."""

    async def run() -> None:
        places = Places(size)
        inside: list[Lane] = []

        async def visit(lane: Lane, turns: int) -> None:
            await places.acquire(lane, 10)
            inside.append(lane)
            assert 0 <= places.free <= size - len(inside)
            try:
                for _ in range(turns):
                    await asyncio.sleep(0)
            finally:
                inside.remove(lane)
                places.release(lane)

        tasks = [asyncio.create_task(visit(*each)) for each in visits]
        for task in tasks[::5]:
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() or task.exception() is None for task in tasks)
        assert (places.free, +places.held) == (size, {})

    asyncio.run(run())


@pytest.fixture
def inside_alone(server: Server, sql: Sql) -> Iterator[InProcess]:
    running = InProcess(server, sql)
    yield running
    running.stop()


@pytest.mark.parametrize("table", ["organizations", "contacts", "tasks"])
def test_a_locked_table_keeps_nobody_from_the_others(
    cast: Cast, server: Server, inside_alone: InProcess, table: str
) -> None:
    app, client = inside_alone.app, inside_alone.client
    headers = {"Cookie": f"connect.sid={cast.ada.token}"}
    page = headers | {"Accept": "text/html"}
    others = {"organizations": "contacts", "contacts": "projects", "tasks": "contacts"}
    inside_alone.send(cast.ada, "GET", "/api/user")

    async def meanwhile() -> list[httpx.Response]:
        locker = await connect(server.database_url)
        async with locker.transaction():
            await locker.execute(f"LOCK TABLE {table}")
            asked = [(f"/api/{table}", headers), (f"/{table}", page), (f"/api/{table}/1", headers)]
            waiting = [
                asyncio.create_task(client.get(path, headers=its)) for path, its in asked * 8
            ]
            places = app.database.pool.places
            while places.free > places.reserved or not places.waiting:
                await asyncio.sleep(0.01)
            answers = [
                await client.get(path, headers=headers)
                for path in (f"/api/{others[table]}", "/api/user", "/api/user")
            ]
        await asyncio.gather(*waiting)
        await locker.close()
        return answers

    assert [answer.status_code for answer in inside_alone.sql.run(meanwhile())] == [200] * 3


@pytest.fixture
def inside_hurried(server: Server, sql: Sql) -> Iterator[InProcess]:
    running = InProcess(server, sql, request_seconds=0.5)
    yield running
    running.stop()


def test_a_list_that_waits_for_its_table_is_no_mistake_of_whoever_asks(
    cast: Cast, server: Server, inside_hurried: InProcess
) -> None:
    client = inside_hurried.client
    headers = {"Cookie": f"connect.sid={cast.ada.token}"}
    pages = headers | {"Accept": "text/html"}
    inside_hurried.send(cast.ada, "GET", "/api/user")

    async def meanwhile() -> list[httpx.Response]:
        locker = await connect(server.database_url)
        async with locker.transaction():
            await locker.execute("LOCK TABLE organizations")
            answers = [
                await client.get("/organizations", headers=pages),
                await client.get("/api/organizations?limit=5", headers=headers),
            ]
        await locker.close()
        return answers

    answers = inside_hurried.sql.run(meanwhile())
    assert [answer.status_code for answer in answers] == [503] * 2
    assert all(answer.headers["retry-after"] for answer in answers)
