"""Operations as pages tell of them: their changes in groups, whether each can be undone, and the
titles of the records that they name.
"""

import msgspec

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.journal.store import (
    ACTION,
    ENTITY,
    ENTITY_ID,
    FIELD_CHANGES,
    OPERATION_FIELDS,
    OPERATIONS,
)
from retainer.journal.undo_conditions import CAN_UNDO
from retainer.journal.visibility import VISIBLE
from retainer.lists.spec import ListSpec, row_json
from retainer.nouns import NOUNS
from retainer.permissions import VISIBLE as VISIBLE_RECORDS

# The changes of operations in groups by entity and action: the first change of each, and their
# count. They are counted without their values: a page may tell of half a million of them.
_ALIKE = {
    "operation": "c.operation_id",
    "entity": ENTITY,
    "id": ENTITY_ID,
    "action": "c.done",
    "alike": "c.alike",
    "changes": FIELD_CHANGES,
    "organizationId": "coalesce(c.organization_after, c.organization_before)",
}
GROUPS = Statement(
    f"""
    SELECT {row_json(_ALIKE)}
    FROM (SELECT c.*, alike.done, alike.alike
        FROM (
            SELECT c.operation_id, c.entity, {ACTION} AS done, count(*) AS alike,
                min(c.sequence) AS sequence
            FROM changes c
            WHERE c.tenant_id = :tenant AND c.operation_id = ANY(:ids::bigint[])
                AND (@visible_changes)
            GROUP BY 1, 2, 3) alike
        JOIN changes c ON c.tenant_id = :tenant AND c.operation_id = alike.operation_id
            AND c.sequence = alike.sequence) c
    ORDER BY c.operation_id, c.sequence
""",
    visible=VISIBLE,
)
# Whether an operation can be undone takes a look at each of its changes. Lists leave it out for
# larger operations than this.
MAX_CHECKED = 1000
_UNDOABLE = {name: OPERATION_FIELDS[name].sql for name in ("id", "undoneBy", "records", "canUndo")}
_UNDOABLE["canUndo"] = f"CASE WHEN {_UNDOABLE['records']} <= {MAX_CHECKED} THEN {CAN_UNDO} END"
UNDOABLE = Statement(
    f"""SELECT {row_json(_UNDOABLE)} FROM operations op
    WHERE op.tenant_id = :tenant AND op.id = ANY(:ids::bigint[]) AND @visible_operations""",
    visible=VISIBLE,
)
# All operations, without the fields that take long to compute.
AUDIT = ListSpec(
    OPERATIONS.table,
    OPERATIONS.where,
    {n: f for n, f in OPERATION_FIELDS.items() if n not in ("canUndo", "undoneBy")},
    order="-id",
    id="op.id",
    custom_filters=OPERATIONS.custom_filters,
    visible=VISIBLE,
)
# The operations whose changes pages put into sentences.
FEED = ListSpec(
    OPERATIONS.table,
    "op.tenant_id = :tenant AND op.outcome = 'done' AND @visible_feed",
    {name: OPERATION_FIELDS[name] for name in ("id", "at", "via", "actor", "undoes")},
    order="-id",
    id="op.id",
    custom_filters=OPERATIONS.custom_filters,
    visible=VISIBLE,
)

# The titles of records that the viewer may see, deleted or not. Users appear on records: who sees
# such a record is told their names, but for guests.
_TITLES = " ".join(
    f"""WHEN '{noun.table}' THEN (SELECT {noun.alias}.{noun.title} FROM {noun.table} {noun.alias}
        WHERE {noun.alias}.tenant_id = :tenant AND {noun.alias}.id = named.id
            AND (@visible_{noun.table}))"""
    for noun in NOUNS.values()
    if noun.title and noun.table in VISIBLE_RECORDS and noun.table != "users"
)
TITLES = Statement(f"""
    SELECT named.noun, named.id, CASE named.noun {_TITLES}
        WHEN 'users' THEN (SELECT u.full_name FROM users u
            WHERE u.tenant_id = :tenant AND u.id = named.id AND :viewer_role::text <> 'guest')
        WHEN 'links' THEN (SELECT u.full_name
            FROM links l JOIN users u ON u.tenant_id = :tenant AND u.id = l.user_id
            WHERE l.tenant_id = :tenant AND l.id = named.id AND :viewer_role::text = 'admin')
        END AS title
    FROM unnest(:nouns::text[], :ids::bigint[]) named (noun, id)
""")


async def titles_of(db: Db, records: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The titles of records, by (noun, id)."""
    if not records:
        return {}
    nouns, ids = zip(*sorted(records), strict=True)
    rows = await db.rows(TITLES, nouns=list(nouns), ids=list(ids))
    return {(row["noun"], row["id"]): row["title"] for row in rows if row["title"]}


async def groups(db: Db, ids: list[int]) -> list[dict[str, object]]:
    """The changes of operations in groups by entity and action."""
    if not ids:
        return []
    return [msgspec.json.decode(row[0]) for row in await db.rows(GROUPS, ids=ids)]


async def undoable(db: Db, ids: list[int]) -> dict[int, dict[str, object]]:
    """By id: id, undoneBy, records and canUndo of operations. canUndo is None for operations of
    more than MAX_CHECKED records.
    """
    if not ids:
        return {}
    rows = await db.rows(UNDOABLE, ids=sorted(set(ids)))
    found = [msgspec.json.decode(row[0]) for row in rows]
    return {operation["id"]: operation for operation in found}
