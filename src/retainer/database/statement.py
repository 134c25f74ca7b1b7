"""SQL as text with named parameters, compiled once at import for each kind of viewer.

In a statement `:name` is a parameter, `@visible_<noun>` is what the viewer sees of a noun
(permissions.py), `@expected_<alias>` holds while a row is as the request expects it
(http/preconditions.py), and `@acting` tells the journal who acts, and refuses when their session
has ended (functions/journal.sql).
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from retainer.permissions import SCOPES, VISIBLE, Scope

EMPTY: Mapping[str, str] = {}

ACTING = "{0}(:session, :viewer_role, :via, :request, :action)"
EXPECTED = (
    "(:expected::text[] IS NULL OR ({0}.id || '-' || {0}.version = ANY(:expected)) = :wanted)"
)
_FRAGMENT = re.compile(r"@(visible_([a-z]+)|expected_([a-z]+)|acting_anew|acting)\b")
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z_0-9]*)")


class Statement:
    """One statement of a store, ready for asyncpg.

    `compiled[scope]` is the text with $1, $2 … and the names they stand for, in order. With
    `short_timeout` it is planned for the values it is sent with and may take two seconds at most: a
    list that somebody filters as they like.
    """

    def __init__(self, text: str, *, short_timeout: bool = False) -> None:
        self.text = text
        self.short_timeout = short_timeout
        self.writes = "acting" in text  # it may change something
        self.compiled: dict[Scope, tuple[str, tuple[str, ...]]] = {
            scope: _number(_expand(text, scope)) for scope in SCOPES
        }


class Change(Statement):
    """A statement that changes one row and answers it, or none. Alike ones can be sent together
    (http/bulk/pipeline.py).
    """


class Create(Change):
    """An INSERT of one row that answers `returning`; each column takes the parameter of its name.

    In the SQL of `computed`, which other columns take instead, and of `references`, {} stands for
    the value of the column. A reference's SQL finds the row that the column names, if the viewer
    may refer to it; the row is locked until the commit, and nothing is inserted without it.

    The same INSERT has two more texts. `grouped` is for a group commit. `bulk` inserts a row for
    each object of the JSON array :rows, by column names, and answers them in their order.
    """

    def __init__(
        self,
        table: str,
        alias: str,
        columns: Iterable[str],
        *,
        returning: str,
        computed: Mapping[str, str] = EMPTY,
        references: Mapping[str, str] = EMPTY,
    ) -> None:
        self.references = tuple(references)
        names = [*columns, *computed]
        into = ", ".join(f'"{name}"' for name in names)

        def insert(source: str, value: str) -> str:
            """The INSERT, from its source of rows and the form of a column's value."""
            values = [computed.get(name, "{}").format(value.format(name)) for name in names]
            held = [is_held(query, value.format(name)) for name, query in references.items()]
            return f"""
                INSERT INTO {table} AS {alias} (tenant_id, {into})
                SELECT :tenant, {", ".join(values)}
                FROM {source}
                WHERE {" AND ".join(held) or "true"}"""

        self.insert = insert("@acting", ":{}")
        super().__init__(f"{self.insert} RETURNING {returning}")
        self.grouped = Statement(f"{insert('@acting_anew', ':{}')} RETURNING {returning}")
        rows = f"jsonb_populate_recordset(NULL::{table}, :rows::jsonb)"
        source = f"@acting, ROWS FROM ({rows}) WITH ORDINALITY AS each"
        self.bulk = Statement(
            f"""{insert(source, 'each."{}"')} ORDER BY each.ordinality RETURNING {returning}"""
        )


def is_held(query: str, value: str, *, unless: str | None = None) -> str:
    """The condition that the row which a value names is there, and locked until the commit. A null
    names none. `query` finds its id by {}; it is not asked for where `unless` holds.
    """
    found = f"{value} = ({query.format(value)} FOR SHARE)"
    return "(" + " OR ".join(filter(None, (f"{value}::bigint IS NULL", unless, found))) + ")"


class Update:
    """An UPDATE of only the columns that were sent: `SET @columns` becomes `name = :name, …`.
    `alias` is the one of the table that is updated.
    """

    def __init__(self, alias: str, text: str) -> None:
        self.alias = alias
        self.text = text
        self.setting = lru_cache(maxsize=256)(self._setting)

    def of(self, columns: Iterable[str]) -> Change:
        """The statement that sets exactly these columns."""
        return self.setting(tuple(sorted(columns)))

    def _setting(self, columns: tuple[str, ...]) -> Change:
        # Nothing sent is a valid update that changes nothing; the version set to itself keeps it
        # one statement.
        assignments = [f'"{column}" = :{column}' for column in columns]
        return Change(
            self.text.replace(
                "@columns", ", ".join(assignments) or f"version = {self.alias}.version"
            )
        )


def rows_json(rows: str) -> str:
    """The rows of a query as a JSON array on one line, which json_agg would not keep to: NDJSON and
    CSV need it.
    """
    return f"(SELECT coalesce('[' || string_agg(row_to_json(q)::text, ',') || ']', '[]')::json FROM ({rows}) q)"


def _expand(text: str, scope: Scope) -> str:
    def fragment(match: re.Match[str]) -> str:
        noun, alias = match[2], match[3]
        if noun:
            return f"({VISIBLE[noun][scope]})"
        return EXPECTED.format(alias) if alias else ACTING.format(match[1])

    return _FRAGMENT.sub(fragment, text)


def _number(text: str) -> tuple[str, tuple[str, ...]]:
    names: list[str] = []

    def position(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return _PARAMETER.sub(position, text), tuple(names)
