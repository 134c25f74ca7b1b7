"""Forms of pages: what a browser sends, as the JSON that the API takes."""

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect

from retainer.database import exact_json
from retainer.errors import FieldError, Invalid
from retainer.http.body_problems.json_text import repeated
from retainer.http.request import Request

# An input of an object's row: metadata.new0.name
_ROW = re.compile(r"(\w+)\.(\w{1,32})\.(name|text|was)", re.ASCII)
MAX_ROWS = 200  # names of an object that a form shows a row each; one of more is JSON in a form
_NOTHING = "{}"
# An element in quotation marks, or all up to the next comma.
_ELEMENT = re.compile(r'\s*(?:"((?:[^"]|"")+)"\s*(?=,|$)|([^,]+))(?:,|$)|,')


class Row(NamedTuple):
    """A name and a value of an object, as text in a form. `was` has both as they were shown for, in
    JSON; "" of a new row.
    """

    name: str = ""
    text: str = ""
    was: str = ""


class WrongRow(Exception):
    """Rows that make no object."""


class Form(dict[str, str]):
    """The fields of a form by name. Where a name is repeated the form has the last value, `all` has
    every one. The rows of an object are one field, which `object_rows` reads.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        pairs = _with_rows_joined(pairs)
        super().__init__(pairs)
        self.pairs = pairs

    def all(self, name: str) -> list[str]:
        """Every value of a name."""
        return [value for key, value in self.pairs if key == name]

    def body(self, model: type[msgspec.Struct]) -> dict[str, Any]:
        """The form's fields that a body of this type has, as values of JSON. All others are for the
        form's handler. Raises Invalid for rows that make no object.
        """
        info = inspect.type_info(model)
        assert isinstance(info, inspect.StructType)
        return {f.encode_name: self._read(f) for f in info.fields if f.encode_name in self}

    def _read(self, field: inspect.Field) -> object:
        try:
            return _value(field.type, self._text(field.encode_name, field.type))
        except WrongRow as wrong:
            raise Invalid(FieldError(field.encode_name, str(wrong))) from None

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


def object_rows(text: str, blanks: int = 1) -> list[tuple[str, Row]] | None:
    """Rows for a form's field with an object: as it was sent, or as JSON; then empty ones. None for
    a text that makes no rows, or too many.

    Each has a key for the names of its inputs: one of the name that it was shown for, wherever it
    stands, so that what is typed into it belongs to that name; or the number of a new row.
    """
    rows = _rows_of(text.strip())
    if rows is None:
        return None
    filled = [row for row in rows if row.name or row.text or row.was not in ("", _NOTHING)]
    if any(row.was == _NOTHING for row in rows):  # the object is there, though it is empty
        blanks -= 1
        filled.append(Row(was=_NOTHING))
    return _keyed(filled + [Row()] * blanks)


def _rows_of(text: str) -> list[Row] | None:
    if not text:
        return []
    with suppress(msgspec.DecodeError, RecursionError):
        if text.startswith("["):
            return msgspec.json.decode(text, type=list[Row])
        found = exact_json.decode(text, dict[str, object])
        if len(found) <= MAX_ROWS:
            return [_row(name, value) for name, value in found.items()] or [Row(was=_NOTHING)]
    return None


def _keyed(rows: list[Row]) -> list[tuple[str, Row]]:
    found: list[tuple[str, Row]] = []
    for row in rows:
        name, _ = _before(row)
        if name is None:
            key = f"new{sum(key.startswith('new') for key, _ in found)}"
        else:
            key = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
        found.append((key, row))
    return found


def _row(name: str, value: object) -> Row:
    return Row(_one_line(name), _shown(value), exact_json.encode({name: value}).decode())


def _one_line(name: str) -> str:
    return " ".join(name.split())


def _shown(value: object) -> str:
    """A value as a text area keeps it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return re.sub("\r\n?", "\n", value)
    return exact_json.encode(value).decode()


def _object_of(rows: list[Row]) -> dict[str, object] | None:
    """The object of rows. What was not touched stays as it was; what was no text is JSON again, if
    it can be; all else is text. A row without a name is left out. Raises WrongRow.
    """
    found: dict[str, object] = {}
    for row in rows:
        read = _read_row(row)
        if read is None:
            continue
        name, value = read
        if name in found:
            raise WrongRow(f'has the name "{name[:40]}" twice; leave one out or name it otherwise')
        found[name] = value
    if not found and not any(row.was == _NOTHING for row in rows):
        return None
    return found


def _read_row(row: Row) -> tuple[str, object] | None:
    """The name and the value of a row; None for a row that is empty, or whose name was emptied.
    Raises WrongRow.
    """
    name, value = _one_line(row.name), row.text
    old_name, old = _before(row)
    if name == _one_line(old_name or ""):
        name = old_name or ""
    elif not name and value == _shown(old):
        return None
    if not name.strip() and old_name != name:
        if value.strip():
            raise WrongRow(f'has the value "{value[:40]}" without a name; name it')
        return None
    if old_name is None:
        return name, value
    if value == _shown(old):
        return name, old
    if isinstance(old, str):
        return name, value
    return name, _json_or_text(value)


def _before(row: Row) -> tuple[str | None, object]:
    """The name and the value that a row was shown for; (None, None) of a new one."""
    with suppress(msgspec.DecodeError, RecursionError):
        for name, value in exact_json.decode(row.was or _NOTHING, dict[str, object]).items():
            return name, value
    return None, None


def _with_rows_joined(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs of a form with the inputs of an object's rows as one, which has them in JSON."""
    others: list[tuple[str, str]] = []
    rows: dict[str, dict[str, dict[str, str]]] = {}
    for name, value in pairs:
        if match := _ROW.fullmatch(name):
            rows.setdefault(match[1], {}).setdefault(match[2], {})[match[3]] = value
        else:
            others.append((name, value))
    for name, found in rows.items():
        ordered = [Row(**row) for row in found.values()]  # as they stand in the form
        others.append((name, msgspec.json.encode(ordered).decode()))
    return others


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
    with suppress(msgspec.DecodeError):
        return _object_of(msgspec.json.decode(text, type=list[Row]))
    value = _json_or_text(text)
    if isinstance(value, dict):
        for error in repeated(text.encode()):
            raise WrongRow(f'has the name "{error.field[:40]}" twice; leave one out')
    return value


def _json_or_text(text: str) -> object:
    try:
        return exact_json.decode(text, object)
    except (msgspec.DecodeError, RecursionError):
        return text
