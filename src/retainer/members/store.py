"""Every statement about members. The alias is m; a membership is seen by whoever sees its organization, o."""

from typing import Any

from asyncpg import Record

from retainer.database import Db
from retainer.lists.collection import Collection, Field, Kind
from retainer.members.model import MemberRole
from retainer.statement import Statement, Update

LIST = Collection(
    "members m JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id",
    """m.tenant_id = :tenant AND m.organization_id = :parent AND m.deleted_by IS NULL AND o.deleted_by IS NULL
        AND @visible_organizations""",
    {
        "organizationId": Field("m.organization_id"),
        "contactId": Field("m.contact_id", Kind.INTEGER, sort="m.contact_id", cast="bigint"),
        "role": Field("m.role", Kind.WORD, sort="m.role", values=MemberRole),
    },
    order="id",
    id="m.id",
    expand={
        "contact": """(SELECT row_to_json(q) FROM (SELECT c.id, c.full_name AS "fullName", c.email, c.phone, c.title
            FROM contacts c WHERE c.tenant_id = :tenant AND c.id = m.contact_id) q)""",
    },
)

# Both ends are held shared: the organization or the contact cannot be deleted while this is added.
CREATE = Statement("""
    INSERT INTO members (tenant_id, organization_id, contact_id, role)
    SELECT :tenant, organization.id, contact.id, :role
    FROM @acting,
        (SELECT o.id FROM organizations o WHERE o.tenant_id = :tenant AND o.id = :organization_id
            AND o.deleted_by IS NULL AND @visible_organizations FOR SHARE) organization,
        (SELECT c.id FROM contacts c WHERE c.tenant_id = :tenant AND c.id = :contact_id
            AND c.deleted_by IS NULL AND @visible_contacts FOR SHARE) contact
    RETURNING id
""")

UPDATE = Update("""
    UPDATE members m SET @columns FROM @acting, organizations o
    WHERE m.tenant_id = :tenant AND m.organization_id = :organization_id AND m.contact_id = :contact_id
        AND m.deleted_by IS NULL AND o.tenant_id = m.tenant_id AND o.id = m.organization_id
        AND o.deleted_by IS NULL AND @visible_organizations
    RETURNING m.id
""")

DELETE = Statement("""
    UPDATE members m SET deleted_by = operation() FROM @acting, organizations o
    WHERE m.tenant_id = :tenant AND m.organization_id = :organization_id AND m.contact_id = :contact_id
        AND m.deleted_by IS NULL AND o.tenant_id = m.tenant_id AND o.id = m.organization_id
        AND o.deleted_by IS NULL AND @visible_organizations
    RETURNING m.id
""")

EXISTS = Statement("""
    SELECT m.id FROM members m JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
    WHERE m.tenant_id = :tenant AND m.organization_id = :organization_id AND m.contact_id = :contact_id
        AND m.deleted_by IS NULL AND o.deleted_by IS NULL AND @visible_organizations
""")


async def exists(db: Db, organization_id: int, contact_id: int) -> bool:
    """Whether the viewer sees this membership."""
    return await db.row(EXISTS, organization_id=organization_id, contact_id=contact_id) is not None


async def create(db: Db, organization_id: int, contact_id: int, role: str) -> Record | None:
    """The new membership's id, or None when organization or contact are not there for the viewer."""
    return await db.row(CREATE, organization_id=organization_id, contact_id=contact_id, role=role)


async def update(db: Db, organization_id: int, contact_id: int, values: dict[str, Any]) -> bool:
    """Change what was sent; False when there is no such membership."""
    statement = UPDATE.of(values)
    return await db.row(statement, organization_id=organization_id, contact_id=contact_id, **values) is not None


async def delete(db: Db, organization_id: int, contact_id: int) -> bool:
    """End the association; False when there is none."""
    return await db.row(DELETE, organization_id=organization_id, contact_id=contact_id) is not None
