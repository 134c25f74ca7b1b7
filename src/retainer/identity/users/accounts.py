"""Tenants, users and links made by the command line: on the owner's connection, inside its
transaction.

Each function is one operation of the journal, and raises Problem when it refuses.
"""

from datetime import timedelta

import asyncpg
import msgspec
from asyncpg import Record

from retainer.database.database import Database, Db
from retainer.database.pool import Connection
from retainer.errors import NotFound, conflict, invalid
from retainer.http.body import decode
from retainer.identity import tokens
from retainer.identity.tenants.model import refuse_unknown_country
from retainer.identity.users import store
from retainer.identity.users.model import UserCreate, refuse_unknown_time_zone


async def create_tenant(
    connection: Connection, name: str, time_zone: str, country: str | None = None
) -> int:
    """Add a tenant; returns its id."""
    refuse_unknown_time_zone(time_zone)
    refuse_unknown_country(country)
    if not 1 <= len(name.strip()) <= 255:
        raise invalid("name", "must have 1 to 255 characters, not only spaces")
    return int(
        await connection.fetchval(
            "INSERT INTO tenants (name, time_zone, country) VALUES ($1, $2, $3) RETURNING id",
            name,
            time_zone,
            country,
        )
    )


async def create_user(
    connection: Connection, tenant_id: int, user: UserCreate, password_hash: str | None
) -> int:
    """Add a user; returns the id. Without a password hash they need a link to sign in."""
    # msgspec checks a struct's fields only when it decodes one.
    user = decode(msgspec.json.encode(user), UserCreate)
    await _act(connection, tenant_id, "createUser")
    if user.contact_id is not None and not await connection.fetchval(
        _CONTACT, tenant_id, user.contact_id
    ):
        raise invalid("contactId", "there is no such contact in this tenant")
    row = (user.username, user.full_name, user.role, user.contact_id)
    try:
        return int(await connection.fetchval(_USER, tenant_id, *row, password_hash))
    except asyncpg.UniqueViolationError:
        raise conflict("username", "is already taken; choose another e-mail address") from None


_CONTACT = (
    "SELECT true FROM contacts WHERE tenant_id = $1 AND id = $2 AND deleted_by IS NULL FOR SHARE"
)

_USER = """
    INSERT INTO users
        (tenant_id, username, full_name, role, contact_id, password_hash, password_changed_at)
    VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $6::text IS NOT NULL THEN now() END)
    RETURNING id
"""


def name_from_email(email: str) -> str:
    """A first name to start with: "ada@example.com" gives "Ada"."""
    return email.partition("@")[0].capitalize()


async def make_link(connection: Connection, tenant_id: int, user_id: int, hours: float) -> str:
    """Make a single-use link to choose a password, and end the user's older ones; returns its
    token.
    """
    await _act(connection, tenant_id, "createUserLink")
    tx = _bound(connection, tenant_id)
    user = await tx.row(store.LOCK, id=user_id)
    if user is None:
        raise NotFound
    if not user["is_active"]:
        raise conflict("user", "is disabled, a link would not work; enable them first")
    token = tokens.generate()
    link = {"token_hash": tokens.digest(token), "lifetime": timedelta(hours=hours)}
    await store.add_link(tx, user_id, link)
    return token


async def list_users(connection: Connection, tenant_id: int | None) -> list[Record]:
    """Users of one tenant or of all: id, username, full_name, role, is_active, tenant (a name)."""
    rows: list[Record] = await connection.fetch(_LIST, tenant_id)
    return rows


_LIST = """
    SELECT u.id, u.username, u.full_name, u.role, u.is_active, t.name AS tenant
    FROM users u JOIN tenants t ON t.id = u.tenant_id
    WHERE $1::bigint IS NULL OR u.tenant_id = $1
    ORDER BY t.id, lowercase(u.username)
"""


async def _act(connection: Connection, tenant_id: int, action: str) -> None:
    """Begin an operation by the command line; one transaction may hold several, also of several
    tenants.
    """
    await connection.execute("SELECT set_config('retainer.tenant', $1, true)", str(tenant_id))
    await connection.execute(_BEGIN_OPERATION, action)


_BEGIN_OPERATION = """
    SELECT set_config('retainer.operation', '', true),
        acting_as(NULL, 'command', 'command', NULL, $1)
"""


def _bound(connection: Connection, tenant_id: int) -> Db:
    """A Db on this connection, for the store's statements."""
    tx = Db(
        Database("", size=1, statement_seconds=1), "all", {"tenant": tenant_id}, "", "", "command"
    )
    tx.connection = connection
    return tx
