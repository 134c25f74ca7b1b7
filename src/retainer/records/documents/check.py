"""`retainer documents check`: finds versions without their bytes, removes bytes without a version.

Runs beside servers: bytes younger than an hour are left alone, because they may be an upload in
progress.
"""

import asyncio
import hashlib
import re
from datetime import UTC, datetime, timedelta

import msgspec
from asyncpg import Record

from retainer.config import Settings
from retainer.database.pool import Connection, connect
from retainer.records.documents.storage import Entry, Storage

GRACE_PERIOD = timedelta(hours=1)
BATCH = 200  # versions compared at once
SHOWN = 50  # versions that a report names

# Only keys of our own form are ever deleted; a bucket may hold other things.
_OURS = re.compile(
    r"[0-9]{1,16}/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)

_PENDING = """
    SELECT tenant_id, storage_key FROM pending_uploads WHERE created_at <= $1
    ORDER BY tenant_id, id
"""
_REMOVE_PENDING = "DELETE FROM pending_uploads WHERE tenant_id = $1 AND storage_key = $2"
_HAS_VERSION = (
    "SELECT EXISTS (SELECT FROM document_versions WHERE tenant_id = $1 AND storage_key = $2)"
)
_ORPHANS = """
    SELECT key
    FROM unnest($1::text[]) key,
        LATERAL (SELECT split_part(key, '/', 1)::bigint AS tenant) its
    WHERE NOT EXISTS (SELECT FROM document_versions v
            WHERE v.tenant_id = its.tenant AND v.storage_key = key)
        AND NOT EXISTS (SELECT FROM imports i
            WHERE i.tenant_id = its.tenant AND i.storage_key = key)
        AND NOT EXISTS (SELECT FROM pending_uploads u
            WHERE u.tenant_id = its.tenant AND u.storage_key = key)
"""
_VERSIONS = """
    SELECT tenant_id, id, document_id, number, storage_key, size, sha256 FROM document_versions
    WHERE (tenant_id, id) > ($1, $2) ORDER BY tenant_id, id LIMIT $3
"""


class Report(msgspec.Struct):
    """Result of a check. `missing` and `damaged` name versions; `uploads`, `orphans` and
    `half_written` count deletions.
    """

    versions: int = 0
    missing: list[str] = []
    damaged: list[str] = []
    uploads: int = 0
    orphans: int = 0
    half_written: int = 0
    # Files with keys of our form that were left alone: this database knows none of them, so they
    # may be another database's.
    foreign: int = 0

    @property
    def is_sound(self) -> bool:
        """True when every version has its bytes, and the storage is this database's."""
        return not (self.missing or self.damaged or self.foreign)

    def text(self) -> str:
        """The report for a person."""
        lines = [
            f"Versions checked: {self.versions}. Missing: {len(self.missing)}."
            f" Damaged: {len(self.damaged)}.",
            f"Deleted: {self.uploads} unfinished uploads, {self.orphans} files that no document"
            f" has, {self.half_written} half-written files.",
            *(f"MISSING {line}" for line in self.missing[:SHOWN]),
            *(f"DAMAGED {line}" for line in self.damaged[:SHOWN]),
        ]
        if self.foreign:
            lines.append(
                f"FOREIGN {self.foreign} files, none of them of a document in this database."
                " Is this the right storage? Nothing of it was deleted."
            )
        return "\n".join(lines)


async def check(
    settings: Settings, *, deep: bool = False, grace_period: timedelta = GRACE_PERIOD
) -> Report:
    """Reconcile storage and records of all tenants. `deep` reads every byte. Bytes younger than
    `grace_period` may be an upload in progress; zero is right where no server runs. Raises Problem
    when the storage does not answer.
    """
    storage = Storage.of(settings)
    connection = await connect(settings.database_url)
    try:
        report = await clean(connection, storage, grace_period)
        await _check_versions(connection, storage, report, deep=deep)
    finally:
        await connection.close()
    return report


async def clean(
    connection: Connection, storage: Storage, grace_period: timedelta = GRACE_PERIOD
) -> Report:
    """Remove what killed uploads left behind. Raises Problem when the storage does not answer."""
    before = datetime.now(UTC) - grace_period
    report = Report()
    await _end_uploads(connection, storage, before, report)
    report.half_written = await storage.sweep(before)
    await _delete_orphans(connection, storage, before, report)
    return report


async def _end_uploads(
    connection: Connection, storage: Storage, before: datetime, report: Report
) -> None:
    for row in await connection.fetch(_PENDING, before):
        arguments = (row["tenant_id"], row["storage_key"])
        # In one transaction: an upload that finishes at this moment waits for it, then finds its
        # pending row gone and makes no version.
        async with connection.transaction():
            await connection.execute(_REMOVE_PENDING, *arguments)
            if not await connection.fetchval(_HAS_VERSION, *arguments):
                await storage.delete(row["storage_key"])
                report.uploads += 1


async def _delete_orphans(
    connection: Connection, storage: Storage, before: datetime, report: Report
) -> None:
    """Delete bytes that no record names. Comes after _end_uploads, which deletes most of them."""
    known, orphans = 0, list[str]()
    async for batch in storage.list():
        keys = [entry.key for entry in batch if _is_old_and_ours(entry, before)]
        unknown = [row["key"] for row in await connection.fetch(_ORPHANS, keys)]
        orphans += unknown
        known += len(keys) - len(unknown)
    if orphans and not known:
        report.foreign = len(orphans)
        return
    for key in orphans:
        await storage.delete(key)
    report.orphans = len(orphans)


def _is_old_and_ours(entry: Entry, before: datetime) -> bool:
    return entry.modified <= before and _OURS.fullmatch(entry.key) is not None


async def _check_versions(
    connection: Connection, storage: Storage, report: Report, *, deep: bool
) -> None:
    last = (0, 0)
    while rows := await connection.fetch(_VERSIONS, *last, BATCH):
        sizes = await asyncio.gather(*(storage.size(row["storage_key"]) for row in rows))
        for row, size in zip(rows, sizes, strict=True):
            await _check_version(row, size, storage, report, deep=deep)
        last = (rows[-1]["tenant_id"], rows[-1]["id"])


async def _check_version(
    row: Record, size: int | None, storage: Storage, report: Report, *, deep: bool
) -> None:
    report.versions += 1
    version = f"document {row['document_id']} version {row['number']}"
    line = f"tenant {row['tenant_id']} {version}: {row['storage_key']}"
    if size is None:
        report.missing.append(line)
    elif size != row["size"] or (deep and await _digest(storage, row) != row["sha256"]):
        report.damaged.append(line)


async def _digest(storage: Storage, row: Record) -> str:
    digest = hashlib.sha256()
    async for chunk in await storage.get(row["storage_key"], 0, row["size"]):
        digest.update(chunk)
    return digest.hexdigest()
