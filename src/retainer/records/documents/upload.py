"""Uploads: no row without its bytes, and no bytes without a row for long.

First a row in pending_uploads is committed, then the bytes are stored, then one transaction makes
the version and removes the pending row. An upload that ends before that removes both; after a kill
`retainer documents check` does.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from starlette.responses import Response

from retainer.database.database import Db, Retry, SessionChanged
from retainer.database.stored import Stored
from retainer.errors import NotSignedIn, Problem
from retainer.http.body import sent
from retainer.http.dispatch import ATTEMPTS, authenticate, refuse_unpermitted
from retainer.http.request import Request
from retainer.http.responses import record_response
from retainer.http.safe_writes import performed
from retainer.records.documents import store
from retainer.records.documents.media_type import HEAD, sniff
from retainer.records.documents.multipart import Form
from retainer.records.documents.storage import Storage

# Rate at which a slow disk makes the last bytes durable; the deadline waits for it.
BYTES_PER_SECOND = 20_000_000

T = TypeVar("T", bound=msgspec.Struct)


@asynccontextmanager
async def received(request: Request, type: type[T]) -> AsyncIterator[dict[str, Any]]:
    """Store the file of a form; yields the form's fields and the columns of the version. The bytes
    are removed again if the block raises.
    """
    form = Form(request)
    key = f"{request.viewer.tenant}/{uuid4()}"
    db = request.db  # kept, to clean up in this tenant even when the session changes meanwhile
    # Before any byte is read: when the session has changed, the request can run once more.
    await store.announce(db, key)
    try:
        await form.start()
        if form.file_name is None:
            form.fields(type)  # raises: the file is missing
        file = _Inspection()
        chunks = _extend_deadline(request, file.inspect(form.file()), file)
        await request.app.get(Storage).put(key, chunks)
        if request.before_upload_commit is not None:
            await request.before_upload_commit(request)
        if "name" in type.__struct_fields__:
            form.name_after_file()
        values = sent(form.fields(type))
        del values["file"]
        yield values | {"storage_key": key, **file.columns()}
    except BaseException as error:
        # Shielded, so that a cancelled request cleans up as well.
        await asyncio.shield(_discard(request, db, key, error))
        raise


async def finished(
    request: Request, values: Mapping[str, object], work: Callable[[], Awaitable[Stored]]
) -> Response:
    """Response with the record that `work`, the last transaction of an upload, returns.

    The body of an upload cannot be read twice, so only `work` is repeated: after a deadlock, or when
    the session has changed. Then the viewer is looked up again, and must be allowed again.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return await _performed(request, values, work)
        except Retry:
            continue
        except SessionChanged:
            await _readmit(request)
    try:
        return await _performed(request, values, work)
    except SessionChanged as error:
        raise NotSignedIn from error


async def _performed(
    request: Request, values: Mapping[str, object], work: Callable[[], Awaitable[Stored]]
) -> Response:
    """Do the work once for an Idempotency-Key; uploads with equal fields and files are equal."""
    assert request.route is not None

    async def respond() -> Response:
        return record_response(await work())

    parts = msgspec.json.encode(
        sorted((name, value) for name, value in values.items() if name != "storage_key")
    )
    return await performed(request, request.route, respond, parts)


async def _readmit(request: Request) -> None:
    assert request.route is not None
    request.app.sessions.forget(request.viewer.user)
    await authenticate(request)
    refuse_unpermitted(request, request.route)


class _Inspection:
    """Size, SHA-256 and media type of a file, found while its bytes pass."""

    def __init__(self) -> None:
        self.size = 0
        self.hash = hashlib.sha256()
        self.head = b""

    async def inspect(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self.size += len(chunk)
            self.hash.update(chunk)
            if len(self.head) < HEAD:
                self.head += chunk[: HEAD - len(self.head)]
            yield chunk

    def columns(self) -> dict[str, object]:
        return {
            "size": self.size,
            "digest": self.hash.hexdigest(),
            "media_type": sniff(self.head),
        }


async def _extend_deadline(
    request: Request, chunks: AsyncIterable[bytes], file: _Inspection
) -> AsyncIterator[bytes]:
    """Pass the chunks on; after the last, extend the deadline by the time that a slow disk needs."""
    async for chunk in chunks:
        yield chunk
    if request.deadline is not None:
        request.app.deadlines.extend(request.deadline, file.size / BYTES_PER_SECOND)


async def _discard(request: Request, db: Db, key: str, cause: BaseException) -> None:
    """Remove the pending row and the bytes, unless the version was committed after all. Both
    transactions delete the pending row, so one waits for the other and sees what it did.
    """
    if isinstance(cause, Problem) and cause.status >= 500 and cause.__cause__ is not None:
        request.app.log.event(
            "upload_failed", request=request.id, reason=type(cause.__cause__).__name__
        )
    try:
        async with db.transaction() as tx:
            await store.withdraw(tx, key)
            if not await store.is_kept(tx, key):
                await request.app.get(Storage).delete(key)
    except Problem:
        request.app.log.event("upload_left_behind", request=request.id, key=key)
