"""Sessions: idle ends, cookies, and how many a user has."""

import hashlib
from datetime import timedelta

from support.cast import Cast
from support.passwords import with_password
from support.races import together
from support.server import PASSWORD, Server

MOST = 20


def test_a_session_that_idled_too_long_neither_reads_nor_writes(cast: Cast) -> None:
    cast.sql.rows(
        "UPDATE sessions SET idle_expires_at = now() - interval '1 second' WHERE user_id = $1",
        cast.cora.id,
    )
    assert cast.cora.get("/api/organizations").status_code == 401
    assert cast.ada.get("/api/organizations").status_code == 200, "and is remembered"
    cast.sql.rows(
        "UPDATE sessions SET idle_expires_at = now() - interval '1 second' WHERE user_id = $1",
        cast.ada.id,
    )
    assert cast.ada.post("/api/organizations", {"name": "N", "type": "other"}).status_code == 401


def test_a_session_cookie_on_any_of_several_header_lines_is_found(
    cast: Cast, server: Server
) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(
            f"GET /api/user HTTP/1.1\r\nHost: x\r\nCookie: connect.sid={cast.ada.token}\r\nCookie: a=b\r\n\r\n".encode()
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 200")


def test_of_more_than_twenty_sessions_the_one_unused_longest_ends(cast: Cast) -> None:
    username = with_password(cast, cast.gita)
    people = [cast.gita, *(cast.again(cast.gita) for _ in range(MOST - 1))]
    unused = people[2]
    cast.sql.rows(
        "UPDATE sessions SET last_seen_at = now() - $1::interval WHERE user_id = $2",
        timedelta(seconds=30),
        cast.gita.id,
    )
    cast.sql.rows(
        "UPDATE sessions SET last_seen_at = now() - interval '40 seconds' WHERE token_hash = $1",
        hashlib.sha256(str(unused.token).encode()).digest(),
    )
    assert {person.get("/api/user").status_code for person in people} == {200}
    body = {"username": username, "password": PASSWORD}
    assert cast.client.post("/api/login", json=body).status_code == 200
    cast.client.cookies.clear()
    ended = [person for person in people if person.get("/api/user").status_code == 401]
    assert ended == [unused]
    assert cast.cora.get("/api/user").status_code == 200


def test_simultaneous_sign_ins_leave_twenty_sessions(cast: Cast) -> None:
    username = with_password(cast, cast.gita)
    for _ in range(MOST):
        cast.again(cast.gita)
    body = {"username": username, "password": PASSWORD}
    answers = together([lambda: cast.client.post("/api/login", json=body) for _ in range(4)])
    cast.client.cookies.clear()
    assert {answer.status_code for answer in answers} == {200}
    count = cast.sql.value("SELECT count(*) FROM sessions WHERE user_id = $1", cast.gita.id)
    assert count == MOST
    assert cast.nobody.get("/api/user").status_code == 401
