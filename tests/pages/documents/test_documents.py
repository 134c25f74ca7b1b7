"""The pages of documents: lists, forms, versions."""

import re
from typing import Any

import httpx

from retainer.records.documents.model import Format
from support.cast import Cast, Person
from support.pages.documents import HTML, PDF, PNG, added, got, part


def sent(
    person: Person,
    path: str,
    status: int = 303,
    file: Any = None,
    script: bool = False,
    **data: Any,
) -> Any:
    """The answer to a form; with a file it is a multipart one."""
    accept = {"Accept": "text/html, application/json"} if script else HTML
    files = {"file": file} if file else None
    data = data if data or file else {"back": ""}
    answer = person.request(
        "POST", path, headers=accept, data=data, files=files, follow_redirects=False
    )
    assert answer.status_code == status, (answer.status_code, answer.text[:2000])
    return answer


def toast(person: Person, answer: httpx.Response) -> str:
    """The message on the next page."""
    cookie = re.search(r"retainer\.done=([\w.-]+)", answer.headers["set-cookie"])
    assert cookie
    path = answer.headers.get("location", "/documents")
    page = got(person, path, Cookie=f"connect.sid={person.token}; retainer.done={cookie[1]}")
    return page[page.index('id="toasts"') :]


def test_each_role_gets_document_pages_with_the_buttons_it_may_use(cast: Cast) -> None:
    document = added(cast.ada, PDF, "Offer.pdf", organizationId=cast.acme, audience="client")
    pages = ["/documents", f"/documents/{document['id']}", f"/organizations/{cast.acme}/documents"]
    for path in pages:
        for person in (cast.ada, cast.cora, cast.stan, cast.gita):
            page = got(person, path)
            assert "Offer.pdf" in page
            assert ('type="file"' in page or "/documents/new" in page) == (
                person is not cast.gita
            ), path
            assert (f"/documents/{document['id']}/delete" in page) == (
                person in (cast.ada, cast.cora) and path != "/documents"
            ), path
        nobody = cast.nobody.get(path, headers=HTML, follow_redirects=False)
        assert (nobody.status_code, nobody.headers["location"][:6]) == (303, "/login")
    for path in pages[1:]:
        for stranger in (cast.sam, cast.olga):
            got(stranger, path, 404)
    assert "Offer.pdf" not in got(cast.olga, "/documents") and "Offer.pdf" not in got(
        cast.sam, "/documents"
    )
    got(cast.gita, "/documents/new", 403)
    got(cast.stan, f"/documents/{document['id']}/organization", 403)


def test_document_forms_are_refused_to_roles_that_the_api_refuses(cast: Cast) -> None:
    document = added(cast.ada, PDF, "Offer.pdf", organizationId=cast.acme, audience="client")
    path = f"/documents/{document['id']}"
    sent(cast.gita, "/documents", 403, ("a.txt", b"a"))
    sent(cast.gita, f"{path}/versions", 403, ("a.txt", b"a"))
    for end, data in (("", {"name": "X"}), ("/delete", {}), ("/projects", {"link": "1"}),
                      ("/organization", {"organizationId": ""})):  # fmt: skip
        for person in (cast.stan, cast.gita):
            sent(person, path + end, 403, **data)
        sent(cast.olga, path + end, 404, **data)
    sent(cast.sam, f"{path}/versions", 404, ("a.txt", b"a"))
    assert cast.ada.get(f"/api/documents/{document['id']}").json() == document


def test_a_file_is_added_by_a_plain_form_and_undo_is_offered_to_roles_that_may(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Roll-out")["id"]
    data = {
        "organizationId": str(cast.acme),
        "projectIds": str(project),
        "audience": "client",
        "name": "",
    }
    answer = sent(cast.cora, "/documents", 303, ("Offer.pdf", PDF), **data)
    document = cast.ada.get("/api/documents").json()[0]
    assert document == document | {
        "name": "Offer.pdf",
        "organizationId": cast.acme,
        "audience": "client",
    }
    assert [p["id"] for p in document["projects"]] == [project]
    assert answer.headers["location"] == f"/documents/{document['id']}"
    toasted = toast(cast.cora, answer)
    assert "Added Offer.pdf" in toasted
    undo = re.search(r'action="/operations/(\d+)/undo"', toasted)
    assert undo
    operation = cast.ada.get(f"/api/operations/{undo[1]}").json()
    assert (operation["via"], operation["action"], operation["actor"]["id"]) == (
        "web",
        "createDocument",
        cast.cora.id,
    )
    assert cast.cora.post(f"/api/operations/{undo[1]}/undo").status_code == 200
    assert cast.ada.get("/api/documents").json() == []
    toasted = toast(
        cast.stan,
        sent(cast.stan, "/documents", 303, ("Plan.txt", b"plan"), organizationId=str(cast.acme)),
    )
    assert "Added Plan.txt" in toasted and "undo" not in toasted


def test_an_upload_form_returns_to_the_page_it_was_opened_from_and_to_no_other_site(
    cast: Cast,
) -> None:
    here = f"/organizations/{cast.acme}/documents"
    for back, reached in (
        (here, here),
        ("//evil.example", None),
        ("https://evil.example", None),
        ("/\\evil", None),
    ):
        answer = sent(
            cast.cora,
            "/documents?back=" + back,
            303,
            ("a.txt", b"a"),
            organizationId=str(cast.acme),
        )
        assert answer.headers["location"] == (reached or answer.headers["location"])
        assert answer.headers["location"].startswith(("/organizations/", "/documents/"))


def test_a_refused_upload_says_why_and_keeps_the_typed_fields(cast: Cast) -> None:
    data = {
        "name": "Kept <b>",
        "organizationId": str(cast.acme),
        "description": "Long text",
        "audience": "nobody",
    }
    page = sent(cast.cora, "/documents", 422, ("empty.txt", b""), **data).text
    for kept in (
        'value="Kept &lt;b&gt;"',
        "Long text</textarea>",
        f'name="organizationId" value="{cast.acme}"',
        "is empty",
    ):
        assert kept in page
    page = sent(
        cast.cora, "/documents", 422, organizationId=str(2**50), name="N", url="javascript:alert(1)"
    ).text
    assert (
        'value="javascript:alert(1)"' in page
        and "error-url" in page
        and "error-organizationId" not in page
    )
    assert cast.ada.get("/api/documents").json() == []


def test_an_upload_by_script_is_answered_without_a_page(cast: Cast) -> None:
    path = f"/documents?back=/organizations/{cast.acme}/documents"
    answer = sent(cast.cora, path, 204, ("a.txt", b"a"), script=True, organizationId=str(cast.acme))
    assert answer.content == b"" and "location" not in answer.headers
    assert "Added a.txt" in toast(cast.cora, answer)
    refused = sent(cast.cora, path, 422, ("b.txt", b""), script=True, organizationId=str(cast.acme))
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["errors"][0]["field"] == "file"
    assert len(cast.ada.get("/api/documents").json()) == 1


def test_a_link_document_is_added(cast: Cast) -> None:
    projects = [
        cast.ada.made("/api/projects", organizationId=cast.acme, title=t)["id"] for t in ("A", "B")
    ]
    sent(cast.cora, "/documents", 303, name="Brief", url="https://files.example/brief", audience="internal",
         organizationId=str(cast.acme), projectIds=[str(p) for p in projects], description="", kind="link")  # fmt: skip
    document = cast.ada.get("/api/documents").json()[0]
    assert document == document | {"name": "Brief", "type": "link", "description": None}
    assert [p["id"] for p in document["projects"]] == projects
    page = got(cast.gita, f"/organizations/{cast.acme}/documents")
    assert "Brief" not in page, "it is internal"


def test_a_documents_organization_is_given_by_name(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Roll-out")["id"]
    offered = part(cast.cora, "/documents/projects?organization=acme+corporation", "f-projects")
    assert f'value="{project}"' in offered and "<main" not in offered
    assert "Roll-out" not in part(
        cast.olga, f"/documents/projects?organizationId={cast.acme}", "f-projects"
    )
    data = {
        "organization": "Acme corporation",
        "projectIds": str(project),
        "name": "",
        "audience": "internal",
    }
    sent(cast.cora, "/documents", 303, ("a.txt", b"a"), **data)
    sent(
        cast.cora, "/documents", 303, kind="link", url="https://x.example/", **data | {"name": "L"}
    )
    made = cast.ada.get("/api/documents").json()
    assert [(d["organizationId"], [p["id"] for p in d["projects"]]) for d in made] == [
        (cast.acme, [project])
    ] * 2
    cast.ada.made("/api/organizations", name="Globe Trotters", type="vendor")
    for page in (sent(cast.cora, "/documents", 422, ("b.txt", b"b"), organization="glob").text,
                 sent(cast.cora, f"/documents/{made[0]['id']}/organization", 422, organization="glob").text):  # fmt: skip
        assert (
            "is the name of none; choose one of Globe" in page
            and 'name="organization" value="glob"' in page
        )
        assert f'<input type="radio" name="organizationId" value="{cast.globex}">' in page
    assert len(cast.ada.get("/api/documents").json()) == 2


def test_documents_are_found_by_name_organization_and_audience(cast: Cast) -> None:
    added(cast.ada, PDF, "Annual review.pdf", organizationId=cast.acme, audience="client")
    added(cast.ada, b"text", "Notes.txt", organizationId=cast.globex)
    for query, found in (("q=annual", "Annual review"), (f"organizationId={cast.globex}", "Notes"),
                         ("audience=client", "Annual review"), ("format=pdf", "Annual review"),
                         ("format=text", "Notes")):  # fmt: skip
        page = got(cast.cora, f"/documents?{query}")
        assert found in page and ("Annual review" in page) != ("Notes.txt" in page), query
    assert "No documents match" in got(cast.cora, "/documents?q=zzzz")
    page = got(cast.cora, f"/organizations/{cast.acme}/documents?q=review")
    assert "Annual review" in page
    got(cast.cora, "/documents?colour=red", 422)


FORMATS = {
    "application/pdf": "pdf", "application/msword": "text_document", "application/vnd.ms-excel": "spreadsheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "presentation", "image/avif": "image",
    "text/vcard": "text", None: "link", "application/zip": "other",
}  # fmt: skip


def test_a_documents_format_is_that_of_its_newest_version(cast: Cast) -> None:
    for media_type, kind in FORMATS.items():
        assert cast.sql.value("SELECT document_format($1)", media_type) == kind
    assert set(FORMATS.values()) == set(Format)
    document = added(cast.ada, PDF, "a", organizationId=cast.acme)
    sent(cast.ada, f"/documents/{document['id']}/versions", 303, ("b", PNG))
    cast.ada.made("/api/documents", name="L", url="https://x.example/l", organizationId=cast.acme)
    found = {
        kind: [d["name"] for d in cast.ada.get(f"/api/documents?format={kind}").json()]
        for kind in Format
    }
    assert {kind: names for kind, names in found.items() if names} == {
        "image": ["a"],
        "link": ["L"],
    }
    assert cast.olga.get("/api/documents?format=image").json() == []


def test_further_rows_of_documents_come_without_the_page(cast: Cast) -> None:
    for n in range(52):
        cast.ada.made(
            "/api/documents", name=f"D{n:02}", url="https://x.example/d", organizationId=cast.acme
        )
    for path in ("/documents", f"/organizations/{cast.acme}/documents"):
        page = got(cast.cora, path)
        more = re.search(r'href="([^"]+cursor=[^"]+)"', page)
        assert more and "D49" in page and "D50" not in page
        rows = part(cast.cora, more[1].replace("&amp;", "&"), "more")
        assert "D50" in rows and "D51" in rows and "<main" not in rows


def test_document_properties_change_in_place_and_a_second_writer_sees_both_versions(
    cast: Cast,
) -> None:
    document = added(cast.ada, PDF, "Offer.pdf", organizationId=cast.acme)
    path = f"/documents/{document['id']}"
    version = re.search(r'name="version" value="([^"]+)"', got(cast.cora, path))
    assert version
    answer = sent(cast.cora, path, 303, name="Offer 2.pdf", version=version[1])
    assert "Changed name of Offer 2.pdf" in toast(cast.cora, answer)
    page = sent(cast.ada, path, 409, name="Mine.pdf", version=version[1]).text
    assert "Offer 2.pdf" in page and "Mine.pdf" in page
    assert 'aria-invalid="true"' in sent(cast.ada, path, 422, name="").text
    assert cast.ada.get(f"/api/documents/{document['id']}").json()["name"] == "Offer 2.pdf"


def test_a_document_moves_to_another_organization_without_its_projects(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Roll-out")["id"]
    document = added(cast.ada, PDF, "Offer.pdf", organizationId=cast.acme)
    path = f"/documents/{document['id']}"
    assert f'<option value="{project}">' in got(cast.cora, path)
    sent(cast.cora, f"{path}/projects", 303, link=str(project))
    page = got(cast.cora, path)
    assert (
        f"/projects/{project}" in page and "Unlink Roll-out" in page and "linked a project" in page
    )
    assert "Projects of another" in got(cast.cora, f"{path}/organization")
    sent(cast.cora, f"{path}/organization", 303, organizationId=str(cast.globex))
    moved = cast.ada.get("/api/documents").json()[0]
    assert (moved["organizationId"], moved["projects"]) == (cast.globex, [])
    sent(cast.cora, f"{path}/projects", 422, link=str(project))
    sent(cast.cora, f"{path}/organization", 303, organizationId="")
    sent(cast.cora, f"{path}/projects", 303, link=str(project))
    sent(cast.cora, f"{path}/projects", 303, unlink=str(project))
    assert cast.ada.get("/api/documents").json()[0]["projects"] == []


def test_a_new_version_of_a_document_is_added_and_shown(cast: Cast) -> None:
    document = added(cast.ada, PDF, "Offer.pdf", organizationId=cast.acme)
    path = f"/documents/{document['id']}"
    toasted = toast(cast.stan, sent(cast.stan, f"{path}/versions", 303, ("b.txt", b"second text")))
    assert "Added version 2 of Offer.pdf" in toasted and "undo" not in toasted
    page = got(cast.stan, path)
    assert "second text" in page and f"/api/documents/{document['id']}/versions/1/content" in page
    assert "is empty; choose" in sent(cast.stan, f"{path}/versions", 422, ("c.txt", b"")).text
    link = cast.ada.made(
        "/api/documents", name="L", url="https://x.example/l", organizationId=cast.acme
    )
    assert 'type="file"' not in got(cast.ada, f"/documents/{link['id']}")
    sent(cast.ada, f"/documents/{link['id']}/versions", 409, ("c.txt", b"c"))


def test_a_document_is_deleted_with_undo(cast: Cast) -> None:
    document = added(cast.ada, PDF, "Offer.pdf", organizationId=cast.acme)
    here = f"/organizations/{cast.acme}/documents"
    answer = sent(cast.cora, f"/documents/{document['id']}/delete", 303, back=here)
    assert answer.headers["location"] == here
    toasted = toast(cast.cora, answer)
    assert "Deleted Offer.pdf" in toasted and "/undo" in toasted
    got(cast.cora, f"/documents/{document['id']}", 404)


def test_an_upload_without_a_file_is_refused_in_its_form(cast: Cast) -> None:
    answer = cast.ada.post(
        "/documents", data={"name": "Minutes"}, files={"file": ("", b"")}, headers=HTML
    )
    assert answer.status_code == 422 and "<h1" in answer.text, answer.text
