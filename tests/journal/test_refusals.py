"""Refusals in the journal: counted by the minute, with the address that they came from."""

import asyncio
import json
import secrets

import httpx

from retainer.server.worker import chores
from support.cast import Cast, Person
from support.in_process import InProcess
from support.server import Server


def refused(cast: Cast, person: Person) -> list[tuple[str, int]]:
    rows = cast.sql.rows(
        """SELECT action, count FROM operations
           WHERE tenant_id = $1 AND actor_id = $2 AND outcome = 'refused' ORDER BY id""",
        cast.tenant, person.id,
    )  # fmt: skip
    return [(row["action"], row["count"]) for row in rows]


def let_minutes_pass(cast: Cast, inside: InProcess) -> None:
    """The counts are older by a minute, and closed, perhaps by the worker itself."""
    cast.sql.rows("UPDATE refusals SET minute = minute - interval '1 minute'")
    cast.sql.run(chores.do(cast.sql.connection))


def test_many_refusals_of_an_action_are_two_rows_whose_counts_add_up(
    cast: Cast, inside: InProcess
) -> None:
    for _ in range(30):
        assert cast.gita.post("/api/organizations", {}).status_code == 403
    rows = refused(cast, cast.gita)
    assert rows[0] == ("createOrganization", 1), "the first is there at once"
    let_minutes_pass(cast, inside)
    rows = refused(cast, cast.gita)
    assert sum(count for _, count in rows) == 30
    assert len(rows) <= 4, "two for each minute; they were sent in one, or across its end"
    let_minutes_pass(cast, inside)
    assert refused(cast, cast.gita) == rows, "nothing is written twice"


def test_each_action_and_each_user_is_counted_for_itself(cast: Cast, inside: InProcess) -> None:
    cast.gita.post("/api/organizations", {})
    cast.gita.post("/api/contacts", {})
    cast.stan.post("/api/organizations", {})
    let_minutes_pass(cast, inside)
    assert refused(cast, cast.gita) == [("createOrganization", 1), ("createContact", 1)]
    assert refused(cast, cast.stan) == [("createOrganization", 1)]


def test_wrong_passwords_are_counted_alike(cast: Cast, inside: InProcess) -> None:
    async def guess() -> list[httpx.Response]:
        body = {"username": cast.cora.username, "password": "a wrong guess"}
        return await asyncio.gather(
            *(inside.client.post("/api/login", json=body) for _ in range(4))
        )

    assert {answer.status_code for answer in cast.sql.run(guess())} == {401}
    let_minutes_pass(cast, inside)
    assert sum(count for _, count in refused(cast, cast.cora)) == 4


def test_an_operation_shows_its_address_to_administrators_alone(cast: Cast) -> None:
    made = cast.cora.made("/api/organizations", name="From somewhere", type="other")
    query = "?action=createOrganization&limit=1"
    for person, address in ((cast.ada, "127.0.0.1"), (cast.cora, None)):
        (operation,) = person.get(f"/api/operations{query}").json()
        assert operation["address"] == address
        assert operation["count"] == 1
        detail = person.get(f"/api/operations/{operation['id']}").json()
        assert detail["address"] == address
    page = cast.ada.get("/audit", headers={"Accept": "text/html"})
    assert "127.0.0.1" in page.text
    assert made["name"] in page.text


def test_a_create_in_a_group_has_the_address_of_its_own_request(
    cast: Cast, inside: InProcess
) -> None:
    inside.app.proxies = []
    inside.send(cast.cora, "POST", "/api/contacts", {"fullName": "G", "email": f"{secrets.token_hex(6)}@x.org", "type": "client"})  # fmt: skip
    address = cast.sql.value(
        "SELECT address FROM operations WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1", cast.tenant
    )
    assert address == "127.0.0.1"


def lines_of(server: Server, **fields: object) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line[:1] == "{"]
    return [line for line in lines if fields.items() <= line.items()]


def test_a_refused_sign_in_is_an_event_with_its_address_and_reason(
    cast: Cast, server: Server
) -> None:
    unknown = f"{secrets.token_hex(6)}@example.com"
    expected = [(cast.cora.username, "wrong password"), (unknown, "unknown name")]
    for username, reason in expected:
        body = {"username": username, "password": "a wrong guess"}
        request = cast.nobody.post("/api/login", body).headers["x-request-id"]
        while not lines_of(server, event="request", request=request):
            pass
        (event,) = lines_of(server, event="sign-in refused", request=request)
        assert (event["reason"], event["address"]) == (reason, "127.0.0.1")
        assert username not in json.dumps(event)
        (line,) = lines_of(server, event="request", request=request)
        assert line["address"] == "127.0.0.1"
