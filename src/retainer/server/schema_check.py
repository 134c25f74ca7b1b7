"""The check at the start that the database has what the nouns declare: their columns, their tables
of links, and the two places of migrations that name nouns by hand.
"""

import re
from collections.abc import Iterable, Iterator

from retainer.database.migrate import MigrationError
from retainer.database.pool import Connection
from retainer.lists.noun import Link, Noun

_COLUMNS = """
    SELECT c.relname::text, array_agg(a.attname::text)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
        AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY c.oid
"""
_VIEWS_CHECK = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1"
_FUNCTION = "SELECT prosrc FROM pg_proc WHERE oid = $1::text::regproc"


async def check_schema(connection: Connection, nouns: Iterable[Noun]) -> None:
    """Refuse to start with a noun whose part of the database is missing. Raises MigrationError."""
    columns = {table: set(names) for table, names in await connection.fetch(_COLUMNS)}
    with_views = await connection.fetchval(_VIEWS_CHECK, "views_noun_known")
    belonging = await connection.fetchval(_FUNCTION, "organization_of")
    for noun in nouns:
        for table, column in _declared(noun):
            if column not in columns.get(table, ()):
                raise MigrationError(
                    f"The noun {noun.table} declares the column {table}.{column}, "
                    "which no migration makes."
                )
        if noun.has_views and f"'{noun.table}'" not in with_views:
            raise MigrationError(
                f"The noun {noun.table} has views, but the constraint views_noun_known of no "
                "migration names it."
            )
        for link in noun.links:
            if not _says_organization(noun, link, columns[link.table], belonging):
                raise MigrationError(
                    f"The links {link.table} of the noun {noun.table} have no organization in the "
                    "journal: organization_of() in database/functions/journal.sql has no case."
                )


def _declared(noun: Noun) -> Iterator[tuple[str, str]]:
    """The columns that a declaration names, each with its table."""
    for column in ("tenant_id", "id", "version", noun.title, *noun.references):
        if column:
            yield noun.table, column
    for field in noun.list.fields.values():
        for sql in (field.sql, field.key, field.sort):
            if column_only := re.fullmatch(rf"{noun.alias}\.(\w+)", sql):
                yield noun.table, column_only[1]
    if noun.search:
        made = ("words", "word_bits")  # by searchable(), with the functions that search calls
        for column in (noun.search.name, *made, *noun.search.words, *noun.search.sites):
            yield noun.table, column
    for link in noun.links:
        for column in filter(
            None, ("tenant_id", "id", "version", link.own_column, link.other_column)
        ):
            yield link.table, column


def _says_organization(noun: Noun, link: Link, columns: set[str], belonging: str) -> bool:
    """True where the journal knows the organization of a link's row, or the noun has none."""
    is_plain = not columns.isdisjoint({"organization_id", "project_id"})
    return not noun.belongs_to or is_plain or f"'{link.table}'" in belonging
