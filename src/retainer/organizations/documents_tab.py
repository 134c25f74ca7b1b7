"""The documents of an organization, its own and its projects': files are dropped there, and found by what they say."""

from retainer import pages
from retainer.documents import store as documents
from retainer.lists.shown import show
from retainer.organizations.pages import frame
from retainer.request import Answer, Request


async def index(request: Request, id: int) -> Answer:
    values = await frame(request, id)
    shown = await show(request, documents.OF_ORGANIZATION, parent=id)
    limit = request.app.settings.upload_mb
    return await pages.page(
        request, "organizations/documents.html", **values, tab="documents", shown=shown, upload_mb=limit
    )
