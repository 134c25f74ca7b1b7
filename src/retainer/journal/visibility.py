"""Visibility of the journal: a viewer who sees a record sees its changes. Administrators also see
changes that belong to no record (sign-ins, refusals, users).

Statements that are given `VISIBLE` have the fragments `@visible_changes`, `@visible_candidates` and
`@visible_operations` beside those of the nouns, from which they follow. The aliases are c, a
change, and op, its operation. The ids that a viewer sees are collected into arrays first, so that
one who sees little of a large journal does not read all of it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from retainer import permissions
from retainer.database.statement import Visible
from retainer.lists.noun import Link, Noun
from retainer.nouns import NOUNS
from retainer.permissions import Scope


class _Seen(NamedTuple):
    """A table of the journal: FROM, the alias of its rows, and the noun as which they are seen."""

    rows: str
    alias: str
    noun: Noun


def _joined(table: str, alias: str, column: str, noun: Noun) -> _Seen:
    rows = f"{table} {alias} JOIN {noun.table} {noun.alias} ON {noun.alias}.id = {alias}.{column}"
    return _Seen(rows, alias, noun)


def _of_noun(noun: Noun) -> _Seen:
    if noun.visible_as:
        return _joined(
            noun.table, noun.alias, noun.column_of[noun.visible_as], NOUNS[noun.visible_as]
        )
    return _Seen(f"{noun.table} {noun.alias}", noun.alias, noun)


def _of_link(link: Link, noun: Noun) -> _Seen:
    return _joined(link.table, "l", link.own_column, noun)


_SEEN = {
    **{noun.table: _of_noun(noun) for noun in NOUNS.values() if noun.permissions},
    **{link.table: _of_link(link, noun) for noun in NOUNS.values() for link in noun.links},
}
_PRIVATE = [noun.table for noun in NOUNS.values() if noun.is_private]
_RECORDS = [table for table in _SEEN if table not in _PRIVATE]


def _touched(scope: Scope, tables: Iterable[str] = _SEEN, among: str = "true") -> list[str]:
    return [
        f"""(c.entity = '{table}' AND c.entity_id = ANY(ARRAY(
            SELECT {seen.alias}.id FROM {seen.rows}
            WHERE {seen.alias}.tenant_id = :tenant AND {seen.noun.alias}.tenant_id = :tenant
                AND {among.format(seen.alias, table)} AND {condition})))"""
        for table in tables
        for seen in [_SEEN[table]]
        for condition in [permissions.VISIBLE[seen.noun.table][scope]]
    ]


# Viewers who see all records see all changes of records, but for private ones: somebody's own views
# are hidden even from administrators.
_OF_RECORDS = " OR ".join(
    [f"c.entity = ANY('{{{', '.join(_RECORDS)}}}'::text[])", *_touched("all", _PRIVATE)]
)
_OF_ADMINS = f"c.entity <> ALL('{{{', '.join(_PRIVATE)}}}'::text[])"
_CHANGES: Mapping[Scope, str] = {
    "all": f"(({_OF_RECORDS}) OR (:viewer_role::text = 'admin' AND {_OF_ADMINS}))",
    "own": " OR ".join(_touched("own")),
    "client": " OR ".join(_touched("client")),
}

# The conditions for statements that know the few changes in question: only the records of the
# common table expression `candidates` are checked.
_CANDIDATES = "{0}.id = ANY(ARRAY(SELECT x.entity_id FROM candidates x WHERE x.entity = '{1}'))"
_ONLY_CANDIDATES: Mapping[Scope, str] = {
    "all": _CHANGES["all"],
    "own": " OR ".join(_touched("own", among=_CANDIDATES)),
    "client": " OR ".join(_touched("client", among=_CANDIDATES)),
}


def _operations(scope: Scope) -> str:
    found = " UNION ALL ".join(
        f"SELECT c.operation_id FROM changes c WHERE c.tenant_id = :tenant AND {touched}"
        for touched in _touched(scope)
    )
    return f"op.id = ANY(ARRAY({found}))"


_OPERATIONS: Mapping[Scope, str] = {
    "all": f"""(:viewer_role::text = 'admin' OR op.undoes IS NOT NULL OR EXISTS (
        SELECT FROM changes c
        WHERE c.tenant_id = :tenant AND c.operation_id = op.id AND ({_OF_RECORDS})))""",
    "own": _operations("own"),
    "client": _operations("client"),
}

VISIBLE: Visible = {
    **permissions.VISIBLE,
    "changes": _CHANGES,
    "candidates": _ONLY_CANDIDATES,
    "operations": _OPERATIONS,
}
