"""Handlers of activities."""

from starlette.responses import Response

from retainer.database.database import Db, Values
from retainer.database.stored import Stored
from retainer.errors import FieldError, Invalid, NotFound
from retainer.http.body import sent
from retainer.http.request import Request
from retainer.http.responses import deleted_response, record_response
from retainer.lists.response import list_response, list_response_of
from retainer.records.activities import store
from retainer.records.activities.model import NewActivity
from retainer.records.organizations import store as organizations
from retainer.records.upsert import Upsert, put_by_external_id


async def index(request: Request) -> Response:
    return await list_response(request)


async def of_organization(request: Request, organization_id: int) -> Response:
    return await list_response_of(request, organizations.exists, organization_id)


async def create(request: Request, organization_id: int) -> Response:
    values = {"happened_at": None, "organization_id": organization_id} | sent(request.data)
    values["contact_ids"] = _distinct(values["contact_ids"])
    row = await store.create(request.db, values)
    if row is None and await organizations.exists(request.db, organization_id):
        await _refuse_missing(request.db, None, values["contact_ids"], values["contact_ids"])
    return record_response(row)


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def update(request: Request, id: int) -> Response:
    values = sent(request.data)
    if "contact_ids" in values:
        return record_response(await _change(request, id, values))
    row = await store.update(request.db, id, values)
    if row is None and await store.exists(request.db, id):
        await _refuse_missing(request.db, values.get("organization_id"), [], [])
    return record_response(row)


async def put(request: Request, value: str) -> Response:
    return await put_by_external_id(request, value, UPSERT)


async def delete(request: Request, id: int) -> Response:
    return deleted_response(await store.delete(request.db, id))


async def _create_named(request: Request) -> Response:
    """Add an activity to the organization that its body names."""
    organization_id = request.data.organization_id
    await _refuse_missing(request.db, organization_id, [], [])
    return await create(request, organization_id)


async def _change(request: Request, id: int, values: Values) -> Stored:
    """Change an activity and its contacts. Linked contacts may stay although the viewer does not
    see them; added ones must be visible.
    """
    async with request.db.transaction() as tx:
        before = await store.lock(tx, id)
        if before is None:
            raise NotFound
        linked = await store.contact_ids(tx, id)
        contacts = _distinct(values.pop("contact_ids"))
        added = [contact for contact in contacts if contact not in linked]
        if set(contacts) != set(linked):
            # Writes the row although the contacts are kept in another table: its ETag must change.
            values["contacts_changed"] = before["contacts_changed"] + 1
        activity = await store.change(tx, id, values, contacts, added)
        if activity is None:
            await _refuse_missing(tx, values.get("organization_id"), contacts, added)
            raise NotFound
        return activity


async def _refuse_missing(
    db: Db, organization: int | None, contacts: list[int], added: list[int]
) -> None:
    """Raise Invalid with the organization and the added contacts that the viewer does not see."""
    problems = []
    if organization is not None and not await organizations.exists(db, organization):
        problems.append(
            FieldError("organizationId", "there is no such organization, or none that you may see")
        )
    invisible = set(added) - await store.contacts(db, added)
    missing = "there is no such contact, or none that you may see"
    problems += [
        FieldError(f"contactIds[{place}]", missing)
        for place, contact in enumerate(contacts)
        if contact in invisible
    ]
    if problems:
        raise Invalid(*problems)


def _distinct(ids: list[int]) -> list[int]:
    return list(dict.fromkeys(ids))


UPSERT = Upsert(
    "activities", "activity", NewActivity, _create_named, update, store.get, store.BY_EXTERNAL_ID
)
