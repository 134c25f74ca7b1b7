"""Requests from pages of other origins: browsers say so by Origin and Sec-Fetch-Site.

Changes are accepted from our own pages and from the origins of RETAINER_ALLOWED_ORIGINS; these may
also read what is answered (CORS). The cookie stays SameSite=Lax: a browser sends it from origins of
the same site alone, such as another port or another subdomain.
"""

from retainer.config import origins
from retainer.errors import Forbidden
from retainer.http.request import Request
from retainer.http.routing import Route

PREFLIGHT_SECONDS = 600  # how long a browser need not ask again

_VARIES = (b"vary", b"Origin")
_EXPOSED = (
    b"ETag, Link, Location, X-Total-Count, X-Estimated-Count, X-Request-Id, Retry-After, "
    b"Preference-Applied, Idempotency-Replayed, Content-Disposition, Content-Range"
)


def refuse(request: Request, route: Route) -> None:
    """Raise Forbidden for a change asked for by a page of another origin that is not allowed."""
    if not route.changes or is_allowed(request):
        return
    site = request.headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none"):
        raise Forbidden(
            "The request comes from another site's page; changes are accepted from our own only."
        )
    origin = request.headers.get("origin")
    if origin is not None and not _is_own(origin, request):
        raise Forbidden(
            "The Origin header names another site; changes are accepted from our own pages only."
        )


def is_allowed(request: Request) -> bool:
    """True when the request comes from one of the origins of the setting."""
    return request.headers.get("origin") in origins(request.app.settings.allowed_origins)


def _is_own(origin: str, request: Request) -> bool:
    own = request.app.settings.public_url.rstrip("/")
    if own:
        return origin == own
    # Without a public URL the Host header is what the browser opened; another site's page cannot
    # set it.
    host = request.headers.get("host", "")
    return host != "" and origin.partition("://")[2] == host


def headers(request: Request) -> list[tuple[bytes, bytes]]:
    """The headers of a response by which a page of another origin may read it."""
    if not request.app.settings.allowed_origins:
        return _of_everybody(request)
    if not is_allowed(request):
        return [_VARIES, *_of_everybody(request)]
    return [
        _VARIES,
        (b"access-control-allow-origin", request.headers["origin"].encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", _EXPOSED),
    ]


def _of_everybody(request: Request) -> list[tuple[bytes, bytes]]:
    """Headers of what pages of every origin may read, without credentials."""
    if request.route is not None and request.route.name == "getOpenApi":
        return [(b"access-control-allow-origin", b"*")]
    return []


def preflight(request: Request, methods: str) -> dict[str, str]:
    """The headers that a preflight takes beside those: what may be sent."""
    if not is_allowed(request) or "access-control-request-method" not in request.headers:
        return {}
    return {
        "access-control-allow-methods": methods,
        "access-control-allow-headers": request.headers.get("access-control-request-headers", ""),
        "access-control-max-age": str(PREFLIGHT_SECONDS),
    }
