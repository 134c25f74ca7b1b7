"""Sessions: idle ends and cookies."""

from support.cast import Cast
from support.server import Server


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
