"""Tables read from spreadsheets of every format, as people mean them; broken and hostile files are
refused by a sentence.
"""

import asyncio
import io
import tempfile
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import odf.opendocument
import odf.table
import odf.text
import pytest
import xlsxwriter
import xlwt

from retainer.files import delimited, spreadsheets
from retainer.files.sandbox import Unreadable
from retainer.files.table import ReadOptions, Row, Table

Cells = list[list[Any]]

PEOPLE: Cells = [
    ["Name", "Ort", "Seit", "Zahl", "PLZ"],
    ["Müller & Söhne", "Zürich", date(2026, 1, 31), 1234.5, "08001"],
    ['O\'Hara "Ltd"; a,b', "Łódź", date(2025, 12, 1), 7, "00001"],
]
AS_TEXT = [
    (2, ["Müller & Söhne", "Zürich", "2026-01-31", "1234.5", "08001"]),
    (3, ['O\'Hara "Ltd"; a,b', "Łódź", "2025-12-01", "7", "00001"]),
]


def read(
    content: bytes, name: str = "", most_rows: int = 500_000, **options: Any
) -> tuple[Table, list[Row]]:
    async def whole(file: io.BufferedRandom) -> tuple[Table, list[Row]]:
        found = spreadsheets.read(file, name, ReadOptions(**options), most_rows)
        table, *batches = [part async for part in found]
        return table, [row for batch in batches for row in batch]

    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        return asyncio.run(whole(file))  # type: ignore[arg-type]


def text(cells: Cells, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    lines = []
    for row in cells:
        quoted = ['"' + str(cell).replace('"', '""') + '"' for cell in row]
        lines.append(delimiter.join(quoted))
    return "\r\n".join([*lines, ""]).encode(encoding, "replace")


def xlsx(cells: Cells, **sheets: Cells) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "dd.mm.yyyy"}) as book:
        for name, rows in {"People": cells, **sheets}.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return file.getvalue()


def xls(cells: Cells) -> bytes:
    book, file = xlwt.Workbook(), io.BytesIO()
    sheet = book.add_sheet("People")
    day = xlwt.easyxf(num_format_str="DD.MM.YYYY")
    for number, row in enumerate(cells):
        for column, value in enumerate(row):
            args = (day,) if isinstance(value, date) else ()
            sheet.write(number, column, value, *args)
    book.save(file)
    return file.getvalue()


def ods(cells: Cells, **attributes: str) -> bytes:
    book, file = odf.opendocument.OpenDocumentSpreadsheet(), io.BytesIO()
    sheet = odf.table.Table(name="People")
    for row in cells:
        line = odf.table.TableRow()
        for value in row:
            given = {"valuetype": "string", "stringvalue": str(value)}
            if isinstance(value, date):
                given = {"valuetype": "date", "datevalue": value.isoformat()}
            elif not isinstance(value, str):
                given = {"valuetype": "float", "value": str(value)}
            cell = odf.table.TableCell(**given, **attributes)
            cell.addElement(odf.text.P(text=str(value)))
            line.addElement(cell)
        sheet.addElement(line)
    book.spreadsheet.addElement(sheet)
    book.write(file)
    return file.getvalue()


@pytest.mark.parametrize("write", [xlsx, xls, ods])
def test_a_workbook_gives_its_values_as_text(write: Callable[[Cells], bytes]) -> None:
    table, rows = read(write(PEOPLE), f"people.{write.__name__}")
    assert (table.kind, table.sheets, table.sheet) == (write.__name__, ["People"], "People")
    assert (table.header_row, table.header) == (1, PEOPLE[0])
    assert rows == AS_TEXT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1252"])  # fmt: skip
def test_the_encoding_and_the_delimiter_of_a_text_are_found(encoding: str) -> None:
    expected = AS_TEXT
    if encoding == "windows-1252":
        expected = [(n, [cell.replace("Łódź", "?ód?") for cell in row]) for n, row in AS_TEXT]
    for delimiter in ",;\t|":
        content = text(PEOPLE, delimiter, encoding)
        found = delimited.open_text(io.BytesIO(content), ReadOptions())
        assert (found.encoding, found.delimiter) == (encoding, delimiter)
        assert list(found.rows) == [(1, PEOPLE[0]), *expected]
        said = ReadOptions(encoding=encoding, delimiter=delimiter)
        assert list(delimited.open_text(io.BytesIO(content), said).rows) == [
            (1, PEOPLE[0]),
            *expected,
        ]
    table, rows = read(content, "people.csv")
    assert (table.kind, table.encoding, table.delimiter) == ("csv", encoding, "|")
    assert (table.header, table.sheets, rows) == (PEOPLE[0], [], expected)


def test_a_file_is_read_as_people_mean_it() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet("Notes").hide()
        sheet = book.add_worksheet("Clients")
        sheet.activate()
        book.add_chartsheet("Chart")
        moment = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        sheet.write("B1", "Clients of 2026")
        sheet.write_row("B3", ["Name", "Open", "When", "Sum", "", "Name"])
        sheet.write_row("B4", ["Acme", True, "", 0.1 + 0.2, "left", "x"])
        sheet.write_datetime("D4", datetime(2026, 1, 2, 14, 30), moment)
        sheet.write_formula("E5", "=E4*2", None, 0.6)
        sheet.write_formula("G5", "=1/0", None, "#DIV/0!")
        sheet.merge_range("B4:B5", "Acme")
        sheet.write("C9", "far below")
    table, rows = read(file.getvalue(), "clients.xlsx")
    assert (table.sheets, table.sheet, table.header_row) == (["Clients"], "Clients", 3)
    assert table.header == ["Name", "Open", "When", "Sum", "Column F", "Name (2)"]
    assert rows == [
        (4, ["Acme", "true", "2026-01-02T14:30:00", "0.3", "left", "x"]),
        (5, ["Acme", "", "", "0.6", "", ""]),
        (9, ["", "far below", "", "", "", ""]),
    ]


def test_a_number_shown_with_leading_zeros_is_a_warning_of_its_column() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        zeros = book.add_format({"num_format": "00000"})
        sheet.write_row("B1", ["Name", "Number", "Code", "Sum"])
        sheet.write_row("B2", ["Acme", "", "", 7])
        sheet.write_number("C2", 42, zeros)
        sheet.write_string("D2", "00042", zeros)
    table, rows = read(file.getvalue())
    assert rows == [(2, ["Acme", "42", "00042", "7"])]
    assert list(table.warnings) == ["Number"]
    assert "zeros" in table.warnings["Number"]


def test_the_sheet_and_the_header_row_can_be_chosen() -> None:
    content = xlsx(PEOPLE, More=[["x", "y"], ["Key", "Value"], ["a", 1], ["b", 2e20]])
    table, rows = read(content, sheet="More", header_row=2)
    assert (table.sheets, table.sheet, table.header) == (
        ["People", "More"],
        "More",
        ["Key", "Value"],
    )
    assert rows == [(3, ["a", "1"]), (4, ["b", "200000000000000000000"])]
    with pytest.raises(Unreadable, match="no sheet named Others: choose one of People, More"):
        read(content, sheet="Others")
    with pytest.raises(Unreadable, match="Row 9 is empty or not there"):
        read(content, header_row=9)


def test_rows_of_a_text_are_counted_as_a_spreadsheet_counts_them() -> None:
    content = b'sep=;\r\nName;Note\r\n\r\n"Ac\nme";"a ""b"""\r\n;\r\nGlobex;c;d;;\r\n'
    table, rows = read(content, "list.csv")
    assert (table.delimiter, table.header_row, table.header) == (
        ";",
        1,
        ["Name", "Note", "Column C"],
    )
    assert rows == [(3, ["Ac\nme", 'a "b"', ""]), (5, ["Globex", "c", "d"])]


def empty_zip(**entries: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return file.getvalue()


def with_sheet(rows: bytes) -> bytes:
    """A workbook whose sheet has these rows, as XML."""
    source, file = zipfile.ZipFile(io.BytesIO(xlsx([["a"]]))), io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                start, _, _ = content.partition(b"<sheetData>")
                content = start + b"<sheetData>" + rows + b"</sheetData></worksheet>"
            archive.writestr(entry.filename, content)
    return file.getvalue()


def cell(place: str) -> bytes:
    return f'<row><c r="{place}"><v>1</v></c></row>'.encode()


@pytest.mark.parametrize(("content", "name", "sentence"), [
    pytest.param(b"", "a.csv", "The file is empty", id="nothing"),
    pytest.param(b"\r\n \r\n", "a.csv", "no rows in it", id="blank"),
    pytest.param(b"Name,City\r\n", "a.csv", "no rows below the header in row 1", id="only a header"),
    pytest.param(b"%PDF-1.4 ...", "a.csv", "is a PDF file, not a spreadsheet", id="pdf"),
    pytest.param(b"<html><table>", "a.xls", "is a web page", id="page"),
    pytest.param(b"Name,City\r\nA,B", "a.xlsx", "a text file by its content", id="text as workbook"),
    pytest.param(xlsx(PEOPLE), "a.csv", "an Excel workbook .* name ends in .csv", id="workbook as text"),
    pytest.param(ods(PEOPLE), "a.xlsx", "an OpenDocument spreadsheet", id="ods as xlsx"),
    pytest.param(b"a,b\r\n\0\0\1,\2", "a.csv", "neither a spreadsheet nor a text", id="binary"),
    pytest.param(b"a,b\r\n\x81\xff,\2", "a.csv", "neither in UTF-8", id="no encoding"),
    pytest.param(empty_zip(x_txt=b""), "", "holds no spreadsheet", id="archive"),
    pytest.param(xlsx(PEOPLE)[:-200], "", "damaged or was cut off", id="cut off xlsx"),
    pytest.param(ods(PEOPLE)[:900], "", "damaged or was cut off", id="cut off ods"),
    pytest.param(xls(PEOPLE)[:900], "", "damaged or was cut off", id="cut off xls"),
    pytest.param(empty_zip(xl__workbook_xml=b"<"), "", "damaged", id="broken xlsx"),
    pytest.param(b'a,b\r\n"' + b"x" * 2_000_000, "", "Row 2 has a cell of more", id="quote"),
    pytest.param(with_sheet(cell("A1") + cell("A1000001")), "", "1,000,000 rows", id="rows"),
    pytest.param(with_sheet(cell("SG1")), "", "500 columns", id="columns"),
    pytest.param(with_sheet(cell("A1") + cell("SF40001")), "", "20,000,000 cells", id="cells"),
    pytest.param(ods([["a", "b"]], numbercolumnsrepeated="400"), "", "500 columns", id="repeated"),
    pytest.param(with_sheet(cell("A1") + cell("XFD1048576").replace(b'r="', b'x=">" r="')), "", "more memory than", id="hidden"),
    pytest.param(with_sheet(b" " * (2 << 20)), "", "no rows", id="spaces"),
])  # fmt: skip
def test_what_cannot_be_read_is_refused_by_a_sentence(
    content: bytes, name: str, sentence: str
) -> None:
    with pytest.raises(Unreadable, match=sentence) as refusal:
        read(content, name)
    assert str(refusal.value)[0].isupper()
    assert str(refusal.value)[-1] in ".\n"


def test_more_rows_than_are_allowed_are_refused_by_the_settings_name() -> None:
    assert len(read(text(PEOPLE), most_rows=2)[1]) == 2
    with pytest.raises(Unreadable, match=r"more than 1 rows.*RETAINER_IMPORT_ROWS"):
        read(text(PEOPLE), most_rows=1)
