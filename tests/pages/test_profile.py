"""One's own profile: preferences, name, sessions, password."""

import re

import pytest

from support.cast import Cast, Person
from support.pages.accounts import NEW_PASSWORD, Guest, followed, invite, link_in, toast
from support.pages.sitemap import FORM, HTML, check, get, post
from support.server import PASSWORD


@pytest.mark.parametrize(
    ("field", "value", "mark"),
    [
        ("theme", "dark", 'data-theme="dark"'),
        ("density", "comfortable", 'data-density="comfortable"'),
        ("shortcuts", "false", 'data-shortcuts="off"'),
    ],
)
def test_a_preference_acts_on_the_next_page(cast: Cast, field: str, value: str, mark: str) -> None:
    page = followed(cast.gita, post(cast.gita, "/profile", **{field: value}))
    assert mark in page.text
    assert re.match("Changed your|Turned single-key shortcuts off", toast(page.text))
    assert "Undo" not in page.text, "an account is no record that is undone"


def test_a_preference_sends_its_form_past_htmx(cast: Cast) -> None:
    """The element it changes is outside the part that htmx replaces."""
    page = get(cast.ada, "/profile").text
    for name in ("theme", "density", "shortcuts"):
        form = re.search(rf'<form[^>]*>(?:(?!</form>).)*name="{name}"', page, re.DOTALL)
        assert form is not None
        assert 'hx-boost="false"' in form[0].partition(">")[0]


def test_the_profile_changes_name_and_time_zone(cast: Cast) -> None:
    page = followed(cast.stan, post(cast.stan, "/profile", fullName="Stanislav"))
    assert toast(page.text) == "Changed your full name"
    assert page.text.count("Stanislav") >= 2, "beside the menu too"
    post(cast.stan, "/profile", timeZone="Asia/Tokyo")
    assert cast.stan.get("/api/user").json()["timeZone"] == "Asia/Tokyo"
    post(cast.stan, "/profile", timeZone="")
    assert cast.stan.get("/api/user").json()["timeZone"] != "Asia/Tokyo"
    wrong = post(cast.stan, "/profile", fullName=" ")
    assert wrong.status_code == 422
    assert "This must" in wrong.text


def test_sessions_are_told_apart_and_ended(cast: Cast) -> None:
    other = cast.client.post(
        "/api/login", json={"username": "root@example.com", "password": PASSWORD}
    )
    cast.client.cookies.clear()
    root = Person(cast.client, 0, 0, "", other.cookies["connect.sid"])
    one = cast.client.post(
        "/api/login", json={"username": "root@example.com", "password": PASSWORD}
    ).cookies
    cast.client.cookies.clear()
    sessions = root.get("/api/user/sessions").json()
    mine = next(s["id"] for s in sessions if s["current"])
    newest = max(s["id"] for s in sessions)
    page = get(root, "/profile").text
    assert page.count("This one") == 1
    answer = post(root, f"/profile/sessions/{newest}/end")
    assert toast(followed(root, answer).text) == "Ended the session"
    assert get(Person(cast.client, 0, 0, "", one["connect.sid"]), "/profile").status_code == 303
    answer = post(root, f"/profile/sessions/{mine}/end")
    assert answer.headers["location"] == "/login"
    assert "connect.sid=;" in answer.headers["set-cookie"]


def test_the_password_is_changed_by_a_user_who_knows_it(cast: Cast) -> None:
    answer, username = invite(cast)
    set_up = cast.client.post(
        "/setup", data={"link": link_in(answer.text), "password": NEW_PASSWORD, "again": NEW_PASSWORD},
        headers=HTML | FORM, follow_redirects=False,
    )  # fmt: skip
    uma = Guest(cast, set_up).person
    cast.client.cookies.clear()
    form = get(uma, "/profile/password").text
    check(form)
    wrong = post(
        uma, "/profile/password", currentPassword="x", newPassword="password", again="password"
    )
    assert wrong.status_code == 422
    assert "This is not your password." in wrong.text
    assert "most common passwords" in wrong.text
    unlike = post(
        uma,
        "/profile/password",
        currentPassword=NEW_PASSWORD,
        newPassword="three plums",
        again="two plums",
    )
    assert "This differs from the new password." in unlike.text
    assert NEW_PASSWORD not in unlike.text, "no password is sent back"
    done = post(
        uma,
        "/profile/password",
        currentPassword=NEW_PASSWORD,
        newPassword="three plums",
        again="three plums",
    )
    assert toast(followed(uma, done).text).startswith("Changed your password")
    assert (
        cast.client.post(
            "/api/login", json={"username": username, "password": "three plums"}
        ).status_code
        == 200
    )
    cast.client.cookies.clear()
