"""Content of a file to a client: whole or one range of it (RFC 9110), verified on the way."""

import hashlib
import re
import unicodedata
from collections.abc import AsyncIterator
from urllib.parse import quote

from asyncpg import Record
from starlette.responses import Response, StreamingResponse

from retainer.errors import Problem, RangeNotSatisfiable
from retainer.http.request import Request
from retainer.http.safe_writes import preconditions
from retainer.records.documents.storage import Storage

_RANGE = re.compile(r"bytes\s*=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE | re.ASCII)
# Control characters would end the header; marks of the writing direction show "fdp.exe" as
# "exe.pdf".
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069/\\\\]")


async def content_response(request: Request, file: Record, inline_type: str = "") -> Response:
    """200, 206 or 304 with a file: storage_key, size, sha256, media_type, name. Raises
    RangeNotSatisfiable.

    Browsers download it, unless `inline_type` is the media type as which a page shows it
    (preview.py).
    """
    etag = f'"{file["sha256"]}"'
    headers = {"etag": etag, "accept-ranges": "bytes"}
    if preconditions.client_has(etag, request):
        return Response(status_code=304, headers=headers)
    status, start, end = 200, 0, file["size"]
    requested = requested_range(request, etag, file["size"])
    if requested is not None:
        status = 206
        start, end = requested
        headers["content-range"] = f"bytes {start}-{end - 1}/{file['size']}"
    headers["content-length"] = str(end - start)
    headers["content-type"] = inline_type or file["media_type"]
    headers["content-disposition"] = disposition(file["name"], is_inline=bool(inline_type))
    if request.method == "HEAD":
        return Response(headers=headers)
    body = await read_verified(request, file, start, end)
    return StreamingResponse(body, status, headers)


def requested_range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last; None for the whole file. Several ranges, and
    headers that are no valid range, ask for the whole file too. Raises RangeNotSatisfiable.
    """
    header = request.headers.get("range")
    if header is None or request.method != "GET":
        return None
    if request.headers.get("if-range", etag).strip() != etag:
        return None
    match = _RANGE.fullmatch(header)
    if match is None:
        return None
    parsed = _parse_range(match[1], match[2], size)
    if parsed is not None and parsed[0] >= size:
        detail = f"The file has {size} bytes; the range begins after them."
        raise RangeNotSatisfiable(detail, headers={"content-range": f"bytes */{size}"})
    return parsed


def _parse_range(first: str, last: str, size: int) -> tuple[int, int] | None:
    if first and last:
        if int(last) < int(first):
            return None
        return int(first), min(size, int(last) + 1)
    if first:
        return int(first), size
    if last:  # the number of bytes at the end
        return max(0, size - int(last)), size
    return None


def disposition(name: str, *, is_inline: bool = False) -> str:
    """Content-Disposition (RFC 6266): the name in ASCII for old clients, and whole in UTF-8."""
    safe = _UNSAFE.sub("_", name)
    plain = unicodedata.normalize("NFKD", safe).encode("ascii", "ignore").decode()
    # Once more: normalizing turns full-width quotes and slashes into plain ones.
    plain = re.sub(r'["%/\\]', "_", plain).strip() or "document"
    whole = quote(safe, safe="!#$&+^`|", encoding="utf-8", errors="replace")
    method = "attachment"
    if is_inline:
        method = "inline"
    return f"{method}; filename=\"{plain}\"; filename*=UTF-8''{whole}"


async def read_verified(
    request: Request, file: Record, start: int, end: int
) -> AsyncIterator[bytes]:
    """Bytes from `start` up to `end`, verified. Raises Problem when the storage lacks them."""
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
    return _verify(request, file, chunks, end - start)


async def _verify(
    request: Request, file: Record, chunks: AsyncIterator[bytes], length: int
) -> AsyncIterator[bytes]:
    """Pass the chunks on, each once the next has been read. The last is held back until the length,
    and for a whole file the SHA-256, is right: a damaged or shortened file never arrives complete.
    """
    digest = hashlib.sha256()
    count, held_back = 0, b""
    try:
        async for chunk in chunks:
            if held_back:
                yield held_back
            digest.update(chunk)
            count += len(chunk)
            held_back = chunk
    except (Problem, FileNotFoundError) as error:
        report(request, file, "document_unreadable", reason=type(error.__cause__ or error).__name__)
        raise
    is_whole = length == file["size"]
    if count != length or (is_whole and digest.hexdigest() != file["sha256"]):
        report(request, file, "document_bytes_damaged")
        raise Problem("The bytes of this file are damaged on our side.")
    yield held_back


def report(request: Request, file: Record, event: str, **fields: object) -> None:
    request.app.log.event(
        event, request=request.id, path=request.path, key=file["storage_key"], **fields
    )
