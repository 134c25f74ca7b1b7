"""Parameters of a list for the OpenAPI document, made from its ListSpec."""

from retainer.lists.expression import MAX_LENGTH as MAX_EXPRESSION_LENGTH
from retainer.lists.filters import MAX_INTEGER, MAX_VALUE_LENGTH, MAX_VALUES
from retainer.lists.parameters import DEFAULT_LIMIT, MAX_LIMIT, MAX_SORTS
from retainer.lists.spec import CustomFilter, Field, FieldType, ListSpec
from retainer.pages.reference.schemas import Schema

FORMATS = ("application/x-ndjson", "text/csv")
HEADERS = ["Link", "X-Total-Count", "X-Estimated-Count"]

_RELATIVE = {"type": "string", "pattern": r"^(today|[+-][0-9]{1,4}[dwmy])$", "examples": ["-30d"]}
_HOURS = {"type": "string", "pattern": r"^[+-][0-9]{1,4}h$", "examples": ["-12h"]}
_DAY = {"type": "string", "format": "date", "examples": ["2026-01-31"]}
_TIME = {"type": "string", "format": "date-time", "examples": ["2026-01-31T09:30:00Z"]}
_TEXT = {
    "type": "string",
    "maxLength": MAX_VALUE_LENGTH,
    "pattern": r"^[^\u0000]*$",
    "examples": ["Technology"],
}
_ITEM = {
    "type": "string",
    "maxLength": MAX_VALUE_LENGTH,
    "pattern": r'^[^,"\u0000]*[^\s,"\u0000][^,"\u0000]*$',
}
_SCHEMAS: dict[FieldType, Schema] = {
    FieldType.INTEGER: {
        "type": "integer",
        "format": "int64",
        "minimum": -MAX_INTEGER,
        "maximum": MAX_INTEGER,
        "examples": [1],
    },
    FieldType.BOOLEAN: {"type": "boolean", "examples": [True]},
    FieldType.DATE: {"type": "string", "anyOf": [_DAY, _RELATIVE], "examples": ["2026-01-31"]},
    FieldType.MOMENT: {
        "type": "string",
        "anyOf": [_TIME, _DAY, _RELATIVE, _HOURS],
        "examples": ["-30d"],
    },
}
_SENTENCES = {
    "": "Only where {} is this",
    "in": "Only where {} is one of these",
    "not": "Only where {} is not this, or empty",
    "gt": "Only where {} is after this",
    "gte": "Only where {} is this or after",
    "lt": "Only where {} is before this",
    "lte": "Only where {} is this or before",
    "contains": "Only where {} has this part",
    "null": "Only where {} is empty (true), or is not (false)",
}


def parameters(spec: ListSpec) -> list[Schema]:
    """All parameters of the list."""
    found = _general(spec)
    for name, field in spec.fields.items():
        found += [_filter(name, field, operator) for operator in field.operators]
    return found + [_custom(name, custom) for name, custom in spec.custom_filters.items()]


def sparse(array: Schema) -> Schema:
    """Schema of a list whose objects may lack fields (`fields`) and have others (`expand`)."""
    some = {
        "type": "object",
        "description": "With `fields` only these, with `expand` those too",
        "minProperties": 1,
    }
    return array | {"items": {"anyOf": [array["items"], some]}}


def _general(spec: ListSpec) -> list[Schema]:
    """Parameters other than the filters of single fields."""
    found = [
        _parameter(
            "limit",
            f"At most so many, and links to more; {DEFAULT_LIMIT} where only a cursor is given, "
            "and without both the whole list",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "examples": [DEFAULT_LIMIT]},
        ),
        _parameter(
            "cursor",
            "Where to go on: from the Link header of another page",
            {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
        ),
        _parameter("fields", "Only these fields", _several(list(spec.fields))),
        _parameter(
            "count",
            "How many there are in all, as X-Total-Count or X-Estimated-Count",
            {"type": "string", "enum": ["exact", "estimate"], "examples": ["exact"]},
        ),
        _parameter(
            "filter",
            "Comparisons (= != > >= < <= ~ in, is null) joined by and, or, not and parentheses, "
            "such as type = customer and (tags = vip or createdAt >= -30d)",
            {"type": "string", "maxLength": MAX_EXPRESSION_LENGTH},
        )
        | {"example": _expression(spec)},
    ]
    if spec.sorts:
        description = (
            "By these, the first foremost; - turns one round. Ties are in the list's own order"
        )
        keys = [key for name in spec.sorts for key in (name, f"-{name}")]
        found.append(_parameter("sort", description, _several(keys) | {"maxItems": MAX_SORTS}))
    if spec.expand:
        values = _several(list(spec.expand))
        found.append(_parameter("expand", "These too, as objects in each", values))
    return found


def _several(values: list[str]) -> Schema:
    return {
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "enum": values},
        "examples": [values[:1]],
    }


def _expression(spec: ListSpec) -> str:
    return f"{next(n for n, f in spec.fields.items() if '' in f.operators)} in (1, 2)"


def _filter(name: str, field: Field, operator: str) -> Schema:
    stem, hint = name, ""
    if field.type == FieldType.JSON:
        stem = f"{name}.path"
        hint = "; path stands for any path into it, such as region or address.city"
    description = _SENTENCES[operator].format(stem) + hint
    parameter = stem
    if operator:
        parameter = f"{stem}:{operator}"
    return _parameter(parameter, description, _schema(field, operator)) | {"x-filter": stem}


def _schema(field: Field, operator: str) -> Schema:
    """Schema of the value that a filter compares a field with."""
    if operator == "null":
        return _SCHEMAS[FieldType.BOOLEAN]
    if operator == "contains":
        return _ITEM | {"examples": ["corp"]}
    one = _value(field)
    if operator != "in":
        return one
    item = {key: limit for key, limit in one.items() if key != "examples"}
    if one is _TEXT:
        item = _ITEM
    return {"type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": item}


def _value(field: Field) -> Schema:
    assert field.type is not None
    if field.values:
        return {"type": "string", "enum": list(field.values)}
    return _SCHEMAS.get(field.type, _TEXT)


def _custom(name: str, custom: CustomFilter) -> Schema:
    return _parameter(name, custom.description, _SCHEMAS.get(custom.type, _TEXT)) | {
        "x-filter": name
    }


def _parameter(name: str, description: str, schema: Schema) -> Schema:
    found: Schema = {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }
    if schema["type"] == "array":
        found |= {"style": "form", "explode": False}
    return found
