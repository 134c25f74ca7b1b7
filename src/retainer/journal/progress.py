"""The worker's progress: which host works, and how far its loops are with a tenant."""

import msgspec

from retainer.database.database import Db
from retainer.database.statement import Statement

LOCK = 7_264_010  # key of the worker's advisory lock; any number that nothing else uses
APPLICATION_NAME = "retainer worker on "  # and the host: of the connection that has the lock
MOST = 10_000  # that are counted to the end

HOST = f"""
    SELECT substr(a.application_name, {len(APPLICATION_NAME) + 1})
    FROM pg_locks l
        JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
        JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = {LOCK} AND l.granted
"""


def _waiting(rows: str) -> str:
    return f"(SELECT count(*) FROM (SELECT FROM {rows} LIMIT {MOST}) w)"


PROGRESS = Statement(f"""
    SELECT p.name, p.position, p.waiting FROM (VALUES
        ('positions',
            (SELECT max(o.position) FROM operations o WHERE o.tenant_id = :tenant),
            {_waiting("operations o WHERE o.tenant_id = :tenant AND o.position IS NULL")}),
        ('words',
            (SELECT l.position FROM loops l WHERE l.tenant_id = :tenant AND l.name = 'words'),
            {
    _waiting('''operations o WHERE o.tenant_id = :tenant AND o.position > coalesce((
                SELECT l.position FROM loops l WHERE l.tenant_id = :tenant AND l.name = 'words'), 0)
    ''')
}),
        ('files', NULL, {_waiting("pending_texts t WHERE t.tenant_id = :tenant")})
    ) p (name, position, waiting)
""")
_HOST = Statement(HOST)


class Loop(msgspec.Struct):
    """A loop of the worker: its position in the journal, where it follows that, and how many
    operations or files wait for it, MOST at most.
    """

    name: str
    position: int | None
    waiting: int


async def host(db: Db) -> str | None:
    """The host whose worker works; None where none does."""
    name: str | None = await db.value(_HOST)
    return name


async def loops(db: Db) -> list[Loop]:
    """The loops of the worker, each with how far it is with the viewer's tenant."""
    return [Loop(*row) for row in await db.rows(PROGRESS)]
