"""Idempotency keys, dry runs, and stored answers."""

import secrets
from pathlib import Path
from typing import Any

import httpx

from support.cast import Cast
from support.samples import CHECKED
from support.server import Server

WRITES = [r for r in CHECKED if r.changes]


def key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(16)}


def all_of(answer: httpx.Response) -> Any:
    """The parts of an answer that a replay must repeat."""
    names = ("etag", "content-type", "content-length", "preference-applied")
    return answer.status_code, answer.content, {name: answer.headers.get(name) for name in names}


def operations(cast: Cast) -> int:
    return cast.sql.value("SELECT count(*) FROM operations WHERE tenant_id = $1", cast.tenant)


def stored_keys(cast: Cast) -> int:
    return cast.sql.value("SELECT count(*) FROM idempotency_keys WHERE tenant_id = $1", cast.tenant)


def stored_files(server: Server) -> int:
    return sum(1 for path in Path(server.folder, "documents").rglob("*") if path.is_file())


DRY = {"Prefer": "dry-run"}
