"""Tables of spreadsheets, read by spreadsheet_reader.py in a process of its own."""

import asyncio
from asyncio import StreamReader
from collections.abc import AsyncIterator
from typing import BinaryIO

import msgspec

from retainer.config import PREFIX
from retainer.files import reader_process
from retainer.files.reader_process import ReaderProcess
from retainer.files.sandbox import Unreadable
from retainer.files.table import ReadOptions, Request, Row, Table

READER = "retainer.files.spreadsheet_reader"
SECONDS = 120.0  # that its next rows may take, on a busy machine
CPU_SECONDS = 60
LONGEST_LINE = 64 << 20  # bytes
PIECE = 1 << 18  # bytes

_decode_table = msgspec.json.Decoder(Table).decode
_decode_rows = msgspec.json.Decoder(list[Row]).decode


async def read(
    file: BinaryIO, name: str, options: ReadOptions, most_rows: int
) -> AsyncIterator[Table | list[Row]]:
    """First the table in an open file, which has a descriptor, then the rows below its header,
    without empty ones, about a thousand at a time. A row has as many cells as the header, or more
    where it is too long. The reader ends when the iterator is closed. Raises Unreadable, with a
    sentence for people.
    """
    file.seek(0)
    argument = msgspec.json.encode(Request(name, options)).decode()
    async with reader_process.started(READER, CPU_SECONDS, argument, file) as process:
        lines, left = _lines(process), most_rows
        yield _decode_table(await anext(lines))
        async for line in lines:
            rows = _decode_rows(line)
            left -= len(rows)
            if left < 0:
                raise Unreadable(
                    f"The file has more than {most_rows:,} rows. Split it into several, or have"
                    f" {PREFIX}IMPORT_ROWS set higher."
                )
            yield rows


async def _lines(process: ReaderProcess) -> AsyncIterator[bytes]:
    """Lines that the reader writes. Raises Unreadable at its end, where that was early."""
    parts, size = list[bytes](), 0
    while piece := await _piece(process.output):
        *ends, rest = piece.split(b"\n")
        for end in ends:
            yield b"".join([*parts, end])
            parts, size = [], 0
        parts.append(rest)
        size += len(rest)
        if size > LONGEST_LINE:
            raise Unreadable("The file has a row that is too long.")
    if reason := await process.reason():
        raise Unreadable(_sentence(reason))


async def _piece(stream: StreamReader) -> bytes:
    try:
        async with asyncio.timeout(SECONDS):
            return await stream.read(PIECE)
    except TimeoutError:
        raise Unreadable(f"Reading the file takes longer than {SECONDS:.0f} seconds.") from None


def _sentence(reason: str) -> str:
    """The reason as a sentence: those of the sandbox are none."""
    if reason[0].isupper():
        return reason
    return f"The file cannot be read: {reason}."
