"""The time between the bound port and the first server that accepts: who calls is answered, and the
database is waited for.

A port that is bound and not served lets connections hang: a liveness probe would end a long
migration in its middle, again and again.
"""

import asyncio
import multiprocessing
import secrets
import select
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Protocol, Self, TypeVar

import asyncpg
import msgspec

from retainer.database.migrate import NotWritable
from retainer.errors import PROBLEM_JSON, Unavailable, title
from retainer.http.headers import SECURITY
from retainer.http.log import Log

HEAD_SECONDS = 5.0  # for a request's head to arrive
HEAD_BYTES = 64 << 10
MAX_CONNECTIONS = 200  # answered at a time
LOOK_SECONDS = 0.01  # between two looks whether a server accepts
LINGER_SECONDS = 1.0  # for the client to read its answer, while it may be sending a body
HANDOVER_SECONDS = 1.0  # the longest that a server waits for the responder's end
RETRY_SECONDS = 0.5  # between two attempts to reach the database
STARTING = "Retainer is starting. Try again shortly."

T = TypeVar("T")


class Flag(Protocol):
    """The common part of the events of threads and of processes."""

    def set(self) -> None: ...

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


class Handover:
    """The moment when a server begins to accept: the responder has ended by then, so that nobody is
    told that we are starting once somebody was told that we are ready.
    """

    def __init__(self, workers: int) -> None:
        self.is_wanted: Flag = threading.Event()
        self.is_done: Flag = threading.Event()
        if workers > 1:  # the server is another process
            spawning = multiprocessing.get_context("spawn")
            self.is_wanted, self.is_done = spawning.Event(), spawning.Event()

    def take(self) -> None:
        """Called by a server before it accepts."""
        self.is_wanted.set()
        self.is_done.wait(HANDOVER_SECONDS)


class StartupResponder:
    """Answers whoever calls during the start: /healthz by 200, all else by 503. It accepts in a
    thread of its own, and each connection has one; asyncio's server would drop a connection that it
    has accepted when it is closed at the same moment.
    """

    def __init__(self, listener: socket.socket, handover: Handover) -> None:
        self.socket = listener.dup()
        self.handover = handover
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.places = threading.Semaphore(MAX_CONNECTIONS)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.handover.is_wanted.set()
        self.thread.join(HANDOVER_SECONDS)

    def _run(self) -> None:
        self.socket.setblocking(False)
        try:
            while not self.handover.is_wanted.is_set():
                if select.select([self.socket], [], [], LOOK_SECONDS)[0]:
                    self._accept()
        finally:
            self.socket.close()
            self.handover.is_done.set()

    def _accept(self) -> None:
        self.places.acquire()
        try:
            client, _ = self.socket.accept()
        except OSError:  # it has gone
            self.places.release()
            time.sleep(LOOK_SECONDS)
            return
        threading.Thread(target=self._respond, args=(client,), daemon=True).start()

    def _respond(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = _head(client)
            if head:
                client.sendall(_response(head))
                client.shutdown(socket.SHUT_WR)
                _drain(client)
        self.places.release()


def _head(client: socket.socket) -> bytes:
    """The head of a request; empty when it does not come in time. Raises OSError."""
    head, until = b"", time.monotonic() + HEAD_SECONDS
    while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES:
        client.settimeout(max(0.001, until - time.monotonic()))
        data = client.recv(HEAD_BYTES)
        if not data:
            return b""
        head += data
    return head


def _drain(client: socket.socket) -> None:
    """Read on for a while: closed with a body unread, the answer might not reach its client."""
    until = time.monotonic() + LINGER_SECONDS
    while (left := until - time.monotonic()) > 0:
        client.settimeout(left)
        if not client.recv(HEAD_BYTES):
            return


def _response(head: bytes) -> bytes:
    """The response to the head of a request, and the end of its connection."""
    method, target, *_ = [*head.partition(b"\r\n")[0].decode("latin-1").split(" "), "", ""]
    path = target.partition("?")[0]
    request_id = secrets.token_hex(6)
    status, kind, body = 200, "application/json", msgspec.json.encode({"status": "starting"})
    if path != "/healthz":
        problem = Unavailable(STARTING)
        status, kind, body = problem.status, PROBLEM_JSON, problem.body(path, request_id)
    lines = [
        f"HTTP/1.1 {status} {title(status)}",
        f"content-type: {kind}",
        f"content-length: {len(body)}",
        f"x-request-id: {request_id}",
        "cache-control: no-store",
        *(f"{name.decode()}: {value.decode()}" for name, value in SECURITY),
        "connection: close",
    ]
    if status != 200:
        lines.append("retry-after: 1")
    text = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
    if method == "HEAD":
        return text
    return text + body


def when_database_answers(work: Callable[[], Coroutine[None, None, T]], log: Log) -> T:
    """The result of `work`, which is repeated while the database is away or takes no writes. The
    log says so once for each reason. Raises what waiting does not cure.
    """
    told = ""
    while True:
        try:
            return asyncio.run(work())
        except (asyncpg.PostgresError, asyncpg.InternalClientError, NotWritable, OSError) as error:
            reason = _why_away(error)
            if reason is None:
                raise
            if reason != told:
                log.event("waiting for the database", reason=reason)
            told = reason
        time.sleep(RETRY_SECONDS)


def _why_away(error: Exception) -> str | None:
    """The reason, when the same attempt may succeed later; else None."""
    if isinstance(error, OSError):
        return f"it cannot be reached ({error.strerror or str(error) or 'it does not answer'})"
    if isinstance(error, NotWritable):
        return str(error)
    state = getattr(error, "sqlstate", None) or "08"
    is_away = state[:2] in ("08", "57") or state in ("53300", "25006")
    if is_away and state != "57014":
        return str(error.args[0])
    return None
