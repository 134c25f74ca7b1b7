"""Deadlines of requests. One check of all of them, four times a second, costs less than a timer for
each.
"""

import asyncio
import math
import time

PAUSE = 0.25  # seconds


class Deadline:
    """The end of one request's time, and the task to cancel then."""

    __slots__ = ("at", "has_passed", "task")

    def __init__(self, task: "asyncio.Task[object]", at: float) -> None:
        self.task = task
        self.at = at
        self.has_passed = False


class Deadlines:
    """All requests that are being answered."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.running: set[Deadline] = set()

    def begin(self) -> Deadline:
        """Start the time of the current task's request."""
        task = asyncio.current_task()
        assert task is not None
        deadline = Deadline(task, time.monotonic() + self.seconds)
        self.running.add(deadline)
        return deadline

    def extend(self, deadline: Deadline, more: float = 0, latest: float = math.inf) -> None:
        """Allow the request its full time again from now, plus `more` seconds, but not beyond the
        moment `latest` of the monotonic clock.
        """
        deadline.at = min(time.monotonic() + self.seconds + more, latest)

    def end(self, deadline: Deadline) -> None:
        self.running.discard(deadline)

    async def watch(self) -> None:
        """Cancel the task of every request whose time has run out, until cancelled itself."""
        while True:
            await asyncio.sleep(PAUSE)
            now = time.monotonic()
            for deadline in [each for each in self.running if each.at < now]:
                deadline.has_passed = True
                self.end(deadline)
                deadline.task.cancel()
