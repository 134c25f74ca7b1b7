"""Undoing an operation: its before-values are written as a new operation, all of them or none (docs/decisions/0012).

A fixed number of statements, one per table that was touched, whatever the number of rows: first everything that is
touched is locked, then the journal is asked whether somebody's work came later, then all is written, and then the
tables are asked whether anything refers to what is not there. The names of tables come from NOUNS alone.
"""

from functools import lru_cache

from asyncpg import Record

from retainer.database import Db
from retainer.errors import Clash, Conflict, Forbidden, Invalid, NotFound, invalid
from retainer.journal import store
from retainer.journal.model import NOUNS
from retainer.journal.store import IS_CHANGE, IS_UNDOABLE, LATER, TOLD, TOLD_ID
from retainer.organizations.store import LOCK_HIERARCHY
from retainer.permissions import PERMISSIONS, Viewer
from retainer.statement import Statement

MOST_NAMED = 20  # clashes

_OF = "c.tenant_id = :tenant AND c.operation_id = :undone"

OPERATION = Statement("""
    SELECT op.id, op.outcome, op.actor_id,
        (SELECT u.id FROM operations u WHERE u.tenant_id = :tenant AND u.undoes = op.id) AS undone_by
    FROM operations op WHERE op.tenant_id = :tenant AND op.id = :undone AND @visible_operations
""")

# Each table with what was done to it, and which columns of it changed: those that are there and are not generated.
TOUCHED = Statement(f"""
    SELECT c.entity, {IS_CHANGE} AS is_change, bool_and({IS_UNDOABLE}) AS can_be,
        bool_and(@visible_changes) AS is_seen, max(c.sequence) AS last, count(DISTINCT c.entity_id) > 1 AS several,
        array_agg(DISTINCT k.name) FILTER (WHERE k.name IS NOT NULL) AS columns
    FROM changes c LEFT JOIN LATERAL (
        SELECT a.attname::text AS name FROM jsonb_object_keys(c.before) key
        JOIN pg_attribute a ON a.attrelid = to_regclass(c.entity) AND a.attname = key AND a.attgenerated = ''
            AND NOT a.attisdropped) k ON true
    WHERE {_OF} GROUP BY 1, 2
""")

ACT = Statement("SELECT undoing(:tenant, :undone) FROM @acting")
DEFER = Statement("SET CONSTRAINTS ALL DEFERRED")
JUDGE = Statement("SET CONSTRAINTS ALL IMMEDIATE")

_TITLES = " ".join(
    f"WHEN '{table}' THEN (SELECT x.{noun.title} FROM {table} x WHERE x.tenant_id = :tenant AND x.id = c.entity_id)"
    for table, noun in NOUNS.items()
    if noun.title
)
_TITLE = f"""CASE c.entity {_TITLES}
    WHEN 'members' THEN (SELECT x.full_name FROM contacts x WHERE x.tenant_id = :tenant AND x.id = {TOLD_ID})
    WHEN 'document_projects' THEN (SELECT x.title FROM projects x WHERE x.tenant_id = :tenant AND x.id = {TOLD_ID})
    END"""
_LAST = f"""(SELECT c.entity, c.entity_id, max(c.version) AS version FROM changes c WHERE {_OF} GROUP BY 1, 2)"""

SINCE = Statement(f"""
    SELECT {TOLD} AS entity, {TOLD_ID} AS id, {_TITLE} AS title, op.id AS operation_id, iso(op.at) AS at,
        (SELECT u.full_name FROM users u WHERE u.tenant_id = :tenant AND u.id = op.actor_id) AS by,
        came.is_gone
    FROM {_LAST} c
    CROSS JOIN LATERAL (SELECT l.operation_id, l.action = 'update' AND l.after ? 'deleted_by' AS is_gone
        FROM changes l WHERE {LATER} ORDER BY l.version DESC LIMIT 1) came
    JOIN operations op ON op.tenant_id = :tenant AND op.id = came.operation_id
    ORDER BY 1, 2 LIMIT {MOST_NAMED}
""")


async def undo(db: Db, viewer: Viewer, id: int) -> Record | None:
    """The new operation that undoes this one: id, version, json. Raises Problem when that cannot be."""
    async with db.transaction() as tx:
        operation = await tx.row(OPERATION, undone=id)
        if operation is None:
            raise NotFound
        touched = await tx.rows(TOUCHED, undone=id)
        refuse_impossible(operation, touched)
        refuse_forbidden(viewer, operation, touched)
        made = await tx.value(ACT, undone=id, via="undo")
        await hold(tx, id, touched)
        refuse_clashes([since(row) for row in await tx.rows(SINCE, undone=id)])
        await write(tx, id, made, touched)
        await judge(tx, id, touched)
        if viewer.scope != "all" and not all(row["is_seen"] for row in await tx.rows(TOUCHED, undone=id)):
            raise Forbidden("What would come back is out of your sight; ask somebody who sees it.")
        return await store.summary(tx, made)


def refuse_impossible(operation: Record, touched: list[Record]) -> None:
    """What cannot be undone at all, and what was undone already."""
    if operation["undone_by"]:
        words = f"has been undone already, by operation {operation['undone_by']}; undo that one to have it again"
        raise Conflict(f"id: {words}.")
    if operation["outcome"] != "done" or not touched:
        raise invalid("id", "must be an operation that changed records; this one changed none")
    kept = sorted({row["entity"] for row in touched if not row["can_be"]})
    if "document_versions" in kept:
        raise invalid("id", "must not be a new version of a file, which is kept; upload the earlier one again instead")
    if kept:
        raise invalid("id", "must not be about users or their links, which are changed by hand: PUT /api/users/{id}")


def refuse_forbidden(viewer: Viewer, operation: Record, touched: list[Record]) -> None:
    """What the viewer may not do by hand either, or does not see."""
    if viewer.scope != "all" and operation["actor_id"] != viewer.user:
        raise Forbidden("Your role may undo only what you did yourself.")
    if not all(row["is_seen"] for row in touched):
        raise Forbidden("It was done to something that you do not see, too; ask somebody who sees all of it.")
    for row in touched:
        noun = NOUNS.get(row["entity"])
        permission = (noun.change if row["is_change"] else noun.existence) if noun else ""
        if permission and not viewer.may(permission):
            allowed = ", ".join(sorted(PERMISSIONS[permission].roles))
            words = PERMISSIONS[permission].sentence
            raise Forbidden(f'Undoing this takes a role that may "{words}": one of {allowed}.')


def since(row: Record) -> Clash:
    """A record that somebody has changed since."""
    who = row["by"] or "the command line"
    done = "deleted" if row["is_gone"] else "changed"
    message = (
        f"was {done} by {who} at {row['at']} (operation {row['operation_id']}); undo that first, or change it by hand"
    )
    return Clash(row["entity"], row["id"], row["title"], message, row["by"], row["at"], row["operation_id"])


def refuse_clashes(clashes: list[Clash]) -> None:
    """409 with every clash, where there are any."""
    if not clashes:
        return
    named = "; ".join(f'{c.entity} {c.entity_id} "{c.title}" {c.message}' for c in clashes[:3])
    more = f"; and {len(clashes) - 3} more" if len(clashes) > 3 else ""
    problem = Conflict(f"Nothing was undone: {named}{more}.")
    problem.extra = {"clashes": clashes}
    raise problem


async def hold(tx: Db, id: int, touched: list[Record]) -> None:
    """Lock every row that was touched; who changes one meanwhile has done so before, or waits."""
    tables = _tables(touched)
    if "organizations" in tables:
        await tx.row(LOCK_HIERARCHY)
    await tx.row(_lock(tables), undone=id)


def _tables(touched: list[Record]) -> tuple[str, ...]:
    names = {row["entity"] for row in touched}
    return tuple(table for table in NOUNS if table in names)


def _rows(table: str) -> str:
    return f"ANY(ARRAY(SELECT c.entity_id FROM changes c WHERE {_OF} AND c.entity = '{table}'))"


@lru_cache(maxsize=256)
def _lock(tables: tuple[str, ...]) -> Statement:
    return _locking(
        [
            f"""SELECT x.id FROM {table} x WHERE x.tenant_id = :tenant AND x.id = {_rows(table)}
            ORDER BY x.id FOR UPDATE"""
            for table in tables
        ]
    )


def _locking(queries: list[str]) -> Statement:
    """One statement that locks what each query finds, one query after the other."""
    parts = ", ".join(f"l{n} AS MATERIALIZED ({query})" for n, query in enumerate(queries))
    counts = ", ".join(f"(SELECT count(*) FROM l{n})" for n in range(len(queries)))
    return Statement(f"WITH {parts} SELECT {counts}")


async def write(tx: Db, id: int, made: int, touched: list[Record]) -> None:
    """Write back what each table's rows were, as one statement a table."""
    await tx.rows(DEFER)
    for table in _tables(touched):
        rows = [row for row in touched if row["entity"] == table]
        columns = tuple(sorted({c for row in rows for c in row["columns"] or []} - {"deleted_by"}))
        statement = _write(table, columns)
        values = {"undone": id, "operation": made}
        last = max(row["last"] for row in rows)
        try:
            async with tx.savepoint():
                await tx.rows(statement, first=1, last=last, **values)
        except Conflict:
            # Rows that have handed something unique to each other: backwards, step by step, each state was valid.
            if not any(row["several"] for row in rows):
                raise
            steps = await tx.rows(STEPS, undone=id, entity=table)
            await tx.many(statement, [values | {"first": s["sequence"], "last": s["sequence"]} for s in steps])


STEPS = Statement(f"SELECT c.sequence FROM changes c WHERE {_OF} AND c.entity = :entity ORDER BY c.sequence DESC")


@lru_cache(maxsize=256)
def _write(table: str, columns: tuple[str, ...]) -> Statement:
    """Of several changes of a row the first one's before counts. What was made goes, deleted by the new operation;
    what was deleted comes back; a column that a row did not change stays.
    """
    assert all(name.isidentifier() for name in columns)
    kept = "".join(f'"{c}" = CASE WHEN old.before ? \'{c}\' THEN r."{c}" ELSE x."{c}" END, ' for c in columns)
    return Statement(f"""
        WITH old AS MATERIALIZED (
            SELECT c.entity_id AS id, bool_or(c.action = 'insert') AS is_new, CASE WHEN bool_or(c.action = 'insert')
                THEN '{{}}' ELSE jsonb_object_agg(k.key, k.value ORDER BY c.sequence DESC)
                    FILTER (WHERE k.key IS NOT NULL) END AS before
            FROM changes c LEFT JOIN LATERAL jsonb_each(c.before) k ON true
            WHERE {_OF} AND c.entity = '{table}' AND c.sequence BETWEEN :first::int AND :last::int
            GROUP BY c.entity_id
        )
        UPDATE {table} x SET {kept}deleted_by = CASE
            WHEN old.is_new OR old.before -> 'deleted_by' <> 'null' THEN :operation::bigint
            WHEN old.before ? 'deleted_by' THEN NULL ELSE x.deleted_by END
        FROM old, LATERAL jsonb_populate_record(NULL::{table}, old.before) r
        WHERE x.tenant_id = :tenant AND x.id = old.id AND NOT (old.is_new AND x.deleted_by IS NOT NULL)
    """)


async def judge(tx: Db, id: int, touched: list[Record]) -> None:
    """Whether all that is referred to is there: held first, so that it stays so, then looked at as it is by then."""
    tables = _tables(touched)
    columns = {(row["entity"], c) for row in touched for c in row["columns"] or []}
    back = frozenset((t, c) for t in tables for c in NOUNS[t].refers if {(t, "deleted_by"), (t, c)} & columns)
    if back:
        await tx.row(_hold_above(back), undone=id)
    refuse_clashes([missing(row) for row in await tx.rows(_orphans(tables), undone=id)])
    try:
        await tx.rows(JUDGE)
    except Invalid as problem:
        raise Conflict(f"Nothing was undone: {problem.detail}", errors=problem.errors) from None


@lru_cache(maxsize=256)
def _hold_above(references: frozenset[tuple[str, str]]) -> Statement:
    return _locking(
        [
            f"""SELECT y.id FROM {NOUNS[table].refers[column]} y WHERE y.tenant_id = :tenant
            AND y.id = ANY(ARRAY(SELECT x.{column} FROM {table} x WHERE x.tenant_id = :tenant
                AND x.id = {_rows(table)} AND x.deleted_by IS NULL)) ORDER BY y.id FOR SHARE"""
            for table, column in sorted(references)
        ]
    )


@lru_cache(maxsize=256)
def _orphans(tables: tuple[str, ...]) -> Statement:
    """Live rows that refer to what is deleted, of those that were touched and of those that stand on them."""
    found = []
    for table, noun in NOUNS.items():
        for column, above in noun.refers.items():
            for touched, alias in ((table, "x"), (above, "y")):
                if touched in tables:
                    found.append(_orphan(table, column, above, f"{alias}.id = {_rows(touched)}"))
    if "contacts" in tables:
        found.append(_USERS)
    return Statement(f"""
        SELECT DISTINCT {TOLD} AS entity, {TOLD_ID} AS id, coalesce({_TITLE}, c.title) AS title, c.above, c.above_id,
            c.is_below
        FROM ({" UNION ALL ".join(found) or _NONE}) c ORDER BY 1, 2 LIMIT {MOST_NAMED}
    """)


_NONE = "SELECT '' AS entity, 0 AS entity_id, '' AS title, '' AS above, 0 AS above_id, true AS is_below WHERE false"
# A contact that is the person behind a user stays.
_USERS = f"""SELECT 'users' AS entity, u.id AS entity_id, u.username AS title, 'contacts' AS above, y.id AS above_id,
        true AS is_below
    FROM contacts y JOIN users u ON u.tenant_id = :tenant AND u.contact_id = y.id
    WHERE y.tenant_id = :tenant AND y.deleted_by IS NOT NULL AND y.id = {_rows("contacts")}"""


def _orphan(table: str, column: str, above: str, which: str) -> str:
    return f"""SELECT '{table}' AS entity, x.id AS entity_id, NULL AS title, '{above}' AS above, y.id AS above_id,
            {str(which[0] == "y").lower()} AS is_below
        FROM {table} x JOIN {above} y ON y.tenant_id = :tenant AND y.id = x.{column}
        WHERE x.tenant_id = :tenant AND x.deleted_by IS NULL AND y.deleted_by IS NOT NULL AND {which}"""


def missing(row: Record) -> Clash:
    """A record that would refer to what is not there."""
    above = f"{row['above']} {row['above_id']}"
    if row["is_below"]:
        message = f"has come to {above} since, which would go; move or delete it first"
    else:
        message = f"belongs to {above}, which is deleted; restore that one first"
    return Clash(row["entity"], row["id"], row["title"], message)
