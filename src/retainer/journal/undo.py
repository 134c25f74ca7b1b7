"""Undoing an operation: its before-values are written as a new operation, all of them or none
(docs/decisions/0012).

A fixed number of statements, one per table that was touched, whatever the number of rows: first
everything that is touched is locked, then the journal is asked whether somebody's work came later,
then all is written, and then the tables are asked whether anything refers to what is not there. The
names of tables come from UNDO_RULES alone.

Ids are handed over as arrays and planned for as they are (ACT sets it), and nothing is joined: an
operation may have touched thousands of rows of which PostgreSQL's statistics know nothing yet, and
a join it thinks small is quadratic.
"""

from functools import lru_cache

from asyncpg import Record

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.database.stored import Stored
from retainer.errors import Clash, Conflict, Forbidden, Invalid, NotFound, invalid
from retainer.journal import store
from retainer.journal.entities import TOLD, UNDO_RULES
from retainer.journal.store import ENTITY, ENTITY_ID, IS_CHANGE, IS_UNDOABLE, IS_YOURS, LATER
from retainer.nouns import NOUNS
from retainer.permissions import PERMISSIONS, Viewer
from retainer.records.organizations.store import LOCK_HIERARCHY

MOST_NAMED = 20  # clashes

_OF = "c.tenant_id = :tenant AND c.operation_id = :undone"

OPERATION = Statement("""
    SELECT op.id, op.outcome, op.actor_id,
        (SELECT u.id FROM operations u WHERE u.tenant_id = :tenant AND u.undoes = op.id) AS undone_by
    FROM operations op WHERE op.tenant_id = :tenant AND op.id = :undone AND @visible_operations
""")

# Each table with what was done to it, and which columns of it changed: those that are there and are
# not generated.
TOUCHED = Statement(f"""
    SELECT c.entity, {IS_CHANGE} AS is_change, bool_and({IS_UNDOABLE}) AS can_be,
        bool_and(@visible_changes AND {IS_YOURS}) AS is_seen,
        array_agg(DISTINCT c.entity_id) AS ids, array_agg(DISTINCT k.name) FILTER (WHERE k.name IS NOT NULL) AS columns
    FROM changes c LEFT JOIN LATERAL (
        SELECT a.attname::text AS name FROM jsonb_object_keys(c.before) key
        JOIN pg_attribute a ON a.attrelid = to_regclass(c.entity) AND a.attname = key AND a.attgenerated = ''
            AND NOT a.attisdropped) k ON true
    WHERE {_OF} GROUP BY 1, 2
""")

ACT = Statement("""
    SELECT undoing(:tenant, :undone), set_config('plan_cache_mode', 'force_custom_plan', true) FROM @acting
""")
DEFER = Statement("SET CONSTRAINTS ALL DEFERRED")
JUDGE = Statement("SET CONSTRAINTS ALL IMMEDIATE")

# What people know a row by: its own title, or that of the record which it is told by.
_TITLES = " ".join(
    f"""WHEN '{table}' THEN (SELECT x.{NOUNS[told.noun].title} FROM {told.noun} x
        WHERE x.tenant_id = :tenant AND x.id = {ENTITY_ID if told.by else "c.entity_id"})"""
    for table, told in TOLD.items()
    if table in UNDO_RULES
)
_TITLE = f"""CASE c.entity {_TITLES}
    WHEN 'users' THEN (SELECT x.username FROM users x WHERE x.tenant_id = :tenant AND x.id = c.entity_id)
    END"""
_LAST = f"""(SELECT c.entity, c.entity_id, max(c.version) AS version FROM changes c WHERE {_OF} GROUP BY 1, 2)"""

NAMES = Statement(f"""
    SELECT {ENTITY} AS entity, {ENTITY_ID} AS id, {_TITLE} AS title
    FROM unnest(:entities::text[], :ids::bigint[]) WITH ORDINALITY AS c (entity, entity_id, place) ORDER BY c.place
""")

SINCE = Statement(f"""
    SELECT {ENTITY} AS entity, {ENTITY_ID} AS id, {_TITLE} AS title, op.id AS operation_id, iso(op.at) AS at,
        (SELECT u.full_name FROM users u WHERE u.tenant_id = :tenant AND u.id = op.actor_id) AS by,
        came.is_gone
    FROM {_LAST} c
    CROSS JOIN LATERAL (SELECT l.operation_id, l.action = 'update' AND l.after ? 'deleted_by' AS is_gone
        FROM changes l WHERE {LATER} ORDER BY l.version DESC LIMIT 1) came
    JOIN operations op ON op.tenant_id = :tenant AND op.id = came.operation_id
    ORDER BY 1, 2 LIMIT {MOST_NAMED}
""")


async def undo(db: Db, viewer: Viewer, id: int) -> Stored | None:
    """The new operation that undoes this one. Raises Problem when that cannot
    be.
    """
    async with db.transaction() as tx:
        operation = await tx.row(OPERATION, undone=id)
        if operation is None:
            raise NotFound
        touched = await tx.rows(TOUCHED, undone=id)
        refuse_impossible(operation, touched)
        refuse_forbidden(viewer, operation, touched)
        made = await tx.value(ACT, undone=id, via="undo")
        tables = by_table(touched)
        await hold(tx, tables)
        refuse_clashes([since(row) for row in await tx.rows(SINCE, undone=id)])
        await tx.rows(DEFER)
        written = {
            table: await write(tx, table, columns, rows, undone=id, operation=made)
            for table, (columns, rows) in tables.items()
        }
        await judge(tx, tables, written)
        if viewer.scope != "all" and not all(
            row["is_seen"] for row in await tx.rows(TOUCHED, undone=id)
        ):
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
        raise invalid(
            "id",
            "must not be a new version of a file, which is kept; upload the earlier one again instead",
        )
    if kept:
        raise invalid(
            "id",
            "must not be about users or their links, which are changed by hand: PUT /api/users/{id}",
        )


def refuse_forbidden(viewer: Viewer, operation: Record, touched: list[Record]) -> None:
    """What the viewer may not do by hand either, or does not see."""
    if viewer.scope != "all" and operation["actor_id"] != viewer.user:
        raise Forbidden("Your role may undo only what you did yourself.")
    if not all(row["is_seen"] for row in touched):
        raise Forbidden(
            "It was done to something that you do not see, or to another's view; ask who may see it all."
        )
    for row in touched:
        rule = UNDO_RULES.get(row["entity"])
        permission = (rule.change if row["is_change"] else rule.existence) if rule else ""
        if permission and not viewer.may(permission):
            allowed = ", ".join(sorted(PERMISSIONS[permission].roles))
            words = PERMISSIONS[permission].sentence
            raise Forbidden(f'Undoing this takes a role that may "{words}": one of {allowed}.')


def since(row: Record) -> Clash:
    """A record that somebody has changed since."""
    who = row["by"] or "the command line"
    done = "deleted" if row["is_gone"] else "changed"
    message = f"was {done} by {who} at {row['at']} (operation {row['operation_id']}); undo that first, or change it by hand"
    return Clash(
        row["entity"], row["id"], row["title"], message, row["by"], row["at"], row["operation_id"]
    )


def refuse_clashes(clashes: list[Clash]) -> None:
    """409 with every clash, where there are any."""
    if not clashes:
        return
    named = "; ".join(f'{c.entity} {c.entity_id} "{c.title}" {c.message}' for c in clashes[:3])
    more = f"; and {len(clashes) - 3} more" if len(clashes) > 3 else ""
    problem = Conflict(f"Nothing was undone: {named}{more}.")
    problem.clashes = clashes
    raise problem


Tables = dict[str, tuple[set[str], list[int]]]
Found = tuple[
    str, int, str, int, bool
]  # a row, the one above it, and whether it has come below one that goes


def by_table(touched: list[Record]) -> Tables:
    """The columns and ids of each table that can be undone, in the order of UNDO_RULES."""
    found: Tables = {
        table: (set(), []) for table in UNDO_RULES if any(row["entity"] == table for row in touched)
    }
    for row in touched:
        if row["entity"] in found:
            columns, ids = found[row["entity"]]
            columns.update(row["columns"] or [])
            ids += row["ids"]
    return found


async def hold(tx: Db, tables: Tables) -> None:
    """Lock every row that was touched; who changes one meanwhile has done so before, or waits."""
    if "organizations" in tables:
        await tx.row(LOCK_HIERARCHY)
    for table, (_, ids) in tables.items():
        await tx.row(LOCK[table], ids=ids)


_LOCK = "SELECT x.id FROM {} x WHERE x.tenant_id = :tenant AND x.id = ANY(:ids::bigint[]) ORDER BY x.id FOR UPDATE"
LOCK = {
    table: Statement(f"SELECT count(*) FROM ({_LOCK.format(table)}) locked") for table in UNDO_RULES
}


async def write(
    tx: Db, table: str, columns: set[str], ids: list[int], **values: int
) -> list[Record]:
    """Write back what a table's rows were; the rows as they are then."""
    statement = _write(table, tuple(sorted(columns - {"deleted_by"})))
    try:
        async with tx.savepoint():
            return await tx.rows(statement, ids=ids, first=1, last=2**31 - 1, **values)
    except Conflict:
        if len(ids) == 1:
            raise
    # Rows that have handed something unique to each other: backwards, step by step, each state was
    # valid.
    steps = await tx.rows(STEPS, undone=values["undone"], entity=table)
    each = [
        values | {"ids": [s["entity_id"]], "first": s["sequence"], "last": s["sequence"]}
        for s in steps
    ]
    return list({row["id"]: row for row in await tx.many(statement, each)}.values())


STEPS = Statement(f"""
    SELECT c.sequence, c.entity_id FROM changes c WHERE {_OF} AND c.entity = :entity ORDER BY c.sequence DESC
""")


@lru_cache(maxsize=256)
def _write(table: str, columns: tuple[str, ...]) -> Statement:
    """Of several changes of a row the first one's before counts. What was made goes, deleted by the
    new operation; what was deleted comes back; a column that a row did not change stays.

    Each row finds its changes by its own index; `+ 0` keeps PostgreSQL from reading all of the
    operation's for each.
    """
    assert all(name.isidentifier() for name in columns)
    names = "".join(f'"{c}", ' for c in columns)
    kept = "".join(
        f'CASE WHEN old.before ? \'{c}\' THEN r."{c}" ELSE x."{c}" END, ' for c in columns
    )
    refers = "".join(f", x.{column}" for column in UNDO_RULES[table].refers)
    return Statement(f"""
        UPDATE {table} x SET ({names}deleted_by) = (
            SELECT {kept}CASE WHEN old.is_new THEN coalesce(x.deleted_by, :operation::bigint)
                WHEN old.before -> 'deleted_by' <> 'null' THEN :operation::bigint
                WHEN old.before ? 'deleted_by' THEN NULL ELSE x.deleted_by END
            FROM (SELECT bool_or(c.action = 'insert') AS is_new, CASE WHEN bool_or(c.action = 'insert') THEN '{{}}'
                    ELSE jsonb_object_agg(k.key, k.value ORDER BY c.sequence DESC) FILTER (WHERE k.key IS NOT NULL)
                    END AS before
                FROM changes c LEFT JOIN LATERAL jsonb_each(c.before) k ON true
                WHERE c.tenant_id = :tenant AND c.entity = '{table}' AND c.entity_id = x.id
                    AND c.operation_id + 0 = :undone AND c.sequence BETWEEN :first::int AND :last::int) old,
                LATERAL jsonb_populate_record(NULL::{table}, old.before) r)
        WHERE x.tenant_id = :tenant AND x.id = ANY(:ids::bigint[])
        RETURNING x.id, x.deleted_by IS NULL AS is_live{refers}
    """)


async def judge(tx: Db, tables: Tables, written: dict[str, list[Record]]) -> None:
    """Whether all that is referred to is there, and nothing is left below what goes."""
    found = await above(tx, tables, written) + await below(tx, written)
    if found:
        named = found[:MOST_NAMED]
        values = {"entities": [f[0] for f in named], "ids": [f[1] for f in named]}
        rows = await tx.rows(NAMES, **values)
        refuse_clashes([missing(row, f) for row, f in zip(rows, named, strict=True)])
    try:
        await tx.rows(JUDGE)
    except Invalid as problem:
        raise Conflict(f"Nothing was undone: {problem.detail}", errors=problem.errors) from None


async def above(tx: Db, tables: Tables, written: dict[str, list[Record]]) -> list[Found]:
    """Rows that came back and refer to what is deleted. What they refer to is held: it stays as it
    is found.
    """
    found: list[Found] = []
    for table, rows in written.items():
        for column, noun in UNDO_RULES[table].refers.items():
            came = {"deleted_by", column} & tables[table][0]
            ids = (
                sorted({row[column] for row in rows if row["is_live"] and row[column]})
                if came
                else []
            )
            dead = {row["id"] for row in await tx.rows(DEAD[noun], ids=ids)} if ids else set()
            found += [
                (table, r["id"], noun, r[column], False)
                for r in rows
                if r["is_live"] and r[column] in dead
            ]
    return found


# In a part of its own: a condition beside FOR SHARE would leave out what is live as yet, and not
# hold it.
DEAD = {
    table: Statement(f"""
        WITH held AS MATERIALIZED (SELECT y.id, y.deleted_by FROM {table} y
            WHERE y.tenant_id = :tenant AND y.id = ANY(:ids::bigint[]) ORDER BY y.id FOR SHARE)
        SELECT held.id FROM held WHERE held.deleted_by IS NOT NULL
    """)
    for table in {noun for each in UNDO_RULES.values() for noun in each.refers.values()}
}


async def below(tx: Db, written: dict[str, list[Record]]) -> list[Found]:
    """Live rows that refer to what goes: they have come since."""
    found: list[Found] = []
    for noun, rows in written.items():
        dead = [row["id"] for row in rows if not row["is_live"]]
        if dead and noun in BELOW:
            left = await tx.rows(BELOW[noun], ids=dead)
            found += [(row["entity"], row["id"], noun, row["above"], True) for row in left]
    return found


def _below(noun: str) -> str:
    parts = [
        f"""SELECT '{table}' AS entity, x.id, x.{column} AS above FROM {table} x
            WHERE x.tenant_id = :tenant AND x.deleted_by IS NULL AND x.{column} = ANY(:ids::bigint[])"""
        for table, each in UNDO_RULES.items()
        for column, above in each.refers.items()
        if above == noun
    ]
    # Those that are not undone, and never deleted: a user who signs in as a contact.
    parts += [
        f"""SELECT '{each.table}', x.id, x.{column} FROM {each.table} x
            WHERE x.tenant_id = :tenant AND x.{column} = ANY(:ids::bigint[])"""
        for each in NOUNS.values()
        for column, above in each.references.items()
        if above == noun and each.table not in UNDO_RULES
    ]
    return f"{' UNION ALL '.join(parts)} ORDER BY 1, 2 LIMIT {MOST_NAMED}"


BELOW = {noun: Statement(_below(noun)) for noun in DEAD}


def missing(row: Record, found: Found) -> Clash:
    """A record that would refer to what is not there."""
    _, _, noun, id, is_below = found
    message = f"belongs to {noun} {id}, which is deleted; restore that one first"
    if is_below:
        message = f"has come to {noun} {id} since, which would go; move or delete it first"
    return Clash(row["entity"], row["id"], row["title"], message)
