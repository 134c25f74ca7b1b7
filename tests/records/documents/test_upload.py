"""Uploads: forms, refusals; there are never bytes without a row or a row without bytes."""

import os
import re
import socket
import time
from typing import Any

import httpx
import pytest

from support.cast import Cast, Person
from support.documents import PDF, added, check, eventually, fields, path_of, pending, stored
from support.kill import kill_main
from support.server import Server
from support.sql import Sql


@pytest.mark.parametrize("first", [True, False])
def test_form_fields_may_come_before_or_after_the_file(cast: Cast, first: bool):
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Roll-out")["id"]
    parts: list[Any] = [
        ("name", (None, "Größe")), ("organizationId", (None, str(cast.acme))),
        ("projectIds", (None, str(project))), ("audience", (None, "client")),
    ]  # fmt: skip
    file = ("file", ("a.txt", b"Gr\xc3\xbcezi", "text/plain"))
    answer = cast.cora.post("/api/documents", files=[*parts, file] if first else [file, *parts])
    document = answer.json()
    assert document == document | {
        "name": "Größe",
        "organizationId": cast.acme,
        "audience": "client",
        "type": "text/plain",
    }
    listed = cast.cora.get("/api/documents").json()[0]
    assert listed["projects"] == [{"id": project, "title": "Roll-out"}]
    assert listed["uploader"] == {
        "id": cast.cora.id,
        "username": cast.cora.username,
        "fullName": "Cora",
    }


@pytest.mark.parametrize("shape", ["{0},{1}", "[{0}, {1}]", "{1}, {0}, {0}"])
def test_project_ids_may_be_written_in_several_ways(cast: Cast, shape: str):
    projects = [
        cast.ada.made("/api/projects", organizationId=cast.acme, title=t)["id"] for t in ("A", "B")
    ]
    added(cast.cora, projectIds=shape.format(*projects))
    assert [p["id"] for p in cast.cora.get("/api/documents").json()[0]["projects"]] == projects


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\Users\\Cora\\Offer.pdf", "Offer.pdf"),
        ("../../etc/passwd", "passwd"),
        ('say "hello".pdf', 'say "hello".pdf'),
        ("Angebot für Zürich – 株式会社.pdf", "Angebot für Zürich – 株式会社.pdf"),
        ("a" * 300 + ".pdf", "a" * 251 + ".pdf"),
    ],
)
def test_the_name_is_the_file_name_without_its_path(cast: Cast, given: str, kept: str):
    document = added(cast.cora, name=given)
    assert document["name"] == kept
    header = cast.cora.get(document["url"]).headers["content-disposition"]
    assert re.fullmatch(
        r"attachment; filename=\"[^\"\\/\r\n]+\"; filename\*=UTF-8''[\w!#$&+.^`|~%-]+", header
    )


def test_every_problem_of_a_form_is_told_at_once_and_nothing_stays(
    cast: Cast, server: Server, sql: Sql
):
    data = {
        "name": " x " * 200,
        "organizationId": "acme",
        "projectIds": "1,two",
        "audience": "all",
        "size": "3",
    }
    wrong = cast.cora.post(
        "/api/documents", files={"file": ("a", b"")}, data=data | {"color": ["red"]}
    )
    assert fields(wrong) == {
        "file",
        "name",
        "organizationId",
        "projectIds[1]",
        "audience",
        "size",
        "color",
    }
    assert (stored(server, cast.tenant), pending(sql, cast.tenant)) == ([], 0)


def test_an_upload_has_exactly_one_file(cast: Cast):
    assert fields(cast.cora.post("/api/documents", files={"name": (None, "x")})) == {"file"}
    two = [("file", ("a", b"a")), ("file", ("b", b"b"))]
    assert fields(cast.cora.post("/api/documents", files=two)) == {"file"}
    assert fields(cast.cora.post("/api/documents", files={"document": ("a", b"a")})) == {"document"}


def test_a_file_without_a_name_needs_one(cast: Cast):
    assert fields(cast.cora.post("/api/documents", files={"file": (None, PDF)})) == {"name"}
    assert (
        cast.cora.post("/api/documents", files={"file": (None, PDF)}, data={"name": "x"}).json()[
            "name"
        ]
        == "x"
    )


def raw(
    person: Person, body: bytes, kind: str = "multipart/form-data; boundary=x"
) -> httpx.Response:
    return person.post("/api/documents", content=body, headers={"Content-Type": kind})


FILE_PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (FILE_PART + b"\r\n--x--\r\n", "multipart/form-data", 400),
        (FILE_PART + b"\r\n--x--\r\n", "multipart/form-data; boundary=" + "y" * 300, 400),
        (FILE_PART + b"\r\n--x--\r\n", "multipart/form-data; boundary=x", 200),
        (FILE_PART, "multipart/form-data; boundary=x", 400),
        (b"", "multipart/form-data; boundary=x", 400),
        (b"hello", "multipart/form-data; boundary=x", 400),
        (b"--x\r\n\r\nabc\r\n--x--\r\n", "multipart/form-data; boundary=x", 400),
        (b"--x\r\nA: " + b"b" * 9000 + b"\r\n\r\n", "multipart/form-data; boundary=x", 400),
        (b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + b"a" * 140_000 + b"\r\n" + FILE_PART + b"\r\n--x--", "multipart/form-data; boundary=x", 413),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 201 + b"--x--", "multipart/form-data; boundary=x", 413),
        (b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\r\n' + FILE_PART + b"\r\n--x--", "multipart/form-data; boundary=x", 422),
        (b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\na\0b\r\n' + FILE_PART + b"\r\n--x--", "multipart/form-data; boundary=x", 422),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b"x", "text/plain", 415),
    ],
)  # fmt: skip
def test_a_malformed_upload_form_is_refused_and_nothing_stays(
    cast: Cast, server: Server, sql: Sql, body: bytes, kind: str, status: int
):
    answer = raw(cast.cora, body, kind)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert (stored(server, cast.tenant), pending(sql, cast.tenant)) == ([], 0)


def partial(
    server: Server, person: Person, organization: int, announced: int, sent: int
) -> socket.socket:
    """An upload that has sent only some of its bytes."""
    head = (
        b'--x\r\nContent-Disposition: form-data; name="organizationId"\r\n\r\n%d\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' % organization
    )
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(
        f"POST /api/documents HTTP/1.1\r\nHost: x\r\nCookie: connect.sid={person.token}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {announced}\r\n\r\n".encode()
        + head + b"a" * (sent - len(head))
    )  # fmt: skip
    return connection


def test_a_client_that_disconnects_leaves_no_bytes_and_no_row(cast: Cast, server: Server, sql: Sql):
    connection = partial(server, cast.cora, cast.acme, 30_000_000, 12_000_000)
    eventually(lambda: pending(sql, cast.tenant) == 1)
    eventually(lambda: any("#" in name for name in stored(server, cast.tenant)))
    connection.close()
    eventually(lambda: pending(sql, cast.tenant) == 0 and stored(server, cast.tenant) == [])
    assert cast.cora.get("/api/documents").json() == []


def test_a_session_that_ends_during_an_upload_adds_nothing(cast: Cast, server: Server, sql: Sql):
    connection = partial(server, cast.cora, cast.acme, 1_000_000, 900_000)
    eventually(lambda: pending(sql, cast.tenant) == 1)
    sql.rows("DELETE FROM sessions WHERE user_id = $1", cast.cora.id)
    connection.sendall(b"a" * (100_000 - 9) + b"\r\n--x--\r\n")
    assert b" 401 " in connection.recv(4096)
    assert (pending(sql, cast.tenant), stored(server, cast.tenant)) == (0, [])


def test_a_role_that_changes_during_an_upload_is_applied(cast: Cast, server: Server, sql: Sql):
    for role, status in (("consultant", 200), ("guest", 403)):
        person = cast.person("Pat", "staff", contact=cast.stan_contact)
        connection = partial(server, person, cast.acme, 1_000_000, 900_000)
        eventually(lambda: pending(sql, cast.tenant) == 1)
        sql.rows(
            """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $1, true),
                    acting_as(NULL, 'command', 'command', NULL, 'test'))
                UPDATE users SET role = $2 FROM acting WHERE id = $3""",
            str(cast.tenant), role, person.id,
        )  # fmt: skip
        connection.sendall(b"a" * (100_000 - 9) + b"\r\n--x--\r\n")
        assert f" {status} ".encode() in connection.recv(4096)
        assert pending(sql, cast.tenant) == 0
    assert len(stored(server, cast.tenant)) == 1


@pytest.mark.slow
def test_a_server_killed_during_uploads_leaves_only_what_the_check_removes():
    server = Server(admin_email="root@example.com", admin_password="correct horse battery")
    try:
        sql = Sql(server.database_url)
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            cast = Cast(sql, client)
            kept = added(cast.cora, os.urandom(2_000_000))
            for _ in range(3):
                connections = [
                    partial(server, cast.cora, cast.acme, 30_000_000, 12_000_000 + i)
                    for i in range(3)
                ]
                eventually(lambda: pending(sql, cast.tenant) >= len(connections))
                kill_main(server)
            assert pending(sql, cast.tenant) == 9
            assert check(server).uploads == 0
            assert (
                pending(sql, cast.tenant) == 9
            )  # they are younger than an hour: uploads going on, for all it knows
            old = time.time() - 7200
            sql.rows("UPDATE pending_uploads SET created_at = now() - interval '2 hours'")
            for file in (server.folder / "documents").glob("*/*#*"):
                os.utime(file, (old, old))
            stray = (
                server.folder
                / "documents"
                / str(cast.tenant)
                / "0e5ff9b6-3b52-4c6e-9f2c-0d0a4d1c9a11"
            )
            stray.write_bytes(b"nobody's")
            os.utime(stray, (old, old))
            kept_key = path_of(server, sql, kept["id"])
            os.utime(kept_key, (old, old))
            report = check(server)
            assert (report.is_sound, report.uploads, report.orphans) == (True, 9, 1)
            assert pending(sql, cast.tenant) == 0
            assert stored(server, cast.tenant) == [kept_key.name]
            assert cast.cora.get(kept["url"]).status_code == 200
        sql.close()
    finally:
        server.stop()
