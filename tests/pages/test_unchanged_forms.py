"""Every form that changes a record, sent as it is shown, changes nothing."""

from typing import Any
from urllib.parse import urlencode

import pytest

from retainer.pages.routes import PAGES
from support.cast import Cast
from support.pages.browser_forms import Forms
from support.pages.sitemap import FORM, HTML, get

pytestmark = pytest.mark.slow

NAME = 'Store #5, "Acme" <info@acme.example>'
TEXT = "\n  It begins with an empty line,\n\nand ends with one\n"
# The forms that show a record's values: all others make a record, or are buttons.
SHOWING = {route.name for route in PAGES if route.name.startswith("update")}
SHOWING |= {"profileForm", "documentOrganizationForm"}


def records(cast: Cast) -> list[str]:
    """Paths of pages with forms, of records whose values are hard to write down in a form."""
    ada = cast.ada
    gone = cast.person("Lena", "consultant")
    ada.made("/api/organizations", name=NAME, type="vendor")  # another one of this name
    acme, globex = f"/api/organizations/{cast.acme}", f"/api/organizations/{cast.globex}"
    changed(ada.put(acme, {"name": NAME, "ownerId": gone.id, "tags": ["Zürich, CH", 'a "b"', "c"],
        "parentId": cast.globex, "description": TEXT, "metadata": {"a": [1, {"b": None}]},
        "externalId": "x, y", "domains": ["a.example", "b.example"], "website": "acme"}))  # fmt: skip
    changed(ada.put(globex, {"ownerId": cast.gita.id}))
    project = ada.made("/api/projects", organizationId=cast.acme, title=NAME, description=TEXT)
    of_project = ada.made("/api/tasks", projectId=project["id"], title=NAME, description=TEXT)
    of_both = ada.made(
        "/api/tasks", projectId=project["id"], organizationId=cast.acme, title="Both",
        assigneeId=gone.id, dueDate="2031-02-03",
    )  # fmt: skip
    guests = ada.made("/api/tasks", title="Guest's", assigneeId=cast.gita.id)
    document = ada.made(
        "/api/documents", name=NAME, url="https://x.example", description=TEXT,
        organizationId=cast.acme, projectIds=[project["id"]],
    )  # fmt: skip
    left = cast.contact("Left <left@example.com>")
    ada.made(f"{acme}/members", contactId=left, role="stakeholder")
    activity = ada.made(
        f"{acme}/activities", text=TEXT, kind="email", contactIds=[left, cast.gita_contact],
        happenedAt="2026-02-03T04:05:06.789Z",
    )  # fmt: skip
    assert ada.delete(f"{acme}/members/{left}").status_code == 204
    changed(ada.put(f"/api/users/{gone.id}", {"isActive": False}))
    view = ada.made("/api/views", name=NAME, noun="tasks", query="status=todo", isShared=True)
    return [
        *(f"/organizations/{cast.acme}{tab}" for tab in ("", "/members", "/tasks")),
        f"/organizations/{cast.globex}",
        f"/projects/{project['id']}",
        *(f"/tasks/{task['id']}" for task in (of_project, of_both, guests)),
        "/tasks?sort=dueDate",
        f"/documents/{document['id']}",
        f"/documents/{document['id']}/organization",
        f"/activities/{activity['id']}",
        *(f"/contacts/{id}" for id in (left, cast.gita_contact)),
        *(f"/users/{person.id}" for person in (cast.ada, cast.gita, gone)),
        f"/views/{view['id']}",
        f"/tenants/{cast.tenant}",
        "/profile",
    ]


def changed(answer: Any) -> None:
    assert answer.status_code == 200, answer.text


def test_every_form_that_is_saved_as_it_is_shown_changes_nothing(cast: Cast) -> None:
    sent, paths = set(), records(cast)
    for path in paths:
        for person in (cast.ada, cast.cora, cast.stan):
            page = get(person, path)
            if page.status_code != 200:
                continue
            for action, fields in Forms(page.text).found:
                name = name_of(action)
                if name not in SHOWING or not fields:
                    continue
                count = "SELECT count(*) FROM changes WHERE tenant_id = $1"
                before = cast.sql.value(count, cast.tenant)
                answer = person.request(
                    "POST",
                    action,
                    headers=HTML | FORM,
                    content=urlencode(fields),
                    follow_redirects=False,
                )
                assert answer.status_code == 303, (path, fields, answer.text)
                assert cast.sql.value(count, cast.tenant) == before, (path, fields)
                sent.add(name)
    assert sent == SHOWING


def name_of(action: str) -> str:
    """Name of the form's route."""
    parts = action.partition("?")[0].split("/")
    for route in PAGES:
        names = route.path.split("/")
        if route.changes and len(names) == len(parts) and all(
            name == part or (name.startswith("{") and part.isdigit())
            for name, part in zip(names, parts, strict=True)
        ):  # fmt: skip
            return route.name
    return ""
