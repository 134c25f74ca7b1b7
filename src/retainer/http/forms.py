"""Forms of pages: what a browser sends, as the JSON that the API takes."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect

from retainer.database import exact_json
from retainer.errors import FieldError, Invalid
from retainer.http.request import Request

# An element in quotation marks, or all up to the next comma.
_ELEMENT = re.compile(r'\s*(?:"((?:[^"]|"")+)"\s*(?=,|$)|([^,]+))(?:,|$)|,')


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
            f.encode_name: _value(f.type, self._text(f.encode_name, f.type))
            for f in info.fields
            if f.encode_name in self
        }

    def _text(self, name: str, value_type: inspect.Type) -> str:
        """A field's text. Inputs that share the name of a list are its elements."""
        values = self.all(name)
        if len(values) > 1 and _is_list(value_type):
            return ",".join(values)
        return self[name]


def list_text(values: Iterable[object]) -> str:
    """The elements of a list as one line that `read_list` reads: with commas between them, and
    those that have a comma themselves in quotation marks.
    """
    return ", ".join(_quoted(str(value)) for value in values)


def _quoted(text: str) -> str:
    if re.fullmatch(r'[^\s,"](?:[^,"]*[^\s,"])?', text):
        return text
    return '"' + text.replace('"', '""') + '"'


def read_list(text: str) -> list[str]:
    """The elements of a list that somebody typed into one line, without those that are empty."""
    found = [quoted.replace('""', '"') or plain.strip() for quoted, plain in _ELEMENT.findall(text)]
    return [element for element in found if element.strip()]


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


def _is_list(value_type: inspect.Type) -> bool:
    if isinstance(value_type, inspect.Metadata):
        return _is_list(value_type.type)
    if isinstance(value_type, inspect.UnionType):
        return any(map(_is_list, value_type.types))
    return isinstance(value_type, inspect.ListType)


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
        return [_value(value_type.item_type, part) for part in read_list(text)]
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
