"""Reader of the text of one file, run by sandbox.py; its argument is the file's media type. It
writes text as soon as it has some: text written until it gives up counts.
"""

import sys
import zipfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from retainer.files.sandbox import Reader, Unreadable

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

UNPACKED = 256 << 20  # bytes that an archive may declare to hold, unpacked
CHARACTERS = 1_000_000  # of text; the rest is not searched
MOST_PARTS = 2_000_000  # rows, cells, paragraphs and pages that are looked at, empty ones too
TREE_NODE = 100  # parts that a node of a PDF's tree of pages counts for: it may name itself

TOO_LONG = f"it has more than {CHARACTERS:,} characters"
TOO_MANY_PARTS = (
    f"it has more than {MOST_PARTS:,} rows, cells, paragraphs or pages, empty ones included"
)

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"
# By media type; a ZIP archive may be either.
LIBRARIES = {
    "application/pdf": ["pypdf"],
    WORD: ["docx"],
    SHEET: ["openpyxl"],
    ZIP: ["docx", "openpyxl"],
}
WORD_NAMES = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# Media types by an entry of the archive: its first bytes alone do not always tell.
PARTS = {"word/document.xml": WORD, "xl/workbook.xml": SHEET}


class Parts:
    """The rows, cells, paragraphs and pages of a file that may still be looked at. A few bytes can
    declare any number of empty ones.
    """

    def __init__(self) -> None:
        self.left = MOST_PARTS

    def look(self, number: int = 1) -> None:
        """Count so many more. Raises Unreadable when it has too many."""
        self.left -= number
        if self.left < 0:
            raise Unreadable(TOO_MANY_PARTS)


def libraries(media_type: str) -> list[str]:
    """Packages that read files of this type."""
    return LIBRARIES.get(media_type, [])


def read(media_type: str, file: BinaryIO) -> None:
    """Write the text of the file. Raises Unreadable."""
    _write(_pieces(media_type, file))


def _write(pieces: Iterator[str]) -> None:
    left = CHARACTERS
    for piece in pieces:
        if not piece or piece.isspace():
            continue
        if left <= 0:
            raise Unreadable(TOO_LONG)
        # PostgreSQL stores neither NUL nor half a surrogate pair.
        storable = piece[:left].replace("\0", " ").encode("utf-8", "ignore")
        sys.stdout.buffer.write(storable + b"\n")
        sys.stdout.buffer.flush()
        if len(piece) > left:
            raise Unreadable(TOO_LONG)
        left -= len(piece) + 1


def _pieces(media_type: str, file: BinaryIO) -> Iterator[str]:
    if media_type not in READERS:
        media_type = _type_of_archive(file)
    return READERS[media_type](file)


def _type_of_archive(file: BinaryIO) -> str:
    """Media type of a ZIP archive. Raises Unreadable when it holds no text, or unpacks to more than
    UNPACKED.
    """
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > UNPACKED:
        raise Unreadable("it unpacks to more than is allowed")
    names = {entry.filename for entry in entries}
    media_type = next((PARTS[part] for part in PARTS if part in names), None)
    if media_type is None:
        raise Unreadable("it holds no text that can be read")
    file.seek(0)
    return media_type


def _plain(file: BinaryIO) -> Iterator[str]:
    # Only a file that begins in UTF-8 is taken for text; a character has four bytes at most.
    yield file.read(CHARACTERS * 4).decode("utf-8-sig", "replace")


def _pdf(file: BinaryIO) -> Iterator[str]:
    import pypdf  # noqa: PLC0415 -- loaded before by sandbox.py

    document = pypdf.PdfReader(file)
    if document.is_encrypted and not document.decrypt(""):
        raise Unreadable("it is encrypted")
    yield from (page.extract_text() for page in _pages(document))


def _pages(document: "PdfReader") -> Iterator["PageObject"]:
    """The pages one by one: `document.pages` lists them all before the first one can be read."""
    from pypdf import PageObject  # noqa: PLC0415 -- loaded before by sandbox.py
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, PdfObject  # noqa: PLC0415

    waiting: list[tuple[PdfObject, PdfObject]] = []
    waiting.append((document.root_object["/Pages"], DictionaryObject()))
    parts = Parts()
    while waiting:
        reference, inherited = waiting.pop()
        node = reference.get_object()
        if not isinstance(node, DictionaryObject):
            raise Unreadable("its pages are not in order")
        resources, kids = node.get("/Resources", inherited), node.get("/Kids")
        if kids is None:
            parts.look()
            page = PageObject(document)
            page.update(node)
            page[NameObject("/Resources")] = resources
            yield page
            continue
        parts.look(TREE_NODE)
        kids = kids.get_object()
        if isinstance(kids, ArrayObject):
            waiting += [(kid, resources) for kid in reversed(kids)]


def _word(file: BinaryIO) -> Iterator[str]:
    import docx  # noqa: PLC0415 -- loaded before by sandbox.py

    _type_of_archive(file)  # raises
    parts = Parts()
    # Paragraphs as they stand in the file, those in the cells of tables among them: as a table, a
    # cell that spans a million columns would be a million cells.
    for paragraph in docx.Document(file).element.body.iter(f"{WORD_NAMES}p"):
        parts.look()
        yield str(paragraph.text)


def _sheets(file: BinaryIO) -> Iterator[str]:
    import openpyxl  # noqa: PLC0415 -- loaded before by sandbox.py

    _type_of_archive(file)  # raises
    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    parts = Parts()
    for sheet in book.worksheets:
        parts.look()
        yield sheet.title
        sheet.reset_dimensions()  # a file may declare any, and each row would be filled up to them
        for row in sheet.iter_rows(values_only=True):
            parts.look(1 + len(row))
            if row:
                yield " ".join(str(value) for value in row if value is not None)


READERS: dict[str, Callable[[BinaryIO], Iterator[str]]] = {
    "text/plain": _plain,
    "application/pdf": _pdf,
    WORD: _word,
    SHEET: _sheets,
}

READER = Reader(libraries, read)
