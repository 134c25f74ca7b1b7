"""The shares of a process."""

from collections.abc import Callable
from functools import partial

from retainer.errors import Overloaded, Problem, Unavailable
from retainer.http.shares.places import Shares
from retainer.http.shares.turns import Turns

PLACES_OF_REQUESTS = 256  # as Route.weight counts
ADMISSION_SECONDS = 0.12  # a request that waits longer is refused: it would be answered too late


def _unavailable(detail: str) -> Callable[[], Problem]:
    return partial(Unavailable, f"{detail} Try again shortly.")


class SharesOfAll:
    """The shares of one process, but for those that are counted elsewhere: streams of changes
    (journal/live/hub.py) and connections (server/http_server.py).
    """

    def __init__(self, connections: int) -> None:
        lists = max(1, min(4, connections // 2))
        self.lists = Shares(
            lists,
            _unavailable("Too many whole lists are being sent at this moment."),
            of_member=max(1, lists // 2),
            of_group=max(1, lists - 1),
        )
        self.requests = Shares(
            PLACES_OF_REQUESTS, Overloaded, most_waiting=1000, patience=ADMISSION_SECONDS
        )
        self.turns = Turns()
        # Attempts to sign in wait for the counts of their network and account. Without a bound of
        # their own a flood of them would hold all connections.
        self.attempts = Shares(
            max(1, connections // 3),
            _unavailable("Too many people are signing in at this moment."),
            most_waiting=200,
        )
        bulks = max(1, min(3, connections // 3))
        self.bulks = Shares(
            bulks,
            _unavailable("Too many requests of many writes are running."),
            of_group=max(1, bulks - 1),
        )
