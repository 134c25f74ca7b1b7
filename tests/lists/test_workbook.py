"""Lists as .xlsx files: what goes out comes in again."""

import html
import io
import json
import re
import zipfile
from typing import Any

import msgspec
import pytest

from retainer.files import workbook
from retainer.lists import formats, workbook_writer
from support.cast import Cast

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HOSTILE = [
    "plain", "=1+1", "'=1", "'t Hooft", "+41 44 555 01 23", "-", "@x", "a\nb", "a\r\n=b", "a;=b", "\t=x", "＝1",
    "👩‍🔧 emoji", "x" * 255, "0012", "1e5", "true", "<r>x</r>", "<r>a;=b</r>", "_x0041_", "a\x0bb", " edge ", "2026-01-31",
    "https://acme.example", "&amp;",
]  # fmt: skip

# The library takes these for XML of its own, without a quote.
RICH = {"<r>x</r>": "'<r>x</r>", "<r>a;=b</r>": "'<r>a;'=b</r>"}


def rows_of(content: bytes, sheet: str | None = None) -> list[list[str]]:
    return [cells for _, cells in workbook.open_sheet(io.BytesIO(content), "xlsx", sheet).rows]


def written(name: str, columns: list[str], dates: list[str], rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    workbook_writer.write(name, columns, dates, map(msgspec.json.encode, rows), file)
    return file.getvalue()


def test_a_list_is_a_workbook_for_who_accepts_one(cast: Cast) -> None:
    made = cast.ada.made(
        "/api/projects", organizationId=cast.acme, title="=1", startDate="2026-01-31"
    )
    path = f"/api/projects?id={made['id']}"
    answer = cast.ada.get(path, headers={"Accept": XLSX})
    assert answer.headers["content-type"] == XLSX
    assert answer.headers["content-disposition"] == 'attachment; filename="projects.xlsx"'
    header, row = rows_of(answer.content)
    shown = dict(zip(header, row, strict=True))
    assert list(made) == header
    assert (shown["title"], shown["startDate"], shown["id"]) == (
        "'=1",
        "2026-01-31",
        str(made["id"]),
    )
    sheet = zipfile.ZipFile(io.BytesIO(answer.content)).read("xl/worksheets/sheet1.xml").decode()
    assert "46053" in sheet, "a date is one of the spreadsheet"


@pytest.mark.parametrize("noun", ["organizations", "contacts", "projects", "tasks"])
def test_a_page_of_a_list_exports_what_it_shows(cast: Cast, noun: str) -> None:
    page = cast.ada.get(f"/{noun}?sort=-createdAt", headers={"Accept": "text/html"}).text
    for format, kind in (("csv", "text/csv; charset=utf-8"), ("xlsx", XLSX)):
        [link] = re.findall(rf'href="(/{noun}/export[^"]*format={format}[^"]*)"', page)
        assert "sort=-createdAt" in link
        answer = cast.ada.get(html.unescape(link), headers={"Accept": "*/*"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    refused = cast.ada.get(f"/{noun}/export?format=xls", headers={"Accept": "*/*"})
    assert refused.status_code == 422
    assert "csv, xlsx" in refused.text


def test_a_long_list_is_a_whole_workbook(many: Cast) -> None:
    path = "/api/organizations?sort=-name&fields=id&type=other"
    ids = [[str(row["id"])] for row in many.ada.get(path).json()]
    answer = many.ada.get(path, headers={"Accept": XLSX})
    assert rows_of(answer.content) == [["id"], *ids]


def test_texts_come_back_quoted_as_in_csv() -> None:
    rows = [{"text": text, "list": [text]} for text in HOSTILE]
    found = rows_of(written("texts", ["text", "list"], [], rows))[1:]
    for text, (cell, listed) in zip(HOSTILE, found, strict=True):
        assert cell == RICH.get(text, formats.cell_text(text))
        assert json.loads(listed) == [text]


def test_what_no_cell_can_hold_is_named_on_a_last_sheet() -> None:
    rows = [
        {"id": 12345678901234567, "note": "x" * 32_768, "day": "1850-01-01", "share": 0.5},
        {"id": 2, "note": "short", "day": None, "share": 1e300},
    ]
    content = written("notes", ["id", "note", "day", "share"], ["day"], rows)
    assert rows_of(content)[1:] == [
        ["12345678901234567", "", "1850-01-01", "0.5"],
        ["2", "short", "", "1E+300"],
    ]
    assert rows_of(content, "Left out")[1][:4] == ["notes", "2", "note", "32768"]
