"""What a request would rather have (Prefer, RFC 7240): a short answer, or none of its effects."""

import re

from retainer.http.request import Answer
from retainer.http.routing import Route

DRY_RUN = "dry-run"

_PART = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')


def wishes(header: str) -> dict[str, str]:
    """Each preference by its name, the first of two alike; what is not understood is ignored, as it
    has to be.
    """
    found: dict[str, str] = {}
    for part in _PART.findall(header):
        name, _, value = part.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"').lower())
    return found


def applied(wanted: dict[str, str], route: Route, answer: Answer) -> Answer:
    """The answer of a change as it was wished for, saying which wishes it fulfils."""
    fulfilled = [DRY_RUN] if DRY_RUN in wanted else []
    form = wanted.get("return")
    if route.record and form in ("minimal", "representation"):
        fulfilled.append(f"return={form}")
        if form == "minimal":
            kept = [header for header in answer.headers if header[0] in (b"etag", b"location")]
            answer = Answer(201 if answer.status == 201 else 204, b"", *kept)
    if fulfilled:
        answer.headers.append(applying(*fulfilled))
    return answer


def applying(*names: str) -> tuple[bytes, bytes]:
    """The header that says so."""
    return (b"preference-applied", ", ".join(names).encode())
