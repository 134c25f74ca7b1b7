"""Cells become the values that people mean; an export of ours comes back as it was."""

import csv
import io
import json
from typing import Any

import msgspec
import pytest

from retainer.exchange.imports.columns import propose
from retainer.exchange.imports.model import ColumnMapping
from retainer.exchange.imports.targets import TARGETS, ImportField
from retainer.exchange.imports.values import Converted, convert, unquoted
from retainer.files import workbook
from retainer.lists import formats, workbook_writer
from retainer.lists.spec import FieldType

FIELDS = {
    **TARGETS["organizations"].fields,
    **{name: TARGETS["tasks"].fields[name] for name in ("dueDate", "priority", "order", "title")},
    "isActive": TARGETS["contacts"].fields["isActive"],
    "happenedAt": TARGETS["activities"].fields["happenedAt"],
    "rate": ImportField("rate", "number"),
}
HOSTILE = [
    "plain", "=1+1", "'=1", "''=1", "'t Hooft", "+41 44 555 01 23", "-", "null", "#N/A", "@x", "a\nb", "a\r\n=b",
    "a;'=b", "a;=b", "a\t+b", "\t=x", "ＡＢ＝", "＝1", "👩‍🔧 emoji", "x" * 255, '"quoted"', "a,b;c|d", "0012", "1e5",
    "true", "[1]", "{}", "'", "''", "it's", "<r>x</r>", "<r>a;=b</r>", "_x0041_", "a\x0bb", " edge ", "2026-01-31", "&amp;",
]  # fmt: skip


def one(field: str, cell: str, **mapped: Any) -> Converted:
    meaning = ColumnMapping(column=field, field=field, **mapped)
    return convert([cell], [meaning], FIELDS, own_export=False)


@pytest.mark.parametrize(("field", "cell", "mapped", "value"), [
    ("name", "  Acme ", {}, "Acme"),
    ("name", "0012", {}, "0012"),
    ("name", "'t Hooft", {}, "'t Hooft"),
    ("type", "Kunde", {"values": {"Kunde": "customer"}}, "customer"),
    ("type", "KUNDE", {"values": {"Kunde": "customer"}}, "customer"),
    ("type", "Customer", {}, "customer"),
    ("type", "", {"default": "prospect"}, "prospect"),
    ("externalId", "123", {"prefix": "hubspot:"}, "hubspot:123"),
    ("externalId", "hubspot:123", {"prefix": "hubspot:"}, "hubspot:123"),
    ("tags", "Key account; VIP\nNew,Old", {}, ["Key account", "VIP", "New", "Old"]),
    ("domains", "acme.example, www.acme.ch", {}, ["acme.example", "www.acme.ch"]),
    ("dueDate", "31.12.2026", {"format": "DMY"}, "2026-12-31"),
    ("dueDate", "1/2/26", {"format": "DMY"}, "2026-02-01"),
    ("dueDate", "1/2/26", {"format": "MDY"}, "2026-01-02"),
    ("dueDate", "2026-06-30 17:00", {"format": "YMD"}, "2026-06-30"),
    ("dueDate", "2026-06-30T00:00:00.000Z", {}, "2026-06-30"),
    ("happenedAt", "2026-06-30 17:00", {}, "2026-06-30T17:00Z"),
    ("happenedAt", "2026-06-30T17:00:00+02:00", {}, "2026-06-30T17:00:00+02:00"),
    ("isActive", "Ja", {}, True),
    ("isActive", "FALSE", {}, False),
    ("order", "7", {}, 7),
    ("rate", "1.234,50", {"format": ","}, 1234.5),
    ("rate", "1,234.50", {"format": "."}, 1234.5),
    ("rate", "1'234.50", {}, 1234.5),
    ("metadata.City", "Zürich", {}, None),
])  # fmt: skip
def test_a_cell_becomes_a_value_of_its_field(
    field: str, cell: str, mapped: Any, value: Any
) -> None:
    found = one(field, cell, **mapped)
    if field.startswith("metadata."):
        assert found.body == {"metadata": {"City": cell}}
        return
    assert (found.body, found.problems, found.warnings) == ({field: value}, [], [])


@pytest.mark.parametrize(("field", "cell", "mapped", "words"), [
    ("dueDate", "31.02.2026", {"format": "DMY"}, "must be a date that there is"),
    ("dueDate", "1/2/2026", {}, "order is known"),
    ("dueDate", "soon", {}, "must be a date"),
    ("isActive", "perhaps", {}, "must be yes or no"),
    ("order", "1.5", {}, "must be a whole number"),
    ("rate", "much", {}, "must be a number"),
    ("metadata", "x", {}, "must be a JSON object"),
])  # fmt: skip
def test_a_cell_that_is_no_value_is_a_problem_of_its_field(
    field: str, cell: str, mapped: Any, words: str
) -> None:
    found = one(field, cell, **mapped)
    assert found.body == {}
    [(name, sentence)] = found.problems
    assert name == field
    assert words in sentence
    assert cell in sentence


@pytest.mark.parametrize("cell", ["NULL", "#N/A", "-", " null "])
def test_words_for_nothing_are_empty_cells_with_a_warning(cell: str) -> None:
    found = one("name", cell)
    assert (found.body, found.problems) == ({}, [])
    assert [field for field, _ in found.warnings] == ["name"]
    assert one("name", "a-b").body == {"name": "a-b"}


def test_a_row_with_more_cells_than_the_header_is_refused() -> None:
    mapped = [ColumnMapping(column="name", field="name")]
    found = convert(["Acme", "Zürich"], mapped, FIELDS, own_export=False)
    assert [field for field, _ in found.problems] == ["row"]


@pytest.mark.parametrize("text", HOSTILE)
def test_quotes_of_our_exports_come_off_again(text: str) -> None:
    assert unquoted(formats._quoted(text)) == text


def sample(field: ImportField, text: str) -> Any:
    """A value of the field, a hostile text where it takes any."""
    return {
        "integer": 7, "number": 1.5, "boolean": False, "date": "2026-01-31", "moment": "2026-01-31T09:30:00.000Z",
        "enum": field.values[-1] if field.values else None, "array": [text, "b"],
        "object": {"a": text, "n": 1.25, "deep": [{"=x": None}]},
    }.get(field.type, text)  # fmt: skip


def exported(noun: str, records: list[dict[str, Any]], kind: str) -> list[list[str]]:
    """The cells of an export, without its header."""
    spec = TARGETS[noun].noun.list
    columns = tuple(spec.fields)
    lines = list(map(msgspec.json.encode, records))
    if kind == "csv":
        file = formats.CSV.opening(columns) + formats.CSV.convert(b"\n".join(lines), columns)
        return list(csv.reader(io.StringIO(file.decode(), newline="")))[1:]
    dates = [name for name, field in spec.fields.items() if field.type == FieldType.DATE]
    book = io.BytesIO()
    workbook_writer.write(noun, list(columns), dates, lines, book)
    return [cells for _, cells in workbook.open_sheet(book, "xlsx", None).rows][1:]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("noun", TARGETS)
def test_every_type_of_a_noun_comes_back_from_its_export(noun: str, kind: str) -> None:
    target = TARGETS[noun]
    columns = list(target.noun.list.fields)
    records = []
    for text in HOSTILE:
        shown = {name: sample(field, text) for name, field in target.fields.items()}
        records.append({name: shown.get(name) for name in columns})
    rows = exported(noun, records, kind)
    mappings = propose(noun, list(target.fields.values()), columns, rows)
    for cells, record in zip(rows, records, strict=True):
        found = convert(cells, mappings, target.fields, own_export=True)
        expected = {name: record[name] for name in target.fields if name in columns}
        assert (found.body, found.problems, found.warnings) == (expected, [], [])
        assert json.dumps(found.body)
