"""Handlers of documents."""

from asyncpg import Record
from starlette.responses import Response

from retainer.database.database import Db, Values
from retainer.database.stored import Stored
from retainer.errors import Conflict, FieldError, Invalid, NotFound, invalid
from retainer.http.body import sent
from retainer.http.request import Request
from retainer.http.responses import deleted_response, record_response
from retainer.http.routing import API
from retainer.lists.response import list_response, list_response_of
from retainer.records.documents import content, store, upload
from retainer.records.documents.model import DocumentForm, VersionForm
from retainer.records.organizations import store as organizations


async def index(request: Request) -> Response:
    return await list_response(request)


async def of_organization(request: Request, organization_id: int) -> Response:
    return await list_response_of(request, organizations.exists, organization_id)


async def create(request: Request) -> Response:
    if request.data is not None:
        return record_response(await _create(request, sent(request.data)))
    return await create_file(request)


async def create_file(request: Request) -> Response:
    async with upload.receive(request, DocumentForm) as file:
        return await upload.commit(request, file, lambda: _create(request, file.values))


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def update(request: Request, id: int) -> Response:
    values = sent(request.data)
    if values.keys() & {"url", "organization_id", "project_ids"}:
        return record_response(await _change(request, id, values))
    return record_response(await store.update(request.db, id, values))


async def delete(request: Request, id: int) -> Response:
    return deleted_response(await store.delete(request.db, id))


async def versions(request: Request, id: int) -> Response:
    return await list_response_of(request, store.exists, id)


async def add_version(request: Request, id: int) -> Response:
    await _file(request, id)
    async with upload.receive(request, VersionForm) as file:
        return await upload.commit(request, file, lambda: _add_version(request, id, file.values))


async def show_content(request: Request, id: int) -> Response:
    return await content.content_response(request, await _file(request, id))


async def show_version_content(request: Request, id: int, number: int) -> Response:
    return await content.content_response(request, await _file(request, id, number))


async def _file(request: Request, id: int, number: int | None = None) -> Record:
    """A version's file (None: the newest's). Raises NotFound, or Conflict when the document is a
    link.
    """
    row = await store.file(request.db, id, number)
    if row is None or (row["link"] is None and row["storage_key"] is None):
        raise NotFound
    if row["link"] is not None:
        raise Conflict(
            "This document is a link: it has no content or versions here."
            " Its url says where it leads."
        )
    return row


async def _create(request: Request, values: Values) -> Stored:
    organization, projects = values["organization_id"], values["project_ids"]
    if request.viewer.scope != "all" and organization is None and not projects:
        raise invalid(
            "organizationId", "is required unless projectIds are given; choose one that you may see"
        )
    async with request.db.transaction() as tx:
        document = await store.create(tx, values | {"project_ids": _distinct(projects)})
        if document is None:
            await _refuse_missing(tx, organization, projects)
            raise _given_up()
        return document


async def _add_version(request: Request, id: int, values: Values) -> Stored:
    async with request.db.transaction() as tx:
        document = await store.add_version(tx, id, values)
        if document is not None:
            return document
        if await store.exists(tx, id):
            raise _given_up()
        raise NotFound


async def _change(request: Request, id: int, values: Values) -> Stored:
    """Change a document's link, organization or projects. Its projects must be its organization's,
    so the row is locked while both are compared.
    """
    async with request.db.transaction() as tx:
        before = await store.lock(tx, id)
        if before is None:
            raise NotFound
        columns = {"organization_id": before["organization_id"]} | values
        linked = await store.project_ids(tx, id)
        projects = columns.pop("project_ids", linked)
        if "url" in columns:
            columns |= _link(id, columns.pop("url"), is_file=before["link"] is None)
        if set(projects) != set(linked):
            # Writes the row although the projects are kept in another table: its ETag must change.
            columns["projects_changed"] = before["projects_changed"] + 1
        document = await store.change(tx, id, columns, _distinct(projects))
        if document is None:
            are_sent = "project_ids" in values
            await _refuse_missing(tx, columns["organization_id"], projects, are_sent=are_sent)
            raise NotFound
        return document


def _link(id: int, url: str, *, is_file: bool) -> Values:
    """The column of a link's address; none for a file whose own address came back."""
    if is_file and url == f"{API}/documents/{id}/content":
        return {}
    if is_file:
        raise invalid("url", "is where the file's content is; add a version to change that")
    if url.startswith("/"):
        raise invalid("url", "must be an http or https address: this document is a link")
    return {"link": url}


async def _refuse_missing(
    db: Db, organization: int | None, projects: list[int], *, are_sent: bool = True
) -> None:
    """Raise Invalid with the organization and the projects that the viewer does not see, and the
    projects that are not the organization's. Where the projects were not sent, the organization is
    at fault.
    """
    problems = []
    if organization is not None and not await organizations.exists(db, organization):
        problems.append(
            FieldError("organizationId", "there is no such organization, or none that you may see")
        )
    seen = await store.projects(db, projects)
    for place, project in enumerate(projects):
        field = f"projectIds[{place}]"
        if project not in seen:
            missing = "there is no such project, or none that you may see"
            problems.append(FieldError(field, missing))
        elif organization in (None, seen[project]):
            continue
        elif are_sent:
            foreign = f"must be a project of organization {organization}"
            problems.append(FieldError(field, foreign))
        else:
            unsent = "its projects are another organization's; send projectIds with it"
            problems.append(FieldError("organizationId", unsent))
    if problems:
        raise Invalid(*{(problem.field, problem.message): problem for problem in problems}.values())


def _given_up() -> Conflict:
    return Conflict("The upload took so long that it was given up meanwhile. Send it again.")


def _distinct(ids: list[int]) -> list[int]:
    return list(dict.fromkeys(ids))
