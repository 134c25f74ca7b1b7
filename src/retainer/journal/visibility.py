"""Visibility of the journal: whoever sees a record sees those of its changes after which they would
have seen it, and the values before a change if they would have seen it before that as well.
Administrators also see changes that belong to no record (sign-ins, refusals, users).

Statements that are given `VISIBLE` have these fragments beside those of the nouns. They follow from
the nouns, from `permissions.VISIBLE` and `permissions.PAST`; their aliases are c, a change, and op,
its operation.

- `@visible_changes`: that there was the change, and what it left;
- `@visible_after`: the same of a change of a record that the viewer is known to see now;
- `@visible_before`: of a visible change, what was there before it;
- `@visible_records`: a change of a record that the viewer sees now, whenever that was;
- `@visible_candidates`: the same among a few;
- `@visible_operations`: an operation with a visible change, and what has none to administrators;
- `@visible_feed`: an operation with a visible change.

The ids that a viewer sees are collected into arrays first, so that one who sees little of a large
journal does not read all of it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from retainer import permissions
from retainer.database.statement import Visible
from retainer.lists.noun import Link, Noun
from retainer.nouns import NOUNS
from retainer.permissions import SCOPES, Scope, would_have_seen


class _Seen(NamedTuple):
    """A table of the journal: FROM, the alias of its rows, the noun as which they are seen, and the
    column with the id of that noun's record.
    """

    rows: str
    alias: str
    noun: Noun
    column: str


def _joined(table: str, alias: str, column: str, noun: Noun) -> _Seen:
    rows = f"{table} {alias} JOIN {noun.table} {noun.alias} ON {noun.alias}.id = {alias}.{column}"
    return _Seen(rows, alias, noun, column)


def _of_noun(noun: Noun) -> _Seen:
    if noun.visible_as:
        return _joined(
            noun.table, noun.alias, noun.column_of[noun.visible_as], NOUNS[noun.visible_as]
        )
    return _Seen(f"{noun.table} {noun.alias}", noun.alias, noun, "id")


def _of_link(link: Link, noun: Noun) -> _Seen:
    return _joined(link.table, "l", link.own_column, noun)


_SEEN = {
    **{noun.table: _of_noun(noun) for noun in NOUNS.values() if noun.permissions},
    **{link.table: _of_link(link, noun) for noun in NOUNS.values() for link in noun.links},
}
_LINK_OF = {link.table: link for noun in NOUNS.values() for link in noun.links}
_PRIVATE = [noun.table for noun in NOUNS.values() if noun.is_private]
_RECORDS = [table for table in _SEEN if table not in _PRIVATE]


# Moments, as permissions.would_have_seen() takes them: after and before a change of a record, and
# after a change of a link of it.
_AFTER = """SELECT c.entity_id AS record, c.version, c.operation_id AS operation,
    moment_end(:tenant, c.entity, c.entity_id, c.operation_id, c.sequence) AS sequence"""
_BEFORE = """SELECT c.entity_id AS record, c.version - 1 AS version, c.operation_id AS operation,
    c.sequence"""
_OF_LINK = """SELECT x.{column} AS record,
    version_then(:tenant, '{noun}', x.{column}, c.operation_id, c.sequence) AS version,
    c.operation_id AS operation,
    moment_end(:tenant, '{noun}', x.{column}, c.operation_id, c.sequence) AS sequence
    FROM {table} x WHERE x.tenant_id = :tenant AND x.id = c.entity_id"""


def _past(noun: Noun, scope: Scope, moment: str) -> str:
    return would_have_seen(noun.table, noun.alias, scope, moment)


def _after(table: str, scope: Scope) -> str:
    """The condition that the viewer would have seen a row of a table after a change of it."""
    seen = _SEEN[table]
    if seen.column == "id":
        return _past(seen.noun, scope, _AFTER)
    moment = _OF_LINK.format(table=table, column=seen.column, noun=seen.noun.table)
    return _past(seen.noun, scope, moment) + _other(table, scope)


def _before(table: str, scope: Scope) -> str:
    """The same before a change; a link is nothing by itself, and seen as after it."""
    seen = _SEEN[table]
    if seen.column != "id":
        return "true"
    return _past(seen.noun, scope, _BEFORE)


def _other(table: str, scope: Scope) -> str:
    """The condition that the viewer sees the other record of a link, by whose id histories tell
    it; "" where there is none.
    """
    link = _LINK_OF.get(table)
    if (
        link is None
        or not link.other_column
        or permissions.VISIBLE[link.other_noun][scope] == "true"
    ):
        return ""
    a = NOUNS[link.other_noun].alias
    return f""" AND EXISTS (SELECT FROM (SELECT c.entity_id AS id) told
            JOIN {table} x ON x.tenant_id = :tenant AND x.id = told.id
            JOIN {link.other_noun} {a} ON {a}.tenant_id = :tenant AND {a}.id = x.{link.other_column}
            WHERE {permissions.VISIBLE[link.other_noun][scope]})"""


def _seen(
    scope: Scope, tables: Iterable[str] = _SEEN, among: str = "true", *, whenever: bool = False
) -> list[str]:
    """The condition of the visible changes of each table, by `whenever` of those before their
    records came into sight as well.
    """
    return [
        f"""(c.entity = '{table}' AND c.entity_id = ANY(ARRAY(
            SELECT {seen.alias}.id FROM {seen.rows}
            WHERE {seen.alias}.tenant_id = :tenant AND {seen.noun.alias}.tenant_id = :tenant
                AND {among.format(seen.alias, table)} AND {condition}))
            AND {"true" if whenever else _after(table, scope)})"""
        for table in tables
        for seen in [_SEEN[table]]
        for condition in [permissions.VISIBLE[seen.noun.table][scope]]
    ]


# Viewers who see all records see all changes of records, but for private ones: somebody's own views
# are hidden even from administrators.
def _of_records(*, whenever: bool = False) -> str:
    private = _seen("all", _PRIVATE, whenever=whenever)
    return " OR ".join([f"c.entity = ANY('{{{', '.join(_RECORDS)}}}'::text[])", *private])


def _of_all(of_records: str) -> str:
    return f"(({of_records}) OR (:viewer_role::text = 'admin' AND {_OF_ADMINS}))"


_OF_ADMINS = f"c.entity <> ALL('{{{', '.join(_PRIVATE)}}}'::text[])"
_CHANGES: Mapping[Scope, str] = {
    "all": _of_all(_of_records()),
    "own": " OR ".join(_seen("own")),
    "client": " OR ".join(_seen("client")),
}


def _each(rule_of: Callable[[str, Scope], str], scope: Scope) -> str:
    """The rule of a change's own table: a CASE, so that PostgreSQL asks for no other."""
    rules = {table: rule_of(table, scope) for table in _SEEN}
    whens = [f"WHEN '{table}' THEN {rule}" for table, rule in rules.items() if rule != "true"]
    if not whens:
        return "true"
    return f"CASE c.entity {' '.join(whens)} ELSE true END"


_AFTERWARDS: Mapping[Scope, str] = {scope: _each(_after, scope) for scope in SCOPES}
_BEFOREHAND: Mapping[Scope, str] = {scope: _each(_before, scope) for scope in SCOPES}

# For statements that know the few changes in question: only the records of the common table
# expression `candidates` are checked.
_CANDIDATES = "{0}.id = ANY(ARRAY(SELECT x.entity_id FROM candidates x WHERE x.entity = '{1}'))"
_ONLY_CANDIDATES: Mapping[Scope, str] = {
    "all": _of_all(_of_records(whenever=True)),
    "own": " OR ".join(_seen("own", among=_CANDIDATES, whenever=True)),
    "client": " OR ".join(_seen("client", among=_CANDIDATES, whenever=True)),
}


def _operations(scope: Scope) -> str:
    found = " UNION ALL ".join(
        f"SELECT c.operation_id FROM changes c WHERE c.tenant_id = :tenant AND {seen}"
        for seen in _seen(scope)
    )
    return f"op.id = ANY(ARRAY({found}))"


_OPERATIONS: Mapping[Scope, str] = {
    "all": f"""(:viewer_role::text = 'admin' OR op.undoes IS NOT NULL OR EXISTS (
        SELECT FROM changes c
        WHERE c.tenant_id = :tenant AND c.operation_id = op.id AND ({_of_records()})))""",
    "own": _operations("own"),
    "client": _operations("client"),
}

_OF_RECORDS_NOW: Mapping[Scope, str] = {
    "all": _of_all(_of_records(whenever=True)),
    "own": " OR ".join(_seen("own", whenever=True)),
    "client": " OR ".join(_seen("client", whenever=True)),
}
_FEED: Mapping[Scope, str] = {
    "all": f"""EXISTS (SELECT FROM changes c
        WHERE c.tenant_id = :tenant AND c.operation_id = op.id AND ({_CHANGES["all"]}))""",
    "own": _OPERATIONS["own"],
    "client": _OPERATIONS["client"],
}

VISIBLE: Visible = {
    **permissions.VISIBLE,
    "changes": _CHANGES,
    "records": _OF_RECORDS_NOW,
    "feed": _FEED,
    "after": _AFTERWARDS,
    "before": _BEFOREHAND,
    "candidates": _ONLY_CANDIDATES,
    "operations": _OPERATIONS,
}
