"""Where documents' bytes are kept: a local folder, or S3, GCS or Azure, by one interface.

A key is {tenant}/{uuid}, never a name that a person gave. Bytes are written once and never changed.
Missing bytes are FileNotFoundError; a full disk is StorageFull, any other failure Unavailable.
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

PART = (
    5 << 20
)  # bytes; the least that S3 takes as a part of an upload, which holds two or three of them in memory
PIECE = 256 << 10  # bytes read at once from the folder,
REMOTE_PIECE = 4 << 20  # and from elsewhere, where each read is a request of its own
CLOSE_SECONDS = 5.0  # how long a cancelled upload waits for what cannot be called back
FILE = "file://"


class Entry(NamedTuple):
    """What stands in the storage under a key; size in bytes."""

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
        """The storage that the settings name."""
        if settings.storage_url.startswith(FILE):
            return cls(Path(settings.storage_url.removeprefix(FILE)), "")
        if settings.storage_url or not settings.data:
            return cls(None, settings.storage_url)
        return cls(Path(settings.data) / "documents", "")

    def open(self) -> None:
        """Refuse at the start, with ConfigError, what else would fail at the first upload."""
        try:
            _ = self.store
        except OSError as error:
            raise ConfigError(
                f"The storage {self.folder} cannot be used: {error.strerror}."
            ) from None

    @cached_property
    def store(self) -> "ObjectStore":
        """The opened storage. Raises ConfigError when the settings name none that can be used."""
        from obstore.store import LocalStore  # noqa: PLC0415 -- see the class

        if self.folder is None:
            return _remote(self.url)
        if not self.folder.exists():
            self.folder.mkdir(mode=0o700, parents=True)
            _sync(self.folder.parent)
        return LocalStore(self.folder, mkdir=True)

    async def put(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        """Write bytes as they come; they are visible whole and durable, or not at all.

        A local file is written beside its place as `{uuid}#1` and moved there at the end; a kill
        leaves that one behind (see sweep). Elsewhere a kill leaves parts that the store's own
        lifecycle rule removes.
        """
        from obstore import open_writer_async  # noqa: PLC0415 -- see the class

        with _in_words():
            writer = open_writer_async(self.store, key, buffer_size=PART, max_concurrency=2)
            try:
                async for chunk in chunks:
                    await writer.write(chunk)
                await _to_its_end(writer.close())
            finally:
                del writer  # dropped unfinished it removes what it wrote
            if self.folder is not None:
                # The row that will name these bytes survives a power cut; so must they.
                path = self.folder / key
                await asyncio.to_thread(_sync, path, path.parent, self.folder)

    async def get(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from start up to end, the first piece read before this returns. Raises
        FileNotFoundError.

        Piece by piece rather than as one stream: a slow client then holds no connection to the
        store.
        """
        first = await self._range(key, start, end)

        async def pieces() -> AsyncIterator[bytes]:
            piece, position = first, start
            while piece:
                yield piece
                position += len(piece)
                piece = await self._range(key, position, end) if position < end else b""

        return pieces()

    async def _range(self, key: str, start: int, end: int) -> bytes:
        piece = PIECE if self.folder is not None else REMOTE_PIECE
        with _in_words():
            return bytes(
                await self.store.get_range_async(key, start=start, end=min(end, start + piece))
            )

    async def size(self, key: str) -> int | None:
        """How many bytes there are under the key; None when there are none."""
        with _in_words():
            try:
                return (await self.store.head_async(key))["size"]
            except FileNotFoundError:
                return None

    async def delete(self, key: str) -> None:
        """Remove the bytes, where there are any."""
        with _in_words():
            try:
                await self.store.delete_async(key)
            except FileNotFoundError:
                return

    async def list(self) -> AsyncIterator[list[Entry]]:
        """Everything, of all tenants, some hundred at a time, in no order."""
        with _in_words():
            async for batch in self.store.list(chunk_size=500):
                yield [
                    Entry(found["path"], found["size"], found["last_modified"]) for found in batch
                ]

    async def sweep(self, before: datetime) -> int:
        """Delete the half-written files that killed processes left before that time; how many there
        were.
        """
        return 0 if self.folder is None else await asyncio.to_thread(_sweep, self.folder, before)


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
def _in_words() -> Iterator[None]:
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
    """No space, or no quota, left: by number, or from obstore as text."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(f"(os error {number})" in str(error) for number in (errno.ENOSPC, errno.EDQUOT))


async def _to_its_end(closing: Awaitable[None]) -> None:
    """Wait for it, also when cancelled meanwhile: the file would appear after whoever cancelled has
    cleaned up.
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
