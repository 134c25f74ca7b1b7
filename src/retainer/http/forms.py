"""Forms of pages: what a browser sends, as the JSON that the API takes."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect

from retainer.database import exact_json
from retainer.errors import FieldError, Invalid
from retainer.http.request import Request


class Form(dict[str, str]):
    """The fields of a form by name. Where a name is repeated the form has the last value, `all` has
    every one.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def all(self, name: str) -> list[str]:
        """Every value of a name."""
        return [value for key, value in self.pairs if key == name]

    def body(self, model: type[msgspec.Struct]) -> dict[str, Any]:
        """The form's fields that a body of this type has, as values of JSON. All others are for the
        form's handler.
        """
        info = inspect.type_info(model)
        assert isinstance(info, inspect.StructType)
        return {
            f.encode_name: _value(f.type, self[f.encode_name])
            for f in info.fields
            if f.encode_name in self
        }


def blank(model: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields of a form for a body of this type, all of them empty."""
    return dict.fromkeys(model.__struct_encode_fields__)


async def read(request: Request) -> Form:
    """Read the form in the body. Raises Invalid where it is not text."""
    raw = await request.limited_body(request.app.settings.body_kb * 1024)
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=12_000
        )
    except ValueError:
        raise Invalid(
            FieldError("body", "must be a form as browsers send them, percent-encoded UTF-8")
        ) from None
    # Browsers end lines of a text area with CR LF.
    return Form([(name, value.replace("\r\n", "\n")) for name, value in pairs])


def _value(value_type: inspect.Type, text: str) -> object:  # noqa: PLR0911 -- a case each
    """A field's text as a value of its type. Text that does not fit stays as it is, and is refused
    by the field's name.
    """
    if isinstance(value_type, inspect.Metadata):
        return _value(value_type.type, text)
    if isinstance(value_type, inspect.UnionType):
        value_types = [each for each in value_type.types if not isinstance(each, inspect.NoneType)]
        is_nullable = len(value_types) < len(value_type.types)
        if is_nullable and not text.strip():
            return None
        return _value(value_types[0], text)
    if isinstance(value_type, inspect.BoolType):
        return {"true": True, "on": True, "false": False, "": False}.get(text, text)
    if isinstance(value_type, inspect.IntType):
        if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 17:
            return int(text)
        return text
    if isinstance(value_type, inspect.ListType):
        return [
            _value(value_type.item_type, part.strip()) for part in text.split(",") if part.strip()
        ]
    if isinstance(value_type, inspect.DictType):
        return _object(text)
    if isinstance(value_type, inspect.EnumType | inspect.DateType):
        return text.strip()
    return text


def _object(text: str) -> object:
    try:
        return exact_json.decode(text, object)
    except (msgspec.DecodeError, RecursionError):
        return text
