"""The row that stands for an upload in progress: it is committed before any byte is stored, and
removed by the statement that makes the version. `retainer documents check` removes the bytes of
rows that stay.
"""

from retainer.database.database import Db
from retainer.database.statement import Statement

REMOVE = """DELETE FROM pending_uploads u
        WHERE u.tenant_id = :tenant AND u.storage_key = :storage_key RETURNING u.id"""

_ADD = Statement("""
    INSERT INTO pending_uploads (tenant_id, storage_key)
    SELECT :tenant, :storage_key FROM @acting
    RETURNING id
""")
_REMOVE = Statement(REMOVE)
_HAS_VERSION = Statement(
    "SELECT FROM document_versions v WHERE v.tenant_id = :tenant AND v.storage_key = :storage_key"
)


async def add(db: Db, storage_key: str) -> None:
    """Commit the row, before any byte is stored under the key."""
    await db.row(_ADD, storage_key=storage_key)


async def remove(db: Db, storage_key: str) -> None:
    """Remove the row. Waits for a transaction that removes it to make a version."""
    await db.row(_REMOVE, storage_key=storage_key)


async def has_version(db: Db, storage_key: str) -> bool:
    """Tell whether a version has its bytes under the key."""
    return await db.row(_HAS_VERSION, storage_key=storage_key) is not None
