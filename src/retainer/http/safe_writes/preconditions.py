"""Conditional requests (RFC 9110, 13.1): If-Match and If-None-Match.

A read that the client has already is 304. A change names the states it was made for; its own
statement compares them with the row (`@expected_<alias>`, see database/statement.py), so that of
several who read the same state only one writes.
"""

import re

from starlette.responses import Response

from retainer.errors import NotFound, PreconditionFailed, invalid
from retainer.http.compression import negotiate
from retainer.http.request import Request
from retainer.http.routing import Route

_TAG = re.compile(r'(W/)?"([!#-~]*)"')
# A tag of a record. A proxy that compresses makes it weak; it names the same state, and counts.
_OURS = re.compile(r"\d+-\d+\Z", re.ASCII)
# As RFC 9110 writes such lists: with spaces, and with elements left empty.
ETAGS = r'^(\*|[ ,]*(W/)?"[!#-~]*"( *,[ ,]*(W/)?"[!#-~]*")*[ ,]*)$'
_OF_304 = (b"etag", b"vary", b"cache-control")
_MALFORMED = 'must be * or ETags as they are answered, such as "12-3", separated by commas'


def evaluate(request: Request, response: Response) -> Response:
    """The response of a read, or 304 when If-None-Match names its ETag. Raises PreconditionFailed
    when If-Match does not.
    """
    if not ("if-none-match" in request.headers or "if-match" in request.headers):
        return response
    etag = response.headers.get("etag")
    if response.status_code != 200 or etag is None:
        return response
    expected = parse_etags("If-Match", request.headers.joined("if-match"))
    if expected is not None and etag[1:-1] not in expected:
        raise failure(response)
    if client_has(etag, request):
        return not_modified(request, response)
    return response


def not_modified(request: Request, response: Response) -> Response:
    """304 with the headers by which caches know the response that the client has."""
    negotiate(request, response)
    kept = [header for header in response.raw_headers if header[0] in _OF_304]
    unchanged = Response(status_code=304)
    unchanged.raw_headers += kept
    return unchanged


def client_has(etag: str, request: Request) -> bool:
    """Compare with If-None-Match, weakly, as that header wants. Raises Invalid when malformed."""
    header = request.headers.joined("if-none-match")
    if header is None:
        return False
    known = parse_etags("If-None-Match", header, weak=True)
    return known is None or etag[1:-1] in known


def bind(request: Request, route: Route) -> None:
    """Bind a change to the states that its headers name. Raises Invalid when they are malformed, or
    the route has no ETag to compare them with.
    """
    match = request.headers.joined("if-match")
    none_match = request.headers.joined("if-none-match")
    if match is None and none_match is None:
        return
    name = "If-Match" if none_match is None else "If-None-Match"
    if not request.app.table.takes_conditions(route):
        raise invalid(name, "is not taken here: there is no ETag that it could name; leave it out")
    expected = parse_etags("If-Match", match)
    unwanted = parse_etags("If-None-Match", none_match, weak=True)
    if none_match is None:
        request.db.expected = expected
    elif unwanted is None:
        request.db.expected = []  # "*" names every state, so that no row can match
    elif expected is not None:
        request.db.expected = [tag for tag in expected if tag not in unwanted]
    else:
        request.db.expected, request.db.wanted = unwanted, False


def parse_etags(name: str, header: str | None, *, weak: bool = False) -> list[str] | None:
    """The ETags of a header without their quotes, the weak ones only where they count; None for "*"
    or no header. Raises Invalid.
    """
    if header is None:
        return None
    header = header.replace("\t", " ").strip()
    if not re.match(ETAGS, header):
        raise invalid(name, _MALFORMED)
    if header == "*":
        return None
    return [tag for prefix, tag in _TAG.findall(header) if weak or not prefix or _OURS.match(tag)]


async def refuse_changed(request: Request, route: Route, arguments: list[int | str]) -> None:
    """Raise PreconditionFailed when a change that found no row was meant for another state than
    the record has now.
    """
    reader = request.app.table.reader(route)
    if reader is None or request.db.expected is None:
        return
    try:
        current = await reader.handler(request, *arguments)
    except NotFound:
        return
    raise failure(current)


def failure(current: Response) -> PreconditionFailed:
    """The 412 with the record as it is."""
    etag = current.headers["etag"]
    detail = (
        "The record is not in the state that the request expects: "
        f"its ETag is {etag} now, see current."
    )
    return PreconditionFailed(detail, bytes(current.body), etag)
