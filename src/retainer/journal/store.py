"""Every statement that reads the journal. The aliases are c, a change, and op, its operation."""

from collections.abc import Callable
from typing import Any

import msgspec

from retainer.database.database import Db
from retainer.database.statement import Statement, rows_json
from retainer.database.stored import Stored
from retainer.errors import NotFound
from retainer.journal import visibility  # noqa: F401 -- the fragments @visible_changes and others
from retainer.journal.entities import COLUMNS, LINKS, MOMENTS, TOLD, UNDO_RULES
from retainer.journal.model import Outcome
from retainer.lists.noun import Noun
from retainer.lists.spec import CustomFilter, Field, FieldType, ListSpec, row_json
from retainer.nouns import NOUNS
from retainer.permissions import PERMISSIONS, VISIBLE, Role

_NAMES = ", ".join(f"({n}, '{c.entity}', '{c.column}', '{c.field}')" for n, c in enumerate(COLUMNS))

# Both are looked up for each change that is told, and not joined: PostgreSQL would begin with all
# of the tenant's.
_ACTOR = """(SELECT row_to_json(a) FROM (SELECT u.id, u.username, u.full_name AS "fullName" FROM users u
        WHERE u.tenant_id = :tenant AND u.id = op.actor_id) a)"""
_OPERATION = f"""(SELECT row_to_json(j) FROM (SELECT op.id, iso(op.at) AS at, op.action, op.via,
    op.request_id AS "requestId",
    {_ACTOR} AS actor,
    op.actor_kind AS "actorKind", op.undoes
    FROM operations op WHERE op.tenant_id = :tenant AND op.id = c.operation_id) j)"""

# Deleting hides a row, by a column that is no field; here it is said as what it is.
_ACTION = """CASE WHEN c.action = 'update' AND c.after ? 'deleted_by'
    THEN CASE WHEN c.after -> 'deleted_by' = 'null' THEN 'restore' ELSE 'delete' END ELSE c.action END"""


def _value(image: str) -> str:
    """A field of the journal's image before or after, as the API answers it."""
    moment = f"to_jsonb(iso(({image} ->> n.name)::timestamptz))"
    return f"CASE WHEN n.name = ANY('{{{', '.join(MOMENTS)}}}'::text[]) THEN {moment} ELSE {image} -> n.name END"


# Of a new record the fields that it has; else those that changed.
_CHANGES = rows_json(f"""
        SELECT n.field, {_value("c.before")} AS before, {_value("c.after")} AS after
        FROM (VALUES {_NAMES}) n (place, entity, name, field)
        WHERE n.entity = c.entity AND (c.before ? n.name OR c.after ? n.name)
            AND (c.action <> 'insert' OR c.after -> n.name NOT IN ('null', '[]'))
        ORDER BY n.place""")

_FIELDS = {
    "operation": Field(_OPERATION, sort="c.operation_id", cast="bigint"),
    "entity": Field("c.told", FieldType.TEXT),
    "entityId": Field("c.told_id", FieldType.INTEGER),
    "version": Field("c.version", FieldType.INTEGER),
    "action": Field(_ACTION),
    "changes": Field(_CHANGES),
}

# The nouns that have a history: who sees a record in its list reads its history.
LISTS = {table: noun.list for table, noun in NOUNS.items() if noun.has_history}

# Each kind in its order, so that PostgreSQL walks their indexes and merges them instead of sorting
# all.
_CHANGED = """(SELECT c.*, '{told}' AS told, {told_id} AS told_id FROM changes c
    WHERE c.tenant_id = :tenant AND {which} ORDER BY c.operation_id DESC, c.sequence DESC)"""


def _told_id(table: str) -> str:
    """The id that a change of a table is told by. A membership is told by its contact's id, which it
    keeps; a document's link to a project by the project's, and an activity's to a contact by the
    contact's.
    """
    column = TOLD[table].by
    if not column:
        return "c.entity_id"
    return f"(SELECT x.{column} FROM {table} x WHERE x.tenant_id = :tenant AND x.id = c.entity_id)"


def _changed(table: str, which: str) -> str:
    """The changes of a table, as a history tells them."""
    which = f"c.entity = '{table}' AND {which}"
    return _CHANGED.format(told=TOLD[table].entity, told_id=_told_id(table), which=which)


def _parts(noun: Noun) -> list[str]:
    """What the history of a record (:parent) tells: its changes, those of its links to others, and
    those of what is told by another record.
    """
    below = [
        each.table for each in NOUNS.values() if each.told_by and each.belongs_to == noun.table
    ]
    mine = """c.entity_id = ANY(ARRAY(SELECT mine.id FROM {0} mine
        WHERE mine.tenant_id = :tenant AND mine.{1} = :parent))"""
    return [
        _changed(noun.table, "c.entity_id = :parent"),
        *(_changed(table, "c.organization_after = :parent") for table in below),
        *(
            _changed(link.table, mine.format(link.table, link.own))
            for link in noun.links
            if link.other
        ),
    ]


def _history(noun: Noun) -> ListSpec:
    """What was done to a record of the noun (:parent) and what is told beside it, the newest first."""
    seen = noun.list
    return ListSpec(
        f"({' UNION ALL '.join(_parts(noun))}) c",
        f"EXISTS (SELECT FROM {seen.table} WHERE {seen.where} AND {seen.id} = :parent)",
        _FIELDS,
        order="-operation",
        id="c.sequence",
        custom_filters=_of_operation_filters(_operation),
    )


def _operation(condition: str) -> str:
    return f"""(SELECT {condition} FROM operations op WHERE op.tenant_id = :tenant AND op.id = c.operation_id)"""


def _of_operation_filters(of: Callable[[str], str]) -> dict[str, CustomFilter]:
    """Conditions on the operation, each as `of` makes it one of the list."""
    return {
        "actorId": CustomFilter(
            of("op.actor_id = {}::bigint"), FieldType.INTEGER, "Only what this user did"
        ),
        "since": CustomFilter(
            of("op.at >= {}::timestamptz"), FieldType.MOMENT, "Only what was done then or after"
        ),
        "until": CustomFilter(
            of("op.at < {}::timestamptz"), FieldType.MOMENT, "Only what was done before"
        ),
    }


HISTORY = {table: _history(NOUNS[table]) for table in LISTS}


# Of any change, as histories tell it: a version of a file by its document.
_ENTITIES = " ".join(
    f"WHEN '{table}' THEN '{told.entity}'" for table, told in TOLD.items() if told.entity != table
)
ENTITY = f"CASE c.entity {_ENTITIES} ELSE c.entity END"
_IDS = " ".join(f"WHEN '{table}' THEN {_told_id(table)}" for table, told in TOLD.items() if told.by)
ENTITY_ID = f"CASE c.entity {_IDS} ELSE c.entity_id END"

# Whether somebody's work on the record came later. What was undone does not count, nor what undid
# it: together they left the record as it was.
LATER = """l.tenant_id = :tenant AND l.entity = c.entity AND l.entity_id = c.entity_id AND l.version > c.version
    AND l.operation_id <> :undone AND NOT is_undone(:tenant, l.operation_id)
    AND coalesce((SELECT lo.undoes FROM operations lo WHERE lo.tenant_id = :tenant AND lo.id = l.operation_id), 0)
        <= :undone"""
# Creating, deleting and restoring are undone by whoever may delete, the rest by whoever may change.
IS_CHANGE = "(c.action = 'update' AND NOT c.after ? 'deleted_by')"
# The first version of a file stands and falls with its document. Others are kept as evidence, and
# so are users.
_FIRST = "".join(
    f""" OR (c.entity = '{link.table}'
    AND EXISTS (SELECT FROM changes made WHERE made.tenant_id = :tenant AND made.operation_id = c.operation_id
        AND made.entity = '{noun.table}' AND made.action = 'insert'
        AND made.entity_id = (c.after ->> '{link.own}')::bigint))"""
    for noun, link in LINKS
    if not link.is_undone
)
IS_UNDOABLE = f"(c.entity = ANY('{{{', '.join(UNDO_RULES)}}}'::text[]){_FIRST})"
# What a permission does not say: somebody else's view is undone by those who may change it.
_YOURS = " AND ".join(
    f"""(c.entity <> '{noun.table}' OR EXISTS (SELECT FROM {noun.table} {noun.alias}
    WHERE {noun.alias}.tenant_id = :tenant AND {noun.alias}.id = c.entity_id AND {noun.changeable}))"""
    for noun in NOUNS.values()
    if noun.changeable != "true"
)
IS_YOURS = f"({_YOURS or 'true'})"


def _allowed(role: Role) -> str:
    """Which changes a role may undo, as an array of texts: tasks true, tasks false …"""
    words = [f"{link.table} false" for _, link in LINKS if not link.is_undone]
    for table, rule in UNDO_RULES.items():
        rules = ((rule.change, "true"), (rule.existence, "false"))
        words += [
            f"{table} {kind}" for permission, kind in rules if role in PERMISSIONS[permission].roles
        ]
    return f"WHEN '{role.value}' THEN '{{{', '.join(words)}}}'::text[]"


_MAY = f"""c.entity || ' ' || {IS_CHANGE} = ANY(CASE :viewer_role::text {" ".join(map(_allowed, Role))} END)"""
_OF_OPERATION = "c.tenant_id = :tenant AND c.operation_id = op.id"
_UNDONE_BY = "(SELECT u.id FROM operations u WHERE u.tenant_id = :tenant AND u.undoes = op.id)"
# Those who do not see everything undo only what they did themselves.
_CAN_UNDO = f"""(op.outcome = 'done' AND {_UNDONE_BY} IS NULL
    AND (op.actor_id = :user OR :viewer_role::text <> 'staff')
    AND EXISTS (SELECT FROM changes c WHERE {_OF_OPERATION})
    AND NOT EXISTS (SELECT FROM changes c WHERE {_OF_OPERATION}
        AND (NOT ({_MAY}) OR NOT {IS_UNDOABLE} OR NOT (@visible_changes) OR NOT {IS_YOURS}
            OR EXISTS (SELECT FROM changes l WHERE {LATER.replace(":undone", "op.id")}))))"""

_OPERATIONS = {
    "id": Field("op.id", FieldType.INTEGER, sort="op.id", cast="bigint"),
    "at": Field("iso(op.at)"),
    "action": Field("op.action", FieldType.TEXT),
    "via": Field("op.via", FieldType.TEXT),
    "outcome": Field("op.outcome", FieldType.WORD, values=Outcome),
    "requestId": Field("op.request_id"),
    "actor": Field(_ACTOR),
    "actorKind": Field("op.actor_kind"),
    "undoes": Field("op.undoes", FieldType.INTEGER, nullable=True),
    "undoneBy": Field(_UNDONE_BY),
    "records": Field(f"""(SELECT count(DISTINCT (c.entity, c.entity_id))
            FILTER (WHERE c.entity <> ALL ('{{{", ".join(link.table for _, link in LINKS)}}}'::text[])
                AND (@visible_changes))
        FROM changes c WHERE {_OF_OPERATION})"""),
    "canUndo": Field(_CAN_UNDO),
}

OPERATIONS = ListSpec(
    "operations op",
    "op.tenant_id = :tenant AND @visible_operations",
    _OPERATIONS,
    order="-id",
    id="op.id",
    custom_filters=_of_operation_filters(str),
)

_DETAILS = rows_json(f"""
    SELECT {ENTITY} AS entity, {ENTITY_ID} AS "entityId", c.version, {_ACTION} AS action, {_CHANGES} AS changes
    FROM changes c WHERE {_OF_OPERATION} AND (@visible_changes) ORDER BY c.sequence LIMIT :most::bigint""")

# What of an operation can change is whether it is undone, and whether it can be: an ETag tells
# these apart.
_STATE = f"1 + ({_UNDONE_BY} IS NOT NULL)::int * 2 + ({_CAN_UNDO})::int AS version"
_ONE = "FROM operations op WHERE op.tenant_id = :tenant AND op.id = :id AND @visible_operations"
SUMMARY = Statement(f"SELECT op.id, {_STATE}, {row_json(_OPERATIONS)} {_ONE}")
READ = Statement(f"SELECT op.id, {_STATE}, {row_json(_OPERATIONS | {'changes': _DETAILS})} {_ONE}")


# What operations did, in short: their changes that are alike, each told by the first of them and
# how many there are.
_ALIKE = {
    "operation": "c.operation_id",
    "entity": ENTITY,
    "id": ENTITY_ID,
    "action": "c.done",
    "alike": "c.alike",
    "changes": _CHANGES,
    "organizationId": "coalesce(c.organization_after, c.organization_before)",
}
GROUPS = Statement(f"""
    SELECT {row_json(_ALIKE)} FROM (SELECT DISTINCT ON (c.operation_id, c.entity, c.done) c.* FROM (
        SELECT c.*, {_ACTION} AS done, count(*) OVER (PARTITION BY c.operation_id, c.entity, {_ACTION}) AS alike
        FROM changes c WHERE c.tenant_id = :tenant AND c.operation_id = ANY(:ids::bigint[]) AND (@visible_changes)) c
        ORDER BY c.operation_id, c.entity, c.done, c.sequence) c
    ORDER BY c.operation_id, c.sequence
""")
# Whether one of many thousand changes can be undone is asked where it alone is shown: each has to
# be looked at.
MOST_JUDGED = 1000
_UNDOABLE = {name: _OPERATIONS[name].sql for name in ("id", "undoneBy", "records", "canUndo")}
_UNDOABLE["canUndo"] = f"CASE WHEN {_UNDOABLE['records']} <= {MOST_JUDGED} THEN {_CAN_UNDO} END"
UNDOABLE = Statement(f"""SELECT {row_json(_UNDOABLE)} FROM operations op
    WHERE op.tenant_id = :tenant AND op.id = ANY(:ids::bigint[]) AND @visible_operations""")
# All of them, without what takes long to judge.
AUDIT = ListSpec(
    OPERATIONS.table,
    OPERATIONS.where,
    {n: f for n, f in _OPERATIONS.items() if n not in ("canUndo", "undoneBy")},
    order="-id",
    id="op.id",
    custom_filters=OPERATIONS.custom_filters,
)
# Those whose changes can be told in a sentence.
FEED = ListSpec(
    OPERATIONS.table,
    f"""{OPERATIONS.where} AND op.outcome = 'done' AND EXISTS (SELECT FROM changes c
        WHERE c.tenant_id = :tenant AND c.operation_id = op.id AND (@visible_changes))""",
    {name: _OPERATIONS[name] for name in ("id", "at", "via", "actor", "undoes")},
    order="-id",
    id="op.id",
    custom_filters=OPERATIONS.custom_filters,
)

# What people know a record by, be it deleted; of what the viewer may see.
_TITLES = " ".join(
    f"""WHEN '{noun.table}' THEN (SELECT {noun.alias}.{noun.title} FROM {noun.table} {noun.alias}
        WHERE {noun.alias}.tenant_id = :tenant AND {noun.alias}.id = named.id AND (@visible_{noun.table}))"""
    for noun in NOUNS.values()
    if noun.title and noun.table in VISIBLE
)
TITLES = Statement(f"""
    SELECT named.noun, named.id, CASE named.noun {_TITLES}
        WHEN 'users' THEN (SELECT u.full_name FROM users u
            WHERE u.tenant_id = :tenant AND u.id = named.id AND :viewer_role::text <> 'guest')
        WHEN 'links' THEN (SELECT u.full_name FROM links l JOIN users u ON u.tenant_id = :tenant AND u.id = l.user_id
            WHERE l.tenant_id = :tenant AND l.id = named.id AND :viewer_role::text = 'admin') END AS title
    FROM unnest(:nouns::text[], :ids::bigint[]) named (noun, id)
""")


async def groups(db: Db, ids: list[int]) -> list[dict[str, Any]]:
    """What operations did, in short."""
    return [msgspec.json.decode(row[0]) for row in await db.rows(GROUPS, ids=ids)] if ids else []


async def titles(db: Db, named: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """What people know records by, of (noun, id)."""
    if not named:
        return {}
    nouns, ids = zip(*sorted(named), strict=True)
    rows = await db.rows(TITLES, nouns=list(nouns), ids=list(ids))
    return {(row["noun"], row["id"]): row["title"] for row in rows if row["title"]}


async def undoable(db: Db, ids: list[int]) -> dict[int, dict[str, Any]]:
    """Of each of these operations whether it is undone and can be (None: it is too large to tell in
    passing).
    """
    found = (
        [msgspec.json.decode(row[0]) for row in await db.rows(UNDOABLE, ids=sorted(set(ids)))]
        if ids
        else []
    )
    return {one["id"]: one for one in found}


async def exists(db: Db, id: int) -> bool:
    """Whether the viewer sees an operation."""
    return await summary(db, id) is not None


async def summary(db: Db, id: int) -> Stored | None:
    """One operation as the list has it."""
    return await db.stored(SUMMARY, id=id)


async def get(db: Db, id: int, most: int | None = None) -> Stored:
    """One operation with what it did, or the first of it. Raises NotFound."""
    operation = await read(db, id, most)
    if operation is None:
        raise NotFound
    return operation


async def read(db: Db, id: int, most: int | None = None) -> Stored | None:
    """One operation with what it did, or the first of it; None when the viewer sees none."""
    return await db.stored(READ, id=id, most=most)
