"""Stylesheets and scripts: read once, served under names that hold their digest: browsers keep them for good."""

import hashlib
from importlib.resources import files
from typing import NamedTuple

from retainer.request import Answer, Request

_TYPES = {"css": b"text/css; charset=utf-8", "js": b"text/javascript; charset=utf-8"}


class Asset(NamedTuple):
    """One file of layout/."""

    kind: bytes
    content: bytes


def _read() -> tuple[dict[str, Asset], dict[str, str]]:
    assets, urls = {}, {}
    for extension, kind in _TYPES.items():
        for entry in sorted((files("retainer") / "layout" / extension).iterdir(), key=lambda e: e.name):
            content = entry.read_bytes()
            stem = entry.name.removesuffix(f".{extension}")
            url = f"/static/{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{extension}"
            assets[url], urls[entry.name] = Asset(kind, content), url
    return assets, urls


# By path, for the table of routes; and the path of each file name, for templates.
ASSETS, URLS = _read()


async def asset(request: Request) -> Answer:
    found = ASSETS[request.path]
    return Answer(
        200, found.content, (b"content-type", found.kind), (b"cache-control", b"public, max-age=31536000, immutable")
    )
