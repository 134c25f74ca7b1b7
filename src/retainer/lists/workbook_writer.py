"""Program that writes the rows of a list as an .xlsx file. It runs apart from the server: a hundred
thousand rows take a processor for seconds. Its arguments are the name of the sheet, the columns and
those that are dates, each with commas between; standard input has a row a line as JSON, standard
output is the file.

Texts are quoted as in CSV, so that a file means the same whether it is saved as one or the other.
"""

import os
import re
import sys
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from retainer.database import exact_json
from retainer.lists.formats import cell_text, quoted_always

MOST_ROWS = 1_048_576  # of a sheet, with its header
LONGEST = 32_767  # characters of a cell
DIGITS = 15  # that a number of a spreadsheet keeps
FIRST_DAY = date(1900, 3, 1)  # before it spreadsheets do not agree on days
LEFT_OUT = "Left out"
_RICH = re.compile(r"<r>.*</r>", re.DOTALL)  # the writer would take it for its own XML


def write(
    name: str, columns: list[str], dates: list[str], lines: Iterable[bytes], file: BinaryIO
) -> None:
    """Write the rows to a file that can be sought in."""
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        writer = _Writer(book, name, columns, dates)
        for line in lines:
            writer.add(exact_json.decode(line, dict[str, object]))
        writer.tell_left_out()


class _Writer:
    """The rows of one list, on as many sheets as they take."""

    def __init__(self, book: Any, name: str, columns: list[str], dates: list[str]) -> None:
        self.book = book
        self.name = name
        self.columns = columns
        self.dates = frozenset(dates)
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self.left_out: list[tuple[str, int, str, int]] = []
        self.sheets = 0
        self._begin_sheet()

    def _begin_sheet(self) -> None:
        self.sheets += 1
        number = f" {self.sheets}" if self.sheets > 1 else ""
        self.sheet = self.book.add_worksheet(f"{self.name}{number}")
        self.sheet.freeze_panes(1, 0)
        for place, column in enumerate(self.columns):
            self.sheet.write_string(0, place, column)
        self.row = 1

    def add(self, values: dict[str, object]) -> None:
        """Write one row."""
        if self.row == MOST_ROWS:
            self._begin_sheet()
        for place, column in enumerate(self.columns):
            value = values[column]
            if value is not None:
                self._put(place, column, value)
        self.row += 1

    def _put(self, place: int, column: str, value: object) -> None:
        if _is_short_number(value):
            self.sheet.write_number(self.row, place, value)
            return
        if column in self.dates and isinstance(value, str):
            day = date.fromisoformat(value)
            if day >= FIRST_DAY:
                self.sheet.write_datetime(self.row, place, day, self.day)
                return
        text = cell_text(value)
        if _RICH.fullmatch(text):
            text = quoted_always(text)
        if len(text) > LONGEST:
            self.left_out.append((self.sheet.name, self.row + 1, column, len(text)))
        elif text:
            self.sheet.write_string(self.row, place, text)

    def tell_left_out(self) -> None:
        """Name the texts that no cell can hold, on a last sheet."""
        if not self.left_out:
            return
        sheet = self.book.add_worksheet(LEFT_OUT)
        words = ("Sheet", "Row", "Column", "Characters", f"A cell holds {LONGEST:,} characters")
        sheet.write_row(0, 0, words)
        for row, told in enumerate(self.left_out[: MOST_ROWS - 1], 1):
            sheet.write_row(row, 0, told)


def _is_short_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    return len(str(value).strip("-").replace(".", "")) <= DIGITS and "E" not in str(value).upper()


if __name__ == "__main__":
    os.nice(10)  # people who ask for pages come first
    named, all_columns, of_dates = sys.argv[1:]
    write(named, all_columns.split(","), of_dates.split(","), sys.stdin.buffer, sys.stdout.buffer)
