"""Tables as they are read from a spreadsheet: between the reader's process and its caller."""

from msgspec import Struct

Row = tuple[int, list[str]]  # its number as the spreadsheet shows it, and its cells as text


class ReadOptions(Struct, omit_defaults=True):
    """Ways to read a file, instead of those that would be found."""

    sheet: str | None = None
    header_row: int | None = None  # as the spreadsheet shows it, from 1
    delimiter: str | None = None
    encoding: str | None = None


class Request(Struct):
    """The reader's argument: the file's name, and how to read it."""

    name: str
    options: ReadOptions


class Table(Struct):
    """Contents of a file: its kind ("csv", "xlsx", "xls", "ods"), the names of its sheets, the one
    that is read, and its header, whose names all differ. A CSV has an encoding and a delimiter, and
    no sheets. `warnings` are sentences by the names of columns.
    """

    kind: str
    sheets: list[str]
    sheet: str | None
    encoding: str | None
    delimiter: str | None
    header_row: int
    header: list[str]
    warnings: dict[str, str]
