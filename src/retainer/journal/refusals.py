"""Refusals in the journal. The first of a user's action in a minute is an operation at once; the
others are counted (refusal() in database/functions/journal.sql), and become one operation when the
minute is over.
"""

import asyncio
from contextlib import suppress

from retainer.database.database import Database
from retainer.errors import Problem

PAUSE_SECONDS = 5.0


async def close_forever(database: Database) -> None:
    """Close the counts of minutes that are over, until cancelled. Every process does it: what one
    has closed the others do not find.
    """
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        with suppress(Problem):  # without the database the counts stay
            await close(database)


async def close(database: Database) -> int:
    """Make an operation of each count whose minute is over; how many there were."""
    rows = await database.plain("SELECT close_refusals()")
    return int(rows[0][0])
