"""The application assembled: the services of a process, and each request from its first byte to its
log line.

It speaks ASGI itself, with Starlette's requests and responses (docs/decisions/0003).
"""

import asyncio
import gc
import itertools
import multiprocessing
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import NoReturn, TypeVar

from starlette.responses import AsyncContentStream, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from retainer.config import Settings, load, networks
from retainer.database import space
from retainer.database.database import Database
from retainer.database.monitor import Monitor
from retainer.errors import PROBLEM_JSON, Overloaded, Problem, Unavailable
from retainer.http import compression
from retainer.http.compression import compress, negotiate
from retainer.http.deadlines import Deadlines
from retainer.http.dispatch import dispatch, is_turned_away
from retainer.http.headers import FORWARDED, SECURITY, is_proxy
from retainer.http.log import Log
from retainer.http.negotiation import cross_origin
from retainer.http.request import Request
from retainer.http.shares.process import SharesOfAll
from retainer.identity.sessions.cache import Sessions
from retainer.journal.live.hub import Live
from retainer.lists import parameters
from retainer.lists.spec import ListSpec
from retainer.pages import render
from retainer.records.documents.storage import Storage
from retainer.routes import TABLE
from retainer.server import signals
from retainer.server.connections import Connections
from retainer.server.http_cycle import WholeResponse
from retainer.server.http_server import CONNECTIONS, DOOR, STOPPING
from retainer.server.postgres import embedded

START_SECONDS = 3.0  # how long a start waits for the database
# Objects made between two looks for garbage: a page makes some ten thousand, of which references
# free all but a few. At Python's 700 a page takes a twelfth longer.
GARBAGE = 20_000
STALL_SECONDS = 30.0  # how long a streamed answer waits for a client that does not read

HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")
NO_STORE = (b"cache-control", b"no-store")
VARY_ACCEPT = (b"vary", b"Accept")  # where a browser gets a page and others get JSON


UNTRUSTED_PROXY = (
    "X-Forwarded-For is not believed from this address, so that all whom it forwards count as one:"
    " a hundred wrong passwords of anybody keep everybody from signing in."
    " If it is your proxy, name it in RETAINER_TRUSTED_PROXIES."
)

T = TypeVar("T")


class App:
    """One server process: settings, database, sessions, storage, log."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.table = TABLE
        self.log = Log(settings.log)
        self.database = Database(
            settings.database_url,
            size=settings.pool_size,
            statement_seconds=settings.request_seconds * 0.9,
        )
        self.sessions = Sessions(self.database, settings.session_idle_hours)
        self.live = Live(self.database, self.sessions, self.log)
        listeners = [*self.sessions.listeners, *self.live.listeners]
        self.monitor = Monitor(self.database, self.sessions, self.log, listeners)
        self.storage = Storage.of(settings)
        self.shares = SharesOfAll(settings.pool_size)
        self.deadlines = Deadlines(settings.request_seconds)
        self.proxies = networks(settings.trusted_proxies)
        self.services: dict[type, object] = {Live: self.live, Storage: self.storage}
        self.connections = Connections.of(settings, self.proxies)
        self.has_warned_of_proxy = False
        self.ids = itertools.count(1)
        self.process = secrets.token_hex(5)
        self.headers = list(SECURITY)
        if settings.public_url.startswith("https:"):
            self.headers.append(HTTPS_ONLY)

    def read_list(self, spec: object, query_string: bytes, zone: str) -> object:
        """The query of a route's list, "today" being the time zone's. Raises Invalid."""
        assert isinstance(spec, ListSpec)
        return parameters.read(spec, query_string, zone)

    def get(self, service: type[T]) -> T:
        """The one service of this class. Raises KeyError where there is none."""
        found = self.services[service]
        assert isinstance(found, service)
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.lifespan(scope, receive, send)

    async def lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start and stop, as the server asks (ASGI's lifespan)."""
        await receive()
        scope["state"][STOPPING] = self.live.end
        scope["state"][CONNECTIONS] = self.connections
        scope["state"][DOOR] = self.turn_away
        self.log.adopt()
        background = [
            self.monitor.run(),
            self.deadlines.watch(),
            self.live.run(),
        ]
        cluster = embedded.cluster_of(self.settings)
        if cluster is not None:
            background.append(space.watch(self.database, cluster, self.log))
        watching = [asyncio.create_task(each) for each in background]
        # Without a database the process starts all the same, and answers 503 until there is one: a
        # start that failed would have to be repeated by somebody.
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self.monitor.connected.wait()
        # What a start makes stays. Looking through it again and again, the garbage collector would
        # stop everything for tens of milliseconds.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in watching:
            task.cancel()
        self.database.pool.drop()
        self.log.flush()
        await send({"type": "lifespan.shutdown.complete"})

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request and log it. Every error is a problem document with the request's id;
        that of an unknown error says nothing more.
        """
        started = time.perf_counter()
        request = Request(self, scope, receive, f"{self.process}-{next(self.ids):x}")
        if FORWARDED in request.headers and not self.has_warned_of_proxy:
            self.warn_of_proxy(request)
        response = await self.respond(request)
        try:
            await self.send(request, response, send)
        finally:
            request.end()
            if self.log.takes(request.method, response.status_code):
                self.write_line(request, response, time.perf_counter() - started)

    def turn_away(self, scope: Scope) -> WholeResponse | None:
        """The refusal of a request that would wait for its place in vain, as `serve` would answer
        it, made without a task and a deadline: under overload most requests are refused, and what
        that costs is missing for the others. None: the request is to be served.
        """
        if not self.shares.requests.is_pressed():
            return None
        started = time.perf_counter()
        request = Request(self, scope, _nothing, f"{self.process}-{next(self.ids):x}")
        if not is_turned_away(request):
            return None
        response = self.document(request, Overloaded())
        if negotiate(request, response):
            return None
        if self.log.takes(request.method, response.status_code):
            self.write_line(request, response, time.perf_counter() - started)
        body = b"" if request.method == "HEAD" else bytes(response.body)
        return response.status_code, self.headers_of(request, response), body

    def write_line(self, request: Request, response: Response, seconds: float) -> None:
        """Log a request that has been answered."""
        user = tenant = None
        if request.session_viewer is not None:
            user, tenant = request.session_viewer.user, request.session_viewer.tenant
        self.log.request(
            request.method,
            request.path,
            response.status_code,
            seconds,
            request=request.id,
            user=user,
            tenant=tenant,
            address=request.address,
        )

    def warn_of_proxy(self, request: Request) -> None:
        """Log, once, that requests name another address than their own, and come from no proxy that
        is trusted.
        """
        if not is_proxy(request.own_address, self.proxies):
            self.has_warned_of_proxy = True
            self.log.event("proxy not trusted", address=request.address, message=UNTRUSTED_PROXY)

    async def respond(self, request: Request) -> Response:
        """The response within the request's deadline, whatever is raised."""
        deadline = request.deadline = self.deadlines.begin()
        try:
            return await dispatch(request)
        except Problem as problem:
            return await self.refusal(request, problem)
        except asyncio.CancelledError:
            if not deadline.has_passed:
                raise
            deadline.task.uncancel()
            late = Unavailable(
                "The time for this request ran out; whether a change was made is not known."
            )
            return await self.refusal(request, late)
        except Exception as error:
            self.log.unknown(error, request=request.id, path=request.path)
            return await self.refusal(request, Problem())
        finally:
            self.deadlines.end(deadline)

    async def refusal(self, request: Request, problem: Problem) -> Response:
        """An error as its page, or as the problem document."""
        if request.wants_page and not isinstance(problem, Overloaded):
            return await render.refusal(request, problem)
        return self.document(request, problem)

    def document(self, request: Request, problem: Problem) -> Response:
        """An error as the problem document."""
        body = problem.body(request.path, request.id)
        return Response(body, problem.status, problem.headers, PROBLEM_JSON)

    async def send(self, request: Request, response: Response, send: Send) -> None:
        """Send status, headers and body. A stream has a deadline on each stall of its client
        instead of one on the whole, which may take hours.
        """
        await compress(request, response)
        start = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": self.headers_of(request, response),
        }
        if not isinstance(response, StreamingResponse):
            start["whole"] = True
            await send(start)
            body = response.body
            if request.method == "HEAD":
                body = b""
            await send({"type": "http.response.body", "body": body})
            return
        await send(start)
        if request.method != "HEAD":
            await self.stream(request, response.body_iterator, send)
        await send({"type": "http.response.body", "body": b""})

    def headers_of(self, request: Request, response: Response) -> list[tuple[bytes, bytes]]:
        """The response's own headers, and those that every response has."""
        own = response.raw_headers
        request_id = (b"x-request-id", request.id.encode())
        names = {header[0] for header in own if header != compression.VARY}
        if request.path.startswith("/api/"):
            kept = [] if b"cache-control" in names else [NO_STORE]
            return [*self.headers, *kept, request_id, *own, *cross_origin.headers(request)]
        # A preview has its own policy. Browsers enforce every policy they get, so ours is left out.
        headers = [header for header in self.headers if header[0] not in names]
        headers += [request_id, *own]
        if b"vary" not in names and self.table.has_page(request.segments):
            headers.append(VARY_ACCEPT)
        is_page = request.route is None or request.route.html
        if (is_page or request.session_viewer is not None) and b"cache-control" not in names:
            headers.append(NO_STORE)
        return headers + cross_origin.headers(request)

    async def stream(self, request: Request, body: AsyncContentStream, send: Send) -> None:
        """Send chunk after chunk, until the end or until the client has gone."""
        request.disconnected = asyncio.create_task(request.wait_for_disconnect())
        try:
            async for chunk in body:
                if request.disconnected.done():
                    return
                async with asyncio.timeout(STALL_SECONDS):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            request.disconnected.cancel()
            if isinstance(body, AsyncGenerator):
                await body.aclose()  # now, not at a garbage collection: it may hold a connection


async def _nothing() -> NoReturn:
    raise AssertionError("the body of a request that is refused unread")


def build() -> App:
    """The application of one process: uvicorn calls this in each."""
    if multiprocessing.parent_process() is not None:
        signals.die_with_parent()
    return App(load())
