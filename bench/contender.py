"""A contender: a server under test, reached as its users reach it, and checked to do the same work
as the others.
"""

import contextlib
import http.client
import json
import subprocess
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import processes, rows

FIELDS = {*next(rows.organizations(1, seed=0)), "id", "createdAt", "updatedAt"}


class UnavailableError(Exception):
    """A contender that cannot take part; the message says why."""


@dataclass(frozen=True)
class Answer:
    status: int
    cookie: str
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Contender:
    """A running server. Cookies are those of an admin of the first (large) and the second (small)
    tenant.
    """

    name: str
    version: str
    port: int
    process: subprocess.Popen[bytes]
    large_cookie: str = ""
    small_cookie: str = ""
    tenant: int = 1  # the large one
    small_tenant: int = 2
    path: str = "/api/organizations"
    list_path: str = "/api/organizations"
    wrapped: bool = False  # its answers have what was asked for under `data`
    refusals: Mapping[int, int] = field(default_factory=dict)  # its status where others say 401 …
    without: Collection[str] = ()  # workloads that it does not take
    ids: tuple[int, int] = (1, rows.LARGE)  # first and last id of its organizations
    rss_idle: int = 0
    pss_idle: int = 0

    def note_memory(self) -> None:
        """Memory after start and before the first list, in bytes."""
        pids = processes.tree(self.process.pid)
        self.rss_idle, self.pss_idle = processes.rss_bytes(pids), processes.pss_bytes(pids)


def ask(
    port: int,
    method: str,
    path: str,
    cookie: str = "",
    body: Any = None,
    kind: str = "application/json",
    seconds: float = 30.0,
) -> Answer:
    """One request on a connection of its own; a body that is no text is sent as JSON."""
    headers = {"Accept": "application/json"}
    if cookie:
        headers["Cookie"] = cookie
    content = body
    if body is not None:
        headers["Content-Type"] = kind
        content = body if isinstance(body, str) else json.dumps(body)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    with contextlib.closing(connection):
        connection.request(method, path, content, headers)
        got = connection.getresponse()
        cookies = (got.getheader("Set-Cookie") or "").partition(";")[0]
        return Answer(got.status, cookies, got.read())


def wait(
    port: int, process: subprocess.Popen[bytes], log: Path, path: str, seconds: float = 60.0
) -> None:
    """Return when `path` answers below 500, however it answers."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if ask(port, "GET", path).status < 500:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise UnavailableError(f"it did not start:\n{processes.tail(log)}")
        time.sleep(0.02)


def log_in(port: int, username: str, password: str) -> str:
    """The session cookie, as `connect.sid=…`."""
    got = ask(port, "POST", "/api/login", body={"username": username, "password": password})
    if not got.cookie.startswith("connect.sid="):
        raise UnavailableError(
            f"login of {username} answered {got.status} without the cookie connect.sid"
        )
    return got.cookie


def check(contender: Contender, guest_cookie: str = "") -> None:
    """Check that a contender does the same work as the others: session, tenant, role, body, and the
    same rows in the same shape. Raises UnavailableError.
    """
    first, last = contender.ids
    one = f"{contender.path}/{(first + last) // 2}"
    new = next(rows.organizations(1, seed=4))
    wrong = new | {"type": "nonsense"}
    large, small = contender.large_cookie, contender.small_cookie
    _expect(contender, 401, "GET", one)
    _expect(contender, 404, "GET", one, small)
    _expect(contender, 404, "GET", f"{contender.path}/{last + 10**9}", large)
    _expect(contender, 401, "POST", contender.path, body=new)
    _expect(contender, 422, "POST", contender.path, small, wrong)
    if guest_cookie:
        _expect(contender, 403, "POST", contender.path, guest_cookie, new)
    _check_one(_rows(contender, one, large))
    listed = _rows(contender, contender.list_path, small)
    if {row["name"] for row in listed} != {row["name"] for row in rows.tenants()[1]}:
        raise UnavailableError(
            f"its list of {rows.SMALL} holds {len(listed)} rows, or others than seeded"
        )
    listed = _rows(contender, contender.list_path, large)
    if len(listed) != rows.LARGE:
        raise UnavailableError(f"its list of {rows.LARGE} holds {len(listed)} rows")


def _rows(contender: Contender, path: str, cookie: str) -> Any:
    got = _expect(contender, 200, "GET", path, cookie).json()
    return got["data"] if contender.wrapped else got


def _expect(
    contender: Contender, status: int, method: str, path: str, cookie: str = "", body: Any = None
) -> Answer:
    got = ask(contender.port, method, path, cookie, body)
    accepted = {status, contender.refusals.get(status, status)}
    if status == 422:
        accepted.add(400)
    if got.status not in accepted:
        who = "signed in" if cookie else "anonymous"
        what = f"{method} {path} ({who}) answered {got.status} instead of {status}"
        raise UnavailableError(f"{what}: {got.body[:200]!r}")
    return got


def _check_one(organization: dict[str, Any]) -> None:
    missing = FIELDS - organization.keys()
    if missing or len(organization["metadata"]) != 3:
        raise UnavailableError(
            f"an organization lacks {', '.join(sorted(missing)) or 'its metadata'}"
        )
    seeded = {row["name"]: row for row in rows.tenants()[0]}[organization["name"]]
    if any(organization[field] != seeded[field] for field in seeded):
        raise UnavailableError("an organization is not as seeded")
    datetime.fromisoformat(organization["createdAt"])
