"""The pages of documents: the list, one document with its preview and versions, the forms."""

from typing import Any
from urllib.parse import urlencode

import msgspec
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
from retainer.http.forms import blank
from retainer.http.request import Request
from retainer.journal import store as journal
from retainer.lists.parameters import read as read_list
from retainer.pages import record_picker, render
from retainer.pages.documents import preview
from retainer.pages.formatting import label
from retainer.pages.list_page import find, paginate
from retainer.pages.record_picker import is_id
from retainer.pages.submit import Result, perform, upload
from retainer.records.documents import store
from retainer.records.documents.model import DocumentCreate, DocumentUpdate, Format
from retainer.records.organizations import store as organizations
from retainer.records.projects import store as projects

CHOICES: dict[str, Any] = {
    "audiences": list(Audience),
    "formats": [(each.value, "PDF" if each == Format.PDF else label(each)) for each in Format],
}
KEPT_FIELDS = {
    "name",
    "description",
    "organizationId",
    "organization",
    "audience",
}  # fields that a refused upload shows again

Row = dict[str, Any]


async def index(request: Request) -> Response:
    asked = dict(request.query)
    typed_name, candidates = await record_picker.id_from_filter(
        request, organizations.LIST, "organization", asked
    )
    request.query = read_list(store.LIST, urlencode(asked).encode(), request.viewer.time_zone)
    page = await paginate(request, store.LIST, expand=("organization",))
    organization = await organization_of(request, asked.get("organizationId"))
    return await render.page(
        request,
        "documents/list.html",
        page=page,
        organization=organization,
        typed_name=typed_name,
        candidates=candidates,
        **CHOICES,
    )


async def find_projects(request: Request) -> Response:
    """The projects that a document of the organization that is named can be linked to; none while
    that is unclear.
    """
    try:
        of = await record_picker.id_from_fields(
            request, organizations.LIST, "organization", request.query
        )
    except record_picker.UnclearName:
        of = None
    return await render.page(
        request, "documents/projects.html", projects=await projects_of(request, of)
    )


async def new(request: Request) -> Response:
    """A file, or with kind=link a link; `back` is where to go then."""
    asked = {name: request.query.get(name, "") for name in ("organizationId", "kind", "back")}
    return await form(request, asked | {"back": render.own_path(asked["back"], "")})


async def form(request: Request, values: Row, problem: Problem | None = None) -> Response:
    values = blank(DocumentCreate) | {"kind": "", "back": "", "organization": ""} | values
    return await render.page(
        request,
        "documents/new.html",
        status=problem.status if problem else 200,
        values=values,
        errors=render.field_errors(problem) if problem else {},
        candidates=record_picker.candidates_of(problem),
        organization=await organization_of(request, values["organizationId"]),
        projects=await projects_of(request, values["organizationId"]),
        **CHOICES,
    )


async def create(request: Request) -> Response:
    """A link, or a file that is read as it arrives; scripts that send many ask for no page."""
    back = render.return_path(request, "")
    try:
        result = await (
            upload(request, "createDocument", before_commit=_organization_id)
            if request.data is None
            else _link(request)
        )
    except (Invalid, Conflict, TooLarge) as problem:
        if _is_script(request):
            return _refused(request, problem)
        return await form(request, _typed_values(request) | {"back": back}, problem)
    made = result.record
    return await _added(request, made, back or f"/documents/{made['id']}", f"Added {made['name']}")


async def _link(request: Request) -> Result:
    request.data["projectIds"] = ",".join(request.data.all("projectIds"))
    body = request.data.body(DocumentCreate)
    if not body.get("organizationId"):
        body["organizationId"] = await record_picker.id_from_fields(
            request, organizations.LIST, "organization", request.data
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
        request, organizations.LIST, "organization", given
    )
    typed.pop("organization", None)
    typed.pop("organizationId", None)
    if id:
        typed["organizationId"] = [str(id)]


def _typed_values(request: Request) -> Row:
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
        return await _page(request, id, problem)
    made = result.record
    path = render.return_path(request, f"/documents/{id}")
    return await _added(request, made, path, f"Added version {made['version']} of {made['name']}")


async def _added(request: Request, made: Row, path: str, words: str) -> Response:
    """On to a page that tells of it, with undo where the viewer may; a script gets the message with
    its next page.
    """
    operation = None
    if request.viewer.may("documents.write") and made["version"] == 1:  # versions are never undone
        newest = await find(request, journal.HISTORY["documents"], parent=made["id"], limit="1")
        operation = next(
            (e["operation"]["id"] for e in newest if e["operation"]["requestId"] == request.id),
            None,
        )
    answer = render.redirect(request, path, words, operation)
    if _is_script(request):
        answer.status_code = 204
        del answer.headers["location"], answer.headers["content-length"]
    return answer


def _is_script(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _refused(request: Request, problem: Problem) -> Response:
    body = problem.body(request.path, request.id)
    return Response(body, problem.status, problem.headers, PROBLEM_JSON)


async def show_one(request: Request, id: int) -> Response:
    return await _page(request, id)


async def _page(request: Request, id: int, problem: Problem | None = None) -> Response:
    document, version = await _read(request, id)
    names = dict(await record_picker.colleagues(request))
    linked = {one["id"] for one in document["projects"]}
    offered_projects = await projects_of(request, str(document["organizationId"] or ""))
    return await render.page(
        request,
        "documents/show.html",
        status=problem.status if problem else 200,
        document=document,
        version=version,
        errors=render.field_errors(problem) if problem else {},
        names=names,
        versions=await _versions(request, document),
        changes=await _changes(request, id),
        more=[one for one in offered_projects if one["id"] not in linked],
        **await _preview(request, document),
        **CHOICES,
    )


async def _read(request: Request, id: int) -> tuple[Row, str]:
    """The document as lists show it, with its ETag."""
    row = await store.read(request.db, id)
    listed = await find(request, store.LIST, limit="1", expand="organization", id=str(id))
    if row is None or not listed:
        raise NotFound
    return listed[0], f"{row[0]}-{row[1]}"


async def _preview(request: Request, document: Row) -> Row:
    display = preview.display_of(document["type"])
    text = None
    if display == "text":
        file = await store.file(request.db, document["id"], document["version"])
        text = await preview.excerpt(request, file) if file and file["storage_key"] else None
    return {"display": display, "excerpt": text}


async def _versions(request: Request, document: Row) -> list[Row]:
    if document["type"] == "link":
        return []
    return await find(request, store.VERSIONS, parent=document["id"], sort="-number", limit="100")


async def _changes(request: Request, id: int) -> list[Row]:
    if not request.viewer.may("history.read"):
        return []
    return await find(request, journal.HISTORY["documents"], parent=id, limit="10")


async def show_preview(request: Request, id: int, number: int) -> Response:
    """A version's bytes for the page's own frame or picture; 404 for what is not shown so."""
    file = await store.file(request.db, id, number)
    if file is None or file["storage_key"] is None:
        raise NotFound
    return await preview.answer(request, file)


async def update(request: Request, id: int) -> Response:
    """Change what the form has, while nobody else has changed the document since it was page."""
    return await _change(
        request, id, request.data.body(DocumentUpdate), request.data.get("version")
    )


async def move(request: Request, id: int) -> Response:
    """The form that names another organization."""
    return await move_form(request, id)


async def move_form(request: Request, id: int, problem: Invalid | None = None) -> Response:
    document, version = await _read(request, id)
    values = {"organization": (document["organization"] or {}).get("name", "")}
    return await render.page(
        request,
        "documents/move.html",
        status=problem.status if problem else 200,
        document=document,
        version=version,
        values=dict(request.data) if problem else values,
        errors=render.field_errors(problem) if problem else {},
        candidates=record_picker.candidates_of(problem),
    )


async def moved(request: Request, id: int) -> Response:
    """To another organization, with those of its projects that are that one's; without one, with
    all.
    """
    try:
        to = await record_picker.id_from_fields(
            request, organizations.LIST, "organization", request.data
        )
    except record_picker.UnclearName as problem:
        return await move_form(request, id, problem)
    sent: Row = {"organizationId": to}
    document, version = await _read(request, id)
    linked = ",".join(str(one["id"]) for one in document["projects"])
    if linked and to:
        asked: Row = {"id:in": linked, "organizationId": str(to)}
        sent["projectIds"] = [
            one["id"] for one in await find(request, projects.LIST, limit="100", **asked)
        ]
    return await _change(request, id, sent, request.data.get("version") or version)


async def link_projects(request: Request, id: int) -> Response:
    """Link one more project, or unlink one."""
    document, version = await _read(request, id)
    linked: list[Any] = [one["id"] for one in document["projects"]]
    more, less = request.data.get("link", ""), request.data.get("unlink", "")
    linked = [one for one in linked if str(one) != less] + (
        [int(more) if is_id(more) else more] if more else []
    )
    return await _change(request, id, {"projectIds": linked}, version)


async def _change(request: Request, id: int, sent: Row, version: str | None) -> Response:
    path = f"/documents/{id}"
    try:
        result = await perform(request, "updateDocument", id, body=sent, version=version)
    except PreconditionFailed as problem:
        return await render.conflict(request, problem, path, sent)
    except (Invalid, Conflict) as problem:
        return await render.not_saved(request, problem, path, sent)
    what = (
        "projects"
        if "projectIds" in sent and "organizationId" not in sent
        else render.changed_fields(sent)
    )
    words = f"Changed {what} of {result.record['name']}"
    return render.redirect(request, render.return_path(request, path), words, result.operation)


async def delete(request: Request, id: int) -> Response:
    row = await store.read(request.db, id)
    result = await perform(request, "deleteDocument", id)
    name = msgspec.json.decode(row[2])["name"] if row else "the document"
    return render.redirect(
        request, render.return_path(request, "/documents"), f"Deleted {name}", result.operation
    )


async def organization_of(request: Request, id: Any) -> Row | None:
    """The organization of this id, where it is one that the viewer sees."""
    if not is_id(str(id or "")):
        return None
    found = await find(request, organizations.LIST, fields="id,name", id=str(id))
    return found[0] if found else None


async def projects_of(request: Request, organization: Any) -> list[Row]:
    """The projects of the organization of this id, to choose from."""
    found = await organization_of(request, organization)
    if found is None:
        return []
    return await find(
        request, projects.OF_ORGANIZATION, parent=found["id"], fields="id,title", limit="100"
    )
