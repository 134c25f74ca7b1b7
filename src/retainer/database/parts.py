"""Parts of a change whose size nobody bounds: of so many rows each that no statement takes long.
After each part the request has its full time again.
"""

from collections.abc import Iterator
from typing import TypeVar

from retainer.database.database import Db
from retainer.database.pool import PLANNED_ONCE
from retainer.database.statement import Statement

T = TypeVar("T")

AT_ONCE = 500  # rows of one statement


def slices(items: list[T]) -> Iterator[list[T]]:
    """The items in lists of as many as one statement takes."""
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def is_large(items: list[T]) -> bool:
    """True for more than one statement takes."""
    return len(items) > AT_ONCE


# Plans are kept for a session: those of triggers and of foreign keys, too, which may be from when a
# table had a page or none. Many rows are written before anything analyses their table, and each of
# them would read it whole. Their plans are made anew, and by indexes; then they are kept, or each
# row would have its triggers planned again.
_PLAN_BY_INDEXES = Statement("""
    SELECT set_config('plan_cache_mode', :mode, true), set_config('enable_seqscan', :scans, true)
""")
_FORGET_PLANS = Statement("DISCARD PLANS")


async def plan_by_indexes(tx: Db) -> None:
    """Have the transaction read by indexes what it reads for each of many rows."""
    mode, scans = PLANNED_ONCE
    await tx.rows(_PLAN_BY_INDEXES, mode=mode, scans=scans)
    await tx.rows(_FORGET_PLANS)
