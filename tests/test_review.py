"""What a careful stranger found: odd requests, odd values, and what the command line says of a database it cannot use."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import Cast, Server, Sql
from retainer import config
from retainer.errors import Invalid
from retainer.http.body import decode
from retainer.http.log import Log
from retainer.records.documents.model import DocumentCreate
from retainer.server.cli import main


@pytest.mark.parametrize(
    "path", ["/api/organizations/*", "/organizations/*/members/*", "/api/users/*/links", "/api/*"]
)
def test_a_star_in_a_path_is_no_id(cast: Cast, path: str) -> None:
    assert cast.ada.get(path).status_code in (404, 405, 422)


@pytest.mark.parametrize(
    "origin", ["http://[::1", "http://]", "null", "", "//", "http://127.0.0.1:1@evil.example"]
)
def test_an_origin_that_is_none_is_another_site(cast: Cast, origin: str) -> None:
    answer = cast.ada.put(f"/api/organizations/{cast.acme}", {}, headers={"Origin": origin})
    assert answer.status_code == 403, answer.text


def test_the_first_and_the_last_day_are_days(cast: Cast) -> None:
    made = cast.ada.made(
        "/api/projects",
        organizationId=cast.acme,
        title="Long",
        startDate="0001-01-01",
        dueDate="9999-12-31",
    )
    assert (made["startDate"], made["dueDate"]) == ("0001-01-01", "9999-12-31")
    assert cast.ada.get(f"/api/projects/{made['id']}").json()["dueDate"] == "9999-12-31"
    task = cast.ada.made("/api/tasks", title="Last", dueDate="9999-12-31")
    assert cast.ada.get(f"/api/tasks/{task['id']}").json()["dueDate"] == "9999-12-31"


def test_a_compressed_body_is_415_and_names_the_header(cast: Cast) -> None:
    path = "/api/organizations"
    answer = cast.ada.post(
        path, {"name": "Zip", "type": "other"}, headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415
    assert "Content-Encoding" in answer.json()["detail"]
    plain = cast.ada.post(
        path, {"name": "Zip", "type": "other"}, headers={"Content-Encoding": "identity"}
    )
    assert plain.status_code == 200


def test_a_wrong_item_of_an_array_is_named_by_its_place() -> None:
    body = (
        b'{"name": "D", "url": "https://x.example", "projectIds": [1, "two", 0, 9007199254740992]}'
    )
    with pytest.raises(Invalid) as refused:
        decode(body, DocumentCreate)
    errors = {error.field: error.message for error in refused.value.errors}
    assert list(errors) == ["projectIds[1]", "projectIds[2]", "projectIds[3]"]
    assert errors["projectIds[1]"] == 'must be a whole number from 1 to 9007199254740991, not "two"'
    with pytest.raises(Invalid) as refused:
        decode(b'{"name": "D", "url": "https://x.example", "projectIds": "1"}', DocumentCreate)
    assert [error.field for error in refused.value.errors] == ["projectIds"]


def test_an_id_too_large_is_told_the_largest(cast: Cast) -> None:
    answer = cast.ada.post("/api/tasks", {"title": "T", "projectId": 2**53})
    assert answer.json()["errors"][0]["message"].startswith(
        "must be a whole number from 1 to 9007199254740991"
    )


def test_staff_do_not_take_a_task_out_of_everybodys_sight(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="P")["id"]
    task = cast.ada.made("/api/tasks", title="T", organizationId=cast.acme, projectId=project)["id"]
    refused = cast.stan.put(f"/api/tasks/{task}", {"organizationId": None, "projectId": None})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "organizationId"
    assert cast.stan.put(f"/api/tasks/{task}", {"organizationId": None}).status_code == 200
    assert cast.stan.put(f"/api/tasks/{task}", {"projectId": None}).status_code == 422
    assert (
        cast.stan.put(
            f"/api/tasks/{task}", {"projectId": None, "organizationId": cast.acme}
        ).status_code
        == 200
    )
    assert cast.cora.put(f"/api/tasks/{task}", {"organizationId": None}).status_code == 200
    assert cast.stan.put(f"/api/tasks/{task}", {"organizationId": None}).status_code == 404


def test_a_head_without_end_is_cut_off(server: Server) -> None:
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


def test_a_long_head_that_ends_is_read(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for _ in range(3):  # each head is counted by itself
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
            time.sleep(0.05)
            connection.sendall(b"X-More: and more\r\n" * 2000 + b"\r\n")
            time.sleep(0.1)
            assert connection.recv(4000).startswith(b"HTTP/1.1 200")


def test_a_list_that_finds_all_places_taken_is_503_soon(cast: Cast, server: Server) -> None:
    tenant = cast.other_tenant
    cast.sql.rows(
        """WITH acting AS MATERIALIZED (
               SELECT set_config('retainer.tenant', $2, true), acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO organizations (tenant_id, name, type, description)
           SELECT $1::bigint, 'Bulk ' || n, 'other', repeat('x', 8000) FROM acting, generate_series(1, 2000) n""",
        tenant, str(tenant),
    )  # fmt: skip
    head = f"GET /api/organizations HTTP/1.1\r\nHost: x\r\nCookie: connect.sid={cast.olga.token}\r\n\r\n".encode()
    slow = []
    try:
        for _ in range(4):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(head)
            slow.append(connection)
        time.sleep(1)
        began = time.monotonic()
        answer = cast.olga.get("/api/organizations")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert time.monotonic() - began < 2
    finally:
        for connection in slow:
            connection.close()
    time.sleep(0.5)
    assert len(cast.olga.get("/api/organizations").json()) == 2000


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"session_hours": "inf"}, "RETAINER_SESSION_HOURS must be more than 0"),
        ({"session_hours": "nan"}, "RETAINER_SESSION_HOURS must be more than 0"),
        ({"request_seconds": "1e300"}, "RETAINER_REQUEST_SECONDS must be more than 0"),
    ],
)
def test_a_time_without_end_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(config.ConfigError, match=words):
        config.load({f"RETAINER_{name.upper()}": value for name, value in given.items()})


def test_a_public_url_is_kept_as_browsers_write_it() -> None:
    settings = config.load({"RETAINER_PUBLIC_URL": "HTTPS://Retainer.Example.com"})
    assert settings.public_url == "https://retainer.example.com"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda url: url.replace("/retainer?", "/nowhere?"),
            'PostgreSQL refuses: database "nowhere" does not exist',
        ),
        (lambda url: url.replace("//retainer@", "//stranger@"), "PostgreSQL refuses: "),
        (lambda url: url + "&sslmode=wrong", "PostgreSQL refuses: `sslmode`"),
        (lambda _: "postgresql://u:p/w@h:1/x", "RETAINER_DATABASE_URL cannot be read"),
    ],
)
def test_a_database_that_cannot_be_used_is_said_in_one_line(
    server: Server,
    change: Any,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RETAINER_DATABASE_URL", change(server.database_url))
    result: list[int] = []
    # In a thread of its own: it starts an event loop.
    thread = threading.Thread(target=lambda: result.append(main(["user", "list"])))
    thread.start()
    thread.join(30)
    said = capsys.readouterr().err
    assert result == [1]
    assert words in said
    assert said.count("\n") == 1


def test_a_body_in_another_encoding_is_told_so(cast: Cast) -> None:
    content = '{"name": "Café", "type": "other"}'.encode("latin-1")
    answer = cast.ada.request(
        "POST", "/api/organizations", content=content, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["detail"]) == (400, "The body is not text in UTF-8.")


def test_a_body_that_was_read_is_not_waited_for_again(cast: Cast, server: Server) -> None:
    ida = cast.person("Ida", "admin")
    assert ida.get("/api/user").status_code == 200, "her role is remembered"
    superuser = Sql(server.database_url.replace("retainer@/retainer", "postgres@/retainer"))
    superuser.rows("SET session_replication_role = replica")  # no trigger tells the server
    superuser.rows("UPDATE users SET role = 'consultant' WHERE id = $1", ida.id)
    superuser.close()
    began = time.monotonic()
    assert ida.post(f"/api/organizations/{cast.acme}/duplicate", {}).status_code == 200
    assert time.monotonic() - began < 3


def test_a_path_does_not_steer_the_operators_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log("requests")
    log.for_people = True
    log.event("request", path="/\x1b[2J\n12:00:00 forged\x9b1m", user=None)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert not {"\x1b", "\x9b"} & set(said)


def test_what_a_task_refers_to_is_refused_with_the_remedy(cast: Cast) -> None:
    wrong = {"title": "T", "organizationId": 2**50, "projectId": 2**50, "assigneeId": 2**50}
    errors = {e["field"]: e["message"] for e in cast.ada.post("/api/tasks", wrong).json()["errors"]}
    assert set(errors) == {"organizationId", "projectId", "assigneeId"}
    assert "GET /api/users/names" in errors["assigneeId"]


def test_a_tenant_that_could_not_be_added_is_not_announced(
    server: Server,
    cast: Cast,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RETAINER_DATABASE_URL", server.database_url)
    code: list[int] = []
    arguments = [
        "tenant",
        "add",
        "Never",
        "--admin-email",
        cast.ada.username,
        "--data",
        str(tmp_path),
    ]
    thread = threading.Thread(target=lambda: code.append(main(arguments)))
    thread.start()
    thread.join(30)
    said = capsys.readouterr()
    assert code == [1]
    assert said.out == ""
    assert "already taken" in said.err


def test_a_document_of_nothing_but_what_is_deleted_goes_with_it(cast: Cast) -> None:
    first, second = (
        cast.ada.made("/api/projects", organizationId=cast.acme, title=t)["id"] for t in "AB"
    )
    elsewhere = cast.ada.made("/api/projects", organizationId=cast.globex, title="C")["id"]

    def link(*projects: int) -> str:
        made = cast.ada.made(
            "/api/documents", name="D", url="https://x.example", projectIds=list(projects)
        )
        return f"/api/documents/{made['id']}"

    of_first, of_both, of_second, of_other = (
        link(first),
        link(first, second),
        link(second),
        link(second, elsewhere),
    )
    assert cast.ada.delete(f"/api/projects/{first}").status_code == 204
    assert [
        cast.ada.get(path).status_code for path in (of_first, of_both, of_second, of_other)
    ] == [404, 200, 200, 200]
    assert cast.ada.delete(f"/api/organizations/{cast.acme}").status_code == 204
    assert [cast.ada.get(path).status_code for path in (of_both, of_second, of_other)] == [
        404,
        404,
        200,
    ]


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


def test_a_cookie_on_any_of_several_lines_is_found(cast: Cast, server: Server) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(
            f"GET /api/user HTTP/1.1\r\nHost: x\r\nCookie: connect.sid={cast.ada.token}\r\nCookie: a=b\r\n\r\n".encode()
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
