"""Throttle of sign-ins, counted in a table that all server processes share.

Guesses are limited where they come from: a network has so many at all accounts, and a few at one.
An account has no limit of its own, or anybody could lock it: after many attempts from anywhere it
is answered more slowly. A browser with proof of an earlier sign-in (known_browsers.py) counts
for itself, and waits for nobody.

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
LIMIT_AT_ACCOUNT = 10  # of one network, or of one browser with a proof
SLOW_AFTER = 10  # attempts on an account, from anywhere
SLOW_SECONDS = 2.0


class Attempt(NamedTuple):
    """An attempt that has been counted. `seconds` is how long to wait before it is judged."""

    database: Database
    address: str | None
    username: str | None
    place: str
    seconds: float

    async def succeed(self, username: str | None = None) -> None:
        """Uncount a successful attempt: its place at the account starts at zero, the address has
        one less.
        """
        await store.withdraw(
            self.database, self.address, username or self.username, self.place, was_right=True
        )

    async def withdraw(self) -> None:
        """Uncount an attempt whose password was never checked, but for its network: a flood would
        never be counted otherwise.
        """
        await store.withdraw(self.database, None, self.username, self.place, was_right=False)


async def begin(
    database: Database, address: str, username: str | None, proof: str | None = None
) -> Attempt:
    """Count an attempt; `proof` names the browser that proved who it is. Raises TooManyRequests
    when its address, or its place at the account, is at its limit.
    """
    from_network: str | None = network(address)
    place = f"network {from_network}"
    if proof is not None:
        from_network, place = None, f"browser {proof}"
    counts = await store.count(
        database, from_network, username, place, WINDOW, (LIMIT_OF_ADDRESS, LIMIT_AT_ACCOUNT)
    )
    seconds = counts["seconds"]
    if seconds is not None:
        raise TooManyRequests(
            f"Too many attempts. Try again in {_minutes(seconds)}.",
            headers={"retry-after": str(seconds)},
        )
    waits = proof is None and (counts["of_account"] or 0) > SLOW_AFTER
    return Attempt(database, from_network, username, place, SLOW_SECONDS if waits else 0.0)


def _minutes(seconds: int) -> str:
    minutes = math.ceil(seconds / 60)
    if minutes == 1:
        return "1 minute"
    return f"{minutes} minutes"


def network(address: str) -> str:
    """The addresses that one person is likely to have: an IPv4 address, or a /64 of IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
