"""Bulk: many writes in one request and one operation, each as its route does it."""

import json
import threading
from typing import Any

import httpx
import pytest

from retainer.routes import ROUTES, TABLE
from support.cast import Cast, Person
from support.in_process import InProcess
from support.safe_writes import DRY, all_of, key, operations, stored_keys
from support.samples import (
    IMPORTS,
    NDJSON,
    SAMPLES,
    bulk,
    line,
    path_of,
    rows_of,
    sample,
    unique_email,
)
from support.server import PASSWORD

IN_BULK = [route for route in ROUTES if TABLE.takes_in_bulk(route)]
LENIENT = {"Prefer": "handling=lenient"}


def rows(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(text) for text in answer.text.splitlines()]


def contact(n: int, **more: Any) -> dict[str, Any]:
    return {"fullName": f"Contact {n}", "email": unique_email(), "type": "client"} | more


def test_bulk_takes_every_write_but_those_named_here() -> None:
    changes = {r.name for r in ROUTES if r.changes and r.keyed}
    assert changes - {r.name for r in IN_BULK} == {
        "addDocumentVersion", "createDocumentFile", "updateOwnUser", "changeOwnPassword", "endOwnSession", "createUserLink", "endUserSessions", "updateTenant",
        "bulk", "undoOperation", "undoLast", "redoLast", "createImport", *(IMPORTS - {"getImport", "listImportRows"}),
    }  # fmt: skip
    assert len(IN_BULK) == 33


@pytest.mark.parametrize("route", IN_BULK, ids=lambda r: r.name)
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_a_line_of_bulk_answers_as_its_route_does(cast: Cast, route: Any, prefix: str) -> None:
    assert route.name in SAMPLES
    ids, body = sample(cast, route)
    path = prefix + path_of(route, ids).removeprefix("/api")
    dry = cast.ada.request(
        route.method, path_of(route, ids), headers=DRY, **({"json": body} if body else {})
    )
    (row,) = rows(bulk(cast.ada, line(route.method, path, body)))
    assert (row["line"], row["status"], row["problem"]) == (1, dry.status_code, None)
    assert (row["etag"] is None) == ("etag" not in dry.headers)
    expected = dry.json() if dry.content else None
    if expected is None:
        assert row["body"] is None
        return
    assert list(row["body"]) == list(expected)
    assert all(
        row["body"][k] == v
        for k, v in expected.items()
        if k not in ("id", "createdAt", "updatedAt", "url")
    )


def test_a_bulk_request_is_one_operation_in_the_order_of_its_lines(cast: Cast) -> None:
    before = operations(cast)
    lines = [line("POST", "/organizations", {"name": f"Org {n}", "type": "other", "metadata": {"n": [n, None, "x"]}})
             for n in range(7)]  # fmt: skip
    lines += [line("POST", "/contacts", contact(n, metadata=None)) for n in range(7)]
    lines += [line("PUT", f"/organizations/{cast.acme}", {"industry": f"I{n}"}) for n in range(7)]
    lines += [line("POST", "/projects", {"organizationId": cast.acme, "title": f"P{n}", "dueDate": "2026-01-31"})
              for n in range(7)]  # fmt: skip
    lines += [line("POST", "/tasks", {"organizationId": (cast.acme, None)[n % 2], "title": f"T{n}", "order": n})
              for n in range(7)]  # fmt: skip
    lines += [line("DELETE", f"/organizations/{cast.globex}")]
    found = rows(bulk(cast.ada, *lines))
    assert [row["line"] for row in found] == list(range(1, 37))
    bodies = [row["body"] for row in found]
    assert [(b["name"], b["metadata"]) for b in bodies[:7]] == [
        (f"Org {n}", {"n": [n, None, "x"]}) for n in range(7)
    ]
    assert [(b["fullName"], b["metadata"]) for b in bodies[7:14]] == [
        (f"Contact {n}", None) for n in range(7)
    ]
    assert [b["industry"] for b in bodies[14:21]] == [f"I{n}" for n in range(7)]
    assert [row["etag"] for row in found[14:21]] == [f'"{cast.acme}-{n + 2}"' for n in range(7)]
    assert [(b["title"], b["dueDate"]) for b in bodies[21:28]] == [
        (f"P{n}", "2026-01-31") for n in range(7)
    ]
    assert [(b["order"], b["organizationId"]) for b in bodies[28:35]] == [
        (n, (cast.acme, None)[n % 2]) for n in range(7)
    ]
    assert found[35] == {"line": 36, "status": 204, "etag": None, "body": None, "problem": None}
    for body, noun in (
        (bodies[3], "organizations"),
        (bodies[9], "contacts"),
        (bodies[25], "projects"),
        (bodies[32], "tasks"),
    ):
        assert cast.ada.get(f"/api/{noun}/{body['id']}").json() == body
    assert operations(cast) == before + 1
    changes = cast.sql.rows(
        """SELECT c.sequence, o.action, o.actor_id FROM changes c JOIN operations o ON o.tenant_id = c.tenant_id
               AND o.id = c.operation_id
           WHERE c.tenant_id = $1 AND o.action = 'bulk' ORDER BY c.sequence""", cast.tenant)  # fmt: skip
    assert [tuple(row) for row in changes] == [(n, "bulk", cast.ada.id) for n in range(1, 37)]


def bad_lines(cast: Cast) -> list[tuple[int, bytes, dict[str, Any] | None]]:
    """A status, a line that has it, and the same write by its route (None if there is none)."""
    taken = unique_email()
    cast.ada.made("/api/contacts", fullName="T", email=taken, type="client")
    org, gone = f"/organizations/{cast.acme}", f"/organizations/{2**50}"
    stale = {"If-Match": '"1-999"'}
    writes: list[tuple[int, str, str, Any, dict[str, str]]] = [
        (422, "POST", "/organizations", {"name": "", "type": "x", "colour": "red"}, {}),
        (422, "POST", "/organizations", [], {}),
        (404, "PUT", gone, {}, {}),
        (404, "PUT", gone, {"bogus": 1}, {}),
        (404, "DELETE", gone, None, {}),
        (422, "DELETE", org, {"force": True}, {}),
        (404, "PUT", gone, {}, stale),
        (412, "PUT", org, {"name": "N"}, stale),
        (422, "PUT", org, {"name": "N"}, {"If-Match": "x"}),
        (422, "POST", "/organizations", {"name": "N", "type": "other"}, stale),
        (409, "POST", "/contacts", {"fullName": "K", "email": taken, "type": "client"}, {}),
        (409, "DELETE", f"/contacts/{cast.gita_contact}", None, {}),
        (409, "POST", f"{org}/members", {"contactId": cast.gita_contact, "role": "member"}, {}),
        (422, "POST", f"{org}/members", {"contactId": 2**50, "role": "member"}, {}),
        (404, "PATCH", f"{org}/members/{2**50}", {}, {}),
        (422, "POST", "/projects", {"organizationId": 2**50, "title": "P"}, {}),
        (422, "POST", "/projects", {"organizationId": cast.acme, "title": "P", "startDate": "2026-02-01",
                                    "dueDate": "2026-01-01"}, {}),
        (422, "POST", "/tasks", {"title": "T", "projectId": 2**50, "assigneeId": 2**50}, {}),
        (422, "PUT", "/organizations/abc", {}, {}),
        (422, "PUT", f"{org}?colour=red", {}, {}),
        (422, "POST", "/contacts", {"fullName": "a\0b", "email": "a@b.example", "type": "client"}, {}),
        (422, "POST", "/documents", {"name": "D", "url": "javascript:alert(1)"}, {}),
    ]  # fmt: skip
    found: list[tuple[int, bytes, dict[str, Any] | None]] = []
    for status, method, path, body, headers in writes:
        more = {"ifMatch": headers["If-Match"]} if headers else {}
        alone = {"method": method, "path": f"/api{path}", "headers": headers} | (
            {} if body is None else {"json": body}
        )
        found.append((status, line(method, path, body, **more), alone))
    found += [
        (400, b"{\n", None), (400, b"nonsense\n", None), (400, b'{"a": "\xff"}\n', None), (422, b"[]\n", None),
        (422, b"{}\n", None), (422, line("GET", org), None), (405, line("PATCH", org, {}), None),
        (422, line("PUT", "/nowhere"), None), (422, line("PUT", org, {}, colour="red"), None),
        (400, line("POST", "/organizations"), None), (422, line("PUT", f"{org}", {}, ifMatch=1), None),
    ]  # fmt: skip
    return found


def test_a_line_of_bulk_is_refused_as_its_route_refuses(cast: Cast) -> None:
    bad = bad_lines(cast)
    before = rows_of(cast)
    found = rows(bulk(cast.ada, *(text for _, text, _ in bad), **LENIENT))
    for (status, text, alone), row in zip(bad, found, strict=True):
        assert row["status"] == row["problem"]["status"] == status, (text, row)
        assert row["body"] is None
        if alone:
            single = cast.ada.request(**alone)
            same = ("status", "title", "detail", "instance", "errors", "current")
            expected = {name: single.json().get(name) for name in same}
            assert {name: row["problem"].get(name) for name in same} == expected, text
    assert rows_of(cast) == before


def test_all_or_nothing_names_every_line_that_fails(cast: Cast) -> None:
    bad = bad_lines(cast)
    good = [line("POST", "/contacts", contact(n)) for n in range(len(bad))]
    before, done = rows_of(cast), operations(cast)
    answer = bulk(
        cast.ada,
        *(text for pair in zip(good, (text for _, text, _ in bad), strict=True) for text in pair),
    )
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert [each["line"] for each in problem["lines"]] == list(range(2, 2 * len(bad) + 1, 2))
    assert [each["status"] for each in problem["lines"]] == [status for status, _, _ in bad]
    assert [each["field"] for each in problem["errors"]] == [
        f"line {n}" for n in range(2, 2 * len(bad) + 1, 2)
    ]
    assert problem["lines"][0]["errors"][0]["field"] == "colour"
    assert problem["detail"].startswith(
        f"{len(bad)} lines of {2 * len(bad)} cannot be done, so nothing was changed. line 2:"
    )
    assert (rows_of(cast), operations(cast)) == (before, done)


def test_lenient_bulk_does_the_lines_that_succeed(cast: Cast) -> None:
    taken = unique_email()
    lines = [
        line("POST", "/contacts", contact(n, **({"email": taken} if n % 10 == 3 else {})))
        for n in range(60)
    ]
    answer = bulk(cast.ada, *lines, **LENIENT)
    assert answer.headers["preference-applied"] == "handling=lenient"
    found = rows(answer)
    assert [row["status"] for row in found] == [
        409 if n % 10 == 3 and n > 3 else 200 for n in range(60)
    ]
    names = {row["fullName"] for row in cast.ada.get("/api/contacts").json()}
    assert names >= {f"Contact {n}" for n in range(60) if n % 10 != 3 or n == 3}
    assert len(names) == 2 + 55
    actions = cast.sql.rows(
        "SELECT count(*) FROM operations WHERE tenant_id = $1 AND action = 'bulk'", cast.tenant
    )
    assert actions[0][0] == 1


def test_changes_of_one_record_follow_each_other(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    lines = [
        line("PUT", path, {"industry": f"I{n}"}, ifMatch=f'"{cast.acme}-{n + 1}"') for n in range(5)
    ]
    lines.append(line("PUT", path, {"industry": "late"}, ifMatch=f'"{cast.acme}-2"'))
    lines.append(line("DELETE", path))
    lines.append(line("PUT", path, {"industry": "gone"}))
    found = rows(bulk(cast.ada, *lines, **LENIENT))
    assert [row["status"] for row in found] == [200] * 5 + [412, 204, 404]
    assert found[5]["problem"]["current"]["industry"] == "I4"


def test_staff_may_do_in_bulk_what_their_role_allows(cast: Cast) -> None:
    lines = [
        line("POST", "/tasks", {"title": "T1", "organizationId": cast.acme}),
        line("POST", "/tasks", {"title": "T2", "organizationId": cast.globex}),
        line("POST", "/tasks", {"title": "T3"}),
        line("POST", "/organizations", {"name": "N", "type": "other"}),
        line("PUT", f"/organizations/{cast.acme}", {}),
        line("PUT", f"/organizations/{cast.globex}", {}),
    ]
    found = rows(bulk(cast.stan, *lines, **LENIENT))
    assert [row["status"] for row in found] == [200, 422, 422, 403, 403, 404]
    outcomes = cast.sql.rows(
        "SELECT outcome FROM operations WHERE tenant_id = $1 AND action = 'bulk' ORDER BY outcome",
        cast.tenant,
    )
    assert [row[0] for row in outcomes] == ["done", "refused"]
    assert bulk(cast.gita, lines[0]).status_code == 403
    assert bulk(cast.nobody, lines[0]).status_code == 401
    assert (
        rows(bulk(cast.olga, line("PUT", f"/organizations/{cast.acme}", {}), **LENIENT))[0][
            "status"
        ]
        == 404
    )


@pytest.mark.parametrize("path", ["/user", "/user/password", "/login", "/logout", "/bulk", "/users/1/links",
                                  "/documents/1/versions", "/api", "/", "organizations", "//organizations"])  # fmt: skip
def test_bulk_refuses_paths_that_write_no_record(cast: Cast, path: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        (row,) = rows(bulk(cast.ada, line(method, path, {}), **LENIENT))
        assert (row["status"], row["problem"]["errors"][0]["field"]) == (422, "path")


def test_users_changed_in_bulk_have_their_new_rights_at_once(cast: Cast) -> None:
    assert cast.cora.get("/api/contacts").status_code == 200
    made, changed = rows(bulk(
        cast.ada, line("POST", "/users", {"username": unique_email(), "fullName": "New", "role": "staff"}),
        line("PUT", f"/users/{cast.cora.id}", {"isActive": False}),
    ))  # fmt: skip
    assert (made["status"], made["body"]["fullName"], changed["body"]["isActive"]) == (
        200,
        "New",
        False,
    )
    assert cast.cora.get("/api/contacts").status_code == 401
    newest = "SELECT max(operation_id) FROM changes WHERE tenant_id = $1 AND entity = 'users'"
    assert (
        cast.sql.value(f"SELECT count(*) FROM changes WHERE operation_id = ({newest})", cast.tenant)
        == 2
    )
    back = line("PUT", f"/users/{cast.cora.id}", {"isActive": True})
    assert rows(bulk(cast.stan, back, **LENIENT))[0]["status"] == 403
    assert bulk(cast.ada, back).status_code == 200
    alone = cast.ada.put(f"/api/users/{cast.ada.id}", {"role": "staff"})
    together = rows(
        bulk(cast.ada, line("PUT", f"/users/{cast.ada.id}", {"role": "staff"}), **LENIENT)
    )[0]
    assert together["status"] == alone.status_code >= 400, "the last admin stays"


def test_a_line_that_ends_ones_own_rights_is_named_unless_it_is_the_last(cast: Cast) -> None:
    second = cast.person("Bea", "admin")
    for change in ({"role": "consultant"}, {"isActive": False}):
        own = line("PUT", f"/users/{second.id}", change)
        for after in (
            line("POST", "/contacts", contact(1)),
            line("PUT", f"/users/{cast.cora.id}", {"fullName": "Cora B"}),
        ):
            answer = bulk(second, line("POST", "/contacts", contact(2)), own, after)
            assert answer.status_code == 422, answer.text
            assert [each["line"] for each in answer.json()["lines"]] == [2]
            assert second.get("/api/user").json()["role"] == "admin", "the session goes on"
    same = line("PUT", f"/users/{second.id}", {"role": "admin", "fullName": "Bea B"})
    assert bulk(second, same, line("POST", "/contacts", contact(3))).status_code == 200
    last = line("PUT", f"/users/{second.id}", {"role": "consultant"})
    assert bulk(second, line("POST", "/contacts", contact(4)), last).status_code == 200
    assert second.get("/api/user").status_code == 401, "another role ends the sessions"


def test_bulk_refuses_empty_compressed_and_oversized_bodies(cast: Cast) -> None:
    one = line("POST", "/contacts", contact(1))
    assert bulk(cast.ada).status_code == 422
    assert bulk(cast.ada, b"\n \r\n").status_code == 422
    assert cast.ada.post("/api/bulk", {}).status_code == 415
    assert cast.ada.request("POST", "/api/bulk", content=one).status_code == 415
    packed = NDJSON | {"Content-Encoding": "gzip"}
    assert cast.ada.request("POST", "/api/bulk", content=one, headers=packed).status_code == 415
    assert bulk(cast.ada, b"{}\n" * 10_001).status_code == 413
    assert bulk(cast.ada, b" " * ((16 << 20) + 1)).status_code == 413
    long = line("PUT", f"/organizations/{cast.acme}", {"description": "x" * (1 << 20)})
    assert rows(bulk(cast.ada, long, **LENIENT))[0]["status"] == 413
    (row,) = rows(bulk(cast.ada, b"\n\r\n", one.strip(), b"\r\n"))
    assert (row["line"], row["status"]) == (3, 200)


@pytest.mark.slow
def test_a_bulk_answer_too_large_is_refused_and_nothing_changes(cast: Cast) -> None:
    """A request of 16 MiB must not be answered with gigabytes."""
    big = {"description": "x" * 20_000, "metadata": {"m": "y" * 60_000}}
    assert cast.ada.put(f"/api/organizations/{cast.acme}", big).status_code == 200
    lines = [line("PUT", f"/organizations/{cast.acme}", {"industry": f"I{n}"}) for n in range(900)]
    before = rows_of(cast)
    answer = bulk(cast.ada, *lines)
    assert answer.status_code == 413 and "return=minimal" in answer.json()["detail"]
    assert rows_of(cast) == before
    assert {row["status"] for row in rows(bulk(cast.ada, *lines, Prefer="return=minimal"))} == {204}


def lowered(cast: Cast, person: Person, **change: Any) -> Person:
    """The same person after their role has changed, which ends their sessions."""
    assert cast.ada.put(f"/api/users/{person.id}", change).status_code == 200
    token = cast.ada.post(f"/api/users/{person.id}/links").json()["url"].rpartition("=")[2]
    signed_in = cast.client.post("/api/setup", json={"token": token, "password": PASSWORD})
    cookie = signed_in.cookies["connect.sid"]
    cast.client.cookies.clear()
    return Person(cast.client, cast.tenant, person.id, person.username, cookie)


def test_a_bulk_is_answered_again_only_to_who_still_sees_the_records_of_its_lines(
    cast: Cast,
) -> None:
    noun = {"name": "Fresh", "type": "other"}
    task = {"title": "T", "organizationId": cast.globex}
    cases = {
        "made": [line("POST", "/organizations", noun), line("POST", "/tasks", task)],
        "changed": [line("PUT", f"/organizations/{cast.globex}", {"status": "active"})],
        "seen": [line("PUT", f"/organizations/{cast.acme}", {"status": "active"})],
    }
    person = cast.person("Uma", "consultant")
    sent = {name: (lines, key()["Idempotency-Key"]) for name, lines in cases.items()}
    first = {n: bulk(person, *lines, Idempotency_Key=k) for n, (lines, k) in sent.items()}
    assert {n: answer.status_code for n, answer in first.items()} == dict.fromkeys(cases, 200)

    def again(person: Person) -> dict[str, int]:
        answers = {n: bulk(person, *lines, Idempotency_Key=k) for n, (lines, k) in sent.items()}
        assert all(all_of(a) == all_of(first[n]) for n, a in answers.items() if a.is_success)
        return {name: answer.status_code for name, answer in answers.items()}

    assert again(person) == dict.fromkeys(cases, 200)
    contact = {"fullName": "Uma", "email": "uma@example.com", "type": "internal"}
    id = cast.ada.made("/api/contacts", **contact)["id"]
    own = {"contactId": id, "role": "member"}
    assert cast.ada.post(f"/api/organizations/{cast.acme}/members", own).status_code == 200
    staff = lowered(cast, person, role="staff", contactId=id)
    assert again(staff) == {"made": 404, "changed": 404, "seen": 200}


def test_a_bulk_of_users_is_answered_again_only_to_who_may_still_read_users(cast: Cast) -> None:
    person = cast.person("Uma", "admin")
    lines = [line("PUT", f"/users/{cast.cora.id}", {"fullName": "Cora C."})]
    named = {"Idempotency_Key": key()["Idempotency-Key"]}
    assert bulk(person, *lines, **named).status_code == 200
    assert bulk(person, *lines, **named).status_code == 200
    consultant = lowered(cast, person, role="consultant")
    assert bulk(consultant, *lines, **named).status_code == 404


def test_the_records_of_a_bulk_are_looked_up_by_one_statement_a_noun(
    cast: Cast, inside: InProcess
) -> None:
    lines = [line("POST", "/contacts", contact(n)) for n in range(40)]
    lines += [
        line("POST", "/tasks", {"title": f"T{n}", "organizationId": cast.acme}) for n in range(40)
    ]

    def statements(person: Person, headers: dict[str, str]) -> int:
        before = inside.app.database.statements
        headers = NDJSON | {"Cookie": f"connect.sid={person.token}"} | headers
        sending = inside.client.post("/api/bulk", content=b"".join(lines), headers=headers)
        assert inside.sql.run(sending).status_code == 200
        return inside.app.database.statements - before

    inside.send(cast.ada, "GET", f"/api/organizations/{cast.acme}")
    dry = statements(cast.ada, DRY)
    headers = key()
    assert statements(cast.ada, headers) == dry + 4, "take, a look-up for each noun, keep"
    assert statements(cast.ada, headers) == 1, "who sees everything need not be asked"
    kept = cast.sql.value(
        "SELECT length(headers::text) FROM idempotency_keys WHERE tenant_id = $1", cast.tenant
    )
    assert kept < 80 * 20 + 1000


@pytest.mark.slow
def test_ten_thousand_lines_of_bulk_are_a_few_statements(cast: Cast, inside: InProcess) -> None:
    lines = [
        line("POST", "/organizations", {"name": f"Org {n}", "type": "other"}) for n in range(10_000)
    ]
    inside.send(cast.ada, "GET", f"/api/organizations/{cast.acme}")
    before = inside.app.database.statements
    headers = NDJSON | {"Cookie": f"connect.sid={cast.ada.token}"}
    sending = inside.client.post("/api/bulk", content=b"".join(lines), headers=headers, timeout=60)
    found = rows(inside.sql.run(sending))
    assert [row["body"]["name"] for row in found] == [f"Org {n}" for n in range(10_000)]
    ids = [row["body"]["id"] for row in found]
    assert ids == sorted(set(ids))
    assert inside.app.database.statements - before == 22


def test_bulk_takes_an_idempotency_key_and_a_dry_run(cast: Cast) -> None:
    lines = [line("POST", "/contacts", contact(n)) for n in range(3)]
    headers = key()
    named = {"Idempotency_Key": headers["Idempotency-Key"]}
    before, done = rows_of(cast), operations(cast)
    dry = bulk(cast.ada, *lines, **DRY)
    assert [row["status"] for row in rows(dry)] == [200] * 3
    assert dry.headers["preference-applied"] == "dry-run"
    assert (rows_of(cast), operations(cast), stored_keys(cast)) == (before, done, 0)
    refused = bulk(cast.ada, *lines, line("PUT", "/contacts/abc", {}), **named)
    assert (refused.status_code, stored_keys(cast)) == (422, 0)
    first = bulk(cast.ada, *lines, **named)
    again = bulk(cast.ada, *lines, **named)
    assert all_of(first) == all_of(again) and again.headers["idempotency-replayed"] == "true"
    assert bulk(cast.ada, *lines[:2], **named).status_code == 422
    assert operations(cast) == done + 1
    clash = bulk(cast.ada, *lines, Prefer="dry-run, handling=lenient")
    assert [row["status"] for row in rows(clash)] == [409] * 3


@pytest.mark.slow
def test_two_bulk_requests_that_deadlock_succeed_or_may_be_sent_again(cast: Cast) -> None:
    """PostgreSQL's victim is retried, and after some attempts refused with a retry hint."""
    orgs = [
        cast.ada.made("/api/organizations", name=f"O{n}", type="other")["id"] for n in range(20)
    ]
    answers: list[httpx.Response] = []

    def send(person: Person, ids: list[int], word: str) -> None:
        with httpx.Client(base_url=cast.client.base_url, trust_env=False, timeout=60) as own:
            sender = Person(own, person.tenant, person.id, person.username, person.token)
            answers.append(
                bulk(
                    sender, *(line("PUT", f"/organizations/{id}", {"industry": word}) for id in ids)
                )
            )

    for _ in range(4):
        threads = [threading.Thread(target=send, args=(cast.ada, orgs, "Ada")),
                   threading.Thread(target=send, args=(cast.cora, orgs[::-1], "Cora"))]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        words = {cast.ada.get(f"/api/organizations/{id}").json()["industry"] for id in orgs}
        assert words in ({"Ada"}, {"Cora"}), "one after the other, whole"
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert len([answer for answer in answers if answer.status_code == 200]) >= 4
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 503)


@pytest.mark.slow
def test_few_bulk_requests_run_at_once_and_leave_connections_to_others(cast: Cast) -> None:
    cast.sql.rows("BEGIN")
    cast.sql.rows("SELECT id FROM organizations WHERE id = $1 FOR UPDATE", cast.acme)
    text = line("PUT", f"/organizations/{cast.acme}", {"industry": "X"})
    waiting = [threading.Thread(target=bulk, args=(cast.ada, text)) for _ in range(2)]
    for thread in waiting:
        thread.start()
    try:
        while cast.sql.value("SELECT count(*) FROM pg_locks WHERE NOT granted") < 2:
            pass
        full = bulk(cast.ada, line("POST", "/contacts", contact(1)))
        assert (full.status_code, full.headers["retry-after"]) == (503, "1")
        assert cast.ada.get("/api/contacts").status_code == 200
        other = bulk(cast.olga, line("POST", "/contacts", contact(1)))
        assert other.status_code == 200, "a place is left for another tenant"
    finally:
        cast.sql.rows("COMMIT")
        for thread in waiting:
            thread.join()
    assert bulk(cast.ada, line("POST", "/contacts", contact(1))).status_code == 200


def test_a_session_that_ends_during_a_bulk_request_changes_nothing(
    cast: Cast, inside: InProcess
) -> None:
    """The process knows the session; its row is gone when the first line is written."""
    inside.send(cast.cora, "GET", "/api/organizations")
    cast.sql.rows("UPDATE sessions SET expires_at = now() WHERE user_id = $1", cast.cora.id)
    before = rows_of(cast)
    headers = NDJSON | LENIENT | {"Cookie": f"connect.sid={cast.cora.token}"}
    lines = b"".join(line("POST", "/contacts", contact(n)) for n in range(3))
    answer = inside.sql.run(inside.client.post("/api/bulk", content=lines, headers=headers))
    assert answer.status_code == 401
    assert rows_of(cast) == before
