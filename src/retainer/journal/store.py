"""Every statement that reads the journal. The aliases are c, a change, and op, its operation."""

from collections.abc import Callable
from typing import Any

import msgspec

from retainer.database.database import Db
from retainer.database.statement import Statement, rows_json
from retainer.database.stored import Stored
from retainer.errors import NotFound
from retainer.identity.users import store as users
from retainer.journal.model import COLUMNS, MOMENTS, NOUNS, Outcome
from retainer.lists.spec import CustomFilter, Field, FieldType, ListSpec, row_json
from retainer.permissions import PERMISSIONS, Role
from retainer.records.activities import store as activities
from retainer.records.contacts import store as contacts
from retainer.records.documents import store as documents
from retainer.records.organizations import store as organizations
from retainer.records.projects import store as projects
from retainer.records.tasks import store as tasks
from retainer.records.views import store as views

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
LISTS = {
    "organizations": organizations.LIST,
    "contacts": contacts.LIST,
    "projects": projects.LIST,
    "tasks": tasks.LIST,
    "documents": documents.LIST,
    "activities": activities.LIST,
    "users": users.LIST,
}

# Each kind in its order, so that PostgreSQL walks their indexes and merges them instead of sorting
# all.
_CHANGED = """(SELECT c.*, '{told}' AS told, {told_id} AS told_id FROM changes c
    WHERE c.tenant_id = :tenant AND {which} ORDER BY c.operation_id DESC, c.sequence DESC)"""

# A membership is told by its contact's id, which it keeps; a document's link to a project by the
# project's, and an activity's to a contact by the contact's.
_CONTACT = "(SELECT m.contact_id FROM members m WHERE m.tenant_id = :tenant AND m.id = c.entity_id)"
_PROJECT = "(SELECT l.project_id FROM document_projects l WHERE l.tenant_id = :tenant AND l.id = c.entity_id)"
_WITH = "(SELECT l.contact_id FROM activity_contacts l WHERE l.tenant_id = :tenant AND l.id = c.entity_id)"
_MEMBERS = _CHANGED.format(
    told="members",
    told_id=_CONTACT,
    which="c.entity = 'members' AND c.organization_after = :parent",
)
_LINKS = _CHANGED.format(
    told="documentProjects",
    told_id=_PROJECT,
    which="""c.entity = 'document_projects' AND c.entity_id = ANY(ARRAY(
        SELECT mine.id FROM document_projects mine WHERE mine.tenant_id = :tenant AND mine.document_id = :parent))""",
)
_PEOPLE = _CHANGED.format(
    told="activityContacts",
    told_id=_WITH,
    which="""c.entity = 'activity_contacts' AND c.entity_id = ANY(ARRAY(
        SELECT mine.id FROM activity_contacts mine WHERE mine.tenant_id = :tenant AND mine.activity_id = :parent))""",
)
_BESIDE = {"organizations": _MEMBERS, "documents": _LINKS, "activities": _PEOPLE}


def _history(noun: str) -> ListSpec:
    """What was done to a record of the noun (:parent) and what is told beside it, the newest first."""
    changes = _CHANGED.format(
        told=noun, told_id="c.entity_id", which=f"c.entity = '{noun}' AND c.entity_id = :parent"
    )
    seen = LISTS[noun]
    both = " UNION ALL ".join([changes, *filter(None, [_BESIDE.get(noun)])])
    return ListSpec(
        f"({both}) c",
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


HISTORY = {noun: _history(noun) for noun in LISTS}


# Of any change, as histories tell it: a version of a file by its document.
TOLD = """CASE c.entity WHEN 'document_projects' THEN 'documentProjects'
    WHEN 'activity_contacts' THEN 'activityContacts'
    WHEN 'document_versions' THEN 'documentVersions' ELSE c.entity END"""
TOLD_ID = f"""CASE c.entity WHEN 'members' THEN {_CONTACT} WHEN 'document_projects' THEN {_PROJECT}
    WHEN 'activity_contacts' THEN {_WITH}
    WHEN 'document_versions' THEN (SELECT v.document_id FROM document_versions v
        WHERE v.tenant_id = :tenant AND v.id = c.entity_id)
    ELSE c.entity_id END"""

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
IS_UNDOABLE = f"""(c.entity = ANY('{{{", ".join(NOUNS)}}}'::text[]) OR (c.entity = 'document_versions'
    AND EXISTS (SELECT FROM changes made WHERE made.tenant_id = :tenant AND made.operation_id = c.operation_id
        AND made.entity = 'documents' AND made.action = 'insert'
        AND made.entity_id = (c.after ->> 'document_id')::bigint)))"""
# What a permission does not say: somebody else's view is undone by those who may change it.
IS_YOURS = f"""(c.entity <> 'views' OR EXISTS (SELECT FROM views v
    WHERE v.tenant_id = :tenant AND v.id = c.entity_id AND {views.CHANGEABLE}))"""


def _allowed(role: Role) -> str:
    """Which changes a role may undo, as an array of texts: tasks true, tasks false …"""
    words = ["document_versions false"]
    for table, noun in NOUNS.items():
        rules = ((noun.change, "true"), (noun.existence, "false"))
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
            FILTER (WHERE c.entity NOT IN ('document_projects', 'document_versions', 'activity_contacts')
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
    SELECT {TOLD} AS entity, {TOLD_ID} AS "entityId", c.version, {_ACTION} AS action, {_CHANGES} AS changes
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
    "entity": TOLD,
    "id": TOLD_ID,
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
_NAMED = ("organizations", "contacts", "projects", "tasks", "documents", "activities", "views")
_TITLES = " ".join(
    f"""WHEN '{noun}' THEN (SELECT {noun[0]}.{NOUNS[noun].title} FROM {noun} {noun[0]}
        WHERE {noun[0]}.tenant_id = :tenant AND {noun[0]}.id = named.id AND (@visible_{noun}))"""
    for noun in _NAMED
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
