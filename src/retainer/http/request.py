"""A request as handlers meet it: Starlette's, with its viewer, its body as the route's type and the
database as the viewer sees it.

Not used of Starlette's: `cookies` (of two of one name it keeps the last), `form()` and `body()`
(they have no limit); see docs/decisions/0003.
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import starlette.requests
from starlette.types import Receive, Scope

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.errors import MalformedRequest, NotSignedIn, TooLarge
from retainer.http.deadlines import Deadline
from retainer.http.headers import Headers, client_address
from retainer.http.negotiation.accept import prefers_html, weight
from retainer.http.query_string import of_form
from retainer.http.routing import Route
from retainer.http.services import Services
from retainer.permissions import PUBLIC, Viewer

SESSION_COOKIE = "connect.sid"
MAX_TOKENS = 8  # values of the cookie that are looked up
FORM, UPLOAD = "application/x-www-form-urlencoded", "multipart/form-data"
PUBLIC_BODY_BYTES = 16 << 10
PACE_BYTES, PACE_SECONDS = 30 << 10, 30.0  # an upload brings so much in so long, or is ended

SIGNED_IN = "signed_in"  # key in the scope of the function that is told if somebody is signed in
CUT_SHORT = "The connection ended before the body did."
API, WEB = "api", "web"  # channels, as the journal names them

_OF_CLIENT = (b"host", b"cookie", b"user-agent", b"x-forwarded-for")  # from whom, and from where

_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)  # as identity/tokens.py makes them


_REFUSED = Statement("SELECT refusal() FROM @acting")


class Request(starlette.requests.Request):
    """A request: where it goes, who sent it, and the database as they see it."""

    # Attributes, where Starlette looks each up anew.
    method: str = ""
    headers: Headers = Headers([])
    app: Services = None  # type: ignore[assignment]

    route: Route | None = None
    _token: str | None = None  # of the session that was found
    session_viewer: Viewer | None = None  # None: not signed in, or not looked up yet
    data: Any = None  # the body as the route's type
    query: Any = None  # the parameters as the route's type; a list's only if it has some
    _db: Db | None = None
    _first: tuple[bytes, bool] | None = None  # of the body, read but not used yet
    is_admitted = False  # it has its place among the requests that are answered
    raw = b""  # the body as it was sent, where it is JSON
    idempotency_key: str | None = None
    channel = API
    is_followed = False  # by other lines of the same bulk write
    is_page_only = False  # its path has a page, and nothing of the API
    deadline: Deadline | None = None
    # For a form with a file: called between its last byte and the transaction that stores it.
    before_upload_commit: Callable[["Request"], Awaitable[None]] | None = None
    # Done when the client goes while its response is streamed.
    disconnected: asyncio.Task[None] | None = None

    def __init__(self, app: Services, scope: Scope, receive: Receive, request_id: str) -> None:
        super().__init__(scope, receive)
        self.app = app
        self.headers = Headers(scope["headers"])
        self.method = scope["method"]
        self.id = request_id
        self.path: str = scope["path"]
        self.path_values: dict[str, int | str] = {}  # by the names of parameters
        self.prefer: dict[str, str] = {}  # preferences by name
        self.upload_fields: dict[str, list[str]] = {}  # of a form with a file, as far as read
        self.endings: list[Callable[[], None]] = []
        self.changed_users: list[int] = []  # whose sessions are forgotten once it is committed

    @property
    def segments(self) -> list[str]:
        """The parts of the path, each decoded by itself: an encoded slash separates nothing."""
        raw: bytes = self.scope.get("raw_path", b"")
        if b"%2f" not in raw.lower():
            return self.path.split("/")[1:]
        return [unquote(part) for part in raw.decode("latin-1").split("/")[1:]]

    @property
    def viewer(self) -> Viewer:
        """The signed-in user. Only a public route can lack one."""
        if self.session_viewer is None:
            raise NotSignedIn
        return self.session_viewer

    def set_viewer(self, viewer: Viewer | None) -> None:
        """Set the viewer, replacing any earlier one, and the database as they see it."""
        self.session_viewer = viewer
        self._db = None
        self.tell_connection(is_signed_in=viewer is not None)

    def tell_connection(self, *, is_signed_in: bool) -> None:
        """Tell the connection whether somebody is signed in on it; if nobody is it may give way."""
        if SIGNED_IN in self.scope:
            self.scope[SIGNED_IN](is_signed_in)

    @property
    def db(self) -> Db:
        """The database as the viewer sees it."""
        if self._db is None:
            self._db = self._database_of_viewer()
        return self._db

    @db.setter
    def db(self, db: Db) -> None:
        self._db = db

    def inner(self, route: Route, channel: str, **headers: str) -> "Request":
        """A request of the same person for another route, made inside this one: with these headers
        and no body yet.
        """
        given = [header for header in self.scope["headers"] if header[0] in _OF_CLIENT]
        given += [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ]
        scope = {**self.scope, "method": route.method, "headers": given, "query_string": b""}
        inner = Request(self.app, scope, self.receive, self.id)
        inner.route, inner.channel = route, channel
        inner.session_viewer = self.session_viewer
        inner.deadline, inner.disconnected = self.deadline, self.disconnected
        inner.upload_fields = self.upload_fields
        inner.endings = self.endings
        return inner

    def extend_deadline(self) -> None:
        """Give the request its full time again: it may take long while it makes progress."""
        if self.deadline is not None:
            self.app.deadlines.extend(self.deadline)

    @cached_property  # a list of tasks writes it into each row
    def page_url(self) -> str:
        """Path and parameters of the page that is shown, without the place in a list."""
        asked = [
            (n, v)
            for n, v in parse_qsl(of_form(self.scope["query_string"]).decode())
            if n not in ("cursor",)
        ]
        if not asked:
            return self.path
        return f"{self.path}?{urlencode(asked, safe=':,.', quote_via=quote)}"

    @property
    def wants_page(self) -> bool:
        """True when a browser asks, for a page or with the form of one (RFC 9110, 12.5.1); never
        below /api.
        """
        is_bare = not self.path.startswith("/api/")
        return is_bare and (self.is_page_only or self._is_of_browser)

    @property
    def _is_of_browser(self) -> bool:
        if self.method in ("GET", "HEAD"):
            # When the user goes back, htmx 4.0.1 sends only the last of these headers.
            asks = "hx-request" in self.headers or "hx-history-restore-request" in self.headers
            return asks or self.accepts_html
        # A form's media type alone does not ask for a page: clients such as curl name it for JSON
        # too unless told otherwise, and get the API's error.
        is_form = self.media_type in (FORM, UPLOAD)
        return (
            is_form
            and self.method == "POST"
            and ("hx-request" in self.headers or self.accepts_html)
        )

    @property
    def accepts_html(self) -> bool:
        """True when Accept names HTML, and does not prefer JSON."""
        return prefers_html(self.headers.joined("accept"))

    @property
    def accepts_page(self) -> bool:
        """True for a read, or a question for the methods, that would take a page, or a page's
        download, where there is nothing else: `*/*` and no Accept do.
        """
        if self.method not in ("GET", "HEAD", "OPTIONS") or self.path.startswith("/api/"):
            return False
        accept = self.headers.joined("accept")
        return max(weight(accept, "text/html"), weight(accept, "text/csv")) > 0

    @property
    def media_type(self) -> str:
        """The media type of the body, without its parameters; "" where none is named."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_upload(self) -> bool:
        """True when its body is a form with a file, which the handler reads and finishes itself."""
        return self.route is not None and self.route.multipart and self.data is None

    @property
    def tokens(self) -> list[str]:
        """The values of the session cookie, those of our form first. There may be several: other
        applications on the same or a parent domain, such as Express, use the same name.
        """
        values = self.headers.cookies(SESSION_COOKIE)
        if len(values) < 2:
            return values
        values = list(dict.fromkeys(values))
        return sorted(values, key=lambda value: not _TOKEN.fullmatch(value))[:MAX_TOKENS]

    @property
    def token(self) -> str | None:
        """The value of the session cookie, of several that of `find_viewer`, or None."""
        return self._token or next(iter(self.tokens), None)

    async def find_viewer(self) -> Viewer | None:
        """The viewer of the first session cookie that belongs to a live session."""
        for token in self.tokens:
            viewer = await self.app.sessions.viewer(token)
            if viewer is not None:
                self._token = token
                return viewer
        return None

    @property
    def is_secure(self) -> bool:
        """True when people reach us over TLS, as RETAINER_PUBLIC_URL says."""
        return self.app.settings.public_url.startswith("https://")

    @property
    def address(self) -> str:
        """The client's address; behind trusted proxies the nearest that is not one of them."""
        return client_address(self.own_address, self.headers, self.app.proxies)

    @property
    def own_address(self) -> str:
        """The address of the other end of the connection; "" where that is a socket's file."""
        client: tuple[str, int] | None = self.scope.get("client")
        return client[0] if client else ""

    @property
    def has_body(self) -> bool:
        """True when a body is announced, also one of unknown length."""
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"

    def at_end(self, ending: Callable[[], None]) -> None:
        """Have this done once the response has been sent, or given up."""
        self.endings.append(ending)

    def end(self) -> None:
        """Give back what was held until the response was sent."""
        while self.endings:
            self.endings.pop()()

    async def sends_body(self) -> bool:
        """True when a body comes; where its length is unknown, its first bytes are waited for."""
        if "transfer-encoding" not in self.headers:
            return self.has_body
        if self._first is None:
            self._first = await self._piece()
            while self._first == (b"", True):
                self._first = await self._piece()
        return self._first[0] != b""

    async def record_refusal(self) -> None:
        """Note in the journal that the viewer may not do what they asked for, in no other's
        transaction.
        """
        await self._database_of_viewer().row(_REFUSED)

    def _database_of_viewer(self) -> Db:
        assert self.route is not None
        name, noun = self.route.name, self.route.tag
        return self.app.database.of(
            self.viewer, self.id, name, self.channel, noun, address=self.address
        )

    def forget(self, user: int) -> None:
        """The sessions of a user have changed: this process acts at once, the others hear of it
        from PostgreSQL.
        """
        if self.db.connection is None:
            self.app.sessions.forget(user)
        else:
            self.changed_users.append(user)

    async def limited_body(self, limit: int) -> bytes:
        """The whole body. Raises TooLarge past the limit (bytes), before reading what was announced
        as larger. Whoever has not signed in may send little.
        """
        if self.route is None or self.route.permission == PUBLIC:
            limit = min(limit, PUBLIC_BODY_BYTES)
        announced = self.headers.get("content-length", "0")
        if int(announced) > limit:
            raise TooLarge(f"The body has {announced} bytes; at most {limit} are accepted.")
        pieces: list[bytes] = []
        size, more = 0, True
        while more and size <= limit:
            piece, more = await self._piece()
            pieces.append(piece)
            size += len(piece)
        if size > limit:
            raise TooLarge(f"The body has more than the {limit} bytes that are accepted.")
        return b"".join(pieces)

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives. Each piece extends the deadline of an upload, as long as it is
        not too slow on the whole.
        """
        more, received, latest = True, 0, time.monotonic() + PACE_SECONDS
        while more:
            piece, more = await self._piece()
            received += len(piece)
            if received >= PACE_BYTES or not more:
                received, latest = 0, time.monotonic() + PACE_SECONDS
            if self.route is not None and self.route.multipart and self.deadline is not None:
                self.app.deadlines.extend(self.deadline, latest=latest)
            if piece:
                yield piece

    async def _piece(self) -> tuple[bytes, bool]:
        """The next piece of the body, and True while there is more."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise message.get("flaw") or MalformedRequest(CUT_SHORT)
        return message.get("body", b""), message.get("more_body", False)

    async def wait_for_disconnect(self) -> None:
        """Return when the client has closed the connection."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
