"""Idempotency keys: a change that is sent again is made once."""

import os
import signal
import threading
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
import pytest

from retainer.http.routing import Route
from retainer.permissions import PERMISSIONS, Role
from support.cast import Cast, Person
from support.in_process import InProcess
from support.kill import kill_main, sign_in
from support.safe_writes import WRITES, all_of, key, operations, stored_files, stored_keys
from support.samples import FILE, rows_of, sample, send
from support.server import PASSWORD, Server
from support.sql import Sql

KEYED = [r for r in WRITES if r.keyed]
writes = pytest.mark.parametrize("route", KEYED, ids=lambda r: r.name)
SHOWN_ONCE = "This was done; what it answered is shown once. Make another link."


@pytest.mark.parametrize(
    "route", [r for r in KEYED if r.name != "createUserLink"], ids=lambda r: r.name
)
def test_a_change_that_is_sent_again_is_answered_again(cast: Cast, route: Route) -> None:
    ids, body = sample(cast, route)
    headers = key()
    first = send(cast.ada, route, ids, body, headers=headers)
    assert first.status_code == route.status, first.text
    assert "idempotency-replayed" not in first.headers
    before, done = rows_of(cast), operations(cast)
    for _ in range(2):
        again = send(cast.ada, route, ids, body, headers=headers)
        assert all_of(again) == all_of(first)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert (rows_of(cast), operations(cast)) == (before, done)


@writes
def test_a_request_that_is_refused_leaves_nothing_and_may_be_corrected(
    cast: Cast, route: Route
) -> None:
    ids, body = sample(cast, route)
    headers = key()
    assert (
        send(
            cast.ada, route, ids, body, headers=headers | {"Origin": "https://evil.example"}
        ).status_code
        == 403
    )
    if route.body and body is not FILE:
        assert send(cast.ada, route, ids, {"bogus": 1}, headers=headers).status_code == 422
    assert stored_keys(cast) == 0
    assert send(cast.ada, route, ids, body, headers=headers).status_code == route.status


@writes
@pytest.mark.parametrize("bad", ["", "\xe9", "x" * 256], ids=["empty", "accented", "long"])
def test_a_malformed_idempotency_key_is_422(cast: Cast, route: Route, bad: str) -> None:
    ids, body = sample(cast, route)
    before = rows_of(cast)
    answer = send(cast.ada, route, ids, body, headers={"Idempotency-Key": bad.encode("latin-1")})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert rows_of(cast) == before


def test_an_idempotency_key_may_have_quotes_and_odd_characters(cast: Cast) -> None:
    body = {"name": "N", "type": "other"}
    for good in (
        "x" * 255,
        '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
        "'); DROP TABLE keys --",
        "two words",
    ):
        assert (
            cast.ada.post("/api/organizations", body, headers={"Idempotency-Key": good}).status_code
            == 200
        )
    twice = [
        ("Idempotency-Key", "a"),
        ("Idempotency-Key", "b"),
        ("Cookie", f"connect.sid={cast.ada.token}"),
    ]
    assert cast.client.post("/api/organizations", json=body, headers=twice).status_code == 422
    for odd_key in ("a\tb", "é"):
        odd = cast.ada.post(
            "/api/organizations", body, headers={"Idempotency-Key": odd_key.encode()}
        )
        assert (odd.status_code, odd.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert cast.ada.get("/api/organizations", headers={"Idempotency-Key": ""}).status_code == 200, (
        "reads need none"
    )


def test_another_request_with_the_same_key_is_422_by_name(cast: Cast) -> None:
    headers = key()
    path = f"/api/organizations/{cast.acme}"
    etag = cast.ada.get(path).headers["etag"]
    assert cast.ada.put(path, {"industry": "A"}, headers=headers).status_code == 200
    for body, more in (({"industry": "B"}, {}), ({"industry": "A"}, {"If-Match": etag}),
                       ({"industry": "A"}, {"Prefer": "return=minimal"})):  # fmt: skip
        answer = cast.ada.put(path, body, headers=headers | more)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert cast.ada.get(path).json()["industry"] == "A"


def test_an_idempotency_key_belongs_to_a_user_a_route_and_a_path(cast: Cast) -> None:
    headers = key()
    body = {"name": "Mine", "type": "other"}
    made = [
        person.post("/api/organizations", body, headers=headers)
        for person in (cast.ada, cast.cora, cast.olga)
    ]
    assert len({answer.json()["id"] for answer in made}) == 3
    assert not [answer for answer in made if "idempotency-replayed" in answer.headers]
    for path in (f"/api/organizations/{cast.acme}", f"/api/organizations/{cast.globex}"):
        assert cast.ada.put(path, {"industry": "A"}, headers=headers).status_code == 200
        assert cast.ada.get(path).json()["industry"] == "A"
    again = cast.ada.post("/organizations", body, headers=headers)
    assert again.headers["idempotency-replayed"] == "true", "the bare path is the same one"
    assert again.json() == made[0].json()


def test_an_idempotency_key_is_forgotten_after_a_day(cast: Cast) -> None:
    headers = key()
    body = {"name": "Daily", "type": "other"}
    first = cast.ada.post("/api/organizations", body, headers=headers)
    life = cast.sql.value(
        "SELECT expires_at - now() FROM idempotency_keys WHERE tenant_id = $1", cast.tenant
    )
    assert 23.9 < life.total_seconds() / 3600 < 24.1
    cast.sql.rows(
        "UPDATE idempotency_keys SET expires_at = now() WHERE tenant_id = $1", cast.tenant
    )
    second = cast.ada.post("/api/organizations", body | {"name": "Later"}, headers=headers)
    assert second.status_code == 200 and second.json()["id"] != first.json()["id"]
    assert (
        cast.ada.post("/api/organizations", body | {"name": "Later"}, headers=headers).content
        == second.content
    )


def test_a_replay_requires_a_live_session_and_the_permission(cast: Cast) -> None:
    headers = key()
    body = {"name": "Once", "type": "other"}
    assert cast.cora.post("/api/organizations", body, headers=headers).status_code == 200
    cast.ada.put(f"/api/users/{cast.cora.id}", {"role": "staff"})
    assert cast.cora.post("/api/organizations", body, headers=headers).status_code == 401
    other = cast.person("Otto", "consultant")
    assert other.post("/api/organizations", body, headers=headers).status_code == 200
    cast.sql.rows(
        "UPDATE sessions SET expires_at = now() WHERE user_id = $1", other.id
    )  # unknown to the process
    assert other.post("/api/organizations", body, headers=headers).status_code == 401


OURS = [r for r in KEYED if Role.STAFF in PERMISSIONS[r.permission].roles and r.tag != "account"]
# Who uploads a file or a link still sees it, and one's own views are nobody's organization's.
STILL_SEEN = {"createDocument", "createDocumentFile", "createView", "updateView", "deleteView"}


@pytest.mark.parametrize("route", OURS, ids=lambda r: r.name)
def test_a_replay_is_refused_to_whoever_no_longer_sees_what_it_tells(
    cast: Cast, route: Route
) -> None:
    cast.asking = cast.stan
    ids, body = sample(cast, route)
    headers = key()
    first = send(cast.stan, route, ids, body, headers=headers)
    assert first.status_code == route.status, first.text
    assert "retainer-seen" not in first.headers
    path = f"/api/organizations/{cast.acme}/members/{cast.stan_contact}"
    role = cast.ada.get(path).json()["role"]
    assert cast.ada.delete(path).status_code == 204
    again = send(cast.stan, route, ids, body, headers=headers)
    if route.name in STILL_SEEN:
        assert all_of(again) == all_of(first)
    else:
        assert again.status_code == 404, again.text
    back = {"contactId": cast.stan_contact, "role": role}
    assert cast.ada.post(path.rpartition("/")[0], back).status_code == 200
    once_more = send(cast.stan, route, ids, body, headers=headers)
    assert all_of(once_more) == all_of(first)
    assert "retainer-seen" not in once_more.headers


def test_a_change_that_itself_took_its_record_out_of_sight_is_answered_again(cast: Cast) -> None:
    task = cast.ada.made(
        "/api/tasks", title="T", organizationId=cast.globex, assigneeId=cast.stan.id
    )["id"]
    headers = key()
    first = cast.stan.put(f"/api/tasks/{task}", {"assigneeId": None}, headers=headers)
    assert first.status_code == 200
    assert cast.stan.get(f"/api/tasks/{task}").status_code == 404
    again = cast.stan.put(f"/api/tasks/{task}", {"assigneeId": None}, headers=headers)
    assert all_of(again) == all_of(first)


@pytest.mark.parametrize("upload", [False, True], ids=["json", "upload"])
def test_fifty_parallel_requests_with_one_key_make_one_record(
    cast: Cast, server: Server, upload: bool
) -> None:
    headers = key()
    noun = "documents" if upload else "contacts"
    body = {"files": FILE, "data": {"organizationId": str(cast.acme)}} if upload else {
        "json": {"fullName": "One", "email": "one@example.com", "type": "client"}}  # fmt: skip
    files, rows = stored_files(server), len(cast.ada.get(f"/api/{noun}").json())
    answers: list[httpx.Response] = []

    def post() -> None:
        with httpx.Client(base_url=server.url, trust_env=False, verify=False, timeout=30) as own:
            sender = Person(own, cast.tenant, cast.ada.id, cast.ada.username, cast.ada.token)
            answers.append(sender.request("POST", f"/api/{noun}", headers=headers, **body))

    threads = [threading.Thread(target=post) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {200, 409, 503} and statuses[200], statuses
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code != 200)
    assert len({all_of(answer)[:2] for answer in answers if answer.status_code == 200}) == 1
    assert (
        len(
            [a for a in answers if a.status_code == 200 and "idempotency-replayed" not in a.headers]
        )
        == 1
    )
    assert len(cast.ada.get(f"/api/{noun}").json()) == rows + 1
    assert stored_files(server) == files + upload
    assert (
        cast.sql.value("SELECT count(*) FROM pending_uploads WHERE tenant_id = $1", cast.tenant)
        == 0
    )
    assert cast.ada.request("POST", f"/api/{noun}", headers=headers, **body).content == next(
        answer.content for answer in answers if answer.status_code == 200
    )


def test_an_idempotency_key_whose_request_still_runs_is_409(cast: Cast) -> None:
    """The first request waits for a row locked here."""
    headers = key()
    path = f"/api/organizations/{cast.acme}"
    cast.sql.rows("BEGIN")
    cast.sql.rows("SELECT id FROM organizations WHERE id = $1 FOR UPDATE", cast.acme)
    first: list[httpx.Response] = []
    thread = threading.Thread(
        target=lambda: first.append(cast.ada.put(path, {"industry": "A"}, headers=headers))
    )
    thread.start()
    try:
        while not cast.sql.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            pass
        second = cast.ada.put(path, {"industry": "A"}, headers=headers)
        other = cast.ada.post(
            "/api/organizations", {"name": "Free", "type": "other"}, headers=key()
        )
    finally:
        cast.sql.rows("COMMIT")
        thread.join()
    assert (first[0].status_code, second.status_code, other.status_code) == (200, 409, 200)
    assert second.headers["retry-after"] == "1" and "Idempotency-Key" in second.json()["detail"]
    assert cast.ada.put(path, {"industry": "A"}, headers=headers).content == first[0].content


def test_an_upload_is_the_same_request_when_its_parts_are_the_same(
    cast: Cast, server: Server
) -> None:
    headers = key()

    def post(content: bytes = b"a brief", name: str = "brief.txt", **data: str) -> httpx.Response:
        form = {"organizationId": str(cast.acme)} | data
        return cast.ada.post(
            "/api/documents", files={"file": (name, content)}, data=form, headers=headers
        )

    first = post()
    files = stored_files(server)
    assert first.status_code == 200
    again = post()  # with another boundary
    assert all_of(again) == all_of(first) and again.headers["idempotency-replayed"] == "true"
    for other in (
        post(b"a brie!"),
        post(name="b.txt"),
        post(description="D"),
        post(audience="client"),
    ):
        assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert stored_files(server) == files, "the losers' bytes are deleted"


def test_a_secret_is_answered_once_and_only_the_fact_is_kept(cast: Cast) -> None:
    user = cast.person("Uma", "staff")
    path = f"/api/users/{user.id}/links"
    headers = key()
    link = cast.ada.post(path, headers=headers)
    assert link.status_code == 200
    row = cast.sql.rows("SELECT * FROM idempotency_keys WHERE tenant_id = $1", cast.tenant)[0]
    names = list(row["headers"])[::2]
    assert (row["status"], names, bytes(row["body"])) == (200, ["retainer-seen"], b"")
    before, done = rows_of(cast), operations(cast)
    for _ in range(2):
        again = cast.ada.post(path, headers=headers)
        assert again.status_code == 409
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json()["detail"] == SHOWN_ONCE
    assert (rows_of(cast), operations(cast)) == (before, done), "the link still holds"
    admin = cast.person("Adam", "admin")
    assert admin.post(path, headers=headers).json()["url"] != link.json()["url"]


def test_a_secret_that_an_earlier_version_kept_encrypted_is_not_answered(cast: Cast) -> None:
    user = cast.person("Uma", "staff")
    path = f"/api/users/{user.id}/links"
    headers = key()
    assert cast.ada.post(path, headers=headers).status_code == 200
    cast.sql.rows(
        "UPDATE idempotency_keys SET headers = $2, body = $3 WHERE tenant_id = $1",
        cast.tenant,
        ["content-type", "application/json"],
        b"\x8f\x02\xd1" * 40,
    )
    again = cast.ada.post(path, headers=headers)
    assert (again.status_code, again.json()["detail"]) == (409, SHOWN_ONCE)


def test_a_changed_password_is_not_asked_for_again(cast: Cast) -> None:
    user = cast.person("Uma", "staff")
    token = cast.ada.post(f"/api/users/{user.id}/links").json()["url"].rpartition("=")[2]
    setup = cast.client.post("/api/setup", json={"token": token, "password": PASSWORD})
    uma = Person(cast.client, cast.tenant, user.id, user.username, setup.cookies["connect.sid"])
    cast.client.cookies.clear()
    headers = key()
    body = {"currentPassword": PASSWORD, "newPassword": "plums in the icebox"}
    for _ in range(2):
        assert uma.put("/api/user/password", body, headers=headers).status_code == 204
    assert uma.put("/api/user/password", body, headers=key()).status_code == 422
    dry = uma.put("/api/user/password", body, headers={"Prefer": "dry-run"})
    assert (dry.status_code, dry.json()["errors"][0]["field"]) == (422, "Prefer")


def test_ending_sessions_repeats_and_acts_once_committed(cast: Cast) -> None:
    headers = key()
    assert (
        cast.ada.delete(f"/api/users/{cast.cora.id}/sessions", headers=headers).status_code == 204
    )
    assert cast.cora.get("/api/user").status_code == 401
    assert (
        cast.ada.delete(f"/api/users/{cast.cora.id}/sessions", headers=headers).status_code == 204
    )
    own = cast.ada.get("/api/user/sessions").json()[0]["id"]
    dry = cast.ada.delete(f"/api/user/sessions/{own}", headers={"Prefer": "dry-run"})
    assert (dry.status_code, "set-cookie" in dry.headers) == (204, False)
    ended = cast.ada.delete(f"/api/user/sessions/{own}", headers=headers)
    assert (ended.status_code, "set-cookie" in ended.headers) == (204, True)
    assert cast.ada.delete(f"/api/user/sessions/{own}", headers=headers).status_code == 401


@pytest.mark.slow
def test_a_retry_after_a_kill_between_commit_and_answer_makes_no_second_record() -> None:
    server = Server(admin_email="root@example.com", admin_password=PASSWORD)
    try:
        cookie = sign_in(server)
        owner = Sql(server.database_url)
        for statement in SLOW_COMMIT:
            owner.rows(statement)
        for round in range(4):
            body = {"name": f"Slow {round}", "type": "other"}
            headers = key() | {"Cookie": cookie}
            commit_and_kill(server, owner, body, headers)
            again = httpx.post(
                f"{server.url}/api/organizations", json=body, headers=headers, timeout=20
            )
            assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true"), (
                again.text
            )
            listed = httpx.get(f"{server.url}/api/organizations", headers={"Cookie": cookie}).json()
            assert [row for row in listed if row["name"] == body["name"]] == [again.json()]
        owner.close()
    finally:
        server.stop()


SLOW_COMMIT = [
    """CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN IF NEW.name LIKE 'Slow %' THEN PERFORM pg_sleep(0.5); END IF; RETURN NULL; END $$""",
    """CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON organizations DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION slowly()""",
]


def commit_and_kill(server: Server, owner: Sql, body: Any, headers: dict[str, str]) -> None:
    """Stop the server during its commit and kill it afterwards: it never sees the result."""

    def post() -> None:
        with suppress(httpx.TransportError):
            answer = httpx.post(
                f"{server.url}/api/organizations", json=body, headers=headers, timeout=20
            )
            pytest.fail(f"it was answered: {answer.text}")

    thread = threading.Thread(target=post)
    thread.start()
    while not owner.value(
        "SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'"
    ):
        pass
    os.kill(server.process.pid, signal.SIGSTOP)
    while not owner.value("SELECT count(*) FROM organizations WHERE name = $1", body["name"]):
        pass
    kill_main(server)
    thread.join()


def test_an_idempotency_key_costs_three_statements_and_no_key_costs_none(
    cast: Cast, inside: InProcess
) -> None:
    body = {"name": "N", "type": "other"}
    headers = key()
    inside.send(cast.ada, "GET", "/api/organizations")
    assert inside.send(cast.ada, "POST", "/api/organizations", body) == (200, 1)
    assert inside.send(cast.ada, "POST", "/api/organizations", body, headers) == (200, 4)
    assert inside.send(cast.ada, "POST", "/api/organizations", body, headers) == (200, 2)
    assert inside.send(cast.ada, "POST", "/api/organizations", body, {"Prefer": "dry-run"}) == (
        200,
        1,
    )
