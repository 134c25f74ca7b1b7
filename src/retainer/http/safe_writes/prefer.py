"""The Prefer header (RFC 7240): a short response, or none of a change's effects."""

import re

from starlette.responses import Response

from retainer.http.routing import Route

APPLIED = "preference-applied"
DRY_RUN = "dry-run"

_PART = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')


def parse(header: str) -> dict[str, str]:
    """Each preference by its name, the first of two alike. Unknown ones are ignored later, as RFC
    7240 demands.
    """
    preferences: dict[str, str] = {}
    for part in _PART.findall(header):
        name, _, value = part.partition(";")[0].partition("=")
        preferences.setdefault(name.strip().lower(), value.strip().strip('"').lower())
    return preferences


def apply(preferences: dict[str, str], route: Route, response: Response) -> Response:
    """The response of a change as it was preferred, with Preference-Applied."""
    if not (preferences and route.keyed):
        return response
    applied = [DRY_RUN] if DRY_RUN in preferences else []
    returned = preferences.get("return")
    if route.record and returned in ("minimal", "representation"):
        applied.append(f"return={returned}")
        if returned == "minimal":
            response = _minimal(response)
    if applied:
        response.headers.append(APPLIED, ", ".join(applied))
    return response


def _minimal(response: Response) -> Response:
    status = 201 if response.status_code == 201 else 204
    headers = response.headers
    kept = {name: headers[name] for name in ("etag", "location") if name in headers}
    return Response(status_code=status, headers=kept)
