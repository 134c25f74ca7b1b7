"""Statements about users and their links. The alias is u.

The application role may not read password hashes, so no statement selects u.*.
"""

from retainer.database.database import Db, Values
from retainer.database.statement import Statement, Update
from retainer.database.stored import Stored
from retainer.errors import Conflict, invalid
from retainer.identity.confirmations import refuse_unconfirmed
from retainer.lists.spec import (
    NO_MOMENT,
    CustomFilter,
    Field,
    FieldType,
    ListSpec,
    row_json,
)
from retainer.permissions import Role

_LAST_LOGIN = f"coalesce(u.last_login_at, {NO_MOMENT})"

FIELDS = {
    "id": Field("u.id", FieldType.INTEGER, sort="u.id", cast="bigint"),
    "username": Field("u.username", FieldType.FOLDED, "fold(u.username)", sort="fold(u.username)"),
    "fullName": Field(
        "u.full_name", FieldType.FOLDED, "fold(u.full_name)", sort="fold(u.full_name)"
    ),
    "role": Field("u.role", FieldType.WORD, sort="u.role", values=Role),
    "tenantId": Field("u.tenant_id"),
    "contactId": Field("u.contact_id", FieldType.INTEGER, nullable=True),
    "isActive": Field("u.is_active", FieldType.BOOLEAN),
    "timeZone": Field(
        "coalesce(u.time_zone, (SELECT t.time_zone FROM tenants t WHERE t.id = u.tenant_id))"
    ),
    "lastLoginAt": Field(
        "iso(u.last_login_at)",
        FieldType.MOMENT,
        _LAST_LOGIN,
        _LAST_LOGIN,
        "timestamptz",
        nullable=True,
        absent=NO_MOMENT,
    ),
}
JSON = row_json(FIELDS)
# The signed-in user's own record, with their preferences.
OWN_JSON = row_json(
    FIELDS | {name: Field(f"u.{name}") for name in ("theme", "density", "shortcuts")}
)

LIST = ListSpec(
    "users u",
    "u.tenant_id = :tenant",
    FIELDS,
    order="username",
    id="u.id",
    custom_filters={
        "q": CustomFilter(
            "(fold(u.full_name) LIKE like_part({0}::text)"
            " OR fold(u.username) LIKE like_part({0}::text))",
            FieldType.TEXT,
            "Those whose name or username has this part, whatever case and accents",
        )
    },
)

# Users as their colleagues see them: our own people, and the guests of clients that they see.
NAMES = ListSpec(
    "users u",
    "u.tenant_id = :tenant AND u.is_active AND @visible_users",
    {name: FIELDS[name] for name in ("id", "username", "fullName")},
    order="fullName",
    id="u.id",
)

# Users to whom work is given: clients' people are none of them.
COLLEAGUES = ListSpec(
    "users u",
    "u.tenant_id = :tenant AND u.role <> 'guest'",
    {name: FIELDS[name] for name in ("id", "fullName", "isActive")},
    order="fullName",
    id="u.id",
)

READ = Statement(f"""
    SELECT u.id, u.version, {JSON}
    FROM users u
    WHERE u.tenant_id = :tenant AND u.id = ANY(:ids::bigint[])
""")

READ_OWN = Statement(
    f"SELECT u.id, u.version, {OWN_JSON} FROM users u WHERE u.tenant_id = :tenant AND u.id = :user"
)

# Beside the people that somebody is told of, they see the users who appear on records that they
# see. The columns are chosen, not read off the nouns' references: the owner of an organization is
# not shown to its guests by that.
EXISTS = Statement("""
    SELECT u.id
    FROM users u
    WHERE u.tenant_id = :tenant AND u.id = ANY(:ids::bigint[]) AND (
        @visible_users
        OR EXISTS (SELECT FROM tasks t WHERE t.tenant_id = :tenant AND t.assignee_id = u.id
            AND t.deleted_by IS NULL AND @visible_tasks)
        OR EXISTS (SELECT FROM documents d WHERE d.tenant_id = :tenant AND d.uploader_id = u.id
            AND d.deleted_by IS NULL AND @visible_documents)
        OR EXISTS (SELECT FROM activities a WHERE a.tenant_id = :tenant AND a.author_id = u.id
            AND a.deleted_by IS NULL AND @visible_activities))
""")

CREATE = Statement(f"""
    INSERT INTO users AS u (tenant_id, username, full_name, role, contact_id)
    SELECT :tenant, :username, :full_name, :role, :contact_id FROM @acting
    RETURNING u.id, u.version, {JSON}
""")

UPDATE = Update(
    "u",
    f"""
    UPDATE users u SET @columns FROM @acting
    WHERE u.tenant_id = :tenant AND u.id = :id AND @expected_u
    RETURNING u.id, u.version, {JSON}
""",
)

UPDATE_OWN = Update(
    "u",
    f"""
    UPDATE users u SET @columns FROM @acting
    WHERE u.tenant_id = :tenant AND u.id = :user AND @expected_u
    RETURNING u.id, u.version, {OWN_JSON}
""",
)

# Locked first by every change of how a user signs in, so that these run one after another. Not FOR
# UPDATE: inserting a row that refers to the user, such as a session, would wait for it.
LOCK = Statement("""
    SELECT u.id, u.role, u.is_active FROM users u
    WHERE u.tenant_id = :tenant AND u.id = :id AND @expected_u
    FOR NO KEY UPDATE
""")

# Locked, so that the contact cannot be deleted at the same moment.
LOCK_CONTACT = Statement("""
    SELECT c.id FROM contacts c
    WHERE c.tenant_id = :tenant AND c.id = :contact_id AND c.deleted_by IS NULL
        AND @visible_contacts
    FOR SHARE
""")

# Inside a transaction, once the row is locked: the session may have ended while it waited.
ACTING = Statement("SELECT u.id FROM users u, @acting WHERE u.tenant_id = :tenant AND u.id = :user")

# Sessions are not journalled, so their end is recorded as an operation without changes.
RECORD = Statement(
    "SELECT operation() FROM users u, @acting WHERE u.tenant_id = :tenant AND u.id = :user"
)

END_SESSIONS = Statement("""
    DELETE FROM sessions s
    WHERE s.tenant_id = :tenant AND s.user_id = :id AND s.id IS DISTINCT FROM :keep::bigint
""")

END_LINKS = Statement("""
    -- in transaction, after ACTING or its like
    UPDATE links l SET expires_at = now()
    WHERE l.tenant_id = :tenant AND l.user_id = :id AND l.used_at IS NULL AND l.expires_at > now()
""")

ADD_LINK = Statement("""
    -- in transaction, after ACTING or its like
    INSERT INTO links AS l (tenant_id, user_id, token_hash, expires_at)
    VALUES (:tenant, :id, :token_hash, now() + :lifetime::interval)
    RETURNING iso(l.expires_at)
""")


async def exists(db: Db, id: int) -> bool:
    """True when the viewer may see this user."""
    return await db.point(EXISTS, id) is not None


async def get(db: Db, id: int) -> Stored:
    """One user. Raises NotFound."""
    return await db.get(READ, id)


async def create(db: Db, values: Values) -> Stored | None:
    """The new user, who cannot sign in before they have a password."""
    async with db.transaction() as tx:
        await _hold_contact(tx, values)
        return await tx.stored(CREATE, **values)


async def update(db: Db, id: int, values: Values) -> Stored | None:
    """The user after the change, or None when there is none. A new role or a disabled account ends
    the sessions. Raises PasswordNeeded for others who are administrators before or after it, and
    for others whose sessions it ends.
    """
    async with db.transaction() as tx:
        before = await tx.row(LOCK, id=id)
        if before is None:
            return None
        role, is_active = before["role"], before["is_active"]
        new_role = values.get("role", role)
        ends_sessions = new_role != role or (is_active and not values.get("is_active", True))
        is_others = id != db.viewer_values["user"]
        if is_others and (ends_sessions or Role.ADMIN in (role, new_role)):
            await refuse_unconfirmed(tx)
        await _hold_contact(tx, values)
        user = await tx.stored(UPDATE.of(values), id=id, **values)
        if ends_sessions:
            await tx.rows(END_SESSIONS, id=id, keep=None)
        if not values.get("is_active", True):
            await tx.rows(END_LINKS, id=id)
        return user


async def _hold_contact(tx: Db, values: Values) -> None:
    contact = values.get("contact_id")
    if contact is not None and await tx.row(LOCK_CONTACT, contact_id=contact) is None:
        raise invalid("contactId", "there is no such contact; add the contact first")


async def read_own(db: Db) -> Stored | None:
    """The signed-in user."""
    return await db.stored(READ_OWN)


async def update_own(db: Db, values: Values) -> Stored | None:
    """The signed-in user after the change."""
    return await db.stored(UPDATE_OWN.of(values), **values)


async def end_sessions(db: Db, id: int) -> bool:
    """Sign the user out everywhere; False when there is none. Raises PasswordNeeded for others'."""
    async with db.transaction() as tx:
        if await tx.row(LOCK, id=id) is None:
            return False
        if id != db.viewer_values["user"]:
            await refuse_unconfirmed(tx)
        await tx.row(RECORD)
        await tx.rows(END_SESSIONS, id=id, keep=None)
        return True


async def make_link(db: Db, id: int, values: Values) -> str | None:
    """Add a link (token_hash, lifetime) and end the older ones: when it expires; None when there is
    no such user. Raises PasswordNeeded for an administrator's.
    """
    async with db.transaction() as tx:
        user = await tx.row(LOCK, id=id)
        if user is None:
            return None
        if user["role"] == Role.ADMIN:
            await refuse_unconfirmed(tx)
        if not user["is_active"]:
            raise Conflict(
                "The user is disabled, a link would not work."
                ' Enable them first: {"isActive": true}.'
            )
        await tx.row(ACTING)
        return await add_link(tx, id, values)


async def add_link(tx: Db, id: int, values: Values) -> str:
    """Do the same inside a transaction that has an actor and has locked the user's row."""
    await tx.rows(END_LINKS, id=id)
    expires_at: str = await tx.value(ADD_LINK, id=id, **values)
    return expires_at
