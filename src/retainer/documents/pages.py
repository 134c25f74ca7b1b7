"""The pages of documents: the list, one document with its preview and versions, the forms."""

from typing import Any

import msgspec

from retainer import pages
from retainer.actions import Done, perform, receive
from retainer.documents import preview, store
from retainer.documents.model import DocumentCreate, DocumentUpdate, Format
from retainer.errors import PROBLEM_JSON, Conflict, Invalid, NotFound, PreconditionFailed, Problem, TooLarge
from retainer.fields import Audience
from retainer.forms import blank
from retainer.journal import store as journal
from retainer.lists.shown import find, show
from retainer.organizations import store as organizations
from retainer.projects import store as projects
from retainer.request import Answer, Request
from retainer.users import store as users
from retainer.words import label

WORDS: dict[str, Any] = {
    "audiences": list(Audience),
    "formats": [(each.value, "PDF" if each == Format.PDF else label(each)) for each in Format],
}
OFFERED = 50  # organizations that a choice offers; typing finds the others
KEPT = {"name", "description", "organizationId", "audience"}  # fields that a refused upload shows again

Row = dict[str, Any]


async def index(request: Request) -> Answer:
    shown = await show(request, store.LIST, expand=("organization",))
    chosen = await organization_of(request, shown.asked.get("organizationId"))
    return await pages.page(request, "documents/list.html", shown=shown, chosen=chosen, found=await offered(request),
                            **WORDS)  # fmt: skip


async def find_organizations(request: Request) -> Answer:
    """Those that have what is typed, as links that filter or as choices of a form: HX-Target says which."""
    q = request.query.get("q", "").strip()
    found = await offered(request, q)
    best = found[0]["id"] if q and found else None  # is chosen at once
    offers = await projects_of(request, best) if request.query.get("projects") else None
    return await pages.page(request, "documents/organizations.html", found=found, q=q, projects=offers)


async def find_projects(request: Request) -> Answer:
    """The projects that a document of the chosen organization can be linked to."""
    found = await projects_of(request, request.query.get("organizationId", ""))
    return await pages.page(request, "documents/organizations.html", found=[], q="", projects=found)


async def new(request: Request) -> Answer:
    """A file, or with kind=link a link; `back` is where to go then."""
    return await form(request, {name: request.query.get(name, "") for name in ("organizationId", "kind", "back")})


async def form(request: Request, values: Row, problem: Problem | None = None) -> Answer:
    values = blank(DocumentCreate) | {"kind": "", "back": ""} | values
    chosen = await organization_of(request, values["organizationId"])
    found = [one for one in await offered(request) if chosen is None or one["id"] != chosen["id"]]
    return await pages.page(
        request, "documents/new.html", status=problem.status if problem else 200, values=values,
        errors=pages.errors_of(problem) if problem else {}, found=[chosen, *found] if chosen else found,
        projects=await projects_of(request, values["organizationId"]), **WORDS,
    )  # fmt: skip


async def create(request: Request) -> Answer:
    """A link, or a file that is read as it arrives; scripts that send many ask for no page."""
    back = pages.back(request, "")
    try:
        done = await (receive(request, "createDocument") if request.body is None else _link(request))
    except (Invalid, Conflict, TooLarge) as problem:
        if _is_script(request):
            return _refused(request, problem)
        return await form(request, _typed(request) | {"back": back}, problem)
    made = done.record
    return await _added(request, made, back or f"/documents/{made['id']}", f"Added {made['name']}")


async def _link(request: Request) -> Done:
    request.body["projectIds"] = ",".join(request.body.all("projectIds"))
    return await perform(request, "createDocument", body=request.body.body(DocumentCreate))


def _typed(request: Request) -> Row:
    if request.body is not None:
        return {**request.body, "kind": "link"}
    return {name: values[-1] for name, values in request.typed.items() if name in KEPT}


async def add_version(request: Request, id: int) -> Answer:
    try:
        done = await receive(request, "addDocumentVersion", id)
    except (Invalid, Conflict, TooLarge) as problem:
        if _is_script(request):
            return _refused(request, problem)
        return await _page(request, id, problem)
    made = done.record
    path = pages.back(request, f"/documents/{id}")
    return await _added(request, made, path, f"Added version {made['version']} of {made['name']}")


async def _added(request: Request, made: Row, path: str, words: str) -> Answer:
    """On to a page that tells of it, with undo where the viewer may; a script gets the message with its next page."""
    operation = None
    if request.viewer.may("documents.write") and made["version"] == 1:  # versions are never undone
        newest = await find(request, journal.HISTORY["documents"], parent=made["id"], limit="1")
        operation = next((e["operation"]["id"] for e in newest if e["operation"]["requestId"] == request.id), None)
    answer = pages.redirect(request, path, words, operation)
    if _is_script(request):
        answer.status, answer.headers = 204, [header for header in answer.headers if header[0] != b"location"]
    return answer


def _is_script(request: Request) -> bool:
    return b"application/json" in request.headers.get(b"accept", b"")


def _refused(request: Request, problem: Problem) -> Answer:
    body = problem.body(request.path, request.id)
    return Answer(problem.status, body, (b"content-type", PROBLEM_JSON), *problem.headers)


async def show_one(request: Request, id: int) -> Answer:
    return await _page(request, id)


async def _page(request: Request, id: int, problem: Problem | None = None) -> Answer:
    document, version = await _read(request, id)
    names = dict(await _names(request))
    linked = {one["id"] for one in document["projects"]}
    offered_projects = await projects_of(request, str(document["organizationId"] or ""))
    return await pages.page(
        request, "documents/show.html", status=problem.status if problem else 200, document=document, version=version,
        errors=pages.errors_of(problem) if problem else {}, names=names, versions=await _versions(request, document),
        history=await _history(request, id), more=[one for one in offered_projects if one["id"] not in linked],
        **await _preview(request, document), **WORDS,
    )  # fmt: skip


async def _read(request: Request, id: int) -> tuple[Row, str]:
    """The document as lists show it, with its ETag."""
    row = await store.read(request.db, id)
    listed = await find(request, store.LIST, limit="1", expand="organization", id=str(id))
    if row is None or not listed:
        raise NotFound
    return listed[0], f"{row[0]}-{row[1]}"


async def _preview(request: Request, document: Row) -> Row:
    how = preview.kind(document["type"])
    text = None
    if how == "text":
        file = await store.file(request.db, document["id"], document["version"])
        text = await preview.excerpt(request, file) if file and file["storage_key"] else None
    return {"how": how, "excerpt": text}


async def _versions(request: Request, document: Row) -> list[Row]:
    if document["type"] == "link":
        return []
    return await find(request, store.VERSIONS, parent=document["id"], sort="-number", limit="100")


async def _history(request: Request, id: int) -> list[Row]:
    if not request.viewer.may("history.read"):
        return []
    return await find(request, journal.HISTORY["documents"], parent=id, limit="20")


async def _names(request: Request) -> list[tuple[int, str]]:
    if not request.viewer.may("users.names"):
        return []
    return [(u["id"], u["fullName"]) for u in await find(request, users.NAMES, limit="1000")]


async def show_preview(request: Request, id: int, number: int) -> Answer:
    """A version's bytes for the page's own frame or picture; 404 for what is not shown so."""
    file = await store.file(request.db, id, number)
    if file is None or file["storage_key"] is None:
        raise NotFound
    return await preview.answer(request, file)


async def update(request: Request, id: int) -> Answer:
    """Change what the form has, while nobody else has changed the document since it was shown."""
    return await _change(request, id, request.body.body(DocumentUpdate), request.body.get("version"))


async def move(request: Request, id: int) -> Answer:
    """The form that chooses another organization."""
    document, version = await _read(request, id)
    chosen = document.get("organization")
    found = [one for one in await offered(request) if chosen is None or one["id"] != chosen["id"]]
    return await pages.page(request, "documents/move.html", document=document, version=version, errors={},
                            found=[chosen, *found] if chosen else found)  # fmt: skip


async def moved(request: Request, id: int) -> Answer:
    """To another organization, with those of its projects that are that one's; without one, with all."""
    sent = request.body.body(DocumentUpdate)
    document, version = await _read(request, id)
    linked = ",".join(str(one["id"]) for one in document["projects"])
    if linked and sent.get("organizationId"):
        asked: Row = {"id:in": linked, "organizationId": str(sent["organizationId"])}
        sent["projectIds"] = [one["id"] for one in await find(request, projects.LIST, limit="100", **asked)]
    return await _change(request, id, sent, request.body.get("version") or version)


async def link_projects(request: Request, id: int) -> Answer:
    """Link one more project, or unlink one."""
    document, version = await _read(request, id)
    linked: list[Any] = [one["id"] for one in document["projects"]]
    more, less = request.body.get("link", ""), request.body.get("unlink", "")
    linked = [one for one in linked if str(one) != less] + ([int(more) if more.isdecimal() else more] if more else [])
    return await _change(request, id, {"projectIds": linked}, version)


async def _change(request: Request, id: int, sent: Row, version: str | None) -> Answer:
    path = f"/documents/{id}"
    try:
        done = await perform(request, "updateDocument", id, body=sent, version=version)
    except PreconditionFailed as problem:
        return await pages.conflict(request, problem, path, sent)
    except (Invalid, Conflict) as problem:
        return await pages.not_saved(request, problem, path, sent)
    what = "projects" if "projectIds" in sent and "organizationId" not in sent else pages.named(sent)
    words = f"Changed {what} of {done.record['name']}"
    return pages.redirect(request, pages.back(request, path), words, done.operation)


async def delete(request: Request, id: int) -> Answer:
    row = await store.read(request.db, id)
    done = await perform(request, "deleteDocument", id)
    name = msgspec.json.decode(row[2])["name"] if row else "the document"
    return pages.redirect(request, pages.back(request, "/documents"), f"Deleted {name}", done.operation)


async def offered(request: Request, q: str = "") -> list[Row]:
    """Organizations to choose from: the first by name, or those that have what was typed."""
    asked: Row = {"q": q[:200]} if q.strip() else {}
    return await find(request, organizations.LIST, fields="id,name", limit=str(OFFERED), **asked)


async def organization_of(request: Request, id: Any) -> Row | None:
    """The organization of this id, where it is one that the viewer sees."""
    if not str(id or "").isdecimal() or len(str(id)) > 15:
        return None
    found = await find(request, organizations.LIST, fields="id,name", id=str(id))
    return found[0] if found else None


async def projects_of(request: Request, organization: Any) -> list[Row]:
    """The projects of the organization of this id, to choose from."""
    found = await organization_of(request, organization)
    if found is None:
        return []
    return await find(request, projects.OF_ORGANIZATION, parent=found["id"], fields="id,title", limit="100")
