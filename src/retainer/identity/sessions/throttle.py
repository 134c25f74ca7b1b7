"""Throttle of sign-ins: attempts per account and per network address, counted in a table that all
server processes share.

An attempt is counted before its password is checked, so that simultaneous guesses do not slip past
the limit; a successful one is uncounted. A lock ends WINDOW after the first attempt that it counts.
"""

import ipaddress
import math
from datetime import timedelta
from typing import NamedTuple

from retainer.database.database import Database
from retainer.errors import TooManyRequests
from retainer.identity.sessions import store

WINDOW = timedelta(minutes=15)
LIMIT_OF_ADDRESS = 100
LIMIT_OF_ACCOUNT = 10


class Attempt(NamedTuple):
    """An attempt that has been counted."""

    database: Database
    address: str
    username: str | None

    async def succeed(self, username: str | None = None) -> None:
        """Uncount a successful attempt: the account starts at zero, the address has one less."""
        await store.withdraw(self.database, self.address, username or self.username, was_right=True)
        await store.delete_old_attempts(self.database, WINDOW)

    async def withdraw(self) -> None:
        """Uncount an attempt whose password was never checked."""
        await store.withdraw(self.database, self.address, self.username, was_right=False)


async def begin(database: Database, address: str, username: str | None) -> Attempt:
    """Count an attempt. Raises TooManyRequests when the account or the address is at its limit."""
    attempt = Attempt(database, _network(address), username)
    seconds = await store.count(
        database, attempt.address, username, WINDOW, (LIMIT_OF_ADDRESS, LIMIT_OF_ACCOUNT)
    )
    if seconds is not None:
        raise TooManyRequests(
            f"Too many attempts. Try again in {_minutes(seconds)}.",
            headers={"retry-after": str(seconds)},
        )
    return attempt


def _minutes(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    if minutes == 1:
        return "1 minute"
    return f"{minutes} minutes"


def _network(address: str) -> str:
    """The addresses that one person is likely to have: an IPv4 address, or a /64 of IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
