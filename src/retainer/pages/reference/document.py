"""The OpenAPI 3.1 document: made from the table of routes, the permissions and the types, and
served.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from starlette.responses import Response

from retainer import __version__, errors
from retainer.http.body import read_only
from retainer.http.request import SESSION_COOKIE, Request
from retainer.http.responses import JSONResponse
from retainer.http.routing import Route, Table
from retainer.lists.spec import ListSpec
from retainer.nouns import NOUNS
from retainer.pages.reference import list_parameters as lists
from retainer.pages.reference import parameters, responses, schemas
from retainer.pages.reference.responses import NDJSON
from retainer.pages.reference.schemas import Schema
from retainer.permissions import PERMISSIONS, PUBLIC, Role

# Its line breaks are part of the document: rewrapping the file changes the description.
_ABOUT = Path(__file__).with_name("about.md").read_text().rstrip("\n")

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
TAGS = {noun.table: noun.about for noun in NOUNS.values()} | {
    "operations": "What was done, by whom and when; and taking it back.",
    "trash": "What was deleted, and can be restored.",
    "search": "Finding anything by what is remembered of it.",
    "account": "Signing in and out, and one's own name, preferences, password and sessions.",
    "imports": "Spreadsheets that become records, by way of a plan.",
    "writes": "Many writes of records at once.",
    "api": "This API's own description.",
}


class Rendered(NamedTuple):
    """The document or its page, made once per process."""

    content: bytes
    etag: str


async def show(request: Request) -> Response:
    return serve(_rendered(request.app.table), JSONResponse)


def serve(content: Rendered, response_class: type[Response]) -> Response:
    """Answer 200 with the content, which clients may keep and ask for again by its ETag."""
    headers = {"etag": content.etag, "cache-control": "no-cache"}
    return response_class(content.content, headers=headers)


@cache
def _rendered(table: Table) -> Rendered:
    return with_etag(msgspec.json.encode(document(table.routes)))


def with_etag(content: bytes) -> Rendered:
    """Pair content with an ETag made from its digest."""
    return Rendered(content, f'"{hashlib.sha256(content).hexdigest()[:16]}"')


def document(routes: list[Route]) -> Schema:
    """Make the OpenAPI document of all routes that are not pages."""
    table = Table(routes)
    routes = [route for route in routes if not route.page]
    components = _components(routes)
    paths: dict[str, Schema] = {}
    for route in routes:
        operation = _operation(route, table, components)
        if links := _links(route, routes):
            operation["responses"][str(route.status)]["links"] = links
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    tags = {route.tag: TAGS[route.tag] for route in routes}
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [{"url": "/api", "description": "This installation"}],
        "security": [{SESSION_COOKIE: []}],
        "tags": [{"name": name, "description": sentence} for name, sentence in tags.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": responses.refusal_components(),
            "headers": responses.HEADERS,
            "parameters": parameters.COMPONENTS,
            "securitySchemes": {SESSION_COOKIE: _COOKIE_SCHEME},
        },
    }


def _components(routes: list[Route]) -> dict[str, Schema]:
    """Schemas of all types that the routes take or answer, and of problems."""
    types = [
        each
        for route in routes
        for each in (route.body, route.lines, route.response_type)
        if each not in (None, bytes)
    ]
    forms = list(dict.fromkeys(route.form for route in routes if route.form))
    found = schemas.components([*types, errors.ProblemDetails], forms)
    table = Table(routes)
    for route in routes:
        if route.body is not None and route.method in ("PUT", "PATCH"):
            record = table.record(route)
            if record and (names := read_only(record, route.body)):
                body = found[route.body.__name__]
                schemas.add_read_only(body, found[record.__name__], names)
    return found


def _operation(route: Route, table: Table, components: dict[str, Schema]) -> Schema:
    """Describe a route as an OpenAPI operation. Its `x-roles` and `x-bare` hold as data what its
    description says in words.
    """
    description = route.description or f"{route.summary}."
    operation: Schema = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": f"{description}\n\n{_permission_sentence(route)}",
        "x-roles": _roles(route),
        "x-bare": route.bare,
        "responses": responses.responses(route, table, components),
    }
    if route.permission == PUBLIC:
        operation["security"] = []
    if route.lists:
        operation["x-formats"] = lists.FORMATS
    if taken := _parameters(route, table):
        operation["parameters"] = taken
    if route.body or route.form or route.lines:
        operation["requestBody"] = {"required": True, "content": _bodies(route, components)}
    return operation


def _parameters(route: Route, table: Table) -> list[Schema]:
    found = parameters.in_path(route) + parameters.headers(route, table)
    if isinstance(route.lists, ListSpec):
        found += lists.parameters(route.lists, route.parameters)
    if route.query:
        found += schemas.parameters(route.query)
    return found


def _links(route: Route, routes: list[Route]) -> Schema:
    """OpenAPI links from a creation to the operations that take the new record's id."""
    if route.method != "POST" or route.parameters or not responses.has_etag(route):
        return {}
    return {
        other.name: {
            "operationId": other.name,
            "parameters": {other.parameters[0]: "$response.body#/id"},
        }
        for other in routes
        if other.path.startswith(f"{route.path}/{{") and len(other.parameters) == 1
    }


def _permission_sentence(route: Route) -> str:
    if route.permission == PUBLIC:
        return "Who may: anybody, signed in or not."
    rule = PERMISSIONS[route.permission]
    roles = ", ".join(_roles(route))
    if len(rule.roles) == len(Role):
        roles = "every signed-in user"
    return f"Who may: {roles} (“{rule.sentence}”)."


def _roles(route: Route) -> list[str]:
    """Roles that have the route's permission, in order of power; none for a public route."""
    if route.permission == PUBLIC:
        return []
    return [role.value for role in Role if role in PERMISSIONS[route.permission].roles]


def _bodies(route: Route, components: dict[str, Schema]) -> Schema:
    """The body that the route takes, by its media type. Of JSON or a form it is JSON: a generated
    method has one type of body, and the form has a path of its own.
    """
    models = {"application/json": route.body, NDJSON: route.lines}
    if route.body is None:
        models["multipart/form-data"] = route.form
    return {
        media_type: schemas.with_example(schemas.reference(model), components)
        for media_type, model in models.items()
        if model
    }
