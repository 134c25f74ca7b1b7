"""Kind of a spreadsheet's file, from its bytes; a name that says otherwise is refused."""

import zipfile
from pathlib import PurePath
from typing import BinaryIO

from retainer.files.sandbox import Unreadable

UNPACKED = 2 << 30  # bytes that an archive may declare to hold, unpacked
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

NAMES = {
    "csv": "a text file",
    "xlsx": "an Excel workbook (.xlsx)",
    "xls": "an old Excel workbook (.xls)",
    "ods": "an OpenDocument spreadsheet (.ods)",
}
BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".ods": "ods",
}
# By their first bytes, what people send by mistake.
OTHERS = {
    b"%PDF": "a PDF file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"{\\rtf": "a text document (RTF)",
    b"\x1f\x8b": "a packed file (gzip)",
    b"7z\xbc\xaf": "a packed file (7z)",
    b"Rar!": "a packed file (RAR)",
    b"SQLite format": "a database",
    b"<!doctype html": "a web page (HTML)",
    b"<html": "a web page (HTML)",
    b"<?xml": "an XML file",
}
REMEDY = "Save it as .xlsx or .csv, and upload that."


def kind_of(file: BinaryIO, name: str) -> str:
    """Kind of the file, "csv" for any text. Raises Unreadable for others, and where its name says
    another one.
    """
    file.seek(0)
    start = file.read(512)
    if not start:
        raise Unreadable("The file is empty.")
    kind = _kind(file, start)
    file.seek(0)
    named = BY_SUFFIX.get(PurePath(name).suffix.lower())
    if named is not None and named != kind:
        raise Unreadable(
            f"The file is {NAMES[kind]} by its content, but its name ends in"
            f" {PurePath(name).suffix}. {REMEDY}"
        )
    return kind


def _kind(file: BinaryIO, start: bytes) -> str:
    if start.startswith(OLE):
        return _old_kind(file)
    if start.startswith((ZIP, EMPTY_ZIP)):
        return _kind_of_archive(file)
    begin = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for sign, other in OTHERS.items():
        if begin.startswith(sign.lower()):
            raise Unreadable(f"The file is {other}, not a spreadsheet. {REMEDY}")
    return "csv"


def _old_kind(file: BinaryIO) -> str:
    file.seek(0)
    while piece := file.read(1 << 20):
        if ENCRYPTED in piece:
            raise Unreadable("The file is locked with a password. Remove it, and upload it again.")
    return "xls"


def _kind_of_archive(file: BinaryIO) -> str:
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Unreadable("The file is damaged or was cut off. Save or export it again.") from None
    if sum(entry.file_size for entry in entries) > UNPACKED:
        raise Unreadable(f"The file unpacks to more than {UNPACKED >> 30} GB.")
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" in names or any(name.startswith("xl/worksheets/") for name in names):
        return "xlsx"
    if "content.xml" in names:
        return "ods"
    if "xl/workbook.bin" in names:
        raise Unreadable(f"The file is a binary Excel workbook (.xlsb). {REMEDY}")
    raise Unreadable(f"The file is an archive (ZIP) and holds no spreadsheet. {REMEDY}")
