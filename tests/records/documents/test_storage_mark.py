"""The storage that a database's documents are in, and no other."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from retainer.config import ConfigError
from retainer.database.migrate import migrate
from retainer.http.log import Log
from retainer.records.documents import storage_mark
from retainer.records.documents.storage import MARK, Storage
from retainer.server.worker import cleaning
from support.sql import Sql

pytestmark = pytest.mark.slow

KEY = "1/6b1f2f3e-0000-4000-8000-000000000001"


@pytest.fixture
def owner(own_database: str) -> Iterator[Sql]:
    asyncio.run(migrate(own_database))
    sql = Sql(own_database)
    yield sql
    sql.close()


def storage(folder: Path) -> Storage:
    return Storage(folder, "")


def starts(owner: Sql, folder: Path) -> None:
    owner.run(storage_mark.refuse_other(owner.connection, storage(folder)))


def test_the_first_start_marks_the_storage_and_the_next_finds_it(
    owner: Sql, tmp_path: Path
) -> None:
    starts(owner, tmp_path / "documents")
    mark = (tmp_path / "documents" / MARK).read_text()
    starts(owner, tmp_path / "documents")
    assert (tmp_path / "documents" / MARK).read_text() == mark


def test_another_storage_is_refused_with_the_settings_named(owner: Sql, tmp_path: Path) -> None:
    starts(owner, tmp_path / "a")
    with pytest.raises(
        ConfigError, match=r"/b does not .* RETAINER_STORAGE_URL or --data"
    ) as refused:
        starts(owner, tmp_path / "b")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "b").exists()
    starts(owner, tmp_path / "a")


def test_the_storage_of_another_database_is_refused(owner: Sql, tmp_path: Path) -> None:
    (tmp_path / MARK).write_text("another")
    with pytest.raises(ConfigError, match="it is another database's"):
        starts(owner, tmp_path)
    assert not owner.run(storage_mark.is_ours(owner.connection, storage(tmp_path)))


def test_a_storage_can_be_taken_for_the_database(owner: Sql, tmp_path: Path) -> None:
    starts(owner, tmp_path / "a")
    owner.run(storage_mark.adopt(owner.connection, storage(tmp_path / "b")))
    starts(owner, tmp_path / "b")
    with pytest.raises(ConfigError, match="it is another database's"):
        starts(owner, tmp_path / "a")


def test_a_start_that_was_interrupted_between_the_two_is_repeated(
    owner: Sql, tmp_path: Path
) -> None:
    owner.rows("INSERT INTO storage_mark (mark) VALUES ('half')")
    starts(owner, tmp_path)
    starts(owner, tmp_path)


def test_two_first_starts_with_a_storage_each_are_not_both_right(
    owner: Sql, own_database: str, tmp_path: Path
) -> None:
    second = Sql(own_database)

    async def both() -> list[object]:
        return await asyncio.gather(
            storage_mark.refuse_other(owner.connection, storage(tmp_path / "a")),
            asyncio.wrap_future(
                asyncio.run_coroutine_threadsafe(
                    storage_mark.refuse_other(second.connection, storage(tmp_path / "b")),
                    second.loop,
                )
            ),
            return_exceptions=True,
        )

    kinds = sorted(type(outcome).__name__ for outcome in owner.run(both()))
    second.close()
    assert kinds == ["ConfigError", "NoneType"]


def left_behind(owner: Sql, folder: Path) -> None:
    """An upload that was killed hours ago, and one that goes on."""
    owner.rows(
        "INSERT INTO tenants (id, name, time_zone) OVERRIDING SYSTEM VALUE VALUES (1, 'T', 'UTC')"
    )
    owner.rows("SELECT set_config('retainer.tenant', '1', false)")
    for key, age in ((KEY, "2 hours"), (KEY[:-1] + "2", "1 minute")):
        owner.rows(f"""INSERT INTO pending_uploads (tenant_id, storage_key, created_at)
            VALUES (1, '{key}', now() - interval '{age}')""")
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_text("bytes")


def test_what_killed_uploads_left_is_removed_by_the_worker(
    owner: Sql, own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(cleaning, "FIRST_SECONDS", 0)
    folder = tmp_path / "documents"
    starts(owner, folder)
    left_behind(owner, folder)

    async def cleans() -> None:
        task = asyncio.create_task(cleaning.forever(own_database, storage(folder), Log("errors")))
        while (folder / KEY).exists():
            await asyncio.sleep(0.02)
        while "storage was cleaned" not in "".join(told):
            told.append(capsys.readouterr().err)
            await asyncio.sleep(0.02)
        task.cancel()

    told: list[str] = []
    asyncio.run(cleans())
    assert '"uploads":1,"orphans":0' in "".join(told)
    assert (folder / (KEY[:-1] + "2")).exists(), "an upload in progress is left alone"
    assert owner.value("SELECT count(*) FROM pending_uploads") == 1


def test_a_storage_of_others_is_not_cleaned(
    owner: Sql, own_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    starts(owner, tmp_path / "documents")
    left_behind(owner, tmp_path / "others")
    owner.run(cleaning.clean(owner.connection, storage(tmp_path / "others"), Log("errors")))
    assert (tmp_path / "others" / KEY).exists()
    assert "it is not this database's" in capsys.readouterr().err
