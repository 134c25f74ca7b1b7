"""Cells of a spreadsheet as values of the API."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from retainer.database.database import Values
from retainer.exchange.imports.columns import is_family_name
from retainer.exchange.imports.headers import ADDED
from retainer.exchange.imports.model import ColumnMapping
from retainer.exchange.imports.targets import ImportField

NOTHING = frozenset({"null", "#n/a", "-", "n/a"})  # as some systems write an empty cell
TRUE = frozenset({"true", "yes", "y", "1", "x", "ja", "wahr", "oui", "si"})
FALSE = frozenset({"false", "no", "n", "0", "nein", "falsch", "non"})
METADATA = "metadata."
TOO_LONG = (
    "has more cells than the header has columns: the sign between cells stands in one that is not"
    " in quotation marks, or a column has no header"
)

_SEPARATORS = re.compile(r"[,;\n|]")
_DATE = re.compile(r"(\d{1,4})[-./ ](\d{1,2})[-./ ](\d{1,4})(?:[T ].*)?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_ORDERS = {"YMD": (0, 1, 2), "DMY": (2, 1, 0), "MDY": (2, 0, 1)}
# The quotes that our exports put before what a spreadsheet would take for a formula.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_SEPARATED = ";\t\r\n\v\f\x85\u2028\u2029"
_BEHIND_SEPARATOR = re.compile(rf"(?<=[{_SEPARATED}])'(?=[{_SIGNS}'])")


class Converted(NamedTuple):
    """A row's values by field, and what is wrong with it: fields with a sentence each."""

    body: Values
    problems: list[tuple[str, str]]
    warnings: list[tuple[str, str]]


class Unfit(Exception):
    """A cell that is no value of its field; the message says what it must be."""


def convert(
    cells: Sequence[str],
    mappings: Sequence[ColumnMapping | None],
    fields: Mapping[str, ImportField],
    *,
    own_export: bool,
) -> Converted:
    """The values of a row. `mappings` says what each cell means; None: it is left out. Cells that
    are empty and have no default give no value.
    """
    found = Converted({}, [], [])
    for mapped, cell in zip(mappings, cells, strict=False):
        if mapped is None or mapped.field is None:
            continue
        if own_export:
            text = unquoted(cell)
        else:
            text = cell.strip()
            if text.casefold() in NOTHING:
                found.warnings.append((mapped.field, f"“{text}” is read as an empty cell"))
                text = ""
        text = text or mapped.default or ""
        if text:
            _put(found, mapped, fields, text)
    if any(cells[len(mappings) :]):
        found.problems.append(("row", TOO_LONG))
    return found


def _put(
    found: Converted, mapped: ColumnMapping, fields: Mapping[str, ImportField], text: str
) -> None:
    name = mapped.field or ""
    if name.startswith(METADATA):
        found.body.setdefault("metadata", {})[name.removeprefix(METADATA)] = text
        return
    try:
        value = value_of(text, mapped, fields[name])
    except Unfit as problem:
        found.problems.append((name, f"{problem}, not “{text[:80]}”"))
        return
    if name in found.body:
        value = _joined(found, mapped, value)
    found.body[name] = value


def _joined(found: Converted, mapped: ColumnMapping, value: object) -> object:
    """The value of a field that an earlier column of the row has filled."""
    name = mapped.field or ""
    before = found.body[name]
    if isinstance(before, dict) and isinstance(value, dict):
        return {**before, **value}
    if isinstance(before, list) and isinstance(value, list):
        return before + [each for each in value if each not in before]
    if name not in ADDED:
        if value != before:
            words = f"“{value}” of {mapped.column} is left out: another column has one already"
            found.warnings.append((name, words))
        return before
    if name == "fullName" and not is_family_name(mapped.column):
        before, value = value, before  # a given name, behind the family's
    return f"{before}{ADDED[name]}{value}"


def value_of(text: str, mapped: ColumnMapping, field: ImportField) -> object:
    """A cell that is not empty as a value of its field. Raises Unfit."""
    if field.type == "enum":
        return _word(text, mapped, field)
    if field.type in _READERS:
        return _READERS[field.type](text, mapped.format)
    if mapped.prefix and not text.startswith(mapped.prefix):
        return mapped.prefix + text
    return text


def _word(text: str, mapped: ColumnMapping, field: ImportField) -> str:
    known = mapped.values or {}
    if text in known:
        return known[text]
    folded = {theirs.casefold(): ours for theirs, ours in known.items()}
    if text.casefold() in folded:
        return folded[text.casefold()]
    word = re.sub(r"[\s-]+", "_", text.casefold())
    return word if word in field.values else text  # the model says which it must be


def _truth(text: str, _format: str | None) -> bool:
    word = text.casefold()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise Unfit("must be yes or no")


def _whole_number(text: str, _format: str | None) -> int:
    if not re.fullmatch(r"-?\d{1,15}", text, re.ASCII):
        raise Unfit("must be a whole number")
    return int(text)


def _number(text: str, decimal: str | None) -> float:
    plain = re.sub(r"[\s'\u2019\u00a0]", "", text)
    if decimal == ",":
        plain = plain.replace(".", "").replace(",", ".")
    else:
        plain = plain.replace(",", "")
    try:
        return float(plain)
    except ValueError:
        raise Unfit("must be a number") from None


def day_of(text: str, order: str | None) -> str:
    """A date as ISO 8601 writes it; `order` is that of the column. Raises Unfit."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise Unfit("must be a date")
    parts = [int(part) for part in match.groups()]
    if len(match[1]) == 4:
        order = "YMD"
    if order is None:
        raise Unfit("must be a date whose order is known: set the column's format")
    year, month, day = (parts[place] for place in _ORDERS[order])
    if year < 100:
        year += 2000 if year < 70 else 1900
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise Unfit("must be a date that there is") from None


def _moment(text: str, order: str | None) -> str:
    if _MOMENT.fullmatch(text):
        text = text.replace(" ", "T", 1)
        return text if re.search(r"(Z|[+-]\d\d:?\d\d)$", text) else f"{text}Z"
    return f"{day_of(text, order)}T00:00:00Z"


def _list(text: str, _format: str | None) -> list[object]:
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            return found
    return [part.strip() for part in _SEPARATORS.split(text) if part.strip()]


def _object(text: str, _format: str | None) -> Values:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unfit("must be a JSON object")
    return found


_READERS: Mapping[str, Callable[[str, str | None], object]] = {
    "boolean": _truth,
    "integer": _whole_number,
    "number": _number,
    "date": day_of,
    "moment": _moment,
    "array": _list,
    "object": _object,
}


def unquoted(text: str) -> str:
    """A text of our exports without the quotes that they put into it (lists/formats.py)."""
    if not text.startswith("'"):
        return text
    return _BEHIND_SEPARATOR.sub("", text[1:])
