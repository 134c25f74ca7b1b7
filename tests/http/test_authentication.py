"""The viewer of a request: by which of several cookies, and where a session ends meanwhile."""

import asyncio
import secrets

from retainer.identity.tokens import digest
from support.cast import Cast
from support.in_process import InProcess

FORM = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}


def test_a_write_that_finds_its_session_ended_is_answered_as_to_a_stranger(
    cast: Cast, inside: InProcess
) -> None:
    sessions = inside.app.sessions
    assert inside.send(cast.cora, "GET", "/api/organizations?limit=1")[0] == 200
    key = digest(cast.cora.token)
    remembered = sessions.known[key]
    disabled = cast.ada.put(f"/api/users/{cast.cora.id}", {"isActive": False})
    assert disabled.status_code == 200, disabled.text
    while key in sessions.known:
        inside.sql.run(asyncio.sleep(0.01))
    sessions.known[key] = remembered  # as if the notification were still on its way
    sessions.of_user[cast.cora.id].add(key)
    answer = inside.sql.run(
        inside.client.request(
            "POST",
            "/organizations",
            headers=FORM | {"Cookie": f"connect.sid={cast.cora.token}"},
            content="name=Late&type=customer",
        )
    )
    assert answer.status_code == 401
    assert cast.cora.username not in answer.text
    assert 'href="/trash"' not in answer.text, "no sidebar"


def test_of_several_session_cookies_the_live_one_counts(cast: Cast) -> None:
    ours, stale = cast.ada.token, secrets.token_urlsafe(32)
    express = "s%3Aj8Yt0Kc2.pQ7Zk%2FvS1u"
    for values in (
        [ours, express],
        [express, ours],
        [stale, express, ours],
        [stale, '"' + str(ours) + '"'],
        [*(f"other{n}" for n in range(40)), stale, ours],
    ):
        cookie = "; ".join(f"connect.sid={value}" for value in values)
        answer = cast.nobody.get("/api/user", headers={"Cookie": cookie})
        assert answer.json().get("id") == cast.ada.id, values
        page = cast.nobody.get("/profile", headers={"Cookie": cookie, "Accept": "text/html"})
        assert page.status_code == 200, values
    nobody = cast.nobody.get("/api/user", headers={"Cookie": f"connect.sid={express}"})
    assert nobody.status_code == 401


def test_signing_out_ends_every_session_that_the_cookies_name(cast: Cast) -> None:
    ada, cora = cast.ada.token, cast.cora.token
    both = {"Cookie": f"connect.sid=other; connect.sid={ada}; connect.sid={cora}"}
    assert cast.nobody.post("/api/logout", headers=both).status_code == 204
    assert cast.ada.get("/api/user").status_code == 401
    assert cast.cora.get("/api/user").status_code == 401


def test_signing_in_beside_another_application_s_cookie_leads_on(cast: Cast) -> None:
    cookie = {"Cookie": f"connect.sid=other; connect.sid={cast.ada.token}", "Accept": "text/html"}
    answer = cast.nobody.get("/login?next=/tasks", headers=cookie)
    assert answer.headers["location"] == "/tasks"
