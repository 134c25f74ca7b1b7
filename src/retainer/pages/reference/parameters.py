"""Parameters in paths and headers for the OpenAPI document."""

from retainer.http.routing import TEXT, Route, Table
from retainer.http.safe_writes.idempotency import KEY, MAX_KEY
from retainer.http.safe_writes.preconditions import ETAGS
from retainer.pages.reference import schemas
from retainer.pages.reference.schemas import Schema


def _header(name: str, description: str, example: str, **limits: str | int) -> Schema:
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
        "Makes it safe to send again: a new key for each change, the same one when it is repeated "
        "within 24 hours. The answer is then the first one again; of one that is shown once, such "
        "as a link, it is 409",
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
        minLength=1,
        maxLength=MAX_KEY,
        pattern=KEY,
    ),
    "Prefer": _header(
        "Prefer",
        "`dry-run` answers what would be answered and changes nothing; `return=minimal` answers "
        "204 with the ETag alone where a record would be answered. Preference-Applied says what "
        "was heeded",
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


def in_path(route: Route) -> list[Schema]:
    """Parameters of a route's path, in order."""
    found = []
    for name in route.parameters:
        before = route.path.split("{" + name + "}")[0].strip("/").split("/")[-1]
        if name == TEXT:
            found.append(_key(route, before))
        else:
            found.append(_id(before.removesuffix("s"), name))
    return found


def _key(route: Route, field: str) -> Schema:
    """Describe the text in /by/{field}/{text}: a value of the body's field of this name, or for
    `domain` one of its `domains`.
    """
    assert route.body is not None
    properties = schemas.components([route.body], [])[route.body.__name__]["properties"]
    described = properties[{"domain": "domains"}.get(field, field)]
    example = described["examples"][0]
    if isinstance(example, list):
        example = example[0]
    limits = {"minLength": 1, "maxLength": 255}
    return {
        "name": TEXT,
        "in": "path",
        "required": True,
        "description": f"{described['description']}. What means something in a path is "
        "percent-encoded, a slash too",
        "schema": {"type": "string", **limits, "examples": [example]},
        "example": example,
    }


_ID_DESCRIPTIONS = {"number": "Version number", "contactId": "Contact ID"}
_ID_EXAMPLES = {"contactId": 2}


def _id(noun: str, name: str) -> Schema:
    example = _ID_EXAMPLES.get(name, 1)
    limits = {"minimum": 1, "maximum": 2**53 - 1}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": _ID_DESCRIPTIONS.get(name, f"{noun.capitalize()} ID"),
        "schema": {"type": "integer", "format": "int64", **limits, "examples": [example]},
        "example": example,
    }


def headers(route: Route, table: Table) -> list[Schema]:
    """Headers that the operation takes: those of files in full, others as references."""
    if route.response_type is bytes:
        return list(_FILE)
    return [{"$ref": f"#/components/parameters/{name}"} for name in _names(route, table)]


def _names(route: Route, table: Table) -> list[str]:
    names = []
    if not route.changes:
        if route.record or route.response_type is dict:
            names.append("KnownETags")
        return names
    if table.takes_conditions(route):
        names += ["IfMatch", "IfNoneMatch"]
    if route.keyed:
        names += ["IdempotencyKey", "Prefer"]
    return names
