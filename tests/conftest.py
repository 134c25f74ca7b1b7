"""A real server on a real PostgreSQL, and a fresh consultancy with its cast for each test.

Ada is admin, Cora consultant; Stan is staff and Gita a guest, both members of Acme and of nothing else; Sam is staff
with no organization; Olga is admin of another tenant.
"""

import asyncio
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chromium import browser as browser
from retainer.database.pool import connect

PASSWORD = "correct horse battery"


class Server:
    """A `retainer serve` of its own, on a data folder of its own."""

    def __init__(self, folder: Path | None = None, **settings: str) -> None:
        self.folder = folder or data_folder()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = settings
        self.log = self.folder / "server.log"
        self.start()

    def start(self, *, wait: bool = True) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RETAINER_")}
        environment |= {"RETAINER_LOG": "changes"} | {
            f"RETAINER_{k.upper()}": v for k, v in self.settings.items()
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "retainer", "serve", "--data", str(self.folder), "--port", str(self.port)],
                env=environment, stdout=log, stderr=log,
            )  # fmt: skip
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended:\n{self.log.read_text()}")
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"the server is not ready:\n{self.log.read_text()}")

    def errors(self) -> str:
        """The unknown errors in the log, for a failed assertion's message."""
        return "\n".join(
            line for line in self.log.read_text().splitlines() if '"event":"error"' in line
        )[-4000:]

    def last_words(self) -> str:
        """The ends of both logs, for a failed assertion's message."""
        logs = (self.log, self.folder / "postgres.log")
        return "\n".join(log.read_text()[-3000:] for log in logs if log.exists())

    @property
    def database_url(self) -> str:
        from retainer.server.postgres import embedded

        url = self.settings.get("database_url") or embedded.running(self.folder)
        assert url
        return url

    def stop(self, *, remove: bool = True) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
        return code


def data_folder() -> Path:
    """A folder that PostgreSQL's own account may pass through (pytest's are for root alone)."""
    folder = Path(tempfile.mkdtemp(prefix="retainer-test-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sql:
    """The owner's connection to the database, from tests that are not async."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.connection = self.run(connect(url))

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def rows(self, text: str, *arguments: Any) -> list[Any]:
        return self.run(self.connection.fetch(text, *arguments))

    def value(self, text: str, *arguments: Any) -> Any:
        return self.run(self.connection.fetchval(text, *arguments))

    def close(self) -> None:
        self.run(self.connection.close())
        self.loop.call_soon_threadsafe(self.loop.stop)


class Person:
    """Somebody signed in: requests carry their cookie."""

    def __init__(
        self, client: httpx.Client, tenant: int, id: int, username: str, token: str | None
    ) -> None:
        self.client, self.tenant, self.id, self.username, self.token = (
            client,
            tenant,
            id,
            username,
            token,
        )

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Cookie", f"connect.sid={self.token}")
        return self.client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.request("POST", path, **({"json": body} if body is not None else {}), **options)

    def put(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.request("PUT", path, json={} if body is None else body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.request("PATCH", path, json={} if body is None else body, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def made(self, path: str, **body: Any) -> dict[str, Any]:
        """What a POST makes, which must succeed."""
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else {}


class Cast:
    """A fresh consultancy: its people, and Acme with a member of each kind."""

    def __init__(self, sql: Sql, client: httpx.Client) -> None:
        self.sql = sql
        self.client = client
        client.cookies.clear()  # a login of the test before
        self.tenant = self._tenant("Consultancy")
        self.other_tenant = self._tenant("Another consultancy")
        self.ada = self.person("Ada", "admin")
        self.cora = self.person("Cora", "consultant")
        self.acme = self.ada.made("/api/organizations", name="Acme Corporation", type="customer")[
            "id"
        ]
        self.globex = self.ada.made("/api/organizations", name="Globex", type="prospect")["id"]
        self.stan_contact = self.contact("Stan", "internal")
        self.gita_contact = self.contact("Gita", "client")
        for contact in (self.stan_contact, self.gita_contact):
            self.ada.made(
                f"/api/organizations/{self.acme}/members", contactId=contact, role="member"
            )
        self.stan = self.person("Stan", "staff", contact=self.stan_contact)
        self.gita = self.person("Gita", "guest", contact=self.gita_contact)
        self.sam = self.person("Sam", "staff")
        self.olga = self.person("Olga", "admin", tenant=self.other_tenant)
        self.nobody = Person(client, 0, 0, "", None)
        self.asking = self.ada  # whose a sample is that nobody else sees

    def _tenant(self, name: str) -> int:
        return int(self.sql.value("INSERT INTO tenants (name) VALUES ($1) RETURNING id", name))

    def contact(self, name: str, type: str = "client") -> int:
        return int(
            self.ada.made(
                "/api/contacts",
                fullName=name,
                email=f"{secrets.token_hex(6)}@example.com",
                type=type,
            )["id"]
        )

    def person(
        self, name: str, role: str, *, tenant: int | None = None, contact: int | None = None
    ) -> Person:
        """A user with a session, made in the database: no password is hashed for it."""
        tenant = tenant or self.tenant
        username = f"{name.lower()}.{secrets.token_hex(6)}@example.com"
        token = secrets.token_urlsafe(32)
        user = self.sql.value(
            """WITH acting AS MATERIALIZED (
                   SELECT set_config('retainer.tenant', $1::text, true),
                          acting_as(NULL, 'command', 'command', NULL, 'test'))
               INSERT INTO users (tenant_id, username, full_name, role, contact_id)
               SELECT $1::bigint, $2, $3, $4, $5 FROM acting RETURNING id""".replace("$1::text", "$6"),
            tenant, username, name, role, contact, str(tenant),
        )  # fmt: skip
        self.sql.rows(
            """INSERT INTO sessions (tenant_id, user_id, token_hash, idle_expires_at, expires_at)
               VALUES ($1, $2, $3, now() + interval '1 day', now() + interval '30 days')""",
            tenant, user, hashlib.sha256(token.encode()).digest(),
        )  # fmt: skip
        return Person(self.client, tenant, int(user), username, token)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    running = Server(admin_email="root@example.com", admin_password=PASSWORD)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def sql(server: Server) -> Iterator[Sql]:
    owner = Sql(server.database_url)
    yield owner
    owner.close()


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as shared:
        yield shared


@pytest.fixture
def cast(sql: Sql, client: httpx.Client) -> Cast:
    return Cast(sql, client)
