"""Weights of media types in an Accept header (RFC 9110, 12.5.1)."""

import re
from functools import lru_cache

_WEIGHT = re.compile(r"(?:^|;)\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)", re.ASCII)


@lru_cache(maxsize=256)  # clients send the same few
def ranges(accept: str) -> dict[str, float]:
    """The weights of the media ranges that a header names; of one that comes twice the greater.
    Java's `*` means the same as `*/*`.
    """
    found: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, _, parameters = part.partition(";")
        name = name.strip()
        if name == "*":
            name = "*/*"
        weight = _WEIGHT.search(parameters)
        value = float(weight[1]) if weight else 1.0
        if name:
            found[name] = max(value, found.get(name, 0.0))
    return found


def weight(accept: str | None, media_type: str) -> float:
    """The weight of a media type: that of the most specific range which it is in. Without a header
    every type is as good as any other.
    """
    named = ranges(accept or "*/*")
    kind = media_type.partition("/")[0]
    for name in (media_type, f"{kind}/*", "*/*"):
        if name in named:
            return named[name]
    return 0.0


def prefers_html(accept: str | None) -> bool:
    """True where HTML is named, and JSON weighs no more; or where text/* is, which has HTML in it,
    and neither JSON nor CSV, which lists are answered in too, weighs as much.
    """
    named = ranges(accept or "")
    json = weight(accept, "application/json")
    if "text/html" in named:
        return named["text/html"] > 0 and named["text/html"] >= json
    return named.get("text/*", 0.0) > max(json, named.get("text/csv", 0.0))
