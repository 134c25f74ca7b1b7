"""A file's bytes to the client: whole or a range of them (RFC 9110), as an attachment, verified on
the way.
"""

import hashlib
import re
import unicodedata
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from retainer.errors import Problem, RangeNotSatisfiable
from retainer.http import preconditions
from retainer.http.request import Request
from retainer.records.documents.storage import Storage

_RANGE = re.compile(r"bytes\s*=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE | re.ASCII)
# Control characters would end the header; those that turn the writing direction make "exe.pdf" of
# "fdp.exe".
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069/\\\\]")


async def answer(request: Request, file: Any, shown: str = "") -> Response:
    """200, 206 or 304 with a file: storage_key, size, sha256, media_type, name. Raises
    RangeNotSatisfiable.

    It is downloaded, unless `shown` has the media type that a page may show it as (preview.py).
    """
    etag = f'"{file["sha256"]}"'
    headers = {"etag": etag, "accept-ranges": "bytes"}
    if preconditions.is_listed(etag, request):
        return Response(status_code=304, headers=headers)
    span = wanted(request, etag, file["size"])
    start, end = span or (0, file["size"])
    if span:
        headers["content-range"] = f"bytes {start}-{end - 1}/{file['size']}"
    headers |= {
        "content-length": str(end - start),
        "content-type": shown or file["media_type"],
        "content-disposition": disposition(file["name"], "inline" if shown else "attachment"),
    }
    if request.method == "HEAD":
        return Response(headers=headers)
    body = await opened(request, file, start, end)
    return StreamingResponse(body, 206 if span else 200, headers)


def wanted(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last; None for all. Several ranges, or what is no range,
    count as all.
    """
    header = request.headers.get("range")
    if (
        header is None
        or request.method != "GET"
        or request.headers.get("if-range", etag).strip() != etag
    ):
        return None
    match = _RANGE.fullmatch(header)
    if match is None or match[1] + match[2] == "":
        return None
    if not match[1]:
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None  # is no range at all
    if start >= size:
        detail = f"The file has {size} bytes; the range begins after them."
        raise RangeNotSatisfiable(detail, headers={"content-range": f"bytes */{size}"})
    return start, end


def disposition(name: str, how: str = "attachment") -> str:
    """Content-Disposition (RFC 6266): the name in ASCII for old clients, and whole in UTF-8."""
    safe = _UNSAFE.sub("_", name)
    plain = unicodedata.normalize("NFKD", safe).encode("ascii", "ignore").decode()
    # After normalizing, which makes plain quotes and slashes of their full-width kind.
    plain = re.sub(r'["%/\\]', "_", plain).strip() or "document"
    whole = quote(safe, safe="!#$&+^`|", encoding="utf-8", errors="replace")
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{whole}"


async def opened(request: Request, file: Any, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes from start up to end. Raises Problem when they are not there."""
    try:
        chunks = await request.app.get(Storage).get(file["storage_key"], start, end)
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
