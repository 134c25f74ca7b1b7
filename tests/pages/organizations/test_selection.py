"""A selection in the list of organizations: bulk changes and export."""

from typing import Any

import pytest

from support.cast import Cast
from support.pages.organizations import statuses, toast_of
from support.pages.sitemap import get, post
from support.sql import Sql


@pytest.mark.slow
@pytest.mark.parametrize(
    "matching", ["999", "²", "status", "status=active&x", "&", "q=a&q=b", "%ff=1", "\0", "é=1"]
)
def test_a_malformed_filter_of_a_bulk_change_does_not_select_everything(
    cast: Cast, matching: str
) -> None:
    answer = post(cast.ada, "/organizations/bulk", matching=matching, do="delete")
    assert answer.status_code == 422
    assert len(cast.ada.get("/api/organizations").json()) == 2


def test_several_organizations_are_archived_and_the_change_is_undone(cast: Cast) -> None:
    fields = {
        "record": [cast.acme, cast.globex],
        "status": "archived",
        "ownerId": "",
        "back": "/organizations?sort=-name",
    }
    answer = post(cast.cora, "/organizations/bulk", **fields)
    assert answer.headers["location"] == "/organizations?sort=-name"
    words, operation = toast_of(answer)
    assert words == "Archived 2 organizations"
    assert set(statuses(cast).values()) == {"archived"}
    words, _ = toast_of(post(cast.cora, f"/operations/{operation}/undo", back="/organizations"))
    assert words == "Undid changing status of 2 organizations"
    assert set(statuses(cast).values()) == {"active"}


def test_all_matching_organizations_are_changed(cast: Cast) -> None:
    fields = {
        "matching": "type:in=customer,vendor&sort=-name",
        "status": "inactive",
        "ownerId": str(cast.cora.id),
    }
    words, _ = toast_of(post(cast.cora, "/organizations/bulk", **fields))
    assert words == "Gave 1 organization the status inactive and the owner Cora"
    assert statuses(cast) == {"Acme Corporation": "inactive", "Globex": "active"}
    words, operation = toast_of(post(cast.cora, "/organizations/bulk", matching="all", do="delete"))
    assert words == "Deleted 2 organizations"
    assert statuses(cast) == {}
    toast_of(post(cast.cora, f"/operations/{operation}/undo"))
    assert len(statuses(cast)) == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "archived"}, "names no organization"),
        ({"record": "1"}, "was not chosen"),
        ({"matching": "nonsense=1", "status": "archived"}, "is not a parameter"),
        ({"matching": "\u00fc", "status": "archived"}, "\u00dc is not a parameter"),
        ({"record": "999999999", "do": "delete"}, "Organization 999999999"),
    ],
)
def test_a_bulk_change_that_is_impossible_is_refused_in_words(
    cast: Cast, fields: dict[str, Any], words: str
) -> None:
    answer = post(cast.cora, "/organizations/bulk", **fields)
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text
    assert words in answer.text
    assert set(statuses(cast).values()) == {"active"}


def test_a_bulk_change_changes_all_organizations_or_none(cast: Cast) -> None:
    answer = post(
        cast.cora, "/organizations/bulk", record=[cast.acme, 999999999], status="archived"
    )
    assert answer.status_code == 422
    assert set(statuses(cast).values()) == {"active"}
    answer = post(cast.cora, "/organizations/bulk", record=[cast.acme], status="wonderful")
    assert answer.status_code == 422
    assert "Acme Corporation</a>" in answer.text, "which one it is about"


@pytest.mark.slow
def test_a_bulk_change_of_too_many_organizations_is_refused_in_words(cast: Cast, sql: Sql) -> None:
    sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
               acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO organizations (tenant_id, name, type, status)
           SELECT $1, 'N' || n, 'other', 'active' FROM acting, generate_series(1, 10001) n""",
        cast.tenant, str(cast.tenant),
    )  # fmt: skip
    answer = post(cast.cora, "/organizations/bulk", matching="type:in=other", status="archived")
    assert answer.status_code == 422
    assert "more than the 10,000 rows" in answer.text
    assert "filter the list further" in answer.text


def test_staff_and_guests_change_nothing_in_bulk(cast: Cast) -> None:
    for person in (cast.stan, cast.gita):
        assert (
            post(person, "/organizations/bulk", record=cast.acme, status="archived").status_code
            == 403
        )
        text = get(person, "/organizations").text
        assert "/organizations/bulk" not in text
        assert "Acme Corporation" in text


def test_the_view_and_the_selection_are_exported(cast: Cast) -> None:
    answer = get(cast.cora, "/organizations/export?type:in=customer&status:in=active")
    assert answer.headers["content-disposition"] == 'attachment; filename="organizations.csv"'
    assert [line.split(",")[1] for line in answer.text.splitlines()] == ["name", "Acme Corporation"]
    answer = post(cast.cora, "/organizations/export", record=[cast.globex])
    assert [line.split(",")[1] for line in answer.text.splitlines()] == ["name", "Globex"]
    answer = post(cast.cora, "/organizations/export", matching="q=caf\u00e9&sort=-name")
    assert answer.headers["location"] == "/organizations/export?q=caf%C3%A9&sort=-name"
    assert post(cast.cora, "/organizations/export").status_code == 422
    mine = get(cast.gita, "/organizations/export").text
    assert "Acme" in mine
    assert "Globex" not in mine
