"""Parameters of a list for the OpenAPI document, made from its ListSpec.

The filters of fields are one parameter, an object: a parameter for each field and operator would
give a generated method 67 arguments.
"""

from retainer.lists import cursor
from retainer.lists.expression import MAX_LENGTH as MAX_EXPRESSION_LENGTH
from retainer.lists.filters import MAX_VALUE_LENGTH
from retainer.lists.formats import XLSX
from retainer.lists.parameters import DEFAULT_LIMIT, MAX_LIMIT, MAX_SORTS
from retainer.lists.spec import CustomFilter, Field, FieldType, ListSpec
from retainer.pages.reference.schemas import Schema

FORMATS = ["application/json", "application/x-ndjson", "text/csv", XLSX.media_type]
HEADERS = ["Link", "X-Total-Count", "X-Estimated-Count"]

_TYPES = {
    FieldType.INTEGER: "integer",
    FieldType.BOOLEAN: "true or false",
    FieldType.DATE: "date, today or -30d",
    FieldType.MOMENT: "time, date, today, -30d or -12h",
    FieldType.JSON: "JSON value",
}
_EXAMPLES = {
    FieldType.INTEGER: "1",
    FieldType.BOOLEAN: "true",
    FieldType.DATE: "2026-01-31",
    FieldType.MOMENT: "2026-01-31T09:30:00Z",
}
# Sort keys of a row, as cursors have them, by the type that PostgreSQL casts them to.
_KEYS = {
    "boolean": "true",
    "date": "2026-01-31",
    "timestamptz": "2026-01-31 09:30:00+00",
    "text": "a",
}
_SENTENCES = {
    "": "is this",
    "in": "is one of these",
    "not": "is not this, or is empty",
    "gt": "is after this",
    "gte": "is this or after",
    "lt": "is before this",
    "lte": "is this or before",
    "contains": "has this part",
    "null": "is empty (true), or is not (false)",
}


def parameters(spec: ListSpec, in_path: list[str]) -> list[Schema]:
    """All parameters of the list. A field that the path names is no filter, but for `id`."""
    found = _general(spec)
    rows = [
        _row(name, field)
        for name, field in spec.fields.items()
        if field.operators and (name == "id" or name not in in_path)
    ]
    rows += [_custom(name, each) for name, each in spec.custom_filters.items() if name != "q"]
    if rows:
        found.append(_filters(rows))
    return found


def _general(spec: ListSpec) -> list[Schema]:
    """Parameters other than the filters of single fields."""
    sort = [spec.sorts[0]] if spec.sorts else []
    found = [
        _parameter(
            "limit",
            f"At most so many, and links to more; {DEFAULT_LIMIT} where only a cursor is given, "
            "and without both the whole list",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
            DEFAULT_LIMIT,
        ),
        _parameter(
            "cursor",
            "Where to go on: from the Link header of another page, in the same sort",
            {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
            _cursor(spec, sort),
        ),
        _parameter(
            "fields", "Only these fields", _several(list(spec.fields)), list(spec.fields)[:2]
        ),
        _parameter(
            "count",
            "How many there are in all, as X-Total-Count or X-Estimated-Count",
            {"type": "string", "enum": ["exact", "estimate"]},
            "exact",
        ),
        _parameter(
            "filter",
            "Comparisons (= != > >= < <= ~ in, is null) joined by and, or, not and parentheses, "
            "such as type = customer and (tags = vip or createdAt >= -30d)",
            {"type": "string", "maxLength": MAX_EXPRESSION_LENGTH},
            _expression(spec),
        ),
    ]
    if "q" in spec.custom_filters:
        text = {"type": "string", "maxLength": MAX_VALUE_LENGTH}
        found.append(_parameter("q", spec.custom_filters["q"].description, text, "acme"))
    return found + _choices(spec, sort)


def _choices(spec: ListSpec, sort: list[str]) -> list[Schema]:
    """Parameters that choose among names of the list: of its sorts, and of what it can expand."""
    found = []
    if spec.sorts:
        description = (
            "By these, the first foremost; - turns one round. Ties are in the list's own order"
        )
        keys = [key for name in spec.sorts for key in (name, f"-{name}")]
        schema = _several(keys) | {"maxItems": MAX_SORTS}
        found.append(_parameter("sort", description, schema, sort))
    if spec.expand:
        values = list(spec.expand)
        found.append(
            _parameter("expand", "These too, as objects in each", _several(values), values)
        )
    return found


def _cursor(spec: ListSpec, sort: list[str]) -> str:
    """A cursor of the list: the place behind a row that need not be there."""
    order = tuple((name, False) for name in sort) or (spec.order,)
    position = [_KEYS.get(key.cast, "1") for key in spec.keys(order)]
    return cursor.encode(position, order, is_backward=False)


def _several(values: list[str]) -> Schema:
    return {"type": "array", "minItems": 1, "items": {"type": "string", "enum": values}}


def _expression(spec: ListSpec) -> str:
    compared = {name: field for name, field in spec.fields.items() if "" in field.operators}
    for name, field in compared.items():
        if field.type == FieldType.INTEGER:
            return f"{name} in (1, 2)"
    name, field = next(iter(compared.items()))
    value = next(iter(field.values)).value if field.values else "a"
    return f"{name} = {value}"


def _filters(rows: list[Schema]) -> Schema:
    """Describe the filters as one object, whose properties are parameters by name and operator."""
    names = ", ".join(f"{row['name']}{operator}" for row in rows for operator in row["operators"])
    names = names.replace("=", "")
    first = next((row for row in rows if "=" in row["operators"] and row["name"] != "id"), rows[0])
    example = {first["name"] + first["operators"][0].replace("=", ""): first["example"]}
    return {
        "name": "filters",
        "in": "query",
        "required": False,
        "description": "Only what fulfils all of these: each property is a parameter of its own, a "
        "field with or without an operator, such as type or createdAt:gte. The values of :in are "
        f"parted by commas. There are {names}",
        "style": "form",
        "explode": True,
        "schema": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "examples": [example],
        },
        "example": example,
        "x-filters": rows,
    }


def _row(name: str, field: Field) -> Schema:
    """Describe the filters of one field."""
    field_type = field.type or FieldType.TEXT
    row: Schema = {
        "name": name,
        "operators": [f":{operator}" if operator else "=" for operator in field.operators],
        "type": _TYPES.get(field_type, "text"),
        "example": _EXAMPLES.get(field_type, "Technology"),
        "description": "; ".join(_SENTENCES[operator] for operator in field.operators),
    }
    if field.is_phone:
        row["example"] = "44 555 01 23"
    if field.values:
        row |= {"values": list(field.values), "example": next(iter(field.values)).value}
    if field.type == FieldType.JSON:
        row["name"] = f"{name}.path"
        row["description"] += "; path stands for any path into it, such as region or address.city"
    return row


def _custom(name: str, custom: CustomFilter) -> Schema:
    return {
        "name": name,
        "operators": ["="],
        "type": _TYPES.get(custom.type, "text"),
        "example": _EXAMPLES.get(custom.type, "acme.example.com"),
        "description": custom.description,
    }


def _parameter(name: str, description: str, schema: Schema, example: object) -> Schema:
    found: Schema = {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema | {"examples": [example]},
        "example": example,
    }
    if schema["type"] == "array":
        found |= {"style": "form", "explode": False}
    return found
