"""A list as an .xlsx file, written by workbook_writer.py in a process of its own, in bounded
memory: rows go to it as they are read, and the file is a temporary one.
"""

import sys
import tempfile
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import retainer
from retainer.lists.spec import FieldType, ListSpec

WRITER = "retainer.lists.workbook_writer"
PIECE = 1 << 16  # bytes
_PACKAGES = str(Path(retainer.__file__).parents[1])


class WriterFailed(Exception):
    """The program ended without a whole file."""


async def pieces(
    spec: ListSpec, columns: tuple[str, ...], rows: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """The file of these rows, which come as JSON, a row a line."""
    dates = [name for name, field in spec.fields.items() if field.type == FieldType.DATE]
    with tempfile.TemporaryFile() as file:
        process = await create_subprocess_exec(
            *(sys.executable, "-P", "-m", WRITER, spec.noun, ",".join(columns), ",".join(dates)),
            stdin=PIPE,
            stdout=file,
            env={"PYTHONPATH": _PACKAGES},
            cwd="/",
        )
        try:
            assert process.stdin is not None
            async for lines in rows:
                process.stdin.write(lines + b"\n")
                await process.stdin.drain()
            process.stdin.close()
            if await process.wait() != 0:
                raise WriterFailed
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece
