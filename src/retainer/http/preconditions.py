"""Requests that hold only for one state of a record: If-Match and If-None-Match (RFC 9110, 13.1).

A read that the client has already is 304. A change names the states it was made for; its own
statement compares them with the row (`@expected_<alias>`, see statement.py), so that of several who
read the same state only one writes.
"""

import re

from starlette.responses import Response

from retainer.errors import NotFound, PreconditionFailed, Problem, invalid
from retainer.http.request import Request
from retainer.http.routing import Route

_TAG = re.compile(r'(W/)?"([!#-~]*)"')
# As RFC 9110 writes such lists: with spaces, and with elements left empty.
ETAGS = r'^(\*|[ ,]*(W/)?"[!#-~]*"( *,[ ,]*(W/)?"[!#-~]*")*[ ,]*)$'
_MALFORMED = 'must be * or ETags as they are answered, such as "12-3", separated by commas'


def unchanged(request: Request, answer: Response) -> Response:
    """The answer of a read: 304 when If-None-Match names what would be answered. Raises
    PreconditionFailed when If-Match does not.
    """
    etag = answer.headers.get("etag")
    if answer.status_code != 200 or etag is None:
        return answer
    expected = tags("If-Match", request.joined_header("if-match"))
    if expected is not None and etag[1:-1] not in expected:
        raise failed(answer)
    if is_listed(etag, request):
        return Response(status_code=304, headers={"etag": etag})
    return answer


def is_listed(etag: str, request: Request) -> bool:
    """Whether If-None-Match names it; weak comparison, as that header wants. Raises Invalid for a
    malformed one.
    """
    header = request.joined_header("if-none-match")
    known = tags("If-None-Match", header, weak=True)
    return header is not None and (known is None or etag[1:-1] in known)


def expect(request: Request, route: Route) -> None:
    """Bind a change to the states that its headers name. Raises Invalid when they cannot be what is
    meant.
    """
    match, none_match = request.joined_header("if-match"), request.joined_header("if-none-match")
    if match is None and none_match is None:
        return
    name = "If-Match" if none_match is None else "If-None-Match"
    if not request.app.table.takes_conditions(route):
        raise invalid(name, "is not taken here: there is no ETag that it could name; leave it out")
    expected, unwanted = tags("If-Match", match), tags("If-None-Match", none_match, weak=True)
    if none_match is None:
        request.db.expected = expected
    elif unwanted is None or expected is not None:
        # "*" is every state: no row is in none.
        request.db.expected = [tag for tag in expected or [] if tag not in (unwanted or [tag])]
    else:
        request.db.expected, request.db.wanted = unwanted, False


def tags(name: str, header: str | None, *, weak: bool = False) -> list[str] | None:
    """The ETags of a header without their quotes, the weak ones only where they count; None for "*"
    or no header. Raises Invalid.
    """
    if header is None:
        return None
    header = header.replace("\t", " ").strip()
    if not re.match(ETAGS, header):
        raise invalid(name, _MALFORMED)
    return (
        [tag for prefix, tag in _TAG.findall(header) if weak or not prefix]
        if header != "*"
        else None
    )


async def judged(request: Request, route: Route, arguments: list[int | str]) -> Problem:
    """What it means that a change found no such row: there is none, or it is in another state than
    expected.
    """
    reader = request.app.table.reader(route)
    if reader is None or request.db.expected is None:
        return NotFound()
    try:
        return failed(await reader.handler(request, *arguments))
    except NotFound as problem:
        return problem


def failed(current: Response) -> PreconditionFailed:
    """The 412 with the record as it is."""
    etag = current.headers["etag"]
    detail = f"The record is not in the state that the request expects: its ETag is {etag} now, see current."
    return PreconditionFailed(detail, bytes(current.body), etag)
