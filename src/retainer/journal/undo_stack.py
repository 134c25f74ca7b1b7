"""A user's own operations as a stack: undo takes back the last one, again the one before it, and
redo brings back what was undone last, until they do something else.

What somebody takes back elsewhere, a part of an operation or another's, is work of their own, and
undone like it.
"""

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.journal.undo_conditions import IS_UNDOABLE, OF_OPERATION

_OF_USER = "{0}.tenant_id = :tenant AND {0}.actor_id = :user AND {0}.outcome = 'done'"
# The user's own work of the last day that can be undone: no undoing of such work, and no redo.
_WORK = f"""SELECT op.id FROM operations op
    WHERE {_OF_USER.format("op")} AND op.at > now() - interval '1 day'
        AND (op.undoes IS NULL OR op.undoes_changes IS NOT NULL OR NOT EXISTS (
            SELECT FROM operations u WHERE {_OF_USER.format("u")} AND u.id = op.undoes))
        AND EXISTS (SELECT FROM changes c WHERE {OF_OPERATION}
            AND c.sequence <> ALL ((SELECT taken_back(:tenant, op.id))::int[]))
        AND NOT EXISTS (SELECT FROM changes c WHERE {OF_OPERATION} AND NOT {IS_UNDOABLE})"""

_LAST_DONE = Statement(f"""
    SELECT last_undoing(:tenant, work.id) FROM ({_WORK}) work
    WHERE NOT is_undone(:tenant, work.id)
    ORDER BY work.id DESC LIMIT 1
""")
_LAST_UNDONE = Statement(f"""
    WITH work AS MATERIALIZED ({_WORK}), undone AS MATERIALIZED (
        SELECT last_undoing(:tenant, work.id) AS id FROM work WHERE is_undone(:tenant, work.id))
    SELECT op.id FROM undone JOIN operations op ON op.id = undone.id
    WHERE {_OF_USER.format("op")} AND op.id > (SELECT max(work.id) FROM work)
    ORDER BY op.id DESC LIMIT 1
""")


async def last_done(db: Db) -> int | None:
    """The operation that undoes the viewer's last work; None where there is nothing to undo."""
    found: int | None = await db.value(_LAST_DONE)
    return found


async def last_undone(db: Db) -> int | None:
    """The undoing that brings back the work undone last; None where nothing was undone since the
    viewer's last work.
    """
    found: int | None = await db.value(_LAST_UNDONE)
    return found
