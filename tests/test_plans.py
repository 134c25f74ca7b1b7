"""Every list and point read stands on an index, explained as the application role: row-level security keeps
operators that might leak from using one.
"""

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Sql
from retainer.permissions import SCOPES
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
