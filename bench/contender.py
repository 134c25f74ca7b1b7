"""A contender: a server under test, reached as its users reach it, and checked to do the same work
as the others.
"""

import contextlib
import http.client
import json
import subprocess
import time
from dataclasses import dataclass
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
    ids: tuple[int, int] = (1, rows.LARGE)  # first and last id of its organizations
    rss_idle: int = 0
    pss_idle: int = 0

    def note_memory(self) -> None:
        """Memory after start and before the first list, in bytes."""
        pids = processes.tree(self.process.pid)
        self.rss_idle, self.pss_idle = processes.rss_bytes(pids), processes.pss_bytes(pids)


def ask(port: int, method: str, path: str, cookie: str = "", body: Any = None) -> Answer:
    """One request on a connection of its own."""
    headers = {"Accept": "application/json"}
    if cookie:
        headers["Cookie"] = cookie
    content = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(body)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
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
    path = f"/api/organizations/{(first + last) // 2}"
    new = next(rows.organizations(1, seed=4))
    _expect(contender, 401, "GET", path)
    _expect(contender, 404, "GET", path, contender.small_cookie)
    _expect(contender, 404, "GET", f"/api/organizations/{last + 10**9}", contender.large_cookie)
    _expect(contender, 401, "POST", "/api/organizations", body=new)
    _expect(
        contender,
        422,
        "POST",
        "/api/organizations",
        contender.small_cookie,
        new | {"type": "nonsense"},
    )
    if guest_cookie:
        _expect(contender, 403, "POST", "/api/organizations", guest_cookie, new)
    _check_one(_expect(contender, 200, "GET", path, contender.large_cookie).json())
    small = _expect(contender, 200, "GET", "/api/organizations", contender.small_cookie).json()
    if {row["name"] for row in small} != {row["name"] for row in rows.tenants()[1]}:
        raise UnavailableError(
            f"its list of {rows.SMALL} holds {len(small)} rows, or others than seeded"
        )
    large = _expect(contender, 200, "GET", "/api/organizations", contender.large_cookie).json()
    if len(large) != rows.LARGE:
        raise UnavailableError(f"its list of {rows.LARGE} holds {len(large)} rows")


def _expect(
    contender: Contender, status: int, method: str, path: str, cookie: str = "", body: Any = None
) -> Answer:
    got = ask(contender.port, method, path, cookie, body)
    accepted = {400, 422} if status == 422 else {status}
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
