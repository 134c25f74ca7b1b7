"""The password again: for an administrator's link, and before others are signed out."""

from typing import Any

import pytest

from support.cast import Cast, Person
from support.pages.sitemap import get, post
from support.passwords import given_ago, with_password
from support.server import PASSWORD

CONFIRM = "/api/user/confirmations"
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
