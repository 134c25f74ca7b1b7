"""The worker: one works at a time, whichever host it is on, and another goes on when it ends."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retainer.config import Settings
from retainer.http.log import Log
from retainer.journal.progress import LOCK
from retainer.server.worker import worker
from retainer.server.worker.worker import Worker
from support.kill import children
from support.server import Server, environment, retainer, status, until
from support.sql import Sql
from support.writers import add

HOLDER = """
    SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND l.objid = $1 AND d.datname = current_database() AND l.granted
"""


@contextmanager
def running(owner: Sql, url: str) -> Iterator[asyncio.Future[None]]:
    """A worker in this process, on the loop of the owner's connection."""

    async def begin() -> asyncio.Future[None]:
        return asyncio.ensure_future(Worker(Settings(database_url=url), Log("errors")).run())

    async def end() -> None:
        task.cancel()
        await asyncio.wait([task])

    task = owner.run(begin())
    try:
        yield task
    finally:
        owner.run(end())


def placed(owner: Sql, tenant: int) -> list[int | None]:
    rows = owner.rows("SELECT position FROM operations WHERE tenant_id = $1 ORDER BY id", tenant)
    return [row["position"] for row in rows]


def counted(owner: Sql, tenant: int) -> set[str]:
    return {
        row["word"] for row in owner.rows("SELECT word FROM words WHERE tenant_id = $1", tenant)
    }


@pytest.mark.slow
def test_another_worker_goes_on_where_one_is_killed(
    owner: Sql, url: str, tenant: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "TAKE_SECONDS", 0.05)
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.5)
    with running(owner, url), running(owner, url):
        owner.run(add(owner.connection, tenant, "Before"))
        until(lambda: placed(owner, tenant) == [1], 20, "one of them works")
        until(lambda: counted(owner, tenant) == {"before"}, 20, "its words are counted")
        holder = owner.value(HOLDER, LOCK)
        owner.rows("SELECT pg_terminate_backend($1)", holder)
        until(lambda: owner.value(HOLDER, LOCK) not in (None, holder), 20, "another has the lock")
        owner.run(add(owner.connection, tenant, "After"))
        until(lambda: placed(owner, tenant) == [1, 2], 20, "and works")
        until(lambda: counted(owner, tenant) == {"before", "after"}, 20, "each once")
        uses = owner.rows("SELECT uses FROM words WHERE tenant_id = $1", tenant)
        assert [row["uses"] for row in uses] == [1, 1]


def test_a_worker_of_an_older_program_leaves_the_work_to_others(owner: Sql, url: str) -> None:
    newer = owner.value("SELECT max(number) + 1 FROM migrations")
    owner.rows("INSERT INTO migrations (number, name) VALUES ($1, 'of a newer program')", newer)
    try:
        looked = owner.run(
            Worker(Settings(database_url=url), Log("errors"))._takes(owner.connection)
        )
    finally:
        owner.rows("DELETE FROM migrations WHERE number = $1", newer)
    assert looked is False
    assert owner.value(HOLDER, LOCK) is None


@pytest.mark.slow
def test_one_bad_file_does_not_end_the_other_loops(
    owner: Sql, url: str, tenant: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    async def fails(self: object) -> bool:
        tried.append(1)
        raise ValueError

    monkeypatch.setattr("retainer.search.indexer.Indexer.read_next_file", fails)
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.05)
    with running(owner, url):
        until(lambda: len(tried) > 1, 20, "it is tried again")
        holder = owner.value(HOLDER, LOCK)
        owner.run(add(owner.connection, tenant, "One"))
        until(lambda: placed(owner, tenant) == [1], 20, "positions are given")
        assert owner.value(HOLDER, LOCK) == holder


def workers_of(server: Server) -> list[int]:
    """The processes of its worker."""
    return [
        pid
        for pid in children(server.process.pid)
        if b"retainer.server.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


@pytest.mark.slow
def test_a_server_begins_its_worker_again_and_ends_it_with_itself() -> None:
    server = Server(worker="on")
    sql = Sql(server.database_url)
    until(lambda: sql.value(HOLDER, LOCK), 20, "it works")
    name = "SELECT application_name FROM pg_stat_activity WHERE pid = $1"
    assert sql.value(name, sql.value(HOLDER, LOCK)).startswith("retainer worker on ")
    (first,) = workers_of(server)
    os.kill(first, signal.SIGKILL)
    until(lambda: workers_of(server) not in ([], [first]), 20, "it is started again")
    (second,) = workers_of(server)
    assert status(server, "/readyz") == 200
    sql.close()
    assert server.stop() == 0
    assert not Path(f"/proc/{second}").exists()


@pytest.mark.slow
def test_a_server_without_a_worker_is_ready_and_one_can_run_alone() -> None:
    server = Server(worker="off")
    sql = Sql(server.database_url)
    try:
        assert workers_of(server) == []
        assert sql.value(HOLDER, LOCK) is None
        none = retainer("worker", "--status", "--data", str(server.folder))
        assert (none.returncode, none.stdout.splitlines()[0]) == (1, "No worker works.")
        command = [sys.executable, "-m", "retainer", "worker", "--data", str(server.folder)]
        alone = subprocess.Popen(command, env=environment())
        until(lambda: sql.value(HOLDER, LOCK), 20, "it works")
        one = retainer("worker", "--status", "--data", str(server.folder))
        assert one.returncode == 0
        assert f"The worker works on {socket.gethostname()}." in one.stdout
        alone.send_signal(signal.SIGTERM)
        assert alone.wait(10) == 0
        until(lambda: sql.value(HOLDER, LOCK) is None, 10, "it gave the lock back")
        assert status(server, "/readyz") == 200
    finally:
        sql.close()
        server.stop()
