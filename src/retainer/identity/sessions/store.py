"""Statements about sessions and attempts, and those that prove an identity. The alias is s."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from asyncpg import Record

from retainer.database.database import Database, Db
from retainer.database.statement import Statement
from retainer.database.stored import Stored
from retainer.identity.users import store as users
from retainer.lists.spec import Field, FieldType, ListSpec

LIST = ListSpec(
    "sessions s",
    "s.tenant_id = :tenant AND s.user_id = :user"
    " AND s.expires_at > now() AND s.idle_expires_at > now()",
    {
        "id": Field("s.id", FieldType.INTEGER, sort="s.id", cast="bigint"),
        "createdAt": Field("iso(s.created_at)"),
        "lastSeenAt": Field("iso(s.last_seen_at)"),
        "expiresAt": Field("iso(least(s.idle_expires_at, s.expires_at))"),
        "userAgent": Field("s.user_agent"),
        "address": Field("s.address"),
        "current": Field("s.id = :session"),
    },
    order="-id",  # the newest first
    id="s.id",
)

OWN = Statement("""
    SELECT s.id FROM sessions s
    WHERE s.tenant_id = :tenant AND s.id = :id AND s.user_id = :user
        AND s.expires_at > now() AND s.idle_expires_at > now()
""")

END = Statement("""
    WITH gone AS (
        DELETE FROM sessions s USING @acting
        WHERE s.tenant_id = :tenant AND s.id = :id AND s.user_id = :user
        RETURNING s.id
    )
    SELECT operation() FROM gone
""")

CONFIRM = Statement("""
    UPDATE sessions s SET password_given_at = now() FROM @acting
    WHERE s.tenant_id = :tenant AND s.id = :session AND s.user_id = :user
    RETURNING operation()
""")

MOST = 20  # sessions of a user
# After SIGN_IN has locked the user's row: of two who sign in, the later one sees the other's.
END_UNUSED = Statement(f"""
    DELETE FROM sessions s
    WHERE s.tenant_id = :tenant AND s.user_id = :user AND s.id IN (
        SELECT e.id FROM sessions e WHERE e.tenant_id = :tenant AND e.user_id = :user
        ORDER BY e.last_seen_at DESC, e.id DESC OFFSET {MOST})
""")

# Does not sign in a user whose password was changed since it was proven. Also deletes the user's
# dead sessions.
SIGN_IN = Statement(f"""
    WITH person AS (
        UPDATE users u SET last_login_at = now()
        FROM acting_as(:user, 'user', :channel, :request, :action)
        WHERE u.tenant_id = :tenant AND u.id = :user AND u.is_active
            AND u.password_changed_at IS NOT DISTINCT FROM :password_changed_at::timestamptz
        RETURNING u.id, u.version, {users.OWN_JSON} AS json
    ), dead AS (
        DELETE FROM sessions s USING person
        WHERE s.tenant_id = :tenant AND s.user_id = person.id
            AND least(s.idle_expires_at, s.expires_at) <= now()
    ), made AS (
        INSERT INTO sessions
            (tenant_id, user_id, token_hash, user_agent, address, idle_expires_at, expires_at)
        SELECT :tenant, person.id, :token_hash, :user_agent, :address,
            now() + :idle::interval, now() + :lifetime::interval
        FROM person
        RETURNING id
    )
    SELECT person.id, person.version, person.json, operation() FROM person, made
""")

REFUSED = Statement("""
    SELECT refusal() FROM users u, acting_as(u.id, 'user', :channel, :request, :action)
    WHERE u.tenant_id = :tenant AND u.id = :user
""")

REHASH = Statement("""
    UPDATE users u SET password_hash = :password_hash
    FROM acting_as(:user, 'user', :channel, :request, :action)
    WHERE u.tenant_id = :tenant AND u.id = :user
        AND u.password_changed_at IS NOT DISTINCT FROM :password_changed_at::timestamptz
""")

NAMES = Statement("""
    SELECT unnest(ARRAY[u.username, u.full_name, t.name]) FROM users u
    JOIN tenants t ON t.id = u.tenant_id
    WHERE u.tenant_id = :tenant AND u.id = :user
""")

UNCHANGED = Statement("""
    SELECT u.id FROM users u
    WHERE u.tenant_id = :tenant AND u.id = :user
        AND u.password_changed_at IS NOT DISTINCT FROM :password_changed_at::timestamptz
    FOR NO KEY UPDATE
""")

USE_LINK = Statement("""
    UPDATE links l SET used_at = now() FROM acting_as(:user, 'user', :channel, :request, :action)
    WHERE l.tenant_id = :tenant AND l.id = :link AND l.used_at IS NULL AND l.expires_at > now()
    RETURNING l.id
""")

SET_PASSWORD = Statement("""
    UPDATE users u SET password_hash = :password_hash, password_changed_at = now()
    FROM acting_as(:user, 'user', :channel, :request, :action)
    WHERE u.tenant_id = :tenant AND u.id = :user AND u.is_active
    RETURNING u.password_changed_at
""")

# The keys of an attempt's counts: its network; the account together with the network, or with the
# proof that the browser carries; and the account alone. They are counted before the tenant is
# known. The username is lowercased as the users' unique index does it, or each spelling would have
# a count of its own; and digested, because people type their password into the wrong field.
_ACCOUNT = "'account ' || encode(sha256(convert_to(lowercase($2::text), 'UTF8')), 'hex')"
_PLACE = f"{_ACCOUNT} || ' ' || $6::text"


def _counted(key: str, condition: str, most: str) -> str:
    return f"""
        INSERT INTO throttles AS t (key, failures) SELECT {key}, 1 {condition}
        ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN t.since < now() - $3::interval
                THEN 1 ELSE least(t.failures, 1000000) + 1 END,
            since = CASE WHEN t.since < now() - $3::interval THEN now() ELSE t.since END
        RETURNING failures, since, {most}::int AS most"""


_UNLESS_LOCKED = """
    WHERE $2::text IS NOT NULL AND NOT EXISTS (SELECT FROM address WHERE failures > most)"""

# Always in this order, so that two attempts cannot deadlock. Who is locked counts for no more: a
# network that is locked cannot slow down further accounts.
_COUNT = f"""
    WITH address AS (
        {_counted("'address ' || $1::text", "WHERE $1::text IS NOT NULL", "$4")}
    ), place AS (
        {_counted(_PLACE, _UNLESS_LOCKED, "$5")}
    ), account AS (
        {_counted(_ACCOUNT, "FROM place WHERE failures <= most", "NULL")}
    ), locked AS (
        SELECT * FROM address WHERE failures > most
        UNION ALL SELECT * FROM place WHERE failures > most
    )
    SELECT (SELECT failures FROM account) AS of_account,
        (SELECT greatest(1, ceil(extract(epoch FROM max(since) + $3::interval - now())))::int
         FROM locked HAVING count(*) > 0) AS seconds
"""

_WITHDRAW = f"""
    WITH address AS (
        UPDATE throttles SET failures = greatest(failures - 1, 0)
        WHERE key = 'address ' || $1::text
        RETURNING key
    ), place AS (
        UPDATE throttles
        SET failures = CASE WHEN $4::boolean THEN 0 ELSE greatest(failures - 1, 0) END
        WHERE key = {_PLACE.replace("$6", "$3")} AND (SELECT count(*) FROM address) >= 0
        RETURNING key
    )
    UPDATE throttles SET failures = greatest(failures - 1, 0)
    WHERE key = {_ACCOUNT} AND (SELECT count(*) FROM place) >= 0
"""

# One committed write, as the refusal of an existing user takes (see refuse_unknown_user).
_REFUSED_UNKNOWN_USER = (
    f"UPDATE throttles SET failures = failures WHERE $1::text IS NOT NULL AND key = {_ACCOUNT}"
)


async def exists(db: Db, id: int) -> bool:
    """True for a live session of the viewer."""
    return await db.row(OWN, id=id) is not None


async def end(db: Db, id: int) -> bool:
    """End a session of the viewer; False when they have no such session."""
    return await db.row(END, id=id) is not None


async def user_by_username(database: Database, username: str) -> Record | None:
    """A user of any tenant: tenant_id, user_id, password_hash, is_active, password_changed_at."""
    rows = await database.plain("SELECT * FROM user_by_username($1)", username)
    return next(iter(rows), None)


async def link_by_token(database: Database, token_hash: bytes) -> Record | None:
    """The live link of a token: tenant_id, link_id, user_id, username."""
    rows = await database.plain("SELECT * FROM link_by_token($1)", token_hash)
    return next(iter(rows), None)


async def sign_in(
    db: Db, session: Mapping[str, object], password_changed_at: datetime | None
) -> Stored | None:
    """Add a session (token_hash, user_agent, address, idle, lifetime); returns the user, or None
    when they were disabled, or their password was changed, since it was proven. Of more than MOST
    sessions the one unused longest ends.
    """
    async with db.transaction() as tx:
        row = await tx.row(SIGN_IN, password_changed_at=password_changed_at, **session)
        if row is None:
            return None
        await tx.rows(END_UNUSED)
        return Stored(*row[:3])


async def confirm(db: Db) -> None:
    """Note that the viewer has given their password in this session."""
    await db.row(CONFIRM)


async def rehash(db: Db, password_hash: str, password_changed_at: datetime | None) -> None:
    """Store a hash of the same password with today's parameters."""
    await db.rows(REHASH, password_hash=password_hash, password_changed_at=password_changed_at)


async def names(db: Db) -> list[str]:
    """The names that no password of the acting user may be made of: theirs and their tenant's."""
    return [row[0] for row in await db.rows(NAMES)]


async def change_password(
    db: Db, user: int, session: int, password_hash: str, password_changed_at: datetime | None
) -> bool:
    """Set the viewer's password, ending their other sessions and their links; False when somebody
    else changed it in the meantime.
    """
    async with db.transaction() as tx:
        if await tx.row(UNCHANGED, password_changed_at=password_changed_at) is None:
            return False
        # Checked once the row is locked: a change that came first may have ended this session.
        await tx.row(users.ACTING)
        await tx.row(SET_PASSWORD, password_hash=password_hash)
        await tx.row(CONFIRM)
        await tx.rows(users.END_SESSIONS, id=user, keep=session)
        await tx.rows(users.END_LINKS, id=user)
        return True


async def set_up(
    db: Db, link: Record, password_hash: str, session: Mapping[str, object]
) -> Stored | None:
    """Use a link: set the password, end all sessions and other links, sign in. Returns the user;
    None when the link was used in the meantime.
    """
    user = link["user_id"]
    async with db.transaction() as tx:
        await tx.row(users.LOCK, id=user)
        if await tx.row(USE_LINK, link=link["link_id"]) is None:
            return None
        changed_at = await tx.value(SET_PASSWORD, password_hash=password_hash)
        await tx.rows(users.END_SESSIONS, id=user, keep=None)
        await tx.rows(users.END_LINKS, id=user)
        return await sign_in(tx, session, changed_at)


async def count(
    database: Database,
    address: str | None,
    username: str | None,
    place: str,
    window: timedelta,
    limits: tuple[int, int],
) -> Record:
    """Count an attempt by an address, where there is one, and on an account where there is a
    username, `place` being where that attempt comes from. `limits` are those of an address and of a
    place at an account, in the window.

    Returns `seconds`, until the next attempt within the limits, null when this one is; and
    `of_account`, how many attempts there were on the account from anywhere.
    """
    rows = await database.plain(_COUNT, address, username, window, *limits, place)
    return rows[0]


async def withdraw(
    database: Database, address: str | None, username: str | None, place: str, *, was_right: bool
) -> None:
    """Uncount an attempt; a successful one starts the count of its place at zero."""
    await database.plain(_WITHDRAW, address, username, place, was_right)


async def refuse_unknown_user(database: Database, username: str) -> None:
    """Do the work of recording a refusal for a username that nobody has, so that the time taken
    does not tell such names from others.
    """
    await database.plain(_REFUSED_UNKNOWN_USER, "", username)
