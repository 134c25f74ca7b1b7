"""Stylesheets, scripts and fonts: read and compressed once, served under names that hold their
digest, so that browsers keep them for good.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from retainer.http.compression import GZIP, VARY, accepts_gzip, packed
from retainer.http.request import Answer, Request
from retainer.pages.assets import DIST, PACKAGE, stylesheets

_TYPES = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "woff2": b"font/woff2",
}
_KEPT = (b"cache-control", b"public, max-age=31536000, immutable")
_URL = re.compile(rb'url\("?([\w.-]+)"?\)')


class Asset(NamedTuple):
    """One file, plain and compressed where that makes it smaller."""

    kind: bytes
    content: bytes
    packed: bytes | None


def _read() -> tuple[dict[str, Asset], dict[str, str]]:
    """Stylesheets last, for they name the others."""
    files = [*DIST.iterdir(), *(PACKAGE / "layout/js").iterdir()]
    contents = {
        file.name: file.read_bytes() for file in sorted(files) if file.suffix in (".js", ".woff2")
    }
    urls = {name: _url(name, content) for name, content in contents.items()}
    for name, content in stylesheets().items():
        contents[name] = _URL.sub(
            lambda found: b"url(%s)" % urls[found[1].decode()].encode(), content
        )
        urls[name] = _url(name, contents[name])
    return {urls[name]: _asset(name, content) for name, content in contents.items()}, urls


def _url(name: str, content: bytes) -> str:
    path = Path(name)
    return f"/static/{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"


def _asset(name: str, content: bytes) -> Asset:
    extension = name.rpartition(".")[2]
    small = packed(content) if extension != "woff2" else content
    return Asset(_TYPES[extension], content, small if len(small) < len(content) else None)


# By path, for the table of routes; and the path of each file name, for templates.
ASSETS, URLS = _read()


async def asset(request: Request) -> Answer:
    found = ASSETS[request.path]
    headers = [(b"content-type", found.kind), _KEPT]
    if found.packed is None:
        return Answer(200, found.content, *headers)
    if accepts_gzip(request):
        return Answer(200, found.packed, *headers, VARY, GZIP)
    return Answer(200, found.content, *headers, VARY)
