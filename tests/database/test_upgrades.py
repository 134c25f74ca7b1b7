"""Migrations that change rows: they say so, make no new version, or stop before anything is changed."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from retainer.database import migrate as migrating
from support.sql import Sql

BEFORE_TEXTS = 19  # the last migration before texts and domains had rules
# The files of functions that ask for no table of later migrations, and that the rows need.
FUNCTIONS_BEFORE = ("text.sql", "words.sql", "values.sql", "tables.sql", "common.sql")


@pytest.fixture
def old(own_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sql]:
    """A database as the program before left it, with a tenant; rows go in past the triggers."""
    everything, functions = migrating.available(), migrating.functions()
    there = {name: text for name, text in functions.items() if name in FUNCTIONS_BEFORE}
    with monkeypatch.context() as before:
        before.setattr(migrating, "available", lambda: everything[:BEFORE_TEXTS])
        before.setattr(migrating, "functions", lambda: there)
        asyncio.run(migrating.migrate(own_database))
    sql = Sql(own_database)
    sql.rows("INSERT INTO tenants (name) VALUES ('T')")
    for table in ("organizations", "contacts", "users", "tasks", "documents"):
        sql.rows(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield sql
    sql.close()


def add(sql: Sql, table: str, **values: Any) -> int:
    columns = ", ".join(values)
    places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    return int(
        sql.value(
            f"INSERT INTO {table} (tenant_id, {columns}) VALUES (1, {places}) RETURNING id",
            *values.values(),
        )
    )


def upgraded(sql: Sql, url: str) -> list[str]:
    """Upgrade, with the triggers on again; returns what it says."""
    for table in ("organizations", "contacts", "users", "tasks", "documents"):
        sql.rows(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    said: list[str] = []
    asyncio.run(migrating.migrate(url, tell=said.append))
    return said


def test_texts_that_are_there_are_brought_into_their_form(old: Sql, own_database: str) -> None:
    first = add(old, "organizations", name="  Acme\t", type="other", industry="", website=" https://a.example",
                description="", external_id=" X ", tags=["a\x01b", "\u200b"])  # fmt: skip
    second = add(
        old,
        "organizations",
        name="\u200b",
        type="other",
        industry="Re\ntail",
        description="a\n\x01b",
    )
    contact = add(
        old, "contacts", full_name=" C ", email="c@x.example", type="client", phone="", title=" "
    )
    task = add(old, "tasks", title="T", description=" \n")
    said = upgraded(old, own_database)
    assert [line.split(",")[0] for line in said] == [
        "organizations.name: 2 changed", "organizations.industry: 2 changed", "organizations.website: 1 changed",
        "organizations.description: 2 changed", "organizations.external_id: 1 changed", "contacts.full_name: 1 changed",
        "contacts.phone: 1 changed", "contacts.title: 1 changed", "tasks.description: 1 changed",
        "organizations.tags: 1 changed",
    ]  # fmt: skip
    fields = "name, industry, website, description, external_id, tags, version, name_folded"
    rows = old.rows(f"SELECT {fields} FROM organizations ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("Acme", None, "https://a.example", None, "X", ["a b"], 1, "acme"),
        ("(no name)", "Re tail", None, "a\n b", None, [], 1, "(no name)"),
    ]
    row = old.rows("SELECT full_name, phone, title, version FROM contacts WHERE id = $1", contact)[
        0
    ]
    assert tuple(row) == ("C", None, None, 1)
    assert old.value("SELECT description FROM tasks WHERE id = $1", task) is None
    assert old.value("SELECT count(*) FROM changes") == 0
    assert first < second


COLLISIONS = [
    ("organizations", {"name": "A", "type": "other", "external_id": " X"},
     {"name": "B", "type": "other", "external_id": "X"}, 'external id "X"'),
    ("contacts", {"full_name": "A", "email": "a\x01b@x.example", "type": "client"}, None, "control character"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "one", "other", "named"), COLLISIONS)
def test_an_upgrade_after_which_rows_would_collide_stops_and_names_them(
    old: Sql, own_database: str, table: str, one: Any, other: Any, named: str
) -> None:
    ids = [add(old, table, **each) for each in (one, other) if each]
    spaced = add(old, "organizations", name="  Spaced  ", type="other")
    with pytest.raises(asyncpg.PostgresError, match=named) as stopped:
        upgraded(old, own_database)
    assert all(str(id) in str(stopped.value) for id in ids)
    assert "Nothing was changed" in str(stopped.value)
    assert old.value("SELECT name FROM organizations WHERE id = $1", spaced) == "  Spaced  "


def test_domains_lose_their_www_and_those_of_two_hierarchies_stop_the_upgrade(
    old: Sql, own_database: str
) -> None:
    top = add(old, "organizations", name="T", type="other", domains=["www.a.example", "b.example"])
    child = add(old, "organizations", name="C", type="other", parent_id=top,
                domains=["a.example", "www.b.example", "www.com"])  # fmt: skip
    for id in (top, child):
        old.rows(
            "INSERT INTO organization_domains (tenant_id, domain, organization_id)"
            " SELECT 1, d, id FROM organizations, unnest(domains) d WHERE id = $1",
            id,
        )
    other = add(old, "organizations", name="O", type="other", domains=["www.com", "www.www.com"])
    old.rows("UPDATE organizations SET domains = '{www.a.example}' WHERE id = $1", other)
    with pytest.raises(asyncpg.PostgresError, match=r"a\.example") as stopped:
        upgraded(old, own_database)
    assert all(str(id) in str(stopped.value) for id in (top, other))
    old.rows("ALTER TABLE organizations DISABLE TRIGGER USER")
    old.rows("UPDATE organizations SET domains = '{}' WHERE id = $1", other)
    upgraded(old, own_database)
    rows = old.rows("SELECT domains, version FROM organizations ORDER BY id LIMIT 2")
    assert [tuple(row) for row in rows] == [
        (["a.example", "b.example"], 1),
        (["a.example", "b.example", "www.com"], 1),
    ]
    assert old.value("SELECT count(*) FROM organization_domains") == 5
    assert old.value("SELECT count(*) FROM known_domains") == 3
