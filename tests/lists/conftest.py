"""Rows for lists: a few with odd names, and a long list."""

from collections.abc import Iterator
from typing import Any

import pytest

from support.cast import Cast
from support.lists import ROWS


@pytest.fixture
def rows(cast: Cast) -> list[dict[str, Any]]:
    """The rows above, and nothing else in the tenant."""
    for id in (cast.acme, cast.globex):
        cast.ada.delete(f"/api/organizations/{id}")
    return [cast.ada.made("/api/organizations", **row) for row in ROWS]


@pytest.fixture
def many(cast: Cast) -> Iterator[Cast]:
    """1,300 more organizations in the tenant."""
    cast.sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
                                               acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO organizations (tenant_id, name, type, industry)
           SELECT $1, 'Many ' || n % 7, 'other', CASE WHEN n % 100 = 0 THEN 'Rare' END
           FROM generate_series(1, 1300) n, acting""",
        cast.tenant, str(cast.tenant),
    )  # fmt: skip
    yield cast
