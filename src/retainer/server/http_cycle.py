"""One request and its response, as uvicorn has them, with whole responses in one write; and the
time of idle connections, by one timer for all requests of one.
"""

import asyncio
import secrets
from collections import deque
from typing import Any

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from retainer.errors import PROBLEM_JSON, Problem
from retainer.http.headers import SECURITY

WholeResponse = tuple[int, list[tuple[bytes, bytes]], bytes]  # status, headers, body
REFUSALS_AT_ONCE = 16


class HttpCycle(RequestResponseCycle):
    """One request and its response. A message http.response.start with the key `whole` waits for
    its body, and both go out in one write: one system call less, and the client wakes once.
    """

    head: Message | None = None
    flaw: Problem | None = None  # why the rest of the body cannot be read

    async def receive(self) -> Any:
        message = await super().receive()
        if self.flaw is None or self.disconnected:
            return message
        return {"type": "http.disconnect", "flaw": self.flaw}

    def spoil(self, flaw: Problem) -> None:
        """End the request in the midst of its body, for a reason that the application answers."""
        self.flaw = flaw
        self.keep_alive = False
        self.message_event.set()
        if self.response_complete:
            self.transport.close()

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
                self.write_whole(head["status"], head["headers"], message["body"])

    def write_whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Write a whole response."""
        self._write_whole(status, self.default_headers + headers, body)

    async def send_500_response(self) -> None:
        """Answer for an application that failed to: as it would have, but without its log line."""
        request_id = secrets.token_hex(6)
        problem = Problem()
        body = problem.body(self.scope["path"], request_id)
        self.keep_alive = False
        headers = [
            *SECURITY,
            (b"cache-control", b"no-store"),
            (b"x-request-id", request_id.encode()),
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", b"%d" % len(body)),
        ]
        self.write_whole(problem.status, headers, body)

    def _write_whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        head = b"\r\n".join(map(b": ".join, headers))
        breaks = len(headers) - 1
        if head.count(b"\r") != breaks or head.count(b"\n") != breaks or b"\0" in head:
            raise ValueError("a header's value would begin another line")
        end = b"\r\n\r\n"
        if not self.keep_alive:
            end = b"\r\nconnection: close\r\n\r\n"
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"".join((STATUS_LINE[status], head, end, body)))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class Refusals:
    """Refusals that are ready to be written: a few in each turn of the event loop. A turn that
    writes hundreds leaves each of the database's connections idle for as long.
    """

    def __init__(self) -> None:
        self.waiting: deque[tuple[HttpCycle, WholeResponse]] = deque()

    def add(self, cycle: HttpCycle, response: WholeResponse) -> None:
        """Write a refusal in its turn."""
        if not self.waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self.waiting.append((cycle, response))

    def _write(self) -> None:
        for _ in range(min(REFUSALS_AT_ONCE, len(self.waiting))):
            cycle, response = self.waiting.popleft()
            if not cycle.disconnected:
                cycle.write_whole(*response)
        if self.waiting:
            asyncio.get_running_loop().call_soon(self._write)


class IdleProtocol(HttpToolsProtocol):
    """A connection that is closed when it has been idle for its time. uvicorn sets and cancels a
    timer for each response, which costs as much as parsing the request.
    """

    idle_since: float | None = None  # None while a request is on its way

    def be_busy(self) -> None:
        """Something has arrived: the connection is not idle."""
        self.idle_since = None

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            # In a task: answered at once, each would wait within the one before it.
            HttpToolsProtocol._start_asgi_task(self, *self.pipeline.pop())
            return
        self.idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(self.timeout_keep_alive)

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if its time is over, else look again when it will be."""
        self.timeout_keep_alive_task = None
        if self.idle_since is None:  # the next response sets the timer
            return
        left = self.idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_after(left)
        else:
            super().timeout_keep_alive_handler()
