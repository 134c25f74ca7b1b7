"""JSON, NDJSON and CSV: the same rows in each, and the format that a client prefers."""

import csv
import io
import itertools
import json
import re
from typing import Any

import msgspec
import pytest

from retainer.lists import formats
from retainer.routes import ROUTES
from support.cast import Cast
from support.lists import ROWS


def test_ndjson_and_csv_have_the_same_rows(cast: Cast, rows: list[dict[str, Any]]) -> None:
    path = "/api/organizations?sort=id&type:not=other"
    whole = cast.ada.get(path)
    lines = cast.ada.get(path, headers={"Accept": "application/x-ndjson"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in lines.text.splitlines()] == whole.json()
    sheet = cast.ada.get(path, headers={"Accept": "text/csv"})
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert sheet.headers["content-disposition"] == 'attachment; filename="organizations.csv"'
    table = list(csv.DictReader(io.StringIO(sheet.text)))
    assert list(table[0]) == list(whole.json()[0])
    assert [row["name"] for row in table] == [row["name"] for row in whole.json()]
    assert json.loads(table[0]["metadata"]) == ROWS[0]["metadata"]
    assert whole.headers["vary"] == "Accept, accept-encoding"
    assert cast.sam.get("/api/organizations", headers={"Accept": "application/x-ndjson"}).text == ""
    assert cast.sam.get("/api/organizations", headers={"Accept": "text/csv"}).text.startswith(
        "id,name,"
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
def test_csv_cells_are_no_formulas(cast: Cast, start: str) -> None:
    made = cast.ada.made("/api/organizations", name=f'{start}cmd|"x"', type="other")
    answer = cast.ada.get(
        f"/api/organizations?id={made['id']}&fields=id,name", headers={"Accept": "text/csv"}
    )
    row = next(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert row == {"id": str(made["id"]), "name": f"'{made['name']}"}


TEXTS = {
    "+41 44 555 01 23": "+41 44 555 01 23",
    "-12": "-12",
    "+1 (415) 555-0100/7.": "+1 (415) 555-0100/7.",
    "+1\nx": "'+1\nx",
    "+1\n": "'+1\n",
    "-1+cmd": "'-1+cmd",
    '=HYPERLINK("x")': '\'=HYPERLINK("x")',
    '\'=HYPERLINK("x")': "''=HYPERLINK(\"x\")",
    "'n Sync": "''n Sync",
    "it's": "it's",
    ";=1": "';'=1",
    "a;＝1": "'a;'＝1",
    "a\t+cmd": "'a\t'+cmd",
    "a\r@x": "'a\r'@x",
    "a\u2028=1": "'a\u2028'=1",
    "+41 44;=1": "'+41 44;'=1",
    "=1;'b": "'=1;''b",
    "first\n- second\n'third": "'first\n'- second\n''third",
    "a; 'b;'c = 1-2 @ home, =x": "a; 'b;'c = 1-2 @ home, =x",
}


def text_of(cell: str) -> str:
    """The text of a cell, as docs/lists.md says."""
    if not cell.startswith("'"):
        return cell
    return re.sub("([;\t\r\n\v\f\x85\u2028\u2029])'", r"\1", cell[1:])


@pytest.mark.parametrize(("text", "cell"), TEXTS.items())
def test_each_text_can_be_told_from_its_csv_cell(text: str, cell: str) -> None:
    row = msgspec.json.encode({"text": text})
    line = formats.CSV.convert(row, ("text",)).decode()
    (shown,) = next(csv.reader(io.StringIO(line, newline="")))
    assert shown == cell
    assert text_of(shown) == text


SIGNS = "=+-@＝＋－＠"


@pytest.mark.parametrize("separator", list(";\t\r\n\v\f\x85\u2028\u2029"))
def test_no_csv_cell_becomes_a_formula_where_other_characters_separate(separator: str) -> None:
    for sign, before in itertools.product(SIGNS, ("", "a", "'", "+41 44 ", f"'{separator}'")):
        text = f"{before}{separator}{sign}cmd"
        row = msgspec.json.encode({"text": text, "list": [text], "map": {text: text}})
        line = formats.CSV.convert(row, ("text", "list", "map")).decode()
        for part in re.split(r"[,;\t\r\n\v\f\x85\u2028\u2029]", line):
            assert not part.lstrip('"').startswith(tuple(SIGNS)), line
        shown, listed, mapped = next(csv.reader(io.StringIO(line, newline="")))
        assert text_of(shown) == text
        assert (json.loads(listed), json.loads(mapped)) == ([text], {text: text})


@pytest.mark.parametrize("text", ["=x", ";=x", "b\n=x", "b\t@x"])
def test_no_noun_exports_a_formula(cast: Cast, text: str) -> None:
    """Every list that there is, with the text in each field that takes it."""
    line = text.replace("\n", ";").replace("\t", ";")
    made = cast.ada.made(
        "/api/organizations", name=line, type="other", description=f"a{text}", tags=[line]
    )
    contact = cast.ada.made(
        "/api/contacts", fullName=line, email="f@x.example", type="client", title=line
    )
    cast.ada.made("/api/projects", organizationId=made["id"], title=line, description=f"a{text}")
    cast.ada.made("/api/tasks", organizationId=made["id"], title=line, description=f"a{text}")
    cast.ada.made("/api/documents", organizationId=made["id"], name=line, url="https://x.example")
    cast.ada.made(
        f"/api/organizations/{made['id']}/activities",
        kind="note",
        text=f"a{text}",
        contactIds=[contact["id"]],
    )
    cast.ada.made("/api/views", name=line, noun="organizations", query="")
    sheets = {}
    for route in ROUTES:
        if route.lists is None or route.parameters:
            continue
        answer = cast.ada.get(route.url, headers={"Accept": "text/csv"})
        assert answer.status_code == 200, route.url
        if answer.headers["content-type"].startswith("text/csv"):
            sheets[route.url] = answer.text
    for page in ("organizations", "contacts", "projects", "tasks", "audit"):
        sheets[page] = cast.ada.get(f"/{page}/export", headers={"Accept": "text/csv"}).text
    assert len(sheets) >= 9
    for url, sheet in sheets.items():
        for part in re.split(r"[,;\t\r\n]", sheet):
            is_number = re.fullmatch(r'"*[+-][\d ()./-]*"*', part)
            assert is_number or not part.lstrip('"').startswith(tuple(SIGNS)), (url, part)


def test_telephone_numbers_stay_as_they_are_in_csv(cast: Cast) -> None:
    contact = cast.ada.made(
        "/api/contacts", fullName="Ida", email="i@x.example", type="client", phone="+41 44 555 01"
    )
    answer = cast.ada.get(
        f"/api/contacts?id={contact['id']}&fields=phone", headers={"Accept": "text/csv"}
    )
    assert answer.text == "phone\r\n+41 44 555 01\r\n"


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson", "text/csv"])
def test_a_long_list_streams_whole_in_each_format(many: Cast, accept: str) -> None:
    answer = many.ada.get(
        "/api/organizations?sort=-name&fields=id&type=other", headers={"Accept": accept}
    )
    if accept == "application/json":
        ids = [row["id"] for row in answer.json()]
    elif accept == "text/csv":
        ids = [int(line) for line in answer.text.splitlines()[1:]]
    else:
        ids = [json.loads(line)["id"] for line in answer.text.splitlines()]
    assert len(ids) == len(set(ids)) == 1300


def test_a_csv_row_with_several_expanded_records_stays_one_line(cast: Cast) -> None:
    """A contact of two organizations, and a document of two projects, in each format."""
    contact = cast.contact("Mia")
    for organization in (cast.acme, cast.globex):
        cast.ada.made(
            f"/api/organizations/{organization}/members", contactId=contact, role="member"
        )
    made = [
        cast.ada.made("/api/projects", organizationId=cast.acme, title=title)["id"]
        for title in "AB"
    ]
    cast.ada.made("/api/documents", name="Plan", url="https://plan.example", projectIds=made)
    for path, field in (
        ("/api/contacts?expand=organizations", "organizations"),
        ("/api/documents?", "projects"),
    ):
        whole = cast.ada.get(path).json()
        assert any(len(row[field]) == 2 for row in whole)
        lines = cast.ada.get(path, headers={"Accept": "application/x-ndjson"}).text
        assert [json.loads(line) for line in lines.splitlines()] == whole
        sheet = csv.DictReader(io.StringIO(cast.ada.get(path, headers={"Accept": "text/csv"}).text))
        assert [json.loads(row[field]) for row in sheet] == [row[field] for row in whole]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv;q=0.1, application/json", "application/json"),
        (
            "application/json;q=0.5, application/x-ndjson;charset=utf-8;q=0.9",
            "application/x-ndjson",
        ),
        ("TEXT/CSV, */*", "text/csv; charset=utf-8"),
        ("text/html, */*;q=0.8, text/csv;q=0.5", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("application/xml", "application/json"),
    ],
)
def test_the_format_is_the_one_that_accept_prefers(cast: Cast, accept: str, kind: str) -> None:
    answer = cast.ada.get("/api/organizations?limit=1", headers={"Accept": accept})
    assert answer.headers["content-type"] == kind


def test_a_filtered_stream_is_read_from_one_snapshot(cast: Cast) -> None:
    """The prefilter's function and the rows are read in one snapshot."""
    cast.sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
                                               acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO organizations (tenant_id, name, type)
           SELECT $1, CASE WHEN n > 3000 THEN 'Rare ' ELSE 'Common ' END || n, 'vendor'
           FROM generate_series(1, 4000) n, acting""",
        cast.tenant, str(cast.tenant),
    )  # fmt: skip
    lines = cast.ada.get(
        "/api/organizations?fields=name&name:contains=rare",
        headers={"Accept": "application/x-ndjson"},
    )
    names = [json.loads(line)["name"] for line in lines.text.splitlines()]
    assert names == sorted(f"Rare {n}" for n in range(3001, 4001))
