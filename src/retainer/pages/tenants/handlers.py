"""Page of the consultancy's settings, with their history."""

from starlette.responses import Response

from retainer.errors import Invalid
from retainer.http.request import Request
from retainer.identity.tenants import store
from retainer.identity.tenants.model import Tenant, TenantUpdate, countries
from retainer.pages import render
from retainer.pages.edit import edit, refused
from retainer.pages.form import MAX_NAME, Field, Fields
from retainer.pages.journal.history import last_changes
from retainer.pages.users.profile import zones

FIELDS = Fields(
    Field("name", "Name", required=True, maxlength=MAX_NAME),
    Field("timeZone", "Time zone", "select", options=zones(), required=True),
    Field("country", "Country", "select", options=tuple(countries().items()), empty="None"),
)
MAX_CHANGES = 20  # shown on the page


async def show(request: Request, id: int) -> Response:
    stored = await store.get(request.db, id)
    return await render.page(
        request,
        "tenants/tenant.html",
        tenant=stored.decode(Tenant),
        version=stored.etag,
        fields=FIELDS,
        changes=await last_changes(request, "tenants", id, limit=MAX_CHANGES),
    )


async def update(request: Request, id: int) -> Response:
    """Change the settings that were sent, if they are still as the form showed them."""
    path = f"/tenants/{id}"
    await store.get(request.db, id)  # the API's route changes the viewer's own, whatever the path
    try:
        sent = request.data.body(TenantUpdate)
    except Invalid as problem:
        return await refused(request, FIELDS, problem, path, {}, show)
    words = render.changed_fields(sent)
    return await edit(
        request,
        FIELDS,
        "updateTenant",
        id,
        path,
        sent,
        lambda result: f"Changed {words} of {result.record(Tenant).name}",
        show,
    )
