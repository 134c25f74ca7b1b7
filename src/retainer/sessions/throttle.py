"""Guesses are counted, per account and per address, in a table that all server processes share.

An attempt counts before it is examined: guesses that arrive together do not slip past the limit. Whoever gets in
takes their attempt back. A lock ends by itself, WINDOW after the first failure.
"""

import ipaddress
from datetime import timedelta
from typing import NamedTuple

from retainer.database import Database
from retainer.errors import TooManyRequests

WINDOW = timedelta(minutes=15)
MOST_OF_ACCOUNT = 10
MOST_OF_ADDRESS = 100

# The username as the users' unique index compares it, so that no spelling of it has a count of its own; digested,
# because people type passwords into the wrong field.
ACCOUNT = "'account ' || encode(sha256(convert_to(lowercase({}), 'UTF8')), 'hex')"

# Always the address before the account, so that two attempts never wait for each other. An address that is locked
# cannot lock further accounts.
_COUNT = f"""
    WITH address AS (
        INSERT INTO throttles AS t (key, failures) VALUES ('address ' || $1::text, 1)
        ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN t.since < now() - $3::interval THEN 1 ELSE least(t.failures, 1000000) + 1 END,
            since = CASE WHEN t.since < now() - $3::interval THEN now() ELSE t.since END
        RETURNING failures, since
    ), account AS (
        INSERT INTO throttles AS t (key, failures)
        SELECT {ACCOUNT.format("$2::text")}, 1 FROM address WHERE $2::text IS NOT NULL AND address.failures <= $5
        ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN t.since < now() - $3::interval THEN 1 ELSE least(t.failures, 1000000) + 1 END,
            since = CASE WHEN t.since < now() - $3::interval THEN now() ELSE t.since END
        RETURNING failures, since
    )
    SELECT greatest(1, ceil(extract(epoch FROM max(since) + $3::interval - now())))::int AS seconds
    FROM (SELECT failures, since, $4::int AS most FROM account
          UNION ALL SELECT failures, since, $5::int FROM address) counted
    WHERE failures > most
    HAVING count(*) > 0
"""

_FORGIVE = f"""
    WITH address AS (
        UPDATE throttles SET failures = greatest(failures - 1, 0) WHERE key = 'address ' || $1::text RETURNING key
    )
    UPDATE throttles SET failures = CASE WHEN $3::boolean THEN 0 ELSE greatest(failures - 1, 0) END
    WHERE key = {ACCOUNT.format("$2::text")} AND (SELECT count(*) FROM address) >= 0
"""

# Skipping what others hold: cleaning up never waits, so it cannot deadlock with an attempt.
_CLEAN = """
    DELETE FROM throttles WHERE key IN (
        SELECT key FROM throttles WHERE since < now() - $1::interval LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


class Attempt(NamedTuple):
    """One guess that has been counted."""

    database: Database
    address: str
    username: str | None

    async def succeed(self) -> None:
        """It was right: the account's count starts anew, the address gets this one back."""
        await self.database.plain(_FORGIVE, self.address, self.username, True)
        await self.database.plain(_CLEAN, WINDOW)

    async def take_back(self) -> None:
        """It was not examined."""
        await self.database.plain(_FORGIVE, self.address, self.username, False)


async def begin(database: Database, address: str, username: str | None) -> Attempt:
    """Count an attempt. Raises TooManyRequests when the account or the address has had its share."""
    attempt = Attempt(database, _network(address), username)
    rows = await database.plain(_COUNT, attempt.address, username, WINDOW, MOST_OF_ACCOUNT, MOST_OF_ADDRESS)
    if rows:
        seconds = rows[0]["seconds"]
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
