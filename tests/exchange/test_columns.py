"""Columns of other systems' exports, and of people's own tables, map by themselves; rows become
bodies that the API takes.
"""

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from retainer.exchange.imports.columns import date_order, decimal_sign, is_own_export, propose
from retainer.exchange.imports.model import ColumnMapping
from retainer.exchange.imports.targets import TARGETS
from retainer.exchange.imports.values import Converted, convert
from retainer.files import delimited
from retainer.files.table import ReadOptions
from retainer.http.body import decode

SAMPLES = sorted((Path(__file__).parents[1] / "data/imports").glob("*.csv"))
Table = tuple[list[str], list[list[str]]]


def table(path: Path) -> Table:
    (_, header), *rows = delimited.open_text(io.BytesIO(path.read_bytes()), ReadOptions()).rows
    return header, [cells for _, cells in rows]


def proposed(noun: str, header: list[str], rows: list[list[str]]) -> dict[str, ColumnMapping]:
    found = propose(noun, list(TARGETS[noun].fields.values()), header, rows)
    assert [mapped.column for mapped in found] == header
    return {mapped.column: mapped for mapped in found}


def converted(noun: str, header: list[str], rows: list[list[str]]) -> list[Converted]:
    """The rows' values without those of other records, which are looked up elsewhere."""
    fields = TARGETS[noun].fields
    plain = [
        mapped
        if mapped.field and not (mapped.field in fields and fields[mapped.field].refers_to)
        else None
        for mapped in proposed(noun, header, rows).values()
    ]
    own = is_own_export(noun, header)
    return [convert(cells, plain, fields, own_export=own) for cells in rows]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_an_export_of_another_system_maps_and_its_rows_are_taken(path: Path) -> None:
    system, _, noun = path.stem.partition("-")
    target = TARGETS[noun]
    header, rows = table(path)
    found = proposed(noun, header, rows)
    meant = {mapped.field for mapped in found.values()}
    assert {field.name for field in target.fields.values() if field.is_required} - meant <= set(
        target.defaults
    )
    assert "id" not in meant, "an id of another system is none of ours"
    if "externalId" in target.fields:
        ids = next(mapped for mapped in found.values() if mapped.field == "externalId")
        assert ids.prefix == f"{system}:"
    for cells, row in zip(rows, converted(noun, header, rows), strict=True):
        assert row.problems == [], cells
        body = {**target.defaults, **row.body}
        missing = {f.name: 1 for f in target.fields.values() if f.is_required and f.refers_to}
        sent = {
            name: value
            for name, value in (missing | body).items()
            if f"{{{name}}}" not in target.create_path
        }
        decode(msgspec.json.encode(sent), target.create)


BODIES: dict[str, list[dict[str, Any]]] = {
    "hubspot-organizations": [
        {"name": "Müller Maschinen AG", "type": "customer", "website": "mueller-maschinen.example",
         "industry": "MACHINERY", "externalId": "hubspot:18236541236",
         "metadata": {"Phone Number": "+41 44 555 01 23", "City": "Zürich", "Country/Region": "Switzerland", "Number of Employees": "120"}},
        {"name": "O'Hara & Sons", "type": "prospect"},
        {"name": "Łódź Logistics", "type": "prospect"},
    ],
    "pipedrive-organizations": [{"type": "customer", "externalId": "pipedrive:12"}, {"type": "prospect"}],
    "espocrm-organizations": [
        {"type": "customer", "externalId": "espocrm:65e1a0b2c3d4e5f60"}, {"type": "partner"}, {"type": "partner"}],
    "twenty-organizations": [{"website": "https://mueller.example"}, {"name": "O'Hara & Sons"}],
    "hubspot-contacts": [
        {"fullName": "Jordan Meyer", "company": "Müller Maschinen AG", "title": "Head of Operations"},
        {"fullName": "Siobhán O'Hara"},
    ],
    "pipedrive-contacts": [
        {"fullName": "Jordan Meyer", "phone": "+41 44 555 01 23", "email": "jordan.meyer@mueller.example"},
        {"phone": "+353 86 555 0123", "email": "siobhan@ohara.example"},
    ],
    "espocrm-contacts": [{"fullName": "Jordan Meyer", "title": "COO"}, {"fullName": "Siobhán O'Hara"}],
    "twenty-contacts": [{"fullName": "Jordan Meyer", "phone": "445550123"}, {"fullName": "Siobhán O'Hara"}],
    "hubspot-projects": [
        {"title": "Warehouse redesign", "status": "planned", "dueDate": "2026-06-30"}, {"status": "active"}],
    "pipedrive-projects": [{"status": "planned", "dueDate": "2026-06-30"}, {"status": "active"}, {"status": "cancelled"}],
    "espocrm-projects": [{"status": "planned", "description": "Three halls"}, {"status": "active"}],
    "twenty-projects": [{"status": "planned", "dueDate": "2026-06-30"}, {"status": "active"}],
    "hubspot-tasks": [
        {"title": "Send the offer", "status": "todo", "priority": "high", "dueDate": "2026-04-01"},
        {"status": "completed", "priority": "low"},
    ],
    "pipedrive-tasks": [{"status": "todo", "priority": "high", "dueDate": "2026-04-01"}, {"status": "completed"}],
    "espocrm-tasks": [{"status": "todo", "priority": "high", "dueDate": "2026-04-01"}, {"status": "completed"}],
    "twenty-tasks": [{"status": "todo", "dueDate": "2026-04-01"}, {"status": "completed"}],
}  # fmt: skip


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_values_of_another_system_become_ours(path: Path) -> None:
    noun = path.stem.partition("-")[2]
    for expected, row in zip(BODIES[path.stem], converted(noun, *table(path)), strict=True):
        known = {k: v for k, v in expected.items() if k in TARGETS[noun].fields}
        assert {name: row.body.get(name) for name in known} == known


def test_a_german_table_maps_by_its_words_and_its_values() -> None:
    header = ["Firma", "Art", "Branche", "Kd-Kontakt", "Internetz", "Bemerkungen", "Umsatz"]
    rows = [["Acme", "Kunde", "Bau", "a@acme.example", "www.acme.example", "x", "1.200,50"]]
    found = proposed("organizations", header, rows)
    assert {mapped.column: mapped.field for mapped in found.values()} == {
        "Firma": "name", "Art": "type", "Branche": "industry", "Kd-Kontakt": "metadata.Kd-Kontakt",
        "Internetz": "website", "Bemerkungen": "description", "Umsatz": "metadata.Umsatz",
    }  # fmt: skip
    assert found["Art"].values == {"Kunde": "customer"}


def test_a_column_is_no_enumeration_where_most_of_its_words_are_not() -> None:
    rows = [["Acme", "Gold"], ["Globex", "Silver"]]
    assert proposed("organizations", ["Name", "Label"], rows)["Label"].field == "metadata.Label"
    assert proposed("organizations", ["name", "type"], rows)["type"].field == "type", (
        "by our own name"
    )


def test_names_in_two_columns_become_one_whatever_their_order() -> None:
    header = ["Nachname", "Vorname", "E-Mail", "Mobil", "Telefon"]
    rows = [
        ["Meyer", "Jordan", "j@x.example", "+41 79 1", "+41 44 1"],
        ["Curie", "", "", "+41 79 2", ""],
    ]
    bodies = converted("contacts", header, rows)
    assert [row.body["fullName"] for row in bodies] == ["Jordan Meyer", "Curie"]
    assert [row.body["phone"] for row in bodies] == ["+41 79 1", "+41 79 2"]
    assert [len(row.warnings) for row in bodies] == [1, 0], "of the second number"


def test_only_in_our_own_exports_an_id_is_one_of_ours() -> None:
    for noun, target in TARGETS.items():
        header = list(target.noun.list.fields)
        assert is_own_export(noun, header)
        assert is_own_export(noun, [*header, "problem"])
        assert not is_own_export(noun, header[1:])
        own = proposed(noun, header, [])
        assert {c: m.field for c, m in own.items()} == {
            c: c if c in target.fields else None for c in header
        }
        if "id" in header:
            assert own["id"].confirmed
            other = proposed(noun, [*header, "Region"], [["1"] * (len(header) + 1)])
            assert "id" not in {mapped.field for mapped in other.values()}


@pytest.mark.parametrize(("values", "order"), [
    (["2026-01-02"], "YMD"), (["2026/1/2 10:00"], "YMD"), (["01/02/2026", "31/12/2026"], "DMY"),
    (["12/31/2026", "01/02/2026"], "MDY"), (["01.02.2026"], "DMY"), (["01/02/2026"], None), ([], None),
])  # fmt: skip
def test_the_order_of_dates_is_found_or_left_open(values: list[str], order: str | None) -> None:
    assert date_order(values) == order


@pytest.mark.parametrize(("values", "sign"), [
    (["1.5"], "."), (["1,5"], ","), (["1.234,50"], ","), (["1,234.50"], "."), (["1.234"], None), (["7"], None),
])  # fmt: skip
def test_the_decimal_sign_is_found_or_left_open(values: list[str], sign: str | None) -> None:
    assert decimal_sign(values) == sign


def test_headers_of_people_and_systems_name_fields_that_there_are() -> None:
    from retainer.exchange.imports.headers import HEADERS, VALUES

    ahead = {"externalId"}  # of nouns that have none yet
    for noun, words in HEADERS.items():
        assert set(words) - set(TARGETS[noun].fields) <= ahead, noun
    for (noun, name), table_of_words in VALUES.items():
        assert set(table_of_words) <= set(TARGETS[noun].fields[name].values), (noun, name)


def test_a_remembered_mapping_is_taken_for_the_same_headers() -> None:
    fields = list(TARGETS["organizations"].fields.values())
    said = {"Firma": ColumnMapping(column="Firma", field="description")}
    assert propose("organizations", fields, ["Firma"], [], said) == [said["Firma"]]
    assert propose("organizations", fields, ["Firma", "Ort"], [], said)[0].field == "name"
