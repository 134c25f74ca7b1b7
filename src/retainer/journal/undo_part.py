"""The changes that an undo takes back: all of an operation, or what it did to one record. They are
read in parts, and gathered by table.

A record that was created, deleted or restored is taken back with its tree: the rows below it that
the operation created, deleted or restored with it. Of an operation of which something has been
taken back singly, the rest is left.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from asyncpg import Record

from retainer.database.database import Db
from retainer.database.parts import slices
from retainer.database.statement import Statement
from retainer.errors import Conflict, invalid
from retainer.journal.clashes import OF_UNDONE
from retainer.journal.entities import UNDO_RULES
from retainer.journal.store import ENTITY, ENTITY_ID
from retainer.journal.undo_conditions import IS_CHANGE, IS_UNDOABLE, IS_YOURS
from retainer.journal.visibility import VISIBLE
from retainer.lists.noun import Link, Noun
from retainer.nouns import NOUNS


class Part(NamedTuple):
    """A part of an operation: one change by its sequence, or all that was done to one record, as
    histories name it (`organizations`, 12).
    """

    change: int | None = None
    entity: str = ""
    record: int = 0


# Some changes by table and kind, with the columns that still exist and are not generated.
_TOUCHED = Statement(
    f"""
    SELECT c.entity, {IS_CHANGE} AS is_change, bool_and({IS_UNDOABLE}) AS can_be,
        bool_and(@visible_changes AND @visible_before AND {IS_YOURS}) AS is_seen,
        array_agg(c.entity_id) AS ids, array_agg(c.sequence) AS sequences,
        array_agg(DISTINCT k.name) FILTER (WHERE k.name IS NOT NULL) AS columns
    FROM changes c LEFT JOIN LATERAL (
        SELECT a.attname::text AS name
        FROM jsonb_object_keys(c.before) key
        JOIN pg_attribute a ON a.attrelid = to_regclass(c.entity) AND a.attname = key
            AND a.attgenerated = '' AND NOT a.attisdropped) k ON true
    WHERE {OF_UNDONE} AND c.sequence BETWEEN :first::int AND :last::int GROUP BY 1, 2
""",
    visible=VISIBLE,
)


class Touched:
    """The changes of one table that are taken back, its updates apart from the rest. `sequences`
    has those of each row, by its id.
    """

    def __init__(self, entity: str, *, is_change: bool) -> None:
        self.entity = entity
        self.is_change = is_change
        self.can_be = True
        self.is_seen = True
        self.columns: set[str] = set()
        self.sequences: dict[int, set[int]] = defaultdict(set)

    def add(self, row: Record) -> None:
        """Add what a part of the changes has of the table."""
        self.can_be &= row["can_be"]
        self.is_seen &= row["is_seen"]
        self.columns.update(row["columns"] or [])
        for id, sequence in zip(row["ids"], row["sequences"], strict=True):
            self.sequences[id].add(sequence)


async def touched_tables(
    tx: Db, id: int, chosen: list[int] | None, last: int, went_on: Callable[[], None]
) -> list[Touched]:
    """The changes to take back of an operation, of which `last` is the last one."""
    found: dict[tuple[str, bool], Touched] = {}
    every = chosen
    if every is None:
        every = list(range(1, last + 1))
    for some in slices(every):
        values = {"undone": id, "first": some[0], "last": some[-1]}
        for row in await tx.rows(_TOUCHED, chosen=chosen and some, **values):
            key = row["entity"], row["is_change"]
            if key not in found:
                found[key] = Touched(row["entity"], is_change=row["is_change"])
            found[key].add(row)
        went_on()
    return list(found.values())


Row = tuple[str, int]  # a table, and the id of a row of it

_TAKEN_BACK = Statement("SELECT taken_back(:tenant, :undone)")
_LEFT = Statement("""
    SELECT array_agg(c.sequence ORDER BY c.sequence) AS chosen,
        (SELECT count(DISTINCT (p.entity, p.entity_id)) FROM changes p
            WHERE p.tenant_id = :tenant AND p.operation_id = :undone
                AND p.sequence = ANY(:taken::int[]) AND p.entity <> ALL(:links::text[])) AS passed
    FROM changes c WHERE c.tenant_id = :tenant AND c.operation_id = :undone
        AND c.sequence <> ALL(:taken::int[])
""")
# What a change did to the existence of its row; "update" where it changed the row alone.
_DID = """CASE WHEN c.action <> 'update' THEN c.action WHEN NOT c.after ? 'deleted_by' THEN 'update'
    WHEN c.after -> 'deleted_by' = 'null' THEN 'restore' ELSE 'delete' END"""
_ROOTS = Statement(f"""
    SELECT c.sequence, c.entity, c.entity_id, {_DID} AS did
    FROM changes c WHERE c.tenant_id = :tenant AND c.operation_id = :undone
        AND (c.sequence = :change::int OR ({ENTITY} = :entity AND {ENTITY_ID} = :record))
""")
_KINDS = Statement("""
    SELECT DISTINCT c.entity FROM changes c
    WHERE c.tenant_id = :tenant AND c.operation_id = :undone
""")


def _parents(noun: Noun) -> dict[str, str]:
    """The columns by which a noun's rows go along with another noun's, and that noun's table."""
    above = {noun.belongs_to, *noun.cascade} - {""}
    return {column: table for column, table in noun.references.items() if table in above}


def _ends(noun: Noun, link: Link) -> dict[str, str]:
    ends = {link.own_column: noun.table}
    if link.holds_other:
        ends[link.other_column] = link.other_noun
    return ends


_LINKS = {link.table: (noun, link) for noun in NOUNS.values() for link in noun.links}
# By each table that can be undone, the columns with the rows above it.
_ABOVE = {table: _parents(NOUNS[table]) for table in UNDO_RULES if table in NOUNS} | {
    table: _ends(noun, link) for table, (noun, link) in _LINKS.items() if table in UNDO_RULES
}


def _rows(table: str) -> Statement:
    columns = "".join(f", x.{column}" for column in _ABOVE[table])
    return Statement(f"""
        SELECT c.sequence, x.id{columns} FROM changes c
            JOIN {table} x ON x.tenant_id = :tenant AND x.id = c.entity_id
        WHERE c.tenant_id = :tenant AND c.operation_id = :undone AND c.entity = '{table}'
            AND {_DID} = :did
    """)


_ROWS = {table: _rows(table) for table in _ABOVE}
# Rows that stay, but lost a reference to one of the rows (:ids) of a table.
_LOST = {
    above: Statement(
        " UNION ALL ".join(
            f"""SELECT c.sequence FROM changes c
                WHERE c.tenant_id = :tenant AND c.operation_id = :undone AND c.entity = '{table}'
                    AND {_DID} = 'update'
                    AND (c.before ->> '{column}')::bigint = ANY(:ids::bigint[])"""
            for table, rule in UNDO_RULES.items()
            for column, each in rule.references.items()
            if each == above
        )
    )
    for above in {each for rule in UNDO_RULES.values() for each in rule.references.values()}
}


async def chosen_changes(tx: Db, id: int, part: Part | None) -> tuple[list[int] | None, int]:
    """The changes of an operation to take back, by sequence (None: all of them), and the number of
    records that are passed over, because they were taken back singly.
    """
    taken: list[int] = await tx.value(_TAKEN_BACK, undone=id)
    if part is None:
        if not taken:
            return None, 0
        links = list(_LINKS)
        left = await tx.row(_LEFT, undone=id, taken=taken, links=links)
        assert left is not None
        return left["chosen"] or [], left["passed"]
    chosen = await _with_tree(tx, id, await _roots(tx, id, part))
    if chosen <= set(taken):
        raise Conflict("This has been taken back already; undo that to have it again.")
    return sorted(chosen - set(taken)), 0


async def _roots(tx: Db, id: int, part: Part) -> list[Record]:
    found = await tx.rows(
        _ROOTS, undone=id, change=part.change, entity=part.entity, record=part.record
    )
    if not found and part.change is not None:
        raise invalid("change", "must be the sequence of a change of this operation")
    if not found:
        raise invalid("record", "must be a record that this operation changed: organizations/12")
    return found


async def _with_tree(tx: Db, id: int, roots: list[Record]) -> set[int]:
    """The sequences of these changes, and of those of the trees below their rows."""
    chosen = {root["sequence"] for root in roots}
    for did in {root["did"] for root in roots} - {"update"}:
        tops = {(root["entity"], root["entity_id"]) for root in roots if root["did"] == did}
        tree = await _tree(tx, id, did, tops)
        chosen.update(tree.values())
        for table, ids in _by_table(tree).items():
            if table in _LOST:
                lost = await tx.rows(_LOST[table], undone=id, ids=ids)
                chosen.update(row["sequence"] for row in lost)
    return chosen


async def _tree(tx: Db, id: int, did: str, tops: set[Row]) -> dict[Row, int]:
    """The rows below these to which the operation did the same, with the sequence of each."""
    tables = [row["entity"] for row in await tx.rows(_KINDS, undone=id)]
    rows = {
        (table, row["id"]): row
        for table in tables
        if table in _ROWS
        for row in await tx.rows(_ROWS[table], undone=id, did=did)
    }
    below: dict[Row, list[Row]] = defaultdict(list)
    for (table, key), row in rows.items():
        for column, above in _ABOVE[table].items():
            below[above, row[column]].append((table, key))
        if table in _LINKS and _is_homeless(rows, table, row):
            noun, link = _LINKS[table]
            below[table, key].append((noun.table, row[link.own_column]))
    found = _reached(tops, below) & rows.keys()
    gone = rows.keys() - found
    return {each: rows[each]["sequence"] for each in found if not _ends_in(gone, each, rows)}


def _is_homeless(rows: dict[Row, Record], table: str, link: Record) -> bool:
    """True where the record of a link is among the rows and belongs to nothing but by its links."""
    noun, declared = _LINKS[table]
    record = rows.get((noun.table, link[declared.own_column]))
    return record is not None and all(record[column] is None for column in _ABOVE[noun.table])


def _reached(tops: Iterable[Row], below: dict[Row, list[Row]]) -> set[Row]:
    found, waiting = set(tops), list(tops)
    while waiting:
        fresh = [row for row in below[waiting.pop()] if row not in found]
        found.update(fresh)
        waiting += fresh
    return found


def _ends_in(gone: set[Row], each: Row, rows: dict[Row, Record]) -> bool:
    """True for a link to a record that stays as the operation left it."""
    table, _ = each
    if table not in _LINKS:
        return False
    return any((above, rows[each][column]) in gone for column, above in _ABOVE[table].items())


def _by_table(rows: Iterable[Row]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for table, id in rows:
        found[table].append(id)
    return found
