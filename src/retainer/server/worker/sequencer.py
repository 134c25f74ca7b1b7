"""The sequencer: each operation gets its position, in the order of the commits of its tenant.

Operations are numbered when they begin and seen when they are committed, so whoever follows their
numbers misses those that commit late. Positions have no such gaps: what is visible and has none
gets the next ones, in the order of the commits, so that no two versions of a record change places
(docs/decisions/0028).
"""

from retainer.database.pool import Connection

BATCH = 20_000  # operations of a tenant in one transaction
EPOCH = 10**9  # positions; a restore leaves at least as many free

# The commit time of an operation is not known when it is older than its column or was restored.
# These come first, by number; without track_commit_timestamp all are ordered by transaction. The
# rows are updated where they were found: planned for an empty table, a look-up by id would read all
# operations of the tenant for each.
_GIVE = """
    WITH next AS (
        SELECT w.row,
            row_number() OVER (ORDER BY w.at NULLS FIRST, w.xid NULLS FIRST, w.id) AS place
        FROM (SELECT o.ctid AS row, o.id,
                CASE WHEN $3 THEN pg_xact_commit_timestamp(o.xid::xid) END AS at,
                CASE WHEN NOT $3 THEN o.xid END AS xid
            FROM operations o WHERE o.tenant_id = $1 AND o.position IS NULL) w
        ORDER BY place LIMIT $2
    ), last AS (
        SELECT greatest(
            (SELECT o.position FROM operations o WHERE o.tenant_id = $1 AND o.position IS NOT NULL
                ORDER BY o.position DESC LIMIT 1),
            (SELECT e.floor FROM epochs e ORDER BY e.number DESC LIMIT 1)) AS position
    )
    UPDATE operations o SET position = last.position + next.place FROM next, last
    WHERE o.tenant_id = $1 AND o.ctid = next.row
"""
_KNOWS_COMMIT_TIMES = "SELECT current_setting('track_commit_timestamp')::boolean"

# The cluster, its timeline, which recoveries to a point in time change, and the database's own
# number in it, which another one has that a dump was restored into.
_DATABASE = """
    SELECT concat_ws('-', system_identifier, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
        (SELECT oid FROM pg_database WHERE datname = current_database()))
    FROM pg_control_system()
"""
_LAST_EPOCH = "SELECT number, database FROM epochs ORDER BY number DESC LIMIT 1"
_BEGIN_EPOCH = "INSERT INTO epochs (number, floor, database) VALUES ($1, $2, $3)"
_LAST_POSITION = "SELECT max(position) FROM operations WHERE tenant_id = $1"
# Transactions of another cluster: their numbers mean others here.
_FORGET_TRANSACTIONS = """
    UPDATE operations SET xid = NULL
    WHERE tenant_id = $1 AND position IS NULL AND xid IS NOT NULL
"""
_TENANTS = "SELECT id FROM tenants ORDER BY id"
_WAITING = """
    SELECT t.id FROM tenants t CROSS JOIN LATERAL (
        SELECT FROM operations o WHERE o.tenant_id = t.id AND o.position IS NULL LIMIT 1) o
    ORDER BY t.id
"""


class Sequencer:
    """Gives positions on one connection, the worker's that has the lock: nobody else gives any."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.knows_commit_times = False

    async def begin(self) -> None:
        """Look at the database that the connection leads to, before the first position. One that
        was restored begins an epoch: since its backup others may have been told positions that it
        does not know.
        """
        self.knows_commit_times = await self.connection.fetchval(_KNOWS_COMMIT_TIMES)
        async with self.connection.transaction():
            database = await self.connection.fetchval(_DATABASE)
            last = await self.connection.fetchrow(_LAST_EPOCH)
            if last is None:
                await self.connection.execute(_BEGIN_EPOCH, 1, 0, database)
            elif last["database"] != database:
                floor = await self._forget()
                await self.connection.execute(_BEGIN_EPOCH, last["number"] + 1, floor, database)

    async def _forget(self) -> int:
        """Forget transactions of another cluster; returns the floor of the next epoch, from which
        no tenant reads how many positions others have.
        """
        highest = 0
        for row in await self.connection.fetch(_TENANTS):
            await self.connection.execute(_FORGET_TRANSACTIONS, row["id"])
            last = await self.connection.fetchval(_LAST_POSITION, row["id"])
            highest = max(highest, last or 0)
        return (highest // EPOCH + 2) * EPOCH

    async def give_all(self) -> int:
        """Give positions in each tenant that waits for some, in turn; the number given."""
        waiting = await self.connection.fetch(_WAITING)
        return sum([await self.give(row["id"]) for row in waiting])

    async def give(self, tenant: int) -> int:
        """Give positions to what is visible of a tenant and has none; the number given, BATCH at
        most.
        """
        done = await self.connection.execute(_GIVE, tenant, BATCH, self.knows_commit_times)
        return int(done.removeprefix("UPDATE "))
