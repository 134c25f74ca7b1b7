"""The pages of documents: the list, one document with its preview and versions, the forms."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from retainer.errors import (
    PROBLEM_JSON,
    Conflict,
    Invalid,
    NotFound,
    PreconditionFailed,
    Problem,
    TooLarge,
)
from retainer.http.fields import Audience
from retainer.http.request import Request
from retainer.journal import store as journal
from retainer.journal.model import HistoryEntry
from retainer.lists.parameters import read as read_list
from retainer.pages import record_picker, render
from retainer.pages.documents import preview
from retainer.pages.form import MAX_NAME, Field, Fields, form_page
from retainer.pages.formatting import label, web_link
from retainer.pages.journal.history import last_changes
from retainer.pages.list_page import find, paginate
from retainer.pages.record_picker import ORGANIZATION, is_id
from retainer.pages.rows import DocumentRow, OrganizationName
from retainer.pages.submit import Result, perform, upload
from retainer.records.documents import store
from retainer.records.documents.model import (
    Document,
    DocumentCreate,
    DocumentProject,
    DocumentUpdate,
    DocumentVersion,
    Format,
)
from retainer.records.organizations.model import Organization
from retainer.records.projects import store as projects
from retainer.records.projects.model import Project

AUDIENCES = list(Audience)
_REST = (
    Field("organization", "Organization", in_form="own", in_properties="own"),
    Field("projectIds", "Projects", in_form="own", in_properties="no"),
    Field("audience", "Audience", "select", options=AUDIENCES, default="internal", required=True,
          hint="Guests see what is meant for clients"),
    Field("description", "Description", rows=2),
)  # fmt: skip
FILE = Fields(
    Field("file", "File", "file", required=True, in_properties="no"),
    Field("name", "Name", maxlength=MAX_NAME, hint="Without one it has the file's own"),
    *_REST,
)
LINK = Fields(
    Field("url", "Address", "url", required=True, autofocus=True, maxlength=2000, link=web_link,
          hint="Where the document is, such as https://files.example.com/brief", after="name"),
    Field("name", "Name", required=True, maxlength=MAX_NAME),
    *_REST,
)  # fmt: skip
FORMATS = [(one.value, "PDF" if one == Format.PDF else label(one)) for one in Format]
# Fields that a refused upload shows again.
KEPT_FIELDS = ("name", "description", "organizationId", "organization", "audience")


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


async def find_projects(request: Request) -> Response:
    """The projects that a document of the organization that is named can be linked to; none while
    that is unclear.
    """
    try:
        of = await record_picker.id_from_fields(request, ORGANIZATION, request.query)
    except record_picker.UnclearName:
        of = None
    organization = await record_picker.organization_of(request, str(of))
    found = await projects_of(request, organization)
    return await render.page(request, "documents/projects.html", projects=found)


async def new(request: Request) -> Response:
    """A file, or with kind=link a link; `back` is where to go then."""
    given = {name: request.query.get(name, "") for name in ("organizationId", "kind", "back")}
    return await form(request, given | {"back": render.own_path(given["back"], "")})


async def form(
    request: Request, values: Mapping[str, str], problem: Problem | None = None
) -> Response:
    is_link = values.get("kind") == "link"
    fields = _fields(is_link=is_link)
    of = values.get("organizationId", "")
    organization = await record_picker.organization_of(request, of)
    return await form_page(
        request,
        "documents/new.html",
        problem,
        fields=fields,
        is_link=is_link,
        values={**fields.blank(), "back": "", "organizationId": "", **values},
        organization=organization,
        projects=await projects_of(request, organization),
    )


def _fields(*, is_link: bool) -> Fields:
    return LINK if is_link else FILE


async def create(request: Request) -> Response:
    """A link, or a file that is read as it arrives; scripts that send many ask for no page."""
    back = render.return_path(request, "")
    try:
        if request.data is None:
            result = await upload(request, "createDocument", before_commit=_organization_id)
        else:
            result = await _create_link(request)
    except (Invalid, Conflict, TooLarge) as problem:
        if _is_script(request):
            return _refused(request, problem)
        return await form(request, _typed_values(request) | {"back": back}, problem)
    made = result.record(Document)
    return await _added(request, made, back or f"/documents/{made.id}", f"Added {made.name}")


async def _create_link(request: Request) -> Result:
    request.data["projectIds"] = ",".join(request.data.all("projectIds"))
    body = request.data.body(DocumentCreate)
    if not body.get("organizationId"):
        body["organizationId"] = await record_picker.id_from_fields(
            request, ORGANIZATION, request.data
        )
    return await perform(request, "createDocument", body=body)


async def _organization_id(request: Request) -> None:
    """Put the organization's id where the form has its name: the API takes ids."""
    typed = request.upload_fields
    given = {
        name: values[-1]
        for name, values in typed.items()
        if name in ("organization", "organizationId")
    }
    id = given.get("organizationId") or await record_picker.id_from_fields(
        request, ORGANIZATION, given
    )
    typed.pop("organization", None)
    typed.pop("organizationId", None)
    if id:
        typed["organizationId"] = [str(id)]


def _typed_values(request: Request) -> dict[str, str]:
    if request.data is not None:
        return {**request.data, "kind": "link"}
    return {
        name: values[-1] for name, values in request.upload_fields.items() if name in KEPT_FIELDS
    }


async def add_version(request: Request, id: int) -> Response:
    try:
        result = await upload(request, "addDocumentVersion", id)
    except (Invalid, Conflict, TooLarge) as problem:
        if _is_script(request):
            return _refused(request, problem)
        return await _document_page(request, id, problem)
    made = result.record(Document)
    path = render.return_path(request, f"/documents/{id}")
    return await _added(request, made, path, f"Added version {made.version} of {made.name}")


async def _added(request: Request, made: Document, path: str, message: str) -> Response:
    """On to a page that tells of it, with undo where the viewer may; a script gets the message with
    its next page.
    """
    answer = render.redirect(request, path, message, await _undoable_operation(request, made))
    if _is_script(request):
        answer.status_code = 204
        del answer.headers["location"], answer.headers["content-length"]
    return answer


async def _undoable_operation(request: Request, made: Document) -> int | None:
    """The operation of this request, while it can be undone: later versions never are."""
    if made.version != 1 or not request.viewer.may("documents.write"):
        return None
    history = journal.HISTORY["documents"]
    newest = await find(request, history, HistoryEntry, parent=made.id, limit="1")
    own = (entry.operation for entry in newest if entry.operation.request_id == request.id)
    return next((operation.id for operation in own), None)


def _is_script(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _refused(request: Request, problem: Problem) -> Response:
    body = problem.body(request.path, request.id)
    return Response(body, problem.status, problem.headers, PROBLEM_JSON)


async def show_one(request: Request, id: int) -> Response:
    return await _document_page(request, id)


async def _document_page(request: Request, id: int, problem: Problem | None = None) -> Response:
    document, version = await _read(request, id)
    linked = {one.id for one in document.projects}
    offered_projects = await projects_of(request, document.organization)
    return await form_page(
        request,
        "documents/show.html",
        problem,
        document=document,
        version=version,
        fields=_fields(is_link=document.type == "link"),
        names=dict(await record_picker.colleagues(request)),
        versions=await _versions(request, document),
        changes=await last_changes(request, "documents", id),
        more=[one for one in offered_projects if one.id not in linked],
        display=preview.display_of(document.type),
        excerpt=await _excerpt(request, document),
    )


async def _read(request: Request, id: int) -> tuple[DocumentRow, str]:
    """The document as lists show it, with its ETag."""
    stored = await store.get(request.db, id)
    found = await find(request, store.LIST, DocumentRow, expand="organization", id=str(id))
    if not found:
        raise NotFound
    return found[0], stored.etag


async def _excerpt(request: Request, document: Document) -> preview.Excerpt | None:
    """The beginning of a text."""
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
    """A version's bytes for the page's own frame or picture; 404 for what is not shown so."""
    file = await store.file(request.db, id, number)
    if file is None or file["storage_key"] is None:
        raise NotFound
    return await preview.answer(request, file)


async def update(request: Request, id: int) -> Response:
    """Change what the form has, while nobody else has changed the document since it was shown."""
    sent = request.data.body(DocumentUpdate)
    return await _change(request, id, sent, request.data.get("version"))


async def move(request: Request, id: int) -> Response:
    """The form that names another organization."""
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
    """To another organization, with those of its projects that are that one's; without one, with
    all.
    """
    try:
        to = await record_picker.id_from_fields(request, ORGANIZATION, request.data)
    except record_picker.UnclearName as problem:
        return await move_form(request, id, problem)
    sent: dict[str, Any] = {"organizationId": to}
    document, version = await _read(request, id)
    if document.projects and to:
        linked = ",".join(str(one.id) for one in document.projects)
        given = {"id:in": linked, "organizationId": str(to), "limit": "100"}
        kept = await find(request, projects.LIST, Project, given)
        sent["projectIds"] = [one.id for one in kept]
    return await _change(request, id, sent, request.data.get("version") or version)


async def link_projects(request: Request, id: int) -> Response:
    """Link one more project, or unlink one."""
    document, version = await _read(request, id)
    added, removed = request.data.get("link", ""), request.data.get("unlink", "")
    linked: list[int | str] = [one.id for one in document.projects if str(one.id) != removed]
    if added:  # what is no id is refused by the API, with its name
        linked.append(int(added) if is_id(added) else added)
    return await _change(request, id, {"projectIds": linked}, version)


async def _change(request: Request, id: int, sent: dict[str, Any], version: str | None) -> Response:
    path = f"/documents/{id}"
    try:
        result = await perform(request, "updateDocument", id, body=sent, version=version)
    except PreconditionFailed as problem:
        return await render.conflict(request, problem, path, sent)
    except (Invalid, Conflict) as problem:
        return await render.not_saved(request, problem, path, sent)
    fields = render.changed_fields(sent)
    if "projectIds" in sent and "organizationId" not in sent:
        fields = "projects"
    message = f"Changed {fields} of {result.record(Document).name}"
    return render.redirect(request, render.return_path(request, path), message, result.operation)


async def delete(request: Request, id: int) -> Response:
    document = (await store.get(request.db, id)).decode(Document)
    result = await perform(request, "deleteDocument", id)
    path = render.return_path(request, "/documents")
    return render.redirect(request, path, f"Deleted {document.name}", result.operation)


async def projects_of(
    request: Request, organization: Organization | OrganizationName | None
) -> list[DocumentProject]:
    """The projects of an organization that the viewer sees, to choose from."""
    if organization is None:
        return []
    return await find(
        request,
        projects.OF_ORGANIZATION,
        DocumentProject,
        parent=organization.id,
        fields="id,title",
        limit="100",
    )
