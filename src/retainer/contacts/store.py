"""Every statement about contacts. The alias is c; what the viewer sees of them is @visible_contacts."""

from typing import Any

from asyncpg import Record

from retainer.database import Db
from retainer.statement import Create, Listing, Statement, Update

JSON = """(SELECT row_to_json(j) FROM (SELECT c.id, c.full_name AS "fullName", c.mention_name AS "mentionName",
    c.email, c.phone, c.company, c.title, c.department, c.type, c.is_active AS "isActive", c.metadata,
    iso(c.created_at) AS "createdAt", iso(c.updated_at) AS "updatedAt") j)"""

LIST = Listing(f"""
    SELECT c.id, c.full_name_folded AS key, {JSON} AS json
    FROM contacts c
    WHERE c.tenant_id = :tenant AND c.deleted_by IS NULL AND @visible_contacts
        AND (c.full_name_folded, c.id) > (:key, :after)
    ORDER BY c.full_name_folded, c.id
    LIMIT :chunk
""")

READ = Statement(f"""
    SELECT c.id, c.version, {JSON}
    FROM contacts c
    WHERE c.tenant_id = :tenant AND c.id = ANY(:ids::bigint[]) AND c.deleted_by IS NULL AND @visible_contacts
""")

CREATE = Create(f"""
    INSERT INTO contacts AS c (tenant_id, full_name, mention_name, email, phone, company, title, department, type,
        is_active, metadata)
    SELECT :tenant, :full_name, :mention_name, :email, :phone, :company, :title, :department, :type,
        :is_active, :metadata FROM @acting
    RETURNING c.id, c.version, {JSON}
""")

UPDATE = Update(f"""
    UPDATE contacts c SET @columns FROM @acting
    WHERE c.tenant_id = :tenant AND c.id = :id AND c.deleted_by IS NULL AND @visible_contacts
        AND @expected_c
    RETURNING c.id, c.version, {JSON}
""")

LOCK = Statement("""
    SELECT c.id FROM contacts c
    WHERE c.tenant_id = :tenant AND c.id = :id AND c.deleted_by IS NULL AND @visible_contacts
        AND @expected_c
    FOR UPDATE
""")

# What keeps a contact: memberships, and the user who signs in as this person.
USES = Statement("""
    SELECT (SELECT count(*) FROM members m
            WHERE m.tenant_id = :tenant AND m.contact_id = :id AND m.deleted_by IS NULL) AS memberships,
        (SELECT min(u.username) FROM users u WHERE u.tenant_id = :tenant AND u.contact_id = :id) AS username
""")

DELETE = Statement("""
    UPDATE contacts c SET deleted_by = operation() FROM @acting
    WHERE c.tenant_id = :tenant AND c.id = :id AND c.deleted_by IS NULL
    RETURNING c.id
""")


async def read(db: Db, id: int) -> Record | None:
    """One contact: id, version, json."""
    return await db.point(READ, id)


async def exists(db: Db, id: int) -> bool:
    """Whether the viewer sees it."""
    return await db.point(READ, id) is not None


async def create(db: Db, values: dict[str, Any]) -> Record | None:
    """The new contact: id, version, json."""
    return await db.row(CREATE, **values)


async def update(db: Db, id: int, values: dict[str, Any]) -> Record | None:
    """The contact after the change, or None when the viewer sees none."""
    return await db.row(UPDATE.of(values), id=id, **values)


async def delete(db: Db, id: int) -> Record | None:
    """Delete it unless something keeps it: what does (memberships, username), or None when there is no such one.

    Its row is locked first: whoever adds a membership or a user holds it shared.
    """
    async with db.transaction() as tx:
        if await tx.row(LOCK, id=id) is None:
            return None
        uses = await tx.row(USES, id=id)
        assert uses is not None
        if not uses["memberships"] and uses["username"] is None:
            await tx.row(DELETE, id=id)
        return uses
