"""The viewer of a request whose session ends while it is on its way."""

import asyncio

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
