"""Changing the organization that has a key of another system, or adding it, in one step that is
safe to repeat: PUT /organizations/by/externalId/{value} and /by/domain/{value}.
"""

from msgspec import UNSET
from starlette.responses import Response

from retainer.errors import invalid
from retainer.http.request import Request
from retainer.records.organizations import store, web
from retainer.records.organizations.model import NO_DOMAIN, OrganizationCreate, normalized_domain
from retainer.records.upsert import Upsert, put, put_by_external_id

UPSERT = Upsert(
    "organizations",
    "organization",
    OrganizationCreate,
    web.create,
    web.update,
    store.get,
    store.BY_KEY,
)


async def by_external_id(request: Request, value: str) -> Response:
    return await put_by_external_id(request, value, UPSERT)


async def by_domain(request: Request, value: str) -> Response:
    name = normalized_domain(value)
    if name is None:
        raise invalid("domain", NO_DOMAIN)
    if request.data.domains is not UNSET and name not in request.data.domains:
        raise invalid("domains", f"must have {name} among them, as the path says, or be left out")
    return await put(request, UPSERT, "domain", name, {"domains": [name]})
