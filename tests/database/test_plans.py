"""Every list and point read uses an index, explained as the application role: row-level security
keeps operators that might leak from using one.
"""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

import retainer
import retainer.records
from retainer.database.pool import PLANNED_ONCE, SERVE
from retainer.database.statement import Statement, Update
from retainer.lists.page import PageShape
from retainer.lists.parameters import read
from retainer.permissions import SCOPES
from retainer.records.deletion import ALONE, FIND, GO
from retainer.routes import ROUTES
from retainer.search import store as search
from retainer.search.store import SearchKind
from support.cast import Cast
from support.lists import EACH, explained, make
from support.nouns import LINK_TABLES, TABLES
from support.sql import Sql

# 24,000 rows of each noun take as long to make as a tenth of the everyday tests.
pytestmark = pytest.mark.slow


# For each list, a value that few rows have, for every field that can be equal to one.
EQUAL = {
    "listOrganizations": {"id": 17, "name": "org 17", "type": "partner", "status": "archived", "industry": "rare",
                          "externalId": "x", "parentId": 17, "ownerId": 17},
    "listContacts": {"id": 17, "fullName": "contact 17", "email": "17@many.example", "company": "rare",
                     "type": "vendor", "isActive": "false"},
    "listProjects": {"id": 17, "organizationId": 17, "title": "project 17", "status": "cancelled",
                     "startDate": "2026-01-31", "dueDate": "2026-01-31", "audience": "client"},
    "listTasks": {"id": 17, "title": "task 17", "organizationId": 17, "projectId": 17, "assigneeId": 17,
                  "status": "blocked", "priority": "high", "dueDate": "2026-01-31", "order": 77, "audience": "client"},
    "listOperations": {"id": 17, "action": "none", "via": "import", "outcome": "refused", "undoes": 17},
    "listTrash": {"kind": "task", "id": 17, "organizationId": 17, "operationId": 17},
    "listActivities": {"id": 17, "organizationId": 17, "kind": "call", "authorId": 17, "audience": "client"},
    "listImports": {"id": 17, "noun": "tasks", "state": "planned", "operationId": 17, "userId": 17},
    "listDocuments": {"id": 17, "name": "doc 17", "uploaderId": 17, "organizationId": 17, "audience": "client"},
}  # fmt: skip


def changes() -> Iterator[tuple[str, Statement]]:
    """Every UPDATE of the records, whatever module it stands in; of those that set what was sent,
    the one that sets nothing.
    """
    for module in pkgutil.walk_packages(retainer.records.__path__, "retainer.records."):
        for name, value in vars(importlib.import_module(module.name)).items():
            own = module.name.removeprefix("retainer.records.")
            if isinstance(value, Update):
                yield f"{own}.{name}", value.of(())
            elif isinstance(value, Statement) and "UPDATE" in value.text:
                yield f"{own}.{name}", value


CHANGES = [
    pytest.param(s, scope, id=f"{name} for {scope}")
    for name, s in changes()
    for scope in SCOPES
    if "acting" in s.text
]


@pytest.mark.parametrize(("statement", "scope"), CHANGES)
def test_no_change_scans_a_table(sql: Sql, many: int, statement: Statement, scope: Any) -> None:
    text, _ = statement.compiled[scope]
    refuse_scans(explained(sql, many, text))


def test_a_deletion_reads_no_rows_but_those_that_go(sql: Sql, many: int, cast: Cast) -> None:
    """Acme has one project with two tasks, its tenant 500 tasks more, the other tenants 24,000."""
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Roof")["id"]
    for home in ({"organizationId": cast.acme}, {"projectId": project}):
        cast.ada.made("/api/tasks", title="Measure", **home)
    sql.rows("SELECT set_config('retainer.tenant', $1, false)", str(cast.tenant))
    sql.rows(
        """INSERT INTO tasks (tenant_id, organization_id, title) SELECT $1, $2, 'Other ' || n
        FROM acting_as(NULL, 'command', 'command', NULL, 'test'), generate_series(1, 500) n""",
        cast.tenant,
        cast.globex,
    )
    session = sql.value("SELECT id FROM sessions WHERE user_id = $1", cast.ada.id)
    values = {
        "tenant": cast.tenant,
        "session": session,
        "viewer_role": "admin",
        "channel": "api",
        "request": "test",
        "action": "test",
    }
    tables = [*TABLES, *LINK_TABLES]
    for noun, id in (("projects", project), ("organizations", cast.acme)):
        for statement in FIND[noun]:
            read = rows_read(sql, statement, values | {"id": id}, tables)
            assert sum(read.values()) < 40, read
        alone = ALONE[noun]
        assert alone.first is not None
        for statement in (alone.first, alone):
            given = {"ids": [id], "id": id, "expected": None, "wanted": True}
            read = rows_read(sql, statement, values | given, tables)
            assert sum(read.values()) < 40, read
    for statement in GO.values():
        read = rows_read(sql, statement, values | {"ids": [id], "operation": None}, tables)
        assert sum(read.values()) < 10, read


STORES = {
    module.name.split(".")[-2]: module.name
    for module in pkgutil.walk_packages(retainer.__path__, "retainer.")
    if module.name.endswith(".store")
}


def reads() -> Iterator[tuple[str, Statement]]:
    for noun in TABLES:
        store = importlib.import_module(STORES[noun])
        for name, value in vars(store).items():
            if isinstance(value, Statement) and value.text.lstrip().startswith("SELECT"):
                yield f"{noun}.{name}", value


READS = [
    pytest.param(s, scope, id=f"{name} for {scope}") for name, s in reads() for scope in SCOPES
]


def refuse_scans(plan: str) -> None:
    for noun in TABLES:
        assert f"Seq Scan on {noun} " not in plan, plan


@pytest.mark.parametrize(("statement", "scope"), READS)
def test_no_read_scans_a_table(sql: Sql, many: int, statement: Statement, scope: Any) -> None:
    text, _ = statement.compiled[scope]
    refuse_scans(explained(sql, many, text))


LISTS = {route.name: route.lists for route in ROUTES if route.lists and route.name not in
         ("listOwnSessions", "listUsers", "listUserNames", "listViews")}  # fmt: skip

lists = pytest.mark.parametrize("name", LISTS)


@lists
@pytest.mark.parametrize("scope", SCOPES)
def test_no_list_scans_a_table(sql: Sql, many: int, name: str, scope: Any) -> None:
    spec = LISTS[name]
    for from_position in (False, True):
        plan = PageShape(
            tuple(spec.fields),
            tuple(spec.expand),
            (spec.order,),
            from_position=from_position,
        )
        refuse_scans(explained(sql, many, spec.page(plan).compiled[scope][0]))


@pytest.fixture(scope="module")
def few(sql: Sql, many: int) -> int:
    """A tenant with ten rows of each noun beside those with thousands."""
    tenant = int(sql.value("INSERT INTO tenants (name) VALUES ('Few') RETURNING id"))
    make(sql, tenant, 10)
    return tenant


PARENTS = {"listOrganization": "organizations", "listMembers": "organizations", "listProject": "projects",
           "listTask": "tasks", "listContact": "contacts", "listDocument": "documents", "listActivity": "activities",
           "listUser": "users", "listOperation": "operations"}  # fmt: skip


def parent_of(sql: Sql, tenant: int, name: str) -> int:
    """The first record whose list it is, of the noun with the longest name that fits."""
    noun = max((part for part in PARENTS if name.startswith(part)), key=len)
    return int(sql.value(f"SELECT min(id) FROM {PARENTS[noun]} WHERE tenant_id = $1", tenant))


# Not those of an import and of the tenant itself: neither tenant has such rows.
@pytest.mark.parametrize("name", sorted(LISTS.keys() - {"listImportRows", "listTenantHistory"}))
def test_the_one_plan_of_a_list_reads_few_rows_whatever_its_tenant_has(
    sql: Sql, many: int, few: int, name: str
) -> None:
    spec = LISTS[name]
    statement = spec.page(PageShape(tuple(spec.fields), (), (spec.order,)))
    values = {"chunk": 20, "user": 1, "contact": None, "viewer_role": "admin"}
    for tenant in (few, many, few):
        values["tenant"] = tenant
        if ":parent" in spec.where:
            values["parent"] = parent_of(sql, tenant, name)
        read = rows_read(sql, statement, values, [*TABLES, *LINK_TABLES])
        assert sum(read.values()) < 1000, read


WHOLE = {name: lists for name, lists in LISTS.items() if ":parent" not in lists.where}

SORTED = [
    pytest.param(
        name,
        sort,
        turned,
        from_position,
        id=f"{name} by {'-' * turned}{sort}{' from a place' * from_position}",
    )
    for name, spec in WHOLE.items()
    for sort in spec.sorts
    for turned in (False, True)
    for from_position in (False, True)
]


@pytest.mark.parametrize(("name", "sort", "turned", "from_position"), SORTED)
def test_every_sort_is_read_in_its_order_from_its_place(
    sql: Sql, many: int, name: str, sort: str, turned: bool, from_position: bool
) -> None:
    """No page of half a million rows sorts them all, or reads those before it."""
    spec = LISTS[name]
    plan = PageShape(tuple(spec.fields), (), ((sort, turned),), from_position=from_position)
    text = explained(sql, many, spec.page(plan).compiled["all"][0])
    assert f"Sort Key: {spec.id[0]}." not in text, text
    behind = r"ROW\(|AND \(\w*id [<>]|AND \(deleted_by [<>]=" if from_position else ""
    assert re.search(r"Index Cond: \(.*tenant_id = .*" + behind, text), text


OTHER = {"boolean": "true", "moment": "-1d"}

FILTERED = [
    pytest.param(name, query, id=f"{name} {query}")
    for name, spec in WHOLE.items()
    for query in (
        [f"{field}={value}" for field, value in EQUAL[name].items()]
        + [
            f"{extra}={OTHER.get(e.type, 17)}"
            for extra, e in spec.custom_filters.items()
            if not e.prefilter
        ]
        + [
            f"{f}:gte=-1d"
            for f, field in spec.fields.items()
            if "gte" in field.operators and field.type != "integer"
        ]
    )
]


@pytest.mark.parametrize(("name", "query"), FILTERED)
def test_every_filter_stands_on_an_index(sql: Sql, many: int, name: str, query: str) -> None:
    spec = LISTS[name]
    asked = read(spec, query.encode(), "UTC")
    # canUndo looks at every change of each operation on the page, whatever the filter.
    fields = tuple(field for field in asked.fields if field != "canUndo")
    page = spec.page(PageShape(fields, (), asked.sort, asked.where))
    text, names = page.compiled["all"]
    values = {
        "tenant": many,
        "chunk": 50,
        "user": 1,
        "contact": None,
        "viewer_role": "admin",
        **asked.values,
    }
    plan = explained(sql, many, text, [values[n] for n in names])
    refuse_scans(plan)
    assert sum(map(int, re.findall(r"Rows Removed by Filter: (\d+)", plan))) <= 1000, plan


def page_of(sql: Sql, tenant: int, query: str, narrowed: list[int] | None = None) -> str:
    spec = LISTS["listOrganizations"]
    asked = read(spec, query.encode(), "UTC")
    plan = PageShape(
        asked.fields, (), asked.sort, asked.where, ":narrowed::bigint[]" if narrowed else ""
    )
    text, names = spec.page(plan).compiled["all"]
    values = {
        "tenant": tenant,
        "chunk": 50,
        "viewer_role": "admin",
        "narrowed": narrowed,
        **asked.values,
    }
    return explained(sql, tenant, text, [values[n] for n in names])


def test_json_is_written_for_the_rows_of_the_page_only(sql: Sql, many: int) -> None:
    ids = sql.value(
        "SELECT array_agg(id) FROM (SELECT id FROM organizations WHERE tenant_id = $1 LIMIT 500) x",
        many,
    )
    plan = page_of(sql, many, "", ids)
    assert "rows=500" in plan, plan
    assert max(map(int, re.findall(r"loops=(\d+)", plan))) == 51, plan


def test_a_range_of_dates_in_another_order_is_read_from_an_index_alone(sql: Sql, many: int) -> None:
    sql.rows("VACUUM organizations")
    for query in ("createdAt:gte=-1d", "updatedAt:gte=-1d"):
        plan = page_of(sql, many, query)
        assert "Index Only Scan using organizations_by_name" in plan, plan


def test_a_walk_of_a_list_checks_the_index_before_the_row(sql: Sql, many: int) -> None:
    sql.rows("VACUUM organizations")
    plan = page_of(sql, many, "q=org%20nothing")
    assert "Index Only Scan using organizations_by_name" in plan, plan
    assert "bits_of(" not in plan, "what is asked is known before the first row"


def reads_of(sql: Sql, index: str) -> int:
    sql.rows("SELECT pg_stat_force_next_flush()")
    sql.rows("SELECT 1")
    return int(
        sql.value("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = $1", index)
    )


@pytest.mark.parametrize(
    ("call", "index"),
    [(f"{noun}_named($1, 'no such name', 4000)", f"{noun}_by_part") for noun in
     ("organizations", "contacts", "projects", "tasks", "documents")]
    + [(f"{noun}_with_metadata($1, ARRAY['{{\"a\": 1}}']::jsonb[], 4000)", f"{noun}_by_metadata") for noun in
       ("organizations", "contacts")]
    + [("organizations_tagged($1, ARRAY['vip'], 4000)", "organizations_by_tag")]
    + [(f"{noun}_few_matching($1, 'qqq', 4000)", f"{noun}_search") for noun in
       ("organizations", "contacts", "projects", "tasks", "documents", "activities")],
)  # fmt: skip
def test_a_prefilter_reads_its_index(sql: Sql, many: int, call: str, index: str) -> None:
    before = reads_of(sql, index)
    assert sql.value(f"SELECT {call}", many) == []
    assert reads_of(sql, index) == before + 1


SEARCHES = [
    (search.AMONG_ALL, "all"),
    (search.AMONG_VISIBLE, "own"),
    (search.AMONG_VISIBLE, "client"),
]


@pytest.mark.parametrize(("statement", "scope"), SEARCHES, ids=["all", "own", "client"])
def test_no_search_scans_a_table(sql: Sql, many: int, statement: Statement, scope: Any) -> None:
    plan = explained(sql, many, statement.compiled[scope][0])
    for noun in TABLES:
        assert f"Seq Scan on {noun} " not in plan, plan


@pytest.fixture(scope="module")
def learnt(sql: Sql, many: int) -> int:
    """The tenant, once the background has learnt its words."""
    end = time.monotonic() + 60
    while (
        sql.value("SELECT uses FROM words WHERE tenant_id = $1 AND word = 'org'", many) or 0
    ) < EACH:
        assert time.monotonic() < end
        time.sleep(0.1)
    sql.rows("ANALYZE words")  # as PostgreSQL does by itself, a minute later
    return many


TYPED = ["org", "o", "org 7999", "ogr", "contact 79", "7998 example", "task org", "nothing"]


@pytest.mark.parametrize("typed", TYPED)
def test_a_search_reads_few_rows_however_many_match(sql: Sql, learnt: int, typed: str) -> None:
    """The functions behind it use their indexes too, and stop: what they read is counted."""
    values = {
        "tenant": learnt,
        "q": typed,
        "loosely": False,
        "kinds": list(SearchKind),
        "kinds_in_order": list(SearchKind),
        "most": 20,
    }
    tables = [*TABLES, "words", "document_passages"]

    for before, after in counted(sql, search.AMONG_ALL, values, tables):
        assert after["scanned"] == before["scanned"], after["name"]
        assert after["fetched"] - before["fetched"] <= 4000, after["name"]
        if after["name"] == "organizations" and typed.startswith("org"):
            assert after["fetched"] > before["fetched"], "they are counted at all"


def counted(
    sql: Sql, statement: Statement, values: dict[str, Any], tables: list[str]
) -> list[tuple[Any, Any]]:
    """Rows read of each table before and after a statement, as a request sends it."""
    text, names = statement.compiled["all"]

    async def run() -> Any:
        async with sql.connection.transaction():
            await sql.connection.execute("SET LOCAL ROLE retainer_app")
            await sql.connection.fetch(SERVE, str(values["tenant"]), *PLANNED_ONCE, "30s")
            before = await sql.connection.fetch(READ_SO_FAR, tables)
            await sql.connection.fetch(text, *(values[name] for name in names))
            return before, await sql.connection.fetch(READ_SO_FAR, tables)

    return list(zip(*sql.run(run()), strict=True))


def rows_read(
    sql: Sql, statement: Statement, values: dict[str, Any], tables: list[str]
) -> dict[str, int]:
    """The rows that a statement reads of each table, by an index or by a scan."""
    return {
        after["name"]: after["scanned"] + after["fetched"] - before["scanned"] - before["fetched"]
        for before, after in counted(sql, statement, values, tables)
    }


READ_SO_FAR = """
    SELECT t.relname::text AS name, sum(coalesce(pg_stat_get_xact_tuples_returned(t.oid), 0)) AS scanned,
        coalesce(max(pg_stat_get_xact_tuples_fetched(t.oid)), 0)
            + sum(coalesce(pg_stat_get_xact_tuples_fetched(i.indexrelid), 0)) AS fetched
    FROM pg_class t JOIN pg_index i ON i.indrelid = t.oid
    WHERE t.relname = ANY($1) AND t.relkind = 'r' GROUP BY t.relname ORDER BY t.relname
"""
