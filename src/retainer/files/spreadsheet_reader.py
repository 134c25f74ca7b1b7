"""Reader of one spreadsheet, run by sandbox.py; its argument is a Request as JSON. It writes lines
of JSON: the Table, then batches of rows.
"""

import gc
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO

import msgspec

from retainer.files import delimited, workbook
from retainer.files.file_kind import kind_of
from retainer.files.sandbox import Reader, Unreadable
from retainer.files.sheet_extent import COLUMNS
from retainer.files.table import Request, Row, Table

BATCH_ROWS, BATCH_CHARACTERS = 1000, 1 << 20
LOOKED_AT = 100  # rows in which the header is sought
PADDED = "Its numbers are shown with zeros before them, which are not read: make them text."
NAME = 200  # characters of a column's name


def libraries(_request: str) -> list[str]:
    """The packages that read spreadsheets."""
    return ["python_calamine"]


def read(request: str, file: BinaryIO) -> None:
    """Write the table and its rows. Raises Unreadable."""
    gc.disable()  # a million cells in lists, and no cycle among them
    asked = msgspec.json.decode(request, type=Request)
    kind = kind_of(file, asked.name)
    if kind == "csv":
        opened = delimited.open_text(file, asked.options)
        table = Table(kind, [], None, opened.encoding, opened.delimiter, 0, [], {})
        rows, left, padded = opened.rows, 0, set[int]()
    else:
        sheet = workbook.open_sheet(file, kind, asked.options.sheet)
        table = Table(kind, sheet.names, sheet.name, None, None, 0, [], {})
        rows, left, padded = sheet.rows, sheet.first_column, sheet.padded
    _write_table(table, rows, left, padded, asked.options.header_row)


def _write_table(
    table: Table, rows: Iterator[Row], left: int, padded: set[int], header_row: int | None
) -> None:
    filled = (row for row in map(_without_end, rows) if row[1])
    first = list(islice(filled, LOOKED_AT))
    while header_row is not None and first and first[-1][0] < header_row:
        following = list(islice(filled, LOOKED_AT))  # the header stands far below
        if not following:
            break
        first = following
    if not first:
        raise Unreadable("There are no rows in it.")
    place = _header_place(first, header_row)
    table.header_row, cells = first[place]
    body = first[place + 1 :]
    table.header = _names(cells, max(len(cells), _usual_width(body)), left)
    table.warnings = {
        name: PADDED for place, name in enumerate(table.header, left) if place in padded
    }
    if len(table.header) > COLUMNS:
        raise Unreadable(f"The file has more than {COLUMNS} columns.")
    if not body:
        raise Unreadable(f"There are no rows below the header in row {table.header_row:,}.")
    _write(msgspec.json.encode(table))
    _write_batches(chain(body, filled), len(table.header))


def _without_end(row: Row) -> Row:
    """The row without the empty cells at its end."""
    cells = row[1]
    while cells and (not cells[-1] or cells[-1].isspace()):
        cells.pop()
    return row


def _header_place(rows: list[Row], wanted: int | None) -> int:
    """Index of the header: of the wanted row, else of the first with several texts that differ, in
    most of the columns that the table has; else of the first row.
    """
    if wanted is not None:
        for index, (number, _) in enumerate(rows):
            if number == wanted:
                return index
        raise Unreadable(f"Row {wanted:,} is empty or not there: it cannot be the header.")
    width = max(_filled(cells) for _, cells in rows)
    return next((i for i, (_, cells) in enumerate(rows) if _is_header(cells, width)), 0)


def _filled(cells: list[str]) -> int:
    return sum(1 for cell in cells if cell)


def _is_header(cells: list[str], width: int) -> bool:
    filled = [cell.strip().casefold() for cell in cells if cell]
    texts = [cell for cell in filled if any(map(str.isalpha, cell)) and len(cell) <= NAME]
    return (
        len(texts) >= 2
        and 2 * len(filled) >= width
        and 2 * len(texts) > len(filled)
        and 5 * len(set(texts)) >= 4 * len(texts)
    )


def _usual_width(rows: list[Row]) -> int:
    """The width that one in ten rows has, or more: a few have signs between cells by mistake."""
    widths = Counter(len(cells) for _, cells in rows)
    common = [width for width, count in widths.items() if count * 10 >= len(rows)]
    return max(common, default=0)


def _names(cells: list[str], width: int, left: int) -> list[str]:
    """A name of its own for each column."""
    names = list[str]()
    seen = Counter[str]()
    for index in range(width):
        cell = cells[index] if index < len(cells) else ""
        name = " ".join(cell.split())[:NAME] or f"Column {letters(left + index)}"
        seen[name] += 1
        while seen[name] > 1 and f"{name} ({seen[name]})" in seen:
            seen[name] += 1
        if seen[name] > 1:
            name = f"{name} ({seen[name]})"
            seen[name] += 1
        names.append(name)
    return names


def letters(index: int) -> str:
    """A column as spreadsheets name it: A, Z, AA."""
    found = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        found = chr(65 + rest) + found
    return found


def _write_batches(rows: Iterator[Row], width: int) -> None:
    batch, characters = list[Row](), 0
    for row in rows:
        cells = row[1]
        if len(cells) < width:
            cells += [""] * (width - len(cells))
        batch.append(row)
        characters += sum(map(len, cells))
        if len(batch) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            _write(msgspec.json.encode(batch))
            batch, characters = [], 0
    if batch:
        _write(msgspec.json.encode(batch))


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


READER = Reader(libraries, read)
