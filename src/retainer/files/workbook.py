"""Rows of a sheet of an .xlsx, .xls or .ods file, as people see them in a spreadsheet."""

import datetime
import re
import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO, NamedTuple
from xml.etree import ElementTree

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from retainer.files import sheet_extent
from retainer.files.sandbox import Unreadable
from retainer.files.table import Row

DAMAGED = "The file is damaged or was cut off. Save or export it again."
LARGEST_INDEX = 16 << 20  # bytes of the list of sheets
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    ElementTree.ParseError,
    KeyError,
    ValueError,
    EOFError,
    OSError,
    NotImplementedError,
)
_STYLES = "xl/styles.xml"
_PADDED = re.compile(r"0{2,}(?:;.*)?", re.DOTALL)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


class Sheet(NamedTuple):
    """One sheet of a file, with the names of all."""

    names: list[str]
    name: str
    first_column: int  # index of the first that has a value
    rows: Iterator[Row]
    padded: set[int]  # indexes of columns with numbers that are shown with zeros before them


def open_sheet(file: BinaryIO, kind: str, wanted: str | None) -> Sheet:
    """The wanted sheet, or the first one that is shown. Raises Unreadable."""
    padded = set[int]()
    if kind != "xls":
        padded = _look(file, kind, wanted)
    file.seek(0)
    try:
        book = CalamineWorkbook.from_filelike(file)
        names = _shown(book)
        name = _chosen(names, wanted)
        sheet = book.get_sheet_by_name(name)
    except PasswordError:
        raise Unreadable(
            "The file is locked with a password. Remove it, and upload it again."
        ) from None
    except (CalamineError, ValueError, OSError):
        raise Unreadable(DAMAGED) from None
    if sheet.total_width > sheet_extent.COLUMNS:
        raise Unreadable(f"The sheet has more than {sheet_extent.COLUMNS} columns.")
    return Sheet(names, name, (sheet.start or (0, 0))[1], _rows(sheet), padded)


def _look(file: BinaryIO, kind: str, wanted: str | None) -> set[int]:
    """Look at the sheet before it is opened. Returns its padded columns. Raises Unreadable."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            if kind == "ods":
                sheet_extent.check_tables(archive)
                return set()
            paths = _paths(archive)
            path = paths[_chosen(list(paths), wanted)]
            return sheet_extent.check_sheet(archive, path, _padded_styles(archive))
    except _BROKEN:
        raise Unreadable(DAMAGED) from None


def _paths(archive: zipfile.ZipFile) -> dict[str, str]:
    """The paths of the sheets of an .xlsx file that are shown, by their names."""
    types = dict[str, tuple[str, str]]()
    for relation in _index(archive, "xl/_rels/workbook.xml.rels"):
        type = relation.get("Type", "").rpartition("/")[2]
        types[relation.get("Id", "")] = (type, relation.get("Target", ""))
    paths, hidden = dict[str, str](), dict[str, str]()
    for sheet in _index(archive, "xl/workbook.xml").iterfind("{*}sheets/{*}sheet"):
        key = sheet.get(_RELATION) or sheet.get(_STRICT_RELATION) or ""
        type, target = types[key]
        if type == "worksheet":
            path = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
            is_shown = sheet.get("state", "visible") == "visible"
            (paths if is_shown else hidden)[sheet.get("name", "")] = path
    return paths or hidden


def _padded_styles(archive: zipfile.ZipFile) -> frozenset[bytes]:
    """The numbers of the styles that show zeros before a number, such as 00000."""
    if _STYLES not in archive.namelist():
        return frozenset()
    styles = _index(archive, _STYLES)
    formats = styles.iterfind("{*}numFmts/{*}numFmt")
    padded = {
        one.get("numFmtId") for one in formats if _PADDED.fullmatch(one.get("formatCode", ""))
    }
    cells = enumerate(styles.iterfind("{*}cellXfs/{*}xf"))
    return frozenset(b"%d" % place for place, xf in cells if xf.get("numFmtId") in padded)


def _index(archive: zipfile.ZipFile, path: str) -> ElementTree.Element:
    with archive.open(path) as stream:
        text = stream.read(LARGEST_INDEX)
    return ElementTree.fromstring(text)  # noqa: S314 -- in the sandbox


def _shown(book: CalamineWorkbook) -> list[str]:
    sheets = [each for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    shown = [each.name for each in sheets if each.visible == SheetVisibleEnum.Visible]
    return shown or [each.name for each in sheets]


def _chosen(names: list[str], wanted: str | None) -> str:
    if not names:
        raise Unreadable("There is no sheet with cells in it.")
    if wanted is None:
        return names[0]
    if wanted not in names:
        raise Unreadable(f"There is no sheet named {wanted}: choose one of {', '.join(names)}.")
    return wanted


def _rows(sheet: CalamineSheet) -> Iterator[Row]:
    left = sheet.start[1] if sheet.start else 0
    merged, above = _merged(sheet, left), list[str]()
    for number, values in enumerate(sheet.iter_rows(), 1):
        cells = [value if type(value) is str else text(value) for value in values]
        if merged:
            for column in merged.get(number, ()):
                cells[column] = above[column]
            above = cells.copy()
        yield number, cells


def _merged(sheet: CalamineSheet, left: int) -> dict[int, list[int]]:
    """By the number of a row the indexes of the cells that have the value of the one above: a cell
    over several rows has its value in each, in its first column.
    """
    found = dict[int, list[int]]()
    for (first_row, column), (last_row, _) in sheet.merged_cell_ranges or ():
        for number in range(first_row + 2, min(last_row, sheet.total_height - 1) + 2):
            if left <= column < sheet.total_width:
                found.setdefault(number, []).append(column - left)
    return found


def text(value: object) -> str:
    """The text of a value that is none: a number in its shortest form, a date as ISO 8601."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return _number(value)
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime():
            return value.isoformat(timespec="milliseconds").removesuffix(".000")
        case datetime.timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(value)  # an integer, a date or a time


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    # Spreadsheets show 15 digits: the sum of 0.1 and 0.2 is 0.3 there.
    shortest = Decimal(f"{value:.15g}")
    return f"{shortest:f}"
