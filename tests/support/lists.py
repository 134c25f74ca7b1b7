"""Links of a list, and lists explained on a large tenant."""

import re
from typing import Any

from support.sql import Sql

ROWS = [
    {"name": "Zürich Metall", "type": "customer", "industry": "Industry", "website": "https://zm.example",
     "metadata": {"region": "EMEA", "employees": 600, "address": {"city": "Zürich"}}},
    {"name": "zurich trading", "type": "partner", "status": "inactive", "industry": "Tráde", "metadata": {"region": "APAC"}},
    {"name": "50% Off_Shop", "type": "customer", "status": "archived", "industry": "trade"},
    {"name": "Beta", "type": "vendor", "metadata": {"region": "EMEA", "employees": "600", "vip": True}},
    {"name": "Alpha, Ltd", "type": "vendor", "industry": "Energy"},
]  # fmt: skip


def linked(answer: Any) -> dict[str, str]:
    """The addresses of a Link header, by rel."""
    return {
        way: url
        for url, way in re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers.get("link", ""))
    }


TENANTS, EACH = 3, 8000


def make(sql: Sql, tenant: int, each: int = EACH) -> None:
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
        sql.rows(f"INSERT INTO {text} FROM generate_series(1, {each}) n, {acting}", tenant)
    organizations = sql.value(
        "SELECT array_agg(id) FROM organizations WHERE tenant_id = $1", tenant
    )
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
    # The joins below would be nested loops on tables that PostgreSQL takes for small.
    sql.rows("ANALYZE members, projects, documents")
    sql.rows(
        f"""INSERT INTO document_projects (tenant_id, document_id, project_id)
            SELECT $1, d.id, p.id FROM documents d JOIN projects p ON p.tenant_id = d.tenant_id AND p.organization_id = d.organization_id, {acting}
            WHERE d.tenant_id = $1""",
        tenant,
    )
    sql.rows(
        f"INSERT INTO activities (tenant_id, organization_id, text, author_id, happened_at) SELECT $1, o, 'Activity ' || o, $4, now() - o * interval '1 hour' {pairs}",
        tenant,
        organizations,
        contacts,
        user,
    )
    sql.rows("ANALYZE activities")
    sql.rows(
        f"""INSERT INTO activity_contacts (tenant_id, activity_id, contact_id)
            SELECT $1, a.id, m.contact_id FROM activities a JOIN members m ON m.tenant_id = a.tenant_id AND m.organization_id = a.organization_id, {acting}
            WHERE a.tenant_id = $1""",
        tenant,
    )


def explained(sql: Sql, tenant: int, text: str, arguments: list[Any] | None = None) -> str:
    """The plan as the application role gets it: for any arguments, or for these."""
    sql.rows("SELECT set_config('retainer.tenant', $1, false)", str(tenant))
    if arguments is not None:
        sql.run(sql.connection.execute("SET ROLE retainer_app"))
        try:
            return "\n".join(
                row[0] for row in sql.rows(f"EXPLAIN (ANALYZE, TIMING OFF) {text}", *arguments)
            )
        finally:
            sql.run(sql.connection.execute("RESET ROLE"))
    parameters = len(set(re.findall(r"\$(\d+)", text)))
    given = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
    sql.run(
        sql.connection.execute(
            f"SET ROLE retainer_app; SET plan_cache_mode = force_generic_plan; PREPARE plan AS {text}"
        )
    )
    try:
        return "\n".join(row[0] for row in sql.rows(f"EXPLAIN EXECUTE plan{given}"))
    finally:
        sql.run(sql.connection.execute("DEALLOCATE plan; RESET plan_cache_mode; RESET ROLE"))
