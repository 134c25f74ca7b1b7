"""Chores: rows that are over. Each takes a moment, on the connection that has the lock."""

from retainer.database.pool import Connection
from retainer.identity.sessions.throttle import WINDOW

BATCH = 1000  # rows deleted at once, of each kind

# The refusals of minutes that are over become one operation of the journal each.
_CLOSE_REFUSALS = "SELECT close_refusals()"

# Whoever holds one of these rows is not waited for.
_DELETE_KEYS = """
    DELETE FROM idempotency_keys k USING (
        SELECT e.tenant_id, e.user_id, e.name
        FROM tenants t JOIN idempotency_keys e ON e.tenant_id = t.id AND e.expires_at <= now()
        LIMIT $1 FOR UPDATE OF e SKIP LOCKED) over
    WHERE k.tenant_id = over.tenant_id AND k.user_id = over.user_id AND k.name = over.name
"""
_DELETE_ATTEMPTS = """
    DELETE FROM throttles WHERE key IN (
        SELECT key FROM throttles WHERE since < now() - $1::interval
        LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
# Imports are kept for a while: first their rows go, then they; the cleaning removes their files.
KEPT_DAYS = 30
_DELETE_ROWS = """
    DELETE FROM import_rows r USING (
        SELECT e.tenant_id, e.import_id, e.n
        FROM imports i JOIN import_rows e ON e.tenant_id = i.tenant_id AND e.import_id = i.id
        WHERE i.updated_at < now() - make_interval(days => $1)
        LIMIT $2) over
    WHERE r.tenant_id = over.tenant_id AND r.import_id = over.import_id AND r.n = over.n
"""
_DELETE_IMPORTS = """
    DELETE FROM imports i
    WHERE i.updated_at < now() - make_interval(days => $1)
        AND NOT EXISTS (SELECT FROM import_rows r
            WHERE r.tenant_id = i.tenant_id AND r.import_id = i.id)
"""


async def do(connection: Connection) -> None:
    """Close the refusals of past minutes; delete expired idempotency keys, attempts to sign in that
    count no more, and old imports.
    """
    await connection.execute(_CLOSE_REFUSALS)
    await connection.execute(_DELETE_KEYS, BATCH)
    await connection.execute(_DELETE_ATTEMPTS, WINDOW, BATCH)
    await connection.execute(_DELETE_ROWS, KEPT_DAYS, BATCH)
    await connection.execute(_DELETE_IMPORTS, KEPT_DAYS)
