"""Every statement about the journal. The aliases are c, a change, and op, its operation."""

from retainer.contacts import store as contacts
from retainer.documents import store as documents
from retainer.journal.model import COLUMNS
from retainer.lists.collection import Collection, Extra, Field, Kind
from retainer.organizations import store as organizations
from retainer.projects import store as projects
from retainer.statement import rows_json
from retainer.tasks import store as tasks
from retainer.users import store as users

_NAMES = ", ".join(f"({n}, '{c.entity}', '{c.column}', '{c.field}')" for n, c in enumerate(COLUMNS))

# Looked up for each change that is told, and not joined: PostgreSQL would begin with all operations of the tenant.
_OPERATION = """(SELECT row_to_json(j) FROM (SELECT op.id, iso(op.at) AS at, op.action, op.via,
    op.request_id AS "requestId",
    (SELECT row_to_json(a) FROM (SELECT u.id, u.username, u.full_name AS "fullName" FROM users u
        WHERE u.tenant_id = :tenant AND u.id = op.actor_id) a) AS actor,
    op.actor_kind AS "actorKind", op.undoes
    FROM operations op WHERE op.tenant_id = :tenant AND op.id = c.operation_id) j)"""

# Deleting hides a row, by a column that is no field; here it is said as what it is.
_ACTION = """CASE WHEN c.action = 'update' AND c.after ? 'deleted_by'
    THEN CASE WHEN c.after -> 'deleted_by' = 'null' THEN 'restore' ELSE 'delete' END ELSE c.action END"""

# Of a new record the fields that it has; else those that changed.
_CHANGES = rows_json(f"""
        SELECT n.field, c.before -> n.name AS before, c.after -> n.name AS after
        FROM (VALUES {_NAMES}) n (place, entity, name, field)
        WHERE n.entity = c.entity AND (c.before ? n.name OR c.after ? n.name)
            AND (c.action <> 'insert' OR c.after -> n.name NOT IN ('null', '[]'))
        ORDER BY n.place""")

_FIELDS = {
    "operation": Field(_OPERATION, sort="c.operation_id", cast="bigint"),
    "entity": Field("c.told", Kind.TEXT),
    "entityId": Field("c.told_id", Kind.INTEGER),
    "version": Field("c.version", Kind.INTEGER),
    "action": Field(_ACTION),
    "changes": Field(_CHANGES),
}

# The nouns that have a history: who sees a record in its list reads its history.
_LISTS = {
    "organizations": organizations.LIST,
    "contacts": contacts.LIST,
    "projects": projects.LIST,
    "tasks": tasks.LIST,
    "documents": documents.LIST,
    "users": users.LIST,
}

# Each kind in its order, so that PostgreSQL walks their indexes and merges them instead of sorting all.
_CHANGED = """(SELECT c.*, '{told}' AS told, {told_id} AS told_id FROM changes c
    WHERE c.tenant_id = :tenant AND {which} ORDER BY c.operation_id DESC, c.sequence DESC)"""

# A membership is told by its contact's id, which it keeps; a document's link to a project by the project's.
_MEMBERS = _CHANGED.format(
    told="members",
    told_id="(SELECT m.contact_id FROM members m WHERE m.tenant_id = :tenant AND m.id = c.entity_id)",
    which="c.entity = 'members' AND c.organization_after = :parent",
)
_LINKS = _CHANGED.format(
    told="documentProjects",
    told_id="(SELECT l.project_id FROM document_projects l WHERE l.tenant_id = :tenant AND l.id = c.entity_id)",
    which="""c.entity = 'document_projects' AND c.entity_id = ANY(ARRAY(
        SELECT mine.id FROM document_projects mine WHERE mine.tenant_id = :tenant AND mine.document_id = :parent))""",
)
_BESIDE = {"organizations": _MEMBERS, "documents": _LINKS}


def _history(noun: str) -> Collection:
    """What was done to a record of the noun (:parent) and what is told beside it, the newest first."""
    changes = _CHANGED.format(told=noun, told_id="c.entity_id", which=f"c.entity = '{noun}' AND c.entity_id = :parent")
    seen = _LISTS[noun]
    both = " UNION ALL ".join([changes, *filter(None, [_BESIDE.get(noun)])])
    return Collection(
        f"({both}) c",
        f"EXISTS (SELECT FROM {seen.table} WHERE {seen.where} AND {seen.id} = :parent)",
        _FIELDS,
        order="-operation",
        id="c.sequence",
        extras=_EXTRAS,
    )


def _operation(condition: str) -> str:
    return f"""(SELECT {condition} FROM operations op WHERE op.tenant_id = :tenant AND op.id = c.operation_id)"""


# Conditions on the operation, which is no plain field.
_EXTRAS = {
    "actorId": Extra(_operation("op.actor_id = {}::bigint"), Kind.INTEGER, "Only what this user did"),
    "since": Extra(_operation("op.at >= {}::timestamptz"), Kind.MOMENT, "Only what was done then or after"),
    "until": Extra(_operation("op.at < {}::timestamptz"), Kind.MOMENT, "Only what was done before"),
}

HISTORY = {noun: _history(noun) for noun in _LISTS}
