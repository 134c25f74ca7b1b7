"""Pages of imports: how the state of an import is shown, and the forms that change it."""

import csv
import html
import io
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from retainer.exchange.imports.store import TAKE_LOCK
from retainer.exchange.imports.targets import TARGETS
from retainer.pages.imports import outcomes, templates
from retainer.server.worker.job import LOCK
from support.cast import Cast, Person
from support.pages.forms import HTML, page, sent
from support.pages.sitemap import check
from support.samples import planned_import

COLUMNS = ("name", "type", "website", "Region", "externalId")
# The cells of the rows, and the outcome of each.
ROWS = [
    (2, ["Zephyr", "customer", "https://zephyr.example", "North", "crm:1"], "create"),
    (3, ["Boreal", "Kunde", "", "", "crm:2"], "refused"),
    (4, ["Acme", "vendor", "", "", ""], "duplicate"),
]
MAPPING = [{"column": name, "field": name} for name in ("name", "type", "website", "externalId")]


@pytest.fixture(autouse=True)
def no_import_is_begun(cast: Cast) -> Iterator[None]:
    """The worker leaves alone what another process holds: here the tests, until they end."""
    yield
    cast.sql.rows("SELECT pg_advisory_unlock_all()")


def planned(cast: Cast, **changes: Any) -> int:
    """An import as it is once its rows are planned, with some columns changed."""
    [id] = planned_import(cast)
    cast.sql.rows(TAKE_LOCK, LOCK, id)
    columns = [{"column": name, "samples": [ROWS[0][1][at]]} for at, name in enumerate(COLUMNS)]
    columns[1]["samples"] = ["customer", "Kunde"]
    found = {"kind": "csv", "sheets": [], "isOwnExport": False, "columns": columns}
    counts: dict[str, int] = {}
    cast.sql.rows("DELETE FROM import_rows WHERE import_id = $1", id)
    for n, cells, outcome in ROWS:
        counts[outcome] = counts.get(outcome, 0) + 1
        problems, candidates = [], []
        if outcome == "refused":
            problems = [{"field": "type", "message": "must be one of customer, prospect"}]
        if outcome == "duplicate":
            candidates = [{"id": cast.acme, "name": "Acme", "reasons": ["the same name"]}]
        cast.sql.rows(
            """INSERT INTO import_rows
                   (tenant_id, import_id, n, cells, outcome, body, problems, candidates)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
            cast.tenant, id, n, cells, outcome,
            _json({"name": cells[0], "type": "customer"}), _json(problems), _json(candidates),
        )  # fmt: skip
    values = {
        "found": _json(found),
        "settings": _json({"mapping": MAPPING, "keys": ["externalId"]}),
        "counts": _json(counts),
        "total": len(ROWS),
        "done": len(ROWS),
        **changes,
    }
    for name, value in values.items():
        sent = "$1::text::json" if name in ("found", "settings") else "$1"
        cast.sql.rows(f"UPDATE imports SET {name} = {sent} WHERE id = $2", value, id)
    return int(id)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def shown(person: Person, path: str, status: int = 200) -> str:
    """The text of a page, without its markup."""
    answer = page(person, path)
    assert answer.status_code == status, answer.text
    check(answer.text)
    return words_of(answer.text)


def words_of(text: str) -> str:
    body = text.partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_a_plan_says_in_words_what_a_run_would_do(cast: Cast) -> None:
    text = shown(cast.cora, f"/imports/{planned(cast)}")
    for told in (
        "Add 1; 2 rows are left out",
        "Nothing is written yet",
        "Type must be one of customer, prospect.",
        "May be Acme : the same name",
        "Download 2 rows to mend",
        "Run import",
    ):
        assert told in text


def test_a_plan_is_filtered_by_outcome(cast: Cast) -> None:
    id = planned(cast)
    assert 'id="row-3"' in page(cast.cora, f"/imports/{id}").text
    text = page(cast.cora, f"/imports/{id}?outcome=duplicate").text
    assert re.findall(r'<tr id="row-(\d+)"', text) == ["4"]
    assert "Leave all out" in text
    assert "No rows have this outcome" in shown(cast.cora, f"/imports/{id}?outcome=unchanged")


def test_an_update_shows_each_field_before_and_after(cast: Cast) -> None:
    id = planned(cast)
    changes = [{"field": "dueDate", "before": None, "after": "2027-01-31"},
               {"field": "industry", "before": "Energy", "after": None}]  # fmt: skip
    cast.sql.rows(
        "UPDATE import_rows SET outcome = 'update', changes = $1 WHERE import_id = $2 AND n = 2",
        _json(changes),
        id,
    )
    text = page(cast.cora, f"/imports/{id}").text
    assert "<dt>Due date</dt><dd><ins>2027-01-31</ins>" in re.sub(r">\s+<", "><", text)
    assert "<del>Energy</del>" in text


def test_a_row_is_decided_where_it_is_shown(cast: Cast) -> None:
    id = planned(cast)
    back = f"/imports/{id}?outcome=create"
    answer = sent(cast.cora, f"/imports/{id}/rows/2", decision="skip", back=back)
    assert answer.status_code == 303, words_of(answer.text)
    assert answer.headers["location"] == back
    assert cast.cora.get(f"/api/imports/{id}").json()["counts"]["skip"] == 1
    answer = sent(cast.cora, f"/imports/{id}/rows/4", decision=f"update {cast.acme}")
    assert answer.status_code == 303
    row = cast.cora.get(f"/api/imports/{id}/rows?n=4").json()[0]
    assert (row["outcome"], row["targetId"]) == ("update", cast.acme)


def test_a_decision_writes_no_record(cast: Cast) -> None:
    id = planned(cast)
    before = cast.ada.get("/api/organizations").text
    sent(cast.cora, f"/imports/{id}/rows/2", decision="create")
    sent(cast.cora, f"/imports/{id}/rows/4", decision=f"update {cast.acme}")
    sent(cast.cora, f"/imports/{id}/rows", outcome="duplicate", decision="create")
    row = f"/api/imports/{id}/rows/2"
    kept = cast.cora.put(row, {"outcome": "create"}, headers={"Idempotency-Key": "once"})
    assert kept.status_code == 200, kept.text
    assert cast.ada.get("/api/organizations").text == before


def test_all_rows_that_a_filter_finds_are_decided_at_once(cast: Cast) -> None:
    id = planned(cast)
    answer = sent(cast.cora, f"/imports/{id}/rows", outcome="duplicate", decision="skip")
    assert answer.status_code == 303
    found = {row["n"]: row["outcome"] for row in cast.cora.get(f"/api/imports/{id}/rows").json()}
    assert found == {2: "create", 3: "refused", 4: "skip"}
    for outcome in ("refused", "create", "nothing", ""):
        answer = sent(cast.cora, f"/imports/{id}/rows", outcome=outcome, decision="create")
        assert answer.status_code == 422


@pytest.mark.parametrize("decision", ["", "refused", "update", "update x"])
def test_a_decision_that_means_nothing_is_refused_on_the_page(cast: Cast, decision: str) -> None:
    answer = sent(cast.cora, f"/imports/{planned(cast)}/rows/2", decision=decision)
    assert answer.status_code == 422
    assert "must be" in answer.text or "is required" in answer.text
    check(answer.text)


def test_rows_to_mend_are_a_file_with_their_own_columns(cast: Cast) -> None:
    id = planned(cast)
    answer = page(cast.cora, f"/imports/{id}/rows/export?outcome:in=refused,duplicate")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == [*COLUMNS, "problem"]
    assert [row[0] for row in rows[1:]] == ["Boreal", "Acme"]


def test_columns_are_given_their_meaning(cast: Cast) -> None:
    id = planned(cast)
    text = page(cast.cora, f"/imports/{id}/columns").text
    assert 'value="metadata.Region"' in text, "a column without a field may become a free one"
    assert 'name="theirs.1" value="Kunde"' in text, "values of an enum are shown to be mapped"
    fields = {
        "field.0": "name",
        "field.1": "type",
        "theirs.1": ["customer", "Kunde"],
        "ours.1": ["customer", "partner"],
        "default.1": "vendor",
        "field.2": "",
        "field.3": "metadata.Region",
        "field.4": "externalId",
        "prefix.4": "crm:",
        "keys": ["externalId"],
        "empty": "clear",
        "onDuplicate": "create",
    }
    answer = sent(cast.cora, f"/imports/{id}/columns", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/imports/{id}")
    settings = cast.cora.get(f"/api/imports/{id}").json()["settings"]
    mapped = {one["column"]: one for one in settings["mapping"]}
    assert mapped["type"]["values"] == {"customer": "customer", "Kunde": "partner"}
    assert mapped["type"]["default"] == "vendor"
    assert [mapped[name]["field"] for name in COLUMNS] == [
        "name", "type", None, "metadata.Region", "externalId",
    ]  # fmt: skip
    assert mapped["externalId"]["prefix"] == "crm:"
    assert (settings["empty"], settings["onDuplicate"]) == ("clear", "create")


def test_a_required_field_without_a_column_gets_one_value_for_all_rows(cast: Cast) -> None:
    id = planned(cast)
    fields = {"field.0": "name", "field.1": ""}
    assert sent(cast.cora, f"/imports/{id}/columns", **fields).status_code == 303
    cast.sql.rows("UPDATE imports SET state = 'planned' WHERE id = $1", id)
    text = page(cast.cora, f"/imports/{id}/columns").text
    assert re.search(r'<option value="prospect" selected>', text)
    sent(cast.cora, f"/imports/{id}/columns", **fields, **{"preset.type": "vendor"})
    cast.sql.rows("UPDATE imports SET state = 'planned' WHERE id = $1", id)
    assert re.search(
        r'<option value="vendor" selected>', page(cast.cora, f"/imports/{id}/columns").text
    )
    sent(cast.cora, f"/imports/{id}/rows/2", decision="create")
    body = cast.sql.value(
        "SELECT body->>'type' FROM import_rows WHERE import_id = $1 AND n = 2", id
    )
    assert body == "vendor"


def test_a_field_of_two_columns_is_refused_by_the_header(cast: Cast) -> None:
    fields = {"field.0": "name", "field.1": "name"}
    answer = sent(cast.cora, f"/imports/{planned(cast)}/columns", **fields)
    assert answer.status_code == 422
    assert "“type” name is the field of another column already." in words_of(answer.text)


def test_how_a_file_is_read_is_changed_by_what_differs(cast: Cast) -> None:
    id = planned(cast)
    answer = sent(cast.cora, f"/imports/{id}/reading", noun="organizations", headerRow="2",
                  delimiter=";", encoding="")  # fmt: skip
    assert answer.status_code == 303
    settings = cast.cora.get(f"/api/imports/{id}").json()["settings"]
    assert (settings["headerRow"], settings["delimiter"]) == (2, ";")
    cast.sql.rows("UPDATE imports SET state = 'planned' WHERE id = $1", id)
    answer = sent(cast.cora, f"/imports/{id}/reading", headerRow="none")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("state", "problem", "told"),
    [
        ("planning", None, "Nothing is written yet."),
        ("running", None, "1 of 3 rows"),
        ("failed", "The file cannot be read.", "The file cannot be read."),
        ("cancelled", None, "Plan it again when you are ready."),
        ("done", None, "Added 1; 2 rows are left out"),
    ],
)
def test_each_state_says_what_happened_and_what_comes_next(
    cast: Cast, state: str, problem: str | None, told: str
) -> None:
    id = planned(cast, state=state, problem=problem, done=1)
    assert told in shown(cast.cora, f"/imports/{id}")
    shown(cast.cora, f"/imports/{id}/columns")


def test_progress_is_a_part_of_the_page_and_its_end_shows_the_whole(cast: Cast) -> None:
    id = planned(cast, state="running", done=1)
    part = {"HX-Request": "true", "HX-Target": "div#import-progress"}
    answer = cast.cora.get(f"/imports/{id}", headers=HTML | part)
    assert "<progress" in answer.text and "<main" not in answer.text
    cast.sql.rows("UPDATE imports SET state = 'planned' WHERE id = $1", id)
    answer = cast.cora.get(f"/imports/{id}", headers=HTML | part)
    assert f"/imports/{id}" in answer.headers["hx-location"]


def test_a_run_is_asked_for_and_cancelled_by_buttons(cast: Cast) -> None:
    id = planned(cast)
    assert sent(cast.cora, f"/imports/{id}/run").status_code == 303
    assert "Cancel the import" in shown(cast.cora, f"/imports/{id}")
    assert sent(cast.cora, f"/imports/{id}/cancel").status_code == 303
    assert cast.sql.value("SELECT is_cancelled FROM imports WHERE id = $1", id)


def test_what_is_done_is_taken_back_by_way_of_the_preview(cast: Cast) -> None:
    cast.ada.made("/api/organizations", name="Made", type="other")
    operation = cast.sql.value("SELECT max(id) FROM operations WHERE tenant_id = $1", cast.tenant)
    id = planned(cast, state="done", operation_id=operation)
    text = page(cast.cora, f"/imports/{id}").text
    assert f'href="/operations/{operation}#undo"' in text
    assert cast.cora.post(f"/api/operations/{operation}/undo").status_code == 200
    assert "It was taken back" in shown(cast.cora, f"/imports/{id}")


def uploaded(person: Person, content: str, name: str | None = "list.csv") -> Any:
    files = {"file": (name, content), "noun": (None, "organizations")}
    return person.request("POST", "/imports", files=files, headers=HTML, follow_redirects=False)


def test_a_file_or_pasted_cells_begin_an_import(cast: Cast) -> None:
    for name, kept in (("list.csv", "list.csv"), (None, "pasted cells.tsv")):
        answer = uploaded(cast.cora, "name\ttype\nZephyr\tcustomer\n", name)
        assert answer.status_code == 303, answer.text
        id = answer.headers["location"].rpartition("/")[2]
        assert cast.cora.get(f"/api/imports/{id}").json()["fileName"] == kept


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [("x", "brief.pdf", "must be one of .csv"), ("", "a.csv", "is empty"), ("", None, "is empty")],
)
def test_a_file_that_is_none_is_refused_in_words(
    cast: Cast, content: str, name: str | None, told: str
) -> None:
    answer = uploaded(cast.cora, content, name)
    assert answer.status_code == 422
    assert told in answer.text
    check(answer.text)


def test_the_first_page_tells_the_limits_and_keeps_the_noun(cast: Cast) -> None:
    text = page(cast.cora, "/imports/new?noun=contacts").text
    assert 'name="noun" value="contacts"' in text
    told = words_of(text)
    assert "200 MB and 500,000 rows" in told
    assert "Files and pictures are not imported" in told
    assert 'value="organizations"' in page(cast.cora, "/imports/new?noun=nothing").text


def test_the_template_of_each_noun_has_two_rows(cast: Cast) -> None:
    for noun in TARGETS:
        answer = page(cast.cora, f"/imports/template?noun={noun}")
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[0] == list(templates.ROWS[noun]) and len(rows) == 3
    assert page(cast.cora, "/imports/template?noun=users").status_code == 422


def test_lists_lead_to_the_import_of_their_records(cast: Cast) -> None:
    for noun in ("organizations", "contacts", "projects", "tasks", "activities"):
        assert f'href="/imports/new?noun={noun}"' in page(cast.cora, f"/{noun}").text
        assert "/imports" not in page(cast.stan, f"/{noun}").text
    assert 'href="/imports"' in page(cast.cora, "/tasks").text


def test_an_import_is_forgotten_and_what_it_did_stays(cast: Cast) -> None:
    id = planned(cast, state="done")
    answer = sent(cast.cora, f"/imports/{id}/delete")
    assert (answer.status_code, answer.headers["location"]) == (303, "/imports")
    assert page(cast.cora, f"/imports/{id}").status_code == 404


@pytest.mark.parametrize(
    ("counts", "is_done", "told"),
    [
        ({}, False, "Nothing to add or change"),
        ({"create": 1200}, False, "Add 1,200"),
        ({"create": 100, "update": 20, "refused": 2, "skip": 1}, False,
         "Add 100, change 20; 3 rows are left out"),
        ({"update": 1, "unchanged": 1, "duplicate": 1}, True,
         "Changed 1; 1 row is as it is already; 1 row is left out"),
        ({"unchanged": 2}, True, "Nothing was added or changed; 2 rows are as they are already"),
    ],
)  # fmt: skip
def test_counts_are_told_in_words(counts: dict[str, int], is_done: bool, told: str) -> None:
    assert outcomes.sum_of(counts, is_done=is_done) == told
