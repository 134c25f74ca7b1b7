"""The text of a stored file, taken out by text_reader.py in a process of its own, within bounds of
time and memory.
"""

import asyncio
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from retainer.files import text_reader
from retainer.records.documents.storage import Storage

LARGEST = 100 << 20  # bytes of a file that is read at all
SECONDS = 60.0
CPU_SECONDS = 30
PASSAGE, OVERLAP = 4000, 200  # characters

_READABLE = {*text_reader.READERS, "application/zip"}
_MOST_BYTES = text_reader.CHARACTERS * 5


class Text(NamedTuple):
    """What came of it: `done`, `failed` or `no text`, the reason where there is one, and the text."""

    outcome: str
    reason: str | None = None
    text: str = ""

    @property
    def passages(self) -> list[str]:
        """The text in pieces that overlap a little, so that words that belong together stand
        together in one.
        """
        pieces, start = list[str](), 0
        while start < len(self.text):
            end = start + PASSAGE
            if end < len(self.text):
                end = max(self.text.rfind(" ", start + PASSAGE // 2, end), start + PASSAGE // 2)
            pieces.append(self.text[start:end])
            start = end if end >= len(self.text) else end - OVERLAP
        return [piece for piece in pieces if piece.strip()]


async def extracted(storage: Storage, key: str, size: int, media_type: str) -> Text:
    """The text of the file under the key. Raises Unavailable when the storage does not answer."""
    if media_type not in _READABLE:
        return Text("no text", f"files of type {media_type} are not read")
    if size > LARGEST:
        return Text("failed", "the file is too large to be read")
    if size == 0:
        return Text("no text", "the file is empty")
    with tempfile.TemporaryFile() as file:
        try:
            async for chunk in await storage.get(key, 0, size):
                file.write(chunk)
        except FileNotFoundError:
            return Text("failed", "the file is not in the storage")
        file.seek(0)
        return await read(file, media_type)


async def read(file: BinaryIO, media_type: str) -> Text:
    """What the reader makes of an open file; what it found before it gave up counts."""
    reader = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        str(Path(text_reader.__file__)),
        media_type,
        str(CPU_SECONDS),
        stdin=file,
        stdout=PIPE,
        stderr=PIPE,
        env={},
        cwd="/",
    )
    assert reader.stdout is not None
    assert reader.stderr is not None
    found, reason = bytearray(), ""
    try:
        async with asyncio.timeout(SECONDS):
            while len(found) < _MOST_BYTES and (piece := await reader.stdout.read(1 << 16)):
                found += piece
            reason = (
                (await reader.stderr.read(1 << 16))
                .decode(errors="replace")
                .strip()
                .rpartition("\n")[2]
            )
            await reader.wait()
    except TimeoutError:
        reason = f"reading takes longer than {SECONDS:.0f} seconds"
    finally:
        with suppress(ProcessLookupError):
            reader.kill()
        code = await reader.wait()
    text = found.decode("utf-8", "ignore").strip()
    if not reason and code not in (0, -signal.SIGKILL):
        reason = "its reader ended unexpectedly"
    if text:
        return Text("done", (reason and f"only its beginning: {reason}"[:500]) or None, text)
    return Text("failed", reason[:500]) if reason else Text("no text", "there is no text in it")
