"""Several jobs at the same moment."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

# On a busy machine requests that come at once wait longer than the server lets them.
MOST_ATTEMPTS = 100
_NOT_BEGUN = (
    "The database cannot be reached at the moment.",
    "All database connections are busy.",
    "More is asked for at this moment",
    "Too many requests of many writes are running.",
)


def together(jobs: list[Callable[[], Any]]) -> list[Any]:
    """The results of all jobs, begun at the same moment. Requests are sent as by `admitted`."""
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        gate.wait()
        return admitted(job)

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(run, jobs))


def admitted(send: Callable[[], Any]) -> Any:
    """The answer to a request, sent again while the server refuses to begin it, as clients do."""
    for _ in range(MOST_ATTEMPTS):
        if not was_not_begun(answer := send()):
            break
        time.sleep(0.1)
    return answer


def was_not_begun(answer: Any) -> bool:
    """True for a refusal before anything was done, of a request or of the line of a bulk write."""
    return isinstance(answer, httpx.Response) and any(words in answer.text for words in _NOT_BEGUN)
