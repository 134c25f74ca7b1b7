"""Lists on pages: fifty rows at a time with their total, read by the code of the API's lists."""

import time
from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Struct

from retainer.database.database import Database, Db
from retainer.database.refusals import TimedOut
from retainer.errors import invalid
from retainer.http.request import Request
from retainer.lists import cursor, formats
from retainer.lists.page import Page
from retainer.lists.parameters import Query, plain, read
from retainer.lists.response import Listing, refuse_costly
from retainer.lists.spec import ListSpec
from retainer.pages.render import target

PAGE_SIZE = 50
EXACT_COUNT_LIMIT = 1000  # rows that are counted; the total of more is PostgreSQL's estimate
MAX_COUNT = 100_000  # of the rows that are counted one by one
MAX_ROWS = 1000  # rows that one page shows after loading more


REMEMBER_SECONDS = 10  # of an estimate, at most: PostgreSQL's own is older

# By database and tenant: until when they hold, and the estimates.
_Known = dict[int, tuple[tuple[int, int], dict[str, int]]]
_ESTIMATES: WeakKeyDictionary[Database, _Known] = WeakKeyDictionary()

T = TypeVar("T")
_DECODERS: dict[type[Any], msgspec.json.Decoder[Any]] = {}


class ListPage(NamedTuple, Generic[T]):
    """A part of a list, as rows of the type that was asked for."""

    rows: list[T]
    more: str  # query string of the next rows; "" where there are none
    total: int | None  # rows in the whole list; None: not counted
    is_estimate: bool  # of `total`
    parameters: dict[str, str]  # those that filter and sort the list
    sort: str  # the first field that the list is sorted by, with "-" where it descends

    def query_string(self, **changes: str | None) -> str:
        """Query string of the same list with some parameters changed; None leaves one out."""
        return query_string({**self.parameters, **changes})


async def paginate(
    request: Request,
    spec: ListSpec,
    row_type: type[T],
    *,
    expand: tuple[str, ...] = (),
    counted: bool = True,
    **values: Any,
) -> ListPage[T]:
    """Read the rows of a list that the page's parameters ask for. Raises Invalid for a list that
    takes too long.
    """
    query = plain(spec)
    if isinstance(request.query, Query):  # after a refused form the page has no list's parameters
        query = request.query._replace(fields=query.fields)
    query = query._replace(expand=expand, counted="")
    limit = min(query.limit or PAGE_SIZE, MAX_ROWS)
    listing = Listing(request.db, spec, query, formats.JSON, values)
    total: tuple[int | None, bool] = (None, False)
    try:
        page = await listing.page(request.db, query.position, limit, is_backward=query.is_backward)
        if counted and target(request) != "more":
            total = await _total(listing, page.matched)
    except TimedOut:
        refuse_costly(spec, query)
        raise
    given = {name: value for name, value in query.parameters if name not in ("cursor", "limit")}
    more = ""
    if page.found > limit:
        place = cursor.encode(page.last, query.sort, is_backward=False)
        more = query_string({**given, "cursor": place})
    sort, is_descending = query.sort[0]
    if is_descending:
        sort = f"-{sort}"
    return ListPage(_rows(page, row_type), more, *total, given, sort)


async def find(
    request: Request,
    spec: ListSpec,
    row_type: type[T],
    parameters: Mapping[str, str] | None = None,
    /,
    parent: int | None = None,
    **more: str,
) -> list[T]:
    """Read rows of a list for a part of a page, by the parameters that the API's list takes."""
    given = {**(parameters or {}), **more}
    query = read(spec, urlencode(given).encode(), request.viewer.time_zone)
    values = {}
    if parent is not None:
        values["parent"] = parent
    listing = Listing(request.db, spec, query.of_program, formats.JSON, values)
    page = await listing.page(request.db, None, query.limit or MAX_ROWS)
    return _rows(page, row_type)


async def count(request: Request, spec: ListSpec, given: Mapping[str, str]) -> int:
    """Number of rows of a list with these parameters, a hundred thousand at most."""
    query = read(spec, urlencode(given).encode(), request.viewer.time_zone)
    listing = Listing(request.db, spec, query.of_program, formats.JSON, {})
    found: int = await listing.db.value(listing.counting, most=MAX_COUNT, **listing.values)
    return found


def _rows(page: Page, row_type: type[T]) -> list[T]:
    return _decoder(row_type).decode_lines(page.lines or b"")


def _decoder(row_type: type[T]) -> msgspec.json.Decoder[T]:
    """Decoder for a row of the type, made once: making one takes longer than decoding a page."""
    if row_type not in _DECODERS:
        _DECODERS[row_type] = msgspec.json.Decoder(row_type)
    return _DECODERS[row_type]


async def matching_ids(request: Request, spec: ListSpec, asked: str, most: int) -> list[int]:
    """Read the ids of all rows of a list with these parameters.

    Raises Invalid for more than `most` rows, and for an unknown parameter: ignored, it would let
    more rows match than anybody chose.
    """
    query = read(spec, asked.encode(), request.viewer.time_zone)
    query = query._replace(fields=("id",), expand=(), counted="", position=None)
    listing = Listing(request.db, spec, query, formats.JSON, {})
    try:
        page = await listing.page(request.db, None, most)
    except TimedOut:
        refuse_costly(spec, query)
        raise
    if page.found > most:
        raise invalid(
            "matching",
            f"is more than the {most:,} rows that can be changed at once; filter the list further",
        )
    return [one.id for one in _rows(page, OnlyId)]


class OnlyId(Struct):
    """A record by its id."""

    id: int


async def _total(listing: Listing, matched: int | None) -> tuple[int | None, bool]:
    """Number of rows, None where counting takes too long; and True where it is an estimate.
    `matched` is the number of ids that a filter's own SQL function found.
    """
    if matched is not None and listing.has_exactly_matched:
        return matched, False
    if matched is None and any(prefilter.is_search for prefilter in listing.query.prefilters):
        return None, False  # counting would read many rows, and the planner's estimate is a guess
    most = matched
    if most is None:
        most = EXACT_COUNT_LIMIT
    rows = listing.spec.matching("1", listing.every_row)
    estimates = _estimates(listing.db)
    key = repr(listing.db.bind(rows, listing.values))
    if key in estimates:
        return estimates[key], True
    try:
        found = await listing.db.value(listing.counting, most=most, **listing.values)
        if found <= most:
            return found, False
        estimates[key] = await listing.db.estimate(rows, **listing.values)
        return estimates[key], True
    except TimedOut:
        return None, False


def _estimates(db: Db) -> dict[str, int]:
    """Estimates of long lists by their statement and its values, as they are remembered for a few
    seconds, or until this process changes something of the tenant.
    """
    of_database = _ESTIMATES.setdefault(db.database, {})
    tenant = db.viewer_values["tenant"]
    age = int(time.monotonic() / REMEMBER_SECONDS), db.database.commits[tenant]
    if of_database.get(tenant, (None, {}))[0] != age:
        of_database[tenant] = (age, {})
    return of_database[tenant][1]


def query_string(given: dict[str, str | None]) -> str:
    """Query string with its "?"; "" without parameters."""
    filled = {name: value for name, value in given.items() if value}
    if not filled:
        return ""
    return "?" + urlencode(filled, safe=":,.", quote_via=quote)
