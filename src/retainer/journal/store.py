"""Every statement that reads histories and operations. The aliases are c, a change, and op, its
operation.
"""

from collections.abc import Callable

from retainer.database.database import Db
from retainer.database.statement import Statement, rows_json
from retainer.database.stored import Stored
from retainer.errors import NotFound
from retainer.journal.entities import COLUMNS, LINKS, MOMENTS, SUBJECTS
from retainer.journal.model import ChangeAction, Outcome, RecordChange
from retainer.journal.undo_conditions import CAN_UNDO, OF_OPERATION, UNDONE_BY
from retainer.journal.visibility import VISIBLE
from retainer.lists.noun import Noun
from retainer.lists.spec import CustomFilter, Field, FieldType, ListSpec, row_json
from retainer.nouns import NOUNS

_NAMES = ", ".join(f"({n}, '{c.entity}', '{c.column}', '{c.field}')" for n, c in enumerate(COLUMNS))

# Looked up for each change in the answer. Joined, PostgreSQL would begin with all of the tenant's
# users and operations.
_ACTOR = """(SELECT row_to_json(a) FROM (
        SELECT u.id, u.username, u.full_name AS "fullName" FROM users u
        WHERE u.tenant_id = :tenant AND u.id = op.actor_id) a)"""
_OPERATION = f"""(SELECT row_to_json(j) FROM (SELECT op.id, iso(op.at) AS at, op.action, op.via,
    op.request_id AS "requestId",
    {_ACTOR} AS actor,
    op.actor_kind AS "actorKind", op.undoes
    FROM operations op WHERE op.tenant_id = :tenant AND op.id = c.operation_id) j)"""

# The operation that took a change back, as a whole or singly, and was not undone in turn.
_TAKEN_BACK_BY = """(SELECT max(u.id) FROM operations u
    WHERE u.tenant_id = :tenant AND u.undoes = c.operation_id AND NOT is_undone(:tenant, u.id)
        AND (u.undoes_changes IS NULL OR c.sequence = ANY(u.undoes_changes)))"""

# In the journal a deletion is an update of deleted_by, which is no field of the API.
ACTION = """CASE WHEN c.action = 'update' AND c.after ? 'deleted_by'
    THEN CASE WHEN c.after -> 'deleted_by' = 'null' THEN 'restore' ELSE 'delete' END
    ELSE c.action END"""


def _value(image: str) -> str:
    """A field of the journal's image before or after, as the API answers it."""
    moment = f"to_jsonb(iso(({image} ->> n.name)::timestamptz))"
    return f"""CASE WHEN n.name = ANY('{{{", ".join(MOMENTS)}}}'::text[])
        THEN {moment} ELSE {image} -> n.name END"""


# The fields that a change has set, as they were before, whoever may see that.
BEFORE = rows_json(f"""
        SELECT n.field, {_value("c.before")} AS before
        FROM (VALUES {_NAMES}) n (place, entity, name, field)
        WHERE n.entity = c.entity AND c.before ? n.name""")

# The fields that a new record has, or those that an update changed. Of a record that only came into
# the viewer's sight by the update, what came is told as of a new one.
# It is asked once for all fields: OFFSET 0 keeps it from being asked in each place.
FIELD_CHANGES = rows_json(f"""
        SELECT n.field, CASE WHEN known.before THEN {_value("c.before")} END AS before,
            {_value("c.after")} AS after
        FROM (SELECT c.action <> 'insert' AND (@visible_before) AS before OFFSET 0) known,
            (VALUES {_NAMES}) n (place, entity, name, field)
        WHERE n.entity = c.entity AND (c.before ? n.name OR c.after ? n.name)
            AND (known.before OR c.after -> n.name NOT IN ('null', '[]'))
        ORDER BY n.place""")

_FIELDS = {
    "operation": Field(_OPERATION, sort="c.operation_id", cast="bigint"),
    "entity": Field("c.subject", FieldType.TEXT),
    "entityId": Field("c.subject_id", FieldType.INTEGER),
    "version": Field("c.version", FieldType.INTEGER),
    "action": Field(ACTION),
    "sequence": Field("c.sequence", FieldType.INTEGER),
    "undoneBy": Field(_TAKEN_BACK_BY),
    "changes": Field(FIELD_CHANGES),
}

# The lists of the nouns with a history: a viewer who sees a record in its list may read its
# history.
LISTS = {table: noun.list for table, noun in NOUNS.items() if noun.has_history}

# Each table's changes in their order, so that PostgreSQL merges indexes instead of sorting all
# changes.
_CHANGED = """(SELECT c.*, '{subject}' AS subject, {subject_id} AS subject_id FROM changes c
    WHERE c.tenant_id = :tenant AND {which} ORDER BY c.operation_id DESC, c.sequence DESC)"""


def _subject_id(table: str) -> str:
    """The SQL of the id that a history gives for a change of a table: the contact's for a
    membership or an activity's link, the project's for a document's link, else the row's own.
    """
    column = SUBJECTS[table].column
    if not column:
        return "c.entity_id"
    return f"""(SELECT x.{column} FROM {table} x
        WHERE x.tenant_id = :tenant AND x.id = c.entity_id)"""


def _changed(table: str, which: str) -> str:
    """The SELECT of a table's changes, with entity and id as histories name them."""
    which = f"c.entity = '{table}' AND {which}"
    return _CHANGED.format(
        subject=SUBJECTS[table].entity, subject_id=_subject_id(table), which=which
    )


def _parts(noun: Noun) -> list[str]:
    """The parts of the history of a record (:parent): its own changes, those of its links, and
    those of rows below it that are named by another record, such as memberships.
    """
    below = [
        each.table
        for each in NOUNS.values()
        if each.subject_column and each.belongs_to == noun.table
    ]
    mine = """c.entity_id = ANY(ARRAY(SELECT mine.id FROM {0} mine
        WHERE mine.tenant_id = :tenant AND mine.{1} = :parent))"""
    return [
        _changed(noun.table, "c.entity_id = :parent"),
        *(_changed(table, "c.organization_after = :parent") for table in below),
        *(
            _changed(link.table, mine.format(link.table, link.own_column))
            for link in noun.links
            if link.other_column
        ),
    ]


def _history(noun: Noun) -> ListSpec:
    """The history of a record of the noun (:parent), the newest first."""
    seen = noun.list
    return ListSpec(
        f"({' UNION ALL '.join(_parts(noun))}) c",
        f"""EXISTS (SELECT FROM {seen.table} WHERE {seen.where} AND {seen.id} = :parent)
            AND (@visible_after)""",
        _FIELDS,
        order="-operation",
        id="c.sequence",
        custom_filters=_of_operation_filters(_operation),
        visible=VISIBLE,
    )


def _operation(condition: str) -> str:
    return f"""(SELECT {condition} FROM operations op
        WHERE op.tenant_id = :tenant AND op.id = c.operation_id)"""


def _of_operation_filters(of: Callable[[str], str]) -> dict[str, CustomFilter]:
    """Filters by the operation; `of` turns a condition on it into one of the list."""
    return {
        "actorId": CustomFilter(
            of("op.actor_id = {}::bigint"), FieldType.INTEGER, "Only what this user did"
        ),
        "since": CustomFilter(
            of("op.at >= {}::timestamptz"), FieldType.MOMENT, "Only what was done then or after"
        ),
        "until": CustomFilter(
            of("op.at < {}::timestamptz"),
            FieldType.MOMENT,
            "Only what was done before this time, or until the end of this day",
            ends_with_day=True,
        ),
    }


class _Histories(dict[str, ListSpec]):
    """The history of each noun that has one, by its table. Raises ValueError for another."""

    def __missing__(self, table: str) -> ListSpec:
        raise ValueError(f"the noun {table} has no history: its declaration lacks has_history")


HISTORY = _Histories({table: _history(NOUNS[table]) for table in LISTS})


# The entity and id of any change, as operations name them; a version of a file is named by its
# document.
_ENTITIES = " ".join(
    f"WHEN '{table}' THEN '{subject.entity}'"
    for table, subject in SUBJECTS.items()
    if subject.entity != table
)
ENTITY = f"CASE c.entity {_ENTITIES} ELSE c.entity END"
_IDS = " ".join(
    f"WHEN '{table}' THEN {_subject_id(table)}"
    for table, subject in SUBJECTS.items()
    if subject.column
)
ENTITY_ID = f"CASE c.entity {_IDS} ELSE c.entity_id END"

_LINK_TABLES = ", ".join(link.table for _, link in LINKS)

OPERATION_FIELDS = {
    "id": Field("op.id", FieldType.INTEGER, sort="op.id", cast="bigint"),
    "at": Field("iso(op.at)"),
    "action": Field("op.action", FieldType.TEXT),
    "via": Field("op.via", FieldType.TEXT),
    "outcome": Field("op.outcome", FieldType.WORD, values=Outcome),
    "count": Field("op.count"),
    "requestId": Field("op.request_id"),
    "address": Field("CASE WHEN :viewer_role::text = 'admin' THEN op.address END"),
    "actor": Field(_ACTOR),
    "actorKind": Field("op.actor_kind"),
    "undoes": Field("op.undoes", FieldType.INTEGER, nullable=True),
    "undoesPart": Field("op.undoes_changes IS NOT NULL"),
    "undoneBy": Field(UNDONE_BY),
    "records": Field(f"""(SELECT count(DISTINCT (c.entity, c.entity_id))
            FILTER (WHERE c.entity <> ALL ('{{{_LINK_TABLES}}}'::text[])
                AND (@visible_records))
        FROM changes c WHERE {OF_OPERATION})"""),
    "canUndo": Field(CAN_UNDO),
}

OPERATIONS = ListSpec(
    "operations op",
    "op.tenant_id = :tenant AND @visible_operations",
    OPERATION_FIELDS,
    order="-id",
    id="op.id",
    custom_filters=_of_operation_filters(str),
    visible=VISIBLE,
)

# What an operation did to each record, as the operation has the first of it and as a list.
_OF_RECORD = {name: _FIELDS[name] for name in ("version", "undoneBy", "changes")} | {
    "entity": Field(ENTITY, FieldType.TEXT),
    "entityId": Field(ENTITY_ID, FieldType.INTEGER),
    "action": Field(ACTION, FieldType.WORD, values=ChangeAction),
    "sequence": _FIELDS["sequence"]._replace(sort="c.sequence"),
}
CHANGES = ListSpec(
    "changes c",
    "c.tenant_id = :tenant AND c.operation_id = :parent AND (@visible_changes)",
    {name: _OF_RECORD[name] for name in RecordChange.__struct_encode_fields__},
    order="sequence",
    id="c.sequence",
    visible=VISIBLE,
)
MAX_SHOWN = 200  # changes that an operation has itself
_DETAILS = rows_json(f"""
    SELECT {", ".join(f'{field.sql} AS "{name}"' for name, field in CHANGES.fields.items())}
    FROM changes c WHERE {OF_OPERATION} AND (@visible_changes)
    ORDER BY c.sequence LIMIT {MAX_SHOWN}""")

# Only two facts of an operation can change: whether it is undone and whether it can be. The version
# in its ETag is made from these.
_STATE = f"1 + ({UNDONE_BY} IS NOT NULL)::int * 2 + ({CAN_UNDO})::int AS version"
_ONE = "FROM operations op WHERE op.tenant_id = :tenant AND op.id = :id AND @visible_operations"
_PASSING = OPERATION_FIELDS | {"passedOver": ":passed_over::int"}
UNDONE = Statement(f"SELECT op.id, {_STATE}, {row_json(_PASSING)} {_ONE}", visible=VISIBLE)
SEEN = Statement(f"SELECT op.id {_ONE}", visible=VISIBLE)
SUMMARY = Statement(f"SELECT op.id, {_STATE}, {row_json(OPERATION_FIELDS)} {_ONE}", visible=VISIBLE)
READ = Statement(
    f"SELECT op.id, {_STATE}, {row_json(OPERATION_FIELDS | {'changes': _DETAILS})} {_ONE}",
    visible=VISIBLE,
)


async def exists(db: Db, id: int) -> bool:
    """Tell whether the viewer sees an operation."""
    return await db.value(SEEN, id=id) is not None


async def summary(db: Db, id: int) -> Stored | None:
    """One operation without its changes; None when the viewer sees none."""
    return await db.stored(SUMMARY, id=id)


async def undone(db: Db, id: int, passed_over: int) -> Stored | None:
    """The operation that an undo made, with the number of records that it passed over."""
    return await db.stored(UNDONE, id=id, passed_over=passed_over)


async def get(db: Db, id: int) -> Stored:
    """One operation with the first of its changes. Raises NotFound."""
    operation = await db.stored(READ, id=id)
    if operation is None:
        raise NotFound
    return operation
