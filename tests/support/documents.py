"""Documents: uploads, links, and the bytes that are stored of them."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx

from retainer.config import Settings
from retainer.records.documents import check as check_module
from support.cast import Person
from support.server import Server
from support.sql import Sql

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"1 0 obj\n" * 200


def upload(
    person: Person,
    content: bytes = PDF,
    name: str = "Offer.pdf",
    path: str = "/api/documents",
    **data: Any,
) -> httpx.Response:
    return person.post(path, files={"file": (name, content, "text/html")}, data=data)


def added(
    person: Person, content: bytes = PDF, name: str = "Offer.pdf", **data: Any
) -> dict[str, Any]:
    answer = upload(person, content, name, **data)
    assert answer.status_code == 200, answer.text
    return answer.json()


def linked(person: Person, name: str = "Plan", **body: Any) -> dict[str, Any]:
    return person.made("/api/documents", name=name, url="https://files.example/plan", **body)


def fields(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 422, answer.text
    return {error["field"] for error in answer.json()["errors"]}


def stored(server: Server, tenant: int) -> list[str]:
    """The storage keys of a tenant's files."""
    return sorted(path.name for path in (server.folder / "documents" / str(tenant)).glob("*"))


def pending(sql: Sql, tenant: int) -> int:
    return int(sql.value("SELECT count(*) FROM pending_uploads WHERE tenant_id = $1", tenant))


def eventually(check: Any, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def path_of(server: Server, sql: Sql, document: int) -> Path:
    key = sql.value(
        "SELECT storage_key FROM document_versions WHERE document_id = $1 ORDER BY number DESC LIMIT 1",
        document,
    )
    return server.folder / "documents" / key


def check(server: Server, **options: Any) -> check_module.Report:
    settings = Settings(data=str(server.folder), database_url=server.database_url)
    return asyncio.run(check_module.check(settings, **options))
