"""The password again: for an administrator's link, and before others are signed out."""

import re
import secrets
from html import unescape
from typing import Any

import msgspec
import pytest

from support.cast import Cast, Person
from support.pages.browser_forms import Forms
from support.pages.sitemap import get, post
from support.passwords import given_ago, with_password
from support.server import PASSWORD

CONFIRM = "/api/user/confirmations"
BULK = {"content-type": "application/x-ndjson"}
TYPE = "/api/problems/password-needed"


@pytest.fixture
def ada(cast: Cast) -> Person:
    """An administrator who gave her password sixteen minutes ago."""
    with_password(cast, cast.ada)
    given_ago(cast, cast.ada, 16)
    return cast.ada


def needs_password(answer: Any) -> bool:
    if answer.status_code != 403:
        return False
    problem = answer.json()
    assert (problem["type"], answer.headers["retainer-needs"]) == (TYPE, "password")
    assert f"POST {CONFIRM}" in problem["detail"]
    return True


def state(cast: Cast) -> tuple[Any, ...]:
    of_tenant = "WHERE tenant_id = $1"
    return tuple(
        cast.sql.value(f"SELECT count(*) FROM {table} {of_tenant}", cast.tenant)
        for table in ("sessions", "links", "users")
    )


def users(cast: Cast) -> list[tuple[Any, ...]]:
    query = "SELECT id, full_name, role, is_active FROM users WHERE tenant_id = $1 ORDER BY id"
    return [tuple(row) for row in cast.sql.rows(query, cast.tenant)]


def form(change: dict[str, Any]) -> dict[str, str]:
    return {name: str(value).lower() for name, value in change.items()}


def test_an_administrators_link_and_the_end_of_others_sessions_take_the_password_again(
    cast: Cast, ada: Person
) -> None:
    other = cast.person("Abe", "admin")
    before = state(cast)
    asked = [
        lambda: ada.post(f"/api/users/{other.id}/links"),
        lambda: ada.post(f"/api/users/{ada.id}/links"),
        lambda: ada.delete(f"/api/users/{other.id}/sessions"),
        lambda: ada.delete(f"/api/users/{cast.gita.id}/sessions"),
    ]
    assert [needs_password(ask()) for ask in asked] == [True] * 4
    assert state(cast) == before
    assert cast.gita.get("/api/user").status_code == 200
    wrong = ada.post(CONFIRM, {"password": "a wrong guess"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "password")
    assert needs_password(asked[0]())
    assert ada.post(CONFIRM, {"password": PASSWORD}).status_code == 204
    assert [ask().status_code for ask in asked] == [200, 200, 204, 204]
    assert cast.gita.get("/api/user").status_code == 401


def test_changing_an_administrator_or_ending_others_sessions_by_a_change_takes_the_password_again(
    cast: Cast, ada: Person
) -> None:
    other = cast.person("Abe", "admin")
    asked = [
        (other, {"role": "consultant"}),
        (other, {"fullName": "Abel"}),
        (other, {"isActive": False}),
        (cast.cora, {"role": "admin"}),
        (cast.stan, {"role": "guest"}),
        (cast.gita, {"isActive": False}),
    ]
    before = users(cast)
    for user, change in asked:
        path = f"/users/{user.id}"
        assert needs_password(ada.put(f"/api{path}", change))
        assert needs_password(ada.put(f"/api{path}", change, headers={"Prefer": "dry-run"}))
        sent = {"method": "PUT", "path": path, "body": change}
        together = ada.request("POST", "/api/bulk", content=msgspec.json.encode(sent), headers=BULK)
        assert together.status_code == 422, together.text
        assert "Confirm your password first" in together.text
        (line,) = together.json()["lines"]
        assert (line["status"], line["type"]) == (403, TYPE)
        assert post(ada, path, **form(change)).headers["retainer-needs"] == "password"
        assert user.get("/api/user").status_code == 200
    assert post(ada, f"/users/{cast.gita.id}/disable").headers["retainer-needs"] == "password"
    assert users(cast) == before
    assert ada.post(CONFIRM, {"password": PASSWORD}).status_code == 204
    for user, change in asked:
        assert ada.put(f"/api/users/{user.id}", change).status_code == 200
    assert other.get("/api/user").status_code == cast.stan.get("/api/user").status_code == 401


def test_a_disabled_administrator_is_not_enabled_and_given_a_link_by_an_open_browser(
    cast: Cast, ada: Person
) -> None:
    other = cast.person("Abe", "admin")
    given_ago(cast, ada, 0)
    assert ada.put(f"/api/users/{other.id}", {"isActive": False}).status_code == 200
    given_ago(cast, ada, 16)
    for change in ({"isActive": True}, {"role": "consultant"}):
        assert needs_password(ada.put(f"/api/users/{other.id}", change))


def test_other_changes_of_users_take_no_password(cast: Cast, ada: Person) -> None:
    for user, change in (
        (cast.cora, {"fullName": "Cora B"}),
        (cast.stan, {"role": "staff", "isActive": True}),
        (cast.sam, {"contactId": None}),
        (ada, {"fullName": "Ada B"}),
    ):
        assert ada.put(f"/api/users/{user.id}", change).status_code == 200
        assert user.get("/api/user").status_code == 200
    cast.person("Abe", "admin")
    assert ada.put(f"/api/users/{ada.id}", {"role": "consultant"}).status_code == 200


def test_a_refused_change_is_done_when_it_is_sent_again_with_its_key(
    cast: Cast, ada: Person
) -> None:
    path, again = f"/api/users/{cast.stan.id}", {"Idempotency-Key": secrets.token_hex(8)}
    assert needs_password(ada.put(path, {"role": "guest"}, headers=again))
    assert ada.post(CONFIRM, {"password": PASSWORD}).status_code == 204
    assert ada.put(path, {"role": "guest"}, headers=again).json()["role"] == "guest"


def test_a_password_holds_for_fifteen_minutes_of_the_session_that_gave_it(
    cast: Cast, ada: Person
) -> None:
    path = f"/api/users/{cast.gita.id}/sessions"
    elsewhere = cast.again(ada)
    given_ago(cast, ada, 16)
    assert elsewhere.post(CONFIRM, {"password": PASSWORD}).status_code == 204
    assert needs_password(ada.delete(path))
    assert elsewhere.delete(path).status_code == 204
    for minutes, is_asked in ((14.9, False), (15.1, True)):
        given_ago(cast, ada, minutes)
        assert needs_password(elsewhere.delete(path)) == is_asked


def test_other_links_and_the_end_of_ones_own_sessions_take_no_password(
    cast: Cast, ada: Person
) -> None:
    for user in (cast.cora, cast.stan, cast.gita):
        assert ada.post(f"/api/users/{user.id}/links").status_code == 200
    assert ada.delete(f"/api/users/{ada.id}/sessions").status_code == 204


def test_what_is_not_there_and_not_allowed_is_told_before_the_password_is_asked_for(
    cast: Cast, ada: Person
) -> None:
    assert ada.post(f"/api/users/{cast.olga.id}/links").status_code == 404
    assert ada.delete(f"/api/users/{cast.olga.id}/sessions").status_code == 404
    given_ago(cast, cast.cora, 16)
    refused = cast.cora.post(f"/api/users/{ada.id}/links")
    assert (refused.status_code, refused.json()["type"]) == (403, "about:blank")


def test_wrong_passwords_given_again_count_as_those_of_signing_in_do(
    cast: Cast, ada: Person
) -> None:
    answers = [ada.post(CONFIRM, {"password": "a wrong guess"}) for _ in range(10)]
    assert [answer.status_code for answer in answers] == [422] * 10
    late = ada.post(CONFIRM, {"password": PASSWORD})
    assert (late.status_code, int(late.headers["retry-after"]) > 0) == (429, True)
    assert needs_password(ada.delete(f"/api/users/{cast.gita.id}/sessions"))


def test_changing_the_password_counts_as_giving_it(cast: Cast, ada: Person) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": "plums in the icebox"}
    assert ada.put("/api/user/password", body).status_code == 204
    assert ada.delete(f"/api/users/{cast.gita.id}/sessions").status_code == 204


def test_a_body_that_gives_no_password_is_refused_by_field(ada: Person) -> None:
    for body in ({}, {"password": None}, {"password": 5}, {"password": "x" * 2000}, {"pass": "x"}):
        answer = ada.post(CONFIRM, body)
        assert (answer.status_code, "x" * 500 in answer.text) == (422, False)


@pytest.mark.parametrize(
    ("path", "fields", "back"),
    [
        ("/users/{id}/sessions/end", {}, "/users/{id}"),
        ("/users/{id}/sessions/end", {"back": "/users?role=admin"}, "/users?role=admin"),
        ("/users/{id}/sessions/end", {"back": "//evil.example"}, "/users/{id}"),
        ("/users/{id}/enable", {}, "/users/{id}"),
        ("/users/{id}/disable", {}, "/users/{id}/disable"),
        ("/users/{id}/link", {}, "/users/{id}/link"),
        ("/users/{id}", {"role": "staff"}, "/users/{id}"),
        ("/users", {"username": "n@example.com", "fullName": "N", "role": "admin"}, "/users"),
    ],
)
def test_who_gives_the_password_on_its_page_goes_on_where_the_form_was(
    cast: Cast, ada: Person, path: str, fields: dict[str, str], back: str
) -> None:
    """As without scripts: by the link of the page that refuses, and the form behind it."""
    id = cast.person("Abe", "admin").id
    refused = post(ada, path.format(id=id), **fields)
    assert refused.status_code == 403
    link = unescape(re.findall(r'href="(/profile/confirmation[^"]*)"', refused.text)[0])
    (given,) = [dict(f) for to, f in Forms(get(ada, link).text).found if "password" in dict(f)]
    assert given["back"] == back.format(id=id)
    right = post(ada, "/profile/confirmation", **given | {"password": PASSWORD})
    assert right.headers["location"] == given["back"]
    assert get(ada, right.headers["location"]).status_code == 200


def test_pages_ask_for_the_password_and_change_nothing_before(cast: Cast, ada: Person) -> None:
    other = cast.person("Abe", "admin")
    before = state(cast)
    new = {"username": "n@example.com", "fullName": "New", "role": "admin", "contact": ""}
    forms: list[tuple[str, dict[str, str]]] = [
        (f"/users/{other.id}/link", {}),
        (f"/users/{other.id}/sessions/end", {}),
        ("/users", new | {"username": f"new{cast.tenant}@example.com"}),
    ]
    for path, fields in forms:
        answer = post(ada, path, **fields)
        assert (answer.status_code, answer.headers["retainer-needs"]) == (403, "password")
        assert "This takes your password again" in answer.text
        assert "/profile/confirmation?back=" in answer.text
        assert "another role" not in answer.text
    assert state(cast) == before
    assert 'type="password"' in get(ada, "/profile/confirmation?back=/users").text
    wrong = post(ada, "/profile/confirmation", password="x", back="/users")
    assert (wrong.status_code, "is not your password" in wrong.text) == (422, True)
    right = post(ada, "/profile/confirmation", password=PASSWORD, back="/users")
    assert (right.status_code, right.headers["location"]) == (303, "/users")
    assert [post(ada, path, **fields).status_code for path, fields in forms] == [200, 303, 200]
