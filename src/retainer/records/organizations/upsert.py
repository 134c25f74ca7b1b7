"""Changing the organization that has a key of another system, or adding it, in one step that is
safe to repeat: PUT /organizations/by/externalId/{value} and /by/domain/{value}.
"""

import msgspec
from msgspec import UNSET
from starlette.responses import Response

from retainer.database import exact_json
from retainer.database.database import Db, Values
from retainer.database.refusals import Retry
from retainer.errors import Conflict, PreconditionFailed, invalid
from retainer.http.body import decode, sent
from retainer.http.request import Request
from retainer.http.responses import created_response, record_response
from retainer.http.safe_writes import preconditions
from retainer.records.organizations import store
from retainer.records.organizations.model import (
    NO_DOMAIN,
    OrganizationCreate,
    OrganizationUpdate,
    normalized_domain,
)
from retainer.records.organizations.web import refuse_missing


async def by_external_id(request: Request, value: str) -> Response:
    # The value in the path obeys the same rules as the field in a body.
    kept = sent(decode(msgspec.json.encode({"externalId": value}), OrganizationUpdate))
    value = kept["external_id"]
    if not value:
        raise invalid("externalId", "must not be empty")
    if request.data.external_id not in (UNSET, value):
        raise invalid("externalId", "must be the one in the path, or be left out")
    return await put(request, "external_id", value, {"external_id": value})


async def by_domain(request: Request, value: str) -> Response:
    name = normalized_domain(value)
    if name is None:
        raise invalid("domain", NO_DOMAIN)
    if request.data.domains is not UNSET and name not in request.data.domains:
        raise invalid("domains", f"must have {name} among them, as the path says, or be left out")
    return await put(request, "domain", name, {"domains": [name]})


async def put(request: Request, key: str, value: str, implied: Values) -> Response:
    """Change the organization that has the key (200), or add one with what it implies (201)."""
    try:
        async with request.db.savepoint():
            return await _put(request, key, value, implied)
    except Conflict:
        # Another request may have given the key to an organization by a plain create or update,
        # which takes no lock on the key. It has committed by now, so the second try finds its row.
        return await _put(request, key, value, implied)


async def _put(request: Request, key: str, value: str, implied: Values) -> Response:
    async with request.db.transaction() as tx:
        id = await store.lock_key(tx, key, value)
        if id is None:
            if "if-match" in request.headers:
                raise PreconditionFailed(
                    "There is no such organization, so none in the state that If-Match expects."
                )
            return await _add(tx, request.data, implied)
        values = sent(request.data)
        row = await store.update(tx, id, values)
        if row is None:
            await refuse_missing(tx, values)
            if tx.expected is None:
                raise Retry("The organization was deleted at the same moment. Try again.")
            raise preconditions.failure(record_response(await store.get(tx, id)))
        return record_response(row)


async def _add(tx: Db, body: OrganizationUpdate, implied: Values) -> Response:
    complete = decode(exact_json.encode(body), OrganizationCreate)  # names what a new one lacks
    values = implied | {
        name: value for name, value in sent(complete).items() if value or name not in implied
    }
    row = await store.create(tx, values)
    if row is None:
        await refuse_missing(tx, values)
    return created_response(row, "/api/organizations")
