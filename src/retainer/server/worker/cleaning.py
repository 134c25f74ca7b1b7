"""Cleaning of the storage: what killed uploads left, a while after a start and once a day."""

import asyncio

from retainer.database.pool import UNREACHABLE, Connection, connect
from retainer.errors import Problem
from retainer.http.log import Log
from retainer.records.documents import check, storage_mark
from retainer.records.documents.storage import Storage

FIRST_SECONDS, SECONDS = 60.0, 86_400.0
ANSWER_SECONDS = 120.0  # for a statement


async def forever(url: str, storage: Storage, log: Log) -> None:
    """Clean until cancelled, on a connection of its own: a large storage takes minutes to list."""
    await asyncio.sleep(FIRST_SECONDS)
    while True:
        try:
            connection = await connect(url, answer_seconds=ANSWER_SECONDS)
            try:
                await clean(connection, storage, log)
            finally:
                connection.terminate()
        except (Problem, *UNREACHABLE) as error:
            log.event("storage was not cleaned", error=type(error).__name__)
        await asyncio.sleep(SECONDS)


async def clean(connection: Connection, storage: Storage, log: Log) -> None:
    """Remove what no document has and no upload in progress, if the storage is this database's."""
    if not await storage_mark.is_ours(connection, storage):
        log.event("storage was not cleaned", error="it is not this database's")
        return
    found = await check.clean(connection, storage)
    log.event(
        "storage was cleaned",
        uploads=found.uploads,
        orphans=found.orphans,
        half_written=found.half_written,
        foreign=found.foreign,
    )
