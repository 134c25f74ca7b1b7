"""gzip for whoever accepts it. Not for streams, which would wait for each other's chunks, nor for
the API.
"""

import gzip

from retainer.http.request import HTML, Answer, Request

VARY = (b"vary", b"accept-encoding")
GZIP = (b"content-encoding", b"gzip")

_LEAST = 1024  # bytes; what fits one packet gains nothing
_LEVEL = 6  # of a page: 60 kB in half a millisecond, and 9 makes it hardly smaller


def packed(content: bytes, level: int = 9) -> bytes:
    """The content in gzip, the same bytes each time."""
    return gzip.compress(content, level, mtime=0)


def compressed(request: Request, answer: Answer) -> Answer:
    """A page in gzip where it is accepted and worth it; every other answer as it is. An ETag
    becomes weak with it, for the bytes are others than those it names.
    """
    body = answer.body
    if HTML not in answer.headers or not isinstance(body, bytes) or len(body) <= _LEAST:
        return answer
    if not accepts_gzip(request):
        return Answer(answer.status, body, *answer.headers, VARY)
    kept = ((name, b"W/" + value if name == b"etag" else value) for name, value in answer.headers)
    return Answer(answer.status, packed(body, _LEVEL), *kept, VARY, GZIP)


def accepts_gzip(request: Request) -> bool:
    """Whether Accept-Encoding names gzip, or everything, without forbidding it (RFC 9110, 12.5.3)."""
    header = (request.header(b"accept-encoding") or "").lower().replace(" ", "")
    wishes = dict(wish.partition(";q=")[::2] for wish in header.split(","))
    weight = wishes.get("gzip", wishes.get("*", "0"))
    return weight.strip("0.") != "" or weight == ""
