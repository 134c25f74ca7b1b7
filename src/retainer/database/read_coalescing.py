"""Point reads that arrive together share one statement."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg


class Batch:
    """Point reads waiting for the one in flight: whoever arrives while it runs goes with the next."""

    def __init__(self, finished: Callable[[], Any]) -> None:
        self.finished = finished
        self.waiting: defaultdict[int, list[asyncio.Future[asyncpg.Record | None]]] = defaultdict(
            list
        )
        self.running: asyncio.Task[None] | None = None

    async def read(
        self, fetch: Callable[[list[int]], Awaitable[list[asyncpg.Record]]], key: int
    ) -> asyncpg.Record | None:
        # A future for each reader: one that gives up does not take the answer from the others.
        future: asyncio.Future[asyncpg.Record | None] = asyncio.get_running_loop().create_future()
        self.waiting[key].append(future)
        if self.running is None:
            self.running = asyncio.create_task(self._run(fetch))
        return await future

    async def _run(self, fetch: Callable[[list[int]], Awaitable[list[asyncpg.Record]]]) -> None:
        while self.waiting:
            taken, self.waiting = self.waiting, defaultdict(list)
            error: Exception | None = None
            found: dict[int, asyncpg.Record] = {}
            try:
                found = {row[0]: row for row in await fetch(list(taken))}
            except Exception as raised:
                error = raised
            for key, futures in taken.items():
                for future in futures:
                    if not future.done():
                        future.set_exception(error) if error else future.set_result(found.get(key))
        self.running = None
        self.finished()
