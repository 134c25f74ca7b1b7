"""Every statement about the journal. The aliases are c, a change, and op, its operation."""

from asyncpg import Record

from retainer.database import Db
from retainer.journal.model import COLUMNS
from retainer.statement import Statement

_NAMES = ", ".join(f"({n}, '{c.entity}', '{c.column}', '{c.field}')" for n, c in enumerate(COLUMNS))

_OPERATION = """(SELECT row_to_json(j) FROM (SELECT op.id, iso(op.at) AS at, op.action, op.via,
    op.request_id AS "requestId",
    (SELECT row_to_json(a) FROM (SELECT u.id, u.username, u.full_name AS "fullName" FROM users u
        WHERE u.tenant_id = :tenant AND u.id = op.actor_id) a) AS actor,
    op.actor_kind AS "actorKind", op.undoes) j)"""

# Deleting hides a row, by a column that is no field; here it is said as what it is.
_ACTION = """CASE WHEN c.action = 'update' AND c.after ? 'deleted_by'
    THEN CASE WHEN c.after -> 'deleted_by' = 'null' THEN 'restore' ELSE 'delete' END ELSE c.action END"""

# Of a new record the fields that it has; else those that changed.
_CHANGES = f"""(SELECT coalesce('[' || string_agg(row_to_json(q)::text, ',') || ']', '[]')::json FROM (
        SELECT n.field, c.before -> n.name AS before, c.after -> n.name AS after
        FROM (VALUES {_NAMES}) n (place, entity, name, field)
        WHERE n.entity = c.entity AND (c.before ? n.name OR c.after ? n.name)
            AND (c.action <> 'insert' OR c.after -> n.name NOT IN ('null', '[]'))
        ORDER BY n.place) q)"""

_ENTRY = f"""(SELECT row_to_json(e) FROM (SELECT {_OPERATION} AS operation, c.told AS entity, c.told_id AS "entityId",
    c.version, {_ACTION} AS action, {_CHANGES} AS changes) e)"""

# What is seen of whom, as each noun's store says it.
_SEEN = {
    "organizations": "organizations o WHERE o.tenant_id = :tenant AND o.id = :id AND o.deleted_by IS NULL"
    " AND @visible_organizations",
    "contacts": "contacts c WHERE c.tenant_id = :tenant AND c.id = :id AND c.deleted_by IS NULL AND @visible_contacts",
    "projects": "projects p WHERE p.tenant_id = :tenant AND p.id = :id AND p.deleted_by IS NULL AND @visible_projects",
    "tasks": "tasks t WHERE t.tenant_id = :tenant AND t.id = :id AND t.deleted_by IS NULL AND @visible_tasks",
    "documents": "documents d WHERE d.tenant_id = :tenant AND d.id = :id AND d.deleted_by IS NULL"
    " AND @visible_documents",
}

_PAGE = """SELECT c.*, '{told}' AS told, {told_id} AS told_id FROM changes c {joined}
    WHERE c.tenant_id = :tenant AND {which} AND (c.operation_id, c.sequence) < (:operation, :sequence::int)
    ORDER BY c.operation_id DESC, c.sequence DESC LIMIT :most + 1"""

# A membership is told by its contact's id, which it keeps; a document's link to a project by the project's.
_MEMBERS = _PAGE.format(
    told="members",
    told_id="m.contact_id",
    joined="JOIN members m ON m.tenant_id = c.tenant_id AND m.id = c.entity_id",
    which="c.entity = 'members' AND c.organization_after = :id",
)
_LINKS = _PAGE.format(
    told="documentProjects",
    told_id="l.project_id",
    joined="JOIN document_projects l ON l.tenant_id = c.tenant_id AND l.id = c.entity_id",
    which="""c.entity = 'document_projects' AND c.entity_id = ANY(ARRAY(
        SELECT mine.id FROM document_projects mine WHERE mine.tenant_id = :tenant AND mine.document_id = :id))""",
)
_BESIDE = {"organizations": _MEMBERS, "documents": _LINKS}


def _history(noun: str) -> Statement:
    """The entries behind a place, newest first: `chunk` (their JSON joined by commas), `count` (with the one that
    shows that there are more), and the place of the last.
    """
    changes = _PAGE.format(
        told=noun, told_id="c.entity_id", joined="", which=f"c.entity = '{noun}' AND c.entity_id = :id"
    )
    if noun in _BESIDE:
        both = f"({changes}) UNION ALL ({_BESIDE[noun]})"
        changes = f"{both} ORDER BY operation_id DESC, sequence DESC LIMIT :most + 1"
    return Statement(f"""
        SELECT convert_to(string_agg(page.entry::text, ',' ORDER BY page.n) FILTER (WHERE page.n <= :most), 'UTF8')
                AS chunk, count(*), max(page.operation_id) FILTER (WHERE page.n = :most) AS operation,
            max(page.sequence) FILTER (WHERE page.n = :most) AS sequence
        FROM (
            SELECT c.operation_id, c.sequence, {_ENTRY} AS entry,
                row_number() OVER (ORDER BY c.operation_id DESC, c.sequence DESC) AS n
            FROM ({changes}) c
            JOIN operations op ON op.tenant_id = :tenant AND op.id = c.operation_id
            WHERE EXISTS (SELECT FROM {_SEEN[noun]})
        ) page
    """)


HISTORY = {noun: _history(noun) for noun in _SEEN}


async def page(db: Db, noun: str, id: int, place: tuple[int, int], most: int) -> Record:
    """At most so many entries of a record's history behind a place, an operation and a sequence within it."""
    row = await db.row(HISTORY[noun], id=id, operation=place[0], sequence=place[1], most=most)
    assert row is not None  # an aggregate
    return row
