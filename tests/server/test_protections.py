"""Protections that are asked for are looked at: the role, row-level security, replicated commits."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from support.kill import sign_in
from support.server import Server, status, until
from support.sql import Sql

pytestmark = pytest.mark.slow  # each starts, stops or kills a server of its own


@pytest.fixture
def superuser(own: Server) -> Iterator[Sql]:
    cluster = Sql(own.database_url.replace("retainer@/", "postgres@/"))
    cluster.rows("SET synchronous_commit = local")
    yield cluster
    cluster.close()


def events(server: Server, event: str) -> list[dict[str, Any]]:
    lines = (line for line in server.log.read_text().splitlines() if line.startswith("{"))
    return [each for each in map(json.loads, lines) if each["event"] == event]


def test_a_role_that_row_level_security_does_not_bind_serves_nobody(
    own: Server, superuser: Sql
) -> None:
    cookie = {"Cookie": sign_in(own)}
    superuser.rows("ALTER ROLE retainer_app BYPASSRLS")
    until(lambda: status(own, "/readyz") == 503, 5, "not ready")
    assert httpx.get(f"{own.url}/api/organizations", headers=cookie).status_code == 503
    reasons = [each["error"] for each in events(own, "database is gone")]
    assert reasons == ["row-level security does not bind retainer_app"]
    superuser.rows("ALTER ROLE retainer_app NOBYPASSRLS")
    until(lambda: status(own, "/readyz") == 200, 5, "ready again")
    assert httpx.get(f"{own.url}/api/organizations", headers=cookie).status_code == 200


def test_a_database_that_becomes_read_only_serves_nobody_and_the_log_says_why(
    own: Server, superuser: Sql
) -> None:
    cookie = {"Cookie": sign_in(own)}
    superuser.rows("ALTER SYSTEM SET default_transaction_read_only = on")
    superuser.rows("SELECT pg_reload_conf()")
    until(lambda: status(own, "/readyz") == 503, 5, "not ready")
    reasons = [each["error"] for each in events(own, "database is gone")]
    assert reasons == ["it takes no writes: it is read-only, or a standby"]
    superuser.rows("ALTER SYSTEM RESET default_transaction_read_only")
    superuser.rows("SELECT pg_reload_conf()")
    until(lambda: status(own, "/readyz") == 200, 5, "ready again")
    new = {"name": "Written", "type": "other"}
    made = httpx.post(f"{own.url}/api/organizations", headers=cookie, json=new)
    assert made.status_code == 200, made.text


@contextmanager
def no_standby(superuser: Sql) -> Iterator[None]:
    """Commits wait for a standby that does not exist; whoever waits is cancelled."""
    superuser.rows("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (nobody)'")
    superuser.rows("SELECT pg_reload_conf()")
    done = threading.Event()

    def cancel() -> None:
        while not done.wait(0.05):
            superuser.rows("""
                SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'
            """)

    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        superuser.rows("ALTER SYSTEM RESET synchronous_standby_names")
        superuser.rows("SELECT pg_reload_conf()")


def until_commits_wait(client: httpx.Client) -> None:
    """Write until a commit waits: PostgreSQL takes the setting a moment after it is told to."""
    tried = {"name": "Tried", "type": "other"}
    for _ in range(1000):
        if client.post("/api/organizations", json=tried).status_code == 503:
            return
    raise AssertionError("no commit waits for the standby")


def test_a_commit_whose_wait_for_the_standby_was_cancelled_is_no_success(
    own: Server, superuser: Sql
) -> None:
    client = httpx.Client(base_url=own.url, headers={"Cookie": sign_in(own)}, timeout=30)
    body = {"name": "N", "type": "other"}
    id = client.post("/api/organizations", json=body).json()["id"]
    child = {"name": "C", "type": "other", "parentId": id}
    key = {"Idempotency-Key": "once"}
    lines = json.dumps({"method": "PUT", "path": f"/api/organizations/{id}", "body": {"name": "M"}})
    file = {"file": ("a.txt", b"text")}
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/api/organizations", {"json": body}),
        ("POST", "/api/organizations", {"json": child}),
        (
            "POST",
            "/api/organizations",
            {"json": {"name": "Keyed", "type": "other"}, "headers": key},
        ),
        ("PUT", f"/api/organizations/{id}", {"json": {"name": "O"}}),
        ("POST", f"/api/organizations/{id}/duplicate", {}),
        (
            "POST",
            "/api/bulk",
            {"content": lines, "headers": {"Content-Type": "application/x-ndjson"}},
        ),
        ("POST", "/api/documents", {"files": file}),
        ("DELETE", f"/api/organizations/{id}", {}),
    ]
    with no_standby(superuser):
        until_commits_wait(client)
        answers = [client.request(method, path, **options) for method, path, options in writes]
        assert client.get("/api/organizations").status_code == 200
    assert [answer.status_code for answer in answers] == [503] * len(writes)
    assert all(
        "whether a change was made is not known" in each.json()["detail"] for each in answers
    )
    method, path, options = writes[2]
    again = [client.request(method, path, **options) for _ in range(2)]
    assert [each.status_code for each in again] == [200, 200]
    found = client.get("/api/organizations", params={"name": "Keyed"}).json()
    assert [each["id"] for each in found] == [each.json()["id"] for each in again[:1]]
    assert again[0].json() == again[1].json()
