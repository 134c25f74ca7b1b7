"""Rules on the catalogue: tenant first, row-level security, journal, unreadable secrets."""

import re
from pathlib import Path

import pytest

import retainer
from retainer.nouns import NOUNS
from support.cast import Cast
from support.schema_snapshot import snapshot
from support.server import Server
from support.sql import Sql

WITHOUT_TENANT = {
    "migrations",
    "function_files",
    "searched_tables",
    "throttles",
    "storage_mark",
    "epochs",
    "secrets",
}

# organization_domains and known_domains repeat what organizations say, for a key's sake; words and texts what is found in others.
NOT_JOURNALLED = {"migrations", "function_files", "searched_tables", "throttles", "sessions", "operations", "changes", "pending_uploads",
                  "organization_domains", "known_domains", "words", "loops", "storage_mark",
                  "document_texts", "document_passages",
                  "pending_texts", "idempotency_keys", "refusals", "secrets", "epochs", "imports", "import_rows"}  # fmt: skip

SEARCHED = [*(noun.table for noun in NOUNS.values() if noun.search), "document_passages"]

SECRETS = {
    ("users", "password_hash"),
    ("sessions", "token_hash"),
    ("links", "token_hash"),
}


def tables(sql: Sql) -> list[str]:
    return [row["name"] for row in sql.rows(
        "SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")]  # fmt: skip


@pytest.fixture
def app_role(sql: Sql):
    """The owner's connection acting as the application role, as requests do."""
    sql.rows("SET ROLE retainer_app")
    yield sql
    sql.rows("RESET ROLE")


def test_schema_sql_is_the_schema_after_all_migrations(sql: Sql) -> None:
    path = Path(retainer.__file__).parent / "database" / "schema.sql"
    now = sql.run(snapshot(sql.connection))
    assert path.read_text() == now, (
        "the schema has changed: run `make schema` and read the difference"
    )


def test_every_tenant_table_forces_row_level_security(sql: Sql) -> None:
    loose = sql.rows(
        """SELECT relname::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
           AND NOT (relrowsecurity AND relforcerowsecurity)"""
    )
    assert {row[0] for row in loose} == WITHOUT_TENANT


def test_every_tenant_table_has_the_tenant_policy(sql: Sql) -> None:
    for table in set(tables(sql)) - WITHOUT_TENANT:
        column = "id" if table == "tenants" else "tenant_id"
        words = sql.value(
            """SELECT pg_get_expr(polqual, polrelid) FROM pg_policy
               WHERE polrelid = $1::text::regclass AND polname = 'tenant' AND polroles = ARRAY['retainer_app'::regrole::oid]
                   AND polcmd = '*' AND pg_get_expr(polqual, polrelid) = pg_get_expr(polwithcheck, polrelid)""",
            table,
        )
        assert (
            words
            == f"({column} = (NULLIF(current_setting('retainer.tenant'::text, true), ''::text))::bigint)"
        ), table


def test_every_key_begins_with_the_tenant(sql: Sql) -> None:
    keys = sql.rows(
        """SELECT i.indexrelid::regclass::text AS index, i.indrelid::regclass::text AS table, a.attname::text AS first
           FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
           LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
           WHERE i.indrelid::regclass::text <> ALL ($1)""",
        ["tenants", *WITHOUT_TENANT],
    )
    assert keys
    # These serve lookups before the tenant is known: of a username, and of a token.
    before_the_tenant = {"users_username_taken", "sessions_token", "links_token"}
    # Each entry of words, parts of names and tags begins with the tenant; the indexer looks for what is new in all of
    # them.
    named = {
        f"{noun.table}_by_part"
        for noun in NOUNS.values()
        if any(field.contains for field in noun.list.fields.values())
    }
    of_search = {f"{noun}_search" for noun in SEARCHED} | named | {"organizations_by_tag"}
    assert {
        row["index"] for row in keys if row["first"] != "tenant_id"
    } == before_the_tenant | of_search


def test_every_tenant_is_planned_for_as_a_large_tenant(sql: Sql) -> None:
    """A new table needs ALTER COLUMN tenant_id SET (n_distinct = 2); migration 0010 says why."""
    small = sql.rows(
        """SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
           AND a.attoptions IS DISTINCT FROM ARRAY['n_distinct=2']"""
    )
    assert not small


def test_every_index_of_organizations_has_its_reason(sql: Sql) -> None:
    page = Path(__file__).parents[2] / "docs" / "database.md"
    told = re.findall(r"^\| `(organizations_\w+)` \| \S", page.read_text(), re.MULTILINE)
    rows = sql.rows("SELECT indexname::text FROM pg_indexes WHERE tablename = 'organizations'")
    assert sorted(told) == sorted(row["indexname"] for row in rows)


def test_every_foreign_key_carries_the_tenant(sql: Sql) -> None:
    loose = sql.rows(
        """SELECT conname::text FROM pg_constraint k WHERE contype = 'f' AND connamespace = 'public'::regnamespace
           AND confrelid <> 'tenants'::regclass
           AND (SELECT attname FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = k.conkey[1]) <> 'tenant_id'"""
    )
    assert not loose


def test_every_table_is_journalled_unless_named_here(sql: Sql) -> None:
    journalled = {row[0] for row in sql.rows(
        """SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'journal'
           INTERSECT SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'count_version'""")}  # fmt: skip
    assert set(tables(sql)) - journalled == NOT_JOURNALLED


def test_the_application_role_owns_nothing_and_is_nobody_special(sql: Sql) -> None:
    role = sql.rows(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'retainer_app'"
    )
    assert list(role[0]) == [False] * 4
    assert not sql.value("SELECT count(*) FROM pg_class WHERE relowner = 'retainer_app'::regrole")


def test_without_a_tenant_the_application_sees_no_row(cast: Cast, app_role: Sql) -> None:
    for table in set(tables(app_role)) - WITHOUT_TENANT:
        assert app_role.value(f"SELECT count(*) FROM (SELECT FROM {table}) x") == 0, table


def test_with_a_tenant_the_application_sees_only_its_rows(cast: Cast, app_role: Sql) -> None:
    app_role.rows("SELECT set_config('retainer.tenant', $1, false)", str(cast.other_tenant))
    for table in set(tables(app_role)) - WITHOUT_TENANT - {"tenants"}:
        foreign = app_role.value(
            f"SELECT count(*) FROM {table} WHERE tenant_id <> $1", cast.other_tenant
        )
        assert foreign == 0, table
    assert app_role.value("SELECT count(*) FROM users") == 1


def test_the_application_cannot_write_into_another_tenant(cast: Cast, app_role: Sql) -> None:
    import asyncpg

    app_role.rows("SELECT set_config('retainer.tenant', $1, false)", str(cast.other_tenant))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        app_role.rows(
            "INSERT INTO organizations (tenant_id, name, type) VALUES ($1, 'x', 'other')",
            cast.tenant,
        )
    app_role.rows("UPDATE organizations SET name = 'stolen' WHERE tenant_id = $1", cast.tenant)
    app_role.rows("RESET ROLE")
    assert app_role.value("SELECT count(*) FROM organizations WHERE name = 'stolen'") == 0


@pytest.mark.parametrize(("table", "column"), sorted(SECRETS))
def test_the_application_cannot_read_secrets(app_role: Sql, table: str, column: str) -> None:
    import asyncpg

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        app_role.rows(f"SELECT {column} FROM {table}")


@pytest.mark.parametrize("statement", [
    "INSERT INTO operations (tenant_id, actor_kind, via, action) VALUES (1, 'user', 'api', 'forged')",
    "UPDATE operations SET action = 'forged'", "DELETE FROM operations", "TRUNCATE operations CASCADE",
    "INSERT INTO changes (tenant_id, operation_id, sequence, entity, entity_id, action, version, digest) VALUES (1, 1, 99, 'x', 1, 'insert', 1, '')",
    "UPDATE changes SET after = NULL", "DELETE FROM changes", "TRUNCATE changes",
])  # fmt: skip
def test_the_journal_is_append_only(app_role: Sql, statement: str) -> None:
    import asyncpg

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        app_role.rows(statement)


def test_a_change_without_an_actor_is_refused(cast: Cast, app_role: Sql) -> None:
    import asyncpg

    app_role.rows("SELECT set_config('retainer.tenant', $1, false)", str(cast.tenant))
    with pytest.raises(asyncpg.RaiseError, match="without an actor"):
        app_role.rows("UPDATE organizations SET name = 'quietly' WHERE id = $1", cast.acme)


def test_secrets_never_reach_the_journal(cast: Cast) -> None:
    made = cast.ada.made(
        "/api/users", username=f"jo{cast.tenant}@example.com", fullName="Jo", role="staff"
    )
    link = cast.ada.post(f"/api/users/{made['id']}/links").json()["url"]
    token = link.rpartition("=")[2]
    setup = cast.client.post("/api/setup", json={"token": token, "password": "plums in the icebox"})
    assert setup.status_code == 200, setup.text
    keys = {row[0] for row in cast.sql.rows(
        """SELECT DISTINCT key FROM changes c, jsonb_object_keys(coalesce(c.before, '{}') || coalesce(c.after, '{}')) key
           WHERE c.tenant_id = $1 AND c.entity IN ('users', 'links')""", cast.tenant)}  # fmt: skip
    assert "password_changed_at" in keys
    assert not keys & {"password_hash", "token_hash"}


def test_every_unique_index_has_a_comment_for_its_refusal(sql: Sql) -> None:
    """A constraint that a client can violate has a message (docs/decisions/0005)."""
    silent = {row[0] for row in sql.rows(
        """SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
           WHERE i.indisunique AND NOT i.indisprimary AND c.relnamespace = 'public'::regnamespace
           AND obj_description(i.indexrelid) IS NULL""")}  # fmt: skip
    ours_alone = {"sessions_token", "links_token", "operations_position", "document_projects_taken",
                  "activity_contacts_taken",
                  "document_versions_number", "document_versions_storage_key", "pending_uploads_storage_key",
                  "projects_organization_key"}  # fmt: skip
    assert silent == ours_alone


def test_the_embedded_database_is_durable(server: Server, sql: Sql) -> None:
    for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
        assert sql.value(f"SHOW {name}") == "on"


def test_every_journalled_table_writes_whole_rows_and_counts_versions(cast: Cast) -> None:
    """Tables whose triggers have no arguments are included."""
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="P")["id"]
    task = cast.ada.made("/api/tasks", projectId=project, title="T")
    assert (
        cast.ada.put(f"/api/tasks/{task['id']}", {"title": "T2"}).headers["etag"]
        == f'"{task["id"]}-2"'
    )
    rows = cast.sql.rows(
        """SELECT action, before::text, after::text, version, organization_before, organization_after FROM changes
           WHERE tenant_id = $1 AND entity = 'tasks' ORDER BY operation_id""",
        cast.tenant,
    )
    assert rows[0]["after"].count(":") > 12, "an insert keeps the whole row"
    assert (rows[1]["before"], rows[1]["after"], rows[1]["version"]) == (
        '{"title": "T"}',
        '{"title": "T2"}',
        2,
    )
    assert rows[1]["organization_after"] == cast.acme, "found through the project"
