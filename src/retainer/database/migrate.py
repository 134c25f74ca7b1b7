"""Migrations and SQL functions, under one advisory lock (docs/decisions/0020).

Migrations are plain SQL files that make tables, in order, each in a transaction of its own, and are
never changed once applied. The files of functions hold their current text: all of them are applied
with the last pending migration. A migration whose first lines say `-- functions: text.sql,
tables.sql` has these files applied before its own text.
"""

import hashlib
import re
import time
from collections.abc import Callable
from importlib.resources import files
from typing import NamedTuple

import asyncpg

from retainer.database.monitor import EventLog
from retainer.database.pool import Connection, connect

LOCK = 7_264_001  # any number of our own: two processes never migrate one database at the same time
MINIMUM = 170000  # PostgreSQL 17, as server_version_num counts

# In the order in which they are applied. STORED stands at the head of a file of functions that
# generated columns, CHECKs and indexes were computed with.
FUNCTIONS = (
    "text.sql",
    "words.sql",
    "values.sql",
    "texts.sql",
    "tables.sql",
    "common.sql",
    "sessions.sql",
    "journal.sql",
    "past.sql",
    "undo.sql",
    "idempotency.sql",
    "organizations.sql",
    "documents.sql",
    "views.sql",
    "lists.sql",
    "search.sql",
)
STORED = "-- stored\n"

_MIGRATIONS = """
    CREATE TABLE IF NOT EXISTS migrations (number int PRIMARY KEY, name text NOT NULL,
        at timestamptz NOT NULL DEFAULT now())
"""
_COLUMNS_OF_MIGRATIONS = """
    SELECT ARRAY(SELECT attname::text FROM pg_attribute
        WHERE attrelid = to_regclass('migrations') AND attnum > 0 AND NOT attisdropped)
"""
# What the schema holds, but for what belongs to extensions and for what tables bring with them.
_THINGS = """
    SELECT c.relname::text AS name FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
            AND d.objid = c.oid AND d.deptype IN ('e', 'i', 'a'))
    UNION
    SELECT t.typname::text FROM pg_type t
    WHERE t.typnamespace = current_schema()::regnamespace
        AND (t.typtype IN ('e', 'd', 'r')
            OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
        AND NOT EXISTS (SELECT FROM pg_depend d
            WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
    UNION
    SELECT p.proname || '()' FROM pg_proc p
    WHERE p.pronamespace = current_schema()::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend d
            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
    ORDER BY 1
"""
_NAMED_FUNCTIONS = re.compile(r"^-- functions: (.+)$", re.MULTILINE)


class MigrationError(Exception):
    """One line for the operator: why the database cannot be used as it is, and the remedy."""


class NotWritable(MigrationError):
    """The database takes no writes for now, such as a standby: waiting may cure it."""


class Migration(NamedTuple):
    """One file: its number, name and text, and the function files that it needs or rewrites."""

    number: int
    name: str
    text: str
    functions: list[str]


class Applied(NamedTuple):
    """The past of a database: the digest of each migration by number and of each function file by
    name; None where an older program applied it and kept none.
    """

    migrations: dict[int, bytes | None]
    functions: dict[str, bytes]


def available() -> list[Migration]:
    """Each migration of this program, in order."""
    folder = files("retainer.database") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [_migration(name, (folder / name).read_text(encoding="utf-8")) for name in names]


def _migration(name: str, text: str) -> Migration:
    match = _NAMED_FUNCTIONS.search(text)
    functions = match[1].split(", ") if match else []
    return Migration(int(name[:4]), name, text, functions)


def functions() -> dict[str, str]:
    """The text of each function file, in the order in which they are applied."""
    folder = files("retainer.database") / "functions"
    return {name: (folder / name).read_text(encoding="utf-8") for name in FUNCTIONS}


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


async def migrate(
    url: str,
    *,
    only_if_empty: bool = False,
    log: EventLog | None = None,
    tell: Callable[[str], object] = print,
) -> list[str]:
    """Bring the database up to date; the names of the migrations that ran. Raises MigrationError.

    `tell` is called with each sentence in which a migration says what it did to rows.
    With `only_if_empty` an older schema is refused instead: changing an operator's own database is
    their decision. Of an upgrade `log` tells each migration as it begins and ends.
    """
    connection = await connect(url)
    connection.add_log_listener(lambda _, message: _tell(message, tell))
    try:
        await _refuse_unsuitable(connection)
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        applied = await _applied(connection)
        pending = [each for each in available() if each.number not in applied.migrations]
        _refuse_newer(applied)
        _refuse_changed_migrations(applied)
        _refuse_changed_functions(applied, pending)
        if applied.migrations and pending and only_if_empty:
            raise MigrationError(
                "The database's schema is older than this program. Run: retainer migrate"
            )
        if not applied.migrations:
            log = None  # of a new database all of them would be told
        for migration in pending:
            began = time.monotonic()
            if log is not None:
                log.event("migration begins", migration=migration.name)
            await _apply(connection, migration, is_last=migration is pending[-1])
            if log is not None:
                seconds = round(time.monotonic() - began, 1)
                log.event("migration has ended", migration=migration.name, seconds=seconds)
        return [migration.name for migration in pending]
    except asyncpg.InsufficientPrivilegeError as error:
        raise await _may_not(connection, error) from error
    finally:
        await connection.close()


def _tell(message: asyncpg.PostgresLogMessage, tell: Callable[[str], object]) -> None:
    """Pass on what a migration says on purpose (RAISE INFO), and none of PostgreSQL's notices."""
    if message.severity_en == "INFO":
        tell(message.message)


async def _applied(connection: Connection) -> Applied:
    """The past of the database. Raises MigrationError for one that is not ours: it holds
    something, and no migration of ours has made that.
    """
    columns = await connection.fetchval(_COLUMNS_OF_MIGRATIONS)
    is_ours = {"number", "name"} <= set(columns)
    if is_ours and await connection.fetchval("SELECT EXISTS (SELECT FROM migrations)"):
        return await _applied_by_us(connection)
    others = [row["name"] for row in await connection.fetch(_THINGS)]
    if is_ours:
        others.remove("migrations")  # a first start was interrupted
    if others:
        database = await connection.fetchval("SELECT current_database()")
        raise MigrationError(
            f'The database "{database}" holds what is not Retainer\'s'
            f" ({', '.join(others[:3])}{', …' * (len(others) > 3)})."
            " Give Retainer an empty database of its own."
        )
    return Applied({}, {})


async def _applied_by_us(connection: Connection) -> Applied:
    if await connection.fetchval("SELECT to_regclass('function_files') IS NULL"):
        numbers = await connection.fetch("SELECT number FROM migrations")
        return Applied({row["number"]: None for row in numbers}, {})
    migrations = await connection.fetch("SELECT number, digest FROM migrations")
    functions = await connection.fetch("SELECT name, digest FROM function_files")
    return Applied(dict(map(tuple, migrations)), dict(map(tuple, functions)))


async def _apply(connection: Connection, migration: Migration, *, is_last: bool) -> None:
    """Run one migration; the last one together with all function files, so that no database is left
    with the one and without the other.
    """
    texts = functions()
    async with connection.transaction():
        await connection.execute(_MIGRATIONS)
        for name in migration.functions:
            await connection.execute(texts[name])
        await connection.execute(migration.text)
        await connection.execute(
            "INSERT INTO migrations (number, name) VALUES ($1, $2)",
            migration.number,
            migration.name,
        )
        if is_last:
            for text in texts.values():
                await connection.execute(text)
            await _keep_digests(connection, texts)


async def _keep_digests(connection: Connection, texts: dict[str, str]) -> None:
    """Write down what was applied. What an older program applied is believed to be the same."""
    await connection.executemany(
        "UPDATE migrations SET digest = $2 WHERE number = $1 AND digest IS NULL",
        [(migration.number, digest(migration.text)) for migration in available()],
    )
    await connection.execute("DELETE FROM function_files")
    await connection.executemany(
        "INSERT INTO function_files (name, digest) VALUES ($1, $2)",
        [(name, digest(text)) for name, text in texts.items()],
    )


def _refuse_newer(applied: Applied) -> None:
    newest = available()[-1].number
    there = max(applied.migrations, default=0)
    if there > newest:
        raise MigrationError(
            f"The database's schema ({there}) is newer than this program's ({newest})."
            " Install a newer Retainer."
        )


def _refuse_changed_migrations(applied: Applied) -> None:
    """A migration runs once: another text under its number would never take effect."""
    for migration in available():
        kept = applied.migrations.get(migration.number)
        if kept is not None and kept != digest(migration.text):
            raise MigrationError(
                f"The migration {migration.name} is not the one that was applied to this database."
                " Install Retainer anew, as it was released; a change of a migration is a new one."
            )


def _refuse_changed_functions(applied: Applied, pending: list[Migration]) -> None:
    """Functions change with a migration's number alone, so that an older program is refused. Those
    that stored values were computed with change with a migration that computes these anew.
    """
    if not applied.functions:
        return
    rewritten = {name for migration in pending for name in migration.functions}
    for name, text in functions().items():
        if applied.functions.get(name) == digest(text):
            continue
        if not pending:
            raise MigrationError(
                f"functions/{name} is not the one that was applied to this database, and no"
                " migration is new. Install Retainer anew, as it was released; a change of a"
                " function comes with a migration."
            )
        if text.startswith(STORED) and name not in rewritten:
            raise MigrationError(
                f"functions/{name} has changed, and rows and indexes hold what it answered before."
                " A migration has to write these anew, and to say so in its first line:"
                f" -- functions: {name}"
            )


async def _may_not(
    connection: Connection, error: asyncpg.InsufficientPrivilegeError
) -> MigrationError:
    """The owner's role lacks something; several Retainers with an owner each, on one server, share
    retainer_app.
    """
    owner = await connection.fetchval("SELECT format('%I', current_user)")
    return MigrationError(
        f"PostgreSQL refuses: {error.args[0]}. The role {owner} must own the database, and may"
        " create roles or be given the one that is there already:"
        f" GRANT retainer_app TO {owner}"
    )


async def _refuse_unsuitable(connection: Connection) -> None:
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        raise NotWritable("The database is in recovery, as a standby is, and takes no writes.")
    if await connection.fetchval("SHOW transaction_read_only") == "on":
        raise NotWritable("The database is read-only (default_transaction_read_only).")
    if int(await connection.fetchval("SHOW server_version_num")) < MINIMUM:
        version = await connection.fetchval("SHOW server_version")
        raise MigrationError(f"PostgreSQL 17 or newer is needed; this server is {version}.")
    if await connection.fetchval("SHOW server_encoding") != "UTF8":
        raise MigrationError("The database must be made with ENCODING 'UTF8'.")
