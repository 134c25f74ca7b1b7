"""Every statement about contacts. Their alias is c; @visible_contacts keeps to those that the
viewer sees.
"""

from asyncpg import Record

from retainer.database.database import Db, Values
from retainer.database.statement import Create, Statement, Update, rows_json
from retainer.database.stored import Stored
from retainer.lists.spec import (
    ABSENT,
    MAX_EXPANDED,
    CustomFilter,
    Field,
    FieldType,
    ListSpec,
    moments,
    row_json,
)
from retainer.lists.told import told
from retainer.lists.word_filter import searched
from retainer.records.contacts.model import ContactType
from retainer.records.upsert import by_external_id

_SEEN = "c.tenant_id = :tenant AND c.deleted_by IS NULL AND @visible_contacts"

FIELDS = {
    "id": Field("c.id", FieldType.INTEGER, sort="c.id", cast="bigint"),
    "fullName": Field(
        "c.full_name",
        FieldType.FOLDED,
        "c.full_name_folded",
        sort="c.full_name_folded",
        contains="contacts_named",
    ),
    "mentionName": Field("c.mention_name"),
    "email": Field(
        "c.email",
        FieldType.FOLDED,
        "c.email_folded",
        sort="c.email_folded",
        nullable=True,
        absent=ABSENT,
    ),
    "phone": Field("c.phone", is_phone=True),
    "company": Field(
        "c.company",
        FieldType.FOLDED,
        "c.company_key",
        sort="c.company_key",
        nullable=True,
        absent=ABSENT,
    ),
    "title": Field("c.title"),
    "department": Field("c.department"),
    "type": Field("c.type", FieldType.WORD, sort="c.type", values=ContactType),
    "isActive": Field("c.is_active", FieldType.BOOLEAN, sort="c.is_active", cast="boolean"),
    "metadata": Field("c.metadata", FieldType.JSON, prefilter="contacts_with_metadata"),
    **moments("c"),
    "externalId": Field("c.external_id", FieldType.TEXT, nullable=True),
}
FIELDS = told("contacts", FIELDS)
JSON = row_json(FIELDS)

LIST = ListSpec(
    "contacts c",
    _SEEN,
    FIELDS,
    order="fullName",
    id="c.id",
    custom_filters=searched("contacts", "c")
    | {
        "organizationId": CustomFilter(
            """c.id = ANY(ARRAY(SELECT m.contact_id FROM members m
                WHERE m.tenant_id = :tenant AND m.organization_id = {}::bigint
                    AND m.deleted_by IS NULL
                    AND EXISTS (SELECT FROM organizations o
                        WHERE o.tenant_id = :tenant AND o.id = m.organization_id
                            AND @visible_organizations)))""",
            FieldType.INTEGER,
            "Members of this organization",
        ),
    },
    expand={
        "organizations": rows_json(f"""
            SELECT o.id, o.name, m.role
            FROM members m
                JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
            WHERE m.tenant_id = :tenant AND m.contact_id = c.id AND m.deleted_by IS NULL
                AND o.deleted_by IS NULL AND @visible_organizations
            ORDER BY o.name_folded, o.id LIMIT {MAX_EXPANDED}"""),
    },
)

READ = Statement(f"""
    SELECT c.id, c.version, {JSON}
    FROM contacts c
    WHERE c.tenant_id = :tenant AND c.id = ANY(:ids::bigint[]) AND c.deleted_by IS NULL
        AND @visible_contacts
""")

BY_EXTERNAL_ID = by_external_id("contacts", "c")

CREATE = Create(
    "contacts",
    "c",
    (
        "full_name",
        "mention_name",
        "email",
        "phone",
        "company",
        "title",
        "department",
        "type",
        "is_active",
        "metadata",
        "external_id",
    ),
    returning=f"c.id, c.version, {JSON}",
)

UPDATE = Update(
    "c",
    f"""
    UPDATE contacts c SET @columns FROM @acting
    WHERE c.tenant_id = :tenant AND c.id = :id AND c.deleted_by IS NULL AND @visible_contacts
        AND @expected_c
    RETURNING c.id, c.version, {JSON}
""",
)

LOCK = Statement("""
    SELECT c.id FROM contacts c
    WHERE c.tenant_id = :tenant AND c.id = :id AND c.deleted_by IS NULL AND @visible_contacts
        AND @expected_c
    FOR UPDATE
""")

# A contact with memberships, or whom a user signs in as, cannot be deleted.
USES = Statement("""
    SELECT
        (SELECT count(*) FROM members m
            WHERE m.tenant_id = :tenant AND m.contact_id = :id AND m.deleted_by IS NULL
        ) AS memberships,
        (SELECT min(u.username) FROM users u
            WHERE u.tenant_id = :tenant AND u.contact_id = :id) AS username
""")

DELETE = Statement("""
    UPDATE contacts c SET deleted_by = operation() FROM @acting
    WHERE c.tenant_id = :tenant AND c.id = :id AND c.deleted_by IS NULL
    RETURNING c.id
""")


async def get(db: Db, id: int) -> Stored:
    """One contact. Raises NotFound."""
    return await db.get(READ, id)


async def read(db: Db, id: int) -> Stored | None:
    """One contact, or None when the viewer sees none."""
    row = await db.point(READ, id)
    if row is None:
        return None
    return Stored(*row)


async def exists(db: Db, id: int) -> bool:
    """Tell whether the viewer sees it."""
    return await db.point(READ, id) is not None


async def create(db: Db, values: Values) -> Stored | None:
    """The new contact."""
    return await db.create(CREATE, **values)


async def update(db: Db, id: int, values: Values) -> Stored | None:
    """The contact after the change, or None when the viewer sees none."""
    return await db.stored(UPDATE.of(values), id=id, **values)


async def delete(db: Db, id: int) -> Record | None:
    """Delete a contact that nothing uses. Returns its uses (memberships, username), or None when
    the viewer sees no such contact.

    The row is locked before its uses are counted: adding a membership or a user locks it FOR SHARE,
    so that none can be added in between.
    """
    async with db.transaction() as tx:
        if await tx.row(LOCK, id=id) is None:
            return None
        uses = await tx.row(USES, id=id)
        assert uses is not None
        if not uses["memberships"] and uses["username"] is None:
            await tx.row(DELETE, id=id)
        return uses
