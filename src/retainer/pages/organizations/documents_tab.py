"""The documents of an organization, its own and its projects': files are dropped there, and found
by what they say.
"""

from retainer.http.request import Answer, Request
from retainer.pages import render
from retainer.pages.list_page import show
from retainer.pages.organizations.handlers import frame
from retainer.records.documents import store as documents


async def index(request: Request, id: int) -> Answer:
    values = await frame(request, id)
    shown = await show(request, documents.OF_ORGANIZATION, parent=id)
    limit = request.app.settings.upload_mb
    return await render.page(
        request,
        "organizations/documents.html",
        **values,
        tab="documents",
        shown=shown,
        upload_mb=limit,
    )
