"""Statements: each names the tenant; a request sends few of them."""

import asyncio
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import retainer
from retainer.database.statement import Statement, Update
from retainer.lists.spec import ListSpec
from retainer.nouns import NOUNS
from support.cast import Cast, Person
from support.in_process import InProcess
from support.nouns import LINK_TABLES

WITH_STATEMENTS = (
    ".store",
    ".idempotency",
    ".undo",
    ".undo_conditions",
    ".undo_references",
    ".undo_part",
    ".undo_preview",
    ".undo_stack",
    ".name_guesses",
    ".clashes",
    ".changes",
    ".deletion",
    ".hierarchy",
    ".duplicate",
    ".pending_uploads",
    ".subscriber",
)


def statements() -> Iterator[tuple[str, str]]:
    """Every statement of every store, by name."""
    for module in pkgutil.walk_packages(retainer.__path__, "retainer."):
        if module.name.endswith(WITH_STATEMENTS):
            for name, value in vars(importlib.import_module(module.name)).items():
                yield from texts_of(f"{module.name}.{name}", value)


def texts_of(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Statement | Update):
        yield name, value.text
    elif isinstance(value, ListSpec):
        yield name, f"SELECT FROM {value.table} WHERE {value.where}"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_of(f"{name}[{key}]", inner)


STATEMENTS = dict(sorted(statements()))  # in one order for all processes of pytest-xdist


def test_there_are_statements_to_look_at() -> None:
    assert len(STATEMENTS) > 40


OTHER_TABLES = ["document_\\w+", "sessions", "links", "pending_uploads", "idempotency_keys", "operations", "changes"]  # fmt: skip
TENANT_TABLES = (
    rf"\b(FROM|INTO|UPDATE|JOIN)\s+({'|'.join([*NOUNS, *LINK_TABLES, *OTHER_TABLES])})\b"
)


@pytest.mark.parametrize(
    "name", [n for n, text in STATEMENTS.items() if re.search(TENANT_TABLES, text)]
)
def test_every_statement_names_the_tenant(name: str) -> None:
    assert ":tenant" in STATEMENTS[name]


def test_no_sql_stands_outside_the_stores() -> None:
    named = {
        "accounts.py",
        "cache.py",
        "changes.py",
        "check.py",
        "chores.py",
        "clashes.py",
        "cli.py",
        "command.py",
        "confirmations.py",
        "constraint_messages.py",
        "deletion.py",
        "demo.py",
        "duplicate.py",
        "feed.py",
        "filters.py",
        "hierarchy.py",
        "idempotency.py",
        "indexer.py",
        "jobs.py",
        "migrate.py",
        "monitor.py",
        "name_guesses.py",
        "noun.py",
        "page.py",
        "parts.py",
        "pending_uploads.py",
        "people.py",
        "permissions.py",
        "pool.py",
        "progress.py",
        "references.py",
        "request.py",
        "schema_check.py",
        "sequencer.py",
        "serve.py",
        "spec.py",
        "statement.py",
        "storage_mark.py",
        "store.py",
        "submit.py",
        "subscriber.py",
        "targets.py",
        "undo.py",
        "undo_conditions.py",
        "undo_part.py",
        "undo_preview.py",
        "undo_references.py",
        "undo_stack.py",
        "upsert.py",
        "visibility.py",
        "word_filter.py",
        "worker.py",
    }
    words = re.compile(r"\b(SELECT|INSERT INTO|DELETE FROM|UPDATE \w+ SET)\b")
    assert named == {
        path.name
        for path in Path(retainer.__file__).parent.rglob("*.py")
        if words.search(path.read_text())
    }


def test_reads_and_writes_take_one_statement(cast: Cast, inside: InProcess) -> None:
    contact = cast.contact("Carl")
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="P")["id"]
    task = cast.ada.made("/api/tasks", organizationId=cast.acme, title="T")["id"]
    activities = f"/api/organizations/{cast.acme}/activities"
    activity = cast.ada.made(activities, text="A", contactIds=[contact])["id"]
    inside.send(
        cast.ada, "GET", "/api/organizations"
    )  # the session is known now, the connection serves this tenant
    rows = [
        ("GET", f"/api/organizations/{cast.acme}", None, 1),
        ("GET", "/api/organizations", None, 1),
        ("GET", f"/api/organizations/{cast.acme}/members", None, 1),
        ("GET", f"/api/organizations/{cast.acme}/history?limit=2", None, 1),
        ("GET", f"/api/organizations/{cast.acme}/tasks", None, 1),
        ("GET", f"/api/organizations/{cast.acme}/projects", None, 1),
        (
            "GET",
            f"/api/organizations/{cast.globex}/documents",
            None,
            2,
        ),  # empty: is the organization there?
        ("POST", "/api/organizations", {"name": "N", "type": "other"}, 1),
        ("PUT", f"/api/organizations/{cast.acme}", {"industry": "Energy"}, 1),
        (
            "POST",
            f"/api/organizations/{cast.globex}/members",
            {"contactId": contact, "role": "member"},
            1,
        ),
        (
            "PATCH",
            f"/api/organizations/{cast.globex}/members/{contact}",
            {"role": "stakeholder"},
            1,
        ),
        ("DELETE", f"/api/organizations/{cast.globex}/members/{contact}", None, 1),
        ("GET", "/api/contacts", None, 1),
        ("GET", "/api/search?q=acme", None, 1),
        ("GET", "/api/search?q=nothing+like+it", None, 2),  # nothing: once more, loosely
        ("PUT", f"/api/contacts/{contact}", {"title": "Head"}, 1),
        ("PUT", f"/api/projects/{project}", {"status": "active"}, 1),
        ("PUT", f"/api/tasks/{task}", {"status": "review"}, 1),
        ("DELETE", f"/api/tasks/{task}", None, 1),
        ("GET", activities, None, 1),
        ("POST", activities, {"text": "B"}, 1),
        ("POST", activities, {"text": "C", "contactIds": [contact]}, 1),
        ("PUT", f"/api/activities/{activity}", {"text": "D"}, 1),
        # First a lock: requests that set a parent run one after another, and so do those that use the same key.
        ("PUT", f"/api/organizations/{cast.acme}", {"parentId": cast.globex}, 2),
        ("PUT", "/api/organizations/by/externalId/X", {"name": "N", "type": "other"}, 3),
        # Several rows must agree: first a lock, then the change of the rows below, as they are by then.
        # One takes the lock on the names of copies, which copies of one name agree by.
        ("POST", f"/api/organizations/{cast.acme}/duplicate", None, 3),
        ("PUT", f"/api/activities/{activity}", {"contactIds": []}, 3),
        ("DELETE", f"/api/activities/{activity}", None, 2),
        ("DELETE", f"/api/contacts/{contact}", None, 3),
        # What goes with them is found, locked, found again, and goes by one more for each 500 rows.
        ("DELETE", f"/api/projects/{project}", None, 3),
        ("DELETE", f"/api/organizations/{cast.acme}", None, 9),
        # A copy stands below it, and moves up, by one more for each 500 of them.
        ("DELETE", f"/api/organizations/{cast.globex}", None, 7),
    ]
    for method, path, body, count in rows:
        status, sent = inside.send(cast.ada, method, path, body)
        assert status < 300, (method, path, status)
        assert sent == count, (method, path)


def test_a_connection_that_served_another_tenant_takes_one_statement_more(
    cast: Cast, inside: InProcess
) -> None:
    inside.send(cast.ada, "GET", "/api/organizations")
    inside.send(cast.olga, "GET", "/api/organizations")
    assert inside.send(cast.ada, "GET", "/api/organizations") == (200, 2)
    assert inside.send(cast.ada, "GET", "/api/organizations") == (200, 1)


def test_point_reads_that_arrive_together_share_statements(cast: Cast, inside: InProcess) -> None:
    inside.send(cast.ada, "GET", f"/api/organizations/{cast.acme}")
    headers = {"Cookie": f"connect.sid={cast.ada.token}"}

    async def many() -> list[httpx.Response]:
        paths = [f"/api/organizations/{id}" for id in (cast.acme, cast.globex) * 50]
        return await asyncio.gather(*(inside.client.get(path, headers=headers) for path in paths))

    before = inside.app.database.statements
    answers = inside.sql.run(many())
    assert [answer.json()["id"] for answer in answers] == [cast.acme, cast.globex] * 50
    assert inside.app.database.statements - before <= 10


def test_viewers_who_see_different_records_never_share_a_coalesced_read(
    cast: Cast, inside: InProcess
) -> None:
    async def get(person: Person) -> int:
        headers = {"Cookie": f"connect.sid={person.token}"}
        return (
            await inside.client.get(f"/api/organizations/{cast.globex}", headers=headers)
        ).status_code

    async def many() -> list[int]:
        return await asyncio.gather(
            *(get(person) for person in (cast.ada, cast.gita, cast.olga, cast.stan) * 20)
        )

    assert inside.sql.run(many()) == [200, 404, 404, 404] * 20


def test_a_long_list_comes_from_one_snapshot_in_chunks(cast: Cast, inside: InProcess) -> None:
    cast.sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
                                               acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO organizations (tenant_id, name, type)
           SELECT $1, 'Many ' || n, 'other' FROM generate_series(1, 1300) n, acting""",
        cast.tenant, str(cast.tenant),
    )  # fmt: skip
    inside.send(cast.ada, "GET", f"/api/organizations/{cast.acme}")
    status, sent = inside.send(cast.ada, "GET", "/api/organizations")
    assert (status, sent) == (200, 1 + 3)  # the first look, then chunks of 500
    rows = cast.ada.get("/api/organizations").json()
    assert len(rows) == len({row["id"] for row in rows}) == 1302
