"""Creates that arrive together share a transaction; clients cannot tell (docs/decisions/0018)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retainer.database import group_commit
from retainer.database.places import Lane
from retainer.database.pool import Connection, connect
from retainer.identity.tokens import digest
from support.cast import Cast, Person
from support.in_process import InProcess
from support.server import Server
from support.sql import Sql

ORGANIZATIONS = "/api/organizations"


class Crowd(InProcess):
    """The application in this process, with many simultaneous requests."""

    async def post(self, person: Person, path: str, **body: Any) -> httpx.Response:
        return await self.client.post(
            path, json=body, headers={"Cookie": f"connect.sid={person.token}"}
        )

    async def create(self, person: Person, **body: Any) -> httpx.Response:
        return await self.post(person, ORGANIZATIONS, **{"type": "other"} | body)

    def all(self, *asked: tuple[Person, dict[str, Any]]) -> list[httpx.Response]:
        """The answers to creates that are sent at the same moment."""

        async def gathered() -> list[httpx.Response]:
            return await asyncio.gather(*(self.create(person, **body) for person, body in asked))

        return self.sql.run(gathered())

    @asynccontextmanager
    async def other(self, *statements: str) -> AsyncIterator[Connection]:
        """Somebody else's transaction, which has done this and goes on."""
        connection = await connect(self.app.database.pool.url)
        try:
            await connection.execute("; ".join(["BEGIN", *statements]))
            yield connection
        finally:
            connection.terminate()

    async def one_and_others(
        self, person: Person, other: Connection
    ) -> list[asyncio.Task[httpx.Response]]:
        """Creates N0 to N4: the other transaction blocks the first; the rest wait for it."""
        tasks = [asyncio.create_task(self.create(person, name="N0"))]
        while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)
        tasks += [asyncio.create_task(self.create(person, name=f"N{n}")) for n in range(1, 5)]
        while (
            sum(len(queue.waiting) for queue in self.app.database.group_commit.queues.values()) < 4
        ):
            await asyncio.sleep(0.01)
        return tasks


LOCK = "LOCK TABLE organizations IN EXCLUSIVE MODE"  # nobody writes meanwhile


@pytest.fixture(scope="module")
def crowd(server: Server, sql: Sql) -> Iterator[Crowd]:
    running = Crowd(server, sql)
    yield running
    running.stop()


def operations(cast: Cast) -> list[Any]:
    """Each create of an organization: operation, actor, request and transaction."""
    return cast.sql.rows(
        """SELECT c.entity_id AS id, op.id AS operation, op.actor_id AS actor, op.request_id AS request, c.sequence,
               op.xmin::text AS transaction
           FROM changes c JOIN operations op ON op.tenant_id = c.tenant_id AND op.id = c.operation_id
           WHERE c.tenant_id = $1 AND op.action = 'createOrganization' ORDER BY op.id""",
        cast.tenant,
    )


def test_each_create_of_a_group_is_an_operation_of_its_own(cast: Cast, crowd: Crowd) -> None:
    people = [cast.ada, cast.cora] * 20
    assert (
        crowd.send(cast.ada, "GET", "/api/user")[0]
        == crowd.send(cast.cora, "GET", "/api/user")[0]
        == 200
    )
    before, known = crowd.app.database.statements, len(operations(cast))
    answers = crowd.all(
        *((person, {"name": f"N{n}", "tags": [f"t{n}"]}) for n, person in enumerate(people))
    )
    assert [answer.json()["name"] for answer in answers] == [f"N{n}" for n in range(40)], (
        "each its own row"
    )
    assert [answer.json()["tags"] for answer in answers] == [[f"t{n}"] for n in range(40)]
    assert crowd.app.database.statements - before < 20
    found = operations(cast)[known:]
    expected = {
        (a.json()["id"], p.id, a.headers["x-request-id"], 1)
        for a, p in zip(answers, people, strict=True)
    }
    assert {(row["id"], row["actor"], row["request"], row["sequence"]) for row in found} == expected
    assert len({row["operation"] for row in found}) == 40
    assert 1 < max(Counter(row["transaction"] for row in found).values()) <= group_commit.MAX_GROUP


METADATA = [
    {"digits": 0.12345678901234567890, "huge": 10**30, "empty": {}, "none": None, "list": [1, [2]]},
    {'quo"te': "back\\slash", "line": "a\nb\u2028c", "\u0001": "\U0001f600", "": "ß"},
]
HOSTILE: dict[str, list[dict[str, Any]]] = {
    ORGANIZATIONS: [
        {"name": "{a,b}", "type": "other", "domains": ["a.example", "b.example"], "tags": ["x,y", '"']},
        {"name": "NULL", "type": "vendor", "description": "a\tb\n\\N", "metadata": METADATA[0]},
        {"name": "Ωmega %s $1 :name", "type": "other", "externalId": "0", "metadata": METADATA[1]},
        {"name": "'; --", "type": "customer", "industry": "@acting", "website": "https://x.example"},
    ],
    "/api/contacts": [
        {"fullName": "null", "email": "a@b.example", "type": "client", "isActive": False},
        {"fullName": "(,)", "email": "c@d.example", "type": "client", "metadata": METADATA[0]},
    ],
    "/api/tasks": [
        {"title": "1e5", "dueDate": "2028-02-29", "priority": "high"},
        {"title": "true", "dueDate": "9999-12-31", "description": "\u200bseen", "order": 2**31 - 1},
        {"title": "[]", "description": "{}"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_a_create_of_a_group_writes_the_same_values_as_one_alone(
    cast: Cast, crowd: Crowd, path: str
) -> None:
    """With an Idempotency-Key a create has a statement of its own."""
    alone = []
    for number, body in enumerate(HOSTILE[path]):
        answer = cast.olga.post(path, body, headers={"Idempotency-Key": f"{path} {number}"})
        assert answer.status_code == 200, answer.text
        alone.append(answer.json())
    crowd.send(cast.ada, "GET", path)

    async def gathered() -> list[httpx.Response]:
        return await asyncio.gather(*(crowd.post(cast.ada, path, **body) for body in HOSTILE[path]))

    together = [answer.json() for answer in crowd.sql.run(gathered())]
    unlike = {"id", "createdAt", "updatedAt"}
    kept = [{name: r[name] for name in r.keys() - unlike} for r in together]
    assert kept == [{name: r[name] for name in r.keys() - unlike} for r in alone]
    images = "SELECT after - '{id,tenant_id,created_at,updated_at}'::text[] AS image FROM changes WHERE entity_id = $1 AND entity = $2"
    for one, other in zip(alone, together, strict=True):
        noun = path.removeprefix("/api/")
        assert cast.sql.rows(images, one["id"], noun) == cast.sql.rows(images, other["id"], noun)


def test_after_a_group_the_next_create_waits_for_others(
    cast: Cast, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "GATHER_SECONDS", 5)
    crowd.send(cast.ada, "GET", ORGANIZATIONS)

    async def gathered() -> list[httpx.Response]:
        await asyncio.gather(*(crowd.create(cast.ada, name="N") for _ in range(4)))
        queues = crowd.app.database.group_commit.queues.values()
        tasks = [asyncio.create_task(crowd.create(cast.ada, name="N"))]
        while not any(queue.waiting for queue in queues):
            await asyncio.sleep(0)
        tasks += [
            asyncio.create_task(crowd.create(cast.ada, name="N"))
            for _ in range(group_commit.EARLY_GROUP - 1)
        ]
        async with asyncio.timeout(group_commit.GATHER_SECONDS):  # none waits when enough are there
            return await asyncio.gather(*tasks)

    made = {answer.json()["id"] for answer in crowd.sql.run(gathered())}
    assert len({row["transaction"] for row in operations(cast) if row["id"] in made}) == 1


def test_each_create_of_a_group_can_be_undone_by_itself(cast: Cast, crowd: Crowd) -> None:
    made = {
        answer.json()["id"]
        for answer in crowd.all(*((cast.ada, {"name": f"N{n}"}) for n in range(12)))
    }
    row = next(row for row in operations(cast) if row["id"] in made)
    assert cast.ada.post(f"/api/operations/{row['operation']}/undo").status_code == 200
    left = {organization["id"] for organization in cast.ada.get(ORGANIZATIONS).json()}
    assert made - left == {row["id"]}


def test_each_create_of_a_group_is_in_the_change_feed(cast: Cast, crowd: Crowd) -> None:
    mark = cast.cora.get("/live").json()["mark"]
    made = {
        answer.json()["id"]
        for answer in crowd.all(*((cast.ada, {"name": f"N{n}"}) for n in range(12)))
    }
    changed = cast.cora.get(f"/live?after={mark}").json()["records"]
    assert {f"organizations/{id}" for id in made} <= set(changed)


def test_of_creates_with_the_same_external_id_one_succeeds(cast: Cast, crowd: Crowd) -> None:
    cast.ada.made(ORGANIZATIONS, name="Old", type="other", externalId="K0")
    answers = crowd.all(
        *((cast.ada, {"name": f"N{n}", "externalId": f"K{n % 30}"}) for n in range(60))
    )
    by_key: dict[int, list[int]] = {}
    for n, answer in enumerate(answers):
        by_key.setdefault(n % 30, []).append(answer.status_code)
        if answer.status_code == 409:
            assert answer.json()["errors"][0]["field"] == "externalId"
    assert by_key.pop(0) == [409, 409]
    assert all(sorted(statuses) == [200, 409] for statuses in by_key.values())
    rows = cast.sql.rows(
        "SELECT external_id FROM organizations WHERE tenant_id = $1 AND name LIKE 'N%'", cast.tenant
    )
    assert sorted(row[0] for row in rows) == sorted(f"K{n}" for n in range(1, 30))


def test_a_create_whose_session_has_ended_is_refused_and_the_others_are_made(
    cast: Cast, crowd: Crowd
) -> None:
    crowd.send(cast.cora, "GET", "/api/user")
    remembered = crowd.app.sessions.known[digest(cast.cora.token or "")]
    cast.sql.rows("DELETE FROM sessions WHERE user_id = $1", cast.cora.id)
    people = [cast.ada, cast.ada, cast.cora, *[cast.ada] * 9]

    async def gathered() -> list[httpx.Response]:
        # As in a process that has not been notified yet.
        crowd.app.sessions.known[digest(cast.cora.token or "")] = remembered
        return await asyncio.gather(*(crowd.create(person, name="N") for person in people))

    assert [answer.status_code for answer in crowd.sql.run(gathered())] == [
        200,
        200,
        401,
        *[200] * 9,
    ]
    assert len([row for row in operations(cast) if row["actor"] == cast.ada.id]) == 2 + 11


def test_a_create_that_waits_for_a_lock_does_not_hold_up_the_others(
    cast: Cast, crowd: Crowd
) -> None:
    """A create waits for a key taken by an open transaction; other creates do not."""

    async def gathered() -> tuple[list[int], httpx.Response]:
        act = f"""SELECT set_config('retainer.tenant', '{cast.tenant}', true);
            SELECT acting_as({cast.ada.id}, 'user', 'api', NULL, 'test')"""
        take = f"INSERT INTO organizations (tenant_id, name, type, external_id) VALUES ({cast.tenant}, 'F', 'other', 'K')"
        async with crowd.other(act, take) as other:
            first = asyncio.create_task(crowd.create(cast.ada, name="W", externalId="K"))
            rest = [asyncio.create_task(crowd.create(cast.ada, name="N")) for _ in range(20)]
            statuses = [(await task).status_code for task in rest]
            assert not first.done()
            await other.execute("COMMIT")
            return statuses, await first

    statuses, first = crowd.sql.run(gathered())
    assert statuses == [200] * 20
    assert first.status_code == 409


def test_a_request_given_up_before_its_turn_creates_nothing(cast: Cast, crowd: Crowd) -> None:
    async def gathered() -> list[httpx.Response]:
        async with crowd.other(LOCK) as other:
            tasks = await crowd.one_and_others(cast.ada, other)
            tasks.pop(2).cancel()
            await other.execute("COMMIT")
            return await asyncio.gather(*tasks)

    assert {answer.json()["name"] for answer in crowd.sql.run(gathered())} == {
        "N0",
        "N1",
        "N3",
        "N4",
    }
    assert {row["name"] for row in cast.ada.get(ORGANIZATIONS).json()} >= {"N0", "N1", "N3", "N4"}
    assert (
        cast.sql.value(
            "SELECT count(*) FROM organizations WHERE tenant_id = $1 AND name = 'N2'", cast.tenant
        )
        == 0
    )


def test_a_lost_connection_fails_the_creates_in_flight_and_not_those_waiting(
    cast: Cast, crowd: Crowd
) -> None:
    """Creates in flight may be committed, so they fail; those waiting go with the next group."""

    async def gathered() -> list[httpx.Response]:
        async with crowd.other(LOCK) as other:
            tasks = await crowd.one_and_others(cast.ada, other)
            assert await other.fetchval(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted"
            )
            assert (await tasks[0]).status_code == 503
            await other.execute("COMMIT")
            return await asyncio.gather(*tasks)

    assert sorted(answer.status_code for answer in crowd.sql.run(gathered())) == [
        200,
        200,
        200,
        200,
        503,
    ]
    names = cast.sql.rows(
        "SELECT name FROM organizations WHERE tenant_id = $1 AND name LIKE 'N%'", cast.tenant
    )
    assert sorted(row[0] for row in names) == ["N1", "N2", "N3", "N4"]


def test_without_a_database_every_queued_create_is_refused_at_once(
    cast: Cast, crowd: Crowd
) -> None:
    crowd.send(cast.ada, "GET", ORGANIZATIONS)
    crowd.app.database.is_up = False
    try:
        answers = crowd.all(*((cast.ada, {"name": "N"}) for _ in range(40)))
    finally:
        crowd.app.database.is_up = True
    assert {answer.status_code for answer in answers} == {503}
    assert all("retry-after" in answer.headers for answer in answers)


def test_without_a_free_connection_no_create_waits_for_two_timeouts(
    cast: Cast, crowd: Crowd
) -> None:
    crowd.send(cast.ada, "GET", ORGANIZATIONS)

    async def gathered() -> list[httpx.Response]:
        places = crowd.app.database.pool.places
        taken = [Lane(str(number)) for number in range(places.free)]
        for lane in taken:
            await places.acquire(lane, 0)
        try:
            async with asyncio.timeout(2 * 1.0):  # one wait, and less than a second one
                return await asyncio.gather(
                    *(crowd.create(cast.ada, name="N") for _ in range(3 * group_commit.MAX_GROUP))
                )
        finally:
            for lane in taken:
                places.release(lane)

    assert {answer.status_code for answer in crowd.sql.run(gathered())} == {503}
    assert crowd.all((cast.ada, {"name": "N"}))[0].status_code == 200


KEYS = st.sampled_from([None, "A", "B", "taken"])

ASKED = st.tuples(
    st.sampled_from(["ada", "cora", "olga", "gita"]), KEYS, st.sampled_from([None, "there", "gone"])
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ASKED, min_size=2, max_size=24))
def test_creates_in_a_group_answer_as_they_would_alone(
    cast: Cast, crowd: Crowd, asked: list[tuple[str, str | None, str | None]]
) -> None:
    """Each of several simultaneous requests gets the answer that it would get alone; one record of each key is made,
    and each is journalled under its author.
    """
    fresh = Cast(cast.sql, cast.client)
    fresh.ada.made(ORGANIZATIONS, name="T", type="other", externalId="taken")
    fresh.olga.made(ORGANIZATIONS, name="T", type="other", externalId="taken")
    parents = {None: None, "there": fresh.acme, "gone": 2**52}
    bodies = [
        {"name": "N", "externalId": key, "parentId": parents[parent]} for _, key, parent in asked
    ]
    people = [getattr(fresh, name) for name, _, _ in asked]
    answers = crowd.all(*zip(people, bodies, strict=True))
    won: Counter[tuple[int, str]] = Counter()
    for (name, key, parent), person, answer in zip(asked, people, answers, strict=True):
        is_gone = parent == "gone" or (parent == "there" and name == "olga")
        wanted = (
            {403} if name == "gita" else {422} if is_gone else {409} if key == "taken" else {200}
        )
        assert answer.status_code in (wanted | {409} if key and 200 in wanted else wanted), (
            answer.text
        )
        if answer.status_code == 200 and key:
            won[person.tenant, key] += 1
        elif answer.status_code == 409 and key != "taken":
            won[person.tenant, key or ""] += 0
    assert set(won.values()) <= {1}, "of each key exactly one"
    made = {(a.json()["id"], p.id, a.headers["x-request-id"]) for a, p in zip(answers, people, strict=True)
            if a.status_code == 200 and p.tenant == fresh.tenant}  # fmt: skip
    known = {fresh.acme, fresh.globex}
    rows = [row for row in operations(fresh) if row["id"] not in known]
    journalled = {
        (row["id"], row["actor"], row["request"]) for row in rows if row["request"] is not None
    }
    assert made <= journalled and len(journalled) == len(made) + 1
