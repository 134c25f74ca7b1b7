"""Process of a reader (sandbox.py), from the server's side."""

import os
import signal
import sys
from asyncio import StreamReader
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import retainer
from retainer.files import account

START = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from retainer.files import sandbox; sys.exit(sandbox.main(*sys.argv[2:]))"
)
_PACKAGES = str(Path(retainer.__file__).parents[1])
_KILLED_BY_US = -signal.SIGKILL
_ENDED = {
    -signal.SIGABRT: "it takes more memory than is allowed",  # a library in Rust aborts
    _KILLED_BY_US: "",
    0: "",
}


class ReaderProcess:
    """A reader at work."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._errors: StreamReader = process.stderr
        self.output: StreamReader = process.stdout

    async def reason(self) -> str:
        """Wait for its end. Returns why it gave up, empty where it read everything."""
        output = await self._errors.read(1 << 16)
        code = await self._process.wait()
        told = output.decode(errors="replace").strip().rpartition("\n")[2]
        if told and code == 1:
            return told
        return _ENDED.get(code, "its reader ended unexpectedly")


@asynccontextmanager
async def started(
    module: str, seconds: int, argument: str, file: BinaryIO
) -> AsyncIterator[ReaderProcess]:
    """The reader of a module of this package, at work on an open file. It is killed at the end."""
    user = group = 0
    if os.geteuid() == 0:
        worker = account.for_work()
        user, group = worker.uid, worker.gid
    process = await create_subprocess_exec(
        sys.executable,
        "-P",
        "-c",
        START,
        _PACKAGES,
        *(module, str(seconds), str(user), str(group), argument),
        stdin=file,
        stdout=PIPE,
        stderr=PIPE,
        env={},
        cwd="/",
    )
    try:
        yield ReaderProcess(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
