"""The limit on finding out which usernames exist.

A username is unique in the whole installation, so an administrator learns by a refusal that
somebody, perhaps of another tenant, has it. Each such refusal counts for them and stands in the
audit, that of a dry run and of a line of a bulk write too; after some they may try no other.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from retainer.errors import Conflict, TooManyRequests
from retainer.http.request import Request

WINDOW = timedelta(minutes=15)
MAX_TAKEN = 10  # refusals of an administrator in the window

_SECONDS_LEFT = """
    SELECT greatest(1, ceil(extract(epoch FROM t.since + $2::interval - now())))::int AS seconds
    FROM throttles t WHERE t.key = $1 AND t.failures >= $3 AND t.since > now() - $2::interval
"""
_COUNT = """
    INSERT INTO throttles AS t (key, failures) VALUES ($1, 1)
    ON CONFLICT (key) DO UPDATE SET
        failures = CASE WHEN t.since < now() - $2::interval THEN 1 ELSE t.failures + 1 END,
        since = CASE WHEN t.since < now() - $2::interval THEN now() ELSE t.since END
"""


@asynccontextmanager
async def limited(request: Request) -> AsyncIterator[None]:
    """The limit around a change that gives a user a name. Raises TooManyRequests past it, before
    the name is looked at.
    """
    key = f"usernames of {request.viewer.user}"
    database = request.app.database
    # On connections of their own, here and below: what is counted stays when the request is rolled
    # back.
    left = await database.plain(_SECONDS_LEFT, key, WINDOW, MAX_TAKEN)
    if left:
        seconds = left[0]["seconds"]
        raise TooManyRequests(
            "Too many usernames were tried that are taken already. Try again in "
            f"{-(-seconds // 60)} minutes.",
            headers={"retry-after": str(seconds)},
        )
    try:
        yield
    except Conflict as problem:
        if any(error.field == "username" for error in problem.errors):
            await database.plain(_COUNT, key, WINDOW)
            await Request.record_refusal(request)  # for each line of a bulk write as well
        raise
