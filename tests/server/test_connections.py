"""Connections: those who only hold them keep nobody out, behind a proxy or without one."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from retainer.config import Settings, networks
from retainer.errors import Overloaded
from retainer.http.request import SIGNED_IN
from retainer.server import limits
from retainer.server.connections import Connections
from support.cast import Cast
from support.in_process import InProcess
from support.server import Server, until
from support.sql import Sql

HERE, THERE = "127.0.0.1", "127.0.0.2"


class Held:
    """A connection that knows whether it was told to give way."""

    is_gone = False

    def give_way(self) -> None:
        self.is_gone = True


def entered(places: Connections, address: str, count: int) -> list[Held]:
    clients = [Held() for _ in range(count)]
    for client in clients:
        places.enter(client, address, 0)
    return clients


def gone(clients: list[Held]) -> list[bool]:
    return [client.is_gone for client in clients]


def test_the_oldest_connection_of_a_network_with_its_whole_share_gives_way() -> None:
    places = Connections(10, 3)
    ours, theirs = entered(places, "192.0.2.1", 5), entered(places, "192.0.2.2", 2)
    assert gone(ours) == [True, True, False, False, False]
    assert gone(theirs) == [False, False]
    alike = entered(places, "2001:db8::1", 2) + entered(places, "2001:db8::ffff:2", 2)
    assert gone(alike) == [True, False, False, False], "a /64 is one network"
    assert len(places.network_of) == 8


def test_the_network_with_most_makes_room_where_no_place_is_left() -> None:
    places = Connections(5, 4)
    many, few = entered(places, "192.0.2.1", 4), entered(places, "192.0.2.2", 1)
    new = entered(places, "192.0.2.3", 2)
    assert gone(many) == [True, True, False, False]
    assert gone(few) == [False]
    assert gone(new) == [False, False]
    assert len(places.network_of) == 5


def test_a_connection_on_which_somebody_signed_in_keeps_its_place() -> None:
    places = Connections(4, 3)
    first, second, third = entered(places, "192.0.2.1", 3)
    places.know(first, is_signed_in=True)
    entered(places, "192.0.2.1", 1)
    assert gone([first, second, third]) == [False, True, False]
    for client in list(places.network_of):
        places.know(client, is_signed_in=True)
    with pytest.raises(Overloaded):
        places.enter(Held(), "192.0.2.1", 0)
    assert len(places.network_of) == 3
    entered(places, "192.0.2.2", 1)
    assert len(places.network_of) == 4
    places.leave(first)
    entered(places, "192.0.2.1", 1)


def test_a_connection_on_which_nobody_is_signed_in_any_more_gives_way_again() -> None:
    places = Connections(10, 2)
    first, second = entered(places, "192.0.2.1", 2)
    for client in (first, second):
        places.know(client, is_signed_in=True)
    with pytest.raises(Overloaded):
        entered(places, "192.0.2.1", 1)
    places.know(second, is_signed_in=False)
    places.know(second, is_signed_in=False)
    entered(places, "192.0.2.1", 1)
    assert gone([first, second]) == [False, True]
    places.know(second, is_signed_in=False)
    assert second not in places.unknown["192.0.2.1"], "it has ended"


@pytest.mark.parametrize("ends", ["logout", "cookie"])
def test_the_connection_of_a_session_that_ended_is_nobodys(
    cast: Cast, server: Server, sql: Sql, ends: str
) -> None:
    inside, told = InProcess(server, sql), list[bool]()
    person = cast.person("Short", "consultant")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await inside.app({**scope, SIGNED_IN: told.append}, receive, send)

    async def ask(method: str, path: str, cookie: str) -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
            await client.request(method, path, headers={"Cookie": cookie})

    own = f"connect.sid={person.token}"
    sql.run(ask("GET", "/api/user", own))
    if ends == "logout":
        sql.run(ask("POST", "/api/logout", own))
    else:
        sql.run(ask("GET", "/api/user", "connect.sid=none"))
    inside.stop()
    assert told[0] and not told[-1]


def test_a_connection_that_ended_leaves_nothing_behind() -> None:
    places = Connections(4, 3)
    clients = entered(places, "192.0.2.1", 9)
    for client in clients:
        places.leave(client)
        places.leave(client)
    assert (places.network_of, dict(places.sizes), places.unknown) == ({}, {}, {})


def test_the_connections_of_a_proxy_count_for_the_clients_that_it_names() -> None:
    places = Connections(20, 3, networks("10.0.0.0/8"))
    pool = entered(places, "10.0.0.1", 10)
    assert not any(gone(pool))
    for client in pool[:5]:
        places.move(client, "192.0.2.1", 0)
    assert gone(pool) == [True, True] + [False] * 8
    places.release(pool[2])  # its request is over: the next one may be of anybody
    places.move(pool[2], "192.0.2.2", 0)
    places.move(pool[5], "192.0.2.1", 0)
    assert gone(pool) == [True, True] + [False] * 8
    places.move(pool[0], "192.0.2.1", 0)
    assert pool[0] not in places.network_of, "it gave way before"


def test_the_warning_comes_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    places = Connections(2, 2)
    for now in (0, 1, 2, 3, 61, 62, 63, 130):
        places.enter(Held(), "192.0.2.1", now)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3
    assert "2 of them from 192.0.2.1" in told[0]


@pytest.mark.parametrize(("files", "most"), [(512, 448), (100_000, 4000), (10, 1)])
def test_the_ceiling_stays_below_the_open_files(
    files: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits.resource, "getrlimit", lambda _: (files, files))
    places = Connections.of(Settings(), [])
    assert (places.most, places.of_network) == (most, min(most, 1000))


@pytest.fixture(scope="module")
def small(server: Server) -> Iterator[Server]:
    """A server with few places, behind a proxy on one of this machine's addresses."""
    running = Server(
        database_url=server.database_url,
        storage_url=f"file://{server.folder}/documents",
        connections="40",
        network_connections="20",
        trusted_proxies=HERE,
    )
    yield running
    running.stop()


HEAD = (
    "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    "{forwarded}Content-Length: 16000\r\n\r\n"
)


def holding(server: Server, source: str, forwarded: str = "") -> list[socket.socket]:
    """Sixty connections that each hold a body of which the end does not come."""
    held = []
    for _ in range(60):
        client = socket.create_connection(
            (HERE, server.port), timeout=10, source_address=(source, 0)
        )
        client.sendall(HEAD.format(forwarded=forwarded).encode() + b" " * 15_000)
        held.append(client)
    return held


def answered(held: list[socket.socket]) -> list[bytes]:
    """Answers on the connections that gave way; the others are silent."""
    answers = []
    for client in held[:40]:
        answers.append(b"".join(iter(lambda c=client: c.recv(65536), b"")))  # type: ignore[misc]
    for client in held[40:]:
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)
    return answers


def user(server: Server, token: str, source: str, **headers: str) -> int:
    with httpx.Client(
        transport=httpx.HTTPTransport(local_address=source), base_url=server.url, timeout=10
    ) as client:
        return client.get(
            "/api/user", headers={"Cookie": f"connect.sid={token}", **headers}
        ).status_code


@pytest.mark.parametrize(
    ("source", "forwarded"), [(THERE, {}), (HERE, {"X-Forwarded-For": "203.0.113.9"})]
)
def test_held_bodies_give_way_and_users_are_answered(
    small: Server, cast: Cast, source: str, forwarded: dict[str, str]
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in forwarded.items())
    held = holding(small, source, lines)
    try:
        answers = answered(held)
        assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in answers), answers[0]
        assert b"application/problem+json" in answers[0] and b"retry-after: " in answers[0]
        assert user(small, cast.ada.token, source, **forwarded) == 200, "of the same network"
        assert user(small, cast.ada.token, "127.0.0.3") == 200
        assert user(small, cast.ada.token, HERE, **{"X-Forwarded-For": "203.0.113.77"}) == 200
    finally:
        for client in held:
            client.close()


def open_sockets(server: Server) -> int:
    """Connections of clients that the server's process holds, and its few other sockets."""
    files = Path(f"/proc/{server.process.pid}/fd").iterdir()
    return sum(os.readlink(file).startswith("socket:") for file in files)


def test_clients_that_read_no_answers_give_way_at_once(small: Server, cast: Cast) -> None:
    asked = b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 30
    before, held = open_sockets(small), []
    try:
        for _ in range(30):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.bind((THERE, 0))
            client.connect((HERE, small.port))
            client.sendall(asked)
            held.append(client)
            client.recv(1, socket.MSG_PEEK)  # the first answer is on its way
        assert user(small, cast.ada.token, THERE) == 200
        until(lambda: open_sockets(small) <= before + 25, 10, "those that gave way have ended")
    finally:
        for client in held:
            client.close()


def memory(server: Server) -> int:
    """The resident memory of the server's process in MiB."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) >> 10


@pytest.mark.slow
def test_refused_bodies_that_go_on_coming_take_no_memory(server: Server, cast: Cast) -> None:
    head = HEAD.format(forwarded="").replace("16000", "1048576").encode()
    before, held = memory(server), []
    try:
        for _ in range(400):
            client = socket.create_connection((HERE, server.port), timeout=10)
            held.append(client)
            client.sendall(head + b" " * 1_040_000)
        assert held[-1].recv(12) == b"HTTP/1.1 413"
        assert user(server, cast.ada.token, HERE) == 200
        assert memory(server) - before <= 32
    finally:
        for client in held:
            client.close()
