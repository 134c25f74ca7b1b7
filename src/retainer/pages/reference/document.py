"""The OpenAPI 3.1 document, read off the table of routes, the permissions and the types; and
serving it.
"""

import hashlib
from functools import cache
from typing import Any, NamedTuple, get_args

import msgspec
from starlette.responses import Response

from retainer import __version__, errors
from retainer.http.request import SESSION_COOKIE, Request
from retainer.http.responses import JSONResponse
from retainer.http.routing import Route, Table
from retainer.pages.reference import list_parameters as lists
from retainer.pages.reference import path_parameters, schemas
from retainer.pages.reference.glossary import OPERATIONS, STATUSES, TAGS, Status
from retainer.pages.reference.parameters import COMPONENTS, headers
from retainer.pages.reference.schemas import Schema
from retainer.permissions import PERMISSIONS, PUBLIC, Role

_ABOUT = """\
Retainer keeps a consultancy's client organizations, the people there, and the projects, tasks, documents and
activities that belong to them. A page made of this document, with first steps, is at `/api/docs`.

Sign in with `POST /login`: it sets the HTTP-only cookie `connect.sid`, which every other request carries. What the
signed-in user may not see answers 404; what they see but may not do answers 403. The operations on organizations and
members also answer without the prefix `/api`, as `/organizations`.

Lists answer whole, or in pages (`limit`, and `Link` leads on), filtered, sorted, as JSON, NDJSON or CSV by `Accept`.

In a body, a field left out keeps its value and `null` clears what may be empty; unknown and read-only fields are
refused by name (422), and so are unknown query parameters. Timestamps are RFC 3339 in UTC with milliseconds, dates
`YYYY-MM-DD`, ids integers below 2^53. Text holds any character but NUL.

Every error is a problem document (RFC 9457), also 404 for paths and 405 for methods that are not described here; 405
carries `Allow`. Every answer has an `X-Request-Id`. The API changes only by addition: ignore fields you do not know."""

_INFO = {
    "title": "Retainer",
    "version": __version__,
    "summary": "The system of record for a consultancy's client organizations",
    "description": _ABOUT,
    "contact": {"name": "The administrator of this installation"},
    "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
}
_COOKIE_SCHEME = {
    "type": "apiKey",
    "in": "cookie",
    "name": SESSION_COOKIE,
    "description": "Session-based authentication via HTTP-only cookie",
}
NDJSON = "application/x-ndjson"
_HEADERS_OF = {
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
_MEMBERS = {
    412: {"current": {"id": 1, "name": "Acme Corporation"}},
    422: {"errors": [_FIELD_ERROR]},
}


def _text(description: str, example: str) -> Schema:
    return {"description": description, "schema": {"type": "string", "examples": [example]}}


_HEADERS = {
    "X-Request-Id": _text("Finds the request in the server's log", "3f9c0b7a21-1f"),
    "ETag": _text("Names this state of what is answered; it changes with it", '"1-4"'),
    "Set-Cookie": _text(
        "The session cookie, or its end", "connect.sid=…; Path=/; HttpOnly; SameSite=Lax"
    ),
    "Link": _text(
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
    "Location": _text("Where it is", "/api/organizations/41"),
    "Retry-After": {
        "description": "Seconds to wait",
        "schema": {"type": "integer", "examples": [1]},
    },
    "Preference-Applied": _text("Which preferences of Prefer were heeded", "dry-run"),
    "Idempotency-Replayed": _text("The answer is that of the first request with this key", "true"),
    "Accept-Ranges": _text("Ranges can be asked for", "bytes"),
    "Content-Range": _text("Which bytes these are, or how many there are", "bytes 0-1023/48213"),
    "Content-Disposition": _text(
        "An attachment, under the document's name", 'attachment; filename="report.pdf"'
    ),
}
_SETS_COOKIE = {"login", "logout", "setup", "endOwnSession"}


class Rendered(NamedTuple):
    """What is made once per process and sent as it is: the document, or a page of it."""

    content: bytes
    etag: str


async def show(request: Request) -> Response:
    return sent(rendered(request.app.table), JSONResponse)


def sent(text: Rendered, kind: type[Response]) -> Response:
    """200 with what was rendered."""
    return kind(text.content, headers={"etag": text.etag})


@cache
def rendered(table: Table) -> Rendered:
    """The document's bytes, made once per process."""
    return tagged(msgspec.json.encode(document(table.routes)))


def tagged(content: bytes) -> Rendered:
    """Content with an ETag of its digest."""
    return Rendered(content, f'"{hashlib.sha256(content).hexdigest()[:16]}"')


def document(routes: list[Route]) -> dict[str, Any]:
    """The OpenAPI document of all routes but pages."""
    table = Table(routes)
    routes = [route for route in routes if not route.page]
    types = [
        kind
        for route in routes
        for kind in (route.body, route.lines, route.answer)
        if kind not in (None, bytes)
    ]
    forms = list(dict.fromkeys(route.form for route in routes if route.form))
    components = schemas.components([*types, errors.ProblemDetails], forms)
    paths: dict[str, Any] = {}
    for route in routes:
        described = operation(route, table, components)
        if links := _links(route, routes):
            described["responses"]["200"]["links"] = links
        paths.setdefault(route.path, {})[route.method.lower()] = described
    used = {route.tag for route in routes}
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [{"url": "/api", "description": "This installation"}],
        "security": [{SESSION_COOKIE: []}],
        "tags": [
            {"name": name, "description": sentence}
            for name, sentence in TAGS.items()
            if name in used
        ],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {status.name: _refusal(code, status) for code, status in STATUSES.items()},
            "headers": _HEADERS,
            "parameters": COMPONENTS,
            "securitySchemes": {SESSION_COOKIE: _COOKIE_SCHEME},
        },
    }


def operation(route: Route, table: Table, components: dict[str, Schema]) -> dict[str, Any]:
    """One route as an OpenAPI operation. `x-roles` and `x-bare` tell in data what the description
    says in words.
    """
    described: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": f"{OPERATIONS.get(route.name, route.summary + '.')}\n\n{who_may(route)}",
        "x-roles": roles(route),
        "x-bare": route.bare,
    }
    if route.permission == PUBLIC:
        described["security"] = []
    parameters = [path_parameters.described(route, name) for name in route.parameters]
    parameters += headers(route, table)
    if route.lists:
        parameters += lists.parameters(route.lists)
    if route.query:
        parameters += schemas.parameters(route.query)
    if parameters:
        described["parameters"] = parameters
    if route.body or route.form or route.lines:
        described["requestBody"] = {"required": True, "content": _body(route, components)}
    described["responses"] = _responses(route, table, components)
    return described


def _links(route: Route, routes: list[Route]) -> dict[str, Any]:
    """Where the id that a creation answers can be used."""
    if route.method != "POST" or route.parameters or not _has_etag(route):
        return {}
    return {
        other.name: {
            "operationId": other.name,
            "parameters": {other.parameters[0]: "$response.body#/id"},
        }
        for other in routes
        if other.path.startswith(f"{route.path}/{{") and len(other.parameters) == 1
    }


def who_may(route: Route) -> str:
    """Who may, as a sentence."""
    if route.permission == PUBLIC:
        return "Who may: anybody, signed in or not."
    rule = PERMISSIONS[route.permission]
    named = "every signed-in user" if len(rule.roles) == len(Role) else ", ".join(roles(route))
    return f"Who may: {named} (“{rule.sentence}”)."


def roles(route: Route) -> list[str]:
    """The roles that may, in order of power; none for a public route."""
    return [
        r.value
        for r in Role
        if route.permission != PUBLIC and r in PERMISSIONS[route.permission].roles
    ]


def _body(route: Route, components: dict[str, Schema]) -> dict[str, Any]:
    kinds = {"application/json": route.body, "multipart/form-data": route.form, NDJSON: route.lines}
    return {
        media_type: _content(schemas.reference(kind), components)
        for media_type, kind in kinds.items()
        if kind
    }


def _content(schema: Schema, components: dict[str, Schema]) -> dict[str, Any]:
    return {"schema": schema, "example": schemas.example(schema, components)}


def _responses(route: Route, table: Table, components: dict[str, Schema]) -> dict[str, Any]:
    found = {str(route.status): _success(route, components)}
    if route.changes and route.keyed and route.record:
        names = ["ETag", "Preference-Applied", "Idempotency-Replayed"]
        found["204"] = {
            "description": "Done, as `Prefer: return=minimal` asks",
            "headers": _headers(names),
        }
    if route.answer is bytes:
        found["206"] = found["200"] | {"description": "The bytes that Range asks for"}
        found["206"]["headers"] = found["206"]["headers"] | _header_references(["Content-Range"])
    if not route.changes and (route.answer in (bytes, dict) or route.record):
        found["304"] = {"description": "The client has it already"} | {
            "headers": _headers(["ETag"])
        }
    if route.creates:
        found["201"] = found["200"] | {"description": f"{_answer_words(route)}, which is new"}
        found["201"]["headers"] = found["201"]["headers"] | _header_references(["Location"])
    refusals = {
        str(code): {"$ref": f"#/components/responses/{STATUSES[code].name}"}
        for code in refused(route, table)
    }
    return found | refusals


def refused(route: Route, table: Table) -> list[int]:
    """The statuses from 400 on that the route can answer."""
    codes = {415, 422, 500, 503, *route.errors}
    if route.permission != PUBLIC:
        codes.add(401)
    if route.changes:
        codes |= {400, 403, 413, 507} | ({409} if route.keyed else set())
    if route.permission != PUBLIC and len(roles(route)) < len(Role):
        codes.add(403)
    if route.parameters:
        codes.add(404)
    if table.takes_conditions(route):
        codes.add(412)
    return sorted(codes)


def _success(route: Route, components: dict[str, Schema]) -> dict[str, Any]:
    if route.answer is bytes:
        names = ["ETag", "Accept-Ranges", "Content-Disposition"]
        return {"description": "The bytes", "headers": _headers(names), "content": {"*/*": {}}}
    names = ["ETag"] if _has_etag(route) or (route.tag == "members" and route.body) else []
    names += ["Set-Cookie"] if route.name in _SETS_COOKIE else []
    names += ["Preference-Applied", "Idempotency-Replayed"] if route.changes and route.keyed else []
    answer: dict[str, Any] = {"description": _answer_words(route), "headers": _headers(names)}
    if route.answer is not None:
        kind = NDJSON if route.lines else "application/json"
        answer["content"] = {kind: _answer_content(route, components)}
    if route.lists:
        answer["headers"] |= _header_references(lists.HEADERS)
        answer["content"]["application/json"]["schema"] = lists.sparse(
            schemas.reference(route.answer)
        )
        answer["content"] |= {kind: {"schema": {"type": "string"}} for kind in lists.FORMATS}
    return answer


def _answer_content(route: Route, components: dict[str, Schema]) -> dict[str, Any]:
    schema = schemas.reference(route.answer)
    return {"schema": schema} if route.answer is dict else _content(schema, components)


def _has_etag(route: Route) -> bool:
    """One record is answered with its ETag; lists and what is no record are not."""
    return route.answer is dict or route.record


def _answer_words(route: Route) -> str:
    if route.answer is None:
        return "No content" if route.status == 204 else "Done; the body is empty"
    if route.answer is dict:
        return "The document"
    listed = get_args(route.answer)
    name = (listed[0] if listed else route.answer).__name__.removeprefix("Listed")
    return f"List of {name} objects, empty when there is none" if listed else f"The {name}"


def _headers(names: list[str]) -> dict[str, Any]:
    return _header_references([*names, "X-Request-Id"])


def _header_references(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refusal(code: int, status: Status) -> dict[str, Any]:
    title = errors.title(code)
    problem = errors.ProblemDetails(
        "about:blank", title, code, status.detail, "/api/organizations/1", "3f9c0b7a21-1f"
    )
    shown = msgspec.to_builtins(problem) | _MEMBERS.get(code, {})
    return {
        "description": status.description,
        "headers": _headers(_HEADERS_OF.get(code, [])),
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/ProblemDetails"},
                "example": shown,
            }
        },
    }
