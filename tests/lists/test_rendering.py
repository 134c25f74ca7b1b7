"""The JSON of lists, byte for byte as PostgreSQL's row_to_json() writes it, whatever the values."""

from typing import Any

import pytest

from retainer.database.statement import Statement
from retainer.lists.page import PageShape, page_of
from retainer.lists.spec import ListSpec, row_json
from retainer.permissions import Scope
from retainer.routes import ROUTES
from support.cast import Cast, Person
from support.samples import unique_email
from support.sql import Sql

LISTS = {route.name: route.lists for route in ROUTES if isinstance(route.lists, ListSpec)}
# Quotes, escapes, what ends a line or a column elsewhere, what HTML and Unicode know, no character
# twice as long in one encoding as in another.
TEXT = '"\\" / \\n \\u0041 {"a":1},{"b":2} </b> & \' $1 :tenant %s \ufeff é e\u0301 漢 🏗 \U0010fffd'
LINES = f"{TEXT}\n\t{TEXT}\u2028\u2029\r\n,"
METADATA = {
    '"': ["\\", {"\n": "\u2028"}],
    "number": 1e300,
    "long": 12345678901234567890.5,
    "empty": {},
    "": None,
}


def fill(cast: Cast) -> None:
    """A record of each noun with all that is hostile, and one with as little as may be."""
    ada: Person = cast.ada
    more = {"description": LINES, "metadata": METADATA, "industry": TEXT, "externalId": TEXT,
            "website": "https://www.acme.example/?q=%22&b='", "tags": [TEXT[:40], "a,b", "NULL", "{}"],
            "domains": ["acme.example"], "ownerId": ada.id}  # fmt: skip
    parent = ada.made("/api/organizations", name=TEXT, type="customer", **more)["id"]
    ada.made(
        "/api/organizations",
        name="NULL",
        type="other",
        parentId=parent,
        website="https://o.example",
    )
    contact = {"fullName": TEXT, "type": "client", "title": TEXT, "department": TEXT, "company": TEXT,
               "phone": "+41 44 \"1\"", "metadata": METADATA}  # fmt: skip
    contact_id = ada.made("/api/contacts", email="x@x.example", **contact)["id"]
    ada.made("/api/contacts", fullName="null", email="y@x.example", type="vendor")
    ada.post(f"/api/organizations/{parent}/members", {"contactId": contact_id, "role": "member"})
    for dates in ({"startDate": "0001-01-01", "dueDate": "9999-12-31"}, {}):
        ada.made("/api/projects", organizationId=parent, title=TEXT, description=LINES, **dates)
    project = ada.made("/api/projects", organizationId=cast.acme, title="P")["id"]
    ada.made(
        "/api/tasks",
        title=TEXT,
        description=LINES,
        projectId=project,
        assigneeId=ada.id,
        dueDate="9999-12-31",
    )
    ada.made("/api/tasks", title="null")
    ada.made(
        "/api/documents",
        name=TEXT,
        url='https://x.example/?"',
        organizationId=parent,
        description=LINES,
    )
    answer = ada.post("/api/documents/files", files={"file": (f"a{TEXT[6]}.txt", b"x", "text/plain")}, data={"organizationId": str(cast.acme)})  # fmt: skip
    assert answer.status_code == 200, answer.text
    activities = f"/api/organizations/{parent}/activities"
    ada.made(activities, text=LINES, happenedAt="1900-01-01T00:00:00.001Z", contactIds=[contact_id])
    ada.made("/api/views", noun="tasks", name=TEXT, query="title=%22")
    ada.made("/api/users", username=unique_email(), fullName=TEXT, role="staff")
    task = ada.made("/api/tasks", title=TEXT)["id"]
    ada.delete(f"/api/tasks/{task}")


def values_of(cast: Cast, sql: Sql, name: str) -> dict[str, Any]:
    session = sql.value("SELECT min(id) FROM sessions WHERE user_id = $1", cast.ada.id)
    operation = sql.value("SELECT max(id) FROM operations WHERE tenant_id = $1", cast.tenant)
    parent = operation if name == "listOperationChanges" else cast.acme
    return {"tenant": cast.tenant, "user": cast.ada.id, "contact": cast.gita_contact, "session": session,
            "viewer_role": "admin", "parent": parent, "chunk": 500}  # fmt: skip


def rows(sql: Sql, statement: Statement, scope: Scope, values: dict[str, Any]) -> list[Any]:
    text, names = statement.compiled[scope]
    return sql.rows(text, *(values[name] for name in names))


@pytest.mark.parametrize("scope", ["all", "client"])
def test_every_list_writes_the_json_of_row_to_json(cast: Cast, sql: Sql, scope: Scope) -> None:
    fill(cast)
    sql.rows("SELECT set_config('retainer.tenant', $1, false)", str(cast.tenant))
    seen = 0
    for name, spec in LISTS.items():
        values = values_of(cast, sql, name)
        json = row_json({**spec.fields, **spec.expand})
        plain = Statement(
            f"SELECT {json}::text FROM {spec.table} WHERE {spec.where}", visible=spec.visible
        )
        expected = sorted(row[0] for row in rows(sql, plain, scope, values))
        for sort, turned in [(spec.order, False), *((((s, True)), True) for s in spec.sorts[:1])]:
            shape = PageShape(tuple(spec.fields), tuple(spec.expand), (sort,), is_backward=turned)
            [row] = rows(sql, spec.page(shape), scope, values)
            page = page_of(row, 500, is_backward=turned)
            lines = [] if page.lines is None else page.lines.decode().split("\n")
            assert sorted(lines) == expected, name
            assert page.found == len(expected), name
        seen += len(expected)
    assert seen > (30 if scope == "all" else 5)
