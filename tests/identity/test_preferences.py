"""Users' preferences, known to every process at once; the last login."""

import time
from typing import Any

import httpx
import pytest

from support.cast import Cast, Person
from support.in_process import InProcess

USUAL = {"theme": "system", "density": "compact", "shortcuts": True}


def preferences(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in USUAL}


def invited(cast: Cast, username: str) -> tuple[int, httpx.Response]:
    """A new user who has chosen a password: their id, and the answer to that."""
    id = cast.ada.made("/api/users", username=username, fullName="Nina", role="consultant")["id"]
    token = cast.ada.post(f"/api/users/{id}/links").json()["url"].partition("#token=")[2]
    return id, cast.client.post(
        "/api/setup", json={"token": token, "password": "plums in the icebox"}
    )


def test_every_user_has_preferences_and_changes_their_own(cast: Cast) -> None:
    for who in (cast.ada, cast.gita):
        assert preferences(who.get("/api/user").json()) == USUAL
        wanted = {"theme": "dark", "density": "comfortable", "shortcuts": False}
        changed = who.put("/api/user", wanted)
        assert changed.status_code == 200, changed.text
        assert preferences(changed.json()) == preferences(who.get("/api/user").json()) == wanted
        assert preferences(who.put("/api/user", {"theme": "light"}).json()) == wanted | {
            "theme": "light"
        }
    assert preferences(cast.cora.get("/api/user").json()) == USUAL


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"theme": "blue"}, 'must be one of system, light, dark, not "blue"'),
        ({"theme": None}, "must be one of system, light, dark, not null"),
        ({"density": "huge"}, 'must be one of compact, comfortable, not "huge"'),
        ({"shortcuts": "no"}, 'must be true or false, not "no"'),
        ({"shortcuts": None}, "must be true or false, not null"),
    ],
)
def test_an_unknown_preference_is_refused(cast: Cast, body: dict[str, Any], words: str) -> None:
    answer = cast.ada.put("/api/user", body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": next(iter(body)), "message": words}]


def test_preferences_are_visible_to_their_user_only(cast: Cast) -> None:
    assert not set(USUAL) & set(cast.ada.get(f"/api/users/{cast.ada.id}").json())
    assert cast.ada.put(f"/api/users/{cast.cora.id}", {"theme": "dark"}).status_code == 422


def test_every_process_applies_a_changed_preference_at_once(cast: Cast, inside: InProcess) -> None:
    """Pages use the cached session and need no statement for it."""
    inside.send(cast.stan, "GET", "/api/user")

    def known() -> tuple[Any, ...]:
        viewer = inside.sql.run(inside.app.sessions.viewer(cast.stan.token))
        return viewer.theme, viewer.density, viewer.shortcuts

    assert known() == ("system", "compact", True)

    def cost() -> int:
        before = inside.app.database.statements
        known()
        return inside.app.database.statements - before

    for body, expected in (({"theme": "dark"}, ("dark", "compact", True)),
                           ({"density": "comfortable"}, ("dark", "comfortable", True)),
                           ({"shortcuts": False}, ("dark", "comfortable", False))):  # fmt: skip
        assert inside.send(cast.stan, "PUT", "/api/user", body)[0] == 200, "in this process"
        assert known() == expected
    assert eventually(cost, 0), "once it was told of its own change"
    assert cast.stan.put("/api/user", {"theme": "light", "shortcuts": True}).status_code == 200, (
        "in another one"
    )
    assert eventually(known, ("light", "comfortable", True))


def eventually(look: Any, expected: Any) -> bool:
    end = time.monotonic() + 10
    while look() != expected and time.monotonic() < end:
        time.sleep(0.01)
    return bool(look() == expected)


def test_preferences_are_in_the_history_and_the_etag(cast: Cast) -> None:
    etag = cast.cora.get("/api/user").headers["etag"]
    assert cast.cora.put("/api/user", {"theme": "dark"}).headers["etag"] != etag
    (entry,) = cast.ada.get(f"/api/users/{cast.cora.id}/history?limit=1").json()
    assert entry["changes"] == [{"field": "theme", "before": "system", "after": "dark"}]


def test_a_user_shows_the_time_of_the_last_login(cast: Cast) -> None:
    username = f"nina.{cast.tenant}@example.com"
    made = cast.ada.made("/api/users", username=f"x{username}", fullName="Nobody yet", role="staff")
    assert made["lastLoginAt"] is None
    id, first = invited(cast, username)
    path = f"/api/users/{id}"
    assert first.json()["lastLoginAt"] == cast.ada.get(path).json()["lastLoginAt"] is not None
    assert preferences(first.json()) == USUAL
    time.sleep(0.002)
    again = cast.client.post(
        "/api/login", json={"username": username, "password": "plums in the icebox"}
    )
    assert preferences(again.json()) == USUAL
    assert again.json()["lastLoginAt"] > first.json()["lastLoginAt"]
    listed = {row["id"]: row["lastLoginAt"] for row in cast.ada.get("/api/users").json()}
    assert (listed[id], listed[made["id"]]) == (again.json()["lastLoginAt"], None)


def test_a_login_changes_the_etag_of_the_user_but_no_record(cast: Cast) -> None:
    username = f"nina.{cast.tenant}@example.com"
    id, _ = invited(cast, username)
    path = f"/api/users/{id}"
    etag = cast.ada.get(path).headers["etag"]
    assert cast.ada.get(path, headers={"If-None-Match": etag}).status_code == 304
    cast.client.post("/api/login", json={"username": username, "password": "plums in the icebox"})
    assert cast.ada.get(path, headers={"If-None-Match": etag}).status_code == 200
    done = cast.ada.get("/api/operations?limit=1").json()[0]
    assert (done["action"], done["records"]) == ("login", 0)
    assert cast.ada.get(f"/api/operations/{done['id']}").json()["changes"] == []


def test_users_are_found_by_their_last_login(cast: Cast) -> None:
    id, _ = invited(cast, f"nina.{cast.tenant}@example.com")

    def found(person: Person, query: str) -> list[int]:
        answer = person.get(f"/api/users?{query}")
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()]

    assert (
        found(cast.ada, "lastLoginAt:null=false") == found(cast.ada, "lastLoginAt:gte=-1h") == [id]
    )
    assert id not in found(cast.ada, "lastLoginAt:null=true")
    assert found(cast.ada, "sort=-lastLoginAt")[0] == found(cast.ada, "sort=lastLoginAt")[0] == id
    page = cast.ada.get("/api/users?sort=-lastLoginAt&limit=1")
    assert len(cast.ada.get(page.links["next"]["url"]).json()) == 1
