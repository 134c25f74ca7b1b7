"""uvicorn with what it lacks: limits on a request's head, whole responses in one write, and a stop
that no client notices.

A stop closes the listening socket, and the kernel then resets whatever has connected but was not
accepted yet; so the last of them are accepted first. Behind a proxy with two instances a restart
fails no request.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.supervisors import Multiprocess, multiprocess

HEAD_SECONDS = 10.0  # for a request's head to arrive
HEAD_BYTES = 64 << 10  # of a head behind its first piece
LINGER_SECONDS = 0.5  # for a request that is on its way on a connection without one
STOPPING = "stopping"  # what the application left in its state to be called when a stop begins
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
            await self._accept_the_last(listening)
        await super().shutdown(sockets)

    async def _accept_the_last(self, listening: socket.socket) -> None:
        """Close it the moment nobody waits on it, then serve who did."""
        last: list[socket.socket] = []
        listening.setblocking(False)
        with suppress(OSError):
            while True:
                last.append(listening.accept()[0])
        listening.close()
        for connection in last:
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, connection)

    def _connection(self) -> "HttpConnection":
        return HttpConnection(self.config, self.server_state, self.lifespan.state)


class Workers(Multiprocess):
    """Several server processes, which share a socket."""

    def terminate_all(self) -> None:
        # Held open here it would let clients connect whom nobody answers any more.
        for listening in self.sockets:
            listening.close()
        super().terminate_all()


# uvicorn offers no other way to choose the class of a worker's server. A worker comes here with its
# configuration.
multiprocess.Server = HttpServer  # type: ignore[attr-defined]


class Exchange(RequestResponseCycle):
    """A request and its response. One that is marked `whole`, its body being there when its head
    is, goes out in one piece: a system call less, and the client is not woken twice.
    """

    head: Any = None

    async def send(self, message: Any) -> None:
        if "whole" in message:
            self.head = message
        elif self.head is None:
            await super().send(message)
        else:
            head, self.head = self.head, None
            if self.flow.write_paused and not self.disconnected:
                await self.flow.drain()
            if not self.disconnected:
                self._answer(
                    head["status"], self.default_headers + head["headers"], message["body"]
                )

    def _answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        lines = [b"%b: %b\r\n" % header for header in headers]
        head = b"".join(lines)
        if head.count(b"\r") != len(lines) or head.count(b"\n") != len(lines) or b"\0" in head:
            raise ValueError("a header's value would begin another line")
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"".join((STATUS_LINE[status], head, end, body)))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


# As for the worker's server above: uvicorn offers no other way.
httptools_impl.RequestResponseCycle = Exchange  # type: ignore[misc]


class HttpConnection(HttpToolsProtocol):
    """An HTTP connection that does not wait for ever for the rest of a request's head, nor take one
    without end, and that answers what it was sent before it ends.
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
        # Still waiting for the same head: all of this piece was of it.
        self.head_size = (
            self.head_size + len(data) if waiting is not None and waiting is self.waiting else 0
        )
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
        """The server stops. What was on its way is answered, as the last on this connection: a
        client or a proxy that reuses connections sends without knowing that this one is about to
        close.
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
        self.waiting = self.loop.call_later(HEAD_SECONDS, transport.close) if transport else None
