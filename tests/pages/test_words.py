"""The words of the interface name one thing each, and guests are shown none of ours."""

import re
from datetime import date

import pytest

from retainer.pages.tasks.handlers import _heading
from support.cast import Cast
from support.pages.organizations import toast_of
from support.pages.sitemap import get, post


def test_activities_are_calls_and_notes_and_the_feed_is_of_changes(cast: Cast) -> None:
    text = get(cast.cora, "/organizations").text
    links = dict(re.findall(r'<a href="(/activit[^"]+)"[^>]*>.*?<span class="full">([^<]+)<', text))
    assert links == {"/activities": "Activities", "/activity": "Changes"}
    assert '<h1 tabindex="-1">Changes</h1>' in get(cast.cora, "/activity").text
    assert re.search(r"<h1[^>]*>\s*Activities", get(cast.cora, "/activities").text)
    tab = get(cast.cora, f"/organizations/{cast.acme}/activities").text
    assert re.search(r'aria-current="page">\s*Activities\s*</a>', tab)
    assert not re.search(r">\s*Activity\s*<", tab)


@pytest.mark.parametrize(
    ("day", "heading"),
    [(28, "Today"), (29, "This week"), (30, "Next week"), (36, "Next week"), (37, "Later")],
)
def test_a_saturdays_monday_is_next_week(day: int, heading: str) -> None:
    saturday = date(2026, 11, 28)
    due = date.fromordinal(saturday.toordinal() + day - 28)
    assert _heading(due, saturday, "Overdue") == heading


def test_guests_are_offered_no_audience(cast: Cast) -> None:
    document = cast.ada.made(
        "/api/documents", name="D", url="https://x.example", organizationId=cast.acme,
        audience="client",
    )  # fmt: skip
    for path in ("/documents", f"/documents/{document['id']}"):
        assert "Audience" in get(cast.stan, path).text
        assert "Audience" not in get(cast.gita, path).text


def test_who_assigns_a_task_is_told_that_its_organization_is_not_seen(cast: Cast) -> None:
    """Staff see the organizations of their contact, and tasks of others by being assigned."""
    acme, globex = (
        cast.ada.made("/api/tasks", title="T", organizationId=id)["id"]
        for id in (cast.acme, cast.globex)
    )
    project = cast.ada.made("/api/projects", title="P", organizationId=cast.globex)["id"]
    within = cast.ada.made("/api/tasks", title="T", projectId=project)["id"]
    for task, is_told in ((acme, False), (globex, True), (within, True)):
        answer = post(cast.ada, f"/tasks/{task}", assigneeId=str(cast.stan.id))
        words, _ = toast_of(answer)
        assert words.endswith(". Stan does not see the organization that it is for") == is_told
    for path in ("/tasks", f"/projects/{project}/tasks"):
        fields = {"title": "New", "assigneeId": str(cast.stan.id), "organizationId": cast.globex}
        words, _ = toast_of(post(cast.ada, path, **fields))
        assert "Stan does not see" in words
    words, _ = toast_of(post(cast.ada, "/tasks", title="New", assigneeId=str(cast.stan.id)))
    assert words == "Added New", "a task of no organization hides none"


def test_a_task_of_a_hidden_client_says_so_and_names_none(cast: Cast) -> None:
    """An assignee sees the task, and neither its organization nor its project."""
    hidden = {"organizationId": cast.globex}
    project = cast.ada.made("/api/projects", title="Secret project", **hidden)["id"]
    places = [
        ({}, False),
        ({"organizationId": cast.acme}, False),
        (hidden, True),
        ({"projectId": project}, True),
    ]
    for person in (cast.stan, cast.gita):
        for place, is_hidden in places:
            task = cast.ada.made(
                "/api/tasks", title="T", assigneeId=person.id, audience="client", **place
            )["id"]
            for path in (f"/tasks?id={task}", f"/tasks/{task}"):
                text = get(person, path).text
                words = f"A {'project' if 'projectId' in place else 'client'} you cannot open"
                assert (words in text) == is_hidden, (path, place)
                assert "Globex" not in text and "Secret project" not in text
                assert words not in get(cast.ada, path).text
