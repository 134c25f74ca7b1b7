"""Processes of a server, and their sudden end."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import httpx

from support.server import PASSWORD, Server, until


def sign_in(server: Server) -> str:
    answer = httpx.post(
        f"{server.url}/api/login",
        json={"username": "root@example.com", "password": PASSWORD},
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["set-cookie"].partition(";")[0]


def children(pid: int) -> list[int]:
    """Of each of its threads: the supervisor's starts the worker."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(n) for task in tasks for n in task.read_text().split()]


def workers(server: Server) -> list[int]:
    """The processes that serve: the main one alone, or its spawned children."""
    spawned = [
        pid
        for pid in children(server.process.pid)
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return spawned or [server.process.pid]


def kill_main(server: Server) -> None:
    """Kill the whole server; the database goes on and is adopted."""
    for pid in {server.process.pid, *workers(server)}:
        os.kill(pid, signal.SIGKILL)
    server.process.wait()
    server.start()


def kill_worker(server: Server) -> None:
    """Kill one of the server processes; the main one starts another."""
    os.kill(workers(server)[0], signal.SIGKILL)


def kill_postmaster(server: Server) -> None:
    """Kill the database; the main process starts it again."""
    file = server.folder / "postgres" / "postmaster.pid"

    def is_killed() -> bool:
        # Until the next one has started, the file names the one that was killed before.
        with suppress(FileNotFoundError, ProcessLookupError, IndexError):
            os.kill(int(file.read_text().split()[0]), signal.SIGKILL)
            return True
        return False

    until(is_killed, 30, "no database is running")
