"""Rows of a text file: values between delimiters (CSV)."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from retainer.files.sandbox import Unreadable
from retainer.files.table import ReadOptions, Row

DELIMITERS = ",;\t|"
LARGEST_CELL = 1 << 20  # characters
SAMPLE = 1 << 16  # characters in which the delimiter is sought
SAMPLE_ROWS = 50
REMEDY = "Save it as UTF-8, or choose its encoding."
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Text(NamedTuple):
    """A text file, open."""

    encoding: str
    delimiter: str
    rows: Iterator[Row]


def open_text(file: BinaryIO, options: ReadOptions) -> Text:
    """The file's rows, from its beginning. Raises Unreadable."""
    encoding = _known(options.encoding) or _encoding(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding, newline="")
    try:
        start = text.read(SAMPLE)
    except UnicodeError:
        raise _wrong(encoding) from None
    if "\0" in start:
        raise Unreadable("The file is neither a spreadsheet nor a text.")
    said, start = _said_delimiter(start.removeprefix("\ufeff"))
    delimiter = options.delimiter or said or _delimiter(start)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise Unreadable(f"{delimiter!r} cannot be a delimiter.")
    return Text(encoding, delimiter, _rows(_lines(start, text), delimiter, encoding))


def _known(encoding: str | None) -> str | None:
    if encoding is None:
        return None
    try:
        codecs.lookup(encoding)
        b"a".decode(encoding, "ignore")
    except LookupError:
        raise Unreadable(f"There is no encoding named {encoding}: UTF-8 is one.") from None
    return encoding.lower()


def _encoding(file: BinaryIO) -> str:
    """The encoding by the byte order mark, else by the zeros of UTF-16, else the first of UTF-8 and
    Windows-1252 that all of the file is in. Raises Unreadable.
    """
    file.seek(0)
    start = file.read(4096)
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return encoding
    if start[1::2].count(0) * 3 > len(start):
        return "utf-16-le"
    if start[::2].count(0) * 3 > len(start):
        return "utf-16-be"
    for encoding in ("utf-8", "windows-1252"):
        if _is_in(file, encoding):
            return encoding
    raise Unreadable(f"The file is neither in UTF-8 nor in UTF-16 or Windows-1252. {REMEDY}")


def _is_in(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while piece := file.read(1 << 20):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _said_delimiter(start: str) -> tuple[str, str]:
    """The delimiter of Excel's first line `sep=;`, and the text without that line."""
    line, end, rest = start.partition("\n")
    if end and line.lower().startswith("sep=") and len(line.rstrip("\r")) == 5:
        return line[4], rest
    return "", start


def _delimiter(start: str) -> str:
    """The delimiter that gives most rows one width, and the widest one."""
    return max(DELIMITERS, key=lambda delimiter: _fit(start, delimiter))


def _fit(start: str, delimiter: str) -> tuple[float, int]:
    widths = Counter[int]()
    try:
        for row in csv.reader(io.StringIO(start, newline=""), delimiter=delimiter):
            if row:
                widths[len(row)] += 1
            if widths.total() >= SAMPLE_ROWS:
                break
    except csv.Error:
        return 0, 0
    if len(start) >= SAMPLE and widths.total() > 1:
        widths[len(row)] -= 1  # cut off
    several = [(count, width) for width, count in widths.items() if width > 1]
    if not several:
        return 0, 0
    count, width = max(several)
    return count / widths.total(), width


def _lines(start: str, text: io.TextIOWrapper) -> Iterator[str]:
    """The lines of the file, of which `start` is read already."""
    lines = io.StringIO(start, newline="").readlines()
    last = lines.pop() if lines else ""
    yield from lines
    if last.endswith("\r"):  # its line feed may be the next character
        last += text.readline(1)
    if not last.endswith(("\n", "\r")):
        last += text.readline()
    if last:
        yield last
    yield from text


def _rows(lines: Iterator[str], delimiter: str, encoding: str) -> Iterator[Row]:
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.reader(lines, delimiter=delimiter)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if cells:
                yield number, cells
    except UnicodeError:
        raise _wrong(encoding) from None
    except csv.Error:
        raise Unreadable(
            f"Row {number + 1:,} has a cell of more than {LARGEST_CELL:,} characters:"
            ' a quotation mark (") is missing before it, or at its end.'
        ) from None


def _wrong(encoding: str) -> Unreadable:
    return Unreadable(f"The file is not in {encoding.upper()} throughout. {REMEDY}")
