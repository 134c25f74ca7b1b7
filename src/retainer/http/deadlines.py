"""Requests that take too long are ended. A look at all of them now and then costs less than a timer
for each.
"""

import asyncio
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
        """The current task's request begins."""
        task = asyncio.current_task()
        assert task is not None
        deadline = Deadline(task, time.monotonic() + self.seconds)
        self.running.add(deadline)
        return deadline

    def extend(self, deadline: Deadline, more: float = 0) -> None:
        """It goes on: as long again from now, and so many seconds more."""
        deadline.at = time.monotonic() + self.seconds + more

    def end(self, deadline: Deadline) -> None:
        self.running.discard(deadline)

    async def watch(self) -> None:
        """Until cancelled: cancel the task of every request whose time has run out."""
        while True:
            await asyncio.sleep(PAUSE)
            now = time.monotonic()
            for deadline in [each for each in self.running if each.at < now]:
                deadline.has_passed = True
                self.end(deadline)
                deadline.task.cancel()
