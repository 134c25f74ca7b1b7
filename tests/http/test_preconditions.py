"""If-Match and If-None-Match: cached reads, and writes that overwrite nobody's change."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from retainer.http.routing import Route
from retainer.routes import ROUTES, TABLE
from support.cast import Cast, Person
from support.in_process import InProcess
from support.samples import CHECKED, path_of, rows_of, sample, send

CONDITIONAL = [r for r in CHECKED if r.changes and TABLE.reader(r)]
UPSERTS = [r for r in CHECKED if r.creates]
READS = [r for r in CHECKED if r.method == "GET" and r.record]
changes = pytest.mark.parametrize("route", CONDITIONAL, ids=lambda r: r.name)
reads = pytest.mark.parametrize("route", READS, ids=lambda r: r.name)


def reader(route: Route) -> Route:
    found = TABLE.reader(route)
    assert found
    return found


def test_every_noun_has_conditional_routes() -> None:
    nouns = {"organizations", "contacts", "projects", "tasks", "documents", "activities", "users", "members", "account",
             "views", "tenants", "imports"}  # fmt: skip
    assert {r.tag for r in CONDITIONAL} == {r.tag for r in READS} - {"operations"} == nouns
    assert {r.name for r in CONDITIONAL} == {
        r.name for r in ROUTES
        if r.method in ("PUT", "PATCH", "DELETE") and not r.creates and r.name not in ("changeOwnPassword", "endOwnSession", "endUserSessions",
                                                                         "decideImportRow", "decideImportRows")
    }  # fmt: skip


@changes
def test_a_change_of_the_state_that_was_read_is_made(cast: Cast, route: Route) -> None:
    for wrap in ("{}", "W/{}", 'W/{0}, "0-0" , {0},', "*"):
        ids, body = sample(cast, route)
        etag = send(cast.ada, reader(route), ids).headers["etag"]
        answer = send(cast.ada, route, ids, body, headers={"If-Match": wrap.format(etag)})
        assert answer.status_code == route.status, answer.text
        cast = Cast(cast.sql, cast.client)


@changes
def test_a_change_of_another_state_is_412_with_the_current_one(cast: Cast, route: Route) -> None:
    ids, body = sample(cast, route)
    now = send(cast.ada, reader(route), ids)
    etag = now.headers["etag"]
    before = rows_of(cast)
    for headers in ({"If-Match": '"1-999"'}, {"If-Match": 'W/"1-999"'}, {"If-Match": 'W/"x"'}, {"If-None-Match": "*"},
                    {"If-None-Match": etag}, {"If-None-Match": f'"x", W/{etag}'}, {"If-Match": '""'}):  # fmt: skip
        answer = send(cast.ada, route, ids, body, headers=headers)
        assert answer.status_code == 412, headers
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["etag"] == etag
        assert answer.json()["current"] == now.json()
        assert rows_of(cast) == before
    assert (
        send(cast.ada, route, ids, body, headers={"If-None-Match": '"1-999"'}).status_code
        == route.status
    )


@changes
def test_an_invisible_record_is_404_whatever_the_precondition(cast: Cast, route: Route) -> None:
    ids, body = sample(cast, route)
    if route.parameters:
        for headers in (
            {"If-Match": '"1-999"'},
            {"If-Match": "*"},
            {"If-Match": "x"},
            {"If-None-Match": "*"},
        ):
            assert send(cast.olga, route, ids, body, headers=headers).status_code == 404


@changes
@pytest.mark.parametrize(
    "header", ["1-1", "", ",", '"a" "b"', '"a', "*, *", '*, "1-1"', '"a b"', 'w/"1-1"', "'1-1'"]
)
def test_a_malformed_precondition_is_422_by_name(cast: Cast, route: Route, header: str) -> None:
    ids, body = sample(cast, route)
    before = rows_of(cast)
    for name in ("If-Match", "If-None-Match"):
        answer = send(cast.ada, route, ids, body, headers={name: header})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)
    assert rows_of(cast) == before


def test_if_match_and_if_none_match_both_hold_and_header_lines_are_joined(cast: Cast) -> None:
    path = f"/api/organizations/{cast.acme}"
    etag = cast.ada.get(path).headers["etag"]
    for match, none_match, status in (("*", "*", 412), ("*", etag, 412), ("*", '"x"', 200), (etag, "*", 412),
                                      (etag, f'"x", {etag}', 412), (etag, '"x"', 200), ('"x"', '"y"', 412)):  # fmt: skip
        headers = {"If-Match": match, "If-None-Match": none_match}
        assert cast.ada.put(path, {}, headers=headers).status_code == status, headers
    lines = [
        ("If-Match", '"1-999"'),
        ("If-Match", etag),
        ("Cookie", f"connect.sid={cast.ada.token}"),
    ]
    assert cast.client.put(path, json={}, headers=lines).status_code == 200


@pytest.mark.parametrize(
    "route",
    [r for r in CHECKED if r.changes and not TABLE.takes_conditions(r)],
    ids=lambda r: r.name,
)
def test_preconditions_are_refused_on_routes_without_an_etag(cast: Cast, route: Route) -> None:
    ids, body = sample(cast, route)
    before = rows_of(cast)
    for name in ("If-Match", "If-None-Match"):
        answer = send(cast.ada, route, ids, body, headers={name: "*"})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)
    assert rows_of(cast) == before


def test_the_order_of_refusals_ends_with_412(cast: Cast) -> None:
    path = f"/api/organizations/{cast.acme}"
    stale = {"If-Match": '"1-999"'}
    assert cast.nobody.put(path, {}, headers=stale).status_code == 401
    assert (
        cast.ada.put(path, {}, headers=stale | {"Origin": "https://evil.example"}).status_code
        == 403
    )
    assert cast.stan.put(path, {}, headers=stale).status_code == 403
    assert cast.ada.put(path, {"name": ""}, headers=stale).status_code == 422
    task = cast.ada.made("/api/tasks", title="T")["id"]
    assert (
        cast.ada.put(f"/api/tasks/{task}", {"projectId": 2**50}, headers=stale).status_code == 422
    )
    assert cast.ada.put(path, {"name": "N"}, headers=stale).status_code == 412


def test_an_etag_of_another_record_does_not_match(cast: Cast) -> None:
    other = cast.ada.get(f"/api/organizations/{cast.globex}").headers["etag"]
    assert (
        cast.ada.put(f"/api/organizations/{cast.acme}", {}, headers={"If-Match": other}).status_code
        == 412
    )


@reads
def test_a_read_with_a_current_etag_is_304(cast: Cast, route: Route) -> None:
    ids, _ = sample(cast, route)
    full = send(cast.ada, route, ids)
    etag = full.headers["etag"]
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = send(cast.ada, route, ids, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert "content-type" not in answer.headers
        head = cast.ada.request("HEAD", path_of(route, ids), headers={"If-None-Match": known})
        assert (head.status_code, head.headers["etag"]) == (304, etag)
    for malformed in ("x", "", f"{etag}x"):
        answer = send(cast.ada, route, ids, headers={"If-None-Match": malformed})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "If-None-Match")
    for unknown in ('"x"', 'W/"x", ,"y",'):
        answer = send(cast.ada, route, ids, headers={"If-None-Match": unknown})
        assert (answer.status_code, answer.content) == (200, full.content)
    assert send(cast.ada, route, ids, headers={"If-Match": etag}).status_code == 200
    stale = send(cast.ada, route, ids, headers={"If-Match": '"x"'})
    assert (stale.status_code, stale.json()["current"]) == (412, full.json())
    assert send(cast.ada, route, ids, headers={"If-Match": "x"}).status_code == 422


def test_preconditions_cost_no_statement(cast: Cast, inside: InProcess) -> None:
    path = f"/api/organizations/{cast.acme}"
    etag = cast.ada.get(path).headers["etag"]
    inside.send(cast.ada, "GET", path)
    assert inside.send(cast.ada, "GET", path, headers={"If-None-Match": etag}) == (304, 1)
    assert inside.send(cast.ada, "PUT", path, {"industry": "A"}, headers={"If-Match": etag}) == (
        200,
        1,
    )
    assert inside.send(cast.ada, "PUT", path, {"industry": "B"}, headers={"If-Match": etag}) == (
        412,
        3,
    )


@pytest.mark.parametrize("route", UPSERTS, ids=lambda r: r.name)
def test_an_upsert_can_be_limited_to_creating_or_to_changing(cast: Cast, route: Route) -> None:
    (value,), body = sample(cast, route)
    path, body = path_of(route, [value]), body | new(cast, route.tag)

    def put(**headers: str) -> httpx.Response:
        return cast.ada.put(
            path, body, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )

    there = put().json()["id"]
    assert cast.ada.delete(f"/api/{route.tag}/{there}").status_code == 204
    for header in ("*", '"1-1"'):
        absent = put(If_Match=header)
        assert absent.status_code == 412 and "current" not in absent.json()
    added = put(If_None_Match="*")
    assert added.status_code == 201, added.text
    again = put(If_None_Match="*")
    assert (again.status_code, again.headers["etag"]) == (412, added.headers["etag"])
    assert again.json()["current"] == added.json()
    assert put(If_Match='"1-999"').status_code == 412
    assert put(If_Match=added.headers["etag"]).status_code == 200
    assert put(If_Match="*", Prefer="return=minimal").status_code == 204


def new(cast: Cast, noun: str) -> dict[str, Any]:
    """The fields that a new record cannot do without."""
    return {
        "organizations": {"type": "other", "name": "N"},
        "contacts": {"type": "client", "fullName": "N"},
        "projects": {"organizationId": cast.acme, "title": "N"},
        "tasks": {"title": "N"},
        "activities": {"organizationId": cast.acme, "text": "N"},
    }[noun]


def test_writes_of_members_answer_the_etag(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}/members"
    contact = cast.contact("Mo")
    made = cast.ada.post(path, {"contactId": contact, "role": "member"})
    read = cast.ada.get(f"{path}/{contact}")
    assert read.json() == {"organizationId": cast.acme, "contactId": contact, "role": "member"}
    assert (made.content, made.headers["etag"]) == (b"", read.headers["etag"])
    changed = cast.ada.patch(
        f"{path}/{contact}", {"role": "stakeholder"}, headers={"If-Match": made.headers["etag"]}
    )
    assert (changed.status_code, changed.content) == (200, b"")
    assert (
        changed.headers["etag"]
        == cast.ada.get(f"/api{path}/{contact}").headers["etag"]
        != made.headers["etag"]
    )
    assert cast.gita.get(f"{path}/{contact}").status_code == 200
    assert cast.sam.get(f"{path}/{contact}").status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize(
    "noun", ["organizations", "members", "contacts", "documents", "activities", "users"]
)
def test_of_a_hundred_writers_one_wins_each_version(cast: Cast, noun: str) -> None:
    """Each writer reads and then tries once to change the state it read."""
    method, path, body = targets(cast)[noun]
    first = cast.ada.get(path).headers["etag"]
    wins: Counter[str] = Counter()
    statuses: Counter[int] = Counter()

    def write(number: int) -> None:
        with httpx.Client(
            base_url=cast.client.base_url, trust_env=False, verify=False, timeout=30
        ) as own:
            writer = Person(own, cast.tenant, cast.ada.id, cast.ada.username, cast.ada.token)
            for round in range(3):
                now = writer.get(path)
                etag = now.headers["etag"]
                answer = writer.request(
                    method,
                    path,
                    json=body(3 * number + round, now.json()),
                    headers={"If-Match": etag},
                )
                statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    wins[etag] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200, 412} and sum(statuses.values()) == 300, statuses
    assert set(wins.values()) == {1}, "one winner each"
    assert version(cast.ada.get(path).headers["etag"]) - version(first) == len(wins), (
        "and none without"
    )


def version(etag: str) -> int:
    return int(etag.strip('"').partition("-")[2])


def targets(cast: Cast) -> dict[str, tuple[str, str, Callable[[int, Any], Any]]]:
    """For each kind of statement a record and a body that differs from all others."""
    roles = ["stakeholder", "member", "executive_sponsor", "technical_lead"]
    projects = [
        cast.ada.made("/api/projects", organizationId=cast.acme, title=f"P{n}")["id"]
        for n in range(2)
    ]
    link = cast.ada.made(
        "/api/documents", name="D", url="https://x.example", organizationId=cast.acme
    )["id"]
    people = [cast.stan_contact, cast.gita_contact]
    activity = cast.ada.made(f"/api/organizations/{cast.acme}/activities", text="A")["id"]
    user = cast.person("Uma", "staff").id
    member = f"/api/organizations/{cast.acme}/members/{cast.gita_contact}"
    return {
        "organizations": ("PUT", f"/api/organizations/{cast.acme}", lambda n, _: {"industry": f"I{n}"}),
        "members": ("PATCH", member, lambda n, now: {"role": roles[(roles.index(now["role"]) + 1) % 4]}),
        "contacts": ("PUT", f"/api/contacts/{cast.gita_contact}", lambda n, _: {"title": f"T{n}"}),
        "documents": ("PUT", f"/api/documents/{link}",
                      lambda n, _: {"projectIds": projects[: n % 3], "description": f"D{n}"}),
        "activities": ("PUT", f"/api/activities/{activity}",
                       lambda n, _: {"contactIds": people[: n % 3], "text": f"A{n}"}),
        "users": ("PUT", f"/api/users/{user}", lambda n, _: {"fullName": f"U{n}"}),
    }  # fmt: skip
