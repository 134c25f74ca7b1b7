"""Migrations: plain SQL files in order, each in a transaction of its own, under one advisory lock."""

from importlib.resources import files

import asyncpg

from retainer.database.pool import connect

LOCK = 7_264_001  # any number of our own: two processes never migrate one database at the same time
MINIMUM = 170000  # PostgreSQL 17, as server_version_num counts


class MigrationError(Exception):
    """One line for the operator: why the database cannot be used as it is, and the remedy."""


def available() -> list[tuple[int, str, str]]:
    """Each migration as number, file name, text, in order."""
    folder = files("retainer.database") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), name, (folder / name).read_text()) for name in names]


async def migrate(url: str, *, only_if_empty: bool = False) -> list[str]:
    """Bring the database up to date; the names of what ran. Raises MigrationError.

    With `only_if_empty` an older schema is refused instead: changing an operator's own database is
    their decision.
    """
    connection = await connect(url)
    try:
        await _refuse_unsuitable(connection)
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number int PRIMARY KEY, name text NOT NULL,"
            " at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row["number"] for row in await connection.fetch("SELECT number FROM migrations")}
        pending = [entry for entry in available() if entry[0] not in done]
        _refuse_newer(done)
        if done and pending and only_if_empty:
            raise MigrationError(
                "The database's schema is older than this program. Run: retainer migrate"
            )
        for number, name, text in pending:
            async with connection.transaction():
                await connection.execute(text)
                await connection.execute(
                    "INSERT INTO migrations (number, name) VALUES ($1, $2)", number, name
                )
        return [name for _, name, _ in pending]
    except asyncpg.InsufficientPrivilegeError as error:
        raise await _may_not(connection, error) from error
    finally:
        await connection.close()


async def _may_not(
    connection: asyncpg.Connection, error: asyncpg.InsufficientPrivilegeError
) -> MigrationError:
    """The owner's role lacks something; several Retainers with an owner each, on one server, share
    retainer_app.
    """
    owner = await connection.fetchval("SELECT format('%I', current_user)")
    return MigrationError(
        f"PostgreSQL refuses: {error.args[0]}. The role {owner} must own the database, and may create roles or be"
        f" given the one that is there already: GRANT retainer_app TO {owner}"
    )


def _refuse_newer(done: set[int]) -> None:
    newest = available()[-1][0]
    if done and max(done) > newest:
        raise MigrationError(
            f"The database's schema ({max(done)}) is newer than this program's ({newest}). Install a newer Retainer."
        )


async def _refuse_unsuitable(connection: asyncpg.Connection) -> None:
    if int(await connection.fetchval("SHOW server_version_num")) < MINIMUM:
        version = await connection.fetchval("SHOW server_version")
        raise MigrationError(f"PostgreSQL 17 or newer is needed; this server is {version}.")
    if await connection.fetchval("SHOW server_encoding") != "UTF8":
        raise MigrationError("The database must be made with ENCODING 'UTF8'.")
