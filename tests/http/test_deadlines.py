"""Deadlines that work in parts extends, and uploads that are too slow to extend theirs."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from retainer.http import request
from retainer.http.deadlines import Deadlines
from retainer.records.documents.storage import Storage
from support.cast import Cast
from support.in_process import InProcess


def test_an_extension_ends_at_the_latest_moment_that_is_given() -> None:
    async def work() -> None:
        deadlines = Deadlines(10)
        deadline = deadlines.begin()
        latest = time.monotonic() + 3
        for _ in range(5):  # pieces may come as often as they like
            deadlines.extend(deadline, latest=latest)
            assert deadline.at == latest
        deadlines.extend(deadline)
        assert deadline.at > latest

    asyncio.run(work())


START = (
    b'--edge\r\nContent-Disposition: form-data; name="organizationId"\r\n\r\n%d\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="slow.txt"\r\n\r\n'
)
END = b"\r\n--edge--\r\n"
Piece = tuple[float, bytes]  # seconds before it, and its bytes


async def upload(
    inside: InProcess, cast: Cast, path: str, pieces: AsyncIterator[Piece]
) -> dict[str, Any]:
    """The problem or the document that an upload in pieces is answered by, with its status."""
    headers = {
        "host": "inside",
        "cookie": f"connect.sid={cast.ada.token}",
        "content-type": "multipart/form-data; boundary=edge",
        "transfer-encoding": "chunked",
    }
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.1", 1), "http_version": "1.1",
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        seconds, body = await anext(pieces)
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": body, "more_body": not body.endswith(END)}

    async def send(message: Any) -> None:
        sent.append(message)

    watching = asyncio.create_task(inside.app.deadlines.watch())
    await inside.app(scope, receive, send)
    watching.cancel()
    return json.loads(sent[1]["body"]) | {"status": sent[0]["status"]}  # type: ignore[no-any-return]


def left_behind(inside: InProcess, cast: Cast) -> tuple[list[Path], list[int], int]:
    """Files of the storage, rows of the tenant, and what requests hold."""
    folder = inside.app.get(Storage).folder
    assert folder is not None
    rows = [
        cast.sql.value(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", cast.tenant)
        for table in ("documents", "document_versions", "pending_uploads", "operations")
    ]
    shares = inside.app.shares
    held = [shares.requests, shares.bulks, shares.lists, shares.attempts]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return files, rows, sum(each.held.total for each in held) + len(inside.app.deadlines.running)


@pytest.mark.slow
@pytest.mark.parametrize("is_version", [False, True])
@pytest.mark.parametrize("is_in_head", [False, True])
def test_an_upload_that_trickles_is_ended_and_leaves_nothing_behind(
    cast: Cast,
    inside: InProcess,
    monkeypatch: pytest.MonkeyPatch,
    is_version: bool,
    is_in_head: bool,
) -> None:
    """Each byte comes long before the deadline of a request, and the last one never."""
    path = "/api/documents/files"
    if is_version:
        made = cast.ada.post("/api/documents", files={"file": ("a.txt", b"first")}).json()
        path = f"/api/documents/{made['id']}/versions"

    async def trickle() -> AsyncIterator[Piece]:
        start = START % cast.acme
        if is_in_head:
            start = start[:60]  # in the midst of the first part's headers
        yield 0, start
        for _ in range(1000):
            yield 0.02, b"-"

    before = left_behind(inside, cast)
    monkeypatch.setattr(request, "PACE_SECONDS", 0.5)
    answer = inside.sql.run(upload(inside, cast, path, trickle()))
    assert answer["status"] == 503
    assert answer["detail"].startswith("The time for this request ran out")
    assert left_behind(inside, cast) == before


@pytest.mark.slow
def test_an_upload_that_keeps_pace_may_take_many_periods(
    cast: Cast, inside: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def steady() -> AsyncIterator[Piece]:
        yield 0, START % cast.acme
        for _ in range(12):
            yield 0.2, b"x" * request.PACE_BYTES
        yield 0, END

    monkeypatch.setattr(request, "PACE_SECONDS", 1.5)
    answer = inside.sql.run(upload(inside, cast, "/api/documents/files", steady()))
    assert (answer["status"], answer["size"]) == (200, 12 * request.PACE_BYTES)
