"""gzip for clients that accept it. Streams are not compressed, because a chunk would wait for the
next ones; nor are answers of the API.
"""

import gzip

from starlette.responses import Response

from retainer.http.request import Request

_LEAST = 1024  # bytes; what fits one packet gains nothing
_LEVEL = 6  # of a page: 60 kB in half a millisecond, and 9 makes it hardly smaller


def gzipped(content: bytes, level: int = 9) -> bytes:
    """The content in gzip, the same bytes each time."""
    return gzip.compress(content, level, mtime=0)


def compress(request: Request, response: Response) -> None:
    """Pack a page where gzip is accepted and worth it. Its ETag becomes weak, because the bytes are
    not those that it was made from.
    """
    if response.media_type != "text/html" or len(response.body) <= _LEAST:
        return
    headers = response.headers
    headers.append("vary", "accept-encoding")
    if not accepts_gzip(request):
        return
    response.body = gzipped(bytes(response.body), _LEVEL)
    headers["content-encoding"] = "gzip"
    headers["content-length"] = str(len(response.body))
    if "etag" in headers:
        headers["etag"] = "W/" + headers["etag"]


def accepts_gzip(request: Request) -> bool:
    """True when Accept-Encoding names gzip, or everything, and does not forbid it (RFC 9110,
    12.5.3).
    """
    header = (request.headers.joined("accept-encoding") or "").lower().replace(" ", "")
    weights = dict(choice.partition(";q=")[::2] for choice in header.split(","))
    weight = weights.get("gzip", weights.get("*", "0"))
    return weight.strip("0.") != "" or weight == ""
