"""The rights of the database's roles: none for everybody, and one tenant at a time for the application."""

import asyncio
import secrets
from collections.abc import Iterator

import asyncpg
import pytest

from retainer.database.migrate import migrate
from support.cast import Cast
from support.sql import Sql

# Each function and procedure of ours, with what a call of it takes.
CALLS = """
    SELECT p.oid::regprocedure::text AS name, p.prokind = 'p' AS is_procedure,
        has_function_privilege('retainer_app', p.oid, 'EXECUTE') AS is_for_app,
        p.proargnames::text[] AS names, p.provolatile <> 'i' AS reads,
        quote_ident(p.proname) AS called, p.provariadic <> 0 AS is_variadic,
        ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a (t, n)
            ORDER BY a.n)::text[] AS types
    FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype <> 'trigger'::regtype
        AND NOT EXISTS (SELECT FROM pg_depend d
            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    ORDER BY 1"""

# Tables, views and sequences, whichever schema a later migration puts them into.
RELATIONS = """
    SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY 1"""


@pytest.fixture
def stranger(sql: Sql) -> Iterator[Sql]:
    """A connection that acts as a fresh role that may sign in."""
    name = f"stranger_{secrets.token_hex(4)}"
    sql.rows(f"CREATE ROLE {name} LOGIN")
    sql.rows(f"GRANT {name} TO retainer")
    sql.rows(f"SET ROLE {name}")
    yield sql
    sql.rows("RESET ROLE")
    sql.rows(f"DROP ROLE {name}")


@pytest.fixture
def app(sql: Sql) -> Iterator[Sql]:
    """A connection that acts as the application's role, as requests do."""
    sql.rows("SET ROLE retainer_app")
    yield sql
    sql.rows("RESET ROLE")


# Values for arguments; others are null. (A strict function is not called at all with a null.)
VALUES = {"bigint": "1", "integer": "1", "text": "'a'", "boolean": "false", "interval": "'1 s'", "bytea": "'a'",
          "jsonb": "'{}'", "regclass": "'pg_class'", "tsquery": "'a'", "timestamp with time zone": "now()"}  # fmt: skip


def call(row: asyncpg.Record, tenant: int = 1) -> str:
    """The statement that calls a function, with this tenant for its argument of that name."""
    given = []
    for place, type in enumerate(row["types"]):
        name = row["names"][place] if row["names"] else ""
        value = "'{}'" if type.endswith("[]") else VALUES.get(type, "NULL")
        given.append(f"{tenant if name == 'tenant' else value}::{type}")
    if row["is_variadic"]:
        given[-1] = f"VARIADIC {given[-1]}"
    verb = "CALL" if row["is_procedure"] else "SELECT * FROM"
    return f"{verb} public.{row['called']}({', '.join(given)})"


def refusal(sql: Sql, statement: str) -> str:
    """PostgreSQL's words about a statement that it refuses for want of a right; else empty."""
    try:
        sql.rows(statement)
    except asyncpg.InsufficientPrivilegeError as error:
        return str(error)
    except asyncpg.PostgresError as error:
        return f"NOT REFUSED, {error}"
    return ""


def test_a_role_that_may_only_sign_in_calls_no_function(stranger: Sql) -> None:
    calls = stranger.rows(CALLS)
    assert len(calls) > 150
    for row in calls:
        assert "permission denied" in refusal(stranger, call(row)), row["name"]


def test_no_role_may_call_a_function_by_being_let_into_the_schema(stranger: Sql, sql: Sql) -> None:
    """The schema is not the only door: each function is closed by itself."""
    name = sql.value("SELECT current_user::text")
    sql.rows("RESET ROLE")
    sql.rows(f"GRANT USAGE ON SCHEMA public TO {name}")
    sql.rows(f"SET ROLE {name}")
    for row in stranger.rows(CALLS):
        assert "permission denied for" in refusal(stranger, call(row)), row["name"]
    for row in stranger.rows(RELATIONS):
        assert "permission denied for" in refusal(stranger, f"SELECT * FROM {row['name']}")
    sql.rows("RESET ROLE")
    sql.rows(f"REVOKE USAGE ON SCHEMA public FROM {name}")


def test_a_role_that_may_only_sign_in_reads_no_table(stranger: Sql) -> None:
    relations = stranger.rows(RELATIONS)
    assert len(relations) > 40
    for row in relations:
        name = row["name"].rpartition(".")[2]
        assert "permission denied" in refusal(stranger, f"SELECT * FROM public.{name}"), name


def test_what_a_later_migration_makes_is_closed_from_the_beginning(own_database: str) -> None:
    asyncio.run(migrate(own_database))
    owner = Sql(own_database)
    name = f"stranger_{secrets.token_hex(4)}"
    made = {
        "FUNCTION later() RETURNS int LANGUAGE sql RETURN 1": "SELECT later()",
        "PROCEDURE later_done() LANGUAGE sql AS 'SELECT 1'": "CALL later_done()",
        "TABLE later_table (one int)": "SELECT * FROM later_table",
        "SEQUENCE later_numbers": "SELECT * FROM later_numbers",
        "SCHEMA later": "CREATE TABLE later.one (one int)",
        "FUNCTION later.elsewhere() RETURNS int LANGUAGE sql RETURN 1": "SELECT later.elsewhere()",
    }
    try:
        owner.rows(f"CREATE ROLE {name} LOGIN")
        owner.rows(f"GRANT {name} TO retainer")
        owner.rows(
            f"GRANT USAGE ON SCHEMA public TO {name}"
        )  # so that it is the thing that is closed
        for definition in made:
            owner.rows(f"CREATE {definition}")
        for role in (name, "retainer_app"):
            owner.rows(f"SET ROLE {role}")
            for statement in made.values():
                assert "permission denied for" in refusal(owner, statement), (role, statement)
            owner.rows("RESET ROLE")
        owner.rows(f"REVOKE USAGE ON SCHEMA public FROM {name}")
        owner.rows(f"DROP ROLE {name}")
    finally:
        owner.close()


def test_a_function_refuses_another_tenant_than_the_connections(cast: Cast, app: Sql) -> None:
    """Functions that only compute from their arguments are left out: they read nothing."""
    taking = [row for row in app.rows(CALLS)
              if row["reads"] and "tenant" in (row["names"] or [])[: len(row["types"])]]  # fmt: skip
    assert len(taking) > 80
    for setting in (str(cast.tenant), ""):
        app.rows("SELECT set_config('retainer.tenant', $1, false)", setting)
        for row in taking:
            words = refusal(app, call(row, cast.other_tenant))
            expected = "is not the one of this connection"
            if not row["is_for_app"]:
                expected = "permission denied for function"
            assert expected in words, (row["name"], setting, words)


def test_a_function_answers_for_the_connections_own_tenant(cast: Cast, app: Sql) -> None:
    found = "SELECT unnest(organizations_few_matching($1, 'acme', 10))"
    app.rows("SELECT set_config('retainer.tenant', $1, false)", str(cast.tenant))
    assert app.value(found, cast.tenant) == cast.acme
    assert app.value("SELECT organization_level($1, $2)", cast.tenant, cast.acme) == 0
    assert app.value("SELECT organization_subtree($1, $2)", cast.tenant, cast.acme) == cast.acme
