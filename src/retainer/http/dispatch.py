"""The wrapper around every route: who is it, may they, is the body right, then the handler.

Refusals come in one order: 401, 403 for cross-site, 404, 403, then 413/415/400/422, then what the
handler finds and the state that a request was made for (412).
"""

import re
from functools import partial
from typing import Any

from starlette.responses import Response

from retainer.database.database import Retry, Rollback, SessionChanged
from retainer.database.statement import Statement
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
from retainer.http import forms, preconditions, safe_writes
from retainer.http.body import Nothing, decode
from retainer.http.query_string import decode_query, of_form, pairs, unknown
from retainer.http.request import WEB, Request
from retainer.http.routing import TEXT, Route
from retainer.lists.parameters import read as read_list
from retainer.permissions import PERMISSIONS, PUBLIC

ATTEMPTS = 3  # runs of a handler that meets deadlocks

_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
_REFUSED = Statement("SELECT operation('refused') FROM @acting")


async def handle(request: Request) -> Response:
    """The answer to a request. Raises Problem for every refusal."""
    routes, ids = request.app.table.find(request.segments, pages=request.wants_page)
    if routes is None:
        raise NotFound
    route = request.route = routes.get(request.method) or (
        routes.get("GET") if request.method == "HEAD" else None
    )
    if route is None:
        allowed = sorted(routes) + (["HEAD"] if "GET" in routes else [])
        names = ", ".join(allowed)
        raise MethodNotAllowed(f"This path takes {names}.", headers={"allow": names})
    if route.html:
        request.channel = WEB
    if route.permission != PUBLIC:
        await authenticate(request)
    try:
        return await admitted(request, route, ids)
    except SessionChanged:
        # The write's own look at the session found it ended or its role changed: look again, then
        # decide anew.
        request.app.sessions.forget(request.viewer.user)
        await authenticate(request)
        return await admitted(request, route, ids)


async def authenticate(request: Request) -> None:
    """Find the viewer, or refuse with 401."""
    token = request.token
    request.session_viewer = await request.app.sessions.viewer(token) if token else None
    request.__dict__.pop("db", None)
    if request.session_viewer is None:
        raise NotSignedIn


async def admitted(request: Request, route: Route, ids: list[str]) -> Response:
    """The handler's answer, once the viewer, the ids and the body are right."""
    if route.changes:
        refuse_cross_site(request)
    try:
        arguments = await admit(request, route, ids)
    except Forbidden:
        await record_refusal(request)
        raise
    return await run(request, route, arguments)


async def record_refusal(request: Request) -> None:
    """Write down that the viewer may not do what they asked for: an operation of its own, in no
    other's transaction.
    """
    assert request.route is not None
    await request.app.database.of(
        request.viewer, request.id, request.route.name, request.channel
    ).row(_REFUSED)


async def admit(request: Request, route: Route, ids: list[str]) -> list[int | str]:
    """What stands in the path, once permission, ids, headers and body are right; else the refusal
    that comes first.
    """
    try:
        refuse_unpermitted(request, route)
        arguments = [argument(name, text) for name, text in zip(route.parameters, ids, strict=True)]
        request.query = read_query(request, route)
        if route.changes:
            preconditions.expect(request, route)
            safe_writes.expect(request, route)
        if request.data is None:
            request.data = await read_body(request, route)
    except NotFound:
        raise
    except Problem:
        await prefer_not_found(request, route, ids)
        raise
    return arguments


async def run(request: Request, route: Route, arguments: list[int | str]) -> Response:
    """The handler, again when it met a deadlock (nothing was changed then)."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await answered(request, route, arguments)
        except Retry:
            if request.is_upload:
                raise
    return await answered(request, route, arguments)


async def answered(request: Request, route: Route, arguments: list[int | str]) -> Response:
    """The handler's answer, under the conditions that the request names."""
    if not route.changes:
        answer = await route.handler(request, *arguments)
        is_conditional = "if-none-match" in request.headers or "if-match" in request.headers
        return preconditions.unchanged(request, answer) if is_conditional else answer
    work = partial(changed, request, route, arguments)
    try:
        return await (work() if request.is_upload else safe_writes.performed(request, route, work))
    except Rollback as undone:
        assert isinstance(undone.answer, Response)
        return undone.answer


async def changed(request: Request, route: Route, arguments: list[int | str]) -> Response:
    try:
        return await route.handler(request, *arguments)
    except NotFound:
        raise await preconditions.judged(request, route, arguments) from None


def refuse_unpermitted(request: Request, route: Route) -> None:
    if route.permission == PUBLIC or request.viewer.may(route.permission):
        return
    rule = PERMISSIONS[route.permission]
    allowed = ", ".join(role.value for role in type(request.viewer.role) if role in rule.roles)
    raise Forbidden(
        f"Your role, {request.viewer.role.value}, may not do this. It takes one of: {allowed}."
    )


async def prefer_not_found(request: Request, route: Route, ids: list[str]) -> None:
    """What the viewer does not see is 404 before it is anything else."""
    if route.on is None or not all(_INTEGER.fullmatch(text) for text in ids):
        return
    numbers = [number(name, text) for name, text in zip(route.parameters, ids, strict=True)]
    if not await route.on(request.db, *numbers):
        raise NotFound


def argument(name: str, text: str) -> int | str:
    """What a parameter of the path stands for; texts are judged by the handler."""
    return text if name == TEXT else number(name, text)


def number(name: str, text: str) -> int:
    """An id of the path: 422 when it is no integer, 404 when no row can have it."""
    if not _INTEGER.fullmatch(text):
        raise invalid(name, f'must be an integer, not "{text[:40]}"')
    if len(text) > 16 or not 0 < int(text) < 2**53:
        raise NotFound
    return int(text)


def read_query(request: Request, route: Route) -> Any:
    """The parameters, of a list as its Query. Elsewhere they are refused by name rather than
    ignored: a filter that does nothing is a wrong answer.
    """
    query_string = request.scope["query_string"]
    if route.query is not None:
        return decode_query(query_string, route.query)
    if not query_string:
        return {} if route.html and route.lists is None else None
    if route.html:
        query_string = of_form(query_string)
    if route.lists is None and route.html:
        return dict(pairs(query_string))
    if route.lists is None:
        raise Invalid(*(unknown(name, []) for name, _ in pairs(query_string)))
    zone = request.session_viewer.time_zone if request.session_viewer else "UTC"
    return read_list(route.lists, query_string, zone)


async def read_body(request: Request, route: Route) -> Any:
    """The body as the route's type; None where the route takes none or reads it itself."""
    kind = request.media_type
    if route.html and route.changes and kind == "application/x-www-form-urlencoded":
        return await forms.read(request)
    takes_body = route.body or route.form or route.lines
    if takes_body and request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(
            "The body must not be compressed; send it without a Content-Encoding header."
        )
    if route.multipart and kind == "multipart/form-data":
        return None
    if route.lines:
        return await read_lines(request, kind)
    if route.multipart and route.body is None:
        raise UnsupportedMediaType(
            "The body must be multipart/form-data with one file; set the Content-Type header."
        )
    if route.body is None:
        if kind and kind != "application/json":
            raise UnsupportedMediaType("This path takes no body, and certainly not a form or text.")
        if not (route.changes and request.has_body):
            return None
        return decode(await request.limited_body(request.app.settings.body_kb * 1024), Nothing)
    if kind != "application/json":
        what = "application/json or multipart/form-data" if route.multipart else "application/json"
        raise UnsupportedMediaType(f"The body must be {what}; set the Content-Type header.")
    request.raw = await request.limited_body(request.app.settings.body_kb * 1024)
    return decode(request.raw, route.body)


async def read_lines(request: Request, kind: str) -> bytes:
    """A body of lines as it is; its handler reads each by itself."""
    if kind != "application/x-ndjson":
        raise UnsupportedMediaType(
            "The body must be application/x-ndjson; set the Content-Type header."
        )
    request.raw = await request.limited_body(request.app.settings.bulk_mb << 20)
    return request.raw


def refuse_cross_site(request: Request) -> None:
    """A change asked for by another site's page is refused: browsers tell by Sec-Fetch-Site and
    Origin.
    """
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
    if own and origin == own:
        return True
    # Without a public URL the Host header is what the browser opened; another site's page cannot
    # set it.
    host = request.headers.get("host", "")
    return not own and bool(host) and origin.partition("://")[2] == host
