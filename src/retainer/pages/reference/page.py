"""The API as a page to read, made of the OpenAPI document alone: what is not in there cannot be
told here.
"""

from functools import cache
from typing import Any

import msgspec
from starlette.responses import HTMLResponse, Response

from retainer.config import base_url
from retainer.http.request import Request
from retainer.http.routing import Table
from retainer.pages.reference.document import Rendered, document, serve, with_etag
from retainer.pages.reference.responses import STATUSES
from retainer.pages.reference.schemas import REF, Schema
from retainer.pages.render import standalone_page

# What a request can meet that no operation lists, because no operation can answer it.
_BEYOND = {405: "The path is there, the method is not; Allow names those that are."}
_DATA_EXAMPLE_LINE = (
    68  # a one-line body up to this many characters, so that a curl example needs no scrolling
)
_FILE = "FILE=1  # the id that an upload answered"


async def show(request: Request) -> Response:
    return serve(_rendered(request.app.table, base_url(request.app.settings)), HTMLResponse)


@cache
def _rendered(table: Table, at: str) -> Rendered:
    return with_etag(page(document(table.routes), at))


def page(api: dict[str, Any], at: str) -> bytes:
    """The page of an OpenAPI document; its examples call `at`."""
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
    statuses = {code: status.description for code, status in STATUSES.items()} | _BEYOND
    return standalone_page(
        "reference/page.html",
        info=api["info"],
        groups=groups,
        shapes=[_shape(name, schemas) for name in _answered(api)],
        statuses=sorted(statuses.items()),
        problem=_json(
            api["components"]["responses"]["UnprocessableContent"]["content"][
                "application/problem+json"
            ]
        ),
        origin=at,
    )


def _title(tag: str) -> str:
    return "API" if tag == "api" else tag.capitalize()


def _operation(
    path: str, method: str, found: dict[str, Any], api: dict[str, Any]
) -> dict[str, Any]:
    schemas = api["components"]["schemas"]
    words, _, who = found["description"].partition("\n\n")
    bodies = found.get("requestBody", {}).get("content", {})
    return {
        "id": found["operationId"],
        "method": method,
        "path": path,
        "summary": found["summary"],
        "description": words if words.rstrip(".") != found["summary"] else "",
        "who": who.removeprefix("Who may: ").rstrip("."),
        "roles": found["x-roles"],
        "is_public": found.get("security") == [],
        "is_bare": found["x-bare"],
        "parameters": [
            _parameter(given) for given in _parameters(found, api) if "x-filter" not in given
        ],
        "filters": _filters(_parameters(found, api)),
        "bodies": [
            {"kind": kind, "rows": _rows(_resolved(content["schema"], schemas), schemas)}
            for kind, content in bodies.items()
        ],
        "answers": [_answer(c, r) for c, r in found["responses"].items() if int(c) < 400],
        "refusals": [int(code) for code in found["responses"] if int(code) >= 400],
        "curls": [
            _curl(method, path, found, kind, content)
            for kind, content in (bodies or {"": {}}).items()
        ],
    }


def _parameters(found: dict[str, Any], api: dict[str, Any]) -> list[Schema]:
    """Each parameter where the operation has it, or the shared one it refers to."""
    shared = api["components"]["parameters"]
    return [
        shared[p["$ref"].rpartition("/")[2]] if "$ref" in p else p
        for p in found.get("parameters", [])
    ]


def _filters(given: list[Schema]) -> list[dict[str, Any]]:
    """The filters of a list by what they look at, each with its operators: a row for each would be
    a hundred.
    """
    found: dict[str, dict[str, Any]] = {}
    for parameter in given:
        if stem := parameter.get("x-filter"):
            row = found.setdefault(stem, _parameter(parameter) | {"name": stem, "operators": []})
            row["operators"].append(parameter["name"].removeprefix(stem) or "=")
    return list(found.values())


def _parameter(given: Schema) -> dict[str, Any]:
    return {
        "name": given["name"],
        "where": given["in"],
        "type": given["schema"]["type"],
        "is_required": given.get("required", False),
        "description": given["description"],
    }


def _answer(code: str, response: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = next(iter(response.get("content", {}).values()), {})
    schema = content.get("schema", {})
    return {
        "code": code,
        "description": response["description"],
        "headers": [name for name in response["headers"] if name != "X-Request-Id"],
        "shape": _shape_name(schema),
        "is_list": "items" in schema,
        "example": _json(content) if "example" in content else "",
    }


def _shape_name(schema: Schema) -> str:
    one = schema.get("items", schema)
    target: str = one.get("anyOf", [one])[0].get("$ref", "")
    return target.removeprefix(REF)


def _answered(api: dict[str, Any]) -> list[str]:
    """Names of the objects that operations answer, with those inside them, in order of appearance."""
    schemas = api["components"]["schemas"]
    found: dict[str, None] = {}

    def add(schema: Schema) -> None:
        for part in (schema, *schema.get("anyOf", [])):
            name = _shape_name(part)
            if name and name not in found and schemas[name].get("properties"):
                found[name] = None
                for field in schemas[name]["properties"].values():
                    add(field)

    for methods in api["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                for content in response.get("content", {}).values():
                    add(content.get("schema", {}))
    return [*found, "ProblemDetails", "FieldError", "LineProblem", "Clash"]


def _shape(name: str, schemas: dict[str, Schema]) -> dict[str, Any]:
    schema = schemas[name]
    description = schema.get("description", "")
    return {"name": name, "description": description, "rows": _rows(schema, schemas, is_body=False)}


def _rows(
    schema: Schema, schemas: dict[str, Schema], *, is_body: bool = True
) -> list[dict[str, Any]]:
    """The fields of an object, one row each."""
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "type": _type(field, schemas),
            "values": _values(field, schemas),
            "shape": _linked(field, schemas),
            "is_required": is_body and name in required,
            "default": _default(field) if is_body else "",
            "limits": _limits(field) if is_body else "",
            "description": field.get("description", ""),
        }
        for name, field in schema["properties"].items()
    ]


def _type(field: Schema, schemas: dict[str, Schema]) -> str:
    parts = [_type_of(part, schemas) for part in field.get("anyOf", [field])]
    return " or ".join(parts)


def _type_of(part: Schema, schemas: dict[str, Schema]) -> str:
    if "$ref" in part:
        return str(_resolved(part, schemas).get("type", "any"))
    if part.get("type") == "array":
        return f"array of {_type_of(part['items'], schemas)}s"
    if part.get("format") in ("date", "date-time", "binary"):
        return {"date": "date", "date-time": "timestamp", "binary": "file"}[part["format"]]
    return str(part.get("type", "any"))


def _values(field: Schema, schemas: dict[str, Schema]) -> list[Any]:
    parts = field.get("anyOf", [field])
    return next(
        (found["enum"] for part in parts if "enum" in (found := _resolved(part, schemas))), []
    )


def _linked(field: Schema, schemas: dict[str, Schema]) -> str:
    names = (_shape_name(part) for part in field.get("anyOf", [field]))
    return next((name for name in names if name and schemas[name].get("properties")), "")


def _resolved(schema: Schema, schemas: dict[str, Schema]) -> Schema:
    return schemas[schema["$ref"].removeprefix(REF)] if "$ref" in schema else schema


def _default(field: Schema) -> str:
    default = field.get("default")
    return "" if default in (None, []) else msgspec.json.encode(default).decode().strip('"')


def _limits(field: Schema) -> str:
    """What bounds a value, in words."""
    part = field.get("anyOf", [field])[0]
    least, most = part.get("minLength"), part.get("maxLength")
    if most is not None:
        return f"{least} to {most:,} characters" if least else f"up to {most:,} characters"
    if "maxItems" in part:
        return f"up to {part['maxItems']}"
    if part.get("maximum", 2**53) < 2**53 - 1:
        return f"{part['minimum']:,} to {part['maximum']:,}"
    return ""


def _curl(method: str, path: str, found: dict[str, Any], kind: str, content: dict[str, Any]) -> str:
    """A command that works with the demo, once signed in as the first steps say."""
    is_file = path.startswith("/documents/{id}/")
    path = path.replace("{id}", "$FILE") if is_file else path
    for parameter in found.get("parameters", []):
        path = path.replace("{" + parameter.get("name", "") + "}", str(parameter.get("example")))
    flags = [{"GET": "", "POST": "" if content else "-X POST"}.get(method, f"-X {method}")]
    flags += [
        "-c jar"
        if found["operationId"] in ("login", "setup")
        else "-b jar" * (found.get("security") != [])
    ]
    flags += ["-OJ"] if "*/*" in found["responses"].get("200", {}).get("content", {}) else []
    command = " ".join(["curl", *filter(None, flags), f"$API{path}"])
    if is_file:
        command = f"{_FILE}\n{command}"
    if kind == "multipart/form-data":
        return " \\\n  ".join([command, "-F file=@report.pdf", *_form_fields(content["example"])])
    if kind:
        return f"{command} \\\n  -H 'Content-Type: {kind}' \\\n  -d '{_data(content['example'])}'"
    return command


def _form_fields(example: dict[str, Any]) -> list[str]:
    return [f"-F {name}={value}" for name, value in example.items() if name != "file"]


def _data(example: Any) -> str:
    line = msgspec.json.format(msgspec.json.encode(example), indent=0).decode()
    return line if len(line) <= _DATA_EXAMPLE_LINE else _json({"example": example})


def _json(content: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(content["example"]), indent=2).decode()
