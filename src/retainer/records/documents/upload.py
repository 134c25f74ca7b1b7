"""Bytes into the storage, so that a row never lacks its bytes and bytes never lack a row for long.

A committed row in pending_uploads comes first, then the bytes, then one transaction that makes the
version and removes the pending row. Whatever ends an upload before that removes both; after a kill
`retainer documents check` does.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
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
from retainer.records.documents.media_type import HEAD, sniffed
from retainer.records.documents.multipart import Form
from retainer.records.documents.storage import Storage

BYTES_PER_SECOND = (
    20_000_000  # a slow disk makes the last bytes durable at this rate; the deadline waits for it
)

T = TypeVar("T", bound=msgspec.Struct)


@asynccontextmanager
async def received(request: Request, kind: type[T]) -> AsyncIterator[dict[str, Any]]:
    """The form's fields and the columns of the version, its bytes stored; removed again if the
    block raises.
    """
    form = Form(request)
    key = f"{request.viewer.tenant}/{uuid4()}"
    db = request.db  # as it is now: to clean up in this tenant, whatever becomes of the session
    await store.announce(
        db, key
    )  # before any byte is read: when the session changed, the request can run again
    try:
        await form.start()
        if form.file_name is None:
            form.fields(kind)  # raises: the file is missing
        file = _Measured()
        await request.app.get(Storage).put(key, _patient(request, file.through(form.file()), file))
        if request.before_upload_commit is not None:
            await request.before_upload_commit(request)
        if "name" in kind.__struct_fields__:
            form.name_after_file()
        values = sent(form.fields(kind))
        del values["file"]
        yield values | {"storage_key": key, **file.columns()}
    except BaseException as error:
        # Shielded: a request that is cancelled cleans up as well.
        await asyncio.shield(_discard(request, db, key, error))
        raise


async def finished(
    request: Request, values: dict[str, Any], work: Callable[[], Awaitable[Stored]]
) -> Response:
    """The answer with what the last transaction of an upload returns. Its body cannot be read
    again, so only this is repeated after a deadlock, or when the session changed: then the viewer
    is looked up, and allowed, anew.
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
    request: Request, values: dict[str, Any], work: Callable[[], Awaitable[Stored]]
) -> Response:
    """Once for the request's key: another upload of the same parts is the same request."""
    assert request.route is not None

    async def answer() -> Response:
        return record_response(await work())

    parts = msgspec.json.encode(
        sorted((name, value) for name, value in values.items() if name != "storage_key")
    )
    return await performed(request, request.route, answer, parts)


async def _readmit(request: Request) -> None:
    assert request.route is not None
    request.app.sessions.forget(request.viewer.user)
    await authenticate(request)
    refuse_unpermitted(request, request.route)


class _Measured:
    """What is found out about a file while its bytes pass."""

    def __init__(self) -> None:
        self.size = 0
        self.hash = hashlib.sha256()
        self.head = b""

    async def through(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self.size += len(chunk)
            self.hash.update(chunk)
            if len(self.head) < HEAD:
                self.head += chunk[: HEAD - len(self.head)]
            yield chunk

    def columns(self) -> dict[str, Any]:
        return {
            "size": self.size,
            "digest": self.hash.hexdigest(),
            "media_type": sniffed(self.head),
        }


async def _patient(
    request: Request, chunks: AsyncIterable[bytes], file: _Measured
) -> AsyncIterator[bytes]:
    """The same chunks; after the last, the deadline allows for making so many bytes durable."""
    async for chunk in chunks:
        yield chunk
    if request.deadline is not None:
        request.app.deadlines.extend(request.deadline, file.size / BYTES_PER_SECOND)


async def _discard(request: Request, db: Db, key: str, cause: BaseException) -> None:
    """Remove the pending row and the bytes, unless the version was committed after all: its pending
    row is gone then, and whoever deletes it first waits for the other.
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
