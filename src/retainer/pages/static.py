"""Stylesheets, scripts, fonts and the product's icons: read and compressed once, and served under
names that contain their digest, so that browsers may cache them forever.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from starlette.responses import Response

from retainer.http.compression import accepted, gzipped
from retainer.http.request import Request
from retainer.pages.assets import DIST, PACKAGE, stylesheets
from retainer.pages.script_modules import bundle, later_module, later_modules, link_order

_TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "woff2": "font/woff2",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webmanifest": "application/manifest+json",
}
_COMPRESSED = ("woff2", "png")  # by their own formats
_IMMUTABLE = {"cache-control": "public, max-age=31536000, immutable"}
_URL = re.compile(rb'url\("?([\w.-]+)"?\)')
_IN_MANIFEST = re.compile(rb'(?<="src": ")[\w.-]+')


class Asset(NamedTuple):
    """A file as it is served."""

    media_type: str
    content: bytes
    gzipped: bytes | None  # compressed; None where that saves nothing


def _read() -> tuple[dict[str, Asset], dict[str, str]]:
    """Read every file, each after those whose URLs it contains: fonts, scripts (leaves first),
    stylesheets, the manifest.
    """
    contents = {
        file.name: file.read_bytes()
        for file in (*sorted(DIST.iterdir()), *sorted(ICONS.iterdir()))
        if file.suffix in (".js", ".woff2", ".svg", ".png")
    }
    urls = {name: _url(name, content) for name, content in contents.items()}
    for name in LATER:
        contents[name] = later_module(_SCRIPTS[name], urls.__getitem__).encode()
        urls[name] = _url(name, contents[name])
    for name in ENTRIES:
        contents[name] = bundle(name, MODULES[name], _SCRIPTS, urls.__getitem__).encode()
        urls[name] = _url(name, contents[name])
    for name, content in stylesheets().items():
        contents[name] = _URL.sub(
            lambda found: b"url(%s)" % urls[found[1].decode()].encode(), content
        )
        urls[name] = _url(name, contents[name])
    manifest = contents[MANIFEST] = _IN_MANIFEST.sub(
        lambda found: urls[found[0].decode()].encode(), (ICONS / MANIFEST).read_bytes()
    )
    urls[MANIFEST] = _url(MANIFEST, manifest)
    return {urls[name]: _asset(name, content) for name, content in contents.items()}, urls


def _url(name: str, content: bytes) -> str:
    path = Path(name)
    return f"/static/{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"


def _asset(name: str, content: bytes) -> Asset:
    extension = name.rpartition(".")[2]
    plain = Asset(_TYPES[extension], content, None)
    if extension in _COMPRESSED:
        return plain
    small = gzipped(content)
    if len(small) < len(content):
        return plain._replace(gzipped=small)
    return plain


ICONS, MANIFEST = PACKAGE / "layout/icons", "app.webmanifest"
_SCRIPTS = {file.name: file.read_text() for file in (PACKAGE / "layout/js").glob("*.js")}
# The script of most pages, and those of pages that work on their own.
ENTRIES = ("app.js", "api.js", "setup.js")
# Names of the modules that each module needs, leaves first; and those that are loaded on demand.
MODULES = link_order(_SCRIPTS)
LATER = later_modules(_SCRIPTS)
# Assets by URL, for the table of routes; and URLs by file name, for templates.
ASSETS, URLS = _read()


async def asset(request: Request) -> Response:
    found = ASSETS[request.path]
    if found.gzipped is None:
        return Response(found.content, headers=_IMMUTABLE, media_type=found.media_type)
    headers = _IMMUTABLE | {"vary": "accept-encoding"}
    if not accepted(request).gzip:
        return Response(found.content, headers=headers, media_type=found.media_type)
    headers["content-encoding"] = "gzip"
    return Response(found.gzipped, headers=headers, media_type=found.media_type)
