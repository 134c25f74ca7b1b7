"""uvicorn with what it lacks: limits on a request's head, whole responses in one write, and a stop
that no client notices.

A stop closes the listening socket, and the kernel then resets whatever has connected but was not
accepted yet; so the last of them are accepted first. Behind a proxy with two instances a restart
fails no request.
"""

import asyncio
import socket
from contextlib import suppress

import uvicorn
from starlette.types import Message
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.supervisors import Multiprocess, multiprocess

HEAD_SECONDS = 10.0  # for a request's head to arrive
HEAD_BYTES = 64 << 10  # of a head behind its first piece
LINGER_SECONDS = 0.5  # for a request that is on its way on an idle connection
STOPPING = "stopping"  # key in the lifespan state of the function to call when a stop begins
SETTLE_SECONDS = 0.02  # for the event loop to let go of a socket


class HttpServer(uvicorn.Server):
    """One server process."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
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

    def terminate_all(self) -> None:
        # While this process held the socket open, clients could connect that no worker answers.
        for listening in self.sockets:
            listening.close()
        super().terminate_all()


# uvicorn offers no other way to choose the class of a worker's server. A worker imports this module
# with its configuration, before it makes its server.
multiprocess.Server = HttpServer  # type: ignore[attr-defined]


class HttpCycle(RequestResponseCycle):
    """One request and its response. A message http.response.start with the key `whole` waits for
    its body, and both go out in one write: one system call less, and the client wakes once.
    """

    head: Message | None = None

    async def send(self, message: Message) -> None:  # type: ignore[override]
        if "whole" in message:
            self.head = message
        elif self.head is None:
            await super().send(message)  # type: ignore[arg-type]
        else:
            head, self.head = self.head, None
            if self.flow.write_paused and not self.disconnected:
                await self.flow.drain()
            if not self.disconnected:
                headers = self.default_headers + head["headers"]
                self._write_whole(head["status"], headers, message["body"])

    def _write_whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        lines = [b"%b: %b\r\n" % header for header in headers]
        head = b"".join(lines)
        if head.count(b"\r") != len(lines) or head.count(b"\n") != len(lines) or b"\0" in head:
            raise ValueError("a header's value would begin another line")
        end = b"\r\n"
        if not self.keep_alive:
            end = b"connection: close\r\n\r\n"
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"".join((STATUS_LINE[status], head, end, body)))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


# As for the worker's server above: uvicorn offers no other way.
httptools_impl.RequestResponseCycle = HttpCycle  # type: ignore[misc]


class HttpConnection(HttpToolsProtocol):
    """An HTTP connection with limits on the time and the size of a request's head. When the server
    stops it answers the request that it has.
    """

    waiting: asyncio.TimerHandle | None = None
    in_head = False
    head_size = 0
    is_stopping = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._wait(transport)

    def data_received(self, data: bytes) -> None:
        waiting = self.waiting
        super().data_received(data)
        if self.in_head and self.waiting is None:
            self._wait(self.transport)
        # If the timer is still the same, this piece was all of one head, and the head goes on.
        is_same_head = waiting is not None and waiting is self.waiting
        if is_same_head:
            self.head_size += len(data)
        else:
            self.head_size = 0
        if self.head_size > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait(None)
        self.in_head = True

    def on_headers_complete(self) -> None:
        self.in_head = False
        self._wait(None)
        super().on_headers_complete()
        self._end_reuse()

    def shutdown(self) -> None:
        """Answer the request that is on its way as the last one, then close. A client or a proxy
        that reuses connections may send before it learns that this one is about to close.
        """
        self.is_stopping = True
        self._end_reuse()
        self.loop.call_later(LINGER_SECONDS, self._close_if_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
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
