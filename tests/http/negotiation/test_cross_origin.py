"""Pages of other origins: which may read and change."""

import httpx
import pytest

from retainer.config import ConfigError, load
from support.cast import Cast
from support.in_process import InProcess
from support.server import Server
from support.sql import Sql

THEIRS = "http://localhost:5173"


@pytest.fixture(scope="module")
def inside(server: Server, sql: Sql) -> InProcess:
    running = InProcess(server, sql, allowed_origins=f"{THEIRS}, https://app.example.com")
    yield running
    running.stop()


def ask(inside: InProcess, cast: Cast, method: str, path: str, **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    cookie = {"Cookie": f"connect.sid={cast.ada.token}"}
    content = b'{"industry": "Energy"}' if method == "PUT" else None
    return inside.sql.run(
        inside.client.request(method, path, headers=cookie | names, content=content)
    )


def test_an_allowed_origin_reads_with_credentials(cast: Cast, inside: InProcess) -> None:
    for path in ("/api/organizations", "/organizations", "/api/nowhere", "/api/openapi.json"):
        answer = ask(inside, cast, "GET", path, origin=THEIRS)
        assert answer.headers.get_list("access-control-allow-origin") == [THEIRS]
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "origin" in answer.headers["vary"].lower()
        assert "etag" in answer.headers["access-control-expose-headers"].lower()


def test_an_allowed_origin_changes(cast: Cast, inside: InProcess) -> None:
    path, cross = f"/api/organizations/{cast.acme}", {"sec_fetch_site": "cross-site"}
    json = {"content_type": "application/json"}
    assert ask(inside, cast, "PUT", path, origin=THEIRS, **cross, **json).status_code == 200
    for origin in ("http://localhost:5174", "https://localhost:5173", "null", f"{THEIRS}/"):
        answer = ask(inside, cast, "PUT", path, origin=origin, **json)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        assert "origin" in answer.headers["vary"].lower()
    assert ask(inside, cast, "PUT", path, **cross, **json).status_code == 403


def test_a_preflight_of_an_allowed_origin_names_what_may_be_sent(
    cast: Cast, inside: InProcess
) -> None:
    asked = {
        "access_control_request_method": "PUT",
        "access_control_request_headers": "content-type,if-match",
    }
    answer = ask(inside, cast, "OPTIONS", "/api/organizations/1", origin=THEIRS, **asked)
    assert answer.status_code == 204
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "content-type,if-match"
    assert answer.headers["access-control-allow-origin"] == THEIRS
    other = ask(
        inside, cast, "OPTIONS", "/api/organizations/1", origin="https://e.example", **asked
    )
    assert not any(name.startswith("access-control") for name in other.headers)


def test_everybody_reads_the_document_alone(cast: Cast) -> None:
    origin = {"Origin": "https://viewer.example"}
    answer = cast.nobody.get("/api/openapi.json", headers=origin)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    for path in ("/api/docs", "/api/organizations", "/api/user", "/login", "/readyz"):
        headers = cast.ada.get(path, headers=origin).headers
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "origin", ["*", "null", "app.example.com", "https://a.example/", "ftp://a"]
)
def test_an_origin_that_is_none_refuses_to_start(origin: str) -> None:
    with pytest.raises(ConfigError, match="RETAINER_ALLOWED_ORIGINS must be"):
        load({"RETAINER_ALLOWED_ORIGINS": origin})
