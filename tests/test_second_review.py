"""What a second look at lists, search and safe writes found, through HTTP."""

import csv
import io
import json

import pytest

from conftest import Cast, Person, Sql


def test_a_row_with_several_others_in_it_stays_one_line(cast: Cast) -> None:
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


def test_an_estimate_tells_nothing_of_other_tenants(cast: Cast, sql: Sql) -> None:
    """Short lists are counted, and so are those of whoever sees little: the planner knows all tenants only together."""
    sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
                                               acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO organizations (tenant_id, name, type)
           SELECT $1, 'Row ' || n, 'vendor' FROM generate_series(1, 30000) n, acting""",
        cast.tenant, str(cast.tenant),
    )  # fmt: skip
    cast.olga.made("/api/organizations", name="Only", type="vendor")
    sql.rows("ANALYZE organizations")

    def estimated(person: Person, query: str = "") -> int:
        answer = person.get(f"/api/organizations?limit=1&fields=id&count=estimate{query}")
        return int(answer.headers["x-estimated-count"])

    assert [estimated(cast.olga), estimated(cast.olga, "&type=customer")] == [1, 0]
    assert [estimated(cast.gita), estimated(cast.gita, "&type=vendor")] == [1, 0]
    assert 15_000 < estimated(cast.ada) < 60_000


def test_what_stands_below_one_that_is_hidden_is_not_told(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"parentId": cast.globex})
    path = f"/api/organizations?fields=id&within={cast.globex}"
    assert [row["id"] for row in cast.ada.get(path).json()] == [cast.acme, cast.globex]
    for person in (cast.stan, cast.gita):
        assert person.get(path).json() == []
        assert person.get(f"/api/organizations?fields=id&within={cast.acme}").json() == [
            {"id": cast.acme}
        ]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("q=acme&knds=task", "knds", "the nearest is kinds"),
        ("q=acme&q=globex", "q", "given twice"),
        ("q=%ff", "query", "UTF-8"),
        ("q=%00", "q", "NUL"),
    ],
)
def test_the_parameters_of_search_are_judged_as_those_of_lists(
    cast: Cast, query: str, field: str, words: str
) -> None:
    [error] = cast.ada.get(f"/api/search?{query}").json()["errors"]
    assert error["field"] == field
    assert words in error["message"]


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
def test_the_format_is_the_one_that_is_preferred(cast: Cast, accept: str, kind: str) -> None:
    answer = cast.ada.get("/api/organizations?limit=1", headers={"Accept": accept})
    assert answer.headers["content-type"] == kind


def test_a_stream_of_few_rows_found_by_a_filter_is_of_one_moment(cast: Cast) -> None:
    """The filter's own function finds them in the same snapshot as the rest is read in."""
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
