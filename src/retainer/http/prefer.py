"""What a request would rather have (Prefer, RFC 7240): a short answer, or none of its effects."""

import re

from starlette.responses import Response

from retainer.http.routing import Route

DRY_RUN = "dry-run"
APPLIED = "preference-applied"

_PART = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')


def preferences(header: str) -> dict[str, str]:
    """Each preference by its name, the first of two alike; what is not understood is ignored, as it
    has to be.
    """
    found: dict[str, str] = {}
    for part in _PART.findall(header):
        name, _, value = part.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"').lower())
    return found


def apply(preferences: dict[str, str], route: Route, response: Response) -> Response:
    """The response of a change as it was preferred, saying which preferences it heeds."""
    heeded = [DRY_RUN] if DRY_RUN in preferences else []
    form = preferences.get("return")
    if route.record and form in ("minimal", "representation"):
        heeded.append(f"return={form}")
        if form == "minimal":
            kept = {n: response.headers[n] for n in ("etag", "location") if n in response.headers}
            status = 201 if response.status_code == 201 else 204
            response = Response(status_code=status, headers=kept)
    if heeded:
        response.headers[APPLIED] = ", ".join(heeded)
    return response
