"""The page of search, and what the palette proposes: hits by kind, one kind alone (`org: acme`), or
an id (`#12`).
"""

from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from retainer.http.request import Request
from retainer.pages import record_picker, render
from retainer.pages.list_page import query_string
from retainer.records.contacts import store as contacts
from retainer.records.documents import store as documents
from retainer.records.organizations import store as organizations
from retainer.records.projects import store as projects
from retainer.records.tasks import store as tasks
from retainer.search import store
from retainer.search.model import Hit, Kind
from retainer.search.web import hit

MAX_HITS = 50  # hits of the page
MAX_PALETTE_HITS = 12  # hits of the palette, of which each is a line
MAX_QUERY = 200  # characters, as the API's search takes
PREFIXES = {
    "org": Kind.ORGANIZATION,
    "contact": Kind.CONTACT,
    "project": Kind.PROJECT,
    "task": Kind.TASK,
    "doc": Kind.DOCUMENT,
}
_BY_ID = {
    Kind.ORGANIZATION: (organizations.read, "name"),
    Kind.CONTACT: (contacts.read, "fullName"),
    Kind.PROJECT: (projects.read, "title"),
    Kind.TASK: (tasks.read, "title"),
    Kind.DOCUMENT: (documents.read, "name"),
}
_PLURALS = {
    Kind.ORGANIZATION: "organizations",
    Kind.CONTACT: "contacts",
    Kind.PROJECT: "projects",
    Kind.TASK: "tasks",
    Kind.DOCUMENT: "documents",
    Kind.ACTIVITY: "activities",
}

PICKABLE = {
    "organization": organizations.LIST,
    "contact": contacts.LIST,
}  # what fields name in words


class ParsedQuery(NamedTuple):
    """What was typed: words in some kinds, or the id of a record of whatever kind."""

    text: str
    kinds: list[Kind]
    id: int | None


class Group(NamedTuple):
    """The hits of one kind, best first."""

    title: str
    hits: list[dict[str, Any]]


async def index(request: Request) -> Response:
    q = request.query.get("q", "").strip()
    is_palette = render.target(request) == "results"
    found = await _found(request, parse(q), MAX_PALETTE_HITS if is_palette else MAX_HITS)
    groups = _grouped(found, _everything_path(q))
    return await render.page(
        request,
        "search/page.html",
        q=q,
        groups=groups,
        total=len(found),
        limit=MAX_HITS,
        prefixes=list(PREFIXES),
    )


async def choices(request: Request) -> Response:
    """What a field that names a record may mean, for a browser to propose while one types."""
    field = next((name for name in PICKABLE if name in request.query), None)
    candidates = (
        await record_picker.suggestions(request, PICKABLE[field], field, request.query[field])
        if field
        else []
    )
    return await render.page(request, "layout/choices.html", candidates=candidates)


def parse(q: str) -> ParsedQuery:
    """`#12` is an id, `org: acme` words of one kind, all else words."""
    digits = q.removeprefix("#")
    if q.startswith("#") and digits.isascii() and digits.isdigit() and len(digits) < 16:
        return ParsedQuery("", [], int(digits))
    prefix, colon, rest = q.partition(":")
    kind = PREFIXES.get(prefix.strip().lower()) if colon else None
    return (
        ParsedQuery(rest.strip()[:MAX_QUERY], [kind], None)
        if kind
        else ParsedQuery(q[:MAX_QUERY], list(Kind), None)
    )


async def _found(request: Request, query: ParsedQuery, limit: int) -> list[Hit]:
    if query.id is not None:
        return await _by_id(request, query.id)
    if not query.text:
        return []
    return [hit(row) for row in await store.search(request.db, query.text, query.kinds, limit)]


async def _by_id(request: Request, id: int) -> list[Hit]:
    hits = []
    for kind, (read, name) in _BY_ID.items():
        row = await read(request.db, id)
        if row is not None:
            hits.append(Hit(kind, id, msgspec.json.decode(row[2])[name], f"#{id}", None, 0, []))
    return hits


def _grouped(found: list[Hit], everything: str) -> list[Group]:
    """By kind; the kind of the best hit first."""
    groups: dict[Kind, list[dict[str, Any]]] = {}
    for one in found:
        groups.setdefault(one.kind, []).append(
            {
                "id": f"hit-{one.kind}-{one.id}",
                "href": _href(one) or everything,
                "kind": one.kind.value,
                "title": one.title,
                "note": one.subtitle or "",
                "highlights": _highlights(one),
            }
        )
    return [Group(_PLURALS[kind].capitalize(), hits) for kind, hits in groups.items()]


def _href(one: Hit) -> str:
    """Its page; an activity stands on its organization's."""
    if one.kind == Kind.ACTIVITY:
        return f"/organizations/{one.organization_id}/activities" if one.organization_id else ""
    return f"/{_PLURALS[one.kind]}/{one.id}"


def _highlights(one: Hit) -> dict[str, Any]:
    """The parts of the title, and of the texts besides that say why it was found."""
    names = {"name", "fullName", "title"}
    title = next((each.parts for each in one.highlights if each.field in names), [])
    return {
        "title": title,
        "others": [each for each in one.highlights if each.field not in names][:3],
    }


def _everything_path(q: str) -> str:
    return "/search" + query_string({"q": q})
