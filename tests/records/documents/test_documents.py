"""Documents: files and links, their versions, projects, and viewers."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.cast import Cast
from support.documents import PDF, added, fields, linked, stored, upload
from support.server import Server
from support.sql import Sql


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


def test_a_version_is_a_file_and_nothing_else(cast: Cast):
    path = f"/api/documents/{added(cast.cora)['id']}/versions"
    assert cast.cora.post(path, {"url": "https://x.example"}).status_code == 415
    assert cast.cora.post(path).status_code == 400
    assert fields(cast.cora.post(path, files={"file": ("a", PDF)}, data={"name": "x"})) == {"name"}
    assert (
        cast.cora.post("/api/documents/999999/versions", files={"file": ("a", PDF)}).status_code
        == 404
    )


def test_a_document_refers_only_to_existing_records(cast: Cast, server: Server):
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


def test_a_change_of_a_document_keeps_absent_fields(cast: Cast):
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
        assert cast.cora.put(path, {field: 1}).json()[field] == changed[field], "it is read-only"
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


def test_no_document_is_added_to_a_project_deleted_meanwhile(cast: Cast, sql: Sql):
    """The deletion includes the new link, or the document is refused."""
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


def test_simultaneous_changes_of_a_documents_projects_lose_and_double_no_link(cast: Cast):
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


def test_guests_see_only_documents_for_clients(cast: Cast):
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


def test_another_tenant_sees_no_document(cast: Cast):
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


def test_a_document_whose_projects_are_all_deleted_is_deleted_with_them(cast: Cast) -> None:
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
