"""Handlers of the tenant's settings."""

from starlette.responses import Response

from retainer.http.body import sent
from retainer.http.request import Request
from retainer.http.responses import record_response
from retainer.identity.tenants import store
from retainer.identity.tenants.model import refuse_unknown_country
from retainer.identity.users.model import refuse_unknown_time_zone
from retainer.lists.response import list_response_of


async def show(request: Request) -> Response:
    return record_response(await store.get(request.db, request.viewer.tenant))


async def update(request: Request) -> Response:
    values = sent(request.data)
    refuse_unknown_time_zone(values.get("time_zone"))
    refuse_unknown_country(values.get("country"))
    row = await store.update(request.db, values)
    request.forget(request.viewer.user)  # the others' sessions are read anew once it is committed
    return record_response(row)


async def history(request: Request) -> Response:
    return await list_response_of(request, store.exists, request.viewer.tenant)
