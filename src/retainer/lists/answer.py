"""Answering a list: a page with links to the next and the one before, or the whole as a stream of
one snapshot.
"""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

from asyncpg import Record
from starlette.responses import Response, StreamingResponse

from retainer.database.database import CHUNK, Db
from retainer.database.refusals import TimedOut
from retainer.errors import FieldError, Invalid, NotFound
from retainer.http.request import Request
from retainer.http.routing import Exists
from retainer.lists import cursor, formats
from retainer.lists.filters import Prefilter
from retainer.lists.formats import Format
from retainer.lists.parameters import Query, plain
from retainer.lists.spec import MAX_CANDIDATES, ListSpec, PageShape

Place = tuple[str, ...] | None


class Listing:
    """One list for one request: the query, the values beside it (:parent), and the statement of its
    pages.
    """

    def __init__(
        self, db: Db, spec: ListSpec, query: Query, format: Format, values: dict[str, Any]
    ) -> None:
        self.db = db
        self.spec = spec
        self.query = query
        self.format = format
        self.values = query.values | values
        self.prefilters = query.prefilters  # those that have not yet said that their rows are many
        self.is_narrowed = False
        self.short_timeout = bool(query.where) or query.counted == "exact" or len(query.sort) > 1

    @property
    def prefilter(self) -> Prefilter | None:
        """The filter whose own function finds its rows."""
        return self.prefilters[0] if self.prefilters else None

    @property
    def where(self) -> str:
        """The other filters."""
        return (
            self.query.where.replace(f" AND {self.prefilter.condition}", "", 1)
            if self.prefilter
            else self.query.where
        )

    @property
    def ids(self) -> str:
        """SQL of the ids that the prefilter finds."""
        if self.is_narrowed:
            return ":narrowed::bigint[]"
        return self.prefilter.sql if self.prefilter else ""

    @property
    def is_found(self) -> bool:
        """Whether the viewer sees all that the prefilter finds, and no other filter leaves some of it
        out.
        """
        return (
            self.prefilter is not None
            and not self.where
            and self.db.scope == "all"
            and self.spec.is_whole
        )

    @property
    def all(self) -> str:
        """The condition of all its rows, wherever a page of them begins."""
        return self.where + (self.spec.among(self.ids) if self.prefilter else "")

    async def page(self, db: Db, place: Place, chunk: int, *, is_backward: bool = False) -> Record:
        """Up to `chunk` rows behind a place: chunk, count (one more where there are more), first,
        last; and matched, how many ids its prefilter found. Those that find many are left behind, for
        good.
        """
        keys = {f"k{n}": key for n, key in enumerate(place or ())}
        while True:
            statement = self.spec.page(self._shape(place, is_backward=is_backward))
            row = await db.row(statement, chunk=chunk, **keys, **self.values)
            assert row is not None  # an aggregate
            if self.prefilter is None or row["matched"] is not None:
                return row
            self.prefilters = self.prefilters[1:]

    def _shape(self, place: Place, *, is_backward: bool) -> PageShape:
        query = self.query
        is_usual = len(query.sort) == 1 and query.sort[0][0] == self.spec.order[0]
        # Ids that another statement found are in the order of that moment.
        is_first = is_usual and place is None and self.is_found and not self.is_narrowed
        return PageShape(
            query.fields,
            query.expand,
            query.sort,
            self.where,
            self.ids,
            is_first,
            place is not None,
            is_backward,
            self.short_timeout,
            self.format.separator,
        )

    async def narrow(self, db: Db) -> None:
        """Let a prefilter find its rows once, for many pages."""
        self.prefilters, self.is_narrowed = self.query.prefilters, False
        while self.prefilter is not None:
            ids = await db.value(self.spec.prefiltering(self.ids), **self.values)
            if ids is not None:
                self.values["narrowed"], self.is_narrowed = ids, True
                return
            self.prefilters = self.prefilters[1:]

    async def chunks(self) -> AsyncIterator[bytes]:
        """The whole list, at one point in time."""
        async with self.db.database.streams, self.db.transaction(snapshot=True) as reader:
            place: Place = None
            await self.narrow(reader)
            while True:
                row = await self.page(reader, place, CHUNK)
                if row["count"]:
                    yield row["chunk"]
                if row["count"] <= CHUNK:
                    return
                place = row["last"]

    async def count(self, page: Record) -> dict[str, str]:
        """How many rows there are in all, or about how many, as a header; `page` is one of them."""
        name = "x-total-count" if self.query.counted == "exact" else "x-estimated-count"
        if page["matched"] is not None and self.is_found:
            return {name: str(page["matched"])}
        is_exact = self.query.counted == "exact" or page["matched"] is not None
        if is_exact or await self.db.value(self.spec.is_short, most=MAX_CANDIDATES, **self.values):
            statement = self.spec.matching("count(*)", self.all)
            return {name: str(await self.db.value(statement, **self.values))}
        # The planner knows all tenants and viewers only together: what it thinks holds for long
        # lists alone.
        statement = self.spec.matching("1", self.all)
        return {name: str(await self.db.estimate(statement, **self.values))}


async def exported(request: Request, chosen: list[int] | None = None) -> Response:
    """The list as it is asked for, or those rows of it, as CSV."""
    return (await answer(request, formats.CSV, chosen=chosen))[0]


async def listed(request: Request, **values: Any) -> Response:
    """The list that the route names, as the request wants it."""
    return (await answer(request, wanted_format(request), **values))[0]


async def listed_of(request: Request, exists: Exists, parent: int) -> Response:
    """A list of what belongs to a parent; when it is empty the parent may not be there at all: 404."""
    found, is_empty = await answer(request, wanted_format(request), parent=parent)
    if is_empty and not await exists(request.db, parent):
        raise NotFound
    return found


def wanted_format(request: Request) -> Format:
    """The format that the Accept header prefers."""
    return formats.preferred(request.headers.get("accept"))


async def answer(request: Request, format: Format, **values: Any) -> tuple[Response, bool]:
    """The answer, and whether it is empty. Raises Invalid for what takes too long."""
    assert request.route is not None
    spec = request.route.lists
    assert isinstance(spec, ListSpec)
    query = request.query or plain(spec)
    listing = Listing(request.db, spec, query, format, values)
    try:
        row = await listing.page(
            request.db, query.position, query.limit or CHUNK, is_backward=query.is_backward
        )
        headers = await listing.count(row) if query.counted else {}
    except TimedOut as error:
        if not listing.short_timeout:
            raise  # the database is slow, not the question
        raise too_costly(spec, query) from error
    if query.limit is None and row["count"] > CHUNK:
        await request.app.database.wait_for_stream()
        return _answer(listing, _body(listing, listing.chunks()), headers), False
    if query.limit is not None and (links := _links(request, query, row)):
        headers["link"] = ", ".join(links)
    return _finished(listing, row, headers), not row["count"]


def _finished(listing: Listing, row: Record, headers: dict[str, str]) -> Response:
    style, columns = listing.format, _columns(listing.query)
    content = style.convert(row["chunk"], columns) if row["count"] else b""
    return _answer(listing, style.opening(columns) + content + style.closing, headers)


def _answer(
    listing: Listing, body: bytes | AsyncIterator[bytes], headers: dict[str, str]
) -> Response:
    headers |= {"content-type": listing.format.media_type, "vary": "Accept"}
    if listing.format is formats.CSV:
        headers["content-disposition"] = f'attachment; filename="{listing.spec.noun}.csv"'
    if isinstance(body, bytes):
        return Response(body, headers=headers)
    return StreamingResponse(body, headers=headers)


async def _body(listing: Listing, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    style, columns = listing.format, _columns(listing.query)
    opening = style.opening(columns)
    async for chunk in chunks:
        yield opening + style.convert(chunk, columns)
        opening = style.between
    yield style.closing


def _columns(query: Query) -> tuple[str, ...]:
    return query.fields + query.expand


def _links(request: Request, query: Query, row: Record) -> list[str]:
    """The pages beside this one, as RFC 8288 writes them."""
    if not row["count"]:
        return []
    assert query.limit is not None
    is_full = row["count"] > query.limit
    near, far = row["first"], row["last"]  # in the order in which they were read
    before, after = (is_full, True) if query.is_backward else (query.position is not None, is_full)
    first, last = (far, near) if query.is_backward else (near, far)
    found = []
    if after:
        found.append(_link(request, query, last, "next"))
    if before:
        found.append(_link(request, query, first, "prev"))
    return found


def _link(request: Request, query: Query, place: tuple[str, ...], way: str) -> str:
    kept = [(name, value) for name, value in query.parameters if name not in ("cursor", "limit")]
    at = cursor.encode(place, query.sort, is_backward=way == "prev")
    address = urlencode(
        [*kept, ("limit", str(query.limit)), ("cursor", at)], safe=":,.", quote_via=quote
    )
    return f'<{request.path}?{address}>; rel="{way}"'


def too_costly(spec: ListSpec, query: Query) -> Invalid:
    """A 422 that names what took too long, and what would help."""
    names = list(dict.fromkeys(query.filters))
    if len(query.sort) > 1:
        by = ",".join(("-" if descending else "") + name for name, descending in query.sort)
        return Invalid(
            FieldError(
                "sort", f"by {by} takes more than 2 s here; sort by one field alone, or filter more"
            )
        )
    narrowing = (
        "a filter that leaves fewer rows (an equal value, a part of a name, q, a range of dates)"
    )
    if query.counted == "exact":
        return Invalid(
            FieldError(
                "count",
                f"of so many rows takes more than 2 s; ask for an estimate, or add {narrowing}",
            )
        )
    return Invalid(
        *(
            FieldError(name, f"takes more than 2 s over so many rows; add {narrowing}")
            for name in names
        )
    )
