"""Every statement about projects. Their alias is p; @visible_projects keeps to those that the
viewer sees.
"""

from retainer.database.database import Db, Values
from retainer.database.statement import Create, Statement, Update
from retainer.database.stored import Stored
from retainer.http.fields import Audience
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
from retainer.records.projects.model import ProjectStatus
from retainer.records.upsert import by_external_id

_SEEN = "p.tenant_id = :tenant AND p.deleted_by IS NULL AND @visible_projects"

FIELDS = {
    "id": Field("p.id", FieldType.INTEGER, sort="p.id", cast="bigint"),
    "organizationId": Field("p.organization_id", FieldType.INTEGER),
    "title": Field(
        "p.title",
        FieldType.FOLDED,
        "p.title_folded",
        sort="p.title_folded",
        contains="projects_named",
    ),
    "description": Field("p.description"),
    "status": Field(
        "p.status",
        FieldType.WORD,
        "p.status_rank",
        sort="p.status_rank",
        cast="smallint",
        values=ProjectStatus,
        is_ranked=True,
    ),
    "startDate": Field(
        "p.start_date",
        FieldType.DATE,
        "p.start_date_key",
        sort="p.start_date_key",
        cast="date",
        nullable=True,
        absent=NEVER,
    ),
    "dueDate": Field(
        "p.due_date",
        FieldType.DATE,
        "p.due_date_key",
        sort="p.due_date_key",
        cast="date",
        nullable=True,
        absent=NEVER,
    ),
    "audience": Field("p.audience", FieldType.WORD, sort="p.audience", values=Audience),
    **moments("p"),
    "externalId": Field("p.external_id", FieldType.TEXT, nullable=True),
}
FIELDS = told("projects", FIELDS)
JSON = row_json(FIELDS)

LIST = ListSpec(
    "projects p",
    _SEEN,
    FIELDS,
    order="title",
    id="p.id",
    custom_filters=searched("projects", "p"),
    expand={"organization": expanded_organization("p")},
)
OF_ORGANIZATION = LIST.of_parent("AND p.organization_id = :parent")

READ = Statement(f"""
    SELECT p.id, p.version, {JSON}
    FROM projects p
    WHERE p.tenant_id = :tenant AND p.id = ANY(:ids::bigint[]) AND p.deleted_by IS NULL
        AND @visible_projects
""")

# Locks the organization FOR SHARE, or it could be deleted while its project is added.
_ORGANIZATION = """SELECT o.id FROM organizations o WHERE o.tenant_id = :tenant AND o.id = {}
    AND o.deleted_by IS NULL AND @visible_organizations"""

BY_EXTERNAL_ID = by_external_id("projects", "p")

CREATE = Create(
    "projects",
    "p",
    (
        "organization_id",
        "title",
        "description",
        "status",
        "start_date",
        "due_date",
        "audience",
        "external_id",
    ),
    references={"organization_id": _ORGANIZATION},
    returning=f"p.id, p.version, {JSON}",
)

UPDATE = Update(
    "p",
    f"""
    UPDATE projects p SET @columns FROM @acting
    WHERE p.tenant_id = :tenant AND p.id = :id AND p.deleted_by IS NULL AND @visible_projects
        AND @expected_p
    RETURNING p.id, p.version, {JSON}
""",
)

LOCK = Statement("""
    SELECT p.id FROM projects p
    WHERE p.tenant_id = :tenant AND p.id = :id AND p.deleted_by IS NULL AND @visible_projects
        AND @expected_p
    FOR UPDATE
""")

# records/deletion.py adds the rows that are deleted with it.
GONE = """gone AS (
        UPDATE projects p SET deleted_by = operation() FROM @acting
        WHERE p.tenant_id = :tenant AND p.id = :id AND p.deleted_by IS NULL
        RETURNING p.id, p.deleted_by
    )"""


async def get(db: Db, id: int) -> Stored:
    """One project. Raises NotFound."""
    return await db.get(READ, id)


async def exists(db: Db, id: int) -> bool:
    """Tell whether the viewer sees it."""
    return await db.point(READ, id) is not None


async def create(db: Db, values: Values) -> Stored | None:
    """The new project, or None when the viewer sees no such organization."""
    return await db.create(CREATE, **values)


async def update(db: Db, id: int, values: Values) -> Stored | None:
    """The project after the change, or None when the viewer sees none."""
    return await db.stored(UPDATE.of(values), id=id, **values)
