"""Deleting an organization or a project with all that belongs to it, as one operation.

The nouns declare what belongs to it: by `belongs_to` and their links, or `cascade` where a row
goes along under a condition of its own.
"""

from starlette.responses import Response

from retainer.database.refusals import Retry
from retainer.database.statement import Statement
from retainer.http.request import Request
from retainer.http.responses import deleted_response
from retainer.lists.noun import Noun
from retainer.records.nouns import RECORDS
from retainer.records.organizations import hierarchy
from retainer.records.organizations import store as organizations
from retainer.records.projects import store as projects


def _cascades(noun: Noun, parent: str) -> list[str]:
    """The common table expressions that delete a noun's rows and links with one of the parent,
    which is deleted as `gone`.
    """
    if parent in noun.cascade:
        return [noun.cascade[parent]]
    if noun.belongs_to != parent:
        return []
    a, column = noun.alias, noun.column_of[parent]
    rows = f"""{noun.table}_gone AS (
        UPDATE {noun.table} {a} SET deleted_by = gone.deleted_by FROM gone
        WHERE {a}.tenant_id = :tenant AND {a}.{column} = :id AND {a}.deleted_by IS NULL
        RETURNING {a}.id
    )"""
    links = [
        f"""{link.table}_gone AS (
        UPDATE {link.table} l SET deleted_by = gone.deleted_by FROM gone
        WHERE l.tenant_id = :tenant AND l.deleted_by IS NULL
            AND l.{link.own_column} IN (SELECT {a}.id FROM {noun.table}_gone {a})
    )"""
        for link in noun.links
        if link.is_undoable
    ]
    return [rows, *links]


def _statement(gone: str, parent: str, columns: str = "id") -> Statement:
    parts = [gone, *(part for noun in RECORDS for part in _cascades(noun, parent))]
    return Statement(f"WITH {', '.join(parts)} SELECT {columns} FROM gone")


DELETE_ORGANIZATION = _statement(
    organizations.GONE, "organizations", "EXISTS (SELECT FROM children_move_up) AS moved_others"
)
DELETE_PROJECT = _statement(projects.GONE, "projects")


async def organization(request: Request, id: int) -> Response:
    """Hide an organization and all that belongs to it; 404 when the viewer sees none. Those below
    it move up to its own parent.
    """
    async with request.db.transaction() as tx:
        locked = await tx.row(hierarchy.LOCK_FAMILY, id=id)
        if locked is None:
            return deleted_response(False)
        if locked["has_children"]:
            await tx.rows(hierarchy.PART_DOMAINS, id=id)
        deleted = await tx.row(DELETE_ORGANIZATION, id=id)
        if deleted is not None and deleted["moved_others"] and not locked["has_children"]:
            raise Retry("An organization was put below it at the same moment. Try again.")
        return deleted_response(deleted is not None)


async def project(request: Request, id: int) -> Response:
    """Hide a project and all that belongs to it; 404 when the viewer sees none."""
    async with request.db.transaction() as tx:
        # Its row is locked first: adding a child locks it FOR SHARE, so that the second statement
        # sees every child.
        is_there = await tx.row(projects.LOCK, id=id) is not None
        return deleted_response(is_there and await tx.row(DELETE_PROJECT, id=id) is not None)
