"""Clashes: the records that keep an operation from being undone, each with the reason."""

from collections.abc import Callable
from typing import NamedTuple

from asyncpg import Record

from retainer.database.database import Db
from retainer.database.parts import slices
from retainer.database.statement import Statement
from retainer.errors import Clash, Conflict
from retainer.journal.entities import SUBJECTS, UNDO_RULES, Subject
from retainer.journal.store import ENTITY, ENTITY_ID
from retainer.journal.undo_conditions import LATER
from retainer.nouns import NOUNS

MAX_CLASHES = 20  # in one answer

# The changes that are undone: those chosen by their sequence, or all of the operation (null).
OF_UNDONE = """c.tenant_id = :tenant AND c.operation_id = :undone
    AND (:chosen::int[] IS NULL OR c.sequence = ANY(:chosen::int[]))"""


class Dangling(NamedTuple):
    """A live row of a table that refers to a deleted row above it."""

    table: str
    id: int
    above: str
    above_id: int
    created_later: bool  # the row was added after the operation that would be undone


def _title(table: str, subject: Subject) -> str:
    """The WHEN with the title of a row: its own, or that of the record it is named by."""
    id = "c.entity_id"
    if subject.column:
        id = ENTITY_ID
    return f"""WHEN '{table}' THEN (SELECT x.{NOUNS[subject.noun].title} FROM {subject.noun} x
        WHERE x.tenant_id = :tenant AND x.id = {id})"""


_TITLES = " ".join(
    _title(table, subject) for table, subject in SUBJECTS.items() if table in UNDO_RULES
)
_TITLE = f"""CASE c.entity {_TITLES}
    WHEN 'users' THEN (SELECT x.username FROM users x
        WHERE x.tenant_id = :tenant AND x.id = c.entity_id)
    END"""
_LAST = """(SELECT c.entity, c.entity_id, max(c.version) AS version,
        coalesce(array_agg(DISTINCT key) FILTER (WHERE key IS NOT NULL), '{}') AS columns
    FROM changes c LEFT JOIN LATERAL jsonb_object_keys(c.before) key ON :by_columns
    WHERE c.tenant_id = :tenant AND c.entity = :entity AND c.entity_id = ANY (:ids::bigint[])
        AND c.operation_id + 0 = :undone
        AND (:chosen::int[] IS NULL OR c.sequence = ANY (:chosen::int[]))
    GROUP BY 1, 2)"""
# Of a part of an operation only the columns that it changed must be as it left them, by whichever
# operation, the same one included.
_IS_LATER = LATER.replace(
    "l.operation_id <> :undone",
    """(l.operation_id <> :undone
        OR :by_columns AND l.sequence <> ALL (:chosen::int[]) AND l.before ?| c.columns)""",
)
_CLASHES = """(NOT :by_columns OR l.action <> 'update' OR l.after ? 'deleted_by'
    OR l.before ?| c.columns)"""

NAMES = Statement(f"""
    SELECT {ENTITY} AS entity, {ENTITY_ID} AS id, {_TITLE} AS title
    FROM unnest(:entities::text[], :ids::bigint[])
        WITH ORDINALITY AS c (entity, entity_id, place)
    ORDER BY c.place
""")

CHANGED_LATER = Statement(f"""
    SELECT {ENTITY} AS entity, {ENTITY_ID} AS id, {_TITLE} AS title,
        op.id AS operation_id, iso(op.at) AS at,
        (SELECT u.full_name FROM users u
            WHERE u.tenant_id = :tenant AND u.id = op.actor_id) AS by,
        came.is_gone
    FROM {_LAST} c
    CROSS JOIN LATERAL (
        SELECT l.operation_id, l.action = 'update' AND l.after ? 'deleted_by' AS is_gone
        FROM changes l WHERE {_IS_LATER} AND {_CLASHES} ORDER BY l.version DESC LIMIT 1) came
    JOIN operations op ON op.tenant_id = :tenant AND op.id = came.operation_id
    ORDER BY 1, 2 LIMIT {MAX_CLASHES}
""")


class TouchedRows(NamedTuple):
    """The rows of a table that are taken back: the columns that were changed, and by id the
    sequences of the changes of each.
    """

    columns: set[str]
    sequences: dict[int, set[int]]

    @property
    def ids(self) -> list[int]:
        """The rows in the order in which they are locked and written."""
        return sorted(self.sequences)

    def chosen(self, ids: list[int]) -> list[int]:
        """The changes of some of the rows."""
        return sorted(sequence for id in ids for sequence in self.sequences[id])


async def refuse_changed_later(
    tx: Db,
    undone: int,
    tables: dict[str, TouchedRows],
    went_on: Callable[[], None],
    *,
    is_part: bool,
) -> None:
    """Raise Conflict where somebody has changed a record since the operation; where a part of it is
    undone, those who changed what this had changed.
    """
    found: list[Record] = []
    for entity, rows in tables.items():
        for some in slices(rows.ids):
            found += await tx.rows(
                CHANGED_LATER,
                undone=undone,
                entity=entity,
                ids=some,
                chosen=rows.chosen(some),
                by_columns=is_part,
            )
            went_on()
    found.sort(key=lambda row: (row["entity"], row["id"]))
    refuse_clashes([_changed_later(row) for row in found[:MAX_CLASHES]])


def _changed_later(row: Record) -> Clash:
    who = row["by"] or "the command line"
    verb = "changed"
    if row["is_gone"]:
        verb = "deleted"
    message = (
        f"was {verb} by {who} at {row['at']} (operation {row['operation_id']}); "
        "undo that first, or change it by hand"
    )
    return Clash(
        row["entity"], row["id"], row["title"], message, row["by"], row["at"], row["operation_id"]
    )


async def refuse_dangling(tx: Db, rows: list[Dangling]) -> None:
    """Raise Conflict where rows refer to deleted ones."""
    if not rows:
        return
    first = rows[:MAX_CLASHES]
    entities, ids = [row.table for row in first], [row.id for row in first]
    names = await tx.rows(NAMES, entities=entities, ids=ids)
    refuse_clashes([_dangling(name, row) for name, row in zip(names, first, strict=True)])


def _dangling(name: Record, row: Dangling) -> Clash:
    message = f"belongs to {row.above} {row.above_id}, which is deleted; restore that one first"
    if row.created_later:
        message = (
            f"has come to {row.above} {row.above_id} since, which would go; move or delete it first"
        )
    return Clash(name["entity"], name["id"], name["title"], message)


def refuse_clashes(clashes: list[Clash]) -> None:
    """Raise Conflict with every clash, where there are any; its sentence names the first three."""
    if not clashes:
        return
    sentence = "; ".join(f'{c.entity} {c.entity_id} "{c.title}" {c.message}' for c in clashes[:3])
    if len(clashes) > 3:
        sentence += f"; and {len(clashes) - 3} more"
    problem = Conflict(f"Nothing was undone: {sentence}.")
    problem.clashes = clashes
    raise problem
