"""Connections that answer no more: they cost the requests that are on them, and nobody else."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from retainer.database import group_commit, pool, read_coalescing
from retainer.journal.live import tenant_poller
from support.cast import Cast, Person
from support.in_process import InProcess
from support.relay import Relay
from support.server import Server
from support.sql import Sql


class Behind(InProcess):
    """The application in this process, behind a relay; its monitor is not, and sees no outage."""

    def __init__(self, server: Server, sql: Sql) -> None:
        super().__init__(server, sql)
        self.app.deadlines.seconds = 60.0
        self.relay = Relay(server.database_url)
        sql.run(self.relay.start())
        self.app.database.pool.url = self.relay.url
        self.app.database.pool.drop()  # what was opened before

    async def ask(self, person: Person, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Cookie": f"connect.sid={person.token}"}
        return await self.client.request(method, path, headers=headers, json=body or None)

    async def late(self, person: Person, method: str, path: str, **body: Any) -> httpx.Response:
        """The answer to a request that a stuck one must not hold up, while that one hangs on."""
        stuck = asyncio.create_task(self.ask(person, method, path, **body))
        await self.relay.ate.wait()
        answers = [await self.ask(person, method, path, **body) for _ in range(3)]
        assert not stuck.done()
        stuck.cancel()
        assert {answer.status_code for answer in answers} == {200}
        return answers[-1]


@pytest.fixture
def behind(server: Server, sql: Sql, monkeypatch: pytest.MonkeyPatch) -> Iterator[Behind]:
    monkeypatch.setattr(read_coalescing, "LATE_SECONDS", 0.05)
    monkeypatch.setattr(group_commit, "LATE_SECONDS", 0.05)
    monkeypatch.setattr(pool, "IDLE_SECONDS", 3600)
    running = Behind(server, sql)
    yield running
    running.stop()
    sql.run(running.relay.stop())


NOUNS = ["organizations", "contacts", "projects", "tasks", "activities"]


@pytest.mark.parametrize("noun", ["organizations", "contacts", "projects"])
def test_a_read_on_a_stuck_connection_holds_up_no_other_read(
    cast: Cast, behind: Behind, noun: str
) -> None:
    id = {
        "organizations": lambda: cast.acme,
        "contacts": lambda: cast.contact("Carl"),
        "projects": lambda: cast.ada.made("/api/projects", title="P", organizationId=cast.acme)[
            "id"
        ],
    }[noun]()
    path = f"/api/{noun}/{id}"
    assert behind.send(cast.ada, "GET", path)[0] == 200
    behind.relay.swallow()
    assert behind.sql.run(behind.late(cast.ada, "GET", path)).json()["id"] == id


def test_a_create_on_a_stuck_connection_holds_up_no_other_create(
    cast: Cast, behind: Behind
) -> None:
    body = {"name": "N", "type": "other"}
    assert behind.send(cast.ada, "POST", "/api/organizations", body)[0] == 200
    behind.relay.swallow()
    behind.sql.run(behind.late(cast.ada, "POST", "/api/organizations", **body))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_is_on_a_stuck_connection_is_refused_and_it_is_closed(
    cast: Cast, behind: Behind, method: str
) -> None:
    path = "/api/organizations"
    body = {"name": "N", "type": "other"} if method == "POST" else None
    if method == "GET":
        path += f"/{cast.acme}"
    behind.app.database.pool.answer_seconds = 2.0
    assert behind.send(cast.ada, method, path, body)[0] == 200
    behind.relay.swallow()
    stuck = set(behind.app.database.pool.open)
    assert behind.send(cast.ada, method, path, body)[0] == 503
    assert stuck and all(connection.is_closed() for connection in stuck)
    assert behind.send(cast.ada, method, path, body)[0] == 200


def test_a_connection_that_was_idle_is_asked_for_a_sign_of_life(
    cast: Cast, behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/organizations/{cast.acme}"

    async def many() -> set[int]:
        answers = await asyncio.gather(
            *(behind.ask(cast.ada, "GET", f"/api/{noun}") for noun in NOUNS)
        )
        return {answer.status_code for answer in answers}

    assert behind.sql.run(many()) == {200}
    idle = [each for each in behind.app.database.pool.open if not each.is_closed()]
    assert len(idle) > 2
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0)
    behind.relay.swallow()
    assert behind.send(cast.ada, "GET", path)[0] == 200, "on a new connection"
    assert behind.sql.run(many()) == {200}
    assert all(each.is_closed() for each in idle), "the others were as idle, and are closed unasked"


def test_a_poll_for_open_streams_ends_and_begins_again(
    cast: Cast, behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant_poller, "LIMIT_SECONDS", 0.2)
    db = behind.app.database.without_viewer(cast.tenant, "", "live")
    poller = tenant_poller.TenantPoller(db, behind.app.log)

    async def polls() -> None:
        await poller.begin()
        behind.relay.swallow()
        poller.subscribers.add(None)  # type: ignore[arg-type]
        assert await poller._poll_in_time() == tenant_poller.PAUSE_SECONDS
        assert poller.wakeup.is_set() and poller.limit == 0.4, "again at once, and for longer"
        poller.subscribers.clear()
        await poller._poll_in_time()
        assert poller.limit == 0.2

    behind.sql.run(polls())
