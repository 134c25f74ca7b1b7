"""Read coalescing: point reads that arrive together share one statement."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import asyncpg

Row: TypeAlias = asyncpg.Record | None
Fetch: TypeAlias = Callable[[list[int]], Awaitable[list[asyncpg.Record]]]
Waiting: TypeAlias = defaultdict[int, list[asyncio.Future[Row]]]


class ReadCoalescer:
    """Point reads by one statement for viewers who see the same rows. Those that arrive while a
    read is in flight share the next.
    """

    def __init__(self, on_idle: Callable[[], object]) -> None:
        self.on_idle = on_idle
        self.waiting: Waiting = defaultdict(list)
        self.running: asyncio.Task[None] | None = None

    async def read(self, fetch: Fetch, key: int) -> Row:
        # A future for each reader: cancelling one must not cancel the read of the others.
        future: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        self.waiting[key].append(future)
        if self.running is None:
            self.running = asyncio.create_task(self._run(fetch))
        return await future

    async def _run(self, fetch: Fetch) -> None:
        while self.waiting:
            readers, self.waiting = self.waiting, defaultdict(list)
            error: Exception | None = None
            rows: dict[int, asyncpg.Record] = {}
            try:
                rows = {row[0]: row for row in await fetch(list(readers))}
            except Exception as raised:
                error = raised
            for key, futures in readers.items():
                for future in futures:
                    _settle(future, rows.get(key), error)
        self.running = None
        self.on_idle()


def _settle(future: asyncio.Future[Row], row: Row, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(row)
    else:
        future.set_exception(error)
