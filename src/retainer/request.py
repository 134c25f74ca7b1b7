"""A request, its answer, and the wrapper around every route: who is it, may they, is the body right, then the handler.

Refusals come in one order: 401, 403 for cross-site, 404, 403, then 413/415/400/422, then what the handler finds.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from retainer.authentication import COOKIE
from retainer.body import decode
from retainer.database import CHUNK, Db, Retry, SessionChanged
from retainer.errors import (
    FieldError,
    Forbidden,
    Invalid,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    NotSignedIn,
    Problem,
    TooLarge,
    UnsupportedMediaType,
    invalid,
)
from retainer.permissions import PERMISSIONS, PUBLIC, Viewer
from retainer.routing import Exists, Route
from retainer.statement import Listing, Statement

if TYPE_CHECKING:
    from retainer.app import App

JSON = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")
ATTEMPTS = 3  # runs of a handler that meets deadlocks

_COOKIE = re.compile(rb"(?:^|;)\s*" + re.escape(COOKIE).encode() + rb"=([^;]*)")
_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
_REFUSED = Statement("SELECT operation('refused') FROM @acting")


class Answer:
    """What goes back: a status, headers, and the body's bytes or an iterator of them."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes | AsyncIterator[bytes] = b"", *headers: tuple[bytes, bytes]) -> None:
        self.status = status
        self.body = body
        self.headers = list(headers)


def json(body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    """200 with finished JSON."""
    return Answer(200, body, JSON, *headers)


def encoded(value: Any, *headers: tuple[bytes, bytes]) -> Answer:
    """200 with a value as JSON."""
    return json(msgspec.json.encode(value), *headers)


def found(row: Any) -> Answer:
    """200 with a row of (id, version, json), its ETag made of the first two; 404 when there is none."""
    if row is None:
        raise NotFound
    return json(row[2], (b"etag", b'"%d-%d"' % (row[0], row[1])))


def empty(status: int = 204) -> Answer:
    """An answer without a body."""
    return Answer(status)


class Request:
    """One request: where it goes, who sent it, and the database as they see it."""

    def __init__(self, app: "App", scope: Any, receive: Any, request_id: str) -> None:
        self.app = app
        self.scope = scope
        self.receive = receive
        self.id = request_id
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.route: Route | None = None
        self.who: Viewer | None = None
        self.body: Any = None
        self.deadline: asyncio.Timeout | None = None

    @property
    def viewer(self) -> Viewer:
        """The signed-in user. Only a public route can lack one."""
        if self.who is None:
            raise NotSignedIn
        return self.who

    @cached_property
    def db(self) -> Db:
        """The database as the viewer sees it."""
        assert self.route is not None
        return self.app.database.of(self.viewer, self.id, self.route.name)

    @property
    def token(self) -> str | None:
        """The session cookie's value as sent, or None."""
        match = _COOKIE.search(self.headers.get(b"cookie", b""))
        return match[1].decode("latin-1").strip('"') if match else None

    @property
    def is_secure(self) -> bool:
        """Whether people reach us over TLS, as RETAINER_PUBLIC_URL says."""
        return self.app.settings.public_url.startswith("https://")

    @property
    def address(self) -> str:
        """The client's address, behind trusted proxies the one they report."""
        return self.app.client_address(self.scope, self.headers)

    async def content(self, limit: int) -> bytes:
        """The whole body. Raises TooLarge past the limit (bytes), before reading what was announced as larger."""
        announced = self.headers.get(b"content-length", b"0")
        if int(announced) > limit:
            raise TooLarge(f"The body has {announced.decode()} bytes; at most {limit} are accepted.")
        chunks: list[bytes] = []
        size = 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"The body has more than the {limit} bytes that are accepted.")
            chunks.append(chunk)
        return b"".join(chunks)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise MalformedRequest("The connection ended before the body did.")
            more = message.get("more_body", False)
            if self.route is not None and self.route.multipart and self.deadline is not None:
                # An upload may take long, as long as it goes on.
                self.deadline.reschedule(asyncio.get_running_loop().time() + self.app.settings.request_seconds)
            if message.get("body"):
                yield message["body"]

    async def gone(self) -> None:
        """Returns when the client has closed the connection."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def list(self, listing: Listing, /, **values: Any) -> Answer:
        """All rows of a list: in one piece when they fit in a chunk, else streamed."""
        row = await self.db.chunk(listing, listing.first, **values)
        if row["count"] == CHUNK:
            return json_stream(self.db.stream(listing, **values))
        return json(b"[%b]" % row["chunk"] if row["count"] else b"[]")

    async def list_of(self, exists: Exists, parent: int, listing: Listing, /, **values: Any) -> Answer:
        """A list of what belongs to a parent; when it is empty the parent may not be there at all: 404."""
        answer = await self.list(listing, parent=parent, **values)
        if answer.body == b"[]" and not await exists(self.db, parent):
            raise NotFound
        return answer


def json_stream(chunks: AsyncIterator[bytes]) -> Answer:
    """200 with an array whose elements come in chunks, joined by commas."""

    async def array() -> AsyncIterator[bytes]:
        opening = b"["
        async for chunk in chunks:
            yield opening + chunk
            opening = b","
        yield b"]" if opening == b"," else b"[]"

    return Answer(200, array(), JSON)


async def handle(request: Request) -> Answer:
    """The answer to a request. Raises Problem for every refusal."""
    routes, ids = request.app.table.find(request.path)
    if routes is None:
        raise NotFound
    route = request.route = routes.get(request.method) or (routes.get("GET") if request.method == "HEAD" else None)
    if route is None:
        allowed = sorted(routes) + (["HEAD"] if "GET" in routes else [])
        names = ", ".join(allowed)
        raise MethodNotAllowed(f"This path takes {names}.", headers=[(b"allow", names.encode())])
    if route.permission != PUBLIC:
        await authenticate(request)
    try:
        return await admitted(request, route, ids)
    except SessionChanged:
        # The write's own look at the session found it ended or its role changed: look again, then decide anew.
        request.app.sessions.forget(request.viewer.user)
        await authenticate(request)
        return await admitted(request, route, ids)


async def authenticate(request: Request) -> None:
    """Find the viewer, or refuse with 401."""
    token = request.token
    request.who = await request.app.sessions.viewer(token) if token else None
    request.__dict__.pop("db", None)
    if request.who is None:
        raise NotSignedIn


async def admitted(request: Request, route: Route, ids: list[str]) -> Answer:
    """The handler's answer, once the viewer, the ids and the body are right."""
    if route.changes:
        refuse_cross_site(request)
    try:
        refuse_unpermitted(request, route)
        numbers = [number(name, text) for name, text in zip(route.parameters, ids, strict=True)]
        if request.scope["query_string"]:
            refuse_query(request)
        if request.body is None:
            request.body = await read_body(request, route)
    except NotFound:
        raise
    except Problem as problem:
        await prefer_not_found(request, route, ids)
        if isinstance(problem, Forbidden):
            await request.db.row(_REFUSED)
        raise
    return await run(request, route, numbers)


async def run(request: Request, route: Route, numbers: list[int]) -> Answer:
    """The handler, again when it met a deadlock (nothing was changed then)."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await route.handler(request, *numbers)
        except Retry:
            if route.multipart:
                raise
    return await route.handler(request, *numbers)


def refuse_unpermitted(request: Request, route: Route) -> None:
    if route.permission == PUBLIC or request.viewer.may(route.permission):
        return
    rule = PERMISSIONS[route.permission]
    allowed = ", ".join(role.value for role in type(request.viewer.role) if role in rule.roles)
    raise Forbidden(f"Your role, {request.viewer.role.value}, may not do this. It takes one of: {allowed}.")


async def prefer_not_found(request: Request, route: Route, ids: list[str]) -> None:
    """What the viewer does not see is 404 before it is anything else."""
    if route.on is None or not all(_INTEGER.fullmatch(text) for text in ids):
        return
    numbers = [number(name, text) for name, text in zip(route.parameters, ids, strict=True)]
    if not await route.on(request.db, *numbers):
        raise NotFound


def number(name: str, text: str) -> int:
    """An id of the path: 422 when it is no integer, 404 when no row can have it."""
    if not _INTEGER.fullmatch(text):
        raise invalid(name, f'must be an integer, not "{text[:40]}"')
    if len(text) > 16 or not 0 < int(text) < 2**53:
        raise NotFound
    return int(text)


def refuse_query(request: Request) -> None:
    """Parameters are refused by name rather than ignored: a filter that does nothing is a wrong answer."""
    text = request.scope["query_string"].decode("latin-1")
    names = [part.partition("=")[0][:40] for part in text.split("&") if part]
    if names:
        raise Invalid(*(FieldError(name, "is not a parameter of this path; it takes none") for name in names))


async def read_body(request: Request, route: Route) -> Any:
    """The body as the route's type; None where the route takes none or reads it itself."""
    kind = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if route.multipart and kind == b"multipart/form-data":
        return None
    if route.multipart and route.body is None:
        raise UnsupportedMediaType("The body must be multipart/form-data with one file; set the Content-Type header.")
    if route.body is None:
        if kind and kind != b"application/json":
            raise UnsupportedMediaType("This path takes no body, and certainly not a form or text.")
        return None
    if kind != b"application/json":
        what = "application/json or multipart/form-data" if route.multipart else "application/json"
        raise UnsupportedMediaType(f"The body must be {what}; set the Content-Type header.")
    return decode(await request.content(request.app.settings.body_kb * 1024), route.body)


def refuse_cross_site(request: Request) -> None:
    """A change asked for by another site's page is refused (bar 21): browsers tell by Sec-Fetch-Site and Origin."""
    site = request.headers.get(b"sec-fetch-site", b"none")
    if site not in (b"same-origin", b"none"):
        raise Forbidden("The request comes from another site's page; changes are accepted from our own only.")
    origin = request.headers.get(b"origin")
    if origin is not None and not _is_own(origin.decode("latin-1"), request):
        raise Forbidden("The Origin header names another site; changes are accepted from our own pages only.")


def _is_own(origin: str, request: Request) -> bool:
    own = request.app.settings.public_url.rstrip("/")
    if own and origin == own:
        return True
    # Without a public URL, or beside it (a look from the machine itself), the Host header is what the browser
    # opened; an attacker's page cannot set it for another host.
    host = request.headers.get(b"host", b"").decode("latin-1")
    return not own and bool(host) and urlsplit(origin).netloc == host


def cookie(value: str, *, secure: bool, seconds: int) -> tuple[bytes, bytes]:
    """The Set-Cookie header of a session; 0 seconds takes it back. The value must be URL-safe, as our tokens are."""
    parts = [f"{COOKIE}={value}", "Path=/", f"Max-Age={seconds}", "HttpOnly", "SameSite=Lax"]
    return (b"set-cookie", "; ".join(parts + ["Secure"] * secure).encode())
