"""Uploads: no row without its bytes, and no bytes without a row for long.

First a row in pending_uploads is committed, then the bytes are stored, then one transaction makes
the version and removes the pending row. An upload that ends before that removes both; after a kill
`retainer documents check` does.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import uuid4

import msgspec
from starlette.responses import Response

from retainer.database.database import Db, Values
from retainer.database.refusals import Retry, SessionChanged
from retainer.database.stored import Stored
from retainer.errors import NotSignedIn, Problem, StorageFull
from retainer.http.body import sent
from retainer.http.dispatch import ATTEMPTS, authenticate, refuse_unpermitted
from retainer.http.request import Request
from retainer.http.responses import record_response
from retainer.http.safe_writes.perform import Outcome, perform
from retainer.records.documents import pending_uploads
from retainer.records.documents.media_type import HEAD, sniff
from retainer.records.documents.multipart import Form
from retainer.records.documents.storage import Storage

# Rate at which a slow disk makes the last bytes durable; the deadline waits for it.
BYTES_PER_SECOND = 20_000_000
CLEAN_UP_SECONDS = 1.0  # the longest that an answer waits for it

T = TypeVar("T", bound=msgspec.Struct)


class Upload:
    """A file whose bytes are stored, with the form's fields and the columns of the version."""

    def __init__(self, values: Values, file_name: str) -> None:
        self.values = values
        self.file_name = file_name
        self.is_committed = False


@asynccontextmanager
async def receive(
    request: Request, type: type[T], limit_mb: int | None = None
) -> AsyncIterator[Upload]:
    """Store the file of a form, of RETAINER_UPLOAD_MB at most or `limit_mb`. Its bytes are removed
    unless the block commits what refers to them.
    """
    form = Form(request, limit_mb or request.app.settings.upload_mb)
    key = f"{request.viewer.tenant}/{uuid4()}"
    db = request.db  # kept, to clean up in this tenant even when the session changes meanwhile
    # Before any byte is read: when the session has changed, the request can run once more.
    await pending_uploads.add(db, key)
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
        upload = Upload(values | {"storage_key": key, **file.columns()}, form.file_name or "")
        yield upload
    except BaseException as error:
        _report(request, error)
        await _clean_up(request, db, key)
        raise
    if not upload.is_committed:
        await _clean_up(request, db, key)


async def commit(
    request: Request, upload: Upload, change: Callable[[], Awaitable[Stored]]
) -> Response:
    """Response with the record that `change`, the last transaction of an upload, returns.

    The body of an upload cannot be read twice, so only `change` is repeated: after a deadlock, or
    when the session has changed. Then the viewer is looked up again, and must be allowed again.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            outcome = await _perform(request, upload, change)
        except Retry:
            if attempt == ATTEMPTS:
                raise
        except SessionChanged as error:
            if attempt == ATTEMPTS:
                raise NotSignedIn from error
            await _authenticate_again(request)
        else:
            upload.is_committed = outcome.is_committed
            return outcome.response
    raise AssertionError


async def _perform(
    request: Request, upload: Upload, change: Callable[[], Awaitable[Stored]]
) -> Outcome:
    """Make the change once for an Idempotency-Key; equal fields and files are the same request."""
    assert request.route is not None

    async def respond() -> Response:
        return record_response(await change())

    parts = sorted((name, value) for name, value in upload.values.items() if name != "storage_key")
    return await perform(request, request.route, respond, msgspec.json.encode(parts))


async def _authenticate_again(request: Request) -> None:
    assert request.route is not None
    request.app.sessions.forget(request.viewer.user)
    await authenticate(request, request.route)
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
    """Pass the chunks on while there is space; then extend the deadline by the time that a slow
    disk needs.
    """
    async for chunk in chunks:
        if request.app.database.is_full:
            raise StorageFull
        yield chunk
    if request.deadline is not None:
        request.app.deadlines.extend(request.deadline, file.size / BYTES_PER_SECOND)


def _report(request: Request, error: BaseException) -> None:
    """Log a failure of our own: of the database or of the storage."""
    if isinstance(error, Problem) and error.status >= 500 and error.__cause__ is not None:
        reason = type(error.__cause__).__name__
        request.app.log.event("upload_failed", request=request.id, reason=reason)


async def _clean_up(request: Request, db: Db, key: str) -> None:
    """Discard, also when the request is cancelled. The answer does not wait for a database that is
    slow to commit: the work goes on behind it.
    """
    task = asyncio.create_task(_discard(request, db, key))
    _DISCARDING.add(task)
    task.add_done_callback(_DISCARDING.discard)
    await asyncio.wait([task], timeout=CLEAN_UP_SECONDS)


_DISCARDING: set[asyncio.Task[None]] = set()  # kept, or one would be collected in its middle


async def _discard(request: Request, db: Db, key: str) -> None:
    """Remove the pending row and the bytes, unless the version was committed after all. Both
    transactions delete the pending row, so one waits for the other and sees what it did.
    """
    try:
        async with db.transaction() as tx:
            await pending_uploads.remove(tx, key)
            if not await pending_uploads.has_version(tx, key):
                await request.app.get(Storage).delete(key)
    except Problem:
        request.app.log.event("upload_left_behind", request=request.id, key=key)
