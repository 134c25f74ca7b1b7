"""Every statement about members. Their alias is m; a viewer who sees the organization, o, sees its
members.
"""

from retainer.database.database import Db, Values
from retainer.database.statement import Change, Statement, Update
from retainer.database.stored import Stored
from retainer.errors import NotFound
from retainer.lists.noun import Trashed
from retainer.lists.spec import Field, FieldType, ListSpec, row_json
from retainer.records.members.model import MemberRole

FIELDS = {
    "organizationId": Field("m.organization_id"),
    "contactId": Field("m.contact_id", FieldType.INTEGER, sort="m.contact_id", cast="bigint"),
    "role": Field("m.role", FieldType.WORD, sort="m.role", values=MemberRole),
}
JSON = row_json(FIELDS)

LIST = ListSpec(
    "members m JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id",
    """m.tenant_id = :tenant AND m.organization_id = :parent AND m.deleted_by IS NULL
        AND o.deleted_by IS NULL AND @visible_organizations""",
    FIELDS,
    order="id",
    id="m.id",
    expand={
        "contact": """(SELECT row_to_json(q) FROM (
            SELECT c.id, c.full_name AS "fullName", c.email, c.phone, c.title
            FROM contacts c WHERE c.tenant_id = :tenant AND c.id = m.contact_id) q)""",
    },
)

# The organizations that a contact (:parent) is a member of, by name.
OF_CONTACT = ListSpec(
    "members m JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id",
    """m.tenant_id = :tenant AND m.contact_id = :parent AND m.deleted_by IS NULL
        AND o.deleted_by IS NULL AND @visible_organizations""",
    FIELDS
    | {
        "name": Field("o.name", sort="o.name_folded"),
        "organization": Field(
            "json_build_object('id', o.id, 'name', o.name, 'type', o.type, 'status', o.status)"
        ),
    },
    order="name",
    id="m.id",
)

# Locks both ends FOR SHARE: neither the organization nor the contact can be deleted meanwhile.
CREATE = Change("""
    INSERT INTO members (tenant_id, organization_id, contact_id, role)
    SELECT :tenant, organization.id, contact.id, :role
    FROM @acting,
        (SELECT o.id FROM organizations o WHERE o.tenant_id = :tenant AND o.id = :organization_id
            AND o.deleted_by IS NULL AND @visible_organizations FOR SHARE) organization,
        (SELECT c.id FROM contacts c WHERE c.tenant_id = :tenant AND c.id = :contact_id
            AND c.deleted_by IS NULL AND @visible_contacts FOR SHARE) contact
    RETURNING id, version
""")

UPDATE = Update(
    "m",
    """
    UPDATE members m SET @columns FROM @acting, organizations o
    WHERE m.tenant_id = :tenant AND m.organization_id = :organization_id
        AND m.contact_id = :contact_id AND m.deleted_by IS NULL
        AND o.tenant_id = m.tenant_id AND o.id = m.organization_id
        AND o.deleted_by IS NULL AND @visible_organizations AND @expected_m
    RETURNING m.id, m.version
""",
)

DELETE = Change("""
    UPDATE members m SET deleted_by = operation() FROM @acting, organizations o
    WHERE m.tenant_id = :tenant AND m.organization_id = :organization_id
        AND m.contact_id = :contact_id AND m.deleted_by IS NULL
        AND o.tenant_id = m.tenant_id AND o.id = m.organization_id
        AND o.deleted_by IS NULL AND @visible_organizations AND @expected_m
    RETURNING m.id, m.version
""")

READ = Statement(f"""
    SELECT m.id, m.version, {JSON}
    FROM members m JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
    WHERE m.tenant_id = :tenant AND m.organization_id = :organization_id
        AND m.contact_id = :contact_id AND m.deleted_by IS NULL
        AND o.deleted_by IS NULL AND @visible_organizations
""")


TRASHED = Trashed(
    table="""members m
            JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
            JOIN contacts c ON c.tenant_id = m.tenant_id AND c.id = m.contact_id""",
    title="c.full_name",
    above="(SELECT o.deleted_by UNION ALL SELECT c.deleted_by) y WHERE y.deleted_by = m.deleted_by",
)


async def exists(db: Db, organization_id: int, contact_id: int) -> bool:
    """Tell whether the viewer sees this membership."""
    return await read(db, organization_id, contact_id) is not None


async def get(db: Db, organization_id: int, contact_id: int) -> Stored:
    """One membership. Raises NotFound."""
    member = await read(db, organization_id, contact_id)
    if member is None:
        raise NotFound
    return member


async def read(db: Db, organization_id: int, contact_id: int) -> Stored | None:
    """One membership, or None when the viewer sees none."""
    return await db.stored(READ, organization_id=organization_id, contact_id=contact_id)


async def create(db: Db, organization_id: int, contact_id: int, role: str) -> Stored | None:
    """The new membership's id and version, or None when the viewer does not see the organization or
    the contact.
    """
    return await db.stored(
        CREATE, organization_id=organization_id, contact_id=contact_id, role=role
    )


async def update(db: Db, organization_id: int, contact_id: int, values: Values) -> Stored | None:
    """Change the columns that were sent. Returns the membership's id and version, or None when
    there is no such membership.
    """
    return await db.stored(
        UPDATE.of(values), organization_id=organization_id, contact_id=contact_id, **values
    )


async def delete(db: Db, organization_id: int, contact_id: int) -> bool:
    """End the association; False when there is none."""
    return await db.row(DELETE, organization_id=organization_id, contact_id=contact_id) is not None
