"""The headers that a request may carry beside its body, as the OpenAPI document describes them."""

from typing import Any

from retainer.http.preconditions import ETAGS
from retainer.http.routing import Route, Table


def _header(name: str, description: str, example: str, **limits: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", "examples": [example], **limits},
    }


_FILE = [
    _header("Range", "Only these bytes: one range", "bytes=0-1023"),
    _header(
        "If-None-Match",
        "304 instead of the bytes while the file has it",
        '"9f86d081884c7d65"',
        pattern=ETAGS,
    ),
    _header(
        "If-Range",
        "The range only while the file still has this ETag, else all of it",
        '"9f86d081884c7d65"',
    ),
]

COMPONENTS = {
    "IdempotencyKey": _header(
        "Idempotency-Key",
        "Makes it safe to send again: a new key for each change, the same one when it is repeated within 24 hours. The "
        "answer is then the first one again",
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
        minLength=1,
        maxLength=255,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
    ),
    "Prefer": _header(
        "Prefer",
        "`dry-run` answers what would be answered and changes nothing; `return=minimal` answers 204 with the ETag "
        "alone where a record would be answered. Preference-Applied says what was heeded",
        "return=representation",
    ),
    "KnownETags": _header(
        "If-None-Match", "304 without a body while the record has one", '"1-4"', pattern=ETAGS
    ),
    "IfMatch": _header(
        "If-Match",
        "Change the record only while it has one of these ETags, else 412",
        '"1-4"',
        pattern=ETAGS,
    ),
    "IfNoneMatch": _header(
        "If-None-Match",
        "Change the record only while it has none of these ETags, else 412",
        '"1-3"',
        pattern=ETAGS,
    ),
}


def headers(route: Route, table: Table) -> list[dict[str, Any]]:
    """What the operation takes, as OpenAPI parameters or references to them."""
    if route.answer is bytes:
        return _FILE
    return [{"$ref": f"#/components/parameters/{name}"} for name in _names(route, table)]


def _names(route: Route, table: Table) -> list[str]:
    if not route.changes:
        return ["KnownETags"] if route.record or route.answer is dict else []
    names = ["IfMatch", "IfNoneMatch"] if table.takes_conditions(route) else []
    return names + (["IdempotencyKey", "Prefer"] if route.keyed else [])
