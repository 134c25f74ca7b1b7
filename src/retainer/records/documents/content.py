"""A file's bytes to the client: whole or a range of them (RFC 9110), as an attachment, verified on
the way.
"""

import hashlib
import re
import unicodedata
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from retainer.errors import Problem, RangeNotSatisfiable
from retainer.http import preconditions
from retainer.http.request import Answer, Request

_RANGE = re.compile(rb"bytes\s*=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)
# Control characters would end the header; those that turn the writing direction make "exe.pdf" of
# "fdp.exe".
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069/\\\\]")


async def answer(request: Request, file: Any, shown: bytes = b"") -> Answer:
    """200, 206 or 304 with a file: storage_key, size, sha256, media_type, name. Raises
    RangeNotSatisfiable.

    It is downloaded, unless `shown` has the media type that a page may show it as (preview.py).
    """
    etag = b'"%s"' % file["sha256"].encode()
    headers = [(b"etag", etag), (b"accept-ranges", b"bytes")]
    if preconditions.is_listed(etag, request):
        return Answer(304, nothing(), *headers)
    span = wanted(request, etag, file["size"])
    start, end = span or (0, file["size"])
    if span:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, file["size"])))
    headers += [
        (b"content-length", b"%d" % (end - start)),
        (b"content-type", shown or file["media_type"].encode()),
        (b"content-disposition", disposition(file["name"], b"inline" if shown else b"attachment")),
    ]
    body = nothing() if request.method == "HEAD" else await opened(request, file, start, end)
    return Answer(206 if span else 200, body, *headers)


def wanted(request: Request, etag: bytes, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last; None for all. Several ranges, or what is no range,
    count as all.
    """
    header = request.headers.get(b"range")
    if (
        header is None
        or request.method != "GET"
        or request.headers.get(b"if-range", etag).strip() != etag
    ):
        return None
    match = _RANGE.fullmatch(header)
    if match is None or match[1] + match[2] == b"":
        return None
    if not match[1]:
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None  # is no range at all
    if start >= size:
        detail = f"The file has {size} bytes; the range begins after them."
        raise RangeNotSatisfiable(detail, headers=[(b"content-range", b"bytes */%d" % size)])
    return start, end


def disposition(name: str, how: bytes = b"attachment") -> bytes:
    """Content-Disposition (RFC 6266): the name in ASCII for old clients, and whole in UTF-8."""
    safe = _UNSAFE.sub("_", name)
    plain = unicodedata.normalize("NFKD", safe).encode("ascii", "ignore").decode()
    # After normalizing, which makes plain quotes and slashes of their full-width kind.
    plain = re.sub(r'["%/\\]', "_", plain).strip() or "document"
    whole = quote(safe, safe="!#$&+^`|", encoding="utf-8", errors="replace")
    return how + f"; filename=\"{plain}\"; filename*=UTF-8''{whole}".encode()


async def nothing() -> AsyncIterator[bytes]:
    """A body that is not sent."""
    return
    yield b""


async def opened(request: Request, file: Any, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes from start up to end. Raises Problem when they are not there."""
    try:
        chunks = await request.app.storage.get(file["storage_key"], start, end)
    except FileNotFoundError:
        report(request, file, "document_bytes_missing")
        raise Problem(
            "The bytes of this file are missing on our side. The request id finds it in the log."
        ) from None
    except Problem as problem:
        report(request, file, "document_unreadable", reason=type(problem.__cause__).__name__)
        raise
    return verified(request, file, chunks, end - start)


async def verified(
    request: Request, file: Any, chunks: AsyncIterator[bytes], length: int
) -> AsyncIterator[bytes]:
    """The chunks, each sent once the next is read, so that a damaged or shortened file never
    arrives as a whole one: the last is kept back until the length, and of a whole file the SHA-256,
    is seen to be right.
    """
    digest = hashlib.sha256()
    read, kept = 0, b""
    try:
        async for chunk in chunks:
            if kept:
                yield kept
            digest.update(chunk)
            read += len(chunk)
            kept = chunk
    except (Problem, FileNotFoundError) as error:
        report(request, file, "document_unreadable", reason=type(error.__cause__ or error).__name__)
        raise
    is_whole = length == file["size"]
    if read != length or (is_whole and digest.hexdigest() != file["sha256"]):
        report(request, file, "document_bytes_damaged")
        raise Problem("The bytes of this file are damaged on our side.")
    yield kept


def report(request: Request, file: Any, event: str, **fields: Any) -> None:
    request.app.log.event(
        event, request=request.id, path=request.path, key=file["storage_key"], **fields
    )
