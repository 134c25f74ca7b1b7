"""Search, once the background has indexed."""

import time
from collections.abc import Callable
from typing import Any

from retainer.database.statement import Statement
from retainer.records.organizations.store import LIST
from support.cast import Cast, Person

WAIT = 30.0  # seconds for the background


def learnt(cast: Cast, *words: str) -> None:
    """Wait until the indexer has these words."""
    there = "SELECT count(*) FROM words WHERE tenant_id = $1 AND word = ANY($2)"
    eventually(lambda: cast.sql.value(there, cast.tenant, list(words)) == len(words))


def eventually(true: Callable[[], Any]) -> None:
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def search(person: Person, q: str, **more: Any) -> list[dict[str, Any]]:
    answer = person.get("/api/search", params={"q": q, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def titles(person: Person, q: str, **more: Any) -> list[str]:
    return [hit["title"] for hit in search(person, q, **more)]


def both_ways(cast: Cast, typed: str) -> tuple[list[int] | None, list[int] | None]:
    """Matching organizations as the index finds them, and as a walk of the list does."""
    condition = LIST.custom_filters["q"].condition.format(":q")
    statement = Statement(f"""
        SELECT organizations_matching(:tenant, search_query(:tenant, :q), 4000) AS ids
        UNION ALL
        SELECT array_agg(o.id ORDER BY o.name_folded, o.id) FROM organizations o
        WHERE o.tenant_id = :tenant AND o.deleted_by IS NULL AND {condition}""")
    text, names = statement.compiled["all"]
    values = {"tenant": cast.tenant, "q": typed}
    looked_up, walked = cast.sql.rows(text, *(values.get(name) for name in names))
    return looked_up["ids"], walked["ids"]
