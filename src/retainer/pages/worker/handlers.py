"""Page of the worker's progress."""

from starlette.responses import Response

from retainer.http.request import Request
from retainer.journal import progress
from retainer.pages import render


async def show(request: Request) -> Response:
    return await render.page(
        request,
        "worker/worker.html",
        host=await progress.host(request.db),
        loops=await progress.loops(request.db),
        most=progress.MOST,
    )
