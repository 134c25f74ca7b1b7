"""The sentences that the migrations wrote beside their constraints and unique indexes
(docs/decisions/0005).
"""

from retainer.database.pool import Connection

_MESSAGES = """
    SELECT c.conname::text AS name, obj_description(c.oid, 'pg_constraint') AS comment
    FROM pg_constraint c WHERE obj_description(c.oid, 'pg_constraint') LIKE '%: %'
    UNION ALL
    SELECT i.relname::text, obj_description(i.oid, 'pg_class')
    FROM pg_class i WHERE i.relkind = 'i' AND obj_description(i.oid, 'pg_class') LIKE '%: %'
"""


async def load(connection: Connection) -> dict[str, tuple[str, str]]:
    """Field and message, by the name of the constraint or index."""
    rows = await connection.fetch(_MESSAGES)
    parts = {row["name"]: row["comment"].partition(": ") for row in rows}
    return {name: (field, message) for name, (field, _, message) in parts.items()}
