"""Rows that are over, and are deleted by the worker."""

from retainer.server.worker import chores
from support.cast import Cast
from support.safe_writes import key, stored_keys
from support.samples import planned_import


def test_expired_idempotency_keys_are_deleted_and_others_stay(cast: Cast) -> None:
    body = {"name": "N", "type": "other"}
    kept = key()
    for headers in (kept, key(), key()):
        assert cast.ada.post("/api/organizations", body, headers=headers).status_code == 200
    cast.sql.rows(
        """UPDATE idempotency_keys SET expires_at = now() WHERE tenant_id = $1 AND name <> (
           SELECT name FROM idempotency_keys WHERE tenant_id = $1 ORDER BY xmin::text::bigint LIMIT 1)""",
        cast.tenant,
    )
    cast.sql.run(chores.do(cast.sql.connection))
    assert stored_keys(cast) == 1
    again = cast.ada.post("/api/organizations", body, headers=kept)
    assert again.headers["idempotency-replayed"] == "true"


def test_attempts_to_sign_in_are_forgotten_when_they_count_no_more(cast: Cast) -> None:
    names = {"over": "16 minutes", "counts": "14 minutes"}
    for name, age in names.items():
        cast.sql.rows(
            f"INSERT INTO throttles (key, failures, since) VALUES ($1, 1, now() - interval '{age}')",
            f"{name} {cast.tenant}",
        )
    cast.sql.run(chores.do(cast.sql.connection))
    left = cast.sql.rows("SELECT key FROM throttles WHERE key LIKE '%' || $1", f" {cast.tenant}")
    assert [row["key"] for row in left] == [f"counts {cast.tenant}"]


def test_an_import_is_forgotten_after_thirty_days(cast: Cast) -> None:
    (old,), (young,) = planned_import(cast), planned_import(cast)
    cast.sql.rows("UPDATE imports SET updated_at = now() - interval '31 days' WHERE id = $1", old)
    cast.sql.run(chores.do(cast.sql.connection))
    left = cast.sql.rows("SELECT id FROM imports WHERE tenant_id = $1", cast.tenant)
    assert [row["id"] for row in left] == [young]
    assert cast.sql.value("SELECT count(*) FROM import_rows WHERE tenant_id = $1", cast.tenant) == 1
