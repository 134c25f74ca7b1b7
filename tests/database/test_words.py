"""The words of a row, by which it is found: folded once, and kept by a trigger."""

import pytest

from support.cast import Cast
from support.organizations import change
from support.server import Server
from support.sql import Sql

SEARCHED = ("activities", "contacts", "documents", "organizations", "projects", "tasks")
# The rows whose words are not what their texts give.
ASTRAY = """
    SELECT format('SELECT count(*) FROM %I WHERE words IS DISTINCT FROM %s OR word_bits IS DISTINCT FROM bits_of(words)',
        name, replace(format('words_of(%s, %s)', named, told), 'NEW.', ''))
    FROM searched_tables WHERE name = $1"""


def test_a_create_folds_its_texts_once(cast: Cast, server: Server) -> None:
    superuser = Sql(server.database_url.replace("retainer@/retainer", "postgres@/retainer"))
    superuser.rows("BEGIN")
    try:
        superuser.rows("SET LOCAL track_functions = 'all'")
        superuser.rows("SELECT set_config('retainer.tenant', $1, true)", str(cast.tenant))
        superuser.rows("SELECT acting_as(NULL, 'command', 'command', NULL, 'test')")
        superuser.rows(
            "INSERT INTO organizations (tenant_id, name, type) VALUES ($1, 'Once', 'other')",
            cast.tenant,
        )
        calls = superuser.rows(
            "SELECT funcname::text, calls FROM pg_stat_xact_user_functions"
            " WHERE funcname IN ('words_of', 'bits_of', 'plain')"
        )
    finally:
        superuser.rows("ROLLBACK")
        superuser.close()
    assert {row["funcname"]: row["calls"] for row in calls} == {
        "words_of": 1,
        "bits_of": 1,
        "plain": 2,  # of the name, and of all other texts together
    }


def test_a_change_of_each_text_of_an_organization_changes_its_words(cast: Cast) -> None:
    texts = {
        "name": "Zürich",
        "industry": "Bergbau",
        "website": "https://www.gipfel.example/",
        "description": "Vermessung\nder Höhen",
        "externalId": "K-9",
        "domains": ["talsohle.example"],
        "tags": [" Öko "],
    }
    for field, value in texts.items():
        assert cast.ada.put(f"/api/organizations/{cast.acme}", {field: value}).status_code == 200
    words = cast.sql.value("SELECT words FROM organizations WHERE id = $1", cast.acme)
    expected = "bergbau gipfel example vermessung der hohen k 9 talsohle example oko"
    assert words == f" zurich / {expected}"


@pytest.mark.parametrize("table", SEARCHED)
def test_a_change_of_each_column_told_changes_the_words(cast: Cast, table: str) -> None:
    """The trigger runs at every column that its expressions name, and at no other."""
    told = cast.sql.value("SELECT named || ' ' || told FROM searched_tables WHERE name = $1", table)
    definition = cast.sql.value(
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1::text::regclass AND tgname = 'words'",
        table,
    )
    columns = definition.split(" UPDATE OF ")[1].split(" ON ")[0].split(", ")
    named = {part.split(")")[0].split(",")[0].split(" ")[0] for part in told.split("NEW.")[1:]}
    assert set(columns) == named | {"words", "word_bits"}


def test_words_that_somebody_else_writes_are_overwritten(cast: Cast) -> None:
    change(
        cast.sql,
        cast.tenant,
        f"UPDATE organizations SET words = 'x', word_bits = B'0'::bit(256) WHERE id = {cast.acme}",
    )
    version = cast.ada.get(f"/api/organizations/{cast.acme}").headers["ETag"]
    assert version.strip('"').endswith("-1"), "no change of the record"
    assert cast.sql.value(cast.sql.value(ASTRAY, "organizations")) == 0


def test_every_searched_table_keeps_its_words(sql: Sql) -> None:
    kept = sql.rows(
        "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'words' AND tgenabled = 'O' ORDER BY 1"
    )
    assert tuple(row[0] for row in kept) == SEARCHED
