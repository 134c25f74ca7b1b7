"""A file shown in a page without being downloaded: what may be, as what, and under which policy.

Uploads are strangers' bytes on our own origin. Only types that a browser cannot run as our page are
shown: a few kinds of pictures, PDF, and text as text; the type is the one that we found in the
bytes (docs/decisions/0015-previews.md).
"""

from typing import Any, NamedTuple

from starlette.responses import Response

from retainer.errors import NotFound
from retainer.http.request import Request
from retainer.records.documents import content

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
PDF = "application/pdf"
PLAIN = "text/plain; charset=utf-8"
EXCERPT_BYTES = 12_000  # bytes of a text that stand in its page; the whole of it is a click away

# Nothing is fetched, run or sent by what is shown, and only our own pages may frame it.
_ALONE = "default-src 'none'; frame-ancestors 'self'"
# In an origin of its own besides, with no scripts and no forms. Not for PDF: browsers' viewers do
# not start in it.
_SANDBOXED = _ALONE + "; sandbox"
_OWN = {"cross-origin-resource-policy": "same-origin"}


class Excerpt(NamedTuple):
    """The beginning of a text, and whether that is all of it."""

    text: str
    is_whole: bool


def display_of(media_type: str) -> str:
    """How a page shows a file of this type: picture, pdf, text, or "" for not at all."""
    if media_type in PICTURES:
        return "picture"
    if media_type == PDF:
        return "pdf"
    if media_type.startswith("text/"):
        return "text"
    return ""


async def answer(request: Request, file: Any) -> Response:
    """The bytes of a file for an element of our own page. Raises NotFound for a type that is not
    shown.
    """
    display = display_of(file["media_type"])
    if not display:
        raise NotFound
    media_type, policy = file["media_type"], _SANDBOXED
    if display == "text":
        media_type = PLAIN  # HTML too is but text
    elif display == "pdf":
        policy = _ALONE
    response = await content.content_response(request, file, media_type)
    response.headers["content-security-policy"] = policy
    response.headers.update(_OWN)
    return response


async def excerpt(request: Request, file: Any) -> Excerpt:
    """The beginning of a text for its page, which escapes it."""
    end = min(file["size"], EXCERPT_BYTES)
    pieces = [piece async for piece in await content.read_verified(request, file, 0, end)]
    text = b"".join(pieces).decode(errors="ignore")  # where it is cut, half a character may stand
    return Excerpt(text.removeprefix("\ufeff"), end == file["size"])
