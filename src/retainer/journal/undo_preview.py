"""The extent of an undo before it is done: how many records of which organizations."""

import msgspec

from retainer.database.database import Db
from retainer.database.statement import Statement, rows_json
from retainer.errors import NotFound
from retainer.journal import store
from retainer.journal.clashes import OF_UNDONE
from retainer.journal.entities import LINKS
from retainer.journal.model import TouchedKind, TouchedOrganization, UndoPreview
from retainer.journal.undo_part import Part, chosen_changes
from retainer.journal.visibility import VISIBLE

MAX_NAMED = 20  # organizations that it names
_LINK_TABLES = ", ".join(link.table for _, link in LINKS)

_NAMED = rows_json(f"""
    SELECT o.id, o.name, counted.records
    FROM counted JOIN organizations o ON o.tenant_id = :tenant AND o.id = counted.organization_id
    WHERE @visible_organizations
    ORDER BY counted.records DESC, o.name_folded, o.id LIMIT {MAX_NAMED}""")
_KINDS = rows_json("""
    SELECT x.named AS entity, x.action, count(DISTINCT (x.entity, x.entity_id)) AS records
    FROM left_over x GROUP BY x.named, x.action ORDER BY 3 DESC, 1, 2""")

# The changes that an undo would take back, of those that the viewer sees.
_PREVIEW = Statement(
    f"""
    WITH left_over AS MATERIALIZED (
        SELECT c.entity, {store.ENTITY} AS named, c.entity_id, {store.ACTION} AS action,
            coalesce(c.organization_after, c.organization_before) AS organization_id
        FROM changes c WHERE {OF_UNDONE} AND (@visible_changes)
            AND c.entity <> ALL('{{{_LINK_TABLES}}}'::text[])
    ), counted AS (
        SELECT x.organization_id, count(DISTINCT (x.entity, x.entity_id)) AS records
        FROM left_over x WHERE x.organization_id IS NOT NULL GROUP BY 1)
    SELECT (SELECT count(DISTINCT (x.entity, x.entity_id)) FROM left_over x) AS records,
        (SELECT count(*) FROM counted) AS organizations, {_NAMED} AS named, {_KINDS} AS kinds
""",
    visible=VISIBLE,
)


async def preview(db: Db, id: int, part: Part | None) -> UndoPreview:
    """Count what an undo of an operation, or of a part of it, would take back. Raises NotFound."""
    if not await store.exists(db, id):
        raise NotFound
    async with db.transaction(snapshot=True) as tx:
        chosen, passed_over = await chosen_changes(tx, id, part)
        row = await tx.row(_PREVIEW, undone=id, chosen=chosen)
    assert row is not None
    return UndoPreview(
        id,
        row["records"],
        passed_over,
        row["organizations"],
        msgspec.json.decode(row["named"], type=list[TouchedOrganization]),
        msgspec.json.decode(row["kinds"], type=list[TouchedKind]),
    )
