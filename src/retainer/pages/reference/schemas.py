"""JSON Schemas of the API's types: msgspec's, with what those cannot know: words, examples, NUL,
order of values.
"""

from enum import Enum
from typing import Any

import msgspec
from msgspec import inspect

from retainer.pages.reference.glossary import BODIES, FIELDS

Schema = dict[str, Any]

REF = "#/components/schemas/"
# PostgreSQL's text holds every character but this one.
_NO_NUL = r"^[^\u0000]*$"
# In the contract these may be absent, or do not occur. Ours are always sent; clients written for
# the contract need not rely on it.
_OPTIONAL = {
    "Organization": {
        "industry",
        "website",
        "description",
        "metadata",
        "externalId",
        "domains",
        "parentId",
        "ownerId",
        "tags",
        "suggestedDomain",
    },
    "Member": {"organizationId", "contactId", "role"},
}
# JSON that is handed on without being read.
_AS_IT_IS: dict[str, dict[str, Schema]] = {
    "BulkLine": {"body": {"type": "object"}},
    "BulkAnswer": {
        name: {"anyOf": [{"type": "object"}, {"type": "null"}]} for name in ("body", "problem")
    },
}
_METADATA: Schema = {
    "JsonValue": {
        "description": "Any JSON value, without the NUL character",
        "anyOf": [
            {"type": "string", "pattern": _NO_NUL},
            {"type": ["number", "boolean", "null"]},
            {"type": "array", "items": {"$ref": REF + "JsonValue"}},
            {"$ref": REF + "Metadata"},
        ],
        "examples": ["EMEA"],
    },
    "Metadata": {
        "description": "An object of any shape",
        "type": "object",
        "propertyNames": {"pattern": _NO_NUL},
        "additionalProperties": {"$ref": REF + "JsonValue"},
        "examples": [FIELDS["metadata"][1]],
    },
}


def components(types: list[Any], forms: list[type[msgspec.Struct]]) -> dict[str, Schema]:
    """Every schema that the types need, by name; forms are bodies of multipart/form-data."""
    _, found = msgspec.json.schema_components([*types, *forms], ref_template=REF + "{name}")
    values = _enum_values([*types, *forms])
    schemas = {name: _finished(name, schema, values) for name, schema in sorted(found.items())}
    for form in forms:
        schemas[form.__name__] = _as_form(schemas[form.__name__])
    schemas |= _METADATA
    for name, schema in schemas.items():
        if "description" in schema:  # a docstring, broken into lines for the reader of its code
            schema["description"] = " ".join(schema["description"].split())
        if "examples" not in schema:
            schema["examples"] = [_example_of(name, schemas)]
    return schemas


def reference(kind: Any) -> Schema:
    """The schema of a type, pointing at its component."""
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REF + "{name}")
    return schema


def parameters(kind: type[msgspec.Struct]) -> list[Schema]:
    """The fields of a type as parameters of a query; an array is written with commas."""
    schema = components([kind], [])[kind.__name__]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "description": field.pop("description"),
        }
        | ({"style": "form", "explode": False} if field.get("type") == "array" else {})
        | {"schema": field}
        for name, field in schema["properties"].items()
    ]


def example(schema: Schema, schemas: dict[str, Schema]) -> Any:
    """An example of what a schema describes."""
    if "$ref" in schema:
        return schemas[schema["$ref"].removeprefix(REF)]["examples"][0]
    if schema.get("type") == "array":
        return [example(schema["items"], schemas)]
    return schema["examples"][0]


def _enum_values(types: list[Any]) -> dict[str, list[Any]]:
    """Values of each enumeration as they are defined; msgspec sorts them, and their order means
    something.
    """
    found: dict[str, list[Any]] = {}

    def visit(node: Any) -> None:
        if isinstance(node, inspect.EnumType):
            found[node.cls.__name__] = [
                member.value for member in node.cls if isinstance(member, Enum)
            ]
        elif isinstance(node, inspect.StructType):
            for field in node.fields:
                visit(field.type)
        elif isinstance(node, inspect.UnionType):
            for part in node.types:
                visit(part)
        elif isinstance(node, inspect.ListType):
            visit(node.item_type)

    for info in inspect.multi_type_info(types):
        visit(info)
    return found


def _finished(name: str, schema: Schema, values: dict[str, list[Any]]) -> Schema:
    if "enum" in schema:
        return schema | {"type": "string", "enum": values[name], "examples": [values[name][0]]}
    properties = schema["properties"]
    schema["properties"] = {
        field: _property(name, field, properties[field]) for field in properties
    }
    schema["required"] = [
        field for field in schema["required"] if field not in _OPTIONAL.get(name, ())
    ]
    if not schema["required"]:
        del schema["required"]
    return schema


def _property(type_name: str, field: str, schema: Schema) -> Schema:
    schema = _precise(schema)
    description, shown = words(type_name, field)
    schema["description"] = description
    if type_name in _AS_IT_IS and field in _AS_IT_IS[type_name]:
        schema |= _AS_IT_IS[type_name][field]
    if field == "metadata":
        schema |= {"anyOf": [{"$ref": REF + "Metadata"}, {"type": "null"}]}
    if shown is not None and "$ref" not in schema:
        schema["examples"] = [shown]
    return schema


def words(type_name: str, field: str) -> tuple[str, Any]:
    """The sentence and the example of a field. Raises KeyError for one that the glossary lacks."""
    noun = type_name.removeprefix("Listed")
    for suffix in ("Create", "Update", "Form", "Name", "Details"):
        noun = noun.removesuffix(suffix)
    keys = (f"{type_name}.{field}", f"{noun}.{field}", field)
    return next((FIELDS[key] for key in keys if key in FIELDS), None) or FIELDS[keys[0]]


def _precise(schema: Schema) -> Schema:
    """The schema with formats, and patterns that tell what the server and the database refuse."""
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
    """A pattern that refuses NUL besides, and whose whitespace is Python's in every dialect of
    patterns.
    """
    if pattern is None:
        return _NO_NUL
    precise = pattern.replace(r"\S", r"[^\s]").replace("[^", r"[^\u0000\u001c-\u001f\u0085")
    return precise if pattern.startswith("^") else rf"^[^\u0000]*{precise}[^\u0000]*$"


def _as_form(schema: Schema) -> Schema:
    """The fields of a form: the file is bytes, and there is no null, only what is left out."""
    properties = {}
    for field, given in schema["properties"].items():
        plain = given | given.get("anyOf", [{}])[0]
        properties[field] = {
            key: value for key, value in plain.items() if key != "anyOf" and value is not None
        }
        if "minLength" in plain:  # an empty field, or one of spaces, counts as left out
            properties[field] = properties[field] | {"minLength": 0, "pattern": _NO_NUL}
    properties["file"] = {
        "type": "string",
        "format": "binary",
        "minLength": 1,
        "description": FIELDS["file"][0],
    }
    return schema | {"properties": properties, "required": ["file"]}


def _example_of(name: str, schemas: dict[str, Schema]) -> Any:
    if name in BODIES:
        return BODIES[name]
    return {field: _example_in(name, field, schemas) for field in schemas[name]["properties"]}


def _example_in(type_name: str, field: str, schemas: dict[str, Schema]) -> Any:
    _, shown = words(type_name, field)
    if shown is not None:
        return shown
    schema = schemas[type_name]["properties"][field]
    target = schema.get("anyOf", [schema])[0]
    if target.keys().isdisjoint(("items", "$ref")):
        return None
    inner = target["items"]["$ref"] if "items" in target else target["$ref"]
    value = _example_of(inner.removeprefix(REF), schemas)
    return [value] if "items" in target else value
