"""The services of a process, as a request reaches them; `server/app.py` assembles them.

Services of packages above this one (documents' storage, live updates) are looked up by their class,
so that nothing here imports them.
"""

from typing import Protocol, TypeVar

from retainer.config import Network, Settings
from retainer.database.database import Database
from retainer.http.deadlines import Deadlines
from retainer.http.log import Log
from retainer.http.routing import Table
from retainer.http.shares.process import SharesOfAll
from retainer.permissions import Viewer

T = TypeVar("T")


class Sessions(Protocol):
    """Sessions by their cookies; `listening` while changes made by other processes are heard."""

    listening: bool

    async def viewer(self, token: str) -> Viewer | None:
        """The viewer of a cookie's value, or None when it is no live session."""

    def remembered(self, token: str) -> Viewer | None:
        """The viewer of a cookie's value, where its row need not be read; else None."""

    def forget(self, user: int) -> None:
        """Read the sessions of this user anew: something about them has changed."""


class Services(Protocol):
    """The services of one process."""

    settings: Settings
    table: Table
    log: Log
    database: Database
    deadlines: Deadlines
    proxies: list[Network]
    shares: SharesOfAll

    @property
    def sessions(self) -> Sessions:
        """The sessions of everybody who is signed in."""

    def read_list(self, spec: object, query_string: bytes, zone: str) -> object:
        """The query of a route's list, "today" being the time zone's. Raises Invalid."""

    def get(self, service: type[T]) -> T:
        """The one service of this class. Raises KeyError where there is none."""
