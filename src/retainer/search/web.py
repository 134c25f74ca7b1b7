"""The handler of search."""

import msgspec
from asyncpg import Record
from starlette.responses import Response

from retainer.http.request import Request
from retainer.http.responses import JSONResponse
from retainer.search import store
from retainer.search.highlight import highlights, pattern
from retainer.search.model import Hit, SearchQuery


async def index(request: Request) -> Response:
    query: SearchQuery = request.query
    rows = await store.search(request.db, query.q, query.kinds, query.limit)
    return JSONResponse([hit(row) for row in rows])


def hit(row: Record) -> Hit:
    texts = msgspec.json.decode(row["texts"], type=dict[str, str | None])
    return store.Hit(
        store.SearchKind(row["kind"]),
        row["id"],
        row["title"],
        row["subtitle"],
        row["organization_id"],
        row["score"],
        highlights(texts, pattern(row["meant"])),
    )
