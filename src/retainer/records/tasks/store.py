"""Every statement about tasks. Their alias is t; @visible_tasks keeps to those that the viewer
sees.
"""

from retainer.database.database import Db, Values
from retainer.database.statement import Change, Create, Statement, Update, is_locked
from retainer.database.stored import Stored
from retainer.http.fields import Audience
from retainer.lists.noun import Trashed
from retainer.lists.spec import (
    NEVER,
    Field,
    FieldType,
    ListSpec,
    expanded_organization,
    moments,
    row_json,
)
from retainer.lists.told import told
from retainer.lists.word_filter import searched
from retainer.records import people
from retainer.records.tasks.model import TaskPriority, TaskStatus
from retainer.records.upsert import by_external_id

_SEEN = "t.tenant_id = :tenant AND t.deleted_by IS NULL AND @visible_tasks"

FIELDS = {
    "id": Field("t.id", FieldType.INTEGER, sort="t.id", cast="bigint"),
    "title": Field(
        "t.title", FieldType.FOLDED, "t.title_folded", sort="t.title_folded", contains="tasks_named"
    ),
    "description": Field("t.description"),
    "organizationId": Field("t.organization_id", FieldType.INTEGER, nullable=True),
    "projectId": Field("t.project_id", FieldType.INTEGER, nullable=True),
    "assigneeId": Field("t.assignee_id", FieldType.INTEGER, nullable=True),
    "status": Field(
        "t.status",
        FieldType.WORD,
        "t.status_rank",
        sort="t.status_rank",
        cast="smallint",
        values=TaskStatus,
        is_ranked=True,
    ),
    "priority": Field(
        "t.priority",
        FieldType.WORD,
        "t.priority_rank",
        sort="t.priority_rank",
        cast="smallint",
        values=TaskPriority,
        is_ranked=True,
    ),
    "dueDate": Field(
        "t.due_date",
        FieldType.DATE,
        "t.due_date_key",
        sort="t.due_date_key",
        cast="date",
        nullable=True,
        absent=NEVER,
    ),
    "order": Field('t."order"', FieldType.INTEGER, sort='t."order"', cast="int"),
    "audience": Field("t.audience", FieldType.WORD, sort="t.audience", values=Audience),
    **moments("t"),
    "externalId": Field("t.external_id", FieldType.TEXT, nullable=True),
}
FIELDS = told("tasks", FIELDS)
JSON = row_json(FIELDS)

LIST = ListSpec(
    "tasks t",
    _SEEN,
    FIELDS
    | {
        "assignee": Field("""(SELECT row_to_json(a) FROM (
            SELECT u.id, u.username, u.full_name AS "fullName"
            FROM users u WHERE u.tenant_id = :tenant AND u.id = t.assignee_id) a)"""),
        "project": Field("""(SELECT row_to_json(q) FROM (SELECT p.id, p.title FROM projects p
            WHERE p.tenant_id = :tenant AND p.id = t.project_id AND @visible_projects) q)"""),
    },
    order="order",
    id="t.id",
    custom_filters=searched("tasks", "t"),
    expand={"organization": expanded_organization("t")},
)
OF_ORGANIZATION = LIST.of_parent(
    """AND (t.organization_id = :parent OR t.project_id = ANY(ARRAY(SELECT p.id FROM projects p
            WHERE p.tenant_id = :tenant AND p.organization_id = :parent AND p.deleted_by IS NULL)))
        AND EXISTS (SELECT FROM organizations o WHERE o.tenant_id = :tenant AND o.id = :parent
            AND o.deleted_by IS NULL AND @visible_organizations)"""
)

READ = Statement(f"""
    SELECT t.id, t.version, {JSON}
    FROM tasks t
    WHERE t.tenant_id = :tenant AND t.id = ANY(:ids::bigint[]) AND t.deleted_by IS NULL
        AND @visible_tasks
""")

# A task may refer only to records that are live and visible, and to people whom the viewer may
# name. They are locked FOR SHARE, or a concurrent request could delete them before this one
# commits.
_ORGANIZATION = """SELECT o.id FROM organizations o WHERE o.tenant_id = :tenant AND o.id = {}
    AND o.deleted_by IS NULL AND @visible_organizations"""
# The project's organization is locked first: deleting the organization locks it, and then reads the
# tasks of its projects, which would miss this one.
_PROJECT = """SELECT p.id
    FROM organizations o JOIN projects p ON p.tenant_id = o.tenant_id AND p.organization_id = o.id
    WHERE o.tenant_id = :tenant AND p.id = {} AND p.deleted_by IS NULL AND o.deleted_by IS NULL
    AND @visible_projects"""
REFERENCES = {
    "organization_id": _ORGANIZATION,
    "project_id": _PROJECT,
    "assignee_id": people.NAMEABLE,
}


BY_EXTERNAL_ID = by_external_id("tasks", "t")

CREATE = Create(
    "tasks",
    "t",
    (
        "title",
        "description",
        "organization_id",
        "project_id",
        "assignee_id",
        "status",
        "priority",
        "due_date",
        "order",
        "audience",
        "external_id",
    ),
    references=REFERENCES,
    returning=f"t.id, t.version, {JSON}",
)


# Who sees tasks through organizations may not take one out of all of them. Judged by the row as the
# statement finds it: of two changes that each take one of the two away, the later one is refused.
_HOMES = ("organization_id", "project_id")


def _keeps_organization(references: list[str]) -> str:
    after = [f":{home}::bigint" if home in references else f"t.{home}" for home in _HOMES]
    return f""" AND (:viewer_role::text IN ('admin', 'consultant')
                OR num_nonnulls({", ".join(after)}) > 0
                OR num_nonnulls(t.organization_id, t.project_id) = 0)"""


def _is_locked(column: str) -> str:
    # An unchanged assignee need not be active, or a task of one who left could not be saved.
    return is_locked(REFERENCES[column], f":{column}", unless=f":{column} = t.{column}")


def _update(references: list[str]) -> Update:
    held = "".join(f" AND {_is_locked(column)}" for column in references)
    if not set(_HOMES).isdisjoint(references):
        held += _keeps_organization(references)
    return Update(
        "t",
        f"""
        UPDATE tasks t SET @columns FROM @acting
        WHERE t.tenant_id = :tenant AND t.id = :id AND t.deleted_by IS NULL AND @visible_tasks
            AND @expected_t{held}
        RETURNING t.id, t.version, {JSON}
    """,
    )


# One statement for each set of references that may be sent, so that only those sent are looked up.
UPDATES = {
    sent: _update([c for c, given in zip(REFERENCES, sent, strict=True) if given])
    for sent in [(a, b, c) for a in (False, True) for b in (False, True) for c in (False, True)]
}

DELETE = Change("""
    UPDATE tasks t SET deleted_by = operation() FROM @acting
    WHERE t.tenant_id = :tenant AND t.id = :id AND t.deleted_by IS NULL AND @visible_tasks
        AND @expected_t
    RETURNING t.id
""")

FIND = {column: Statement(query.format(f":{column}")) for column, query in REFERENCES.items()}


# The task's organization, else that of its project.
OWN_ORGANIZATION = """coalesce(t.organization_id, (SELECT p.organization_id FROM projects p
            WHERE p.tenant_id = :tenant AND p.id = t.project_id))"""
# A user who would not see the organization of a task if it were assigned to them.
BLIND = Statement(f"""
    SELECT u.full_name FROM tasks t, users u
    WHERE t.tenant_id = :tenant AND t.id = :id AND t.deleted_by IS NULL AND @visible_tasks
        AND u.tenant_id = :tenant AND u.id = :user_id AND u.role IN ('staff', 'guest')
        AND {OWN_ORGANIZATION} IS NOT NULL
        AND NOT EXISTS (SELECT FROM members m
            WHERE m.tenant_id = :tenant AND m.organization_id = {OWN_ORGANIZATION}
                AND m.contact_id = u.contact_id AND m.deleted_by IS NULL)
""")
TRASHED = Trashed(
    organization=OWN_ORGANIZATION,
    above="""(SELECT y.deleted_by FROM organizations y
                WHERE y.tenant_id = :tenant AND y.id = t.organization_id
            UNION ALL SELECT y.deleted_by FROM projects y
                WHERE y.tenant_id = :tenant AND y.id = t.project_id) y
            WHERE y.deleted_by = t.deleted_by""",
    below={
        "organizations": """(b.organization_id = x.id OR b.project_id = ANY(ARRAY(
                SELECT p.id FROM projects p
                WHERE p.tenant_id = :tenant AND p.deleted_by = x.operation_id
                    AND p.organization_id = x.id)))""",
        "projects": "b.project_id = x.id",
    },
)


# Deleting an organization deletes its tasks and those of its projects. Each index finds its part;
# with OR between the two, all tasks of the tenant would be read.
CASCADE = {
    "organizations": {
        "tasks": """SELECT x.id FROM tasks x
            WHERE x.tenant_id = :tenant AND x.organization_id = :id AND x.deleted_by IS NULL
            UNION SELECT x.id
            FROM projects p JOIN tasks x ON x.tenant_id = p.tenant_id AND x.project_id = p.id
            WHERE p.tenant_id = :tenant AND p.organization_id = :id AND p.deleted_by IS NULL
                AND x.deleted_by IS NULL"""
    },
    "projects": {
        "tasks": """SELECT x.id FROM tasks x
            WHERE x.tenant_id = :tenant AND x.project_id = :id AND x.deleted_by IS NULL"""
    },
}


async def get(db: Db, id: int) -> Stored:
    """One task. Raises NotFound."""
    return await db.get(READ, id)


async def read(db: Db, id: int) -> Stored | None:
    """One task, or None when the viewer sees none."""
    row = await db.point(READ, id)
    if row is None:
        return None
    return Stored(*row)


async def exists(db: Db, id: int) -> bool:
    """Tell whether the viewer sees it."""
    return await db.point(READ, id) is not None


async def create(db: Db, values: Values) -> Stored | None:
    """The new task, or None when the viewer does not see something it refers to."""
    return await db.create(CREATE, **values)


async def update(db: Db, id: int, values: Values) -> Stored | None:
    """The task after the change, or None when the viewer does not see it or something it refers
    to.
    """
    statement = UPDATES[tuple(column in values for column in REFERENCES)]  # type: ignore[index]
    return await db.stored(statement.of(values), id=id, **values)


async def blind(db: Db, id: int, user: int) -> str | None:
    """The name of a user who does not see the organization of a task; None if they see it."""
    found: str | None = await db.value(BLIND, id=id, user_id=user)
    return found


async def missing(db: Db, values: Values) -> list[str]:
    """The columns that refer to something the viewer does not see."""
    given = [column for column in REFERENCES if values.get(column) is not None]
    return [c for c in given if await db.row(FIND[c], **{c: values[c]}) is None]


async def delete(db: Db, id: int) -> bool:
    """Hide it; False when the viewer sees none."""
    return await db.row(DELETE, id=id) is not None
