"""The tabs of an organization's page."""

import gzip
import re

import pytest

from support.cast import Cast, Person
from support.in_process import InProcess
from support.pages.organizations import plain, tab
from support.pages.sitemap import HTML, get, post
from support.sql import Sql


def test_the_projects_tab_marks_overdue_and_stalled_projects(cast: Cast, sql: Sql) -> None:
    for title, due in (("Late", "2020-01-31"), ("In time", "2999-01-31"), ("Still", None)):
        cast.ada.made(
            "/api/projects", organizationId=cast.acme, title=title, dueDate=due, status="active"
        )
    cast.ada.made(
        "/api/projects",
        organizationId=cast.acme,
        title="Done",
        dueDate="2020-01-31",
        status="completed",
    )
    text = get(cast.ada, tab(cast, "projects")).text
    assert text.count("Late, ") == 1
    assert text.count("Stalled") == 0, "all of them were changed just now"
    assert f'href="/projects/new?organizationId={cast.acme}"' in text
    shown = get(cast.ada, tab(cast, "projects") + "?status:in=completed").text
    assert "Done" in shown
    assert "In time" not in shown


def test_the_projects_tab_loads_more_projects(cast: Cast) -> None:
    for number in range(52):
        cast.ada.made("/api/projects", organizationId=cast.acme, title=f"P{number:02}")
    text = get(cast.ada, tab(cast, "projects")).text
    (more,) = re.findall(r'<a class="button" href="([^"]+)"[^>]*data-more', text)
    rest = get(
        cast.ada, more.replace("&amp;", "&"), **{"HX-Request": "true", "HX-Target": "tbody#more"}
    ).text
    assert "<main" not in rest
    assert (rest.count("data-row>"), "P51" in rest) == (2, True)


def test_guests_see_no_button_to_add_anything(cast: Cast) -> None:
    for name in ("projects", "members"):
        for person in (cast.gita, cast.stan):
            text = get(person, tab(cast, name)).text
            assert "/projects/new" not in text
            assert "/remove" not in text
    assert get(cast.gita, tab(cast, "history")).status_code == 403
    assert get(cast.sam, tab(cast, "history")).status_code == 404
    assert 'href="/activity"' not in get(cast.gita, tab(cast, "members")).text
    assert 'href="/activity"' in get(cast.stan, tab(cast, "members")).text


def test_a_conflict_names_the_other_writer(cast: Cast) -> None:
    text = get(cast.cora, f"/organizations/{cast.acme}").text
    (version, *_) = re.findall(r'name="version" value="([\d-]+)"', text)
    cast.ada.put(f"/api/organizations/{cast.acme}", {"industry": "Energy"})
    answer = post(
        cast.cora,
        f"/organizations/{cast.acme}",
        industry="Mining",
        version=version,
        back=tab(cast, "members"),
    )
    assert answer.status_code == 409
    assert "Ada changed it" in plain(answer.text)
    for strange in ("1-1", "x", f"{cast.acme}-99999999999", ""):
        assert post(
            cast.cora, f"/organizations/{cast.acme}", industry="A", version=strange
        ).status_code in (303, 409)


def test_a_property_changed_on_a_tab_returns_to_that_tab(cast: Cast) -> None:
    text = get(cast.cora, tab(cast, "members")).text
    assert f'name="back" value="{tab(cast, "members")}"' in text
    answer = post(
        cast.cora, f"/organizations/{cast.acme}", industry="Mining", back=tab(cast, "members")
    )
    assert answer.headers["location"] == tab(cast, "members")


@pytest.mark.parametrize("name", ["projects", "members", "history", "activity", "operation"])
def test_an_organizations_tab_takes_few_statements(
    cast: Cast, inside: InProcess, name: str
) -> None:
    def busy(person: Person, count: int) -> None:
        for number in range(count):
            person.put(f"/api/organizations/{cast.acme}", {"industry": f"{person.id} {number}"})
            contact = cast.contact(f"C{number}")
            cast.ada.made(
                f"/api/organizations/{cast.acme}/members", contactId=contact, role="member"
            )
            cast.ada.made("/api/projects", organizationId=cast.acme, title=f"P{number}")

    busy(cast.cora, 12)
    operation = cast.ada.get("/api/operations?limit=1").json()[0]["id"]
    path = {"activity": "/activity", "operation": f"/operations/{operation}"}.get(name) or tab(
        cast, name
    )
    inside.send(cast.ada, "GET", path, headers=HTML)
    status, statements = inside.send(cast.ada, "GET", path, headers=HTML)
    assert status == 200
    assert statements <= 8


def test_the_tasks_tab_keeps_its_budget_with_any_number_of_tasks(cast: Cast) -> None:
    for status, count in (("todo", 100), ("completed", 60)):
        lines = [
            f'{{"method":"POST","path":"/tasks","body":{{"title":"Task {n} of {status}","organizationId":{cast.acme},'
            f'"status":"{status}","dueDate":"2027-01-{n % 28 + 1:02}","assigneeId":{cast.cora.id}}}}}'
            for n in range(count)
        ]
        headers = {"Content-Type": "application/x-ndjson"}
        assert (
            cast.ada.post("/api/bulk", content="\n".join(lines), headers=headers).status_code == 200
        )
    for n in range(30):
        cast.person(f"Colleague{n}", "consultant")
    text = get(cast.ada, tab(cast, "tasks")).text
    assert text.count('id="task-') == 50 and text.count('id="done-') == 20
    assert len(gzip.compress(text.encode())) <= 12_100
