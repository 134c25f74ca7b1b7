"""Every list and point read stands on an index, explained as the application role: row-level security keeps
operators that might leak from using one.
"""

import importlib
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Sql
from retainer.permissions import SCOPES
from retainer.search import store as search
from retainer.search.model import Kind
from retainer.statement import Statement

NOUNS = ["organizations", "contacts", "members", "projects", "tasks", "documents"]
TENANTS, EACH = 3, 8000


@pytest.fixture(scope="module")
def many(sql: Sql) -> Iterator[int]:
    """Three tenants with 8,000 rows of each noun; the last one's id."""
    tenant = 0
    for _ in range(TENANTS):
        tenant = sql.value("INSERT INTO tenants (name) VALUES ('Many') RETURNING id")
        make(sql, tenant)
    for noun in [*NOUNS, "users", "document_projects", "document_versions"]:
        sql.rows(f"ANALYZE {noun}")
    yield tenant
    sql.rows("SELECT set_config('retainer.tenant', '', false)")


def make(sql: Sql, tenant: int) -> None:
    sql.rows(
        "SELECT set_config('retainer.tenant', $1, false), acting_as(NULL, 'command', 'command', NULL, 'test')",
        str(tenant),
    )
    acting = "(SELECT acting_as(NULL, 'command', 'command', NULL, 'test')) acting"
    user = sql.value(
        f"INSERT INTO users (tenant_id, username, full_name, role) SELECT $1::bigint, 'many' || $1::bigint || '@example.com', 'Many', 'staff' FROM {acting} RETURNING id",
        tenant,
    )
    for text in (
        "organizations (tenant_id, name, type) SELECT $1, 'Org ' || n, 'other'",
        "contacts (tenant_id, full_name, email, type) SELECT $1, 'Contact ' || n, n || '@many.example', 'client'",
    ):
        sql.rows(f"INSERT INTO {text} FROM generate_series(1, {EACH}) n, {acting}", tenant)
    organizations = sql.value("SELECT array_agg(id) FROM organizations WHERE tenant_id = $1", tenant)
    contacts = sql.value("SELECT array_agg(id) FROM contacts WHERE tenant_id = $1", tenant)
    pairs = f"FROM unnest($2::bigint[], $3::bigint[]) AS x (o, c), {acting}"
    sql.rows(
        f"INSERT INTO members (tenant_id, organization_id, contact_id, role) SELECT $1, o, c, 'member' {pairs}",
        tenant,
        organizations,
        contacts,
    )
    sql.rows(
        f"INSERT INTO projects (tenant_id, organization_id, title) SELECT $1, o, 'Project ' || o {pairs}",
        tenant,
        organizations,
        contacts,
    )
    sql.rows(
        f"INSERT INTO tasks (tenant_id, organization_id, title, \"order\") SELECT $1, o, 'Task ' || o, o % 10 {pairs}",
        tenant,
        organizations,
        contacts,
    )
    sql.rows(
        f"INSERT INTO documents (tenant_id, organization_id, name, link, uploader_id) SELECT $1, o, 'Doc ' || o, 'https://x.example', $4 {pairs}",
        tenant,
        organizations,
        contacts,
        user,
    )
    sql.rows(
        f"""INSERT INTO document_projects (tenant_id, document_id, project_id)
            SELECT $1, d.id, p.id FROM documents d JOIN projects p ON p.tenant_id = d.tenant_id AND p.organization_id = d.organization_id, {acting}
            WHERE d.tenant_id = $1""",
        tenant,
    )


def reads() -> Iterator[tuple[str, Statement]]:
    for noun in NOUNS:
        store = importlib.import_module(f"retainer.{noun}.store")
        for name, value in vars(store).items():
            if isinstance(value, Statement) and value.text.lstrip().startswith("SELECT"):
                yield f"{noun}.{name}", value


def explained(sql: Sql, tenant: int, text: str) -> str:
    """The plan that holds for any arguments, as the application role gets it."""
    parameters = len(set(re.findall(r"\$(\d+)", text)))
    arguments = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
    sql.rows("SELECT set_config('retainer.tenant', $1, false)", str(tenant))
    sql.run(
        sql.connection.execute(
            f"SET ROLE retainer_app; SET plan_cache_mode = force_generic_plan; PREPARE plan AS {text}"
        )
    )
    try:
        return "\n".join(row[0] for row in sql.rows(f"EXPLAIN EXECUTE plan{arguments}"))
    finally:
        sql.run(sql.connection.execute("DEALLOCATE plan; RESET plan_cache_mode; RESET ROLE"))


READS = [pytest.param(s, scope, id=f"{name} for {scope}") for name, s in reads() for scope in SCOPES]


@pytest.mark.parametrize(("statement", "scope"), READS)
def test_no_read_scans_a_table(sql: Sql, many: int, statement: Statement, scope: Any) -> None:
    text, _ = statement.compiled[scope]
    plan = explained(sql, many, text)
    for noun in NOUNS:
        assert f"Seq Scan on {noun} " not in plan, plan


@pytest.mark.parametrize("noun", ["organizations", "contacts", "projects", "tasks", "documents"])
def test_whole_lists_are_read_in_their_order_from_their_place(sql: Sql, many: int, noun: str) -> None:
    """No chunk of half a million rows sorts them all, or reads those before it."""
    text, _ = importlib.import_module(f"retainer.{noun}.store").LIST.compiled["all"]
    plan = explained(sql, many, text)
    assert f"Sort Key: {noun[0]}." not in plan, plan
    assert re.search(r"Index Cond: \(\(tenant_id = \$\d\) AND \(ROW\(", plan), plan


SEARCHES = [(search.AMONG_ALL, "all"), (search.AMONG_VISIBLE, "own"), (search.AMONG_VISIBLE, "client")]


@pytest.mark.parametrize(("statement", "scope"), SEARCHES, ids=["all", "own", "client"])
def test_no_search_scans_a_table(sql: Sql, many: int, statement: Statement, scope: Any) -> None:
    plan = explained(sql, many, statement.compiled[scope][0])
    for noun in NOUNS:
        assert f"Seq Scan on {noun} " not in plan, plan


@pytest.fixture(scope="module")
def learnt(sql: Sql, many: int) -> int:
    """The tenant, once the background has learnt its words."""
    end = time.monotonic() + 60
    while (sql.value("SELECT uses FROM words WHERE tenant_id = $1 AND word = 'org'", many) or 0) < EACH:
        assert time.monotonic() < end
        time.sleep(0.1)
    return many


TYPED = ["org", "o", "org 7999", "ogr", "contact 79", "7998 example", "task org", "nothing"]


@pytest.mark.parametrize("typed", TYPED)
def test_a_search_reads_few_rows_however_many_match(sql: Sql, learnt: int, typed: str) -> None:
    """The functions behind it use their indexes too, and stop: what they read is counted."""
    text, names = search.AMONG_ALL.compiled["all"]
    values = {
        "tenant": learnt,
        "q": typed,
        "loosely": False,
        "kinds": list(Kind),
        "kinds_in_order": list(Kind),
        "most": 20,
    }
    tables = [*NOUNS, "words", "document_passages"]

    async def run() -> Any:
        async with sql.connection.transaction():
            await sql.connection.execute("SET LOCAL ROLE retainer_app")
            await sql.connection.execute("SELECT set_config('retainer.tenant', $1, true)", str(learnt))
            before = await sql.connection.fetch(READ_SO_FAR, tables)
            await sql.connection.fetch(text, *(values[name] for name in names))
            return before, await sql.connection.fetch(READ_SO_FAR, tables)

    for before, after in zip(*sql.run(run()), strict=True):
        assert after["scanned"] == before["scanned"], after["name"]
        assert after["fetched"] - before["fetched"] <= 4000, after["name"]
        if after["name"] == "organizations" and typed.startswith("org"):
            assert after["fetched"] > before["fetched"], "they are counted at all"


READ_SO_FAR = """
    SELECT t.relname::text AS name, sum(coalesce(pg_stat_get_xact_tuples_returned(t.oid), 0)) AS scanned,
        coalesce(max(pg_stat_get_xact_tuples_fetched(t.oid)), 0)
            + sum(coalesce(pg_stat_get_xact_tuples_fetched(i.indexrelid), 0)) AS fetched
    FROM pg_class t JOIN pg_index i ON i.indrelid = t.oid
    WHERE t.relname = ANY($1) AND t.relkind = 'r' GROUP BY t.relname ORDER BY t.relname
"""
