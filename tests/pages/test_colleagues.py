"""Choices of people on pages: our own, and no guest."""

import pytest

from support.cast import Cast

PAGES = ["organizations", "organizations/new", "organizations/{acme}", "organizations/{acme}/tasks", "tasks", "tasks/new",
         "tasks/{task}", "projects/{project}", "projects/new", "activity", "trash"]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_no_choice_of_people_offers_a_guest(cast: Cast, page: str) -> None:
    made = cast.cora.made
    project = made("/api/projects", title="P", organizationId=cast.acme)["id"]
    task = made("/api/tasks", title="T", projectId=project)["id"]
    path = "/" + page.format(acme=cast.acme, project=project, task=task)
    shown = cast.cora.get(path, headers={"Accept": "text/html"})
    assert shown.status_code == 200
    options = [part.partition("</option>")[0] for part in shown.text.split("<option")[1:]]
    assert not [option for option in options if "Gita" in option], path
    if "<option" in shown.text and "Cora" in shown.text.partition("<main")[2]:
        assert "Stan" in shown.text
