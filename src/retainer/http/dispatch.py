"""Dispatch: from the table of routes through the list of refusals to the handler.

Refusals come in one order: 404, 405, 401, 403 for another site's page, 404, 403, then
413/415/400/422, then what the handler finds (404, 409) and the state that a request was made for
(412).
"""

import re
from functools import partial

from starlette.responses import Response

from retainer.database.refusals import Retry, SessionChanged
from retainer.errors import (
    Forbidden,
    Invalid,
    MalformedJson,
    MalformedRequest,
    NotFound,
    NotSignedIn,
    Problem,
    RoleForbidden,
    UnsupportedMediaType,
    invalid,
)
from retainer.http import forms
from retainer.http.body import EMPTY_BODY, Echo, Nothing, decode, read_only
from retainer.http.negotiation import cross_origin, path
from retainer.http.query_string import NearWords, decode_query, of_form, pairs
from retainer.http.request import FORM, UPLOAD, Request
from retainer.http.routing import TEXT, Route
from retainer.http.safe_writes import preconditions
from retainer.http.safe_writes.perform import perform, read_headers
from retainer.http.shares.holder import holder_of
from retainer.http.shares.process import ADMISSION_SECONDS
from retainer.permissions import PERMISSIONS, PUBLIC

ATTEMPTS = 3  # of a request that meets a deadlock, or whose session changes

_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)


async def dispatch(request: Request) -> Response:
    """The response to a request. Raises the first refusal that applies, in the order of the lines
    below.
    """
    if "flaw" in request.scope:
        raise request.scope["flaw"]  # 400, 503
    check_host(request)  # 400
    early = path.respond_early(request)  # 204, 308, 404
    if early is not None:
        return early
    route, ids = path.find_route(request)  # 404, 405
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await authenticate(request, route)  # 401
            await admit(request, route)  # 503
            cross_origin.refuse(request, route)  # 403
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


# Letters of other scripts are sent as Punycode; an IPv6 address stands in brackets.
HOST = re.compile(r"(?:[\w.-]*|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.ASCII | re.IGNORECASE)


def check_host(request: Request) -> None:
    """Raise MalformedRequest when Host names no host: without a public URL, links begin with it."""
    if not HOST.fullmatch(request.headers.get("host", "")):
        raise MalformedRequest("The Host header must be a host, or host:port.")


async def authenticate(request: Request, route: Route) -> None:
    """Look the viewer up by the session's cookie. Raises NotSignedIn unless the route is public."""
    if route.permission == PUBLIC:
        return
    viewer = await request.find_viewer()
    request.set_viewer(viewer)  # also None: no page is shown for the former viewer
    if viewer is None:
        raise NotSignedIn


async def check(request: Request, route: Route, ids: list[str]) -> list[int | str]:
    """The path's parameters, after the checks of permission, ids, headers and body.

    A record that the viewer does not see is NotFound before any other refusal. Its visibility is
    looked up only for a request that is refused: otherwise the handler's own statement tells.
    """
    try:
        refuse_unpermitted(request, route)  # 403
        arguments = [argument(name, text) for name, text in zip(route.parameters, ids, strict=True)]
        request.path_values = dict(zip(route.parameters, arguments, strict=True))
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


async def admit(request: Request, route: Route) -> None:
    """Wait for a place among the requests that are answered. Raises Overloaded."""
    weight = route.weight
    if not weight or request.is_admitted:
        return
    shares, holder = request.app.shares, holder_of(request.viewer)
    if not shares.requests.takes(holder, weight):
        await shares.requests.enter(holder, ADMISSION_SECONDS, places=weight)
    request.is_admitted = True
    leave = partial(shares.requests.leave, holder, places=weight)
    request.at_end(shares.turns.begin(leave))


def is_turned_away(request: Request) -> bool:
    """True when the request would wait for its place in vain. Nothing more is known of it than its
    head: whatever else might be wrong with it is not looked at.
    """
    try:
        route, _ = path.find_route(request)
    except Problem:
        return False
    viewer = request.app.sessions.remembered(request.token or "")
    if not route.weight or viewer is None:
        return False
    requests = request.app.shares.requests
    if requests.is_vain(holder_of(viewer), route.weight):
        request.set_viewer(viewer)
        return True
    requests.come(route.weight)
    return False


def refuse_unpermitted(request: Request, route: Route) -> None:
    """Raise Forbidden when the viewer's role may not use the route."""
    if route.permission == PUBLIC or request.viewer.may(route.permission):
        return
    rule = PERMISSIONS[route.permission]
    allowed = ", ".join(role.value for role in type(request.viewer.role) if role in rule.roles)
    raise RoleForbidden(
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
    """The body as the route's type; None where the route takes none or reads it itself. A body that
    is not there is not judged by what the headers say of it.
    """
    if not route.changes and not request.has_body:
        return None
    media_type = request.media_type
    if problem := _unfit(request, route, media_type):
        if await request.sends_body():
            raise problem
        if _media_types(route):
            raise MalformedJson(EMPTY_BODY)
        return None
    if media_type == FORM:
        return await forms.read(request)
    if media_type == UPLOAD:
        return None
    return await _read_json(request, route)


async def _read_json(request: Request, route: Route) -> object:
    if route.lines:
        request.raw = await request.limited_body(request.app.settings.bulk_mb << 20)
        return request.raw  # its handler reads each line by itself
    if route.body is not None:
        request.raw = await request.limited_body(request.app.settings.body_kb << 10)
        return decode(request.raw, route.body, _echo(request, route))
    if not (route.changes and request.has_body):
        return None
    raw = await request.limited_body(request.app.settings.body_kb << 10)
    if not raw.strip():
        return None
    return decode(raw, Nothing)


def _echo(request: Request, route: Route) -> Echo:
    """The fields of the record that the route writes which are not for its body to say."""
    assert route.body is not None
    fields = read_only(request.app.table.record(route), route.body)
    if route.method == "POST":
        return Echo(fields)
    return Echo(fields, request.path_values)


def _media_types(route: Route) -> list[str]:
    """The media types of the bodies that a route takes."""
    taken = {
        "application/json": route.body,
        UPLOAD: route.form,
        "application/x-ndjson": route.lines,
        FORM: route.html and route.changes,
    }
    return [media_type for media_type, is_taken in taken.items() if is_taken]


def _unfit(request: Request, route: Route, media_type: str) -> UnsupportedMediaType | None:
    """The refusal of a body as the headers announce it, where it cannot be taken."""
    taken = _media_types(route)
    if not taken:
        if media_type in ("", "application/json"):
            return None
        return UnsupportedMediaType(
            "This path takes no body; send none, or an empty JSON object as application/json."
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        return UnsupportedMediaType(
            "The body must not be compressed; send it without a Content-Encoding header."
        )
    if media_type in taken:
        return None
    return UnsupportedMediaType(
        f"The body must be {' or '.join(taken)}; set the Content-Type header."
    )
