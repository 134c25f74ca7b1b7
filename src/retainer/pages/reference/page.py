"""The page that describes the API, made from the OpenAPI document alone."""

from collections.abc import Iterator
from functools import cache

import msgspec
from starlette.responses import HTMLResponse, Response

from retainer.config import base_url
from retainer.http.request import Request
from retainer.http.routing import Table
from retainer.pages.reference.curl import commands, indented
from retainer.pages.reference.document import Rendered, document, serve, with_etag
from retainer.pages.reference.responses import STATUSES
from retainer.pages.reference.schemas import REF, Schema
from retainer.pages.render import standalone_page

# Statuses that no operation lists: they are answered where a path has no such operation.
_OF_PATHS = {405: "The path is there, the method is not; Allow names those that are."}


async def show(request: Request) -> Response:
    return serve(_rendered(request.app.table, base_url(request.app.settings)), HTMLResponse)


@cache
def _rendered(table: Table, at: str) -> Rendered:
    return with_etag(page(document(table.routes), at))


def page(api: Schema, at: str) -> bytes:
    """Make the page of an OpenAPI document; its examples call the installation at the URL `at`."""
    schemas = api["components"]["schemas"]
    groups = [
        {
            "name": tag["name"],
            "title": _title(tag["name"]),
            "description": tag["description"],
            "operations": [],
        }
        for tag in api["tags"]
    ]
    by_name = {group["name"]: group["operations"] for group in groups}
    for path, methods in api["paths"].items():
        for method, found in methods.items():
            by_name[found["tags"][0]].append(_operation(path, method.upper(), found, api))
    problem = api["components"]["responses"]["UnprocessableContent"]
    statuses = {code: status.description for code, status in STATUSES.items()} | _OF_PATHS
    return standalone_page(
        "reference/page.html",
        info=api["info"],
        groups=groups,
        shapes=[_shape(name, schemas) for name in _response_types(api)],
        statuses=sorted(statuses.items()),
        problem=indented(problem["content"]["application/problem+json"]["example"]),
        origin=at,
    )


def _title(tag: str) -> str:
    if tag == "api":
        return "API"
    return tag.capitalize()


def _operation(path: str, method: str, found: Schema, api: Schema) -> Schema:
    """Template's values for one operation; `found` is the operation in the document."""
    schemas = api["components"]["schemas"]
    words, _, who = found["description"].partition("\n\n")
    if words == f"{found['summary']}.":
        words = ""
    bodies = found.get("requestBody", {}).get("content", {})
    parameters = _parameters(found, api)
    return {
        "id": found["operationId"],
        "method": method,
        "path": path,
        "summary": found["summary"],
        "description": words,
        "who": who.removeprefix("Who may: ").rstrip("."),
        "roles": found["x-roles"],
        "is_public": found.get("security") == [],
        "is_bare": found["x-bare"],
        "parameters": [_parameter(given) for given in parameters if "x-filters" not in given],
        "filters": _filters(parameters),
        "bodies": [
            {
                "media_type": media_type,
                "rows": _rows(_resolved(content["schema"], schemas), schemas),
            }
            for media_type, content in bodies.items()
        ],
        "responses": [_response(c, r) for c, r in found["responses"].items() if int(c) < 400],
        "refusals": [int(code) for code in found["responses"] if int(code) >= 400],
        "curls": commands(method, path, found, bodies),
    }


def _parameters(found: Schema, api: Schema) -> list[Schema]:
    """Parameters of an operation, with references to shared ones resolved."""
    shared = api["components"]["parameters"]
    parameters = []
    for given in found.get("parameters", []):
        parameter = given
        if "$ref" in given:
            parameter = shared[given["$ref"].rpartition("/")[2]]
        parameters.append(parameter)
    return parameters


def _filters(parameters: list[Schema]) -> list[Schema]:
    """Filters of a list, a row for each field with all its operators."""
    return [row for parameter in parameters for row in parameter.get("x-filters", [])]


def _parameter(given: Schema) -> Schema:
    return {
        "name": given["name"],
        "where": given["in"],
        "type": given["schema"].get("type", "string"),  # a list of words is told by its name
        "is_required": given.get("required", False),
        "description": given["description"],
    }


def _response(code: str, response: Schema) -> Schema:
    content: Schema = next(iter(response.get("content", {}).values()), {})
    schema = content.get("schema", {})
    example = ""
    if "example" in content:
        example = indented(content["example"])
    return {
        "code": code,
        "description": response["description"],
        "headers": [name for name in response["headers"] if name != "X-Request-Id"],
        "shape": _shape_name(schema),
        "is_list": "items" in schema,
        "example": example,
    }


def _shape_name(schema: Schema) -> str:
    one = schema.get("items", schema)
    target: str = one.get("anyOf", [one])[0].get("$ref", "")
    return target.removeprefix(REF)


def _response_types(api: Schema) -> list[str]:
    """Names of the objects that operations answer, and of the objects inside those, in order of
    appearance.
    """
    schemas = api["components"]["schemas"]
    found: dict[str, None] = {}

    def add(schema: Schema) -> None:
        for part in (schema, *schema.get("anyOf", [])):
            name = _shape_name(part)
            if name and name not in found and schemas[name].get("properties"):
                found[name] = None
                for field in schemas[name]["properties"].values():
                    add(field)

    for content in _contents(api):
        add(content.get("schema", {}))
    return [*found, "ProblemDetails", "FieldError", "LineProblem", "Clash"]


def _contents(api: Schema) -> Iterator[Schema]:
    """Yield the content of every response of every operation."""
    for methods in api["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                yield from response.get("content", {}).values()


def _shape(name: str, schemas: dict[str, Schema]) -> Schema:
    schema = schemas[name]
    description = schema.get("description", "")
    return {"name": name, "description": description, "rows": _rows(schema, schemas, is_body=False)}


def _rows(schema: Schema, schemas: dict[str, Schema], *, is_body: bool = True) -> list[Schema]:
    """Fields of an object, one row each; a body's rows also have defaults, limits, and whether the
    field is required.
    """
    rows = []
    for name, field in schema["properties"].items():
        if is_body and field.get("readOnly"):
            continue
        row = {
            "name": name,
            "type": _type(field, schemas),
            "values": _values(field, schemas),
            "shape": _linked(field, schemas),
            "is_required": False,
            "default": "",
            "limits": "",
            "description": field.get("description", ""),
        }
        if is_body:
            required = name in schema.get("required", [])
            row |= {"is_required": required, "default": _default(field), "limits": _limits(field)}
        rows.append(row)
    return rows


def _type(field: Schema, schemas: dict[str, Schema]) -> str:
    return " or ".join(_type_of(part, schemas) for part in _parts(field))


_FORMATS = {"date": "date", "date-time": "timestamp", "binary": "file"}


def _type_of(part: Schema, schemas: dict[str, Schema]) -> str:
    if part.get("type") == "array":
        return f"array of {_type_of(part['items'], schemas)}s"
    json_type = str(_resolved(part, schemas).get("type", "any"))
    return _FORMATS.get(part.get("format", ""), json_type)


def _values(field: Schema, schemas: dict[str, Schema]) -> list[object]:
    """Values of an enumeration; none for other types."""
    for part in _parts(field):
        resolved = _resolved(part, schemas)
        if "enum" in resolved:
            return list(resolved["enum"])
    return []


def _linked(field: Schema, schemas: dict[str, Schema]) -> str:
    """Name of the object that a field holds, itself or in an array; "" where it holds none."""
    for part in _parts(field):
        name = _shape_name(part)
        if name and schemas[name].get("properties"):
            return name
    return ""


def _parts(field: Schema) -> list[Schema]:
    """Types that a field may have."""
    parts: list[Schema] = field.get("anyOf", [field])
    return parts


def _resolved(schema: Schema, schemas: dict[str, Schema]) -> Schema:
    if "$ref" in schema:
        return schemas[schema["$ref"].removeprefix(REF)]
    return schema


def _default(field: Schema) -> str:
    default = field.get("default")
    if default in (None, []):
        return ""
    return msgspec.json.encode(default).decode().strip('"')


def _limits(field: Schema) -> str:
    """Limits of a value, in words."""
    part = _parts(field)[0]
    least, most = part.get("minLength"), part.get("maxLength")
    if least and most:
        return f"{least} to {most:,} characters"
    if most:
        return f"up to {most:,} characters"
    if "maxItems" in part:
        return f"up to {part['maxItems']}"
    if part.get("maximum", 2**53) < 2**53 - 1:
        return f"{part['minimum']:,} to {part['maximum']:,}"
    return ""
