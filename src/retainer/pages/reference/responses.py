"""Responses for the OpenAPI document: success, refusals and their headers."""

from typing import NamedTuple, get_args

import msgspec

from retainer import errors
from retainer.http.routing import Route, Table
from retainer.pages.reference import list_parameters as lists
from retainer.pages.reference import schemas
from retainer.pages.reference.schemas import Schema
from retainer.permissions import PERMISSIONS, PUBLIC, Role

NDJSON = "application/x-ndjson"


class Status(NamedTuple):
    """A status from 400 on."""

    name: str  # of its component
    description: str
    detail: str  # of the example


STATUSES = {
    400: Status(
        "BadRequest",
        "The body is not valid JSON, or not a valid form.",
        errors.MalformedJson.detail,
    ),
    401: Status(
        "Unauthorized",
        "Nobody is signed in, or the credentials are wrong.",
        errors.NotSignedIn.detail,
    ),
    403: Status(
        "Forbidden",
        "The role may not do this, a change comes from another site's page, or this takes one's "
        "password again: the type tells.",
        "Your role, guest, may not do this. It takes one of: admin, consultant.",
    ),
    404: Status(
        "NotFound", "Not there, or nothing the signed-in user may see.", errors.NotFound.detail
    ),
    409: Status(
        "Conflict",
        "It clashes with what is there; the detail says with what and what to do.",
        "email: is already the e-mail of another contact; use that contact or another address.",
    ),
    412: Status(
        "PreconditionFailed",
        "The record is not in the state that If-Match or If-None-Match expects; current has it "
        "as it is.",
        'The record is not in the state that the request expects: its ETag is "1-5" now, '
        "see current.",
    ),
    413: Status(
        "ContentTooLarge",
        "The body is larger than what is accepted: 1 MiB of JSON, 1 GiB of a file unless "
        "configured otherwise. Or more records would be deleted than one operation may delete.",
        "The body has 2097152 bytes; at most 1048576 are accepted.",
    ),
    415: Status(
        "UnsupportedMediaType",
        "The body's media type is not the one that the operation takes.",
        "The body must be application/json; set the Content-Type header.",
    ),
    416: Status(
        "RangeNotSatisfiable",
        "The range begins after the end of the file; Content-Range says how long it is.",
        "The file has 48213 bytes; the range begins after them.",
    ),
    422: Status(
        "UnprocessableContent",
        "Something sent is not acceptable; errors has each problem by field.",
        "name: is required; it must be text of 1 to 255 characters, not only spaces.",
    ),
    429: Status(
        "TooManyRequests",
        "Too many attempts; Retry-After says when to come back.",
        "Too many attempts. Try again in 12 minutes.",
    ),
    500: Status(
        "InternalServerError",
        "Something is wrong on the server; its log has it by the request id.",
        errors.Problem.detail,
    ),
    503: Status(
        "ServiceUnavailable",
        "The database is gone or busy, or the time ran out; Retry-After says when to come back.",
        errors.Unavailable.detail,
    ),
    507: Status(
        "InsufficientStorage",
        "There is no space left to store it; nothing was changed.",
        errors.StorageFull.detail,
    ),
}
_REFUSAL_HEADERS = {
    409: ["Retry-After"],
    412: ["ETag"],
    416: ["Content-Range"],
    429: ["Retry-After"],
    503: ["Retry-After"],
}
_FIELD_ERROR = {
    "field": "name",
    "message": "is required; it must be text of 1 to 255 characters, not only spaces",
}
_EXAMPLE_MEMBERS = {
    412: {"current": {"id": 1, "name": "Acme Corporation"}},
    422: {"errors": [_FIELD_ERROR]},
}


def _text_header(description: str, example: str) -> Schema:
    return {"description": description, "schema": {"type": "string", "examples": [example]}}


HEADERS = {
    "X-Request-Id": _text_header("Finds the request in the server's log", "3f9c0b7a21-1f"),
    "ETag": _text_header("Names this state of what is answered; it changes with it", '"1-4"'),
    "Set-Cookie": _text_header(
        "The session cookie, or its end", "connect.sid=…; Path=/; HttpOnly; SameSite=Lax"
    ),
    "Link": _text_header(
        "The next page and the one before (RFC 8288)",
        '</api/contacts?limit=50&cursor=…>; rel="next"',
    ),
    "X-Total-Count": {
        "description": "How many there are in all",
        "schema": {"type": "integer", "examples": [512]},
    },
    "X-Estimated-Count": {
        "description": "About how many",
        "schema": {"type": "integer", "examples": [498_000]},
    },
    "Location": _text_header("Where it is", "/api/organizations/41"),
    "Retry-After": {
        "description": "Seconds to wait",
        "schema": {"type": "integer", "examples": [1]},
    },
    "Preference-Applied": _text_header("Which preferences of Prefer were heeded", "dry-run"),
    "Idempotency-Replayed": _text_header(
        "The answer is that of the first request with this key", "true"
    ),
    "Accept-Ranges": _text_header("Ranges can be asked for", "bytes"),
    "Content-Range": _text_header(
        "Which bytes these are, or how many there are", "bytes 0-1023/48213"
    ),
    "Content-Disposition": _text_header(
        "An attachment, under the document's name", 'attachment; filename="report.pdf"'
    ),
}
_BYTES = {"type": "string", "format": "binary"}
_PREFERENCES = ["Preference-Applied", "Idempotency-Replayed"]
_SETS_COOKIE = {"login", "logout", "setup", "endOwnSession"}


def responses(route: Route, table: Table, components: dict[str, Schema]) -> Schema:
    """Responses of an operation, by status."""
    success = _success(route, components)
    found = {str(route.status): success}
    if route.response_type is bytes:
        found["206"] = success | {
            "description": "The bytes that Range asks for",
            "headers": success["headers"] | _headers("Content-Range"),
        }
    if not route.changes and (route.response_type is bytes or has_etag(route)):
        found["304"] = {
            "description": "The client has it already",
            "headers": _headers("ETag", "X-Request-Id"),
        }
    if route.creates:
        found["201"] = success | {
            "description": f"{_description(route)}, which is new",
            "headers": success["headers"] | _headers("Location"),
        }
    for code in refusals(route, table):
        found[str(code)] = {"$ref": f"#/components/responses/{STATUSES[code].name}"}
    return found


def refusals(route: Route, table: Table) -> list[int]:
    """Statuses from 400 on that the route can answer."""
    codes = {415, 422, 500, 503, *route.errors}
    if route.permission != PUBLIC:
        codes.add(401)
    if route.changes:
        codes |= {400, 403, 413, 507}
    if route.changes and route.keyed:
        codes.add(409)
    if route.permission != PUBLIC and len(PERMISSIONS[route.permission].roles) < len(Role):
        codes.add(403)
    if route.parameters:
        codes.add(404)
    if table.takes_conditions(route):
        codes.add(412)
    return sorted(codes)


def has_etag(route: Route) -> bool:
    """True for answers that have an ETag: one record, or the document itself, but no list."""
    return route.response_type is dict or route.record


def _success(route: Route, components: dict[str, Schema]) -> Schema:
    if route.response_type is bytes:
        names = ["ETag", "Accept-Ranges", "Content-Disposition", "X-Request-Id"]
        content = {"application/octet-stream": {"schema": _BYTES}}
        return {"description": "The bytes", "headers": _headers(*names), "content": content}
    headers = _headers(*_success_headers(route))
    success: Schema = {"description": _description(route), "headers": headers}
    if route.response_type is not None:
        success["content"] = _content(route, components)
    return success


def _success_headers(route: Route) -> list[str]:
    names = ["X-Request-Id"]
    # An empty 200 has the ETag of the record that was changed.
    if has_etag(route) or (route.changes and route.status == 200 and route.response_type is None):
        names.append("ETag")
    if route.name in _SETS_COOKIE:
        names.append("Set-Cookie")
    if route.changes and route.keyed:
        names += _PREFERENCES
    if route.lists:
        names += lists.HEADERS
    return names


def _content(route: Route, components: dict[str, Schema]) -> Schema:
    schema = schemas.reference(route.response_type)
    if route.response_type is dict:
        return {"application/json": {"schema": schema}}
    found = schemas.with_example(schema, components)
    if route.lines:
        return {NDJSON: found}
    return {"application/json": found}


def _description(route: Route) -> str:
    if route.status == 204:
        return "No content"
    if route.response_type is None:
        return "Done; the body is empty"
    if route.response_type is dict:
        return "The document"
    for item in get_args(route.response_type):
        return f"List of {item.__name__.removeprefix('Listed')} objects, empty when there is none"
    return f"The {route.response_type.__name__.removeprefix('Listed')}"


def _headers(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def refusal_components() -> Schema:
    """Responses of all statuses from 400 on, by the names of their components."""
    return {status.name: _refusal(code, status) for code, status in STATUSES.items()}


def _refusal(code: int, status: Status) -> Schema:
    problem = errors.ProblemDetails(
        "about:blank",
        errors.title(code),
        code,
        status.detail,
        "/api/organizations/1",
        "3f9c0b7a21-1f",
    )
    example = msgspec.to_builtins(problem) | _EXAMPLE_MEMBERS.get(code, {})
    schema = {"$ref": schemas.REF + "ProblemDetails"}
    return {
        "description": status.description,
        "headers": _headers(*_REFUSAL_HEADERS.get(code, []), "X-Request-Id"),
        "content": {"application/problem+json": {"schema": schema, "example": example}},
    }
