"""Adding documents and versions: the forms, and the uploads of pages and scripts."""

from collections.abc import Mapping

from starlette.responses import Response

from retainer.errors import PROBLEM_JSON, Conflict, Invalid, Problem, TooLarge
from retainer.http.request import Request
from retainer.journal import store as journal
from retainer.journal.model import HistoryEntry
from retainer.pages import record_picker, render
from retainer.pages.documents.form import fields_of, projects_of
from retainer.pages.documents.handlers import document_page
from retainer.pages.form import form_page
from retainer.pages.list_page import find
from retainer.pages.record_picker import ORGANIZATION
from retainer.pages.submit import Result, perform, upload
from retainer.pages.web_address import complete_address
from retainer.records.documents.model import Document, DocumentCreate

# Fields that a refused upload shows again.
REPEATED_FIELDS = ("name", "description", "organizationId", "organization", "audience")


async def find_projects(request: Request) -> Response:
    """Show the projects of the organization that the form names; none while its name is unclear."""
    try:
        of = await record_picker.id_from_fields(request, ORGANIZATION, request.query)
    except record_picker.UnclearName:
        of = None
    organization = await record_picker.organization_of(request, str(of))
    found = await projects_of(request, organization)
    return await render.page(request, "documents/projects.html", projects=found)


async def new(request: Request) -> Response:
    """Show the form of a file, or with kind=link of a link; `back` is the path to go to after."""
    given = {name: request.query.get(name, "") for name in ("organizationId", "kind", "back")}
    return await form(request, given | {"back": render.own_path(given["back"], "")})


async def form(
    request: Request, values: Mapping[str, str], problem: Problem | None = None
) -> Response:
    is_link = values.get("kind") == "link"
    fields = fields_of(is_link=is_link)
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


async def create(request: Request) -> Response:
    """Add a link, or a file that is read as it arrives. A script that sends several files gets an
    answer without a page.
    """
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
    complete_address(body, "url", None)
    if not body.get("organizationId"):
        body["organizationId"] = await record_picker.id_from_fields(
            request, ORGANIZATION, request.data
        )
    return await perform(request, "createDocument", body=body)


async def _organization_id(request: Request) -> None:
    """Replace the organization's name in an upload by its id, which is what the API takes."""
    fields = request.upload_fields
    given = {
        name: values[-1]
        for name, values in fields.items()
        if name in ("organization", "organizationId")
    }
    id = given.get("organizationId") or await record_picker.id_from_fields(
        request, ORGANIZATION, given
    )
    fields.pop("organization", None)
    fields.pop("organizationId", None)
    if id:
        fields["organizationId"] = [str(id)]


def _typed_values(request: Request) -> dict[str, str]:
    if request.data is not None:
        return {**request.data, "kind": "link"}
    return {
        name: values[-1]
        for name, values in request.upload_fields.items()
        if name in REPEATED_FIELDS
    }


async def add_version(request: Request, id: int) -> Response:
    try:
        result = await upload(request, "addDocumentVersion", id)
    except (Invalid, Conflict, TooLarge) as problem:
        if _is_script(request):
            return _refused(request, problem)
        return await document_page(request, id, problem)
    made = result.record(Document)
    path = render.return_path(request, f"/documents/{id}")
    return await _added(request, made, path, f"Added version {made.version} of {made.name}")


async def _added(request: Request, made: Document, path: str, message: str) -> Response:
    """Redirect to a page that shows `message` and offers undo. A script gets 204 instead, and the
    page that it asks for next shows the message.
    """
    response = render.redirect(request, path, message, await _undoable_operation(request, made))
    if _is_script(request):
        response.status_code = 204
        del response.headers["location"], response.headers["content-length"]
    return response


async def _undoable_operation(request: Request, made: Document) -> int | None:
    """Id of the operation that added the document, if the viewer may undo it. Adding a later
    version cannot be undone.
    """
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
