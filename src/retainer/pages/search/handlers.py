"""The page of search, and what the palette proposes: hits by kind, one kind alone (`org: acme`), or
an id (`#12`).
"""

from contextlib import suppress
from typing import Any, NamedTuple

from starlette.responses import Response

from retainer.errors import NotFound, camel
from retainer.http.request import Request
from retainer.nouns import NOUNS
from retainer.pages import record_picker, render
from retainer.pages.list_page import query_string
from retainer.records.contacts import store as contacts
from retainer.records.organizations import store as organizations
from retainer.search import store
from retainer.search.model import Hit
from retainer.search.web import hit

MAX_HITS = 50  # hits of the page
MAX_PALETTE_HITS = 12  # hits of the palette, of which each is a line
MAX_QUERY = 200  # characters, as the API's search takes
PREFIXES = {
    noun.search.prefix: noun.singular
    for noun in NOUNS.values()
    if noun.search and noun.search.prefix
}

PICKABLE = {
    "organization": organizations.LIST,
    "contact": contacts.LIST,
}  # what fields name in words


class ParsedQuery(NamedTuple):
    """What was typed: words in some kinds, or the id of a record of whatever kind."""

    text: str
    kinds: list[str]
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
        else ParsedQuery(q[:MAX_QUERY], list(store.BY_KIND), None)
    )


async def _found(request: Request, query: ParsedQuery, limit: int) -> list[Hit]:
    if query.id is not None:
        return await _by_id(request, query.id)
    if not query.text:
        return []
    return [hit(row) for row in await store.search(request.db, query.text, query.kinds, limit)]


async def _by_id(request: Request, id: int) -> list[Hit]:
    """The record of each noun that has the id."""
    hits = []
    for kind in PREFIXES.values():
        noun = store.BY_KIND[kind]
        assert noun.get is not None
        with suppress(NotFound):
            record = (await noun.get(request.db, id)).decode(dict[str, Any])
            hits.append(Hit(kind, id, record[camel(noun.title)], f"#{id}", None, 0, []))
    return hits


def _grouped(found: list[Hit], everything: str) -> list[Group]:
    """By kind; the kind of the best hit first."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        groups.setdefault(one.kind, []).append(
            {
                "id": f"hit-{one.kind}-{one.id}",
                "href": _href(one) or everything,
                "kind": str(one.kind),
                "title": one.title,
                "note": one.subtitle or "",
                "highlights": _highlights(one),
            }
        )
    return [Group(store.BY_KIND[kind].label, hits) for kind, hits in groups.items()]


def _href(one: Hit) -> str:
    """Its page; an activity stands on its organization's."""
    page = store.BY_KIND[one.kind].page
    if "{organizationId}" in page and not one.organization_id:
        return ""
    return page.format(id=one.id, organizationId=one.organization_id)


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
