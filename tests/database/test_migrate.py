"""Migrations and function files: what a database keeps of them, and what is refused (docs/decisions/0020)."""

import asyncio
from collections.abc import Iterator

import pytest

from retainer.database import migrate as migrating
from retainer.database.migrate import Migration, MigrationError, available, digest, functions
from support.sql import Sql

BEFORE_FUNCTIONS = 17  # the last migration that defines functions
STORED = "text.sql"  # a file of functions that generated columns are computed with
FREE = "views.sql"  # a file of functions that nothing stored depends on


@pytest.fixture
def owner(own_database: str) -> Iterator[Sql]:
    sql = Sql(own_database)
    yield sql
    sql.close()


def migrate(url: str) -> list[str]:
    return asyncio.run(migrating.migrate(url))


def upgraded_to(owner: Sql, number: int) -> None:
    """The database as a program with this newest migration left it, which kept no digests."""
    owner.run(
        owner.connection.execute(
            "CREATE TABLE migrations (number int PRIMARY KEY, name text NOT NULL,"
            " at timestamptz NOT NULL DEFAULT now())"
        )
    )
    for migration in available()[:number]:
        owner.run(owner.connection.execute(f"BEGIN; {migration.text}; COMMIT"))
        owner.rows(
            "INSERT INTO migrations (number, name) VALUES ($1, $2)",
            migration.number,
            migration.name,
        )


def changed(monkeypatch: pytest.MonkeyPatch, **texts: str) -> None:
    """This program with other texts of function files."""
    now = functions() | {f"{name}.sql": text for name, text in texts.items()}
    monkeypatch.setattr(migrating, "functions", lambda: now)


def added(monkeypatch: pytest.MonkeyPatch, text: str, *names: str) -> Migration:
    """This program with one migration more, which names these function files."""
    number = available()[-1].number + 1
    migration = Migration(number, f"{number:04}_more.sql", text, list(names))
    everything = [*available(), migration]
    monkeypatch.setattr(migrating, "available", lambda: everything)
    return migration


def other(name: str, remark: str = "-- another text") -> str:
    return f"{functions()[name]}\n{remark}\n"


@pytest.mark.slow
def test_every_digest_is_written_down(own_database: str, owner: Sql) -> None:
    migrate(own_database)
    kept = {row["number"]: row["digest"] for row in owner.rows("SELECT * FROM migrations")}
    assert kept == {each.number: digest(each.text) for each in available()}
    kept = {row["name"]: row["digest"] for row in owner.rows("SELECT * FROM function_files")}
    assert kept == {name: digest(text) for name, text in functions().items()}


@pytest.mark.slow
def test_a_second_run_changes_nothing(own_database: str, owner: Sql) -> None:
    migrate(own_database)
    before = owner.rows("SELECT oid, xmin::text FROM pg_proc ORDER BY oid")
    assert migrate(own_database) == []
    assert owner.rows("SELECT oid, xmin::text FROM pg_proc ORDER BY oid") == before


@pytest.mark.slow
def test_a_database_of_an_older_program_becomes_the_same_as_a_new_one(
    own_database: str, owner: Sql, sql: Sql
) -> None:
    upgraded_to(owner, BEFORE_FUNCTIONS)
    owner.run(
        owner.connection.execute(
            """INSERT INTO tenants (name) VALUES ('Old'); SELECT set_config('retainer.tenant', '1', false);
            SELECT acting_as(NULL, 'command', 'command', NULL, 'test');
            INSERT INTO organizations (tenant_id, name, type, tags) VALUES (1, 'Zürich Garden', 'other', '{Öko}')"""
        )
    )
    row = owner.rows("SELECT * FROM organizations")
    ran = migrate(own_database)
    assert [int(name[:4]) for name in ran] == [
        each.number for each in available() if each.number > BEFORE_FUNCTIONS
    ]
    assert owner.rows("SELECT * FROM organizations") == row, "no value changes"
    assert owner.value("SELECT organizations_few_matching(1, 'zurich', 10)") == [row[0]["id"]]
    assert not owner.value("SELECT count(*) FROM migrations WHERE digest IS NULL")
    definitions = """
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proacl::text FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 1"""
    assert owner.rows(definitions) == sql.rows(definitions)


@pytest.mark.slow
def test_migrations_that_an_older_program_applied_are_trusted(
    own_database: str, owner: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgraded_to(owner, BEFORE_FUNCTIONS)
    first, *rest = available()
    mended = [first._replace(text=first.text + "-- a comment more\n"), *rest]
    monkeypatch.setattr(migrating, "available", lambda: mended)
    migrate(own_database)
    assert owner.value("SELECT digest FROM migrations WHERE number = 1") == digest(mended[0].text)


def test_another_text_of_an_applied_migration_is_refused(
    own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(own_database)
    first, *rest = available()
    forged = [first._replace(text=first.text + "-- a comment more\n"), *rest]
    monkeypatch.setattr(migrating, "available", lambda: forged)
    with pytest.raises(MigrationError, match=f"{first.name} is not the one that was applied"):
        migrate(own_database)


@pytest.mark.slow
def test_functions_do_not_change_without_a_migration(
    own_database: str, owner: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(own_database)
    changed(monkeypatch, views=other(FREE))
    with pytest.raises(MigrationError, match=f"functions/{FREE} .* no migration is new"):
        migrate(own_database)


@pytest.mark.slow
def test_functions_change_with_any_migration(
    own_database: str, owner: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(own_database)
    changed(monkeypatch, views=other(FREE, "COMMENT ON FUNCTION bound_views IS 'changed';"))
    migration = added(monkeypatch, "SELECT 1")
    assert migrate(own_database) == [migration.name]
    assert owner.value("SELECT obj_description('bound_views'::regproc)") == "changed"
    assert migrate(own_database) == []


@pytest.mark.slow
def test_stored_functions_do_not_change_without_a_migration_that_names_them(
    own_database: str, owner: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(own_database)
    changed(monkeypatch, text=other(STORED))
    added(monkeypatch, "CREATE TABLE never (one int)", "words.sql")
    with pytest.raises(MigrationError, match=f"functions/{STORED} has changed, and rows"):
        migrate(own_database)
    assert owner.value("SELECT to_regclass('never')") is None


@pytest.mark.slow
def test_a_migration_that_names_stored_functions_has_them_before_it_runs(
    own_database: str, owner: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(own_database)
    changed(monkeypatch, text=other(STORED, "COMMENT ON FUNCTION fold IS 'changed';"))
    added(
        monkeypatch,
        "CREATE TABLE seen AS SELECT obj_description('fold'::regproc) AS comment",
        STORED,
    )
    migrate(own_database)
    assert owner.value("SELECT comment FROM seen") == "changed"
    assert migrate(own_database) == []


@pytest.mark.slow
def test_the_last_migration_and_the_functions_are_applied_or_neither(
    own_database: str, owner: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(own_database)
    with monkeypatch.context() as patch:
        changed(patch, views=other(FREE, "SELECT 1 / 0;"))
        migration = added(patch, "CREATE TABLE half (one int)")
        with pytest.raises(Exception, match="division by zero"):
            migrate(own_database)
    assert owner.value("SELECT to_regclass('half')") is None
    assert not owner.value("SELECT count(*) FROM migrations WHERE number = $1", migration.number)
    assert migrate(own_database) == []


def test_migrations_name_function_files_that_are_there() -> None:
    named = {name for each in available() for name in each.functions}
    assert named <= set(functions())
    assert {
        name for name, text in functions().items() if text.startswith(migrating.STORED)
    } <= named


@pytest.mark.slow
def test_a_table_that_becomes_searchable_gets_its_functions_with_the_migration(
    own_database: str, owner: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    added(
        monkeypatch,
        """CREATE TABLE engagements (
            tenant_id bigint NOT NULL, id bigint GENERATED BY DEFAULT AS IDENTITY, title text NOT NULL,
            title_folded text COLLATE "C" GENERATED ALWAYS AS (fold(title)) STORED, version int NOT NULL DEFAULT 1,
            created_at timestamptz(3) NOT NULL DEFAULT now(), updated_at timestamptz(3) NOT NULL DEFAULT now(),
            deleted_by bigint, PRIMARY KEY (tenant_id, id));
        CALL protect('engagements');
        CALL journalled('engagements');
        CALL listed('engagements', 'title_folded', 'created_at');
        CALL searchable('engagements', 'NEW.title', 'NULL::text', 'title_folded', 'title_folded');
        CALL indexed_by_part('engagements', 'title_folded');""",
    )
    migrate(own_database)
    made = owner.rows("SELECT proname::text FROM pg_proc WHERE proname LIKE 'engagements%'")
    assert {row[0] for row in made} == {
        f"engagements_{name}"
        for name in (
            "found",
            "found_anywhere",
            "within",
            "few_matching",
            "matching",
            "named",
            "named_by_index",
            "asked",
            "having",
            "among",
            "words",
        )
    }
    owner.run(
        owner.connection.execute(
            """INSERT INTO tenants (name) VALUES ('One');
            SELECT set_config('retainer.tenant', '1', false);
            SELECT acting_as(NULL, 'command', 'command', NULL, 'test');
            INSERT INTO engagements (tenant_id, title) VALUES (1, 'Überarbeitung')"""
        )
    )
    assert owner.value("SELECT engagements_few_matching(1, 'uber', 10)") == [1]


class Events:
    """The events of a log, with the value of one field."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def event(self, event: str, **fields: object) -> None:
        self.told.append((event, fields.get("migration")))


@pytest.mark.slow
def test_an_upgrade_tells_each_migration_as_it_begins_and_ends(
    own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Events()
    asyncio.run(migrating.migrate(own_database, log=log))
    assert log.told == [], "of a new database nothing is told"
    migration = added(monkeypatch, "SELECT 1")
    asyncio.run(migrating.migrate(own_database, log=log))
    assert log.told == [
        ("migration begins", migration.name),
        ("migration has ended", migration.name),
    ]


@pytest.mark.parametrize(
    "foreign",
    [
        "CREATE TABLE invoices (id int)",
        "CREATE TABLE users (id int)",
        "CREATE TABLE migrations (id int, migration text, batch int)",
        "CREATE TABLE migrations (number int, name text); CREATE TABLE invoices (id int)",
        "CREATE VIEW report AS SELECT 1 AS one",
        "CREATE SEQUENCE numbers",
        "CREATE TYPE words AS ENUM ('one')",
        "CREATE TYPE pair AS (one int, other int)",
        "CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
    ],
)
def test_a_database_with_things_of_others_is_refused_and_left_as_it_is(
    own_database: str, owner: Sql, foreign: str
) -> None:
    owner.run(owner.connection.execute(foreign))
    everything = """
        SELECT oid, relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION SELECT oid, proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION SELECT oid, typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace
        ORDER BY 1"""
    before = owner.rows(everything)
    name = owner.value("SELECT current_database()")
    with pytest.raises(MigrationError, match=f'database "{name}" holds what is not Retainer'):
        migrate(own_database)
    assert owner.rows(everything) == before


@pytest.mark.slow
def test_a_first_start_that_was_interrupted_is_begun_again(own_database: str, owner: Sql) -> None:
    upgraded_to(owner, 0)
    assert len(migrate(own_database)) == len(available())


def test_a_database_that_takes_no_writes_says_so(own_database: str, owner: Sql) -> None:
    name = owner.value("SELECT current_database()")
    owner.rows(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(migrating.NotWritable, match="read-only"):
        migrate(own_database)
