"""Takes the text out of one file: a program of its own, because files are hostile and their readers
can be led astray.

It is given the file as standard input, its media type and the seconds of work as arguments, limits
itself before it looks, knows no secret (its environment is empty), and writes the text as it finds
it. It ends with 0, or with 1 and the reason as a line on standard error; what it wrote until then
counts. It imports nothing of this package, and of the libraries only the one it needs.
"""

import logging
import os
import resource
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

MEMORY = 1 << 30  # bytes of address space
UNPACKED = 256 << 20  # bytes that a packed file may say it unpacks to
CHARACTERS = 1_000_000  # of text; what comes after is not searched

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What a packed file is by what is in it: from its beginning alone that is not always seen.
PARTS = {"word/document.xml": WORD, "xl/workbook.xml": SHEET}


class Unreadable(Exception):
    """Why there is no text, or no more of it, in words for a person."""


def main() -> int:
    """The whole program."""
    _limit(int(sys.argv[2]))
    try:
        _write(_text(sys.argv[1], sys.stdin.buffer))
    except Unreadable as error:
        return _failed(str(error))
    except MemoryError:
        return _failed("it takes more memory than is allowed")
    except RecursionError:
        return _failed("it is nested too deeply")
    except Exception as error:  # whatever a library makes of a broken file
        return _failed(f"it cannot be read ({type(error).__name__})")
    return 0


def _limit(seconds: int) -> None:
    os.nice(10)
    logging.disable()  # what libraries remark would fill a pipe that is read at the end
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXCPU, _too_slow)


def _too_slow(_signal: int, _frame: Any) -> None:
    raise Unreadable(f"reading takes longer than {sys.argv[2]} seconds of work")


def _failed(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


def _write(pieces: Iterator[str]) -> None:
    left = CHARACTERS
    for piece in pieces:
        if left <= 0:
            return
        storable = (
            piece[:left].replace("\0", " ").encode("utf-8", "ignore")
        )  # no half of a surrogate pair either
        sys.stdout.buffer.write(storable + b"\n")
        sys.stdout.buffer.flush()
        left -= len(piece) + 1


def _text(kind: str, file: BinaryIO) -> Iterator[str]:
    if kind not in READERS:
        kind = _packed(file)
    return READERS[kind](file)


def _packed(file: BinaryIO) -> str:
    """What a packed file is. Raises Unreadable when it is nothing with text, or unpacks to too
    much.
    """
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > UNPACKED:
        raise Unreadable("it unpacks to more than is allowed")
    names = {entry.filename for entry in entries}
    kind = next((kind for part, kind in PARTS.items() if part in names), None)
    if kind is None:
        raise Unreadable("it holds no text that can be read")
    file.seek(0)
    return kind


def _plain(file: BinaryIO) -> Iterator[str]:
    # A character has four bytes at most; that the file begins in UTF-8 is known from its type.
    yield file.read(CHARACTERS * 4).decode("utf-8-sig", "replace")


def _pdf(file: BinaryIO) -> Iterator[str]:
    import pypdf  # noqa: PLC0415 -- see above

    document = pypdf.PdfReader(file)
    if document.is_encrypted and not document.decrypt(""):
        raise Unreadable("it is encrypted")
    for page in document.pages:
        yield page.extract_text()


def _word(file: BinaryIO) -> Iterator[str]:
    import docx  # noqa: PLC0415 -- see above

    _packed(file)
    yield from _blocks(docx.Document(file))


def _blocks(container: Any) -> Iterator[str]:
    """Paragraphs, and those in the cells of tables, in order."""
    for block in container.iter_inner_content():
        if hasattr(block, "rows"):
            for row in block.rows:
                for cell in row.cells:
                    yield from _blocks(cell)
        else:
            yield block.text


def _sheets(file: BinaryIO) -> Iterator[str]:
    import openpyxl  # noqa: PLC0415 -- see above

    _packed(file)
    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    for sheet in book.worksheets:
        yield sheet.title
        for row in sheet.iter_rows(values_only=True):
            yield " ".join(str(value) for value in row if value is not None)


READERS: dict[str, Callable[[BinaryIO], Iterator[str]]] = {
    "text/plain": _plain,
    "application/pdf": _pdf,
    WORD: _word,
    SHEET: _sheets,
}

if __name__ == "__main__":
    sys.exit(main())
