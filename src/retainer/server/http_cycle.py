"""One request and its response, as uvicorn has them, with whole responses in one write."""

import secrets
from typing import Any

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from retainer.errors import PROBLEM_JSON, Problem
from retainer.http.headers import SECURITY


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
                headers = self.default_headers + head["headers"]
                self._write_whole(head["status"], headers, message["body"])

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
        self._write_whole(problem.status, self.default_headers + headers, body)

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
