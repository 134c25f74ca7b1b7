"""Every statement about engagements. Their alias is e; @visible_engagements keeps to those that the viewer sees."""

from retainer.database.database import Db, Values
from retainer.database.statement import Create, Statement, Update
from retainer.database.stored import Stored
from retainer.http.fields import Audience
from retainer.lists.spec import (
    Field,
    FieldType,
    ListSpec,
    expanded_organization,
    moments,
    row_json,
)
from retainer.lists.word_filter import searched
from retainer.records.engagements.model import EngagementStatus

_SEEN = "e.tenant_id = :tenant AND e.deleted_by IS NULL AND @visible_engagements"

FIELDS = {
    "id": Field("e.id", FieldType.INTEGER, sort="e.id", cast="bigint"),
    "organizationId": Field("e.organization_id", FieldType.INTEGER),
    "title": Field(
        "e.title",
        FieldType.FOLDED,
        "e.title_folded",
        sort="e.title_folded",
        contains="engagements_named",
    ),
    "status": Field("e.status", FieldType.WORD, sort="e.status", values=EngagementStatus),
    "fee": Field("e.fee", FieldType.INTEGER, nullable=True),
    "startDate": Field("e.start_date", FieldType.DATE, nullable=True),
    "endDate": Field("e.end_date", FieldType.DATE, nullable=True),
    "audience": Field("e.audience", FieldType.WORD, sort="e.audience", values=Audience),
    **moments("e"),
}
JSON = row_json(FIELDS)

LIST = ListSpec(
    "engagements e",
    _SEEN,
    FIELDS,
    order="title",
    id="e.id",
    custom_filters=searched("engagements", "e"),
    expand={"organization": expanded_organization("e")},
)

READ = Statement(f"""
    SELECT e.id, e.version, {JSON}
    FROM engagements e
    WHERE e.id = ANY(:ids::bigint[]) AND {_SEEN}
""")

# Locks the organization FOR SHARE, or it could be deleted while its engagement is added.
_ORGANIZATION = """SELECT o.id FROM organizations o WHERE o.tenant_id = :tenant AND o.id = {}
    AND o.deleted_by IS NULL AND @visible_organizations"""

CREATE = Create(
    "engagements",
    "e",
    ("organization_id", "title", "status", "fee", "start_date", "end_date", "audience"),
    references={"organization_id": _ORGANIZATION},
    returning=f"e.id, e.version, {JSON}",
)

UPDATE = Update(
    "e",
    f"""
    UPDATE engagements e SET @columns FROM @acting
    WHERE e.id = :id AND {_SEEN} AND @expected_e
    RETURNING e.id, e.version, {JSON}
""",
)

DELETE = Statement(f"""
    UPDATE engagements e SET deleted_by = operation() FROM @acting
    WHERE e.id = :id AND {_SEEN} AND @expected_e
    RETURNING e.id
""")


async def get(db: Db, id: int) -> Stored:
    """One engagement. Raises NotFound."""
    return await db.get(READ, id)


async def exists(db: Db, id: int) -> bool:
    """Tell whether the viewer sees it."""
    return await db.point(READ, id) is not None


async def create(db: Db, values: Values) -> Stored | None:
    """The new engagement, or None when the viewer sees no such organization."""
    return await db.create(CREATE, **values)


async def update(db: Db, id: int, values: Values) -> Stored | None:
    """The engagement after the change, or None when the viewer sees none."""
    return await db.stored(UPDATE.of(values), id=id, **values)


async def delete(db: Db, id: int) -> bool:
    """Hide it; False when the viewer sees none."""
    return await db.row(DELETE, id=id) is not None
