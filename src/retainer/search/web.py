"""The handler of search."""

from typing import Any

import msgspec
from starlette.responses import Response

from retainer.http.request import Request
from retainer.http.responses import JSONResponse
from retainer.search import store
from retainer.search.highlight import highlights, pattern
from retainer.search.model import Hit, SearchQuery


async def index(request: Request) -> Response:
    asked: SearchQuery = request.query
    return JSONResponse(
        [hit(row) for row in await store.search(request.db, asked.q, asked.kinds, asked.limit)]
    )


def hit(row: Any) -> Hit:
    texts = msgspec.json.decode(row["texts"], type=dict[str, str | None])
    return store.Hit(
        store.Kind(row["kind"]),
        row["id"],
        row["title"],
        row["subtitle"],
        row["organization_id"],
        row["score"],
        highlights(texts, pattern(row["meant"])),
    )
