"""Copying an organization: its own fields, without what belongs to it."""

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.database.stored import Stored
from retainer.records.organizations.store import COLUMNS, JSON, LOCK

# What no two organizations share, a copy does not have.
_COPIED = [name for name in COLUMNS if name not in ("name", "external_id", "domains")]

# The name without "(copy 2)", which a copy and its source share.
_STEM = "left(regexp_replace(o.name, ' \\(copy( [0-9]+)?\\)$', ''), 240)"

# Copies whose names begin alike are made one after the other: each sees the names of those before.
# A statement of its own, for the next one sees what was committed while this one waited.
LOCK_STEM = Statement(f"""
    SELECT pg_advisory_xact_lock(hashtextextended('copy of ' || {_STEM}, :tenant))
    FROM organizations o WHERE o.tenant_id = :tenant AND o.id = :id
""")

# The copy is "Name (copy)", or the first of "Name (copy 2)", "Name (copy 3)" … that no live
# organization has.
DUPLICATE = Statement(f"""
    WITH source AS (
        SELECT o.*, {_STEM} AS stem
        FROM organizations o WHERE o.tenant_id = :tenant AND o.id = :id
    )
    INSERT INTO organizations AS o (tenant_id, name, {", ".join(_COPIED)})
    SELECT s.tenant_id, (
            SELECT candidate FROM (
                SELECT n,
                    s.stem || CASE n WHEN 1 THEN ' (copy)' ELSE ' (copy ' || n || ')' END
                        AS candidate
                FROM generate_series(1, 1 + (
                    SELECT count(*) FROM organizations c
                    WHERE c.tenant_id = :tenant AND c.deleted_by IS NULL
                        AND starts_with(c.name, s.stem || ' (copy'))) n
            ) numbered
            WHERE NOT EXISTS (SELECT FROM organizations c
                WHERE c.tenant_id = :tenant AND c.deleted_by IS NULL AND c.name = candidate)
            ORDER BY n LIMIT 1
        ), {", ".join(f"s.{column}" for column in _COPIED)}
    FROM source s, @acting
    RETURNING o.id, o.version, {JSON}
""")


async def copy(db: Db, id: int) -> Stored | None:
    """The copy, or None when the viewer sees no such organization."""
    async with db.transaction() as tx:
        if await tx.row(LOCK, id=id) is None:
            return None
        await tx.row(LOCK_STEM, id=id)
        return await tx.stored(DUPLICATE, id=id)
