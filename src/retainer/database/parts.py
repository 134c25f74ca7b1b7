"""Parts of a change whose size nobody bounds: of so many rows each that no statement takes long.
After each part the request has its full time again.
"""

from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 500  # rows of one statement


def slices(items: list[T]) -> Iterator[list[T]]:
    """The items in lists of as many as one statement takes."""
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
