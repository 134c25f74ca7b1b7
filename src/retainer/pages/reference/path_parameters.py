"""What stands in a path, as the OpenAPI document describes it: ids, and texts that name a record."""

from retainer.http.routing import TEXT, Route
from retainer.pages.reference import schemas
from retainer.pages.reference.schemas import Schema


def described(route: Route, name: str) -> Schema:
    """One parameter of a route's path."""
    before = route.path.split("{" + name + "}")[0].strip("/").split("/")[-1]
    return _text(route, before) if name == TEXT else _id(before.removesuffix("s"), name)


def _text(route: Route, key: str) -> Schema:
    """The text below /by/{key}, which is one of the body's fields."""
    assert route.body is not None
    properties = schemas.components([route.body], [])[route.body.__name__]["properties"]
    field = properties[{"domain": "domains"}.get(key, key)]
    shown = field["examples"][0]
    shown = shown if isinstance(shown, str) else shown[0]
    return {
        "name": TEXT,
        "in": "path",
        "required": True,
        "description": f"{field['description']}. What means something in a path is "
        "percent-encoded, a slash too",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "examples": [shown]},
        "example": shown,
    }


def _id(noun: str, name: str) -> Schema:
    description = "Version number" if name == "number" else f"{noun.capitalize()} ID"
    if name == "contactId":
        description = "Contact ID"
    shown = 2 if name == "contactId" else 1
    limits = {"minimum": 1, "maximum": 2**53 - 1}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "integer", "format": "int64", **limits, "examples": [shown]},
        "example": shown,
    }
