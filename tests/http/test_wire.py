"""HTTP on the wire: framing, pipelining, and limits on the head."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from operator import sub
from typing import Any

import pytest
import uvicorn

from retainer.http.headers import SECURITY
from retainer.server import http_server
from retainer.server.http_cycle import REFUSALS_AT_ONCE
from retainer.server.http_server import HttpConnection
from support.cast import Cast
from support.server import Server


def exchange(server: Server, *requests: str) -> bytes:
    """All bytes answered to pipelined requests until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall("".join(requests).encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def get(path: str, *headers: str, method: str = "GET", version: str = "1.1") -> str:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: x", *headers, "", ""])


def test_a_response_comes_in_one_segment(server: Server, cast: Cast) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for _ in range(20):
            connection.sendall(
                get(
                    f"/api/organizations/{cast.acme}", f"Cookie: connect.sid={cast.ada.token}"
                ).encode()
            )
            head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"content-length: %d" % len(body) in head.split(b"\r\n")
            assert body.startswith(b"{") and body.endswith(b"}")


def test_pipelined_requests_are_answered_in_order(server: Server, cast: Cast) -> None:
    cookie = f"Cookie: connect.sid={cast.ada.token}"
    asked = [get(f"/api/organizations/{id}", cookie) for id in (cast.acme, cast.globex, 2**52)]
    answered = exchange(server, *asked, get("/healthz", "Connection: close"))
    statuses = [part.split(b" ", 1)[0] for part in answered.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"404", b"200"]
    assert (
        answered.index(b'"Acme Corporation"')
        < answered.index(b'"Globex"')
        < answered.index(b"problem+json")
    )


def test_every_response_has_its_framing_headers(server: Server, cast: Cast) -> None:
    cookie, close = f"Cookie: connect.sid={cast.ada.token}", "Connection: close"
    path = f"/api/organizations/{cast.acme}"
    head, _, body = exchange(server, get(path, cookie, close)).partition(b"\r\n\r\n")
    assert {b"date", b"etag", b"x-request-id", b"connection"} <= {
        h.split(b":")[0] for h in head.split(b"\r\n")
    }
    length = b"content-length: %d\r\n" % len(body)
    same, _, nothing = exchange(server, get(path, cookie, close, method="HEAD")).partition(
        b"\r\n\r\n"
    )
    assert length in head and length in same and nothing == b""
    etag = next(line for line in head.decode().split("\r\n") if line.startswith("etag: "))
    unchanged = exchange(server, get(path, cookie, close, etag.replace("etag", "If-None-Match")))
    assert unchanged.startswith(b"HTTP/1.1 304 ") and unchanged.endswith(b"\r\n\r\n")
    assert b"content-length" not in unchanged
    old, _, same_body = exchange(server, get(path, cookie, version="1.0")).partition(b"\r\n\r\n")
    assert b"connection: close" in old and same_body == body, "HTTP/1.0 closes by itself"
    gone = exchange(server, get(path, cookie, close, method="DELETE"))
    assert (
        gone.startswith(b"HTTP/1.1 204 ")
        and gone.endswith(b"\r\n\r\n")
        and b"content-length" not in gone
    )


@asynccontextmanager
async def connected(
    app: Any, connections: set[Any] | None = None, **at_start: Any
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to our HTTP server, which serves this application and adds it to the set.
    `at_start` is what the application tells the server then.
    """
    config = uvicorn.Config(
        app, http=HttpConnection, lifespan="off", log_config=None, access_log=False
    )
    config.load()
    state = uvicorn.server.ServerState()
    if connections is not None:
        state.connections = connections
    server = await asyncio.get_running_loop().create_server(
        lambda: HttpConnection(config, state, at_start), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()


def test_a_header_value_cannot_begin_another_header() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"x-name", b"a\r\nset-cookie: b=c"), (b"content-length", b"2")]
        await send(
            {"type": "http.response.start", "status": 200, "headers": headers, "whole": True}
        )
        await send({"type": "http.response.body", "body": b"ok"})

    async def answered() -> bytes:
        async with connected(app) as (reader, writer):
            writer.write(get("/").encode())
            return await reader.read()

    answer = asyncio.run(answered())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert_refused_by_us(head, body, 500)
    assert b"b=c" not in answer


async def ok(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers, "whole": True})
    await send({"type": "http.response.body", "body": b"ok"})


def test_a_request_refused_at_the_door_is_answered_and_its_body_not_read() -> None:
    """The connection goes on. What was sent behind it, before its answer, waits for its turn."""

    async def work() -> None:
        connections: set[HttpConnection] = set()
        async with connected(ok, connections, door=refuse) as (reader, writer):
            writer.write((get("/no") + get("/yes") * 500).encode())
            answered = await reader.readexactly(1)
            while answered.count(b"\r\n\r\nok") < 500:
                answered += await reader.readuntil(b"ok")
            assert answered.index(b"no!") < answered.index(b"\r\n\r\nok")
            writer.write(b"POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
            await reader.readuntil(b"no!")
            [connection] = connections
            assert connection.draining is not None
            writer.write(b"GET /" + get("/no", "Connection: close").encode())
            assert (await reader.read()).endswith(b"no!")
            assert connection.draining is None

    asyncio.run(work())


def refuse(scope: Any) -> Any:
    if scope["path"] != "/no":
        return None
    return 503, [(b"content-length", b"3")], b"no!"


def test_refusals_are_written_a_few_in_each_turn_of_the_loop() -> None:
    """Meanwhile the loop comes round to everything else."""
    asked = 0

    def door(scope: Any) -> Any:
        nonlocal asked
        asked += 1
        return refuse(scope)

    async def work() -> None:
        async with connected(ok, door=door) as (_, writer):
            place = writer.get_extra_info("peername")
            clients = [await asyncio.open_connection(*place) for _ in range(3 * REFUSALS_AT_ONCE)]
            for _, client in clients:
                client.write(get("/no").encode())
            written = [0]
            while written[-1] < len(clients):
                await asyncio.sleep(0)
                written.append(asked - len(http_server._refusals.waiting))
            for reader, client in clients:
                assert (await reader.readuntil(b"no!")).startswith(b"HTTP/1.1 503 ")
                client.close()
            assert max(map(sub, written[1:], written)) <= REFUSALS_AT_ONCE

    asyncio.run(work())


def test_a_connection_has_one_timer_and_is_closed_when_it_has_been_idle_for_its_time() -> None:
    async def work() -> None:
        connections: set[HttpConnection] = set()
        async with connected(ok, connections) as (reader, writer):
            timers = set()
            for _ in range(3):
                writer.write(get("/").encode())
                await reader.readuntil(b"ok")
                [connection] = connections
                timers.add(connection.timeout_keep_alive_task)
            assert len(timers) == 1 and timers != {None}
            connection.timeout_keep_alive_handler()  # before its time
            assert not connection.transport.is_closing()
            assert connection.timeout_keep_alive_task is not None
            assert connection.idle_since is not None
            connection.idle_since -= connection.timeout_keep_alive
            connection.timeout_keep_alive_handler()
            assert await reader.read() == b""

    asyncio.run(work())


def test_a_connection_whose_request_takes_long_is_not_idle() -> None:
    async def work() -> None:
        connections: set[HttpConnection] = set()
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/slow":
                arrived.set()
                await go_on.wait()
            await ok(scope, receive, send)

        async with connected(slow, connections) as (reader, writer):
            writer.write(get("/").encode())
            await reader.readuntil(b"ok")
            writer.write(get("/slow").encode())
            await arrived.wait()
            [connection] = connections
            connection.timeout_keep_alive_handler()
            assert not connection.transport.is_closing()
            go_on.set()
            await reader.readuntil(b"ok")
            assert connection.timeout_keep_alive_task is not None

    asyncio.run(work())


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_the_rest_of_an_answered_body_is_waited_for_a_while(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that go on trickling hold no connection; a body that does end keeps its connection."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"2")]
        await send(
            {"type": "http.response.start", "status": 413, "headers": headers, "whole": True}
        )
        await send({"type": "http.response.body", "body": b"no"})

    async def answered() -> bytes:
        async with connected(app) as (reader, writer):
            asked = get("/", "Content-Length: 5", method="POST").encode()
            writer.write(asked)
            first = await reader.readuntil(b"no")
            writer.write(b"abcd")
            if seconds:
                writer.write(b"e" + asked)
                first += await reader.readuntil(b"no")
            else:
                with suppress(ConnectionError):
                    first += await reader.read()
            return first

    monkeypatch.setattr(http_server, "DRAIN_SECONDS", seconds)
    assert asyncio.run(answered()).count(b"HTTP/1.1 413 ") == (2 if seconds else 1)


def test_an_endless_head_is_cut_off(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        answer = b""
        try:
            for _ in range(100):
                connection.sendall(b"X-More: and more\r\n" * 1000)
                time.sleep(0.01)
            answer = connection.recv(200)
        except (BrokenPipeError, ConnectionResetError):
            return  # closed already, before all was sent
    assert answer.startswith(b"HTTP/1.1 400") or not answer


def test_a_long_head_that_ends_is_accepted(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for _ in range(3):  # each head is counted by itself
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
            time.sleep(0.05)
            connection.sendall(b"X-More: and more\r\n" * 2000 + b"\r\n")
            time.sleep(0.1)
            assert connection.recv(4000).startswith(b"HTTP/1.1 200")


def answers(server: Server, *pieces: str) -> list[tuple[int, dict[str, Any]]]:
    """Status and JSON of each response to bytes that come in pieces, until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(piece.encode())
            time.sleep(0.05)  # another packet, not another assertion
        answered = b"".join(iter(lambda: connection.recv(65536), b""))
    found = []
    for part in answered.split(b"HTTP/1.1 ")[1:]:
        head, _, body = part.partition(b"\r\n\r\n")
        found.append((int(head[:3]), json.loads(body or b"{}")))
    return found


def creation(cast: Cast, body: str, *headers: str) -> str:
    return get(
        "/api/organizations",
        f"Cookie: connect.sid={cast.ada.token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
        method="POST",
    )


@pytest.mark.parametrize("protocol", ["h2c", "foo", "websocket"])
@pytest.mark.parametrize("in_one_packet", [True, False])
def test_an_offer_to_change_the_protocol_is_ignored(
    server: Server, cast: Cast, protocol: str, in_one_packet: bool
) -> None:
    offer = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AAMA")
    first = '{"name": "Offered", "type": "customer"}'
    second = get("/api/user", f"Cookie: connect.sid={cast.ada.token}").ljust(90)
    cookie = f"Cookie: connect.sid={cast.ada.token}"
    sent = [
        creation(cast, first, *offer),
        first,
        creation(cast, second, *offer),
        second,
        get("/api/user", cookie, *offer),
        get("/healthz", "Connection: close"),
    ]
    before = server.log.read_text()
    answered = answers(server, *(["".join(sent)] if in_one_packet else sent))
    assert [status for status, _ in answered] == [200, 400, 200, 200]
    assert answered[0][1]["name"] == "Offered"
    assert answered[2][1]["id"] == cast.ada.id
    assert "upgrade" not in server.log.read_text()[len(before) :].lower()


def test_an_offer_with_a_body_of_chunks_keeps_the_body(server: Server, cast: Cast) -> None:
    head = get(
        "/api/organizations",
        f"Cookie: connect.sid={cast.ada.token}",
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        "Connection: upgrade, close",
        "Upgrade: h2c",
        method="POST",
    )
    body = '{"name": "Chunks", "type": "other"}'
    ((status, record),) = answers(server, head, f"{len(body):x}\r\n{body}\r\n0\r\n\r\n")
    assert (status, record["name"]) == (200, "Chunks")


def assert_refused_by_us(head: bytes, body: bytes, status: int) -> None:
    """A problem document with the headers that every response has."""
    lines = head.split(b"\r\n")
    assert lines[0].startswith(b"HTTP/1.1 %d " % status)
    assert {b"%b: %b" % header for header in SECURITY} <= set(lines), head
    assert b"content-type: application/problem+json" in lines and b"x-request-id: " in head
    assert json.loads(body)["status"] == status


BIG = "X-More: and more\r\n" * 5000
# Refusals that are decided before a route is found, or without one.
EARLY = {
    "an endless head": (400, "GET /healthz HTTP/1.1\r\n", BIG),
    "a host that is none": (400, "GET /api/user HTTP/1.1\r\nHost: a b\r\n\r\n"),
    "no path of ours": (404, get("/api/nothing", "Connection: close")),
    "a method of no path": (405, get("/api/user", "Connection: close", method="PROPFIND")),
    "a body that is too large": (
        413,
        get("/api/login", "Content-Type: application/json", "Content-Length: 99999999",
            "Connection: close", method="POST"),
    ),
    "a length that is none": (400, "POST /api/login HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
    "a chunk that is none": (
        400,
        get("/api/login", "Content-Type: application/json", "Transfer-Encoding: chunked", method="POST"),
        "zz\r\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EARLY)
def test_an_early_refusal_is_a_problem_document_with_our_headers(server: Server, name: str) -> None:
    status, *pieces = EARLY[name]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(str(piece).encode())
            time.sleep(0.05)  # another packet, not another assertion
        answered = connection.recv(65536)
    head, _, body = answered.partition(b"\r\n\r\n")
    assert_refused_by_us(head, body, status)


FLAWS = {
    "GET /api/organizations?q=Zürich HTTP/1.1\r\n": "percent-encode",
    "GET /api/Zürich HTTP/1.1\r\n": "percent-encode",
    "get /api/user HTTP/1.1\r\n": "capitals",
    "GET /api/user HTTP/1.1\nHost: x\n\n": "CRLF",
    "POST /api/organizations HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n": "Content-Length",
    "GET /api/user HTTP/1.1\r\nA: \x01\r\n": "header value",
    "GET user HTTP/1.1\r\n\r\n": "valid HTTP",
    "CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n": "tunnel",
    "\x16\x03\x01\x02\x00": "no method",
}


@pytest.mark.parametrize("request_", FLAWS)
def test_what_is_no_http_is_refused_by_a_problem_document(server: Server, request_: str) -> None:
    answered = exchange(server, request_)
    head, _, body = answered.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b"connection: close" in head
    assert_refused_by_us(head, body, 400)
    assert FLAWS[request_] in json.loads(body)["detail"]


def test_what_is_no_http_is_refused_after_the_requests_before_it(
    server: Server, cast: Cast
) -> None:
    cookie = f"Cookie: connect.sid={cast.ada.token}"
    asked = [get(f"/api/organizations/{id}", cookie) for id in (cast.acme, cast.globex)]
    answered = answers(server, "".join([*asked, "get / HTTP/1.1\r\n\r\n", *asked]))
    assert [status for status, _ in answered] == [200, 200, 400]
    assert answered[1][1]["id"] == cast.globex


def test_a_chunk_that_is_none_is_400_of_its_own_request(server: Server, cast: Cast) -> None:
    cookie = f"Cookie: connect.sid={cast.ada.token}"
    chunked = get(
        "/api/organizations",
        cookie,
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        method="POST",
    )
    answered = answers(server, get("/api/user", cookie) + chunked, "1\r\n{\r\n", "zz\r\n")
    assert [status for status, _ in answered] == [200, 400]
    assert "chunk size" in answered[1][1]["detail"]
