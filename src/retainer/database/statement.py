"""SQL as text with named parameters, compiled once at import for each kind of viewer.

In a statement `:name` is a parameter, `@visible_<noun>` is what the viewer sees of a noun
(permissions.py), `@expected_<alias>` holds while a row is as the request expects it
(http/preconditions.py), and `@acting` tells the journal who acts, and refuses when their session
has ended (functions/sessions.sql).
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from retainer.permissions import SCOPES, VISIBLE, Scope

OF_VIEWER = {"tenant", "user", "contact"}  # values that are the same for every row

ACTING = "acting(:session, :viewer_role, :via, :request, :action)"
EXPECTED = (
    "(:expected::text[] IS NULL OR ({0}.id || '-' || {0}.version = ANY(:expected)) = :wanted)"
)
_FRAGMENT = re.compile(r"@(visible_([a-z]+)|expected_([a-z]+)|acting)\b")
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
    """An INSERT of one row from its values, `INSERT INTO … SELECT … FROM @acting … RETURNING …`.
    `bulk` makes it one of each object of the JSON array :rows, by column names, and answers them in
    their order. `grouped` is for a group commit. It makes a row for certain where none of the
    `references` is given; else it may have to wait for what they name, or find it gone.
    """

    def __init__(self, text: str, *, references: Iterable[str]) -> None:
        super().__init__(text)
        self.references = tuple(references)
        self.grouped = Statement(
            text.replace("@acting", ACTING.replace("acting", "acting_anew", 1))
        )
        table = re.search(r"INSERT INTO (\w+)", text)
        assert table is not None and text.count("FROM @acting") == text.count("RETURNING") == 1
        each = f"""FROM @acting,
            ROWS FROM (jsonb_populate_recordset(NULL::{table[1]}, :rows::jsonb)) WITH ORDINALITY AS each"""
        text = _PARAMETER.sub(
            lambda found: found[0] if found[1] in OF_VIEWER else f'each."{found[1]}"', text
        )
        text = text.replace("FROM @acting", each).replace(
            "RETURNING", "ORDER BY each.ordinality RETURNING"
        )
        self.bulk = Statement(text)


class Update:
    """An UPDATE of only the columns that were sent: `SET @columns` becomes `name = :name, …`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.setting = lru_cache(maxsize=256)(self._setting)

    def of(self, columns: Iterable[str]) -> Change:
        """The statement that sets exactly these columns."""
        return self.setting(tuple(sorted(columns)))

    def _setting(self, columns: tuple[str, ...]) -> Change:
        # Nothing sent is a valid update that changes nothing; the key set to itself keeps it one
        # statement.
        assignments = ", ".join(f'"{c}" = :{c}' for c in columns) or "version = @self.version"
        alias = re.search(r"UPDATE \w+ (\w+)", self.text)
        assert alias is not None
        return Change(self.text.replace("@columns", assignments.replace("@self", alias[1])))


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
        return EXPECTED.format(alias) if alias else ACTING

    return _FRAGMENT.sub(fragment, text)


def _number(text: str) -> tuple[str, tuple[str, ...]]:
    names: list[str] = []

    def position(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return _PARAMETER.sub(position, text), tuple(names)
