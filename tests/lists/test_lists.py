"""Lists: filters, sorts, pages, fields and counts (docs/lists.md), through HTTP."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from retainer.database import database
from retainer.database.statement import Statement
from retainer.pages.reference.document import document
from retainer.records.organizations.store import LIST
from retainer.routes import ROUTES
from support.cast import Cast, Person
from support.in_process import InProcess
from support.lists import ROWS, linked
from support.samples import SAMPLES, path_of, sample
from support.server import Server
from support.sql import Sql

OPERATIONS = document(ROUTES)["paths"]


def names(person: Person, query: str, path: str = "/api/organizations") -> list[str]:
    answer = person.get(f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()]


ALL = ["50% Off_Shop", "Alpha, Ltd", "Beta", "Zürich Metall", "zurich trading"]

FILTERS = [
    ("type=vendor", ["Alpha, Ltd", "Beta"]),
    ("type:in=vendor,partner", ["Alpha, Ltd", "Beta", "zurich trading"]),
    ("type:not=vendor", ["50% Off_Shop", "Zürich Metall", "zurich trading"]),
    ("status=archived&type=customer", ["50% Off_Shop"]),
    ("industry=TRADE", ["50% Off_Shop", "zurich trading"]),
    ("industry:in=energy,INDUSTRY", ["Alpha, Ltd", "Zürich Metall"]),
    ("industry:not=trade", ["Alpha, Ltd", "Beta", "Zürich Metall"]),
    ("industry:null=true", ["Beta"]),
    ("industry:null=false", ["50% Off_Shop", "Alpha, Ltd", "Zürich Metall", "zurich trading"]),
    ("name=ZURICH METALL", ["Zürich Metall"]),
    ('name:in="Alpha, Ltd",beta', ["Alpha, Ltd", "Beta"]),
    ("name:contains=ZÜRICH", ["Zürich Metall", "zurich trading"]),
    ("name:contains=h m", ["Zürich Metall"]),
    ("name:contains=0%25", ["50% Off_Shop"]),
    ("name:contains=f_s", ["50% Off_Shop"]),
    ("name:contains=f%25s", []),
    ("metadata.region=EMEA", ["Beta", "Zürich Metall"]),
    ("metadata.region:in=APAC,LATAM", ["zurich trading"]),
    ("metadata.region:not=EMEA", ["50% Off_Shop", "Alpha, Ltd", "zurich trading"]),
    ("metadata.region:null=true", ["50% Off_Shop", "Alpha, Ltd"]),
    ("metadata.employees=600", ["Beta", "Zürich Metall"]),
    ("metadata.vip=true", ["Beta"]),
    ("metadata.address.city=Zürich", ["Zürich Metall"]),
    ("createdAt:gte=-1d", ALL),
    ("createdAt:lt=-1d", []),
    ("createdAt:gte=today", ALL),
    ("createdAt:gt=-1h", ALL),
    ("createdAt:gte=%2B1d", []),
    ("createdAt:gte=+1d", []),
    ("updatedAt:lte=2199-01-01T00:00:00%2B01:00", ALL),
    ("hasProjects=true", []),
    ("hasProjects=false", ALL),
    (
        "filter=type = vendor or industry = trade",
        ["50% Off_Shop", "Alpha, Ltd", "Beta", "zurich trading"],
    ),
    ("filter=type = vendor and not industry is null", ["Alpha, Ltd"]),
    ("filter=not (type = vendor or status != active)", ["Zürich Metall"]),
    ('filter=name ~ "alpha, l" or metadata.region = APAC', ["Alpha, Ltd", "zurich trading"]),
    ('filter=name in ("Alpha, Ltd", Beta) and createdAt >= -2w', ["Alpha, Ltd", "Beta"]),
    ("filter=industry is not null and type in (customer)", ["50% Off_Shop", "Zürich Metall"]),
    ("sort=-name", ALL[::-1]),
    ("sort=type", ["50% Off_Shop", "Zürich Metall", "zurich trading", "Alpha, Ltd", "Beta"]),
    ("sort=-type,name", ["Alpha, Ltd", "Beta", "zurich trading", "50% Off_Shop", "Zürich Metall"]),
    ("sort=industry", ["Alpha, Ltd", "Zürich Metall", "50% Off_Shop", "zurich trading", "Beta"]),
    ("sort=createdAt", [row["name"] for row in ROWS]),
    ("sort=-id", [row["name"] for row in ROWS][::-1]),
    ("sort=-createdAt&limit=2", ["Alpha, Ltd", "Beta"]),
]


def test_each_filter_and_sort_finds_its_rows_in_order(
    cast: Cast, rows: list[dict[str, Any]]
) -> None:
    for query, expected in FILTERS:
        assert names(cast.ada, query) == expected, query


WRONG = [
    ("typ=vendor", "typ", "type"),
    ("type=vendors", "type", "customer, prospect, partner"),
    ("name:gt=a", "name:gt", "name"),
    ("website=x", "website", "parameter"),
    ("metadata=x", "metadata", "metadata.path"),
    ("metadata..a=x", "metadata..a", "metadata.region"),
    ("limit=0", "limit", "1 to 1000"),
    ("limit=1001", "limit", "1 to 1000"),
    ("limit=ten", "limit", "1 to 1000"),
    ("cursor=abc", "cursor", "Link"),
    ("cursor=", "cursor", "Link"),
    ("sort=nme", "sort", "name"),
    ("sort=website", "sort", "type"),
    ("sort=", "sort", "name"),
    ("fields=id,nome", "fields", "name"),
    ("fields=", "fields", "id"),
    ("expand=tasks", "expand", "takes"),
    ("count=all", "count", "exact or estimate"),
    ("createdAt=2026-01-31", "createdAt", "createdAt:"),
    ("createdAt:gte=yesterday", "createdAt:gte", "-30d"),
    ("createdAt:gte=2026-02-30", "createdAt:gte", "2026-01-31"),
    ("createdAt:gte=2026-02-30T00:00:00Z", "createdAt:gte", "2026-01-31"),
    ("createdAt:gte=-9999y", "createdAt:gte", "-30d"),
    ("hasProjects=yes", "hasProjects", "true or false"),
    ("industry:null=1", "industry:null", "true or false"),
    ("type:in=", "type:in", "between commas"),
    ("type:in=customer,,vendor", "type:in", "none of them empty"),
    ("name:contains=%20", "name:contains", "empty"),
    ("id=abc", "id", "whole number"),
    ("type=vendor&type=partner", "type", "twice"),
    ("name=%00", "name", "NUL"),
    ("name=%ff", "name", "UTF-8"),
    ("%ff=1", "\ufffd", "UTF-8"),
    ("&".join(f"a{n}=1" for n in range(101)), "query", "at most 100 parameters"),
    ("page=2", "page", "limit says how many"),
    ("offset=50", "offset", "cursor"),
    ("skip=50", "skip", "cursor"),
    ("per_page=50", "per_page", "limit"),
    ("utm_source=mail", "utm_source", "it takes limit, cursor"),
    ("createdAt:gte=-\u0663d", "createdAt:gte", "-30d"),
    (f"name={'x' * 301}", "name", "300 characters"),
    ("filter=type vendor", "filter", "operator"),
    ("filter=type = ", "filter", "value"),
    ("filter=(type = vendor", "filter", ")"),
    ("filter=type = vendor xor id = 1", "filter", "xor"),
    ("filter=type = vend", "filter", "type must be one of"),
    ("filter=typ = vendor", "typ", "type"),
    ("filter=" + "(" * 30 + "id = 1" + ")" * 30, "filter", "nested"),
    ("filter=" + " and ".join(["id = 1"] * 21), "filter", "20 comparisons"),
    ('filter=name = "abc', "filter", "double quotes"),
]


@pytest.mark.parametrize(
    ("query", "field", "words"), WRONG, ids=[query[:40] for query, *_ in WRONG]
)
def test_a_wrong_parameter_is_refused_with_the_right_values(
    cast: Cast, query: str, field: str, words: str
) -> None:
    answer = cast.ada.get(f"/api/organizations?{query}")
    assert answer.status_code == 422, answer.text
    problem = answer.json()["errors"][0]
    assert (problem["field"], words in problem["message"]) == (field, True), problem


def test_an_array_may_be_given_several_times(cast: Cast, rows: list[dict[str, Any]]) -> None:
    for written, repeated in [
        ("fields=id,name", "fields=id&fields=name"),
        ("sort=type,-name", "sort=type&sort=-name"),
        ("type:in=customer,vendor", "type:in=customer&type:in=vendor"),
        ("expand=owner,parent", "expand=owner&expand=parent"),
    ]:
        once, twice = (cast.ada.get(f"/api/organizations?{q}") for q in (written, repeated))
        assert twice.status_code == 200, twice.text
        assert once.json() == twice.json()
    page = cast.ada.get("/api/organizations?fields=id&fields=name&limit=1")
    following = cast.ada.get(linked(page)["next"]).json()
    assert following and all(record.keys() == {"id", "name"} for record in following)


@pytest.mark.parametrize("value", ["2026-04-31 00:00:00+00", "0000-01-01 00:00:00+00"])
def test_a_cursor_at_a_day_that_is_none_is_refused_by_name(cast: Cast, value: str) -> None:
    content = json.dumps([">", "createdAt", value, "1"]).encode()
    cursor = base64.urlsafe_b64encode(content).decode().rstrip("=")
    answer = cast.ada.get(f"/api/organizations?sort=createdAt&cursor={cursor}")
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.lists and not r.page], ids=lambda route: route.name
)
def test_a_list_takes_the_examples_of_its_parameters_together(cast: Cast, route: Any) -> None:
    found = OPERATIONS[route.path]["get"]["parameters"]
    parameters = [p for p in found if p.get("in") == "query"]
    sent: dict[str, str] = {}
    for parameter in parameters:
        example = parameter["example"]
        if parameter["name"] == "filters":
            sent |= example
        elif isinstance(example, list):
            sent[parameter["name"]] = ",".join(example)
        else:
            sent[parameter["name"]] = str(example)
    ids, _ = sample(cast, route)
    answer = cast.ada.get(path_of(route, ids).partition("?")[0], params=sent)
    assert answer.status_code == 200, answer.text


def test_every_problem_of_a_query_is_told_at_once(cast: Cast) -> None:
    answer = cast.ada.get("/api/organizations?limit=0&sort=nme&typ=x&status=gone&filter=(")
    assert {error["field"] for error in answer.json()["errors"]} == {
        "limit",
        "sort",
        "typ",
        "status",
        "filter",
    }


def test_links_lead_through_all_pages_and_back(cast: Cast, rows: list[dict[str, Any]]) -> None:
    answer = cast.ada.get("/organizations?limit=2&sort=-name&type:not=other")
    assert set(linked(answer)) == {"next"}
    there, back = [answer.json()], []
    while "next" in linked(answer):
        answer = cast.ada.get(linked(answer)["next"])
        there.append(answer.json())
    assert [len(page) for page in there] == [2, 2, 1]
    assert [row["name"] for page in there for row in page] == ALL[::-1]
    assert set(linked(answer)) == {"prev"}
    while "prev" in linked(answer):
        answer = cast.ada.get(linked(answer)["prev"])
        back.append(answer.json())
    assert back == there[-2::-1]


def test_a_cursor_holds_for_its_own_sort_only(cast: Cast, rows: list[dict[str, Any]]) -> None:
    cursor = linked(cast.ada.get("/api/organizations?limit=2"))["next"].split("cursor=")[1]
    assert len(cast.ada.get(f"/api/organizations?cursor={cursor}").json()) == 3
    for query in ("sort=type", "sort=-name", "sort=name,type"):
        assert cast.ada.get(f"/api/organizations?cursor={cursor}&{query}").status_code == 422
    assert cast.ada.get(f"/api/contacts?cursor={cursor}").status_code == 422


def test_fields_expand_and_count(cast: Cast, rows: list[dict[str, Any]]) -> None:
    answer = cast.ada.get("/api/organizations?fields=name,id&limit=1&count=exact")
    assert (answer.json(), answer.headers["x-total-count"]) == (
        [{"id": rows[2]["id"], "name": "50% Off_Shop"}],
        "5",
    )
    assert (
        int(
            cast.ada.get("/api/organizations?count=estimate&type=vendor").headers[
                "x-estimated-count"
            ]
        )
        >= 0
    )
    project = cast.ada.made("/api/projects", organizationId=rows[0]["id"], title="Launch")
    shown = cast.ada.get("/api/projects?expand=organization").json()[0]
    assert shown == project | {
        "organization": {
            "id": rows[0]["id"],
            "name": "Zürich Metall",
            "type": "customer",
            "status": "active",
        }
    }
    assert names(cast.ada, "hasProjects=true") == ["Zürich Metall"]
    member = cast.contact("Mia")
    cast.ada.made(
        f"/api/organizations/{rows[1]['id']}/members", contactId=member, role="stakeholder"
    )
    people = cast.ada.get(
        f"/api/contacts?organizationId={rows[1]['id']}&expand=organizations&fields=fullName"
    ).json()
    organizations = [{"id": rows[1]["id"], "name": "zurich trading", "role": "stakeholder"}]
    assert people == [{"fullName": "Mia", "organizations": organizations}]


def test_days_are_those_of_the_viewer(cast: Cast) -> None:
    """Midnight where they are: Kiritimati is 14 hours ahead of UTC, Niue 11 behind."""
    now = datetime.now(UTC)
    for zone, offset in (("Pacific/Kiritimati", 14), ("Pacific/Niue", -11)):
        cast.ada.put("/api/user", {"timeZone": zone})
        there = now + timedelta(hours=offset)
        midnight = there.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
            hours=offset
        )
        for moment, expected in (
            (midnight - timedelta(minutes=1), 0),
            (midnight + timedelta(minutes=1), 1),
        ):
            cast.sql.rows(
                """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $4, true),
                                                       acting_as(NULL, 'command', 'command', NULL, 'test'))
                   UPDATE organizations SET created_at = $1 FROM acting WHERE tenant_id = $2 AND id = $3""",
                moment, cast.tenant, cast.acme, str(cast.tenant),
            )  # fmt: skip
            found = cast.ada.get(f"/api/organizations?createdAt:gte=today&id={cast.acme}").json()
            assert len(found) == expected, (zone, moment)


def test_a_day_as_an_upper_bound_includes_that_day(cast: Cast) -> None:
    """As the viewer has it: the last of March 2026 in Zurich lasts from 22:00 to 22:00, UTC."""
    cast.ada.put("/api/user", {"timeZone": "Europe/Zurich"})
    path = f"/api/organizations/{cast.acme}/activities"
    for moment in ("2026-03-30T21:59:59Z", "2026-03-31T21:59:59.999Z", "2026-03-31T22:00:00Z"):
        cast.ada.made(path, text=moment, happenedAt=moment)

    def found(query: str) -> int:
        answer = cast.ada.get(f"{path}?{query}")
        assert answer.status_code == 200, answer.text
        return len(answer.json())

    assert found("happenedAt:lte=2026-03-31") == 2
    assert found("filter=happenedAt <= 2026-03-31") == 2
    assert found("happenedAt:lte=2026-03-30") == 1
    assert found("happenedAt:lte=2026-03-31T21:59:59.999Z") == 2, "a moment stays a moment"
    assert found("happenedAt:lt=2026-03-31") == 1
    assert found("happenedAt:gte=2026-03-31") == 2
    assert found("happenedAt:gt=2026-03-31") == 2
    assert found("happenedAt:lte=9999-12-31") == 3
    assert found("happenedAt:lte=-1d") == 3
    assert found("happenedAt:gte=2026-03-31&happenedAt:lte=2026-03-31") == 1


@pytest.mark.parametrize("day", ["today", "-0d"])
def test_from_a_day_until_the_same_day_is_that_day(cast: Cast, day: str) -> None:
    organization = cast.ada.made("/api/organizations", name="Gone", type="other")["id"]
    cast.ada.delete(f"/api/organizations/{organization}")
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    for path in ("/api/operations", "/api/trash", f"/api/organizations/{cast.acme}/history"):
        assert cast.ada.get(f"{path}?since={day}&until={day}").json(), path
        assert cast.ada.get(f"{path}?since={yesterday}&until={yesterday}").json() == [], path
    page = cast.ada.get(f"/audit?since={day}&until={day}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert re.search(r">\s*Until\s*<", page.text)


def test_rare_and_common_parts_of_names_are_found(many: Cast) -> None:
    """Few rows come from the filter's own index, many from a walk."""
    assert len(many.ada.get("/api/organizations?name:contains=many 3").json()) == 186
    assert len(many.ada.get("/api/organizations?name:contains=acme c").json()) == 1
    assert len(many.ada.get("/api/organizations?name:contains=any").json()) == 1300


def test_a_list_is_searched_by_words(cast: Cast, rows: list[dict[str, Any]]) -> None:
    assert names(cast.ada, "q=zurich") == ["Zürich Metall", "zurich trading"]
    assert names(cast.ada, "q=zur met&type=customer") == ["Zürich Metall"]
    assert names(cast.ada, "q=nothing like it") == []
    assert cast.ada.get("/api/organizations?q=%20").status_code == 422
    assert names(cast.gita, "q=zurich") == []
    for noun in ("contacts", "projects", "tasks", "documents", "activities"):
        assert cast.ada.get(f"/api/{noun}?q=gita").status_code == 200


def test_a_word_of_very_many_rows_is_found_by_a_walk_of_the_list(many: Cast) -> None:
    assert len(many.ada.get("/api/organizations?q=many&fields=id").json()) == 1300
    condition = LIST.custom_filters["q"].condition.format(":q")
    text, names = Statement(
        f"SELECT count(*) FROM organizations o WHERE o.tenant_id = :tenant AND {condition}"
    ).compiled["all"]
    values = {"tenant": many.tenant, "q": "many"}
    found = many.sql.value(text, *(values.get(name) for name in names))
    assert found == 1300, "the condition of the walk finds the same"


def test_a_list_with_parameters_takes_one_statement_or_two(
    many: Cast, server: Server, sql: Sql
) -> None:
    inside = InProcess(server, sql)
    try:
        for query, count in (("limit=50", 1), ("limit=50&type=other", 1), ("sort=-updatedAt&limit=50", 1),
                             ("name:contains=acme&limit=5", 1), ("name:contains=many&limit=5", 2),
                             ("limit=5&count=exact", 2)):  # fmt: skip
            inside.send(
                many.ada, "GET", f"/api/organizations?{query}"
            )  # the connection is told how to serve
            assert inside.send(many.ada, "GET", f"/api/organizations?{query}") == (200, count), (
                query
            )
    finally:
        inside.stop()


def test_a_filter_that_takes_too_long_is_refused_by_name(
    many: Cast, server: Server, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a limit of a millisecond, where two seconds would need a million rows."""
    monkeypatch.setattr(database, "SHORT_LIMITS", ("force_custom_plan", "on", "1ms"))
    inside = InProcess(server, sql)
    try:
        for query, field in (
            ("industry=rare&sort=status,-industry,updatedAt", "sort"),
            ("count=exact", "count"),
        ):
            answer = inside.sql.run(inside.client.get(
                f"/api/organizations?{query}", headers={"Cookie": f"connect.sid={many.ada.token}"}
            ))  # fmt: skip
            assert answer.status_code == 422, answer.text
            assert answer.json()["errors"][0]["field"] == field
            assert "2 s" in answer.json()["errors"][0]["message"]
    finally:
        inside.stop()


LISTS = [route for route in ROUTES if route.lists]


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.name)
def test_every_list_takes_every_one_of_its_parameters(cast: Cast, route: Any) -> None:
    path = path_of(route, SAMPLES[route.name][0](cast))
    for name, field in route.lists.fields.items():
        for sign in ("", "-") if field.sort else ():
            assert cast.ada.get(f"{path}?sort={sign}{name}&limit=2").status_code == 200, name
        for operator in field.operators:
            query = (
                f"{name}{'.a.b' if field.type == 'json' else ''}{':' if operator else ''}{operator}"
            )
            answer = cast.ada.get(f"{path}?{query}={value_for(field, operator)}")
            assert answer.status_code == 200, (query, answer.text)
    for name, extra in route.lists.custom_filters.items():
        assert cast.ada.get(f"{path}?{name}={value_for(extra, '')}").status_code == 200, name
    for name in route.lists.expand:
        assert cast.ada.get(f"{path}?expand={name}").status_code == 200, name


def value_for(field: Any, operator: str) -> str:
    if operator == "null" or field.type == "boolean":
        return "true"
    if getattr(field, "is_phone", False):
        return "44 555 01"
    if getattr(field, "values", None):
        return str(next(iter(field.values)))
    return {"integer": "1", "date": "today", "moment": "-1h"}.get(field.type, "abc")


def test_lists_filter_only_what_the_viewer_sees(cast: Cast) -> None:
    assert names(cast.gita, "type:in=customer,prospect") == ["Acme Corporation"]
    assert cast.gita.get("/api/organizations?count=exact").headers["x-total-count"] == "1"
    assert names(cast.gita, "name:contains=globex") == []
    assert names(cast.olga, "count=exact") == []
    hidden = cast.ada.made("/api/projects", organizationId=cast.acme, title="Hidden")
    assert names(cast.gita, "hasProjects=true") == [], "an internal project is none to a guest"
    assert names(cast.stan, "hasProjects=true") == ["Acme Corporation"]
    cast.ada.put(f"/api/projects/{hidden['id']}", {"audience": "client"})
    assert names(cast.gita, "hasProjects=true") == ["Acme Corporation"]
    assert cast.gita.get(f"/api/contacts?organizationId={cast.globex}").json() == []


@pytest.mark.slow
def test_an_estimate_tells_nothing_of_other_tenants(cast: Cast, sql: Sql) -> None:
    """Short and narrow lists are counted: the planner's statistics span all tenants."""
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


def test_a_filter_by_ancestor_reveals_nothing_below_a_hidden_organization(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"parentId": cast.globex})
    path = f"/api/organizations?fields=id&within={cast.globex}"
    assert [row["id"] for row in cast.ada.get(path).json()] == [cast.acme, cast.globex]
    for person in (cast.stan, cast.gita):
        assert person.get(path).json() == []
        assert person.get(f"/api/organizations?fields=id&within={cast.acme}").json() == [
            {"id": cast.acme}
        ]
