"""Deadlines that work in parts extends."""

import asyncio
import time

from retainer.http.deadlines import Deadlines


def test_an_extension_ends_at_the_latest_moment_that_is_given() -> None:
    async def work() -> None:
        deadlines = Deadlines(10)
        deadline = deadlines.begin()
        latest = time.monotonic() + 3
        for _ in range(5):  # pieces may come as often as they like
            deadlines.extend(deadline, latest=latest)
            assert deadline.at == latest
        deadlines.extend(deadline)
        assert deadline.at > latest

    asyncio.run(work())
