"""Lists when every connection is in use."""

import socket

import pytest

from support.cast import Cast
from support.server import Server, until


@pytest.mark.slow
def test_a_list_without_a_free_connection_is_503_while_the_others_are_sent(
    cast: Cast, server: Server
) -> None:
    for tenant in (cast.tenant, cast.other_tenant):
        add_organizations(cast, tenant)
    head = f"GET /api/organizations HTTP/1.1\r\nHost: x\r\nCookie: connect.sid={cast.olga.token}\r\n\r\n".encode()
    slow = []
    try:
        for _ in range(4):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(head)
            slow.append(connection)
        until(lambda: refused(cast), 30, "each of them holds a connection")
        other = cast.ada.get("/api/organizations")
        assert other.status_code == 200, "a place is left for another tenant"
        assert len(other.json()) == 2002
    finally:
        for connection in slow:
            connection.close()
    until(lambda: not refused(cast), 30, "they give their connections back")
    assert len(cast.olga.get("/api/organizations").json()) == 2000


def refused(cast: Cast) -> bool:
    """True when Olga's list is refused; then it is told when to come again."""
    answer = cast.olga.get("/api/organizations")
    return answer.status_code == 503 and bool(answer.headers["retry-after"])


def add_organizations(cast: Cast, tenant: int) -> None:
    cast.sql.rows(
        """WITH acting AS MATERIALIZED (
               SELECT set_config('retainer.tenant', $2, true), acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO organizations (tenant_id, name, type, description)
           SELECT $1::bigint, 'Bulk ' || n, 'other', repeat('x', 8000) FROM acting, generate_series(1, 2000) n""",
        tenant, str(tenant),
    )  # fmt: skip
