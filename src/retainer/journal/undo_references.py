"""The check at the end of an undoing: every row refers to live rows, as foreign keys cannot say."""

from asyncpg import Record

from retainer.database.database import Db
from retainer.database.parts import slices
from retainer.database.statement import Statement
from retainer.journal.clashes import MAX_CLASHES, Dangling
from retainer.journal.entities import UNDO_RULES
from retainer.nouns import NOUNS

Written = dict[str, list[Record]]  # the rows of each table as they were written back


async def dangling(tx: Db, written: Written, columns: dict[str, set[str]]) -> list[Dangling]:
    """The live rows that would refer to deleted ones; `columns` are those written of each table."""
    return await _above(tx, written, columns) + await _below(tx, written)


async def _above(tx: Db, written: Written, columns: dict[str, set[str]]) -> list[Dangling]:
    """The restored rows that refer to a deleted row. The rows they refer to are locked, so that
    they stay as they are.
    """
    found: list[Dangling] = []
    for table, rows in written.items():
        live = [row for row in rows if row["is_live"]]
        for column, above in UNDO_RULES[table].references.items():
            if not {"deleted_by", column} & columns[table]:
                continue
            dead = await _dead(tx, above, {row[column] for row in live if row[column]})
            found += [
                Dangling(table, row["id"], above, row[column], created_later=False)
                for row in live
                if row[column] in dead
            ]
    return found


async def _dead(tx: Db, table: str, ids: set[int]) -> set[int]:
    """The ids among these whose rows are deleted; all of the rows are locked."""
    if not ids:
        return set()
    return {
        row["id"] for some in slices(sorted(ids)) for row in await tx.rows(DEAD[table], ids=some)
    }


# The lock stands in a part of its own: with the condition beside FOR SHARE, rows that are still
# live would not be locked.
DEAD = {
    table: Statement(f"""
        WITH held AS MATERIALIZED (SELECT y.id, y.deleted_by FROM {table} y
            WHERE y.tenant_id = :tenant AND y.id = ANY(:ids::bigint[]) ORDER BY y.id FOR SHARE)
        SELECT held.id FROM held WHERE held.deleted_by IS NOT NULL
    """)
    for table in {above for rule in UNDO_RULES.values() for above in rule.references.values()}
}


async def _below(tx: Db, written: Written) -> list[Dangling]:
    """The live rows that refer to a row which the undoing deletes: they were added since."""
    found: list[Dangling] = []
    for table, rows in written.items():
        dead = [row["id"] for row in rows if not row["is_live"]]
        if dead and table in BELOW:
            found += [
                Dangling(row["entity"], row["id"], table, row["above"], created_later=True)
                for some in slices(dead)
                for row in await tx.rows(BELOW[table], ids=some)
            ]
    return found


def _references_to(noun: str) -> str:
    """The SELECT of the live rows that refer to deleted rows of a noun (:ids)."""
    parts = [
        f"""SELECT '{table}' AS entity, x.id, x.{column} AS above FROM {table} x
            WHERE x.tenant_id = :tenant AND x.deleted_by IS NULL
                AND x.{column} = ANY(:ids::bigint[])"""
        for table, rule in UNDO_RULES.items()
        for column, above in rule.references.items()
        if above == noun
    ]
    # Users are neither undone nor deleted; one may sign in as a contact that would go.
    parts += [
        f"""SELECT '{each.table}', x.id, x.{column} FROM {each.table} x
            WHERE x.tenant_id = :tenant AND x.{column} = ANY(:ids::bigint[])"""
        for each in NOUNS.values()
        for column, above in each.references.items()
        if above == noun and each.table not in UNDO_RULES
    ]
    return f"{' UNION ALL '.join(parts)} ORDER BY 1, 2 LIMIT {MAX_CLASHES}"


BELOW = {noun: Statement(_references_to(noun)) for noun in DEAD}
