"""Prefilters: the function of a filter finds all of its rows and no others, in the order of the list."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.cast import Cast
from support.searching import both_ways

NAMES = [
    "O'Brien & Söhne", "Back\\slash \\' Ltd", "50% Off_Shop", "a:*b|c & !d", "İstanbul Çağrı A.Ş.", "x", "Tab and  gaps",
    "日本の会社", "Größe ẞ", '"Quoted" (Group)', "- / -",
]  # fmt: skip


@pytest.fixture(scope="module")
def world(sql: Any, client: Any) -> Iterator[Cast]:
    """Names with whatever may stand in a name, behind 1,300 that have none of it; every third of them deleted."""
    cast = Cast(sql, client)
    cast.sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
                                               acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO organizations (tenant_id, name, type) SELECT $1, '! ' || n, 'other'
           FROM generate_series(1, 1300) n, acting""",
        cast.tenant, str(cast.tenant),
    )  # fmt: skip
    for place, name in enumerate(NAMES * 2):
        made = cast.ada.made("/api/organizations", name=name, type="vendor", tags=["Rare", f"t{place}"],
                             metadata={"rare": True}, description="rarely told")  # fmt: skip
        if place % 3 == 0:
            cast.ada.delete(f"/api/organizations/{made['id']}")
    yield cast


def parts() -> list[str]:
    return sorted(
        {
            name[i : i + size]
            for name in NAMES
            for size in (1, 2, 3, 4, 5, 9)
            for i in range(len(name))
        }
    )


@pytest.mark.slow
def test_a_part_of_a_name_is_found_whatever_characters_it_has(world: Cast) -> None:
    found = world.sql.rows(
        """SELECT part, organizations_named_by_index($1, part, 4000) AS few, (
               SELECT array_agg(o.id ORDER BY o.name_folded, o.id) FROM organizations o
               WHERE o.tenant_id = $1 AND o.deleted_by IS NULL AND o.name_folded LIKE like_part(part)) AS all
           FROM unnest($2::text[]) part WHERE trim(part) <> ''""",
        world.tenant, parts(),
    )  # fmt: skip
    assert len(found) > 300
    for row in found:
        assert row["few"] == row["all"], row["part"]


def until_known(world: Cast, word: str) -> None:
    for _ in range(300):
        if world.sql.value("SELECT all_known($1, $2)", world.tenant, word):
            return
        time.sleep(0.1)
    raise AssertionError(f"{word} is not learned")


def test_a_query_without_letters_finds_no_row_by_index_or_walk(world: Cast) -> None:
    for query in (
        "q=...",
        "type=vendor&q=...",
        "name:contains=o&q=...",
        'filter=q="..."',
        'filter=q="..." or id=0',
    ):
        assert world.ada.get(f"/api/organizations?{query}").json() == [], query


def test_a_new_word_is_found_by_its_first_letter(world: Cast) -> None:
    """Few words begin so, and none of them is common: the index is asked for all that begin so."""
    until_known(world, "quoted")
    made = world.ada.made(
        "/api/organizations", name="Qu" + "lo" * 25, type="other"
    )  # longer than what is learned
    assert made["id"] in world.sql.value(
        "SELECT organizations_matching($1, search_query($1, 'q'), 4000)", world.tenant
    )
    world.ada.delete(f"/api/organizations/{made['id']}")


FOUND = [
    "q=rarely",
    "tags=rare",
    "metadata.rare=true",
    "name:contains=s",
    "q=rarely&type=vendor",
    "tags=rare&q=told",
]


@pytest.mark.parametrize("query", FOUND)
@pytest.mark.parametrize("sort", ["", "&sort=-name", "&sort=-createdAt", "&sort=type,-name"])
def test_the_first_page_of_a_filtered_list_is_the_beginning_of_all_its_rows(
    world: Cast, query: str, sort: str
) -> None:
    whole = [row["id"] for row in world.ada.get(f"/api/organizations?{query}{sort}").json()]
    plain = [row["id"] for row in world.ada.get(f"/api/organizations?type=vendor{sort}").json()]
    assert whole == [id for id in plain if id in whole]
    assert len(whole) >= 6
    for limit in (1, 5, len(whole), 100):
        page = world.ada.get(f"/api/organizations?{query}{sort}&limit={limit}&count=exact")
        assert [row["id"] for row in page.json()] == whole[:limit]
        assert ('rel="next"' in page.headers.get("link", "")) == (limit < len(whole))
        assert page.headers["x-total-count"] == str(len(whole))


def test_a_prefilter_finds_only_rows_the_viewer_sees(world: Cast) -> None:
    assert world.gita.get("/api/organizations?q=rarely&limit=5").json() == []
    answer = world.gita.get("/api/organizations?tags=rare&limit=5&count=exact")
    assert (answer.json(), answer.headers["x-total-count"]) == ([], "0")


NINE = "rarely " * 8 + "nowhere"  # eight count


@pytest.mark.parametrize(
    "typed", ["rarely", "vendr", "told rarely", "t", "told x", "group quoted", "ofice", "...", NINE]
)
def test_a_walk_of_the_list_finds_the_same_rows_as_the_index(world: Cast, typed: str) -> None:
    until_known(world, "rarely")
    looked_up, walked = both_ways(world, typed)
    assert looked_up == walked


def test_documents_of_a_format_are_found_in_order_and_none_that_are_deleted(world: Cast) -> None:
    url = "https://example.com/x"
    made = [world.ada.made("/api/documents", name=name, url=url) for name in ("b", "C", "a", "d")]
    world.ada.delete(f"/api/documents/{made[3]['id']}")
    ids = world.sql.value("SELECT documents_few_of_format($1, 'link', 4000)", world.tenant)
    assert ids == [made[2]["id"], made[0]["id"], made[1]["id"]]
