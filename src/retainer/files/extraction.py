"""Text of a stored file, extracted by text_reader.py in a process of its own."""

import asyncio
import tempfile
from asyncio import StreamReader
from collections.abc import AsyncIterator
from typing import BinaryIO, NamedTuple, Protocol

from retainer.files import reader_process, text_reader

LARGEST = 100 << 20  # bytes; of a larger file no text is extracted
SECONDS = 60.0
CPU_SECONDS = 5  # of work; files of a few kilobytes can ask for hours
PASSAGE, OVERLAP = 4000, 200  # characters

_READABLE = {*text_reader.READERS, "application/zip"}
_MAX_OUTPUT = text_reader.CHARACTERS * 5  # bytes; a character has four at most


class FileStore(Protocol):
    """Storage that files are read from."""

    async def get(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes from `start` up to `end`. Raises FileNotFoundError, or Unavailable."""
        ...


class ExtractedText(NamedTuple):
    """Result of an extraction: `done`, `failed` or `no text`; the reason, where there is one; the
    text.
    """

    outcome: str
    reason: str | None = None
    text: str = ""

    @property
    def passages(self) -> list[str]:
        """The text in overlapping pieces, so that a phrase cut by the end of one is whole in the
        next. Pieces end between words where they can.
        """
        pieces, start = list[str](), 0
        while start + PASSAGE < len(self.text):
            middle = start + PASSAGE // 2
            end = max(middle, self.text.rfind(" ", middle, start + PASSAGE))
            pieces.append(self.text[start:end])
            start = end - OVERLAP
        pieces.append(self.text[start:])
        return [piece for piece in pieces if piece.strip()]


async def extract(store: FileStore, key: str, size: int, media_type: str) -> ExtractedText:
    """Text of the file under the key. Raises Unavailable when the storage does not answer."""
    if media_type not in _READABLE:
        return ExtractedText("no text", f"files of type {media_type} are not read")
    if size > LARGEST:
        return ExtractedText("failed", "the file is too large to be read")
    if size == 0:
        return ExtractedText("no text", "the file is empty")
    with tempfile.TemporaryFile() as file:
        try:
            async for chunk in await store.get(key, 0, size):
                file.write(chunk)
        except FileNotFoundError:
            return ExtractedText("failed", "the file is not in the storage")
        file.seek(0)
        return await read(file, media_type)


async def read(file: BinaryIO, media_type: str) -> ExtractedText:
    """Text of an open file. If the reader gives up half-way, its output so far counts."""
    output, reason = bytearray(), ""
    reader = reader_process.started(text_reader.__name__, CPU_SECONDS, media_type, file)
    async with reader as process:
        try:
            async with asyncio.timeout(SECONDS):
                if await _collect(process.output, output):
                    reason = await process.reason()
        except TimeoutError:
            reason = f"reading takes longer than {SECONDS:.0f} seconds"
    return _result(output.decode("utf-8", "ignore").strip(), reason)


async def _collect(stream: StreamReader, output: bytearray) -> bool:
    """True if that was everything that the reader wrote."""
    while len(output) < _MAX_OUTPUT:
        piece = await stream.read(1 << 16)
        if not piece:
            return True
        output += piece
    return False


def _result(text: str, reason: str) -> ExtractedText:
    if text and reason:
        return ExtractedText("done", f"only its beginning: {reason}"[:500], text)
    if text:
        return ExtractedText("done", None, text)
    if reason:
        return ExtractedText("failed", reason[:500])
    return ExtractedText("no text", "there is no text in it")
