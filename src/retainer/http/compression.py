"""Compression by gzip for clients that accept it: of pages and data, whole or streamed, but of no
files, whose ranges and digests are of their own bytes.
"""

import asyncio
import gzip
import zlib
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import NamedTuple

from starlette.responses import AsyncContentStream, Response, StreamingResponse

from retainer.http.negotiation.accept import ranges
from retainer.http.request import Request

VARY = (b"vary", b"accept-encoding")

_PAGE = b"text/html"
_TEXTS = {
    _PAGE,
    b"application/json",
    b"application/problem+json",
    b"application/x-ndjson",
    b"text/csv",
}
_LEAST = 1024  # bytes; what fits one packet gains nothing
_LEVEL_OF_PAGES = 5  # a list of 50, 80 kB, to 7.9 kB; 6 takes half as long again for 0.2 kB less
_LEVEL_OF_DATA = 1  # a list of 50 organizations in 60 µs to 2.9 kB; 6 takes 100 µs to 2.4 kB
_MUCH = 100_000  # bytes that would keep other requests waiting for a millisecond and more
_GZIP = 16 + zlib.MAX_WBITS  # zlib's way to say gzip


class Encodings(NamedTuple):
    """Ways in which a client takes a body."""

    gzip: bool
    plain: bool


def gzipped(content: bytes, level: int = 9) -> bytes:
    """The content in gzip, the same bytes each time."""
    return gzip.compress(content, level, mtime=0)


async def compress(request: Request, response: Response) -> None:
    """Pack a page or data where gzip is accepted and worth it."""
    if not negotiate(request, response):
        return
    if isinstance(response, StreamingResponse):
        response.body_iterator = _packed(response.body_iterator)
        return
    response.body = await _pack(response, bytes(response.body))
    response.headers["content-length"] = str(len(response.body))


async def _pack(response: Response, content: bytes) -> bytes:
    headers = dict(response.raw_headers)
    if headers.get(b"cache-control") == b"no-cache":  # the same for everybody
        return _packed_once(content)
    level = _LEVEL_OF_DATA
    if headers[b"content-type"].startswith(_PAGE):
        level = _LEVEL_OF_PAGES
    if len(content) < _MUCH:
        return gzipped(content, level)
    return await asyncio.to_thread(gzipped, content, level)


def negotiate(request: Request, response: Response) -> bool:
    """Set the headers that tell of gzip; True when the body is to be packed. Its ETag becomes weak,
    because the bytes are not those that it was made from.
    """
    headers = dict(response.raw_headers)
    media_type = headers.get(b"content-type", b"").partition(b";")[0]
    is_file = b"accept-ranges" in headers
    if media_type not in _TEXTS or is_file:
        return False
    response.raw_headers.append(VARY)
    encodings = accepted(request)
    is_worth_it = isinstance(response, StreamingResponse) or len(response.body) > _LEAST
    if not encodings.gzip or (encodings.plain and not is_worth_it):
        return False
    response.headers["content-encoding"] = "gzip"
    if b"etag" in headers:
        response.headers["etag"] = "W/" + response.headers["etag"]
    return True


def accepted(request: Request) -> Encodings:
    """The encodings that Accept-Encoding allows (RFC 9110, 12.5.3)."""
    return _accepted(request.headers.joined("accept-encoding") or "")


@lru_cache(maxsize=256)  # clients send the same few
def _accepted(header: str) -> Encodings:
    weights = ranges(header)
    everything = weights.get("*/*", 0.0)  # as `ranges` names "*"
    plain = weights.get("identity", everything or float("*/*" not in weights))
    small = weights.get("gzip", weights.get("x-gzip", everything))
    if not plain and "gzip" not in weights and "*/*" not in weights:
        return Encodings(gzip=True, plain=False)  # plain is all that it excludes
    is_preferred = small >= weights.get("identity", 0.0)
    return Encodings(gzip=small > 0 and is_preferred, plain=plain > 0)


@lru_cache(maxsize=8)
def _packed_once(content: bytes) -> bytes:
    return gzipped(content)


async def _packed(chunks: AsyncContentStream) -> AsyncGenerator[bytes]:
    """The stream in gzip. Each chunk can be unpacked when it arrives."""
    packer = zlib.compressobj(_LEVEL_OF_DATA, wbits=_GZIP)
    try:
        async for chunk in chunks:
            assert isinstance(chunk, bytes)
            small = await asyncio.to_thread(packer.compress, chunk)
            yield small + packer.flush(zlib.Z_SYNC_FLUSH)
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()  # it may hold a connection
    yield packer.flush()
