"""JSON Schemas of the API's types: those of msgspec, completed by the ban on NUL, the order of an
enumeration's values, and whole examples.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Any, get_args

import msgspec
from msgspec import inspect

from retainer.http.fields import Metadata

Schema = dict[str, Any]

REF = "#/components/schemas/"
# PostgreSQL's text holds every character but this one.
_NO_NUL = r"^[^\x00]*$"
# The fields that a client may rely on in these objects. We always send the others too, but the
# contract that some clients are written for makes them optional, or lacks them.
_REQUIRED = {
    "Organization": {"id", "name", "type", "status", "createdAt", "updatedAt"},
    "Member": set[str](),
}
# Without a schema of its values that leads back here: generators drop one of such a pair.
_METADATA: Schema = {
    "Metadata": {
        "description": "An object of any shape; its keys and texts hold any character but NUL",
        "type": "object",
        "additionalProperties": True,
        "examples": get_args(Metadata)[1].examples,
    },
}


def components(types: list[object], forms: list[type[msgspec.Struct]]) -> dict[str, Schema]:
    """Schemas that the types need, by name; forms are bodies of multipart/form-data."""
    _, found = msgspec.json.schema_components([*types, *forms], ref_template=REF + "{name}")
    classes = _classes([*types, *forms])
    schemas = {name: _finished(schema, classes[name]) for name, schema in sorted(found.items())}
    for form in forms:
        schemas[form.__name__] = _as_form(schemas[form.__name__])
    schemas |= _METADATA
    for schema in schemas.values():
        # A description is a docstring, whose line breaks are for readers of the code.
        schema |= {k: " ".join(v.split()) for k, v in schema.items() if k == "description"}
        schema.setdefault("examples", [_whole_example(schema, schemas)])
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            if "$ref" in field:  # the schema referred to has its own examples
                field.pop("examples", None)
    return schemas


def add_read_only(body: Schema, record: Schema, names: Iterable[str]) -> None:
    """Add fields of the record to the schema of a change, which ignores them."""
    for name, field in record["properties"].items():
        if name in names:
            body["properties"][name] = field | {"readOnly": True}


def reference(type_: object) -> Schema:
    """Schema of a type, as a reference to its component."""
    (schema,), _ = msgspec.json.schema_components([type_], ref_template=REF + "{name}")
    return schema


def parameters(model: type[msgspec.Struct]) -> list[Schema]:
    """Fields of a type as parameters of a query; the values of an array are parted by commas."""
    schema = components([model], [])[model.__name__]
    found = []
    for name, field in schema["properties"].items():
        parameter = {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            "description": field.pop("description"),
            "schema": _without_null(field),
        }
        if "examples" in field:
            parameter["example"] = field["examples"][0]
        if field.get("type") == "array":
            parameter |= {"style": "form", "explode": False}
        found.append(parameter)
    return found


def _without_null(field: Schema) -> Schema:
    """The schema of a parameter: one without a value is left out, and none can be null."""
    if field.get("default", ...) is None:
        del field["default"]
    kinds = field.pop("anyOf", [])
    for kind in kinds:
        if kind != {"type": "null"}:
            field = kind | field
    return field


def with_example(schema: Schema, schemas: dict[str, Schema]) -> Schema:
    """Content of a body: its schema, with an example."""
    return {"schema": schema, "example": _example(schema, schemas)}


def _example(schema: Schema, schemas: dict[str, Schema]) -> Any:
    if "$ref" in schema:
        return schemas[schema["$ref"].removeprefix(REF)]["examples"][0]
    if schema.get("type") == "array":
        return [_example(schema["items"], schemas)]
    return schema["examples"][0]


def _classes(types: list[object]) -> dict[str, type]:
    """Classes of the objects and enumerations that the types need, by name."""
    found: dict[str, type] = {}

    def visit(node: inspect.Type) -> None:
        match node:
            case inspect.EnumType(cls=enum):
                found[enum.__name__] = enum
            case inspect.StructType(cls=struct, fields=fields):
                found[struct.__name__] = struct
                for field in fields:
                    visit(field.type)
            case inspect.UnionType(types=parts):
                for part in parts:
                    visit(part)
            case inspect.ListType(item_type=part) | inspect.Metadata(type=part):
                visit(part)

    for info in inspect.multi_type_info(types):
        visit(info)
    return found


def _finished(schema: Schema, cls: type) -> Schema:
    if issubclass(cls, Enum):  # msgspec sorts the values, and their order means something
        values = [member.value for member in cls]
        return schema | {"type": "string", "enum": values, "examples": values[:1]}
    properties = schema["properties"]
    schema["properties"] = {name: _property(name, given) for name, given in properties.items()}
    required = _REQUIRED.get(cls.__name__, properties.keys())
    schema["required"] = [name for name in schema["required"] if name in required]
    if not schema["required"]:
        del schema["required"]
    if "EXAMPLE" in vars(cls):
        schema["examples"] = [vars(cls)["EXAMPLE"]]
    return schema


def _property(name: str, schema: Schema) -> Schema:
    schema = _precise(schema)
    # msgspec describes `Described | None` in the first part, but the words are the whole field's.
    for part in schema.get("anyOf", []):
        for key in ("description", "examples"):
            if key in part and key not in schema:
                schema[key] = part.pop(key)
    if schema.get("default", ...) in (None, []):
        del schema["default"]  # to be left out: a default that is written makes some require it
    if name == "metadata":
        schema["anyOf"] = [{"$ref": REF + "Metadata"}, {"type": "null"}]
    return schema


def _precise(schema: Schema) -> Schema:
    """Schema with formats, and with patterns for everything that server and database refuse."""
    if "anyOf" in schema:
        return schema | {"anyOf": [_precise(part) for part in schema["anyOf"]]}
    if schema.get("type") == "array":
        return schema | {"items": _precise(schema["items"])}
    if schema.get("type") == "integer":
        return schema | {"format": "int64"}
    if schema.get("type") == "string" and schema.get("format") not in ("date", "date-time"):
        return schema | {"pattern": _without_nul(schema.get("pattern"))}
    return schema


def _without_nul(pattern: str | None) -> str:
    """Pattern that also refuses NUL, and that spells out the characters which only Python counts as
    whitespace. It compiles in ECMAScript, Python and RE2, which know neither each other's escapes
    nor all of them lookaround; the server's own may be stricter.
    """
    if pattern is None:
        return _NO_NUL
    precise = pattern.replace(r"(?!\n)", "").replace(r"\S", r"[^\s]")
    precise = precise.replace("[^", r"[^\x00\x1c-\x1f\x85")
    if pattern.startswith("^"):
        return precise
    return rf"^[^\x00]*{precise}[^\x00]*$"


def _as_form(schema: Schema) -> Schema:
    """Schema of a form: the file is bytes, and fields are left out where JSON has null."""
    properties = {}
    for field, given in schema["properties"].items():
        plain = given | given.get("anyOf", [{}])[0]
        properties[field] = {
            key: value for key, value in plain.items() if key != "anyOf" and value is not None
        }
        if "minLength" in plain:  # a field that is empty or of spaces counts as left out
            properties[field] = properties[field] | {"minLength": 0, "pattern": _NO_NUL}
    properties["file"] |= {"format": "binary"}
    del properties["file"]["pattern"]
    return schema | {"properties": properties, "required": ["file"]}


def _whole_example(schema: Schema, schemas: dict[str, Schema]) -> Any:
    """Example of an object: its own, else one made of its fields' examples."""
    if "examples" in schema:
        return schema["examples"][0]
    return {name: _example_of(field, schemas) for name, field in schema["properties"].items()}


def _example_of(field: Schema, schemas: dict[str, Schema]) -> Any:
    """Example of a field: its own, else the one of the objects that it holds, else null."""
    if "examples" in field:
        return field["examples"][0]
    target = field.get("anyOf", [field])[0]
    inner = target.get("items", target)
    if "$ref" not in inner:
        return None
    value = _whole_example(schemas[inner["$ref"].removeprefix(REF)], schemas)
    if "items" in target:
        return [value]
    return value
