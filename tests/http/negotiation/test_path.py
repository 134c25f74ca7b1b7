"""Paths with a slash too many, and the methods that a path takes."""

import socket

import pytest

from support.cast import Cast
from support.server import Server


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
@pytest.mark.parametrize(
    "path",
    ["/api/contacts", "/organizations", "/api/organizations/1/tasks", "/login", "/healthz"],
)
def test_a_slash_at_the_end_leads_to_the_path_without_it(
    cast: Cast, method: str, path: str
) -> None:
    headers = {"Accept": "text/html"} if path == "/login" else {}
    answer = cast.nobody.request(method, f"{path}/?a=1&b=%2F", headers=headers)
    if path == "/login" and method not in ("GET", "HEAD"):
        assert answer.status_code == 404
        return
    assert (answer.status_code, answer.headers["location"]) == (308, f"{path}?a=1&b=%2F")
    assert answer.content == b""


@pytest.mark.parametrize("accept", ["*/*", "text/html", ""])
@pytest.mark.parametrize("path", ["/login", "/trash", "/organizations/export"])
def test_a_path_that_has_only_a_page_has_it_behind_a_slash_and_tells_its_methods(
    cast: Cast, path: str, accept: str
) -> None:
    headers = {"Accept": accept}
    answer = cast.nobody.get(f"{path}/?a=1", headers=headers)
    assert (answer.status_code, answer.headers.get("location")) == (308, f"{path}?a=1")
    answer = cast.nobody.request("OPTIONS", path, headers=headers)
    methods = "GET, HEAD" if path == "/trash" else "GET, POST, HEAD"
    assert (answer.status_code, answer.headers.get("allow")) == (204, methods)


def test_what_takes_json_alone_finds_no_page_behind_a_slash(cast: Cast) -> None:
    headers = {"Accept": "application/json"}
    assert cast.nobody.get("/trash/", headers=headers).status_code == 404
    assert cast.nobody.request("OPTIONS", "/trash", headers=headers).status_code == 404


def test_an_encoded_slash_stays_encoded(cast: Cast) -> None:
    answer = cast.nobody.get("/api/organizations/by/externalId/a%2F%2Fb/")
    assert answer.headers["location"] == "/api/organizations/by/externalId/a%2F%2Fb"


@pytest.mark.parametrize(
    "path",
    [
        "//api/user",
        "//api/user/",
        "//elsewhere.example/",
        "/api/contacts//",
        "/api/",
        "/API/contacts/",
        "/nowhere/",
    ],
)
def test_no_other_slash_leads_anywhere(server: Server, path: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head = b"".join(iter(lambda: raw.recv(65536), b""))
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"\r\nlocation:" not in head


def test_options_tells_the_methods_of_a_path(cast: Cast) -> None:
    for path in ("/api/organizations", "/organizations/1", "/api/user", "/api/bulk"):
        refused = cast.ada.patch(path)
        answer = cast.nobody.request("OPTIONS", path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["allow"] == refused.headers["allow"]
        assert not any(name.startswith("access-control") for name in answer.headers)
    assert cast.nobody.request("OPTIONS", "/api/nowhere").status_code == 404


def test_options_of_the_whole_server_is_answered(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert raw.recv(65536).startswith(b"HTTP/1.1 204 ")
