"""Documents: files and links, their versions and bytes, and that neither bytes nor rows are ever alone."""

import asyncio
import hashlib
import os
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import Cast, Person, Server, Sql
from retainer.config import Settings
from retainer.records.documents import check as check_module
from test_crash import kill_main

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"1 0 obj\n" * 200


def upload(
    person: Person,
    content: bytes = PDF,
    name: str = "Offer.pdf",
    path: str = "/api/documents",
    **data: Any,
) -> httpx.Response:
    return person.post(path, files={"file": (name, content, "text/html")}, data=data)


def added(
    person: Person, content: bytes = PDF, name: str = "Offer.pdf", **data: Any
) -> dict[str, Any]:
    answer = upload(person, content, name, **data)
    assert answer.status_code == 200, answer.text
    return answer.json()


def linked(person: Person, name: str = "Plan", **body: Any) -> dict[str, Any]:
    return person.made("/api/documents", name=name, url="https://files.example/plan", **body)


def fields(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 422, answer.text
    return {error["field"] for error in answer.json()["errors"]}


def stored(server: Server, tenant: int) -> list[str]:
    """What stands in the storage for a tenant."""
    return sorted(path.name for path in (server.folder / "documents" / str(tenant)).glob("*"))


def pending(sql: Sql, tenant: int) -> int:
    return int(sql.value("SELECT count(*) FROM pending_uploads WHERE tenant_id = $1", tenant))


def eventually(check: Any, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


# Adding


def test_a_file_is_described_by_its_bytes_and_comes_back_as_they_were(cast: Cast):
    document = added(cast.cora, organizationId=cast.acme, description="Signed")
    assert document == document | {
        "name": "Offer.pdf", "description": "Signed", "type": "application/pdf", "size": len(PDF), "version": 1,
        "sha256": hashlib.sha256(PDF).hexdigest(), "url": f"/api/documents/{document['id']}/content",
        "uploaderId": cast.cora.id, "organizationId": cast.acme, "audience": "internal",
    }  # fmt: skip
    content = cast.cora.get(document["url"])
    assert content.content == PDF
    assert content.headers["content-type"] == "application/pdf"
    assert content.headers["content-length"] == str(len(PDF))
    assert content.headers["x-content-type-options"] == "nosniff"
    assert content.headers["content-disposition"].startswith("attachment;")
    assert cast.cora.get(f"/api/documents/{document['id']}").json() == document


def test_a_link_is_json_and_has_no_content(cast: Cast):
    document = linked(cast.cora, organizationId=cast.acme)
    assert document == document | {
        "type": "link", "url": "https://files.example/plan", "size": None, "sha256": None, "version": 1,
    }  # fmt: skip
    assert cast.cora.get(f"/api/documents/{document['id']}/content").status_code == 409
    assert cast.cora.get(f"/api/documents/{document['id']}/versions/1/content").status_code == 409
    assert cast.cora.get(f"/api/documents/{document['id']}/versions").json() == []
    refused = upload(cast.cora, path=f"/api/documents/{document['id']}/versions")
    assert (refused.status_code, "link" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "files.example/plan", "", "https://", "https://a b"]
)
def test_a_link_leads_to_a_web_address_only(cast: Cast, url: str):
    assert fields(cast.cora.post("/api/documents", {"name": "Plan", "url": url})) == {"url"}


@pytest.mark.parametrize("first", [True, False])
def test_fields_may_come_before_or_after_the_file(cast: Cast, first: bool):
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
def test_the_name_is_the_files_own_without_its_path(cast: Cast, given: str, kept: str):
    document = added(cast.cora, name=given)
    assert document["name"] == kept
    header = cast.cora.get(document["url"]).headers["content-disposition"]
    assert re.fullmatch(
        r"attachment; filename=\"[^\"\\/\r\n]+\"; filename\*=UTF-8''[\w!#$&+.^`|~%-]+", header
    )


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<!DOCTYPE html><script>alert(1)</script>", "text/html"),
        (b"<!-- a --> <html>", "text/html"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/svg+xml"),
        (b'<?xml version="1.0"?>\n<!-- a -->\n<svg onload="alert(1)"/>', "image/svg+xml"),
        (b"BMW report\n", "text/plain"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0", "image/png"),
        (b"\0\1\2\3", "application/octet-stream"),
        ("Zürich".encode("latin-1"), "application/octet-stream"),
        (("a" * 8191 + "é" * 9).encode(), "text/plain"),
        (b"PK\x03\x04" + b"\0" * 26 + b"word/document.xml", "application/zip"),
        (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml\0word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"<!---->" * 1500, "application/xml"),
    ],
)  # fmt: skip
def test_the_type_is_what_the_bytes_are_and_never_shown_in_the_page(
    cast: Cast, content: bytes, kind: str
):
    document = added(cast.cora, content)
    assert document["type"] == kind
    answer = cast.cora.get(document["url"])
    assert answer.headers["content-disposition"].startswith("attachment")
    assert (answer.headers["x-content-type-options"], answer.content) == ("nosniff", content)


# Refusing


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


def test_a_form_has_exactly_one_file(cast: Cast):
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
def test_a_form_that_is_none_is_refused_and_nothing_stays(
    cast: Cast, server: Server, sql: Sql, body: bytes, kind: str, status: int
):
    answer = raw(cast.cora, body, kind)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert (stored(server, cast.tenant), pending(sql, cast.tenant)) == ([], 0)


def test_a_version_is_a_file_and_nothing_else(cast: Cast):
    path = f"/api/documents/{added(cast.cora)['id']}/versions"
    assert cast.cora.post(path, {"url": "https://x.example"}).status_code == 415
    assert cast.cora.post(path).status_code == 415
    assert fields(cast.cora.post(path, files={"file": ("a", PDF)}, data={"name": "x"})) == {"name"}
    assert (
        cast.cora.post("/api/documents/999999/versions", files={"file": ("a", PDF)}).status_code
        == 404
    )


# What a document refers to


def test_what_a_document_refers_to_must_be_there(cast: Cast, server: Server):
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Roll-out")["id"]
    other = cast.olga.made("/api/organizations", name="Theirs", type="customer")["id"]
    for organization in (other, 2**53 - 1):
        assert fields(upload(cast.cora, organizationId=organization)) == {"organizationId"}
    assert fields(upload(cast.cora, projectIds=f"{project},77777777")) == {"projectIds[1]"}
    assert fields(upload(cast.cora, organizationId=cast.globex, projectIds=project)) == {
        "projectIds[0]"
    }
    body = {
        "name": "x",
        "url": "https://x.example",
        "organizationId": cast.globex,
        "projectIds": [project],
    }
    assert fields(cast.cora.post("/api/documents", body)) == {"projectIds[0]"}
    assert cast.ada.delete(f"/api/projects/{project}").status_code == 204
    assert fields(upload(cast.cora, projectIds=project)) == {"projectIds[0]"}
    assert stored(server, cast.tenant) == []


def test_a_change_keeps_what_is_absent(cast: Cast):
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Roll-out")["id"]
    document = added(cast.cora, organizationId=cast.acme, projectIds=project, description="Signed")
    path = f"/api/documents/{document['id']}"
    assert cast.cora.put(path, {"name": "New"}).json()["description"] == "Signed"
    changed = cast.cora.put(path, {"description": None, "audience": "client"}).json()
    assert changed == changed | {
        "name": "New",
        "description": None,
        "audience": "client",
        "version": 1,
    }
    assert [p["id"] for p in cast.cora.get("/api/documents").json()[0]["projects"]] == [project]
    for field in ("type", "size", "sha256", "uploaderId", "version"):
        assert fields(cast.cora.put(path, {field: 1})) == {field}
    assert fields(cast.cora.put(path, {"url": "https://x.example"})) == {"url"}
    assert cast.cora.put("/api/documents/999999", {"organizationId": cast.acme}).status_code == 404


def test_a_document_moves_with_its_projects(cast: Cast, sql: Sql):
    here, there = (
        cast.ada.made("/api/projects", organizationId=o, title=t)["id"]
        for o, t in ((cast.acme, "Here"), (cast.globex, "There"))
    )
    document = linked(cast.cora, organizationId=cast.acme, projectIds=[here])
    path = f"/api/documents/{document['id']}"
    assert fields(cast.cora.put(path, {"organizationId": cast.globex})) == {"organizationId"}
    assert fields(cast.cora.put(path, {"projectIds": [there]})) == {"projectIds[0]"}
    before = cast.cora.get(path).headers["etag"]
    moved = cast.cora.put(
        path, {"organizationId": cast.globex, "projectIds": [there], "url": "http://x.example/2"}
    )
    assert moved.json() == moved.json() | {
        "organizationId": cast.globex,
        "url": "http://x.example/2",
    }
    free = cast.cora.put(path, {"organizationId": None, "projectIds": [there, here]})
    assert free.json()["organizationId"] is None
    alone = cast.cora.put(path, {"projectIds": []})
    assert alone.status_code == 200, alone.text
    assert len({before, *(answer.headers["etag"] for answer in (moved, free, alone))}) == 4
    assert cast.cora.get("/api/documents").json()[0]["projects"] == []
    links = sql.rows(
        "SELECT project_id, deleted_by FROM document_projects WHERE document_id = $1",
        document["id"],
    )
    assert len(links) == 3
    assert all(link["deleted_by"] for link in links)


def test_deleting_hides_the_document_and_its_links_as_one_operation(
    cast: Cast, sql: Sql, server: Server
):
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Roll-out")["id"]
    document = added(cast.cora, projectIds=project)
    assert cast.cora.delete(f"/api/documents/{document['id']}").status_code == 204
    for path in ("", "/content", "/versions", "/versions/1/content"):
        assert cast.cora.get(f"/api/documents/{document['id']}{path}").status_code == 404
    assert cast.cora.delete(f"/api/documents/{document['id']}").status_code == 404
    rows = sql.rows(
        "SELECT deleted_by FROM documents WHERE id = $1 UNION SELECT deleted_by FROM document_projects WHERE document_id = $1",
        document["id"],
    )
    assert len(rows) == 1
    assert len(stored(server, cast.tenant)) == 1  # what is deleted can be restored


def test_no_document_is_added_to_what_is_deleted_meanwhile(cast: Cast, sql: Sql):
    """The deletion takes every link along, or the document finds nothing to link to."""
    for round in range(12):
        organization = cast.ada.made("/api/organizations", name="Short-lived", type="other")["id"]
        project = cast.ada.made("/api/projects", organizationId=organization, title="Short-lived")[
            "id"
        ]
        gone = f"/api/organizations/{organization}" if round % 2 else f"/api/projects/{project}"
        with ThreadPoolExecutor(6) as pool:
            adding = [pool.submit(upload, cast.cora, projectIds=project) for _ in range(5)]
            deleting = pool.submit(cast.ada.delete, gone)
        assert deleting.result().status_code == 204
        assert {answer.result().status_code for answer in adding} <= {200, 422}
    left = """SELECT count(*) FROM document_projects l JOIN projects p ON p.tenant_id = l.tenant_id AND p.id = l.project_id
        WHERE l.tenant_id = $1 AND l.deleted_by IS NULL AND p.deleted_by IS NOT NULL"""
    assert sql.value(left, cast.tenant) == 0


def test_changes_of_projects_meet_without_losing_or_doubling_links(cast: Cast):
    projects = [
        cast.ada.made("/api/projects", organizationId=cast.acme, title=f"P{n}")["id"]
        for n in range(4)
    ]
    path = f"/api/documents/{linked(cast.cora, organizationId=cast.acme)['id']}"
    choices = [projects[n % 4 : n % 4 + 2] for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda chosen: cast.cora.put(path, {"projectIds": chosen}), choices)
        )
    assert {answer.status_code for answer in answers} == {200}
    last = [p["id"] for p in cast.cora.get("/api/documents").json()[0]["projects"]]
    assert last in choices


# Versions


def test_versions_are_numbered_and_each_keeps_its_bytes(cast: Cast):
    document = added(cast.cora, b"first", "notes.txt")
    path = f"/api/documents/{document['id']}"
    second = upload(cast.ada, PDF, path=f"{path}/versions").json()
    assert second == second | {
        "version": 2,
        "type": "application/pdf",
        "size": len(PDF),
        "name": "notes.txt",
    }
    versions = cast.cora.get(f"{path}/versions").json()
    assert [(v["number"], v["size"], v["type"], v["uploaderId"]) for v in versions] == [
        (1, 5, "text/plain", cast.cora.id), (2, len(PDF), "application/pdf", cast.ada.id),
    ]  # fmt: skip
    assert [cast.cora.get(v["url"]).content for v in versions] == [b"first", PDF]
    assert cast.cora.get(f"{path}/content").content == PDF
    assert cast.cora.get(f"{path}/versions/3/content").status_code == 404
    assert cast.cora.get(f"{path}/versions/9007199254740991/content").status_code == 404


def test_versions_added_together_all_get_a_number(cast: Cast):
    document = added(cast.cora)
    path = f"/api/documents/{document['id']}/versions"
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: upload(cast.cora, b"content %d" % n, path=path), range(16))
        )
    assert [answer.status_code for answer in answers] == [200] * 16
    versions = cast.cora.get(path).json()
    assert [v["number"] for v in versions] == list(range(1, 18))
    for answer in answers:
        mine = versions[answer.json()["version"] - 1]
        assert mine["sha256"] == answer.json()["sha256"]


# Who sees what


def test_staff_add_documents_only_where_they_belong(cast: Cast):
    assert fields(upload(cast.stan)) == {"organizationId"}
    assert fields(upload(cast.stan, organizationId=cast.globex)) == {"organizationId"}
    theirs = cast.ada.made("/api/projects", organizationId=cast.globex, title="Theirs")["id"]
    assert fields(upload(cast.stan, projectIds=theirs)) == {"projectIds[0]"}
    document = added(cast.stan, organizationId=cast.acme)
    path = f"/api/documents/{document['id']}"
    assert upload(cast.stan, path=f"{path}/versions").json()["version"] == 2
    assert cast.stan.put(path, {"name": "x"}).status_code == 403
    assert cast.stan.delete(path).status_code == 403
    mine = cast.ada.made("/api/projects", organizationId=cast.acme, title="Mine")["id"]
    assert added(cast.stan, projectIds=mine)["organizationId"] is None
    assert upload(cast.sam, path=f"{path}/versions").status_code == 404
    assert upload(cast.gita, organizationId=cast.acme).status_code == 403


def test_guests_see_only_what_is_meant_for_clients(cast: Cast):
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Inside")["id"]
    inside = added(cast.cora, organizationId=cast.acme)
    outside = added(
        cast.cora,
        b"Dear client",
        "letter.txt",
        organizationId=cast.acme,
        projectIds=project,
        audience="client",
    )
    hidden = added(cast.cora, b"by project", "p.txt", projectIds=project, audience="client")
    assert cast.gita.get(outside["url"]).content == b"Dear client"
    for document in (inside, hidden):
        for path in ("", "/content", "/versions", "/versions/1/content"):
            assert cast.gita.get(f"/api/documents/{document['id']}{path}").status_code == 404
    for listed in (
        cast.gita.get("/api/documents"),
        cast.gita.get(f"/organizations/{cast.acme}/documents"),
    ):
        assert [(d["id"], d["projects"]) for d in listed.json()] == [
            (outside["id"], [])
        ]  # the project is internal
    assert [d["id"] for d in cast.stan.get("/api/documents").json()] == [
        outside["id"],
        inside["id"],
        hidden["id"],
    ]


def test_another_tenant_sees_nothing(cast: Cast):
    document = added(cast.cora, organizationId=cast.acme)
    for path in ("", "/content", "/versions", "/versions/1/content"):
        assert cast.olga.get(f"/api/documents/{document['id']}{path}").status_code == 404
    assert cast.olga.get("/api/documents").json() == []
    assert cast.olga.get(f"/api/organizations/{cast.acme}/documents").status_code == 404
    assert upload(cast.olga, path=f"/api/documents/{document['id']}/versions").status_code == 404
    assert cast.olga.put(f"/api/documents/{document['id']}", {"name": "x"}).status_code == 404
    assert cast.olga.delete(f"/api/documents/{document['id']}").status_code == 404


def test_an_organizations_documents_include_those_of_its_projects(cast: Cast):
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Roll-out")["id"]
    direct = linked(cast.cora, "B direct", organizationId=cast.acme, projectIds=[project])
    through = linked(cast.cora, "a through", projectIds=[project])
    linked(cast.cora, "elsewhere", organizationId=cast.globex)
    linked(cast.cora, "nowhere")
    for path in ("/organizations/{}/documents", "/api/organizations/{}/documents"):
        assert [d["id"] for d in cast.cora.get(path.format(cast.acme)).json()] == [
            through["id"],
            direct["id"],
        ]
    assert cast.stan.get(f"/organizations/{cast.globex}/documents").status_code == 404
    assert cast.cora.get("/organizations/99999999/documents").status_code == 404


# Content


def test_ranges(cast: Cast):
    content = bytes(range(256)) * 12
    document = added(cast.cora, content)
    etag = f'"{document["sha256"]}"'

    def get(**headers: str) -> httpx.Response:
        return cast.cora.get(
            document["url"], headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    for text, start, end in (("0-0", 0, 1), ("10-19", 10, 20), ("3000-", 3000, 3072), ("-5", 3067, 3072), ("0-99999", 0, 3072), ("-9999", 0, 3072)):  # fmt: skip
        part = get(Range=f"bytes={text}")
        assert (part.status_code, part.content) == (206, content[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/3072"
        assert part.headers["content-length"] == str(end - start)
    for text in ("3072-", "9999-10000", "-0"):
        wrong = get(Range=f"bytes={text}")
        assert (wrong.status_code, wrong.headers["content-range"]) == (416, "bytes */3072")
    for text in (
        "bytes=0-1,5-6",
        "bytes=9-3",
        "bytes=-",
        "bytes=a-b",
        "lines=1-2",
        "bytes=" + "9" * 50 + "-",
    ):
        assert (get(Range=text).status_code, len(get(Range=text).content)) == (200, 3072)
    assert get(Range="bytes=0-1", If_Range=etag).status_code == 206
    assert get(Range="bytes=0-1", If_Range='"other"').status_code == 200
    assert get(Range="bytes=0-1", If_Range="Wed, 21 Oct 2015 07:28:00 GMT").status_code == 200


def test_unchanged_content_is_not_sent_again(cast: Cast):
    document = added(cast.cora)
    etag = f'"{document["sha256"]}"'
    for names in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = cast.cora.get(document["url"], headers={"If-None-Match": names})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert "content-length" not in answer.headers
    assert cast.cora.get(document["url"], headers={"If-None-Match": '"other"'}).status_code == 200


def test_head_tells_all_but_the_bytes(cast: Cast):
    document = added(cast.cora)
    head, get = (cast.cora.request(method, document["url"]) for method in ("HEAD", "GET"))
    assert head.content == b""
    for name in ("content-length", "content-type", "etag", "accept-ranges", "content-disposition"):
        assert head.headers[name] == get.headers[name]


def test_a_name_cannot_break_the_header(cast: Cast):
    file = added(cast.cora)
    name = 'a"\r\nSet-Cookie: x=1; \\ %41 ／＂ \u202efdp.exe'
    assert cast.cora.put(f"/api/documents/{file['id']}", {"name": name}).json()["name"] == name
    answer = cast.cora.get(file["url"])
    assert "set-cookie" not in answer.headers
    header = answer.headers["content-disposition"]
    assert re.fullmatch(
        r"attachment; filename=\"[^\"\\/%\r\n]+\"; filename\*=UTF-8''[\w!#$&+.^`|~%-]+", header
    )
    assert "%E2%80%AE" not in header


# Bytes and rows


def path_of(server: Server, sql: Sql, document: int) -> Path:
    key = sql.value(
        "SELECT storage_key FROM document_versions WHERE document_id = $1 ORDER BY number DESC LIMIT 1",
        document,
    )
    return server.folder / "documents" / key


def check(server: Server, **options: Any) -> check_module.Report:
    settings = Settings(data=str(server.folder), database_url=server.database_url)
    return asyncio.run(check_module.check(settings, **options))


def test_damaged_bytes_never_arrive_as_a_whole_file(cast: Cast, server: Server, sql: Sql):
    content = os.urandom(3_000_000)
    document = added(cast.cora, content)
    file = path_of(server, sql, document["id"])
    version = f"tenant {cast.tenant} document {document['id']} version 1: {cast.tenant}/{file.name}"

    def damaged() -> list[str]:
        with pytest.raises(httpx.RemoteProtocolError):
            cast.cora.get(document["url"])
        return check(server, deep=True).damaged

    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert damaged() == [version]
    assert check(server).is_sound  # which looks at the size only
    file.write_bytes(content[:-1])
    assert damaged() == check(server).damaged == [version]
    file.unlink()
    answer = cast.cora.get(document["url"])
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert file.name not in answer.text
    assert check(server).missing == [version]
    assert not check(server).is_sound
    file.write_bytes(content)
    assert cast.cora.get(document["url"]).content == content
    assert check(server, deep=True).is_sound


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


def test_a_client_that_goes_away_leaves_nothing(cast: Cast, server: Server, sql: Sql):
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


def test_a_role_that_changes_during_an_upload_counts(cast: Cast, server: Server, sql: Sql):
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
            assert (report.is_sound, report.uploads, report.strays) == (True, 9, 1)
            assert pending(sql, cast.tenant) == 0
            assert stored(server, cast.tenant) == [kept_key.name]
            assert cast.cora.get(kept["url"]).status_code == 200
        sql.close()
    finally:
        server.stop()
