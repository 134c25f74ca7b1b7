"""Turns of requests on the processor."""

import asyncio
from collections import deque
from collections.abc import Callable

# A request that takes longer waits for something else than the processor, and has bounds there, if
# the processor is free: then this process looks at it no later than LATE_SECONDS after that time.
# Less than ADMISSION_SECONDS: nobody is refused for waiting behind such requests.
BUSY_SECONDS = 0.1
LATE_SECONDS = 0.02


class EndOfTurn:
    """The end of a request's turn on the processor. `work` is done once: at the first call, or by
    itself when the request waits for something else than the processor.
    """

    __slots__ = ("due", "work")

    def __init__(self, work: Callable[[], None], due: float) -> None:
        self.work: Callable[[], None] | None = work
        self.due = due

    def __call__(self) -> None:
        work, self.work = self.work, None
        if work is not None:
            work()


class Turns:
    """The turns of requests, in the order in which they are looked at, behind one timer: a timer
    for each would cost as much as all else of a place.
    """

    def __init__(self) -> None:
        self.open: deque[EndOfTurn] = deque()
        self.timer: asyncio.TimerHandle | None = None

    def begin(self, work: Callable[[], None]) -> EndOfTurn:
        """The end of a turn that begins now."""
        loop = asyncio.get_running_loop()
        end = EndOfTurn(work, loop.time() + BUSY_SECONDS)
        self.open.append(end)
        if self.timer is None:
            self.timer = loop.call_at(end.due, self._look)
        return end

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self.open and (self.open[0].due <= now or self.open[0].work is None):
            end = self.open.popleft()
            if end.work is not None and now - end.due > LATE_SECONDS:
                end.due = now + BUSY_SECONDS
                self.open.append(end)
            else:
                end()
        self.timer = None
        if self.open:
            self.timer = loop.call_at(self.open[0].due, self._look)
