"""Request headers: Starlette's, found by an index, with several lines of one name as one value. And
the headers that every response has.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeVar, overload

import starlette.datastructures

from retainer.config import Network

T = TypeVar("T")

FORWARDED = "x-forwarded-for"

CSP = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"font-src 'self'; manifest-src 'self'; connect-src 'self'; frame-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY = [
    (b"content-security-policy", CSP),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
]


@lru_cache(maxsize=256)  # the same few are asked for
def _name(key: str) -> bytes:
    return key.lower().encode("latin-1")


class Headers(starlette.datastructures.Headers):
    """The headers of a request. A request asks for about ten, of which most are not there: looking
    each up in the list cost a quarter of a point read's time outside the HTTP server.
    """

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        super().__init__(raw=raw)
        self._last = dict(raw)  # of several lines the last

    def __getitem__(self, key: str) -> str:
        return self._last[_name(key)].decode("latin-1")

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and _name(key) in self._last

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, /, default: str) -> str: ...
    @overload
    def get(self, key: str, /, default: T) -> str | T: ...
    def get(self, key: str, /, default: Any = None) -> Any:
        """The value of a header's last line, or the default."""
        value = self._last.get(_name(key))
        if value is None:
            return default
        return value.decode("latin-1")

    def joined(self, key: str) -> str | None:
        """The lines of a header joined by commas (RFC 9110, 5.3); None where there is none."""
        if _name(key) not in self._last:
            return None
        return ",".join(self.getlist(key))

    def cookies(self, name: str) -> list[str]:
        """Every value that the cookie of this name has, in order, without quotes."""
        # Proxies from HTTP/2 may send cookies on several lines.
        text = ";".join(self.getlist("cookie"))
        if name not in text:
            return []
        parts = [pair.partition("=") for pair in text.split(";")]
        return [value.strip().strip('"') for key, _, value in parts if key.strip() == name]


def client_address(own: str, headers: Headers, proxies: Iterable[Network]) -> str:
    """The address of a client whose connection comes from `own`; behind trusted proxies the nearest
    that is not one of them.
    """
    if FORWARDED not in headers:
        return own[:64]
    address, forwarded = own, ",".join(headers.getlist(FORWARDED)).split(",")
    while forwarded and is_proxy(address, proxies):
        address = forwarded.pop().strip() or address
    return address[:64]


def is_proxy(address: str, proxies: Iterable[Network]) -> bool:
    """True when the address belongs to a proxy that is trusted."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in proxies)


@lru_cache(maxsize=4096)  # each request asks, some of them three times
def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
