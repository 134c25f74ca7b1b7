"""Every statement about imports (alias i) and their rows (alias r)."""

from collections.abc import Iterable

import msgspec
from asyncpg import Record

from retainer.database.database import Db, Values
from retainer.database.statement import Statement
from retainer.database.stored import Stored
from retainer.exchange.imports.model import ImportNoun, ImportState, RowOutcome
from retainer.lists.spec import Field, FieldType, ListSpec, row_json
from retainer.records.documents import pending_uploads

# Whoever may import sees all records, and nobody else sees an import.
_SEEN = "i.tenant_id = :tenant AND @sees_all"
_STATE = """CASE WHEN i.state = 'done' AND is_undone(:tenant, i.operation_id) THEN 'undone'
    ELSE i.state END"""

FIELDS = {
    "id": Field("i.id", FieldType.INTEGER, sort="i.id", cast="bigint"),
    "noun": Field("i.noun", FieldType.WORD, values=ImportNoun),
    "fileName": Field("i.file_name"),
    "size": Field("i.size"),
    "state": Field(_STATE, FieldType.WORD, _STATE, values=ImportState),
    "total": Field("i.total"),
    "done": Field("i.done"),
    "counts": Field("i.counts"),
    "problem": Field("i.problem"),
    "operationId": Field("i.operation_id", FieldType.INTEGER, nullable=True),
    "userId": Field("i.user_id", FieldType.INTEGER),
    "found": Field("i.found"),
    "settings": Field("i.settings"),
    "createdAt": Field("iso(i.created_at)"),
    "updatedAt": Field("iso(i.updated_at)"),
}
JSON = row_json(FIELDS)
LIST = ListSpec("imports i", _SEEN, FIELDS, order="-id", id="i.id")

ROW_FIELDS = {
    "n": Field("r.n", FieldType.INTEGER, sort="r.n"),
    "values": Field("r.cells"),
    "outcome": Field("r.outcome", FieldType.WORD, sort="r.outcome", values=RowOutcome),
    "targetId": Field("r.target_id", FieldType.INTEGER, nullable=True),
    "changes": Field("r.changes"),
    "problems": Field("r.problems"),
    "candidates": Field("r.candidates"),
}
ROW_JSON = row_json(ROW_FIELDS)
ROWS = ListSpec(
    "import_rows r",
    "r.tenant_id = :tenant AND r.import_id = :parent AND @sees_all",
    ROW_FIELDS,
    order="n",
    id="r.n",
)

# An import that no job has: one that waits, has ended, or whose job was ended by a kill.
_IDLE = ("uploaded", "planned", "done", "failed", "cancelled")
IDLE = ", ".join(f"'{state}'" for state in _IDLE)

READ = Statement(f"SELECT i.id, i.version, {JSON} FROM imports i WHERE {_SEEN} AND i.id = :id")
LOCK = Statement(f"""
    SELECT i.id, i.version, {_STATE} AS state, i.noun, i.settings, i.found, i.total
    FROM imports i WHERE {_SEEN} AND i.id = :id AND @expected_i FOR UPDATE
""")
CREATE = Statement(f"""
    WITH stored AS ({pending_uploads.REMOVE})
    INSERT INTO imports AS i
        (tenant_id, user_id, noun, file_name, storage_key, size, sha256, state, settings)
    SELECT :tenant, :user, :noun, :file_name, :storage_key, :size, :digest, 'planning',
        :settings::text::json
    FROM @acting, stored
    RETURNING i.id, i.version, {JSON}
""")
# Settings that are set begin a new plan.
UPDATE = Statement(f"""
    UPDATE imports i SET noun = :noun, settings = :settings::text::json, state = 'planning',
        done = 0, problem = NULL, attempts = 0, is_cancelled = false, operation_id = NULL,
        version = i.version + 1, updated_at = now()
    FROM @acting
    WHERE {_SEEN} AND i.id = :id
    RETURNING i.id, i.version, {JSON}
""")
RUN = Statement(f"""
    UPDATE imports i SET state = 'running', done = 0, problem = NULL, attempts = 0,
        is_cancelled = false, version = i.version + 1, updated_at = now()
    FROM @acting
    WHERE {_SEEN} AND i.id = :id
    RETURNING i.id, i.version, {JSON}
""")
CANCEL = Statement(f"""
    UPDATE imports i SET is_cancelled = true, version = i.version + 1, updated_at = now()
    FROM @acting
    WHERE {_SEEN} AND i.id = :id AND i.state IN ('planning', 'running')
    RETURNING i.id, i.version, {JSON}
""")
DELETE = Statement(f"""
    DELETE FROM imports i USING @acting
    WHERE {_SEEN} AND i.id = :id AND i.state IN ({IDLE}) AND @expected_i
    RETURNING i.storage_key
""")

# The jobs of all tenants, as their owner: those of the tenants behind one ($1) first.
WAITING = """
    SELECT tenant_id, id FROM imports WHERE state IN ('planning', 'running')
    ORDER BY tenant_id <= $1, tenant_id, id LIMIT 100
"""
TAKE_LOCK = "SELECT pg_try_advisory_lock($1, ($2::bigint % 2147483647)::int)"
GIVE_LOCK = "SELECT pg_advisory_unlock($1, ($2::bigint % 2147483647)::int)"
CANCEL_FOR = """
    UPDATE imports SET state = 'cancelled', problem = $3, version = version + 1, updated_at = now()
    WHERE tenant_id = $1 AND id = $2
"""
USER = """
    SELECT i.id AS session_id, i.tenant_id, u.id AS user_id, u.role, u.contact_id, u.username,
        u.full_name, coalesce(u.time_zone, t.time_zone) AS time_zone, t.country, u.theme, u.density,
        u.shortcuts
    FROM imports i
        JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.user_id
        JOIN tenants t ON t.id = i.tenant_id
    WHERE i.tenant_id = $1 AND i.id = $2 AND u.is_active
"""

JOB = Statement("""
    SELECT i.state, i.noun, i.file_name, i.storage_key, i.size, i.settings, i.found, i.attempts,
        i.is_cancelled, i.total
    FROM imports i WHERE i.tenant_id = :tenant AND i.id = :id
""")
BEGIN = Statement("""
    UPDATE imports i SET attempts = i.attempts + 1, done = 0, updated_at = now()
    WHERE i.tenant_id = :tenant AND i.id = :id AND i.state = :state RETURNING i.attempts
""")
# Where it stands, from a job. It answers whether the job is to go on.
PROGRESS = Statement("""
    UPDATE imports i SET done = :done, total = greatest(i.total, :total), updated_at = now()
    WHERE i.tenant_id = :tenant AND i.id = :id RETURNING i.is_cancelled, i.version
""")
FOUND = Statement("""
    UPDATE imports i SET found = :found::text::json, settings = :settings::text::json,
        updated_at = now()
    WHERE i.tenant_id = :tenant AND i.id = :id RETURNING i.id
""")
COUNTS = """coalesce((SELECT jsonb_object_agg(q.outcome, q.count) FROM (
        SELECT r.outcome, count(*) FROM import_rows r
        WHERE r.tenant_id = :tenant AND r.import_id = :id GROUP BY r.outcome) q), '{}')"""
END = Statement(f"""
    UPDATE imports i SET state = :state, problem = :problem, operation_id = :operation_id,
        is_cancelled = false, counts = {COUNTS}, version = i.version + 1, updated_at = now(),
        done = (SELECT count(*) FROM import_rows r
            WHERE r.tenant_id = :tenant AND r.import_id = :id)
    WHERE i.tenant_id = :tenant AND i.id = :id RETURNING i.id
""")
RECOUNT = Statement(f"""
    UPDATE imports i SET counts = {COUNTS}, version = i.version + 1, updated_at = now()
    WHERE i.tenant_id = :tenant AND i.id = :id RETURNING i.id
""")
RUNNING_OPERATION = Statement("""
    SELECT nullif(split_part(current_setting('retainer.operation', true), ' ', 1), '')::bigint
""")

CLEAR_ROWS = Statement("""
    DELETE FROM import_rows r WHERE r.tenant_id = :tenant AND r.import_id = :id
        AND r.n = ANY(ARRAY(SELECT n FROM import_rows
            WHERE tenant_id = :tenant AND import_id = :id LIMIT 5000))
    RETURNING r.n
""")
_ROW = """(n integer, cells text[], outcome text, target_id bigint, body jsonb, changes jsonb,
    problems jsonb, candidates jsonb, decision jsonb)"""
PUT_ROWS = Statement(f"""
    INSERT INTO import_rows (tenant_id, import_id, n, cells, outcome, target_id, body, changes,
        problems, candidates, decision)
    SELECT :tenant, :id, q.n, q.cells, q.outcome, q.target_id, q.body, q.changes, q.problems,
        q.candidates, q.decision
    FROM jsonb_to_recordset(:rows::jsonb) AS q {_ROW}
    ON CONFLICT (tenant_id, import_id, n) DO UPDATE SET outcome = excluded.outcome,
        target_id = excluded.target_id, body = excluded.body, changes = excluded.changes,
        problems = excluded.problems, candidates = excluded.candidates,
        decision = excluded.decision
""")
NOTE_RESULTS = Statement(f"""
    UPDATE import_rows r SET outcome = q.outcome, target_id = q.target_id, problems = q.problems
    FROM jsonb_to_recordset(:rows::jsonb) AS q {_ROW}
    WHERE r.tenant_id = :tenant AND r.import_id = :id AND r.n = q.n
""")
NEXT_ROWS = Statement("""
    SELECT r.n, r.cells, r.outcome, r.target_id, r.body, r.decision FROM import_rows r
    WHERE r.tenant_id = :tenant AND r.import_id = :id AND r.n > :after
        AND r.outcome = ANY(:outcomes::text[])
    ORDER BY r.n LIMIT :most
""")
ROWS_OF = Statement("""
    SELECT r.n, r.cells, r.outcome, r.target_id, r.body, r.problems, r.decision FROM import_rows r
    WHERE r.tenant_id = :tenant AND r.import_id = :id AND r.n = ANY(:numbers::bigint[])
    ORDER BY r.n
""")
NUMBERS = Statement("""
    SELECT array_agg(q.n) FROM (
        SELECT r.n FROM import_rows r
        WHERE r.tenant_id = :tenant AND @sees_all AND r.import_id = :id AND r.outcome = :outcome
        ORDER BY r.n LIMIT :most) q
""")
STATE = Statement(f"""
    SELECT {_STATE} AS state, i.noun, i.settings, i.found
    FROM imports i WHERE {_SEEN} AND i.id = :id
""")
ROW = Statement(f"""
    SELECT {ROW_JSON} AS json FROM import_rows r
    WHERE r.tenant_id = :tenant AND r.import_id = :id AND r.n = :n::bigint
""")
HAS_ROW = Statement("""
    SELECT FROM import_rows r
    WHERE r.tenant_id = :tenant AND @sees_all AND r.import_id = :id AND r.n = :n::bigint
""")


async def exists(db: Db, id: int) -> bool:
    """Tell whether the tenant has it."""
    return await db.row(READ, id=id) is not None


async def row_exists(db: Db, id: int, n: int) -> bool:
    """Tell whether the import has such a row."""
    return await db.row(HAS_ROW, id=id, n=n) is not None


async def get(db: Db, id: int) -> Stored | None:
    """One import; None where there is none."""
    return await db.stored(READ, id=id)


async def create(db: Db, values: Values) -> Stored | None:
    """The new import of a stored file; None when its upload was given up meanwhile."""
    return await db.stored(CREATE, **values)


async def lock(db: Db, id: int) -> Record | None:
    """An import, locked until the transaction ends."""
    return await db.row(LOCK, id=id)


async def put_rows(db: Db, id: int, rows: Iterable[Values]) -> None:
    """Write rows, those that are there anew."""
    await db.rows(PUT_ROWS, id=id, rows=msgspec.json.encode(list(rows)).decode())


async def note_results(db: Db, id: int, rows: Iterable[Values]) -> None:
    """Keep what the run did to rows: the record that each made, or why it was refused."""
    await db.rows(NOTE_RESULTS, id=id, rows=msgspec.json.encode(list(rows)).decode())
