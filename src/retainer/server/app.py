"""The application assembled: what a process holds, and each request from its first byte to its log
line.

It speaks ASGI itself (docs/decisions/0003): the table of routes is ours, and a framework's would
only be walked through.
"""

import asyncio
import ctypes
import ipaddress
import itertools
import multiprocessing
import os
import secrets
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Any

from retainer.config import Settings, load, networks
from retainer.database.database import Database
from retainer.database.monitor import Monitor
from retainer.errors import PROBLEM_JSON, Problem, Unavailable
from retainer.http.compression import compressed
from retainer.http.deadlines import Deadlines
from retainer.http.dispatch import handle
from retainer.http.log import Log
from retainer.http.request import Answer, Request
from retainer.identity.sessions.cache import Sessions
from retainer.journal.live.hub import Live
from retainer.pages import render
from retainer.records.documents.storage import Storage
from retainer.routes import SIDEBAR, TABLE
from retainer.search.indexer import Indexer
from retainer.server.http_server import STOPPING

START_SECONDS = 3.0  # how long a start waits for the database
STALL_SECONDS = 30.0  # how long a streamed answer waits for a client that does not read

CSP = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    b"connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY = [
    (b"content-security-policy", CSP),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
]
NO_STORE = (b"cache-control", b"no-store")


class App:
    """One server process: settings, database, sessions, storage, log."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.table = TABLE
        self.sidebar = SIDEBAR
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
        self.indexer = Indexer(settings.database_url, self.storage, self.log)
        self.deadlines = Deadlines(settings.request_seconds)
        self.proxies = networks(settings.trusted_proxies)
        self.ids = itertools.count(1)
        self.process = secrets.token_hex(5)
        self.headers = SECURITY + (
            [(b"strict-transport-security", b"max-age=31536000")]
            if settings.public_url.startswith("https:")
            else []
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self.serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.lifespan(scope, receive, send)

    async def lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        """Start and stop, as the server asks."""
        await receive()
        scope["state"][STOPPING] = self.live.end
        self.log.adopt()
        background = (
            self.monitor.run(),
            self.deadlines.watch(),
            self.indexer.run(),
            self.live.run(),
        )
        watching = [asyncio.create_task(each) for each in background]
        # A process that starts while the database is away is no failure: it answers 503 until it is
        # back.
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self.monitor.connected.wait()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in watching:
            task.cancel()
        self.database.pool.drop()
        self.log.flush()
        await send({"type": "lifespan.shutdown.complete"})

    async def serve(self, scope: Any, receive: Any, send: Any) -> None:
        """One request. Every error is a problem document with the request's id; an unknown one says
        nothing more.
        """
        started = time.perf_counter()
        request = Request(self, scope, receive, f"{self.process}-{next(self.ids):x}")
        answer = await self.answer(request)
        try:
            await self.send(request, answer, send)
        finally:
            who = request.who
            self.log.request(
                request.method,
                request.path,
                answer.status,
                time.perf_counter() - started,
                request=request.id,
                user=who.user if who else None,
                tenant=who.tenant if who else None,
            )

    async def answer(self, request: Request) -> Answer:
        deadline = request.deadline = self.deadlines.begin()
        try:
            return await handle(request)
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

    async def refusal(self, request: Request, problem: Problem) -> Answer:
        """An error as its page, or as the problem document."""
        if request.wants_page:
            return await render.refusal(request, problem)
        body = problem.body(request.path, request.id)
        return Answer(problem.status, body, (b"content-type", PROBLEM_JSON), *problem.headers)

    async def send(self, request: Request, answer: Answer, send: Any) -> None:
        """Status, headers, body; a stream with a deadline on each stall instead of one on the
        whole.
        """
        answer = compressed(request, answer)
        is_bare = not request.path.startswith("/api/") and self.table.has_page(request.segments)
        if is_bare and all(name != b"vary" for name, _ in answer.headers):
            answer.headers.append((b"vary", b"Accept"))
        own = {
            name for name, _ in answer.headers
        }  # a preview has a policy of its own, and two would both hold
        headers = [header for header in self.headers if header[0] not in own]
        headers += [(b"x-request-id", request.id.encode()), *answer.headers]
        is_page = request.route is not None and request.route.html and b"cache-control" not in own
        if (
            request.route is None
            or request.path.startswith("/api/")
            or request.who is not None
            or is_page
        ):
            headers.append(NO_STORE)
        body = answer.body
        if isinstance(body, bytes):
            if answer.status != 204:
                headers.append((b"content-length", b"%d" % len(body)))
            await send(
                {
                    "type": "http.response.start",
                    "status": answer.status,
                    "headers": headers,
                    "whole": True,
                }
            )
            await send(
                {"type": "http.response.body", "body": b"" if request.method == "HEAD" else body}
            )
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if request.method != "HEAD":
            await self.stream(request, body, send)
        await send({"type": "http.response.body", "body": b""})

    async def stream(self, request: Request, body: AsyncIterator[bytes], send: Any) -> None:
        """Chunk after chunk, until the client has gone."""
        request.left = asyncio.create_task(request.gone())
        try:
            async for chunk in body:
                if request.left.done():
                    return
                async with asyncio.timeout(STALL_SECONDS):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            request.left.cancel()
            if isinstance(body, AsyncGenerator):
                await body.aclose()  # at once: it may hold a connection, or a place

    def client_address(self, scope: Any, headers: dict[bytes, bytes]) -> str:
        """The connection's address; behind trusted proxies the nearest one they did not add
        themselves.
        """
        address: str = scope["client"][0] if scope.get("client") else ""
        forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
        while forwarded and self._is_proxy(address):
            address = forwarded.pop().strip() or address
        return address[:64]

    def _is_proxy(self, address: str) -> bool:
        try:
            return any(ipaddress.ip_address(address) in network for network in self.proxies)
        except ValueError:
            return False


def build() -> App:
    """What the server calls in each of its processes."""
    if multiprocessing.parent_process() is not None:
        die_with_parent()
    return App(load())


def die_with_parent() -> None:
    """End when the main process is killed, instead of serving on without it."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


PR_SET_PDEATHSIG = 1  # Linux's prctl
