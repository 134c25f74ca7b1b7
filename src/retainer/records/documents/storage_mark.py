"""The mark that a storage carries and the database knows. Two servers with a storage each, or a
storage that two databases share, would lose each other's documents: such a start is refused.
"""

from uuid import uuid4

from retainer.config import ConfigError
from retainer.database.pool import Connection
from retainer.records.documents.storage import Storage

LOCK = 7_264_020  # any number of our own: one start at a time compares the two

_KNOWN = "SELECT mark, is_written FROM storage_mark"
_KEEP = """
    INSERT INTO storage_mark (mark) VALUES ($1)
    ON CONFLICT (one) DO UPDATE SET mark = excluded.mark, is_written = false
"""
_WRITTEN = "UPDATE storage_mark SET is_written = true"
_SOME = "SELECT storage_key FROM document_versions ORDER BY created_at DESC LIMIT 5"


async def refuse_other(connection: Connection, storage: Storage) -> None:
    """Mark a new storage. Raises ConfigError for one that is not this database's, and Unavailable
    when it does not answer.
    """
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        known = await connection.fetchrow(_KNOWN)
        found = await storage.read_mark()
        if known is not None and known["mark"] == found:
            return
        if found is not None:
            raise _other(storage, "it is another database's")
        if known is not None and known["is_written"]:
            raise _other(storage, "its mark is missing")
        if known is None and await _lacks_documents(connection, storage):
            raise _other(storage, "the newest files are not there")
        await _mark(connection, storage)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def is_ours(connection: Connection, storage: Storage) -> bool:
    """True when the storage carries the mark of this database."""
    known = await connection.fetchrow(_KNOWN)
    return known is not None and known["mark"] == await storage.read_mark()


async def adopt(connection: Connection, storage: Storage) -> None:
    """Mark a storage as this database's, whatever it carried; no other one is, from then on."""
    await connection.execute("DELETE FROM storage_mark")
    await _mark(connection, storage)


async def _mark(connection: Connection, storage: Storage) -> None:
    mark = str(uuid4())
    await connection.execute(_KEEP, mark)
    await storage.write_mark(mark)
    await connection.execute(_WRITTEN)


async def _lacks_documents(connection: Connection, storage: Storage) -> bool:
    keys = [row["storage_key"] for row in await connection.fetch(_SOME)]
    sizes = [await storage.size(key) for key in keys]
    return bool(keys) and not any(size is not None for size in sizes)


def _other(storage: Storage, why: str) -> ConfigError:
    return ConfigError(
        f"The storage {storage.place} does not have this database's documents: {why}. Name the"
        " one that has them by RETAINER_STORAGE_URL or --data (all servers of a database share it);"
        " if this one shall take its place: retainer documents adopt"
    )
