"""Deleting an organization or a project with all that belongs to it, as one operation.

The nouns declare what belongs to it: by `belongs_to` and their links, or `cascade` where a row
goes along under a condition of its own. All of it is found first, so that what is too large is
refused before anything is done. Then it is locked, and found again: what somebody else has moved
away meanwhile stays. The rest goes in parts (database/parts.py).
"""

from starlette.responses import Response

from retainer.database import parts
from retainer.database.database import Db
from retainer.database.refusals import Retry
from retainer.database.statement import Change, Statement
from retainer.errors import TooLarge
from retainer.http.request import Request
from retainer.http.responses import deleted_response
from retainer.lists.noun import Noun
from retainer.records.nouns import RECORDS
from retainer.records.organizations import hierarchy
from retainer.records.organizations import store as organizations
from retainer.records.projects import store as projects

MOST = 200_000  # rows that go with one record or move up

DELETE_ORGANIZATION = Statement(f"WITH {organizations.GONE} SELECT deleted_by FROM gone")
DELETE_PROJECT = Statement(f"WITH {projects.GONE} SELECT deleted_by FROM gone")


def _cascades(noun: Noun, parent: str) -> dict[str, str]:
    """The SELECT of the ids that go with the parent (:id), of a noun's table and of its links."""
    if parent in noun.cascade:
        return dict(noun.cascade[parent])
    if noun.belongs_to != parent:
        return {}
    rows = f"""SELECT x.id FROM {noun.table} x WHERE x.tenant_id = :tenant
        AND x.{noun.column_of[parent]} = :id AND x.deleted_by IS NULL"""
    links = {
        link.table: f"""SELECT l.id FROM {link.table} l WHERE l.tenant_id = :tenant
        AND l.{link.own_column} = ANY(ARRAY({rows})) AND l.deleted_by IS NULL"""
        for link in noun.links
        if link.is_undoable
    }
    return {noun.table: rows, **links}


def _holding(table: str, ids: str) -> str:
    return f"""SELECT y.id FROM {table} y
        WHERE y.tenant_id = :tenant AND y.id = ANY({ids}::bigint[]) AND y.deleted_by IS NULL
        ORDER BY y.id FOR UPDATE"""


def _finders(parent: str) -> list[Statement]:
    """The statements that find the ids that go with the parent, as an array for each table. First
    they lock the rows to which others are added: who adds to one locks it FOR SHARE, so that the
    statement after it sees every row that was added.
    """
    found: list[Statement] = []
    others: dict[str, str] = {}
    for noun in RECORDS:
        tables = _cascades(noun, parent)
        if any(noun.table in (each.belongs_to, *each.cascade) for each in RECORDS) and tables:
            found.append(
                _finding({noun.table: _holding(noun.table, f"ARRAY({tables.pop(noun.table)})")})
            )
        others |= tables
    return [*found, _finding(others)]


def _finding(tables: dict[str, str]) -> Statement:
    arrays = [f"ARRAY({ids}) AS {table}" for table, ids in tables.items()]
    return Statement(f"SELECT {', '.join(arrays)}")


FIND = {parent: _finders(parent) for parent in ("organizations", "projects")}


def _going(table: str, ids: str) -> str:
    return f"""UPDATE {table} x SET deleted_by = :operation
        WHERE x.tenant_id = :tenant AND x.id = ANY({ids}::bigint[]) AND x.deleted_by IS NULL"""


TABLES = {
    parent: [table for noun in RECORDS for table in _cascades(noun, parent)] for parent in FIND
}
HOLD = {table: Statement(_holding(table, ":ids")) for tables in TABLES.values() for table in tables}
GO = {table: Statement(_going(table, ":ids")) for tables in TABLES.values() for table in tables}


def _together(tables: list[str]) -> Statement:
    """The statement by which as many rows go as one part has, whatever their tables."""
    going = [f"{table}_gone AS ({_going(table, ':' + table)})" for table in tables]
    return Statement(f"WITH {', '.join(going)} SELECT")


def _alone(parent: str, alias: str, more: str = "") -> Change:
    """The deletion of a record that has nothing below it, for many at a time; of another it finds
    nothing. The records are locked first, by a statement of their own: whoever adds to one locks it
    FOR SHARE, so that this one sees every row that was added.
    """
    below = {table: ids for noun in RECORDS for table, ids in _cascades(noun, parent).items()}
    empty = "".join(f" AND NOT EXISTS ({ids})" for ids in below.values())
    held = Statement(f"""SELECT count(*) FROM (SELECT {alias}.id FROM {parent} {alias}
        WHERE {alias}.tenant_id = :tenant AND {alias}.id = ANY(:ids::bigint[])
            AND {alias}.deleted_by IS NULL AND @visible_{parent}
        ORDER BY {alias}.id FOR UPDATE) held""")
    return Change(
        f"""
        UPDATE {parent} {alias} SET deleted_by = operation() FROM @acting
        WHERE {alias}.tenant_id = :tenant AND {alias}.id = :id AND {alias}.deleted_by IS NULL
            AND @visible_{parent} AND @expected_{alias}{empty}{more}
        RETURNING {alias}.id
    """,
        first=held,
    )


ALONE = {
    "organizations": _alone("organizations", "o", f" AND NOT EXISTS ({hierarchy.CHILDREN.text})"),
    "projects": _alone("projects", "p"),
}

HOLD_TOGETHER = {
    parent: _finding({table: _holding(table, f":{table}") for table in tables})
    for parent, tables in TABLES.items()
}
GO_TOGETHER = {parent: _together(tables) for parent, tables in TABLES.items()}


async def organization(request: Request, id: int) -> Response:
    """Hide an organization and all that belongs to it; 404 when the viewer sees none. Those below
    it move up to its own parent.
    """
    if await went_alone(request.db, "organizations", id):
        return deleted_response(True)
    async with request.db.transaction() as tx:
        locked = await tx.row(hierarchy.LOCK_FAMILY, id=id)
        if locked is None:
            return deleted_response(False)
        children = [row["id"] for row in await tx.rows(hierarchy.CHILDREN, id=id)]
        if children and not locked["has_children"]:
            raise Retry("An organization was put below it at the same moment. Try again.")
        if parts.is_large(children):
            await parts.plan_by_indexes(tx)
        found = await find(request, tx, "organizations", id, moving=len(children))
        # Those that share a domain stand in one hierarchy all along. Below a parent they move
        # while this one still joins them; without one PART_DOMAINS has parted them, and the
        # domains of this one are free only when it has gone.
        parent = locked["parent_id"]
        if parent is not None:
            await move_up(request, tx, id, parent, children)
        elif children:
            await tx.rows(hierarchy.PART_DOMAINS, id=id)
            request.extend_deadline()
        deleted = await tx.row(DELETE_ORGANIZATION, id=id)
        if deleted is None:
            return deleted_response(False)
        if parent is None:
            await move_up(request, tx, id, None, children)
        await go(request, tx, "organizations", found, deleted["deleted_by"])
        return deleted_response(True)


async def went_alone(db: Db, parent: str, id: int) -> bool:
    """Delete a record that has nothing below it, as one of many. False where it has something, or
    is not one of many.
    """
    return db.is_pipelined and await db.row(ALONE[parent], id=id) is not None


async def move_up(
    request: Request, tx: Db, id: int, parent: int | None, children: list[int]
) -> None:
    """Move organizations from below one to its own parent, a part after another."""
    for some in parts.slices(children):
        await tx.rows(hierarchy.MOVE_UP, id=id, parent=parent, ids=some)
        request.extend_deadline()


async def project(request: Request, id: int) -> Response:
    """Hide a project and all that belongs to it; 404 when the viewer sees none."""
    if await went_alone(request.db, "projects", id):
        return deleted_response(True)
    async with request.db.transaction() as tx:
        if await tx.row(projects.LOCK, id=id) is None:
            return deleted_response(False)
        found = await find(request, tx, "projects", id)
        deleted = await tx.row(DELETE_PROJECT, id=id)
        if deleted is None:
            return deleted_response(False)
        await go(request, tx, "projects", found, deleted["deleted_by"])
        return deleted_response(True)


async def find(
    request: Request, tx: Db, parent: str, id: int, *, moving: int = 0
) -> dict[str, list[int]]:
    """The ids that go with a record, by table. The record is locked, and so are they. Raises
    TooLarge for too many, with those that move instead.
    """
    found = await _found(request, tx, parent, id)
    size = sum(map(len, found.values()))
    if size + moving > MOST:
        raise TooLarge(
            f"Nothing was deleted: {size + moving:,} records would go with it or move up, more "
            f"than the {MOST:,} that one operation may change. Delete some of them first."
        )
    if size == 0:
        return found
    if size > parts.AT_ONCE:
        await parts.plan_by_indexes(tx)
    await _hold(request, tx, parent, found)
    still = await _found(request, tx, parent, id)
    return {table: sorted({*ids} & {*still[table]}) for table, ids in found.items()}


async def _found(request: Request, tx: Db, parent: str, id: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for statement in FIND[parent]:
        row = await tx.row(statement, id=id)
        assert row is not None
        found |= {table: sorted(ids) for table, ids in row.items()}
        request.extend_deadline()
    return found


async def _hold(request: Request, tx: Db, parent: str, found: dict[str, list[int]]) -> None:
    """Lock what was found, so that it is moved nowhere."""
    if sum(map(len, found.values())) <= parts.AT_ONCE:
        await tx.rows(HOLD_TOGETHER[parent], **found)
        return
    for table, ids in found.items():
        for some in parts.slices(ids):
            await tx.rows(HOLD[table], ids=some)
            request.extend_deadline()


async def go(
    request: Request, tx: Db, parent: str, found: dict[str, list[int]], operation: int
) -> None:
    """Hide the rows that were found below a record of `parent`, a part after another."""
    size = sum(map(len, found.values()))
    if 0 < size <= parts.AT_ONCE:
        await tx.rows(GO_TOGETHER[parent], operation=operation, **found)
        return
    for table, ids in found.items():
        for some in parts.slices(ids):
            await tx.rows(GO[table], ids=some, operation=operation)
            request.extend_deadline()
