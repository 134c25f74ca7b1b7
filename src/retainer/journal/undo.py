"""Undoing an operation or a part of it: the before-values are written as a new operation, all of
them or none (docs/decisions/0012). undo_part.py chooses the changes.

It takes a few statements for each table touched, one for each 500 of its rows, so that no
statement takes long and the request may go on as long as it makes progress. First every touched row
is locked. Then the journal is asked whether anybody changed the rows later. Then all rows are
written, and last the tables are asked whether any row refers to a deleted one. Names of tables in
SQL come from UNDO_RULES alone.

Ids are passed as arrays, and each statement is planned for its values (OPERATION sets this); where
many rows are written, their triggers are not. Nothing is joined: an operation may have touched
thousands of rows that PostgreSQL's statistics do not know yet, and a nested loop planned for a few
rows would take quadratic time.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from asyncpg import Record

from retainer.database.database import Db, Values
from retainer.database.parts import is_large, plan_by_indexes, slices
from retainer.database.statement import Statement
from retainer.database.stored import Stored
from retainer.errors import Conflict, Forbidden, Invalid, NotFound, invalid
from retainer.journal import store
from retainer.journal.clashes import TouchedRows, refuse_changed_later, refuse_dangling
from retainer.journal.entities import UNDO_RULES
from retainer.journal.undo_part import Part, Touched, chosen_changes, touched_tables
from retainer.journal.undo_references import dangling
from retainer.journal.visibility import VISIBLE
from retainer.permissions import PERMISSIONS, Viewer
from retainer.records.organizations import hierarchy

OPERATION = Statement(
    """
    SELECT op.id, op.outcome, op.actor_id,
        coalesce((SELECT max(c.sequence) FROM changes c
            WHERE c.tenant_id = :tenant AND c.operation_id = op.id), 0) AS last,
        set_config('plan_cache_mode', 'force_custom_plan', true),
        set_config('enable_seqscan', 'on', true),
        (SELECT u.id FROM operations u
            WHERE u.tenant_id = :tenant AND u.undoes = op.id AND u.undoes_changes IS NULL
        ) AS undone_by
    FROM operations op WHERE op.tenant_id = :tenant AND op.id = :undone AND @visible_operations
""",
    visible=VISIBLE,
)

ACT = Statement("""
    SELECT CASE WHEN :is_part THEN undoing_changes(:tenant, :undone, :chosen::int[])
            ELSE undoing(:tenant, :undone) END
    FROM @acting
""")
DEFER_CONSTRAINTS = Statement("SET CONSTRAINTS ALL DEFERRED")
DEFERRED = {"organizations"}  # the tables with constraints that can be deferred
CHECK_CONSTRAINTS = Statement("SET CONSTRAINTS ALL IMMEDIATE")


async def undo(
    db: Db, viewer: Viewer, id: int, part: Part | None, went_on: Callable[[], None]
) -> Stored | None:
    """Undo an operation, or a part of it. Returns the new operation; raises Problem when it cannot
    be undone. `went_on` is called whenever a part of the work is done.
    """
    async with db.transaction() as tx:
        operation = await tx.row(OPERATION, undone=id)
        if operation is None:
            raise NotFound
        chosen, passed_over = await chosen_changes(tx, id, part)
        touched = await touched_tables(tx, id, chosen, operation["last"], went_on)
        refuse_impossible(operation, touched, passed_over)
        refuse_forbidden(viewer, operation, touched)
        made = await tx.value(
            ACT, is_part=part is not None, channel="undo", undone=id, chosen=chosen
        )
        rows = by_table(touched)
        tables = {table: rows[table] for table in UNDO_RULES if table in rows}
        went_on()
        await lock(tx, tables, went_on)
        await refuse_changed_later(tx, id, rows, went_on, is_part=part is not None)
        await tx.rows(DEFER_CONSTRAINTS)
        if any(is_large(of_one.ids) for of_one in tables.values()):
            await plan_by_indexes(tx)
        undoing = Undoing(id, made, chosen is not None)
        written = {
            table: await write(tx, undoing, table, of_one, went_on)
            for table, of_one in tables.items()
        }
        columns = {table: of_one.columns for table, of_one in tables.items()}
        await refuse_dangling(tx, await dangling(tx, written, columns))
        went_on()
        await check_constraints(tx)
        if viewer.scope != "all":
            refuse_hidden(await touched_tables(tx, id, chosen, operation["last"], went_on))
        return await store.undone(tx, made, passed_over)


def refuse_impossible(operation: Record, touched: list[Touched], passed_over: int) -> None:
    """Raise a Problem for operations that cannot be undone, or that were undone already."""
    if operation["undone_by"]:
        raise Conflict(
            f"id: has been undone already, by operation {operation['undone_by']}; "
            "undo that one to have it again."
        )
    if not touched and passed_over:
        raise Conflict("id: all that it changed has been taken back already, one by one.")
    if operation["outcome"] != "done" or not touched:
        raise invalid("id", "must be an operation that changed records; this one changed none")
    kept = {row.entity for row in touched if not row.can_be}
    if "document_versions" in kept:
        raise invalid(
            "id",
            "must not be a new version of a file, which is kept; "
            "upload the earlier one again instead",
        )
    if kept:
        raise invalid(
            "id",
            "must not be about users or their links, which are changed by hand: "
            "PUT /api/users/{id}",
        )


def refuse_forbidden(viewer: Viewer, operation: Record, touched: list[Touched]) -> None:
    """Raise Forbidden for changes that the viewer does not see or could not make by hand."""
    if viewer.scope != "all" and operation["actor_id"] != viewer.user:
        raise Forbidden("Your role may undo only what you did yourself.")
    if not all(row.is_seen for row in touched):
        raise Forbidden(
            "It was done to something that you do not see, or to another's view; "
            "ask who may see it all."
        )
    for row in touched:
        permission = permission_for(row)
        if permission and not viewer.may(permission):
            allowed = ", ".join(sorted(PERMISSIONS[permission].roles))
            words = PERMISSIONS[permission].sentence
            raise Forbidden(f'Undoing this takes a role that may "{words}": one of {allowed}.')


def permission_for(row: Touched) -> str:
    """The permission for undoing these changes; "" where their table has no rule."""
    rule = UNDO_RULES.get(row.entity)
    if rule is None:
        return ""
    if row.is_change:
        return rule.change
    return rule.existence


def refuse_hidden(touched: list[Touched]) -> None:
    """Raise Forbidden where a restored row is one that the viewer does not see."""
    if not all(row.is_seen for row in touched):
        raise Forbidden("What would come back is out of your sight; ask somebody who sees it.")


Tables = dict[str, TouchedRows]


def by_table(touched: list[Touched]) -> Tables:
    """The columns and rows of each table, its updates and the rest together."""
    found: Tables = {}
    for row in touched:
        columns, sequences = found.setdefault(row.entity, TouchedRows(set(), {}))
        columns.update(row.columns)
        for id, some in row.sequences.items():
            sequences.setdefault(id, set()).update(some)
    return found


async def lock(tx: Db, tables: Tables, went_on: Callable[[], None]) -> None:
    """Lock every touched row: a concurrent change is either done before this, or waits."""
    if "organizations" in tables:
        await tx.row(hierarchy.LOCK)
    for table, rows in tables.items():
        for some in slices(rows.ids):
            await tx.row(LOCK[table], ids=some)
            went_on()


_LOCK = """SELECT x.id FROM {} x
    WHERE x.tenant_id = :tenant AND x.id = ANY(:ids::bigint[]) ORDER BY x.id FOR UPDATE"""
LOCK = {
    table: Statement(f"SELECT count(*) FROM ({_LOCK.format(table)}) locked") for table in UNDO_RULES
}


class Undoing(NamedTuple):
    """The operation that is undone, the one that does it, and whether it does so in part."""

    undone: int
    operation: int
    is_part: bool


async def write(
    tx: Db, undoing: Undoing, table: str, rows: TouchedRows, went_on: Callable[[], None]
) -> list[Record]:
    """Write back the before-values of a table's rows. Returns each with is_live and references."""
    statement = _write(table, tuple(sorted(rows.columns - {"deleted_by"})))
    values: Values = {"undone": undoing.undone, "operation": undoing.operation}
    is_judged_early = table in DEFERRED and is_large(rows.ids)
    try:
        async with tx.savepoint():
            written: list[Record] = []
            for some in slices(rows.ids):
                chosen = rows.chosen(some) if undoing.is_part else None
                written += await tx.rows(
                    statement, ids=some, chosen=chosen, first=1, last=2**31 - 1, **values
                )
                went_on()
                if is_judged_early:
                    is_judged_early = await judged(tx)
                    went_on()
            return written
    except Conflict:
        if len(rows.ids) == 1:
            raise
    # Two rows may have exchanged a unique value, and one statement cannot give both back. Undone
    # change by change, from the last, each state in between was valid before.
    steps = sorted(
        ((sequence, id) for id, some in rows.sequences.items() for sequence in some), reverse=True
    )
    last: dict[int, Record] = {}
    for several in slices(steps):
        each = [
            values | {"ids": [id], "chosen": None, "first": sequence, "last": sequence}
            for sequence, id in several
        ]
        last |= {row["id"]: row for row in await tx.many(statement, each)}
        went_on()
    return list(last.values())


@lru_cache(maxsize=256)
def _write(table: str, columns: tuple[str, ...]) -> Statement:
    """The UPDATE that gives rows their values from before the operation.

    Of several changes of a row the first one's before-values count. A row that the operation
    created is deleted by the new operation; one that it deleted is restored; a column that it did
    not change stays. `operation_id + 0` makes PostgreSQL find changes by the row's index: by the
    operation's it would read all changes of the operation for each row.
    """
    assert all(name.isidentifier() for name in columns)
    names = "".join(f'"{c}", ' for c in columns)
    kept = "".join(
        f'CASE WHEN old.before ? \'{c}\' THEN r."{c}" ELSE x."{c}" END, ' for c in columns
    )
    references = "".join(f", x.{column}" for column in UNDO_RULES[table].references)
    return Statement(f"""
        UPDATE {table} x SET ({names}deleted_by) = (
            SELECT {kept}CASE WHEN old.is_new THEN coalesce(x.deleted_by, :operation::bigint)
                WHEN old.before -> 'deleted_by' <> 'null' THEN :operation::bigint
                WHEN old.before ? 'deleted_by' THEN NULL ELSE x.deleted_by END
            FROM (
                SELECT bool_or(c.action = 'insert') AS is_new,
                    CASE WHEN bool_or(c.action = 'insert') THEN '{{}}'
                        ELSE jsonb_object_agg(k.key, k.value ORDER BY c.sequence DESC)
                            FILTER (WHERE k.key IS NOT NULL)
                    END AS before
                FROM changes c LEFT JOIN LATERAL jsonb_each(c.before) k ON true
                WHERE c.tenant_id = :tenant AND c.entity = '{table}' AND c.entity_id = x.id
                    AND c.operation_id + 0 = :undone
                    AND (:chosen::int[] IS NULL OR c.sequence = ANY(:chosen::int[]))
                    AND c.sequence BETWEEN :first::int AND :last::int) old,
                LATERAL jsonb_populate_record(NULL::{table}, old.before) r)
        WHERE x.tenant_id = :tenant AND x.id = ANY(:ids::bigint[])
        RETURNING x.id, x.deleted_by IS NULL AS is_live{references}
    """)


async def judged(tx: Db) -> bool:
    """Check the deferred constraints of what is written so far, unless something that is not
    written yet is still in the way: then they wait. A part of the rows costs a statement as much as
    it costs to write them.
    """
    try:
        async with tx.savepoint():
            await tx.rows(CHECK_CONSTRAINTS)
            await tx.rows(DEFER_CONSTRAINTS)
    except (Invalid, Conflict):
        return False
    return True


async def check_constraints(tx: Db) -> None:
    """Check the deferred constraints now, where a refusal can still say that nothing was undone."""
    try:
        await tx.rows(CHECK_CONSTRAINTS)
    except Invalid as problem:
        raise Conflict(f"Nothing was undone: {problem.detail}", errors=problem.errors) from None
