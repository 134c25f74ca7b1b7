"""Guesses are counted, per account and per address, in a table that all server processes share.

An attempt counts before it is examined: guesses that arrive together do not slip past the limit.
Whoever gets in takes their attempt back. A lock ends by itself, WINDOW after the first of the
attempts it counts.
"""

import ipaddress
from datetime import timedelta
from typing import NamedTuple

from retainer.database.database import Database
from retainer.errors import TooManyRequests
from retainer.identity.sessions import store

WINDOW = timedelta(minutes=15)
MOST_OF_ADDRESS = 100
MOST_OF_ACCOUNT = 10


class Attempt(NamedTuple):
    """One guess that has been counted."""

    database: Database
    address: str
    username: str | None

    async def succeed(self, username: str | None = None) -> None:
        """It was right: the account's count starts anew, the address gets this one back."""
        await store.take_back(
            self.database, self.address, username or self.username, was_right=True
        )
        await store.clear_away(self.database, WINDOW)

    async def take_back(self) -> None:
        """It was no guess."""
        await store.take_back(self.database, self.address, self.username, was_right=False)


async def begin(database: Database, address: str, username: str | None) -> Attempt:
    """Count an attempt. Raises TooManyRequests when the account or the address has had its share."""
    attempt = Attempt(database, _network(address), username)
    seconds = await store.count(
        database, attempt.address, username, WINDOW, most=(MOST_OF_ADDRESS, MOST_OF_ACCOUNT)
    )
    if seconds is not None:
        minutes = -(-seconds // 60)
        raise TooManyRequests(
            f"Too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}.",
            headers=[(b"retry-after", b"%d" % seconds)],
        )
    return attempt


def _network(address: str) -> str:
    """What one person has of addresses: an IPv4 address, or a /64 of IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
