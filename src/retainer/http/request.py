"""A request as handlers meet it: who sent it, its body, the database as they see it; and the
answers they give.
"""

import asyncio
import copy
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import msgspec

from retainer.database.database import Db
from retainer.database.stored import Stored
from retainer.errors import MalformedRequest, NotFound, NotSignedIn, TooLarge
from retainer.http.deadlines import Deadline
from retainer.http.query_string import of_form
from retainer.http.routing import Route
from retainer.identity.sessions.cache import COOKIE
from retainer.permissions import Viewer

if TYPE_CHECKING:
    from retainer.server.app import App

JSON = (b"content-type", b"application/json")
FORMS = (b"application/x-www-form-urlencoded", b"multipart/form-data")
HTML = (b"content-type", b"text/html; charset=utf-8")

API, WEB = "api", "web"  # through what the journal says something was done

_OF_CLIENT = (
    b"host",
    b"cookie",
    b"user-agent",
    b"x-forwarded-for",
)  # of whom and from where a request is

_ACCEPTED = re.compile(r"text/html(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)
_COOKIE = re.compile(rb"(?:^|;)\s*" + re.escape(COOKIE).encode() + rb"=([^;]*)")


class Answer:
    """What goes back: a status, headers, and the body's bytes or an iterator of them."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, status: int, body: bytes | AsyncIterator[bytes] = b"", *headers: tuple[bytes, bytes]
    ) -> None:
        self.status = status
        self.body = body
        self.headers = list(headers)


def json(body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    """200 with finished JSON."""
    return Answer(200, body, JSON, *headers)


def encoded(value: Any, *headers: tuple[bytes, bytes]) -> Answer:
    """200 with a value as JSON."""
    return json(msgspec.json.encode(value), *headers)


def found(record: Stored | None) -> Answer:
    """200 with a record and its ETag; 404 when there is none."""
    if record is None:
        raise NotFound
    return json(record.json, etag(record))


def changed(record: Stored | None) -> Answer:
    """An empty 200 with the ETag of a record; 404 when there is none."""
    if record is None:
        raise NotFound
    return Answer(200, b"", etag(record))


def etag(record: Stored) -> tuple[bytes, bytes]:
    """The header that names the state of a record."""
    return (b"etag", b'"%d-%d"' % (record.id, record.version))


def created(record: Stored | None, path: str) -> Answer:
    """201 with a record that is new, and its address: below the path."""
    answer = found(record)
    assert record is not None
    answer.status = 201
    answer.headers.append((b"location", b"%b/%d" % (path.encode(), record.id)))
    return answer


def removed(was_there: bool) -> Answer:
    """204 after a deletion; 404 when there was nothing to delete."""
    if not was_there:
        raise NotFound
    return empty()


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
        self.query: Any = (
            None  # the route's type of parameters; a Query of a list that was given some
        )
        self.deadline: Deadline | None = None
        self.raw = b""  # the body as it was sent, where it is JSON
        self.key: str | None = None  # its Idempotency-Key
        self.typed: dict[
            str, list[str]
        ] = {}  # the fields of a form with a file, as far as it was read
        self.named: Callable[[Any], Awaitable[None]] | None = (
            None  # puts ids for names into `typed`
        )
        self.wishes: dict[str, str] = {}  # its preferences (Prefer)
        self.left: asyncio.Task[None] | None = (
            None  # done when the client goes while its answer is streamed
        )
        self.changed_users: list[int] = []  # whose sessions are forgotten once it is committed
        self.via = API

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
        if self.who is None:
            raise NotSignedIn
        return self.who

    @cached_property
    def db(self) -> Db:
        """The database as the viewer sees it."""
        assert self.route is not None
        return self.app.database.of(self.viewer, self.id, self.route.name, self.via)

    def inner(self, route: Route, via: str, **headers: str) -> "Request":
        """The same person's request for another route, made inside this one: with these headers and
        no body yet.
        """
        made = copy.copy(self)
        made.__dict__.pop("db", None)
        given = [header for header in self.scope["headers"] if header[0] in _OF_CLIENT]
        given += [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ]
        made.scope, made.headers = (
            {**self.scope, "headers": given, "query_string": b""},
            dict(given),
        )
        made.route, made.method, made.via = route, route.method, via
        made.body, made.query, made.key, made.raw, made.wishes, made.changed_users = (
            None,
            None,
            None,
            b"",
            {},
            [],
        )
        return made

    @property
    def address_of_page(self) -> str:
        """Path and parameters of the page that is shown, without the place in a list."""
        asked = [
            (n, v)
            for n, v in parse_qsl(of_form(self.scope["query_string"]).decode())
            if n not in ("cursor",)
        ]
        return self.path + ("?" + urlencode(asked, safe=":,.", quote_via=quote) if asked else "")

    @cached_property
    def wants_page(self) -> bool:
        """Whether a browser asks, for a page or with the form of one (RFC 9110, 12.5.1); never
        below /api.
        """
        if self.path.startswith("/api/"):
            return False
        if self.method in ("GET", "HEAD"):
            # Going back, htmx 4.0.1 says no more than the last of these.
            asks = b"hx-request" in self.headers or b"hx-history-restore-request" in self.headers
            return asks or self.accepts_html
        # A form by itself asks for no page: who sends JSON and forgets to say so is told that, as
        # the API tells it.
        is_form = self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower() in FORMS
        return (
            is_form
            and self.method == "POST"
            and (b"hx-request" in self.headers or self.accepts_html)
        )

    @property
    def accepts_html(self) -> bool:
        """Whether Accept names HTML, unless to say that it will not do."""
        return _ACCEPTED.search(self.header(b"accept") or "") is not None

    def header(self, name: bytes) -> str | None:
        """A header's value, its lines joined by commas; None where there is none."""
        if name not in self.headers:
            return None
        return ",".join(
            value.decode("latin-1") for key, value in self.scope["headers"] if key == name
        )

    @property
    def is_upload(self) -> bool:
        """Whether its body is a form with a file, which the handler reads and finishes itself."""
        return self.route is not None and self.route.multipart and self.body is None

    @property
    def token(self) -> str | None:
        """The session cookie's value as sent, or None."""
        # Proxies from HTTP/2 may send cookies on several lines.
        cookies = b";".join(value for name, value in self.scope["headers"] if name == b"cookie")
        match = _COOKIE.search(cookies)
        return match[1].decode("latin-1").strip('"') if match else None

    @property
    def is_secure(self) -> bool:
        """Whether people reach us over TLS, as RETAINER_PUBLIC_URL says."""
        return self.app.settings.public_url.startswith("https://")

    @property
    def address(self) -> str:
        """The client's address, behind trusted proxies the one they report."""
        return self.app.client_address(self.scope, self.headers)

    @property
    def has_body(self) -> bool:
        """Whether a body is announced, be it of unknown length."""
        return (
            b"transfer-encoding" in self.headers
            or self.headers.get(b"content-length", b"0") != b"0"
        )

    def forget(self, user: int) -> None:
        """The sessions of a user have changed: this process acts at once, the others hear of it
        from PostgreSQL.
        """
        if self.db.held is None:
            self.app.sessions.forget(user)
        else:
            self.changed_users.append(user)

    async def content(self, limit: int) -> bytes:
        """The whole body. Raises TooLarge past the limit (bytes), before reading what was announced
        as larger.
        """
        announced = self.headers.get(b"content-length", b"0")
        if int(announced) > limit:
            raise TooLarge(
                f"The body has {announced.decode()} bytes; at most {limit} are accepted."
            )
        pieces: list[bytes] = []
        size, more = 0, True
        while more and size <= limit:
            piece, more = await self._piece()
            pieces.append(piece)
            size += len(piece)
        if size > limit:
            raise TooLarge(f"The body has more than the {limit} bytes that are accepted.")
        return b"".join(pieces)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        more = True
        while more:
            piece, more = await self._piece()
            if self.route is not None and self.route.multipart and self.deadline is not None:
                self.app.deadlines.extend(
                    self.deadline
                )  # an upload may take long, as long as it goes on
            if piece:
                yield piece

    async def _piece(self) -> tuple[bytes, bool]:
        """What has come of the body, and whether there is more."""
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise MalformedRequest("The connection ended before the body did.")
        return message.get("body", b""), message.get("more_body", False)

    async def gone(self) -> None:
        """Returns when the client has closed the connection."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
