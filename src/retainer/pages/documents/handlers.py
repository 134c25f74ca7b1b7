"""Pages of documents: the list, one document with its preview and versions, and its changes."""

from urllib.parse import urlencode

from starlette.responses import Response

from retainer.errors import Invalid, NotFound, Problem
from retainer.http.request import Request
from retainer.lists.parameters import read as read_list
from retainer.pages import record_picker, render
from retainer.pages.documents import preview
from retainer.pages.documents.form import AUDIENCES, LINK, fields_of, projects_of
from retainer.pages.edit import edit
from retainer.pages.form import form_page
from retainer.pages.formatting import label
from retainer.pages.journal.history import last_changes
from retainer.pages.list_page import find, paginate
from retainer.pages.record_picker import ORGANIZATION, is_id
from retainer.pages.rows import DocumentRow
from retainer.pages.submit import perform
from retainer.pages.web_address import complete_address
from retainer.records.documents import store
from retainer.records.documents.model import (
    Document,
    DocumentUpdate,
    DocumentVersion,
    Format,
)
from retainer.records.projects import store as projects
from retainer.records.projects.model import Project

FORMATS = [
    (Format.PDF.value, "PDF"),
    *((one.value, label(one)) for one in Format if one != Format.PDF),
]


async def index(request: Request) -> Response:
    given = dict(request.query)
    typed_name, candidates = await record_picker.id_from_filter(request, ORGANIZATION, given)
    request.query = read_list(store.LIST, urlencode(given).encode(), request.viewer.time_zone)
    of = given.get("organizationId", "")
    return await render.page(
        request,
        "documents/list.html",
        page=await paginate(request, store.LIST, DocumentRow, expand=("organization",)),
        organization=await record_picker.organization_of(request, of),
        typed_name=typed_name,
        candidates=candidates,
        audiences=AUDIENCES,
        formats=FORMATS,
    )


async def show_one(request: Request, id: int) -> Response:
    return await document_page(request, id)


async def document_page(request: Request, id: int, problem: Problem | None = None) -> Response:
    """Show one document; `problem` explains why a new version was refused."""
    document, version = await _read(request, id)
    linked = {one.id for one in document.projects}
    offered_projects = await projects_of(request, document.organization)
    return await form_page(
        request,
        "documents/show.html",
        problem,
        document=document,
        version=version,
        fields=fields_of(is_link=document.type == "link"),
        names=dict(await record_picker.colleagues(request)),
        versions=await _versions(request, document),
        changes=await last_changes(request, "documents", id),
        more=[one for one in offered_projects if one.id not in linked],
        display=preview.display_of(document.type),
        excerpt=await _excerpt(request, document),
    )


async def _read(request: Request, id: int) -> tuple[DocumentRow, str]:
    """Read the document as lists show it, and its ETag."""
    stored = await store.get(request.db, id)
    found = await find(request, store.LIST, DocumentRow, expand="organization", id=str(id))
    if not found:
        raise NotFound
    return found[0], stored.etag


async def _excerpt(request: Request, document: Document) -> preview.Excerpt | None:
    """Beginning of a text file; None for other files, and for links."""
    if preview.display_of(document.type) != "text":
        return None
    file = await store.file(request.db, document.id, document.version)
    if file is None or not file["storage_key"]:
        return None
    return await preview.excerpt(request, file)


async def _versions(request: Request, document: Document) -> list[DocumentVersion]:
    if document.type == "link":
        return []
    return await find(
        request,
        store.VERSIONS,
        DocumentVersion,
        parent=document.id,
        sort="-number",
        limit="100",
    )


async def show_preview(request: Request, id: int, number: int) -> Response:
    """Answer a version's bytes for a frame or picture of its page; 404 for other types."""
    file = await store.file(request.db, id, number)
    if file is None or file["storage_key"] is None:
        raise NotFound
    return await preview.content_response(request, file)


async def update(request: Request, id: int) -> Response:
    """Change the fields that were sent, if the document is still as the form showed it."""
    sent = request.data.body(DocumentUpdate)
    present = (await store.get(request.db, id)).decode(Document)
    complete_address(sent, "url", present.url)
    return await _change(request, id, sent)


async def move(request: Request, id: int) -> Response:
    """Show the form that moves a document to another organization."""
    return await move_form(request, id)


async def move_form(request: Request, id: int, problem: Invalid | None = None) -> Response:
    document, version = await _read(request, id)
    values = {"organization": ""}
    if problem is not None:
        values = dict(request.data)
    elif document.organization is not None:
        values["organization"] = document.organization.name
    return await form_page(
        request,
        "documents/move.html",
        problem,
        document=document,
        version=version,
        values=values,
    )


async def moved(request: Request, id: int) -> Response:
    """Move a document to another organization. It keeps its links to that organization's projects;
    moved to none, it keeps all its links.
    """
    document, version = await _read(request, id)
    here = document.organization
    try:
        to = await record_picker.id_from_fields(request, ORGANIZATION, request.data, here)
    except record_picker.UnclearName as problem:
        return await move_form(request, id, problem)
    sent: dict[str, object] = {"organizationId": to}
    if to == (here and here.id):
        sent = {}
    elif document.projects and to:
        linked = ",".join(str(one.id) for one in document.projects)
        given = {"id:in": linked, "organizationId": str(to), "limit": "100"}
        found = await find(request, projects.LIST, Project, given)
        sent["projectIds"] = [one.id for one in found]
    request.data.setdefault("version", version)
    return await _change(request, id, sent)


async def link_projects(request: Request, id: int) -> Response:
    """Link one more project to the document, or unlink one."""
    document, version = await _read(request, id)
    added, removed = request.data.get("link", ""), request.data.get("unlink", "")
    linked: list[int | str] = [one.id for one in document.projects if str(one.id) != removed]
    if is_id(added):
        linked.append(int(added))
    elif added:
        linked.append(added)  # the API refuses it by the field's name
    request.data["version"] = version
    return await _change(request, id, {"projectIds": linked})


async def _change(request: Request, id: int, sent: dict[str, object]) -> Response:
    fields = render.changed_fields(sent)
    if "projectIds" in sent and "organizationId" not in sent:
        fields = "projects"
    return await edit(
        request,
        LINK,
        "updateDocument",
        id,
        f"/documents/{id}",
        sent,
        lambda result: f"Changed {fields} of {result.record(Document).name}",
        show_one,
    )


async def delete(request: Request, id: int) -> Response:
    document = (await store.get(request.db, id)).decode(Document)
    result = await perform(request, "deleteDocument", id)
    path = render.return_path(request, "/documents")
    return render.redirect(request, path, f"Deleted {document.name}", result.operation)
