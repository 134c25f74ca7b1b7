"""The limit on finding out which usernames exist.

A username is unique in the whole installation, so an administrator learns by a refusal that
somebody, perhaps of another tenant, has it. Each such refusal counts for them and stands in the
audit, that of a dry run and of a line of a bulk write too; after some they may try no other.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from retainer.database.database import Db, Rows
from retainer.database.statement import Statement
from retainer.errors import Conflict, TooManyRequests
from retainer.http.request import Request

WINDOW = timedelta(minutes=15)
MAX_TAKEN = 10  # refusals of an administrator in the window

# $1 is the user, $2 the window, $3 the limit.
_KEY = "'usernames of ' || $1::bigint"
_SECONDS = "greatest(1, ceil(extract(epoch FROM t.since + $2::interval - now())))::int AS seconds"
_SECONDS_LEFT = f"""
    SELECT {_SECONDS}
    FROM throttles t WHERE t.key = {_KEY} AND t.failures >= $3 AND t.since > now() - $2::interval
"""
_LEFT_NOW = Statement(
    _SECONDS_LEFT.replace("$1", ":user").replace("$2", ":window").replace("$3", ":most")
)
_COUNT = f"""
    INSERT INTO throttles AS t (key, failures) VALUES ({_KEY}, 1)
    ON CONFLICT (key) DO UPDATE SET
        failures = CASE WHEN t.since < now() - $2::interval THEN 1 ELSE t.failures + 1 END,
        since = CASE WHEN t.since < now() - $2::interval THEN now() ELSE t.since END
    RETURNING t.failures, {_SECONDS}
"""


@asynccontextmanager
async def limited(request: Request) -> AsyncIterator[None]:
    """The limit around a change that gives a user a name. Raises TooManyRequests past it, before
    the name is looked at.

    Attempts run at once, so each is judged again by what the others have counted meanwhile: of the
    taken names that are tried, no more than MAX_TAKEN are told, and no name is added after that.
    """
    # On connections of their own, here and below: what is counted stays when the request is rolled
    # back.
    viewer, database = request.viewer.user, request.app.database
    _refuse(await database.plain(_SECONDS_LEFT, viewer, WINDOW, MAX_TAKEN))
    try:
        yield
    except Conflict as problem:
        if any(error.field == "username" for error in problem.errors):
            counted = await database.plain(_COUNT, viewer, WINDOW)
            await Request.record_refusal(request)  # for each line of a bulk write as well
            if counted[0]["failures"] > MAX_TAKEN:
                _refuse(counted)
        raise


async def refuse_past_limit(tx: Db) -> None:
    """Raise TooManyRequests when the limit has been reached since the attempt began: what it has
    written is rolled back.
    """
    _refuse(await tx.rows(_LEFT_NOW, window=WINDOW, most=MAX_TAKEN))


def _refuse(left: Rows) -> None:
    """Raise TooManyRequests where there are seconds left to wait."""
    if left:
        seconds = left[0]["seconds"]
        raise TooManyRequests(
            "Too many usernames were tried that are taken already. Try again in "
            f"{-(-seconds // 60)} minutes.",
            headers={"retry-after": str(seconds)},
        )
