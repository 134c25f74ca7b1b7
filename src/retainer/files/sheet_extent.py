"""Extent of sheets, found by a look at their XML as a stream, before a library opens it: libraries
take memory for the whole rectangle around a sheet's values, and a file of 5 kB can ask for 549 GB.
The size that a sheet says it has is not believed.

Tags are found by patterns. A file that hides its cells from them meets the limit of memory.
"""

import re
import string
import zipfile
from collections.abc import Iterator
from typing import IO

from retainer.files.sandbox import Unreadable

ROWS, COLUMNS, CELLS = 1_000_000, 500, 20_000_000
PIECE = 1 << 20  # bytes
LONGEST_TAG = 1 << 16  # bytes; a longer one is no cell

# Prefixes of names are free, and so is the order of attributes. A tag that ends with "/" is of an
# empty cell.
_CELL = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br=[\"']([A-Za-z]{1,4}[0-9]{1,9})[\"'][^>]*(?<!/)>")
_STYLED_NUMBER = re.compile(rb'<c r="([A-Z]{1,4})[0-9]{1,9}" s="([0-9]{1,5})"(?: t="n")?>')
_DIGITS, _LETTERS = string.digits.encode(), string.ascii_letters.encode()
_TAG = re.compile(rb"<(?:\w+:)?(table|table-row|(?:covered-)?table-cell)(?=[\s/>])([^>]*)>")
_REPEATED = re.compile(rb"-repeated=[\"']([0-9]{1,12})[\"']")
_VALUE = re.compile(rb"(?:value-type|formula)=")


class Extent:
    """Rectangle around the cells that have a value, numbered from 1."""

    def __init__(self) -> None:
        self.rows = self.columns = range(0)

    def add(self, rows: range, columns: range) -> None:
        """Take in a rectangle of cells. Raises Unreadable when the whole gets too large."""
        self.rows = _around(self.rows, rows)
        self.columns = _around(self.columns, columns)
        if self.rows.stop - 1 > ROWS:
            raise Unreadable(f"The sheet has more than {ROWS:,} rows. Split it into several files.")
        if self.columns.stop - 1 > COLUMNS:
            raise Unreadable(f"The sheet has more than {COLUMNS} columns.")
        if len(self.rows) * len(self.columns) > CELLS:
            raise Unreadable(
                f"The sheet has more than {CELLS:,} cells, empty ones between others included."
            )


def _around(one: range, other: range) -> range:
    if not one:
        return other
    return range(min(one.start, other.start), max(one.stop, other.stop))


def check_sheet(archive: zipfile.ZipFile, path: str, padded: frozenset[bytes]) -> set[int]:
    """Look at a sheet of an .xlsx file. Returns the indexes of the columns with a number in one of
    the `padded` styles, those that show zeros before it. Raises Unreadable when it is too large.
    """
    extent, letters = Extent(), set[bytes]()
    with archive.open(path) as stream:
        for piece in _pieces(stream):
            if places := b" ".join(_CELL.findall(piece)):
                rows = set(places.translate(None, _LETTERS).split())
                columns = set(places.translate(None, _DIGITS).split())
                extent.add(_span(map(int, rows)), _span(map(_column, columns)))
            if padded:
                found = _STYLED_NUMBER.findall(piece)
                letters |= {column for column, style in found if style in padded}
    return {_column(column) - 1 for column in letters}


def _span(numbers: Iterator[int]) -> range:
    found = sorted(numbers)
    return range(found[0], found[-1] + 1)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def check_tables(archive: zipfile.ZipFile) -> None:
    """Look at all tables of an .ods file, which is opened as a whole. Raises Unreadable when one is
    too large.
    """
    extent, row, column, rows = Extent(), 0, 0, 0
    with archive.open("content.xml") as stream:
        for piece in _pieces(stream):
            for name, attributes in _TAG.findall(piece):
                if name == b"table":
                    extent, row, rows = Extent(), 0, 0
                elif name == b"table-row":
                    row, column, rows = row + rows, 0, _times(attributes)
                else:
                    columns = _times(attributes)
                    if _VALUE.search(attributes):
                        extent.add(
                            range(row + 1, row + rows + 1), range(column + 1, column + columns + 1)
                        )
                    column += columns


def _times(attributes: bytes) -> int:
    found = _REPEATED.search(attributes)
    if found is None:
        return 1
    return max(1, int(found[1]))


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream in pieces that end between tags."""
    rest = b""
    while read := stream.read(PIECE):
        piece = rest + read
        cut = piece.rfind(b"<")
        if cut < 0 or piece.find(b">", cut) >= 0 or len(piece) - cut > LONGEST_TAG:
            cut = len(piece)
        yield piece[:cut]
        rest = piece[cut:]
    yield rest
