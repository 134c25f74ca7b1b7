"""Histories stand on indexes, explained as the application role on a large tenant."""

import re
from typing import Any

import pytest

from retainer.journal import store
from retainer.lists.page import PageShape
from retainer.permissions import SCOPES
from support.lists import explained
from support.nouns import TABLES, WITH_HISTORY
from support.organizations import change
from support.sql import Sql

pytestmark = pytest.mark.slow  # on the rows of test_plans.py

HISTORIES = [
    pytest.param(noun, scope, id=f"{noun} for {scope}") for noun in WITH_HISTORY for scope in SCOPES
]


@pytest.fixture(scope="module")
def many(sql: Sql, many: int) -> int:
    """The large tenant, with so many operations that they are not read whole."""
    sql.rows(
        "INSERT INTO operations (tenant_id, actor_kind, via, action)"
        " SELECT $1, 'command', 'command', 'test' FROM generate_series(1, 8000)",
        many,
    )
    sql.rows("ANALYZE operations, changes")
    return many


@pytest.mark.parametrize(("noun", "scope"), HISTORIES)
def test_a_history_is_read_from_indexes(sql: Sql, many: int, noun: str, scope: Any) -> None:
    spec = store.HISTORY[noun]
    page = PageShape(tuple(spec.fields), (), (spec.order,), from_position=True)
    plan = explained(sql, many, spec.page(page).compiled[scope][0])
    for table in (*TABLES, "document_projects", "operations", "changes"):
        assert f"Seq Scan on {table} " not in plan, plan
    assert re.search(
        r"Index Cond: \(\(tenant_id = \$\d+\) AND \(entity = '\w+'::text\) AND \(entity_id = \$\d+\)",
        plan,
    ), plan
    if noun == "organizations":
        assert "changes_of_members" in plan, plan


def test_a_page_of_a_long_history_reads_no_more_rows_than_it_shows(sql: Sql, many: int) -> None:
    organization = sql.value("SELECT max(id) FROM organizations WHERE tenant_id = $1", many)
    for n in range(40):
        change(sql, many, f"""INSERT INTO members (tenant_id, organization_id, contact_id, role)
            SELECT tenant_id, {organization}, id, 'member' FROM contacts
            WHERE tenant_id = {many} AND id % 400 = {n} AND id NOT IN (SELECT contact_id FROM members
                WHERE tenant_id = {many} AND organization_id = {organization});
            UPDATE organizations SET industry = 'I{n}' WHERE id = {organization}""")  # fmt: skip
    assert sql.value("SELECT count(*) FROM members WHERE organization_id = $1", organization) > 500
    sql.rows("ANALYZE changes")
    spec = store.HISTORY["organizations"]
    text, names = spec.page(PageShape(tuple(spec.fields), (), (spec.order,))).compiled["all"]
    values = {"tenant": many, "parent": organization, "chunk": 20}
    sql.rows("SELECT set_config('retainer.tenant', $1, false)", str(many))
    sql.rows("SET ROLE retainer_app")
    try:
        plan = "\n".join(
            row[0]
            for row in sql.rows(f"EXPLAIN (ANALYZE, TIMING OFF) {text}", *map(values.get, names))
        )
    finally:
        sql.rows("RESET ROLE")
    assert "Merge Append" in plan, plan
    read = [
        float(rows) * int(loops)
        for rows, loops in re.findall(r"on changes \w+ .*actual rows=([\d.]+) loops=(\d+)", plan)
    ]
    assert read and max(read) < 100, plan


@pytest.mark.parametrize("scope", SCOPES)
def test_a_page_of_an_operations_changes_is_entered_at_its_place(
    sql: Sql, many: int, scope: Any
) -> None:
    spec = store.CHANGES
    page = PageShape(tuple(spec.fields), (), (spec.order,), from_position=True)
    plan = explained(sql, many, spec.page(page).compiled[scope][0])
    assert "Seq Scan on changes " not in plan, plan
    assert re.search(r"Index Cond: .*operation_id = ", plan), plan
    if scope == "all":
        assert re.search(r"Index Cond: .*operation_id = .*ROW\(sequence", plan), plan
        assert "Sort Key: c.sequence" not in plan, plan
