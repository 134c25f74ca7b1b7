"""Dispatch: from the table of routes through the list of refusals to the handler.

Refusals come in one order: 404, 405, 401, 403 for another site's page, 404, 403, then
413/415/400/422, then what the handler finds (404, 409) and the state that a request was made for
(412).
"""

import re
from functools import partial

from msgspec import Struct
from starlette.responses import Response

from retainer.database.refusals import Retry, SessionChanged
from retainer.errors import (
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    NotSignedIn,
    Problem,
    UnsupportedMediaType,
    invalid,
)
from retainer.http import forms
from retainer.http.body import Nothing, decode
from retainer.http.query_string import NearWords, decode_query, of_form, pairs
from retainer.http.request import WEB, Request
from retainer.http.routing import TEXT, Route
from retainer.http.safe_writes import preconditions
from retainer.http.safe_writes.perform import perform, read_headers
from retainer.permissions import PERMISSIONS, PUBLIC

ATTEMPTS = 3  # of a request that meets a deadlock, or whose session changes

_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)


async def dispatch(request: Request) -> Response:
    """The response to a request. Raises the first refusal that applies, in the order of the lines
    below.
    """
    route, ids = find_route(request)  # 404, 405
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await authenticate(request, route)  # 401
            refuse_cross_site(request, route)  # 403
            arguments = await check(request, route, ids)  # 404, 403, then 413, 415, 400, 422
            return await respond(request, route, arguments)  # 404, 409, 412
        except SessionChanged:
            # The write found its session ended, or the user's role changed: decide anew.
            request.app.sessions.forget(request.viewer.user)
            if attempt == ATTEMPTS:
                raise
        except Retry:
            # A deadlock: nothing was changed. An upload's body cannot be read again.
            if attempt == ATTEMPTS or request.is_upload:
                raise
    raise AssertionError


def find_route(request: Request) -> tuple[Route, list[str]]:
    """The route and the ids in its path, as written. Raises NotFound or MethodNotAllowed."""
    routes, ids = request.app.table.find(request.segments, pages=request.wants_page)
    if routes is None:
        raise NotFound
    method = request.method
    route = routes.get("GET" if method == "HEAD" else method)
    if route is None:
        allowed = sorted(routes)
        if "GET" in routes:
            allowed.append("HEAD")
        names = ", ".join(allowed)
        raise MethodNotAllowed(f"This path takes {names}.", headers={"allow": names})
    request.route = route
    if route.html:
        request.channel = WEB
    return route, ids


async def authenticate(request: Request, route: Route) -> None:
    """Look the viewer up by the session's cookie. Raises NotSignedIn unless the route is public."""
    if route.permission == PUBLIC:
        return
    viewer = None
    if request.token:
        viewer = await request.app.sessions.viewer(request.token)
    request.set_viewer(viewer)  # also None: no page is shown for the former viewer
    if viewer is None:
        raise NotSignedIn


def refuse_cross_site(request: Request, route: Route) -> None:
    """Raise Forbidden for a change asked for by another site's page: browsers tell by
    Sec-Fetch-Site and Origin.
    """
    if not route.changes:
        return
    site = request.headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none"):
        raise Forbidden(
            "The request comes from another site's page; changes are accepted from our own only."
        )
    origin = request.headers.get("origin")
    if origin is not None and not _is_own(origin, request):
        raise Forbidden(
            "The Origin header names another site; changes are accepted from our own pages only."
        )


def _is_own(origin: str, request: Request) -> bool:
    own = request.app.settings.public_url.rstrip("/")
    if own:
        return origin == own
    # Without a public URL the Host header is what the browser opened; another site's page cannot
    # set it.
    host = request.headers.get("host", "")
    return host != "" and origin.partition("://")[2] == host


async def check(request: Request, route: Route, ids: list[str]) -> list[int | str]:
    """The path's parameters, after the checks of permission, ids, headers and body.

    A record that the viewer does not see is NotFound before any other refusal. Its visibility is
    looked up only for a request that is refused: otherwise the handler's own statement tells.
    """
    try:
        refuse_unpermitted(request, route)  # 403
        arguments = [argument(name, text) for name, text in zip(route.parameters, ids, strict=True)]
        request.query = read_query(request, route)  # 422
        if route.changes:
            preconditions.bind(request, route)  # 422
            read_headers(request, route)  # 422
        if request.data is None:
            request.data = await read_body(request, route)  # 413, 415, 400, 422
    except NotFound:
        raise
    except Problem as problem:
        await refuse_invisible(request, route, ids)  # 404
        if isinstance(problem, Forbidden):
            await request.record_refusal()
        raise
    return arguments


def refuse_unpermitted(request: Request, route: Route) -> None:
    """Raise Forbidden when the viewer's role may not use the route."""
    if route.permission == PUBLIC or request.viewer.may(route.permission):
        return
    rule = PERMISSIONS[route.permission]
    allowed = ", ".join(role.value for role in type(request.viewer.role) if role in rule.roles)
    raise Forbidden(
        f"Your role, {request.viewer.role.value}, may not do this. It takes one of: {allowed}."
    )


async def refuse_invisible(request: Request, route: Route, ids: list[str]) -> None:
    """Raise NotFound when the path names a record that the viewer does not see."""
    if route.on is None or not all(_INTEGER.fullmatch(text) for text in ids):
        return
    numbers = [number(name, text) for name, text in zip(route.parameters, ids, strict=True)]
    if not await route.on(request.db, *numbers):
        raise NotFound


async def respond(request: Request, route: Route, arguments: list[int | str]) -> Response:
    """The handler's response, under the conditions that the request names."""
    if not route.changes:
        response = await route.handler(request, *arguments)
        return preconditions.evaluate(request, response)  # 304, 412
    change = partial(run_change, request, route, arguments)
    if request.is_upload:  # its handler reads the body first, then performs the change itself
        return await change()
    outcome = await perform(request, route, change)
    return outcome.response


async def run_change(request: Request, route: Route, arguments: list[int | str]) -> Response:
    """The handler's response. If its change found no row, raises PreconditionFailed when the record
    is in another state than the request names, else NotFound.
    """
    try:
        return await route.handler(request, *arguments)
    except NotFound:
        await preconditions.refuse_changed(request, route, arguments)
        raise


def argument(name: str, text: str) -> int | str:
    """A parameter of the path: an id, or a text that the handler judges."""
    if name == TEXT:
        return text
    return number(name, text)


def number(name: str, text: str) -> int:
    """An id of the path. Raises Invalid when it is no integer, NotFound when no row can have it."""
    if not _INTEGER.fullmatch(text):
        raise invalid(name, f'must be an integer, not "{text[:40]}"')
    if len(text) > 16 or not 0 < int(text) < 2**53:
        raise NotFound
    return int(text)


def read_query(request: Request, route: Route) -> object:
    """The parameters as the route's type; those of a list as its query. A route without parameters
    refuses each by name instead of ignoring it: a filter without effect would give a wrong answer.
    """
    query_string = request.scope["query_string"]
    if route.query is not None:
        return decode_query(query_string, route.query)
    if not query_string and (route.lists is not None or not route.html):
        return None
    if route.html:
        query_string = of_form(query_string)
    if route.lists is not None:
        zone = "UTC"
        if request.session_viewer:
            zone = request.session_viewer.time_zone
        return request.app.read_list(route.lists, query_string, zone)
    if route.html:
        return dict(pairs(query_string))
    near = NearWords()
    raise Invalid(*(near.unknown(name, []) for name, _ in pairs(query_string)))


async def read_body(request: Request, route: Route) -> object:
    """The body as the route's type; None where the route takes none or reads it itself."""
    media_type = request.media_type
    if route.html and route.changes and media_type == "application/x-www-form-urlencoded":
        return await forms.read(request)
    takes_body = route.body or route.form or route.lines
    if takes_body and request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(
            "The body must not be compressed; send it without a Content-Encoding header."
        )
    if route.multipart and media_type == "multipart/form-data":
        return None
    if route.lines:
        return await _read_lines(request, media_type)
    if route.body is not None:
        return await _read_json(request, media_type, route, route.body)
    if route.multipart:
        raise UnsupportedMediaType(
            "The body must be multipart/form-data with one file; set the Content-Type header."
        )
    return await _read_nothing(request, media_type, route)


async def _read_json(
    request: Request, media_type: str, route: Route, model: type[Struct]
) -> Struct:
    if media_type != "application/json":
        accepted = "application/json"
        if route.multipart:
            accepted += " or multipart/form-data"
        raise UnsupportedMediaType(f"The body must be {accepted}; set the Content-Type header.")
    request.raw = await request.limited_body(request.app.settings.body_kb << 10)
    return decode(request.raw, model)


async def _read_lines(request: Request, media_type: str) -> bytes:
    """A body of lines as it is; its handler reads each by itself."""
    if media_type != "application/x-ndjson":
        raise UnsupportedMediaType(
            "The body must be application/x-ndjson; set the Content-Type header."
        )
    request.raw = await request.limited_body(request.app.settings.bulk_mb << 20)
    return request.raw


async def _read_nothing(request: Request, media_type: str, route: Route) -> Nothing | None:
    """The body of a route that takes none: an empty object may be sent."""
    if media_type not in ("", "application/json"):
        raise UnsupportedMediaType("This path takes no body, and certainly not a form or text.")
    if not (route.changes and request.has_body):
        return None
    return decode(await request.limited_body(request.app.settings.body_kb << 10), Nothing)
