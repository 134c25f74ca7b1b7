"""uvicorn with what it lacks: limits on a request's head, whole responses in one write, refusals of
what is no HTTP by the application, and a stop that no client notices.

A stop closes the listening socket, and the kernel then resets whatever has connected but was not
accepted yet; so the last of them are accepted first. Behind a proxy with two instances a restart
fails no request.
"""

import asyncio
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httptools
import uvicorn
import uvicorn.server
from uvicorn.protocols.http import httptools_impl
from uvicorn.supervisors import Multiprocess, multiprocess

from retainer.errors import MalformedRequest, Overloaded, Problem
from retainer.http.headers import Headers, client_address
from retainer.http.request import SIGNED_IN
from retainer.server import signals
from retainer.server.connections import Connections
from retainer.server.http_cycle import HttpCycle, IdleProtocol, Refusals
from retainer.server.notify import ENDING, notify

HEAD_SECONDS = 10.0  # for a request's head to arrive
HEAD_BYTES = 64 << 10  # of a head behind its first piece
DRAIN_SECONDS = 10.0  # for the rest of a body whose request has been answered
LINGER_SECONDS = 0.5  # for a request that is on its way on an idle connection
CONNECTIONS = "connections"  # key in the lifespan state of the places of connections
STOPPING = "stopping"  # key in the lifespan state of the function to call when a stop begins
DOOR = "door"  # key in the lifespan state of what may answer a request before it is served
SETTLE_SECONDS = 0.02  # for the event loop to let go of a socket

_UNENCODED = (
    "The address holds characters that are not ASCII; percent-encode them as UTF-8, such as "
    "Z%C3%BCrich for Zürich."
)
_HEAD_TOO_LARGE = "The head of the request is too large."
_UNCOUNTED = Connections(sys.maxsize, sys.maxsize)
_NO_TUNNELS = "CONNECT asks for a tunnel, and this is no proxy."


# uvicorn handles the first two of them. It offers no other way.
uvicorn.server.HANDLED_SIGNALS = signals.handled()  # type: ignore[assignment]


class Options(uvicorn.Config):
    """uvicorn's configuration, and what a server calls just before it accepts connections."""

    before_accepting: Callable[[], None] | None = None


class HttpServer(uvicorn.Server):
    """One server process."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if threading.current_thread() is threading.main_thread():
            signals.ignore(signals.NOTHING)
        start_application = self.lifespan.startup

        async def start_and_take_over() -> None:
            await start_application()
            if isinstance(self.config, Options) and self.config.before_accepting is not None:
                self.config.before_accepting()

        self.lifespan.startup = start_and_take_over
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        notify(ENDING)
        if STOPPING in self.lifespan.state:
            self.lifespan.state[STOPPING]()
        kept = [listening.dup() for listening in sockets or []]
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        await asyncio.sleep(SETTLE_SECONDS)
        for listening in kept:
            await self._accept_waiting(listening)
        await super().shutdown(sockets)

    async def _accept_waiting(self, listening: socket.socket) -> None:
        """Accept the connections that wait on a socket, close it, and serve them."""
        waiting: list[socket.socket] = []
        listening.setblocking(False)
        with suppress(OSError):
            while True:
                waiting.append(listening.accept()[0])
        listening.close()
        for connection in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, connection)

    def _connection(self) -> "HttpConnection":
        return HttpConnection(self.config, self.server_state, self.lifespan.state)


class Workers(Multiprocess):
    """Several server processes, which share a socket."""

    def handle_quit(self) -> None:
        """Stop at SIGQUIT as at SIGTERM."""
        self.should_exit.set()

    def terminate_all(self) -> None:
        notify(ENDING)
        # While this process held the socket open, clients could connect that no worker answers.
        for listening in self.sockets:
            listening.close()
        super().terminate_all()


# uvicorn offers no other way to choose the class of a worker's server. A worker imports this module
# with its configuration, before it makes its server.
multiprocess.Server = HttpServer  # type: ignore[attr-defined]


# As for the worker's server above: uvicorn offers no other way.
httptools_impl.RequestResponseCycle = HttpCycle  # type: ignore[misc]


_refusals = Refusals()


class HttpConnection(IdleProtocol):
    """An HTTP connection with limits on the time and the size of a request's head. When the server
    stops it answers the request that it has.

    Offers to change the protocol are ignored (RFC 9110, 7.8). What is no HTTP is a request with the
    key `flaw` in its scope, which the application answers in its turn, as the last one.
    """

    waiting: asyncio.TimerHandle | None = None
    draining: asyncio.TimerHandle | None = None
    is_of_proxy = False
    in_head = False
    head_size = 0
    is_stopping = False
    is_flawed = False  # what follows is not read
    cycle: HttpCycle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._wait(transport)
        self.places: Connections = self.app_state.get(CONNECTIONS, _UNCOUNTED)
        peer = self._peer()
        self.is_of_proxy = self.places.is_proxy(peer)
        try:
            self.places.enter(self, peer, self.loop.time())
        except Overloaded as problem:
            self._refuse(problem)

    def _peer(self) -> str:
        if self.client is None:
            return ""
        return self.client[0]

    def give_way(self) -> None:
        """Close, for a new client; a body that is still coming is answered by 503."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.more_body:
            self.transport.abort()  # its place is taken: it must not wait for a client to read
        else:
            self.cycle.spoil(Overloaded())

    def data_received(self, data: bytes) -> None:
        self.be_busy()
        waiting = self.waiting
        self._feed(data)
        if self.in_head and self.waiting is None:
            self._wait(self.transport)
        # If the timer is still the same, this piece was all of one head, and the head goes on.
        is_same_head = waiting is not None and waiting is self.waiting
        if is_same_head:
            self.head_size += len(data)
        else:
            self.head_size = 0
        if self.head_size > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(MalformedRequest(_HEAD_TOO_LARGE))

    def _feed(self, data: bytes) -> None:
        while data and not self.is_flawed:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                data = data[offer.args[0] :]
                self._ignore_offer()
            except httptools.HttpParserError as error:
                self._refuse(MalformedRequest(_explained(error, data)))
            else:
                return

    def _ignore_offer(self) -> None:
        """Read the head again, without its `Upgrade`. With it the parser takes whatever follows,
        the body too, for another protocol's.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            self._refuse(MalformedRequest(_NO_TUNNELS))
            return
        lines = [b"%b %b HTTP/%b" % (method, self.url, version.encode())]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.parser.feed_data(b"\r\n".join([*lines, b"\r\n"]))

    def _refuse(self, flaw: Problem) -> None:
        """Let the application refuse what cannot be read, after the requests before it."""
        self.is_flawed = True
        self._wait(None)
        if self.cycle is not None and self.cycle.scope is self.scope:
            self.cycle.spoil(flaw)
            return
        if self.scope is None:
            super().on_message_begin()
        path = self.url.decode("latin-1").partition("?")[0] or "/"
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope |= {"method": "-", "path": path, "query_string": b"", "flaw": flaw}
        self._begin_cycle()

    def _begin_cycle(self) -> None:
        """Answer a request without a body as the last one of the connection."""
        before = self.cycle
        self.cycle = HttpCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )
        self.cycle.more_body = False
        self.cycle.message_event.set()
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.pipeline.appendleft((self.cycle, self.app))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait(None)
        self.in_head = True
        self.scope[SIGNED_IN] = self._know  # type: ignore[literal-required]

    def on_headers_complete(self) -> None:
        self.in_head = False
        self._wait(None)
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self._end_reuse()
        if self.is_of_proxy and not self.cycle.response_complete:
            self._count_forwarded()

    def _start_asgi_task(self, cycle: HttpCycle, app: Any) -> None:  # type: ignore[override]
        """Let the application answer, or refuse at the door."""
        door = self.app_state.get(DOOR)
        if door is not None and not self.is_stopping and "flaw" not in cycle.scope:
            response = door(cycle.scope)
            if response is not None:
                _refusals.add(cycle, response)
                return
        super()._start_asgi_task(cycle, app)

    def _know(self, is_signed_in: bool) -> None:
        self.places.know(self, is_signed_in=is_signed_in)

    def _count_forwarded(self) -> None:
        """Count the connection for the client that its proxy names, until the response."""
        try:
            address = client_address(self._peer(), Headers(self.headers), self.places.proxies)
            if not self.places.is_proxy(address):
                self.places.move(self, address, self.loop.time())
        except Overloaded as problem:
            self.scope["flaw"] = problem  # type: ignore[typeddict-unknown-key]

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.is_of_proxy:
            self.places.release(self)
        if self.cycle.response_complete and self.cycle.more_body:
            self.cycle.body = bytearray()  # what came unread would be kept with the connection
            self.draining = self.loop.call_later(DRAIN_SECONDS, self.transport.close)

    def _end_draining(self) -> None:
        if self.draining is not None:
            self.draining.cancel()
            self.draining = None

    def on_message_complete(self) -> None:
        self._end_draining()
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def shutdown(self) -> None:
        """Answer the request that is on its way as the last one, then close. A client or a proxy
        that reuses connections may send before it learns that this one is about to close.
        """
        self.is_stopping = True
        self._end_reuse()
        self.loop.call_later(LINGER_SECONDS, self._close_if_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        self._end_draining()
        self._unset_keepalive_if_required()
        self.places.leave(self)
        super().connection_lost(exc)

    def _end_reuse(self) -> None:
        if self.is_stopping and self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _wait(self, transport: asyncio.BaseTransport | None) -> None:
        if self.waiting is not None:
            self.waiting.cancel()
        self.waiting = None
        if transport is not None:
            self.waiting = self.loop.call_later(HEAD_SECONDS, transport.close)


def _explained(error: httptools.HttpParserError, data: bytes) -> str:
    """The flaw of bytes that are no HTTP, and what would be right."""
    if isinstance(error, httptools.HttpParserInvalidURLError) and not data.isascii():
        return _UNENCODED
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return "The request begins with no method of HTTP/1.1; methods are capitals, such as GET."
    if isinstance(error, httptools.HttpParserCallbackError):
        return "The address is not one of HTTP; it begins with a slash."
    return f"The request is not valid HTTP/1.1: {error}."
