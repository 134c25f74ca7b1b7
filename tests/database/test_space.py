"""A disk that is nearly full: changes are refused before PostgreSQL meets its end, reads go on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from retainer.database import space
from retainer.database.statement import Statement
from retainer.errors import StorageFull
from support.cast import Cast
from support.in_process import InProcess
from support.server import Server
from support.sql import Sql


class Disk:
    """The space that is free, and what the log was told."""

    free = 100 << 20

    def __init__(self) -> None:
        self.told: list[str] = []

    def event(self, event: str, **_fields: object) -> None:
        self.told.append(event)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(space, "free_bytes", lambda _: disk.free)
    monkeypatch.setattr(space, "LOOK_SECONDS", 0.001)
    return disk


@pytest.fixture
def watched(server: Server, sql: Sql, disk: Disk) -> Iterator[InProcess]:
    running = InProcess(server, sql)

    async def begins() -> asyncio.Task[None]:
        return asyncio.create_task(space.watch(running.app.database, Path("/"), disk))

    task = sql.run(begins())
    yield running
    sql.loop.call_soon_threadsafe(task.cancel)
    running.stop()


async def until_full(running: InProcess, *, is_full: bool) -> None:
    while running.app.database.is_full != is_full:
        await asyncio.sleep(0.001)


def test_without_space_changes_are_507_and_reads_go_on(
    cast: Cast, watched: InProcess, disk: Disk
) -> None:
    path = f"/api/organizations/{cast.acme}"
    task = cast.ada.made("/api/tasks", title="T", organizationId=cast.acme)["id"]
    body = {"name": "N", "type": "other"}
    changes = [
        ("POST", "/api/organizations", body),
        ("POST", "/api/organizations", body | {"parentId": cast.acme}),
        ("PUT", path, {"name": "M"}),
        ("POST", f"{path}/duplicate", None),
        ("PUT", f"/api/tasks/{task}", {"title": "U"}),
        ("DELETE", path, None),
    ]
    disk.free = space.LEAST_FREE - 1
    cast.sql.run(until_full(watched, is_full=True))
    statuses = [watched.send(cast.ada, *change)[0] for change in changes]
    assert statuses == [507] * len(changes)
    keyed = watched.send(cast.ada, *changes[0], headers={"Idempotency-Key": "k"})
    assert keyed[0] == 507
    for read in (path, "/api/organizations", "/api/user", "/api/search?q=acme"):
        assert watched.send(cast.ada, "GET", read)[0] == 200
    disk.free = space.LEAST_FREE
    cast.sql.run(until_full(watched, is_full=False))
    assert [watched.send(cast.ada, *change)[0] // 100 for change in changes] == [2] * len(changes)
    assert disk.told == ["no space left", "space is back"]


def test_a_change_under_way_ends_when_space_does(cast: Cast, watched: InProcess) -> None:
    change = Statement("SELECT id FROM @acting, organizations WHERE id = :id")
    database = watched.app.database

    async def goes_on() -> None:
        db = database.without_viewer(cast.tenant, "", "test")
        async with db.transaction() as tx:
            database.is_full = True
            await tx.rows(change, id=cast.acme, session=None, viewer_role="admin")

    with pytest.raises(StorageFull):
        cast.sql.run(goes_on())
    database.is_full = False


def test_space_is_looked_at_where_the_data_and_the_wal_are(tmp_path: Path) -> None:
    (tmp_path / "pg_wal").mkdir()
    assert 0 < space.free_bytes(tmp_path) < 1 << 60
    (tmp_path / "pg_wal").rmdir()
    (tmp_path / "pg_wal").symlink_to("/proc")  # a file system without a byte of space
    assert space.free_bytes(tmp_path) == 0
    assert space.is_low(tmp_path)
