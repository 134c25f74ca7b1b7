"""A list as pages show it: fifty rows at a time, with how many there are, by the API's own
mechanism.
"""

from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from retainer.database.refusals import TimedOut
from retainer.errors import invalid
from retainer.http.request import Request
from retainer.lists import cursor, formats
from retainer.lists.answer import Listing, too_costly
from retainer.lists.parameters import Query, plain, read
from retainer.lists.spec import ListSpec
from retainer.pages.render import target

PAGE_SIZE = 50
EXACT_COUNT_LIMIT = 1000  # rows that are counted one by one; from more on PostgreSQL estimates
MAX_ROWS = 1000  # rows that one page shows after loading more


class ListPage(NamedTuple):
    """Rows as the API answers them, by field; `more` are the parameters of the next rows, `total`
    how many rows there are in all (None: not counted), `parameters` those that filter and sort it.
    """

    rows: list[dict[str, Any]]
    more: str
    total: int | None
    is_estimate: bool
    parameters: dict[str, str]
    sort: str

    def address(self, **changes: str | None) -> str:
        """The query string of the same list with some parameters otherwise; None leaves one out."""
        return query_string({**self.parameters, **changes})


async def paginate(
    request: Request,
    spec: ListSpec,
    *,
    expand: tuple[str, ...] = (),
    counted: bool = True,
    most: int = PAGE_SIZE,
    **values: Any,
) -> ListPage:
    """The rows of a list for the parameters of the page. Raises Invalid for what takes too long."""
    query: Query = (
        request.query if isinstance(request.query, Query) else plain(spec)
    )  # a form's is another's
    limit = min(query.limit or most, MAX_ROWS)
    listing = Listing(
        request.db, spec, query._replace(expand=expand, counted=""), formats.JSON, values
    )
    try:
        row = await listing.page(request.db, query.place, limit, is_backward=query.is_backward)
        total = (
            await _total(listing, row["matched"])
            if counted and target(request) != "more"
            else (None, False)
        )
    except TimedOut as error:
        raise too_costly(spec, query) from error
    asked = {name: value for name, value in query.asked if name not in ("cursor", "limit")}
    rows = msgspec.json.decode(b"[" + (row["chunk"] or b"") + b"]")
    more = ""
    if row["count"] > limit:
        more = query_string(
            {**asked, "cursor": cursor.written(row["last"], query.sort, is_backward=False)}
        )
    sort = ("-" if query.sort[0][1] else "") + query.sort[0][0]
    return ListPage(rows, more, *total, asked, sort)


async def find(
    request: Request, spec: ListSpec, /, parent: int | None = None, **asked: str
) -> list[dict[str, Any]]:
    """Some rows of a list for a part of a page, by the parameters that the API's list takes."""
    query = read(spec, urlencode(asked).encode(), request.viewer.time_zone)
    values = {} if parent is None else {"parent": parent}
    listing = Listing(request.db, spec, query, formats.JSON, values)
    row = await listing.page(request.db, None, query.limit or MAX_ROWS)
    found: list[dict[str, Any]] = msgspec.json.decode(b"[" + (row["chunk"] or b"") + b"]")
    return found


async def matching_ids(request: Request, spec: ListSpec, asked: str, most: int) -> list[int]:
    """The ids of all rows of a list with these parameters. Raises Invalid where they are more than
    `most`, and for what is no parameter: left out, it would mean more rows than anybody chose.
    """
    query = read(spec, asked.encode(), request.viewer.time_zone)
    query = query._replace(fields=("id",), expand=(), counted="", place=None)
    listing = Listing(request.db, spec, query, formats.JSON, {})
    try:
        row = await listing.page(request.db, None, most)
    except TimedOut as error:
        raise too_costly(spec, query) from error
    if row["count"] > most:
        raise invalid(
            "matching",
            f"is more than the {most:,} rows that can be changed at once; filter the list further",
        )
    return [one["id"] for one in msgspec.json.decode(b"[" + (row["chunk"] or b"") + b"]")]


async def _total(listing: Listing, matched: int | None) -> tuple[int | None, bool]:
    """How many rows there are, and whether that is an estimate; None where counting them takes too
    long. `matched` is how many ids a filter's own function found.
    """
    if matched is not None and listing.is_found:
        return matched, False
    if matched is None and any(prefilter.is_of_words for prefilter in listing.query.prefilters):
        return None, False  # many rows would be looked at, and the planner can but guess
    most = EXACT_COUNT_LIMIT if matched is None else matched
    try:
        found = await listing.db.value(
            listing.spec.counting(listing.all), most=most, **listing.values
        )
        if found <= most:
            return found, False
        return await listing.db.estimate(
            listing.spec.matching("1", listing.all), **listing.values
        ), True
    except TimedOut:
        return None, False


def query_string(given: dict[str, str | None]) -> str:
    """A query string with its "?", or nothing."""
    kept = {name: value for name, value in given.items() if value}
    return "?" + urlencode(kept, safe=":,.", quote_via=quote) if kept else ""
