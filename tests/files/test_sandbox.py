"""The reader of hostile files has no right that it does not need."""

import asyncio
import errno
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

from retainer.files import account, extraction
from retainer.files.extraction import ExtractedText

READS_ON = """
import os, socket, sys
from retainer.files import sandbox
sandbox.load([])
sandbox.give_up_rights(*map(int, sys.argv[1:]))
tried = {
    "file": lambda: open("/etc/passwd"), "connection": lambda: socket.socket(),
    "local connection": lambda: socket.socket(socket.AF_UNIX), "pipe": os.pipe,
    "folder": lambda: os.listdir("/"), "child": lambda: os.fork() or os._exit(0),
}
for name, attempt in tried.items():
    try:
        attempt()
    except OSError as error:
        print(name, error.errno)
print(os.getuid() == 0)
"""


def ids() -> list[str]:
    worker = account.for_work()
    return [str(worker.uid), str(worker.gid)] if os.geteuid() == 0 else ["0", "0"]


def test_the_reader_gets_no_file_no_connection_and_no_child() -> None:
    command = [sys.executable, "-P", "-c", READS_ON, *ids()]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    names = ["file", "connection", "local connection", "pipe", "folder"]
    refused = [f"{name} {errno.EMFILE}" for name in names]
    assert answer.stdout.splitlines() == [*refused, f"child {errno.EAGAIN}", "False"]


def test_the_reader_works_without_roots_rights() -> None:
    """The file is a pipe that stays open for as long as its reader is looked at."""
    reading, writing = os.pipe()

    async def looked_at() -> tuple[list[str], ExtractedText]:
        with open(reading, "rb") as file:
            task = asyncio.create_task(extraction.read(file, "text/plain"))
            limits = ""
            while not re.search(r"^Max open files +0 +0 ", limits, re.MULTILINE):
                await asyncio.sleep(0.01)
                assert not task.done(), task.result()
                children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
                if children:
                    process = Path("/proc", children.split()[-1])
                    limits = (process / "limits").read_text()
            status = (process / "status").read_text()
            os.write(writing, b"The end")
            os.close(writing)
            user = re.search(r"^Uid:(.*)$", status, re.MULTILINE)
            assert user
            return user[1].split(), await task

    users, text = asyncio.run(looked_at())
    assert set(users) == {str(account.for_work().uid)}
    assert text == ExtractedText("done", None, "The end")
