"""Search: its page, and the hits in the command palette. A query is words (`acme`), words with the
prefix of one kind of record (`org: acme`), or an id (`#12`).
"""

from contextlib import suppress
from typing import Any, NamedTuple

from starlette.responses import Response

from retainer.errors import NotFound, camel
from retainer.http.request import Request
from retainer.nouns import NOUNS
from retainer.pages import record_picker, render
from retainer.pages.formatting import label
from retainer.pages.list_page import query_string
from retainer.pages.record_picker import CONTACT, ORGANIZATION, PARENT, Candidate
from retainer.search import store
from retainer.search.model import Highlight, Hit, Part
from retainer.search.web import hit

MAX_HITS = 50  # hits on the page
MAX_PALETTE_HITS = 12  # hits in the palette, a line each
MAX_RECENT = 8  # records that were open last
MAX_QUERY = 200  # characters, as the API's search takes
PREFIXES = {
    noun.search.prefix: noun.singular
    for noun in NOUNS.values()
    if noun.search and noun.search.prefix
}

MAX_HIGHLIGHTS = 3  # of a hit, not counting its title
_TITLES = {"name", "fullName", "title"}


class ParsedQuery(NamedTuple):
    """A query as it was understood."""

    text: str
    kinds: list[str]  # of records in which the words are looked for
    id: int | None  # of a record of any kind, instead of words


class ShownHit(NamedTuple):
    """A hit as the page and the palette show it."""

    id: str  # of its element
    href: str
    icon: str  # "": a tile with the initials of the title
    title: str
    note: str
    title_parts: list[Part]  # the title with its matches marked; empty where nothing in it matched
    others: list[Highlight]  # of other texts, which show why the record was found


class Group(NamedTuple):
    """The hits of one kind, best first."""

    title: str
    hits: list[ShownHit]


async def index(request: Request) -> Response:
    if "recent" in request.query:
        return await recent(request, request.query["recent"])
    q = request.query.get("q", "").strip()
    limit = MAX_HITS
    if render.target(request) == "results":
        limit = MAX_PALETTE_HITS
    found = await _found(request, parse(q), limit)
    return await _page(request, q, _grouped(found, _everything_path(q)), len(found))


async def recent(request: Request, names: str) -> Response:
    """The records that a tab had open last, each named as in "tasks/7": those that the viewer sees
    today, as they are called today.
    """
    found = [await _opened(request, name) for name in names.split(",")[:MAX_RECENT]]
    hits = [one for one in found if one is not None]
    groups = [Group("Recent", hits)] if hits else []
    return await _page(request, "", groups, len(hits))


async def _opened(request: Request, name: str) -> ShownHit | None:
    """The record as a hit; None where it has no page of its own, or none that the viewer sees."""
    table, _, id = name.partition("/")
    noun = NOUNS.get(table)
    if noun is None or noun.search is None or noun.get is None or not record_picker.is_id(id):
        return None
    if "{id}" not in noun.page:
        return None
    try:
        record = (await noun.get(request.db, int(id))).decode(dict[str, Any])
    except NotFound:
        return None
    kind = label(noun.singular)
    title = record[camel(noun.title)] or kind
    icon = noun.search.icon
    return ShownHit(f"recent-{table}-{id}", f"/{table}/{id}", icon, title, kind, [], [])


async def _page(request: Request, q: str, groups: list[Group], total: int) -> Response:
    return await render.page(
        request,
        "search/page.html",
        q=q,
        groups=groups,
        total=total,
        limit=MAX_HITS,
        prefixes=list(PREFIXES),
    )


async def choices(request: Request) -> Response:
    """Propose records for a field that names one, while it is being typed in."""
    candidates: list[Candidate] = []
    for pickable in (ORGANIZATION, PARENT):
        if pickable.field in request.query:
            text = request.query[pickable.field]
            candidates = await record_picker.suggestions(request, pickable, text)
    if CONTACT.field in request.query:
        text = request.query[CONTACT.field]
        candidates = await record_picker.suggestions(request, CONTACT, text)
    if "tags" in request.query:
        candidates = await record_picker.tag_suggestions(
            request, request.query["tags"], is_one="one" in request.query
        )
    return await render.page(request, "layout/choices.html", candidates=candidates)


def parse(q: str) -> ParsedQuery:
    """Read a query: `#12` is an id, `org: acme` words for one kind of record, all else words."""
    digits = q.removeprefix("#")
    if q.startswith("#") and digits.isascii() and digits.isdigit() and len(digits) < 16:
        return ParsedQuery("", [], int(digits))
    prefix, colon, rest = q.partition(":")
    kind = PREFIXES.get(prefix.strip().lower())
    if colon and kind:
        return ParsedQuery(rest.strip()[:MAX_QUERY], [kind], None)
    return ParsedQuery(q[:MAX_QUERY], list(store.BY_KIND), None)


async def _found(request: Request, query: ParsedQuery, limit: int) -> list[Hit]:
    if query.id is not None:
        return await _by_id(request, query.id)
    if not query.text:
        return []
    return [hit(row) for row in await store.search(request.db, query.text, query.kinds, limit)]


async def _by_id(request: Request, id: int) -> list[Hit]:
    """Find the record with this id in each noun."""
    hits = []
    for kind in PREFIXES.values():
        noun = store.BY_KIND[kind]
        assert noun.get is not None
        with suppress(NotFound):
            record = (await noun.get(request.db, id)).decode(dict[str, Any])
            hits.append(Hit(kind, id, record[camel(noun.title)], f"#{id}", None, 0, []))
    return hits


def _grouped(found: list[Hit], everything: str) -> list[Group]:
    """Group hits by kind, beginning with the kind of the best hit."""
    groups: dict[str, list[ShownHit]] = {}
    for one in found:
        groups.setdefault(one.kind, []).append(_shown(one, everything))
    return [Group(store.BY_KIND[kind].label, hits) for kind, hits in groups.items()]


def _shown(one: Hit, everything: str) -> ShownHit:
    of_title = (each.parts for each in one.highlights if each.field in _TITLES)
    return ShownHit(
        f"hit-{one.kind}-{one.id}",
        _href(one) or everything,
        _icon(one),
        one.title,
        one.subtitle or "",
        next(of_title, []),
        [each for each in one.highlights if each.field not in _TITLES][:MAX_HIGHLIGHTS],
    )


def _icon(one: Hit) -> str:
    search = store.BY_KIND[one.kind].search
    assert search is not None
    return search.icon


def _href(one: Hit) -> str:
    """Path of the hit's page; "" for an activity without an organization, on whose page it would
    stand.
    """
    page = store.BY_KIND[one.kind].page
    if "{organizationId}" in page and not one.organization_id:
        return ""
    return page.format(id=one.id, organizationId=one.organization_id)


def _everything_path(q: str) -> str:
    return "/search" + query_string({"q": q})
