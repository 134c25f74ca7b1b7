"""Text extraction from PDF, Word, Excel and plain text; hostile files do no harm."""

import asyncio
import io
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import docx
import openpyxl
import pytest

from retainer.files import extraction, reader_process, text_reader
from retainer.files.extraction import ExtractedText
from support.cast import Cast, Person
from support.searching import eventually, search, titles

pytestmark = pytest.mark.slow

PHRASE = "The liability of the contractor is limited to Zürich marzipan"


def pdf(*pages: str) -> bytes:
    """A PDF with a line of text on each page, in the encoding that its font has by default."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = []
    for text in pages:
        safe = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("cp1252")
        content = b"BT /F1 12 Tf 72 720 Td (" + safe + b") Tj ET"
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R /Resources << /Font << /F1 << "
            b"/Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >> >> >> >>"
            % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (b" ".join(kids), len(kids))
    file, places = io.BytesIO(), []
    file.write(b"%PDF-1.4\n")
    for number, content in enumerate(objects, 1):
        places.append(file.tell())
        file.write(b"%d 0 obj\n%b\nendobj\n" % (number, content))
    start = file.tell()
    file.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    file.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    file.write(
        b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    )
    return file.getvalue()


def word(*paragraphs: str) -> bytes:
    document, file = docx.Document(), io.BytesIO()
    for text in paragraphs:
        document.add_paragraph(text)
    document.add_table(1, 2).cell(0, 1).text = "in a cell"
    document.save(file)
    return file.getvalue()


def sheet(*rows: list[Any]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def upload(person: Person, content: bytes, name: str = "file", **form: str) -> int:
    answer = person.post("/api/documents", files={"file": (name, content)}, data=form)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["id"])


def outcome(cast: Cast, document: int, number: int = 1) -> Any:
    """The outcome of a document's extraction, once it is there."""
    text = "SELECT outcome, reason, characters FROM document_texts WHERE tenant_id = $1 AND document_id = $2 AND number = $3"
    eventually(lambda: cast.sql.rows(text, cast.tenant, document, number))
    return cast.sql.rows(text, cast.tenant, document, number)[0]


@pytest.mark.parametrize("content", [
    pytest.param(pdf("Page one", PHRASE), id="pdf"),
    pytest.param(word("First", PHRASE), id="word"),
    pytest.param(sheet(["a", 1, None], [PHRASE, 2.5]), id="excel"),
    pytest.param(f"Dear all,\n{PHRASE}\n".encode(), id="text"),
    pytest.param(b"\xef\xbb\xbf" + PHRASE.encode(), id="with a mark"),
])  # fmt: skip
def test_a_phrase_inside_a_file_is_found(cast: Cast, content: bytes) -> None:
    id = upload(cast.ada, content, "contract", organizationId=str(cast.acme))
    assert outcome(cast, id)["outcome"] == "done"
    for typed in (
        "liability of the contractor",
        "zurich marzipan",
        "contractor liab",
        "maripan zurich",
    ):
        hits = search(cast.ada, typed)
        assert [(hit["kind"], hit["id"]) for hit in hits] == [("document", id)], typed
    highlight = next(
        h for h in search(cast.ada, "zurich marzi")[0]["highlights"] if h["field"] == "content"
    )
    assert [part["text"] for part in highlight["parts"] if part["match"]] == ["Zürich", "marzi"]
    assert titles(cast.olga, "marzipan") == []


def test_a_guest_finds_only_what_is_in_files_for_clients(cast: Cast) -> None:
    ours = upload(cast.ada, b"quincunx of ours", "ours", organizationId=str(cast.acme))
    theirs = upload(
        cast.ada, b"quincunx of theirs", "theirs", organizationId=str(cast.acme), audience="client"
    )
    elsewhere = upload(
        cast.ada, b"quincunx elsewhere", "else", organizationId=str(cast.globex), audience="client"
    )
    for id in (ours, theirs, elsewhere):
        outcome(cast, id)

    def found(person: Person) -> set[int]:
        return {hit["id"] for hit in search(person, "quincunx")}

    assert found(cast.ada) == {ours, theirs, elsewhere}
    assert found(cast.stan) == {ours, theirs}
    assert found(cast.gita) == {theirs}
    assert found(cast.sam) == found(cast.olga) == set()


def test_a_new_version_is_read_anew_and_a_deleted_document_is_gone(cast: Cast) -> None:
    id = upload(cast.ada, b"an aardvark", "animal")
    outcome(cast, id)
    assert titles(cast.ada, "aardvark") == ["animal"]
    assert (
        cast.ada.post(
            f"/api/documents/{id}/versions", files={"file": ("x", b"a wombat")}
        ).status_code
        == 200
    )
    assert titles(cast.ada, "aardvark") == [], "the newest version has no such word"
    outcome(cast, id, 2)
    assert titles(cast.ada, "wombat") == ["animal"]
    cast.ada.delete(f"/api/documents/{id}")
    assert titles(cast.ada, "wombat") == []


def test_words_on_both_sides_of_a_passages_end_are_found_together(cast: Cast) -> None:
    filler = "lorem ipsum dolor " * 218  # nearly a passage
    id = upload(cast.ada, (filler + "saffron whale " + filler * 3 + "zebra").encode(), "long")
    assert outcome(cast, id)["characters"] > 12_000
    assert titles(cast.ada, "saffron whale") == titles(cast.ada, "zebra") == ["long"]


def test_passages_hold_the_whole_text() -> None:
    text = " ".join(f"word{n}" for n in range(5000))
    passages = ExtractedText("done", None, text).passages
    assert max(map(len, passages)) <= extraction.PASSAGE
    assert {word for piece in passages for word in piece.split(" ")} >= set(text.split(" "))
    assert len(ExtractedText("done", None, "x" * 100_000).passages) < 60
    assert ExtractedText("done", None, "short").passages == ["short"]
    assert ExtractedText("no text").passages == []


def packed(**entries: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return file.getvalue()


TYPES = (
    b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    b'<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    b'wordprocessingml.document.main+xml"/></Types>'
)

RELATIONS = (
    b'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    b'<Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    b'Target="word/document.xml"/></Relationships>'
)

SPACE = b'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def made_of(body: bytes, before: bytes = b"") -> bytes:
    """A Word file with this XML in it."""
    document = before + b"<w:document " + SPACE + b"><w:body>" + body + b"</w:body></w:document>"
    return packed(
        **{"[Content_Types]_xml": TYPES, "_rels/.rels": RELATIONS, "word__document_xml": document}
    )


def paragraph(text: bytes) -> bytes:
    return b"<w:p><w:r><w:t>" + text + b"</w:t></w:r></w:p>"


LAUGHS = (
    b"<!DOCTYPE w [<!ENTITY a0 'ha'>"
    + b"".join(b"<!ENTITY a%d '%b'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]>"
)

SECRET = b"<!DOCTYPE w [<!ENTITY secret SYSTEM 'file:///etc/passwd'>]>"

# Made when they are needed: three hundred megabytes take a second to pack.
HOSTILE: dict[str, Callable[[], bytes]] = {
    "bomb": lambda: packed(word__document_xml=b"0" * (300 << 20)),
    "laughs": lambda: made_of(paragraph(b"&a9;"), LAUGHS),
    "deep": lambda: made_of(b"<w:p>" * 100_000),
    "cut": lambda: word("something")[:-200],
    "empty pdf": lambda: b"%PDF-1.7\n",
    "looped pdf": lambda: pdf("a").replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]"),
    "cut pdf": lambda: pdf("a")[:60],
    "no office": lambda: packed(a=b"x", b=b"y"),
    "random": lambda: b"PK\x03\x04" + bytes(range(256)) * 40,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_fails_without_harm_to_others(cast: Cast, name: str) -> None:
    bad = upload(cast.ada, HOSTILE[name](), "bad")
    good = upload(cast.ada, b"a perfectly fine octopus", "good")
    result = outcome(cast, bad)
    assert result["outcome"] in ("failed", "no text"), result
    assert result["reason"]
    assert "Error" not in result["reason"] or "cannot be read" in result["reason"]
    assert outcome(cast, good)["outcome"] == "done"
    assert not cast.sql.value(
        "SELECT count(*) FROM pending_texts WHERE tenant_id = $1", cast.tenant
    ), "not tried for ever"


def test_a_file_cannot_make_its_reader_read_another(cast: Cast) -> None:
    id = upload(cast.ada, made_of(paragraph(b"xylophone &secret;"), SECRET), "spy")
    assert outcome(cast, id)["outcome"] in ("done", "failed")
    found = cast.sql.rows("SELECT text FROM document_passages WHERE tenant_id = $1", cast.tenant)
    assert not any("root:" in row["text"] for row in found)


def test_a_text_without_end_is_cut(cast: Cast) -> None:
    id = upload(cast.ada, b"elephant " * 300_000, "endless")
    kept = outcome(cast, id)
    assert kept["characters"] <= text_reader.CHARACTERS
    assert kept["reason"] == f"only its beginning: {text_reader.TOO_LONG}"
    assert titles(cast.ada, "elephant") == ["endless"]


def read(content: bytes, media_type: str = "application/pdf") -> ExtractedText:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return asyncio.run(extraction.read(file, media_type))


def test_endless_extraction_is_stopped_and_the_text_found_so_far_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extraction, "CPU_SECONDS", 1)
    endless = pdf("gazelle", "x").replace(b"(x) Tj", b"(x) Tj " * 2_000_000)
    found = read(endless)
    assert (found.outcome, found.text) == ("done", "gazelle")
    assert found.reason == "only its beginning: reading takes longer than 1 seconds of work"
    monkeypatch.setattr(extraction, "SECONDS", 0.01)
    assert read(endless) == ExtractedText("failed", "reading takes longer than 0 seconds")


def sheet_xml(*rows: str, dimension: str = "A1") -> bytes:
    """An Excel file whose one sheet has these rows, and text before them."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.title = "gazelle"
    book.save(file)
    xml = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="{dimension}"/><sheetData>{"".join(rows)}</sheetData></worksheet>'
    )
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(file) as before,
        zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in before.namelist():
            content = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = xml.encode()
            after.writestr(name, content)
    return changed.getvalue()


def cell(row: int, column: str, text: str = "ibex") -> str:
    place = f"{column}{row}"
    return f'<row r="{row}"><c r="{place}" t="inlineStr"><is><t>{text}</t></is></c></row>'


def table(properties: bytes, rows: int = 1) -> bytes:
    start = b"<w:tc><w:tcPr>" + properties + b"</w:tcPr>" + paragraph(b"ibex") + b"</w:tc>"
    return b"<w:tbl>" + (b"<w:tr>" + start + b"</w:tr>") * rows + b"</w:tbl>"


def page_tree(levels: int, kids: int) -> bytes:
    """A PDF whose tree of pages names each level many times: kids ** levels pages."""
    content = pdf("gazelle")
    nodes = b""
    for level in range(levels):
        child = 4 if level == levels - 1 else 11 + level
        nodes += b"%d 0 obj\n<< /Type /Pages /Parent 2 0 R /Count 9 /Kids [%b] >>\nendobj\n" % (
            10 + level, b"%d 0 R " % child * kids)  # fmt: skip
    content = content.replace(b"/Kids [4 0 R]", b"/Kids [4 0 R 10 0 R]")
    return content[: content.index(b"xref")].replace(b"%PDF-1.4\n", b"%PDF-1.4\n" + nodes) + (
        b"trailer << /Size 999 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"
    )


FAR = "XFD"
# What a few kilobytes declare, and what is read of it before its reader gives up: None is all.
VAST: dict[str, tuple[Callable[[], bytes], str, str | None]] = {
    "a cell at the end of a sheet": (lambda: sheet_xml(cell(1048576, FAR)), "gazelle\nibex", None),
    "a sheet that says it is full": (
        lambda: sheet_xml(cell(1, "A"), dimension="A1:XFD1048576"), "gazelle\nibex", None),
    "a row beyond all rows": (
        lambda: sheet_xml(cell(1, "A"), cell(10**12, "A", "okapi")), "gazelle\nibex",
        text_reader.TOO_MANY_PARTS),
    "a far cell in each row": (
        lambda: sheet_xml(*(cell(row, FAR, str(row)) for row in range(1, 5000))), "gazelle\n1\n2",
        text_reader.TOO_MANY_PARTS),
    "a cell that spans a million columns": (
        lambda: made_of(paragraph(b"gazelle") + table(b'<w:gridSpan w:val="1000000"/>')),
        "gazelle\nibex", None),
    "a cell that spans more than there are": (
        lambda: made_of(paragraph(b"gazelle") + table(b'<w:gridSpan w:val="2000000000"/>')),
        "gazelle\nibex", None),
    "a cell that spans all rows": (
        lambda: made_of(paragraph(b"gazelle") + table(b'<w:vMerge w:val="continue"/>', 20_000)),
        "gazelle\nibex", None),
}  # fmt: skip


@pytest.mark.parametrize("name", VAST)
def test_what_a_small_file_declares_is_counted(name: str) -> None:
    make, text, reason = VAST[name]
    found = read(make(), "application/zip")
    assert (found.outcome, found.text[: len(text)]) == ("done", text)
    assert found.reason == (reason and f"only its beginning: {reason}")


@pytest.mark.parametrize(
    ("media_type", "content", "read_before"),
    [
        (text_reader.WORD, word("a", "", "b", "c", "d"), ["a", "", "b"]),
        (text_reader.SHEET, sheet(["a"], [None, "b"], ["c"]), ["Sheet", "a"]),
    ],
)
def test_empty_parts_count_like_those_with_text(
    media_type: str, content: bytes, read_before: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_reader, "MOST_PARTS", 3)
    pieces = text_reader.READERS[media_type](io.BytesIO(content))
    assert [next(pieces) for _ in read_before] == read_before
    with pytest.raises(text_reader.Unreadable, match="empty ones included"):
        next(pieces)


@pytest.mark.parametrize(("levels", "kids"), [(3, 200), (40, 10), (400, 1)])
def test_the_first_of_pages_without_end_are_read(
    levels: int, kids: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "CPU_SECONDS", 3)
    found = read(page_tree(levels, kids))
    assert (found.outcome, found.text[:15]) == ("done", "gazelle\ngazelle")
    if kids == 1:
        assert found.reason is None
    else:
        assert str(found.reason).startswith("only its beginning: ")


def test_the_reason_is_kept_with_what_was_read(cast: Cast) -> None:
    content = sheet_xml(cell(1, "A", "pangolin"), cell(10**12, "A"))
    kept = outcome(cast, upload(cast.ada, content, "vast"))
    assert kept["outcome"] == "done"
    assert kept["reason"] == f"only its beginning: {text_reader.TOO_MANY_PARTS}"
    assert titles(cast.ada, "pangolin") == ["vast"]


def test_a_stream_that_unpacks_without_end_fails() -> None:
    packer = zlib.compressobj(1)
    bomb = b"".join(packer.compress(b" " * (16 << 20)) for _ in range(100)) + packer.flush()
    line = b"BT /F1 12 Tf 72 720 Td (x) Tj ET"
    content = pdf("x").replace(
        b"<< /Length %d >>" % len(line), b"<< /Filter /FlateDecode /Length %d >>" % len(bomb)
    )
    found = read(content.replace(line, bomb))
    assert found.outcome == "failed"
    assert found.reason


def test_the_readers_process_has_no_secret_in_its_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETAINER_DATABASE_URL", "postgresql://secret")
    monkeypatch.setattr(reader_process, "START", "import os; print(sorted(os.environ))")
    assert "RETAINER" not in read(b"").text


def test_files_of_other_types_are_left_alone(cast: Cast) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
    result = outcome(cast, upload(cast.ada, picture, "picture"))
    assert (result["outcome"], result["reason"]) == (
        "no text",
        "files of type image/png are not read",
    )


def test_a_long_file_hides_no_other_and_is_forgotten_when_it_is_deleted(cast: Cast) -> None:
    pages = "\n".join(f"basalt {number} " + "filler " * 500 for number in range(250))
    long = upload(cast.ada, pages.encode(), "long")
    outcome(cast, long)
    short = upload(cast.ada, b"basalt again", "short")
    outcome(cast, short)
    assert set(titles(cast.ada, "basalt")) == {"long", "short"}
    cast.ada.delete(f"/api/documents/{long}")
    kept = "SELECT count(*) FROM document_passages WHERE tenant_id = $1 AND document_id = $2"
    assert cast.sql.value(kept, cast.tenant, long) == 0
    cast.sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
                                               acting_as(NULL, 'command', 'command', NULL, 'test'))
           UPDATE documents SET deleted_by = NULL FROM acting WHERE tenant_id = $1 AND id = $3""",
        cast.tenant, str(cast.tenant), long,
    )  # fmt: skip
    outcome(cast, long)
    assert set(titles(cast.ada, "basalt")) == {"long", "short"}
