"""The statement of the trash. The alias is x, a deleted record; within each kind the aliases are
the noun's own.
"""

from retainer.journal.trash.model import TrashKind
from retainer.lists.spec import CustomFilter, Field, FieldType, ListSpec

# Each kind: FROM, alias, visibility, title, organization, told id, what takes it along, how many
# went with it.
_PARTS = {
    TrashKind.ORGANIZATION: (
        "organizations o",
        "o",
        "organizations",
        "o.name",
        "o.id",
        "o.id",
        "false",
        """(SELECT count(*) FROM projects b WHERE b.tenant_id = :tenant AND b.deleted_by = x.operation_id
                AND b.organization_id = x.id)
            + (SELECT count(*) FROM members b WHERE b.tenant_id = :tenant AND b.deleted_by = x.operation_id
                AND b.organization_id = x.id)
            + (SELECT count(*) FROM tasks b WHERE b.tenant_id = :tenant AND b.deleted_by = x.operation_id
                AND (b.organization_id = x.id OR b.project_id = ANY(ARRAY(SELECT p.id FROM projects p
                    WHERE p.tenant_id = :tenant AND p.deleted_by = x.operation_id AND p.organization_id = x.id))))
            + (SELECT count(*) FROM documents b WHERE b.tenant_id = :tenant AND b.deleted_by = x.operation_id
                AND (b.organization_id = x.id OR b.organization_id IS NULL AND EXISTS (
                    SELECT FROM document_projects l JOIN projects p ON p.tenant_id = :tenant AND p.id = l.project_id
                    WHERE l.tenant_id = :tenant AND l.document_id = b.id AND l.deleted_by = x.operation_id
                        AND p.organization_id = x.id)))
            + (SELECT count(*) FROM activities b WHERE b.tenant_id = :tenant AND b.deleted_by = x.operation_id
                AND b.organization_id = x.id)""",
    ),
    TrashKind.CONTACT: (
        "contacts c",
        "c",
        "contacts",
        "c.full_name",
        "NULL::bigint",
        "c.id",
        "false",
        "0",
    ),
    TrashKind.PROJECT: (
        "projects p",
        "p",
        "projects",
        "p.title",
        "p.organization_id",
        "p.id",
        "organizations y WHERE y.tenant_id = :tenant AND y.id = p.organization_id AND y.deleted_by = p.deleted_by",
        """(SELECT count(*) FROM tasks b WHERE b.tenant_id = :tenant AND b.deleted_by = x.operation_id
                AND b.project_id = x.id)
            + (SELECT count(*) FROM documents b WHERE b.tenant_id = :tenant AND b.deleted_by = x.operation_id
                AND b.organization_id IS NULL AND EXISTS (SELECT FROM document_projects l
                    WHERE l.tenant_id = :tenant AND l.document_id = b.id AND l.project_id = x.id
                        AND l.deleted_by = x.operation_id))""",
    ),
    TrashKind.TASK: (
        "tasks t",
        "t",
        "tasks",
        "t.title",
        """coalesce(t.organization_id, (SELECT y.organization_id FROM projects y WHERE y.tenant_id = :tenant
            AND y.id = t.project_id))""",
        "t.id",
        """(SELECT y.deleted_by FROM organizations y WHERE y.tenant_id = :tenant AND y.id = t.organization_id
            UNION ALL SELECT y.deleted_by FROM projects y WHERE y.tenant_id = :tenant AND y.id = t.project_id) y
            WHERE y.deleted_by = t.deleted_by""",
        "0",
    ),
    TrashKind.DOCUMENT: (
        "documents d",
        "d",
        "documents",
        "d.name",
        "d.organization_id",
        "d.id",
        """(SELECT y.deleted_by FROM organizations y WHERE y.tenant_id = :tenant AND y.id = d.organization_id
            UNION ALL SELECT y.deleted_by FROM document_projects l JOIN projects y ON y.tenant_id = :tenant
                AND y.id = l.project_id
            WHERE l.tenant_id = :tenant AND l.document_id = d.id AND l.deleted_by = d.deleted_by
                AND d.organization_id IS NULL) y
            WHERE y.deleted_by = d.deleted_by""",
        "0",
    ),
    TrashKind.ACTIVITY: (
        "activities a",
        "a",
        "activities",
        "a.title",
        "a.organization_id",
        "a.id",
        "organizations y WHERE y.tenant_id = :tenant AND y.id = a.organization_id AND y.deleted_by = a.deleted_by",
        "0",
    ),
    TrashKind.MEMBER: (
        """members m JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
            JOIN contacts c ON c.tenant_id = m.tenant_id AND c.id = m.contact_id""",
        "m",
        "organizations",
        "c.full_name",
        "m.organization_id",
        "m.contact_id",
        """(SELECT o.deleted_by UNION ALL SELECT c.deleted_by) y WHERE y.deleted_by = m.deleted_by""",
        "0",
    ),
}


def _part(place: int, kind: TrashKind) -> str:
    """The deleted of one kind in the list's order, so that PostgreSQL walks an index of each and
    merges them.
    """
    table, alias, noun, title, organization, told, above, _ = _PARTS[kind]
    alone = f"NOT EXISTS (SELECT FROM {above})" if above != "false" else "true"
    return f"""(SELECT {alias}.deleted_by AS operation_id, {place} AS place, {alias}.id AS key,
            '{kind.value}' AS kind, {told} AS id, {title} AS title, {organization} AS organization_id
        FROM {table} WHERE {alias}.tenant_id = :tenant AND {alias}.deleted_by IS NOT NULL AND @visible_{noun}
            AND {alone}
        ORDER BY {alias}.deleted_by DESC, {alias}.id DESC)"""


_ALSO = " ".join(
    f"WHEN '{kind.value}' THEN {part[-1]}" for kind, part in _PARTS.items() if part[-1] != "0"
)


def _operation(what: str) -> str:
    return f"(SELECT {what} FROM operations op WHERE op.tenant_id = :tenant AND op.id = x.operation_id)"


_FIELDS = {
    "kind": Field("x.kind", FieldType.WORD, values=TrashKind),
    "id": Field("x.id", FieldType.INTEGER),
    "title": Field("x.title"),
    "organizationId": Field("x.organization_id", FieldType.INTEGER, nullable=True),
    "deletedAt": Field(_operation("iso(op.at)")),
    "deletedBy": Field(
        _operation("""(SELECT row_to_json(a) FROM (SELECT u.id, u.username, u.full_name AS "fullName"
        FROM users u WHERE u.tenant_id = :tenant AND u.id = op.actor_id) a)""")
    ),
    "operationId": Field("x.operation_id", FieldType.INTEGER, sort="x.operation_id", cast="bigint"),
    "alsoDeleted": Field(f"CASE x.kind {_ALSO} ELSE 0 END"),
}

TRASH = ListSpec(
    f"({' UNION ALL '.join(_part(n, kind) for n, kind in enumerate(_PARTS))}) x",
    "true",
    _FIELDS,
    order="-operationId",
    id="x.key",
    tie_break=Field("x.place", sort="x.place", cast="int"),
    custom_filters={
        "actorId": CustomFilter(
            _operation("op.actor_id = {}::bigint"), FieldType.INTEGER, "Only what this user deleted"
        ),
        "since": CustomFilter(
            _operation("op.at >= {}::timestamptz"),
            FieldType.MOMENT,
            "Only what was deleted then or after",
        ),
        "until": CustomFilter(
            _operation("op.at < {}::timestamptz"), FieldType.MOMENT, "Only what was deleted before"
        ),
    },
)
