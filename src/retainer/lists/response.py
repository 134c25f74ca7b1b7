"""Responses to requests for a list: a page with links to its neighbours, or the whole list, which
is streamed from one snapshot when it is long.
"""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from urllib.parse import quote, urlencode

from starlette.responses import Response, StreamingResponse

from retainer.database.database import CHUNK, Db
from retainer.database.pool import ACQUIRE_SECONDS
from retainer.database.refusals import TimedOut
from retainer.database.statement import Statement
from retainer.errors import FieldError, Invalid, NotFound, invalid
from retainer.http.request import Request
from retainer.http.routing import Exists
from retainer.http.shares.holder import holder_of
from retainer.lists import cursor, formats, workbook
from retainer.lists.filters import Prefilter
from retainer.lists.formats import Format
from retainer.lists.page import PLAN_EACH_TIME, Page, PageShape, page_of
from retainer.lists.parameters import Query, plain
from retainer.lists.spec import MAX_CANDIDATES, ListSpec, Position

PAGING = ("limit", "cursor")


class Listing:
    """One list for one request: its query, the values of further parameters (:parent), and the
    statements of its pages and counts.
    """

    def __init__(
        self, db: Db, spec: ListSpec, query: Query, format: Format, values: Mapping[str, object]
    ) -> None:
        self.db = db
        self.spec = spec
        self.query = query
        self.format = format
        self.values = {**query.values, **values}
        self.prefilters = query.prefilters  # without those that have found too many rows
        self.is_narrowed = False
        self.short_timeout = query.short_timeout

    @property
    def prefilter(self) -> Prefilter | None:
        """The prefilter to use, the first of those left."""
        if not self.prefilters:
            return None
        return self.prefilters[0]

    @property
    def where(self) -> str:
        """The conditions of the filters, without the one that the prefilter replaces."""
        if self.prefilter is None:
            return self.query.where
        return self.query.where.replace(f" AND {self.prefilter.condition}", "", 1)

    @property
    def ids(self) -> str:
        """SQL of the ids that the prefilter finds."""
        if self.is_narrowed:
            return ":narrowed::bigint[]"
        if self.prefilter is None:
            return ""
        return self.prefilter.sql

    @property
    def has_exactly_matched(self) -> bool:
        """True if the list consists of all rows that the prefilter finds: the viewer sees every
        row, and neither a parent nor another filter leaves any out.
        """
        return (
            self.prefilter is not None
            and not self.where
            and self.db.scope == "all"
            and self.spec.is_whole
        )

    @property
    def every_row(self) -> str:
        """The condition of all rows of the list, on all of its pages."""
        if self.prefilter is None:
            return self.where
        return self.where + self.spec.among(self.ids)

    @property
    def counting(self) -> Statement:
        """The statement that counts the rows of the list, on all of its pages, up to :most + 1."""
        return self.spec.counting(self.every_row, self.short_timeout)

    async def page(
        self, db: Db, position: Position, chunk: int, *, is_backward: bool = False
    ) -> Page:
        """Up to `chunk` rows after a position, as lists/page.py describes. A prefilter that finds
        too many rows is given up for good, and the page read again without it.
        """
        keys = {f"k{n}": key for n, key in enumerate(position or ())}
        while True:
            statement = self.spec.page(self._shape(position, is_backward=is_backward))
            row = await db.row(statement, chunk=chunk, **keys, **self.values)
            assert row is not None  # an aggregate
            if self.prefilter is None or row["matched"] is not None:
                return page_of(row, chunk, is_backward=is_backward)
            self.prefilters = self.prefilters[1:]

    def _shape(self, position: Position, *, is_backward: bool) -> PageShape:
        query = self.query
        is_in_list_order = len(query.sort) == 1 and query.sort[0][0] == self.spec.order[0]
        # Ids from an earlier statement (narrow) are in the order of that moment: not to be sliced.
        takes_first_ids = (
            is_in_list_order
            and position is None
            and self.has_exactly_matched
            and not self.is_narrowed
        )
        return PageShape(
            query.fields,
            query.expand,
            query.sort,
            self.where,
            self.ids,
            takes_first_ids,
            position is not None,
            self.spec.is_behind_values(query.sort, position),
            is_backward,
            self.short_timeout,
        )

    async def narrow(self, db: Db) -> None:
        """Run the prefilter once, and keep its ids for all pages of a stream."""
        self.prefilters, self.is_narrowed = self.query.prefilters, False
        while self.prefilter is not None:
            ids = await db.value(self.spec.prefiltering(self.ids), **self.values)
            if ids is not None:
                self.values["narrowed"], self.is_narrowed = ids, True
                return
            self.prefilters = self.prefilters[1:]

    async def chunks(self) -> AsyncIterator[bytes]:
        """The whole list as it is at one point in time."""
        async with self.db.transaction(snapshot=True) as reader:
            if self.short_timeout:
                await reader.row(PLAN_EACH_TIME)
            position: Position = None
            await self.narrow(reader)
            while True:
                page = await self.page(reader, position, CHUNK)
                if page.lines is not None:
                    yield page.lines
                if page.found <= CHUNK:
                    return
                position = page.last

    async def count(self, page: Page) -> dict[str, str]:
        """The number of all rows, or an estimate of it, as a header; `page` is a page of them."""
        is_exact = self.query.counted == "exact"
        name = "x-estimated-count"
        if is_exact:
            name = "x-total-count"
        has_matched = page.matched is not None
        if has_matched and self.has_exactly_matched:
            return {name: str(page.matched)}
        if (
            is_exact
            or has_matched
            or self.db.scope != "all"  # what they do not see must not shape what they are told
            or await self.db.value(self.spec.is_short, most=MAX_CANDIDATES, **self.values)
        ):
            statement = self.spec.matching("count(*)", self.every_row)
            return {name: str(await self.db.value(statement, **self.values))}
        # The planner's statistics are of all tenants and viewers together, so that its estimate is
        # good for long lists only.
        statement = self.spec.matching("1", self.every_row)
        return {name: str(await self.db.estimate(statement, **self.values))}


async def file_response(request: Request, chosen: list[int] | None = None) -> Response:
    """The list, or the chosen rows of it by their ids, as a file of the kind that is named, else as
    CSV.
    """
    named = request.query.format if request.query else ""
    response, _ = await _respond(request, formats.NAMED.get(named, formats.CSV), chosen=chosen)
    return response


async def list_response(request: Request, **values: object) -> Response:
    """The list that the route names, in the format that the request accepts."""
    response, _ = await _respond(request, _accepted_format(request), **values)
    return response


async def list_response_of(request: Request, exists: Exists, parent: int) -> Response:
    """The list of one parent. Raises NotFound if the parent does not exist, which only an empty
    list leaves open.
    """
    response, is_empty = await _respond(request, _accepted_format(request), parent=parent)
    if is_empty and not await exists(request.db, parent):
        raise NotFound
    return response


def _accepted_format(request: Request) -> Format:
    return formats.preferred(request.headers.get("accept"))


async def _respond(request: Request, format: Format, **values: object) -> tuple[Response, bool]:
    """The response, and True if the list is empty. Raises Invalid for a query that is too slow."""
    assert request.route is not None
    spec = request.route.lists
    assert isinstance(spec, ListSpec)
    query = request.query or plain(spec)
    listing = Listing(request.db, spec, query, format, values)
    try:
        page = await listing.page(
            request.db, query.position, query.limit or CHUNK, is_backward=query.is_backward
        )
        headers = {}
        if query.counted:
            headers = await listing.count(page)
    except TimedOut:
        refuse_costly(spec, query)
        raise
    is_long = query.limit is None and page.found > CHUNK
    if is_long or format is formats.XLSX:
        lists, holder = request.app.shares.lists, holder_of(request.viewer)
        await lists.enter(holder, ACQUIRE_SECONDS)
        request.at_end(partial(lists.leave, holder))
    if is_long:
        return _response(listing, _stream(listing), headers), False
    if query.limit is not None and (links := _links(request, query, page)):
        headers["link"] = ", ".join(links)
    if format is formats.XLSX:
        return _response(listing, _workbook(listing, _one(page.lines)), headers), not page.found
    return _response(listing, _body(listing, page), headers), not page.found


async def _one(lines: bytes | None) -> AsyncIterator[bytes]:
    if lines is not None:
        yield lines


def _workbook(listing: Listing, rows: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    return workbook.pieces(listing.spec, _columns(listing.query), rows)


def _body(listing: Listing, page: Page) -> bytes:
    format, columns = listing.format, _columns(listing.query)
    content = b""
    if page.lines is not None:
        content = format.convert(page.lines, columns)
    return format.opening(columns) + content + format.closing


async def _stream(listing: Listing) -> AsyncIterator[bytes]:
    if listing.format is formats.XLSX:
        async for piece in _workbook(listing, listing.chunks()):
            yield piece
        return
    format, columns = listing.format, _columns(listing.query)
    before = format.opening(columns)
    async for chunk in listing.chunks():
        yield before + format.convert(chunk, columns)
        before = format.between
    yield format.closing


def _response(
    listing: Listing, body: bytes | AsyncIterator[bytes], headers: dict[str, str]
) -> Response:
    headers |= {"content-type": listing.format.media_type, "vary": "Accept"}
    if listing.format in (formats.CSV, formats.XLSX):
        suffix = "csv" if listing.format is formats.CSV else "xlsx"
        headers["content-disposition"] = f'attachment; filename="{listing.spec.noun}.{suffix}"'
    if isinstance(body, bytes):
        return Response(body, headers=headers)
    return StreamingResponse(body, headers=headers)


def _columns(query: Query) -> tuple[str, ...]:
    return query.fields + query.expand


def _links(request: Request, query: Query, page: Page) -> list[str]:
    """Links to the next and the previous page (RFC 8288)."""
    if not page.found:
        return []
    assert query.limit is not None
    has_next = has_more = page.found > query.limit  # in the direction of reading
    has_previous = query.position is not None
    if query.is_backward:
        has_previous, has_next = has_more, True
    links = []
    if has_next:
        links.append(_link(request, query, page.last, "next"))
    if has_previous:
        links.append(_link(request, query, page.first, "prev"))
    return links


def _link(request: Request, query: Query, position: tuple[str, ...], rel: str) -> str:
    kept = [(name, value) for name, value in query.parameters if name not in PAGING]
    place = cursor.encode(position, query.sort, is_backward=rel == "prev")
    paging = f"limit={query.limit}&cursor={place}"  # of letters and signs that a URL takes
    if kept:
        paging = f"{urlencode(kept, safe=':,.', quote_via=quote)}&{paging}"
    return f'<{request.path}?{paging}>; rel="{rel}"'


def refuse_costly(spec: ListSpec, query: Query) -> None:
    """Raise Invalid for a list that has taken too long: it names the parameters at fault, and what
    would help. Without such parameters not the query is at fault, but a slow database.
    """
    if not query.short_timeout:
        return
    if len(query.sort) > 1:
        message = "takes more than 2 s here; sort by one field alone, or filter more"
        raise invalid("sort", f"by {cursor.sort_text(query.sort)} {message}")
    narrowing = (
        "a filter that leaves fewer rows (an equal value, a part of a name, q, a range of dates)"
    )
    if query.counted == "exact":
        message = "of so many rows takes more than 2 s; ask for an estimate, or add"
        raise invalid("count", f"{message} {narrowing}")
    message = f"takes more than 2 s over so many rows; add {narrowing}"
    raise Invalid(*(FieldError(name, message) for name in dict.fromkeys(query.filters)))
