"""The form of an import's columns: the field of each, what its values mean, and how rows find the
records that they change.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from retainer.errors import Problem
from retainer.exchange.imports.model import (
    ColumnMapping,
    Empty,
    FoundColumn,
    Import,
    Match,
    OnDuplicate,
)
from retainer.exchange.imports.targets import TARGETS, ImportField, Target
from retainer.http.forms import Form
from retainer.pages.error_words import of_people
from retainer.pages.form import Option
from retainer.pages.formatting import field_label, label

METADATA = "metadata."
EVERY_ROW = "every row: "  # before the field in the name of a column that the file lacks
MOST_VALUES = 40  # of an enum's column that the form shows
DATE_ORDERS: tuple[Option, ...] = (
    ("YMD", "2027-12-31"),
    ("DMY", "31/12/2027"),
    ("MDY", "12/31/2027"),
)
DECIMALS: tuple[Option, ...] = ((".", "1,000.50"), (",", "1.000,50"))
MATCHES: tuple[Option, ...] = (
    (Match.EMAIL.value, "by e-mail address, then by full name"),
    (Match.NAME.value, "by full name alone"),
)
EMPTY: tuple[Option, ...] = (
    (Empty.KEEP.value, "keeps what the record has"),
    (Empty.CLEAR.value, "clears it in the record"),
)
ON_DUPLICATE: tuple[Option, ...] = (
    (OnDuplicate.ASK.value, "is left for you to decide"),
    (OnDuplicate.CREATE.value, "is added all the same"),
    (OnDuplicate.SKIP.value, "is left out"),
)
DELIMITERS: tuple[Option, ...] = (
    (",", "Comma"),
    (";", "Semicolon"),
    ("\t", "Tab"),
    ("|", "Vertical line"),
)
ENCODINGS: tuple[Option, ...] = (
    ("utf-8", "UTF-8"),
    ("utf-8-sig", "UTF-8 with a mark"),
    ("utf-16", "UTF-16"),
    ("windows-1252", "Windows-1252"),
)
KEYS = {
    "id": "Retainer's own id",
    "externalId": "External id",
    "domain": "Domain",
    "email": "E-mail",
}
_MAPPING = re.compile(r"mapping\[(\d+)\]")


class Value(NamedTuple):
    """A value of the file, and the word of ours that it means; "" where it is refused."""

    theirs: str
    ours: str


class Column(NamedTuple):
    """A column as the form shows it."""

    at: int  # in the names of its inputs
    name: str
    samples: list[str]
    mapped: ColumnMapping
    field: ImportField | None
    values: list[Value]

    @property
    def is_of_person(self) -> bool:
        """True where a cell may name a person by e-mail or by name."""
        return self.field is not None and self.field.refers_to in ("users", "contacts")


class Preset(NamedTuple):
    """A field that no column fills, with the value that every row has."""

    field: ImportField
    value: str


def columns_of(found: Import) -> list[Column]:
    """The columns of the file, from the left."""
    if found.found is None:
        return []
    mapped = {one.column: one for one in found.settings.mapping}
    fields = TARGETS[found.noun].fields
    return [
        _column(at, column, mapped.get(column.column), fields)
        for at, column in enumerate(found.found.columns)
    ]


def _column(
    at: int, column: FoundColumn, mapped: ColumnMapping | None, fields: Mapping[str, ImportField]
) -> Column:
    mapped = mapped or ColumnMapping(column=column.column, field=None)
    field = fields.get(mapped.field or "")
    values = []
    if field is not None and field.type == "enum":
        values = _values(field, column, mapped)
    return Column(at, column.column, column.samples, mapped, field, values)


def _values(field: ImportField, column: FoundColumn, mapped: ColumnMapping) -> list[Value]:
    """The values that are known of an enum's column, those first that somebody mapped."""
    known = dict(mapped.values or {})
    by_word = {word: word for word in field.values}
    for theirs in column.samples:
        known.setdefault(theirs, by_word.get(theirs.strip().lower().replace(" ", "_"), ""))
    return [Value(theirs, ours) for theirs, ours in known.items()][:MOST_VALUES]


def presets_of(found: Import) -> list[Preset]:
    """The required fields, and those with a value for new records, that no column fills."""
    target = TARGETS[found.noun]
    names = {column.column for column in found.found.columns} if found.found else set()
    filled = {one.field for one in found.settings.mapping if one.column in names}
    given = {one.field: one.default for one in found.settings.mapping if one.column not in names}
    return [
        Preset(field, given.get(field.name) or target.defaults.get(field.name, ""))
        for field in target.fields.values()
        if field.name not in filled and (field.name in target.defaults or _is_preset(field))
    ]


def _is_preset(field: ImportField) -> bool:
    return field.is_required and field.type == "enum"


def missing_of(found: Import) -> list[str]:
    """The labels of required fields that nothing fills: without them no row can be added."""
    used = {one.field for one in found.settings.mapping}
    target = TARGETS[found.noun]
    return [
        field_label(field.name)
        for field in target.fields.values()
        if field.is_required and field.name not in used and field.name not in target.defaults
    ]


def choices_of(found: Import, column: Column) -> list[Option]:
    """The fields that a column may fill, a free one of its own name and the present one too."""
    chosen: list[Option] = [
        (field.name, field_label(field.name))
        for field in TARGETS[found.noun].fields.values()
        if field.type != "object"
    ]
    if "metadata" in TARGETS[found.noun].fields:
        names = [METADATA + column.name.strip()[:80]]
        if column.mapped.field and column.mapped.field.startswith(METADATA):
            names.insert(0, column.mapped.field)
        chosen += [
            (name, f"Metadata: {name.removeprefix(METADATA)}") for name in dict.fromkeys(names)
        ]
    return chosen


def keys_of(found: Import) -> list[tuple[str, str, bool]]:
    """The keys of the noun, with their words, and whether they are used."""
    return [
        (key, KEYS.get(key, label(key)), key in found.settings.keys)
        for key in TARGETS[found.noun].keys
    ]


def body_of(form: Form, found: Import) -> dict[str, object]:
    """The body of the change that the form asks for."""
    target = TARGETS[found.noun]
    mapping = [_mapped(form, column, target) for column in columns_of(found)]
    for preset in presets_of(found):
        value = form.get(f"preset.{preset.field.name}", "").strip()
        if value and all(one["field"] != preset.field.name for one in mapping):
            name = preset.field.name
            mapping.append({"column": EVERY_ROW + name, "field": name, "default": value})
    body: dict[str, object] = {"mapping": mapping}
    body["keys"] = [key for key in target.keys if key in form.all("keys")]
    for name in ("empty", "onDuplicate"):
        if form.get(name):
            body[name] = form[name]
    return body


def _mapped(form: Form, column: Column, target: Target) -> dict[str, object]:
    """The meaning of one column, as the form has it: options of another field fall away."""
    name = form.get(f"field.{column.at}", "").strip() or None
    found: dict[str, object] = {"column": column.name, "field": name}
    field = target.fields.get(name or "")
    if name is None or field is None:
        return found
    for option in ("default", "format", "match", "prefix"):
        if value := form.get(f"{option}.{column.at}", "").strip():
            found[option] = value
    if name == "id" and form.get(f"confirmed.{column.at}"):
        found["confirmed"] = True
    if field.type == "enum":
        theirs, ours = form.all(f"theirs.{column.at}"), form.all(f"ours.{column.at}")
        pairs = zip(theirs, ours, strict=False)
        found["values"] = {one: other for one, other in pairs if one and other}
    if column.mapped.field != name:  # the options were shown for the field that it had
        for option in ("default", "format", "match", "prefix", "values"):
            found.pop(option, None)
    return found


def reading_of(form: Form, found: Import) -> dict[str, object]:
    """The body of a change of how the file is read: what differs from the present reading."""
    given: dict[str, object] = {
        name: form[name] for name in ("noun", "sheet", "delimiter", "encoding") if form.get(name)
    }
    row = form.get("headerRow", "").strip()
    if row:
        given["headerRow"] = int(row) if row.isascii() and row.isdigit() and len(row) < 9 else row
    settings = found.settings
    present = {
        "noun": found.noun,
        "sheet": settings.sheet,
        "delimiter": settings.delimiter,
        "encoding": settings.encoding,
        "headerRow": settings.header_row,
    }
    return {name: value for name, value in given.items() if value != present[name]}


def told(problem: Problem | None, found: Import | None) -> list[str]:
    """The sentences of a refused form, with columns by their headers."""
    if problem is None:
        return []
    if not problem.errors:
        return [of_people(problem.detail)]
    columns = [column.name for column in columns_of(found)] if found else []
    sentences = []
    for error in problem.errors:
        place = _MAPPING.match(error.field)
        subject = field_label(error.field)
        if place and int(place[1]) < len(columns):
            subject = f"“{columns[int(place[1])]}”"
        sentences.append(f"{subject} {of_people(error.message)}.")
    return sentences
