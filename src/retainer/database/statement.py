"""SQL as text with named parameters, compiled once at import for each scope of viewers.

`:name` is a parameter. Fragments that begin with @ are expanded:

- `@visible_<noun>`: the condition that the viewer may see a row of a noun (permissions.py), or one
  that a statement is given in `visible`;
- `@told_<noun>_<field>`: whether the viewer is told a field of such a row (permissions.py);
- `@sees_all`: whether the viewer sees every record of their tenant;
- `@expected_<alias>`: the condition that a row meets If-Match or If-None-Match
  (http/safe_writes/preconditions.py);
- `@acting`: the function that tells the journal who acts, and refuses the statement when their
  session has ended (database/functions/journal.sql); `@acting_each` is for the rows of several
  requests.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from retainer.permissions import SCOPES, VISIBLE, Scope, is_told

EMPTY: Mapping[str, str] = {}

Visible = Mapping[str, Mapping[Scope, str]]  # conditions by the name of the rows and the scope

ACTING = {
    "acting": "acting(:session, :viewer_role, :channel, :request, :action)",
    "acting_each": "acting_each(:sessions, :viewer_roles, :channels, :requests, :actions)",
}
EXPECTED = (
    "(:expected::text[] IS NULL OR ({0}.id || '-' || {0}.version = ANY(:expected)) = :wanted)"
)
_FRAGMENT = re.compile(
    r"@(visible_([a-z]+)|expected_([a-z]+)|told_([a-z]+)_([A-Za-z]+)|sees_all|acting_each|acting)\b"
)
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z_0-9]*)")


class Statement:
    """One statement of a store, ready for asyncpg.

    `compiled[scope]` is the text with $1, $2 … and the names they stand for, in order. With
    `short_timeout`, for lists filtered as a user likes, it is planned for the values it is sent
    with and may take two seconds at most. `visible` has the conditions of its @visible fragments.
    """

    def __init__(
        self, text: str, *, visible: Visible = VISIBLE, short_timeout: bool = False
    ) -> None:
        self.text = text
        self.short_timeout = short_timeout
        self.writes = "acting" in text  # it may change something
        self.compiled: dict[Scope, tuple[str, tuple[str, ...]]] = {
            scope: _number(_expand(text, scope, visible)) for scope in SCOPES
        }


class Change(Statement):
    """A statement that changes at most one row and returns it. Several executions of the same one
    can be sent together (http/bulk/pipeline.py); then `first` is sent before, with all their :ids.
    """

    def __init__(self, text: str, *, first: Statement | None = None) -> None:
        super().__init__(text)
        self.first = first


class Create(Change):
    """An INSERT of one row that returns `returning`; each column takes the parameter of its name.

    `computed` are further columns, with their SQL. `references` are columns that refer to a row,
    with the SQL that selects its id if the viewer may refer to it; the row is locked until the
    commit, and without it nothing is inserted. In both, {} stands for the column's value.

    The same INSERT has two more texts, which insert a row for each object of the JSON array :rows,
    by column names, and return them in the same order. `bulk` is for many rows of one request,
    `grouped` for rows of a request each that refer to nothing.
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

        def insert(source: str, value: str, references: Mapping[str, str] = references) -> str:
            """The INSERT from a source of rows; {} in `value` stands for a column's name."""
            values = [computed.get(name, "{}").format(value.format(name)) for name in names]
            held = [is_locked(query, value.format(name)) for name, query in references.items()]
            return f"""
                INSERT INTO {table} AS {alias} (tenant_id, {into})
                SELECT :tenant, {", ".join(values)}
                FROM {source}
                WHERE {" AND ".join(held) or "true"}"""

        self.insert = insert("@acting", ":{}")
        super().__init__(f"{self.insert} RETURNING {returning}")
        rows = f"""ROWS FROM (json_populate_recordset(NULL::{table}, :rows::json))
                    WITH ORDINALITY AS each"""
        in_order = f"ORDER BY each.ordinality RETURNING {returning}"
        self.bulk = Statement(f"""{insert(f"@acting, {rows}", 'each."{}"')} {in_order}""")
        self.grouped = Statement(
            f"""{insert(f"@acting_each, {rows}", 'each."{}"', EMPTY)} {in_order}"""
        )


def is_locked(query: str, value: str, *, unless: str | None = None) -> str:
    """The condition that a value is null or the id of an existing row, which it locks until the
    commit. `query` selects that id, {} standing for the value. The row is not looked for where the
    condition `unless` holds.
    """
    conditions = [f"{value}::bigint IS NULL"]
    if unless is not None:
        conditions.append(unless)
    conditions.append(f"{value} = ({query.format(value)} FOR SHARE)")
    return f"({' OR '.join(conditions)})"


class Update:
    """An UPDATE of only the columns that were sent: `SET @columns` becomes `name = :name, …`.
    `alias` is that of the updated table.
    """

    def __init__(self, alias: str, text: str) -> None:
        self.alias = alias
        self.text = text
        self.setting = lru_cache(maxsize=256)(self._setting)

    def of(self, columns: Iterable[str]) -> Change:
        """The statement that sets exactly these columns."""
        return self.setting(tuple(sorted(columns)))

    def _setting(self, columns: tuple[str, ...]) -> Change:
        assignments = [f'"{column}" = :{column}' for column in columns]
        if not assignments:
            # An update of no columns is valid, and still checks and returns the row.
            assignments = [f"version = {self.alias}.version"]
        return Change(self.text.replace("@columns", ", ".join(assignments)))


def rows_json(rows: str) -> str:
    """The rows of a query as a JSON array on one line, as NDJSON and CSV require; json_agg would
    put line breaks between them.
    """
    array = "coalesce('[' || string_agg(row_to_json(q)::text, ',') || ']', '[]')::json"
    return f"(SELECT {array} FROM ({rows}) q)"


def _expand(text: str, scope: Scope, visible: Visible) -> str:
    """The text with its @ fragments written out."""

    def fragment(match: re.Match[str]) -> str:
        noun, alias, of, field = match[2], match[3], match[4], match[5]
        if noun:
            return f"({_visible(noun, scope, visible)})"
        if alias:
            return EXPECTED.format(alias)
        if of:
            return str(is_told(of, field, scope)).lower()
        if match[1] == "sees_all":
            return str(scope == "all").lower()
        return ACTING[match[1]]

    return _FRAGMENT.sub(fragment, text)


def _visible(noun: str, scope: Scope, visible: Visible) -> str:
    """The condition that viewers of this scope see a row. Raises ValueError where there is none."""
    if scope not in visible.get(noun, {}):
        raise ValueError(f"permissions.VISIBLE does not say which {noun} the scope {scope} sees")
    return visible[noun][scope]


def _number(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with $1, $2 … for its named parameters, and their names in that order."""
    names: list[str] = []

    def position(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return _PARAMETER.sub(position, text), tuple(names)
