"""Previews: which files a page shows without a download, as which type, and under which policy.

Uploads are strangers' bytes on our own origin. So only types that a browser cannot run as our page
are shown: a few kinds of pictures, PDF, and every text as plain text. The type is the one that was
found in the bytes themselves (docs/decisions/0015-previews.md).
"""

from typing import NamedTuple

from asyncpg import Record
from starlette.responses import Response

from retainer.errors import NotFound
from retainer.http.request import Request
from retainer.records.documents import content

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
PDF = "application/pdf"
PLAIN = "text/plain; charset=utf-8"
EXCERPT_BYTES = 12_000  # shown of a text on its page, which links to the whole

# A preview fetches, runs and sends nothing, and only our own pages may frame it.
_ALONE = "default-src 'none'; frame-ancestors 'self'"
# It also gets an origin of its own, without scripts and forms. Not for PDF: browsers' viewers do
# not start in a sandbox.
_SANDBOXED = _ALONE + "; sandbox"
_OWN = {"cross-origin-resource-policy": "same-origin"}


class Excerpt(NamedTuple):
    """The beginning of a text."""

    text: str
    is_whole: bool  # nothing was left out


def display_of(media_type: str) -> str:
    """Kind of preview for a file of this type: picture, pdf, text, or "" for none."""
    if media_type in PICTURES:
        return "picture"
    if media_type == PDF:
        return "pdf"
    if media_type.startswith("text/"):
        return "text"
    return ""


async def content_response(request: Request, file: Record) -> Response:
    """Answer the bytes of a file for an element of our own page. Raises NotFound for a type without
    a preview.
    """
    display = display_of(file["media_type"])
    if not display:
        raise NotFound
    media_type, policy = file["media_type"], _SANDBOXED
    if display == "text":
        media_type = PLAIN  # HTML, too, is shown as its source
    elif display == "pdf":
        policy = _ALONE
    response = await content.content_response(request, file, media_type)
    response.headers["content-security-policy"] = policy
    response.headers.update(_OWN)
    return response


async def excerpt(request: Request, file: Record) -> Excerpt:
    """Read the beginning of a text; its page escapes it."""
    end = min(file["size"], EXCERPT_BYTES)
    pieces = [piece async for piece in await content.read_verified(request, file, 0, end)]
    text = b"".join(pieces).decode(errors="ignore")  # the cut may split a character
    return Excerpt(text.removeprefix("\ufeff"), end == file["size"])
