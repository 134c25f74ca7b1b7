"""Read coalescing: point reads that arrive together share one statement."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import asyncpg

Row: TypeAlias = asyncpg.Record | None
Fetch: TypeAlias = Callable[[list[int]], Awaitable[list[asyncpg.Record]]]
Waiting: TypeAlias = defaultdict[int, list[asyncio.Future[Row]]]


# A read in flight for longer than this holds nobody up: its connection may be stuck. The next one
# takes another connection, while fewer than MAX_LATE are late.
LATE_SECONDS, MAX_LATE = 0.25, 3


class ReadCoalescer:
    """Point reads by one statement for viewers who see the same rows. Those that arrive while a
    read is in flight share the next.
    """

    def __init__(self, on_idle: Callable[[], object]) -> None:
        self.on_idle = on_idle
        self.waiting: Waiting = defaultdict(list)
        self.running: asyncio.Task[None] | None = None
        self.late: set[asyncio.Task[None]] = set()
        self.fetch: Fetch | None = None  # of whoever came last

    async def read(self, fetch: Fetch, key: int) -> Row:
        # A future for each reader: cancelling one must not cancel the read of the others.
        future: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        self.waiting[key].append(future)
        self.fetch = fetch
        self._start_if_due()
        return await future

    def _start_if_due(self) -> None:
        if self.waiting and self.running is None and len(self.late) < MAX_LATE:
            assert self.fetch is not None
            self.running = asyncio.create_task(self._run(self.fetch))

    async def _run(self, fetch: Fetch) -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        while self.waiting and self.running is task:
            timer = loop.call_later(LATE_SECONDS, self._is_late, task)
            await self._read_waiting(fetch)
            timer.cancel()
        self.late.discard(task)
        if self.running is task:
            self.running = None
        self._start_if_due()
        if self.running is None and not self.late:
            self.on_idle()

    def _is_late(self, task: asyncio.Task[None]) -> None:
        """Let the next read begin although this one has not ended."""
        self.running = None
        self.late.add(task)
        self._start_if_due()

    async def _read_waiting(self, fetch: Fetch) -> None:
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


def _settle(future: asyncio.Future[Row], row: Row, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(row)
    else:
        future.set_exception(error)
