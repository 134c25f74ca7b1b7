"""Storage of documents' bytes: a local folder, or S3, GCS or Azure, by one interface.

A key is {tenant}/{uuid}, never a name that a person gave. Bytes are written once and never changed.
Missing bytes raise FileNotFoundError, a full disk StorageFull, any other failure Unavailable.
"""

import asyncio
import errno
import os
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from retainer.config import ConfigError, Settings
from retainer.errors import StorageFull, Unavailable

if TYPE_CHECKING:
    from obstore.store import ObjectStore

# Bytes of an upload's part, the least that S3 accepts. An upload holds two or three in memory.
PART = 5 << 20
PIECE = 256 << 10  # bytes of a read from the folder
REMOTE_PIECE = 4 << 20  # bytes of a read from elsewhere, each a request of its own
CLOSE_SECONDS = 5.0  # the longest that a cancelled upload waits for its writer
FILE = "file://"
MARK = "retainer-storage"  # key of the mark, which is no key of a document


class Entry(NamedTuple):
    """An object in the storage; size in bytes."""

    key: str
    size: int
    modified: datetime


class Storage:
    """The bytes of all documents. Nothing is opened, nor its library imported, before the first
    use.
    """

    def __init__(self, folder: Path | None, url: str) -> None:
        self.folder = folder
        self.url = url

    @classmethod
    def of(cls, settings: Settings) -> "Storage":
        """Storage as configured."""
        if settings.storage_url.startswith(FILE):
            return cls(Path(settings.storage_url.removeprefix(FILE)), "")
        if settings.storage_url or not settings.data:
            return cls(None, settings.storage_url)
        return cls(Path(settings.data) / "documents", "")

    def open(self) -> None:
        """Open it at the start, so that a wrong setting raises ConfigError and does not fail the
        first upload.
        """
        try:
            _ = self.store
        except OSError as error:
            raise ConfigError(
                f"The storage {self.folder} cannot be used: {error.strerror}."
            ) from None

    @cached_property
    def store(self) -> "ObjectStore":
        """The opened storage. Raises ConfigError when it cannot be used as configured."""
        from obstore.store import LocalStore  # noqa: PLC0415 -- see the class

        if self.folder is None:
            return _remote(self.url)
        if not self.folder.exists():
            self.folder.mkdir(mode=0o700, parents=True)
            _sync(self.folder.parent)
        return LocalStore(self.folder, mkdir=True)

    @property
    def place(self) -> str:
        """The folder or the address, for the operator."""
        return str(self.folder or self.url)

    async def read_mark(self) -> str | None:
        """The mark that the storage carries (storage_mark.py)."""
        with _translate_errors():
            try:
                if self.folder is not None:  # without obstore, which takes long to import
                    return (self.folder / MARK).read_text().strip()
                found = await self.store.get_async(MARK)
                return bytes(await found.bytes_async()).decode(errors="replace").strip()
            except FileNotFoundError:
                return None

    async def write_mark(self, mark: str) -> None:
        """Mark the storage, durably."""
        with _translate_errors():
            if self.folder is None:
                await self.store.put_async(MARK, f"{mark}\n".encode())
                return
            if not self.folder.exists():
                self.folder.mkdir(mode=0o700, parents=True)
            path, new = self.folder / MARK, self.folder / f"{MARK}.new"
            new.write_text(f"{mark}\n")
            _sync(new)
            new.replace(path)
            _sync(self.folder, self.folder.parent)

    async def put(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        """Write bytes as they come. They become visible when all are durable, or never.

        A local file is written as `{uuid}#1` and renamed at the end; a kill leaves that one behind
        (see sweep). Elsewhere a kill leaves parts, which a lifecycle rule of the bucket removes.
        """
        from obstore import open_writer_async  # noqa: PLC0415 -- see the class

        with _translate_errors():
            writer = open_writer_async(self.store, key, buffer_size=PART, max_concurrency=2)
            try:
                async for chunk in chunks:
                    await writer.write(chunk)
                await _finish(writer.close())
            finally:
                del writer  # an unfinished writer removes its bytes when it is dropped
            if self.folder is not None:
                # Their row will survive a power cut, so they must.
                path = self.folder / key
                await asyncio.to_thread(_sync, path, path.parent, self.folder)

    async def get(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes from `start` up to `end`. The first piece is read before this returns, so that it
        raises FileNotFoundError.

        Read by pieces rather than as one stream, so that a slow client holds no connection to the
        storage.
        """
        first = await self._read_piece(key, start, end)
        return self._continue(key, first, start, end)

    async def _continue(self, key: str, first: bytes, start: int, end: int) -> AsyncIterator[bytes]:
        piece, position = first, start
        while piece:
            yield piece
            position += len(piece)
            if position >= end:
                return
            piece = await self._read_piece(key, position, end)

    async def _read_piece(self, key: str, start: int, end: int) -> bytes:
        piece = REMOTE_PIECE
        if self.folder is not None:
            piece = PIECE
        with _translate_errors():
            return bytes(
                await self.store.get_range_async(key, start=start, end=min(end, start + piece))
            )

    async def size(self, key: str) -> int | None:
        """Bytes under the key; None when it is not there."""
        with _translate_errors():
            try:
                return (await self.store.head_async(key))["size"]
            except FileNotFoundError:
                return None

    async def delete(self, key: str) -> None:
        """Remove the bytes under the key; no error when there are none."""
        with _translate_errors():
            try:
                await self.store.delete_async(key)
            except FileNotFoundError:
                return

    async def list(self) -> AsyncIterator[list[Entry]]:
        """Entries of all tenants, some hundred at a time, in no order."""
        with _translate_errors():
            async for batch in self.store.list(chunk_size=500):
                yield [
                    Entry(found["path"], found["size"], found["last_modified"]) for found in batch
                ]

    async def sweep(self, before: datetime) -> int:
        """Delete the half-written files that killed processes left before that time; returns their
        number.
        """
        if self.folder is None:
            return 0
        return await asyncio.to_thread(_sweep, self.folder, before)


def _remote(url: str) -> "ObjectStore":
    from obstore.exceptions import BaseError  # noqa: PLC0415 -- see the class
    from obstore.store import from_url  # noqa: PLC0415 -- see the class

    if not url:
        raise ConfigError(
            "Documents have no place: set RETAINER_DATA to a folder, or RETAINER_STORAGE_URL."
        )
    try:
        # No client_options: they would replace those of the environment, such as AWS_ALLOW_HTTP.
        return from_url(
            url, retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
        )
    except (BaseError, ValueError) as error:
        raise ConfigError(
            f"RETAINER_STORAGE_URL cannot be used: {str(error).partition(chr(10))[0]}."
        ) from None


@contextmanager
def _translate_errors() -> Iterator[None]:
    from obstore.exceptions import BaseError  # noqa: PLC0415 -- see the class

    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        if _is_full(error):
            raise StorageFull from error
        raise Unavailable("The storage of documents did not answer. Try again shortly.") from error


def _is_full(error: Exception) -> bool:
    """True when the disk or the quota is full; obstore has the error number in its message only."""
    full = (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, OSError) and error.errno in full:
        return True
    return any(f"(os error {number})" in str(error) for number in full)


async def _finish(closing: Awaitable[None]) -> None:
    """Wait for the writer even when cancelled: it cannot be stopped, and the file would appear
    after the cancelled upload has cleaned up.
    """
    task = asyncio.ensure_future(closing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=CLOSE_SECONDS)
        raise


def _sync(*paths: Path) -> None:
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _sweep(folder: Path, before: datetime) -> int:
    left = [path for path in folder.glob("*/*#*") if path.stat().st_mtime < before.timestamp()]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)
