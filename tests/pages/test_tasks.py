"""The pages of tasks, as browsers without scripts use them."""

import re
from html import unescape
from urllib.parse import parse_qsl

import pytest

from support.cast import Cast
from support.pages.tasks import HTML, day, done, main, page, sent, task, toast


def test_the_tasks_page_shows_the_viewers_own_open_tasks_at_first(cast: Cast) -> None:
    task(cast.ada, title="Mine", assigneeId=cast.ada.id, organizationId=cast.acme)
    task(cast.ada, title="Finished", assigneeId=cast.ada.id, status="completed")
    task(cast.ada, title="Coras", assigneeId=cast.cora.id)
    text = main(page(cast.ada, "/tasks"))
    assert '<h1 tabindex="-1">My tasks</h1>' in text
    assert ">Mine<" in text
    assert ">Finished<" not in text
    assert ">Coras<" not in text
    assert f'href="/organizations/{cast.acme}">Acme Corporation</a>' in text


def filters(text: str) -> list[str]:
    """Words on the buttons of a list's filters."""
    found = re.findall(r'<summary class="button">\s*<span>([^<]+)</span>', text)
    return [unescape(words).strip() for words in found]


def test_each_filter_of_tasks_is_told_once_by_the_control_that_changes_it(cast: Cast) -> None:
    task(cast.ada, title="Coras", assigneeId=cast.cora.id, dueDate=day(1))
    own = main(page(cast.ada, "/tasks"))
    assert filters(own) == ["Assignee: Me", "Status: Open", "Priority", "Due", "Organization"]
    assert "Filter · 2" in own and "Remove the filter" not in own
    query = f"assigneeId={cast.cora.id}&dueDate:lte=%2B7d&organizationId={cast.acme}"
    query += "&status:in=todo&priority:in=low,high"
    assert filters(main(page(cast.ada, f"/tasks?{query}"))) == [
        "Assignee: Cora", "Status: Todo", "Priority: 2", "Due: Within seven days",
        "Organization: Acme Corporation",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("dueDate:gte=2027-05-08&dueDate:lte=2027-05-09", "from 8 May 2027 until 9 May 2027"),
        ("dueDate:lt=%2B1d", "before tomorrow"),
        ("dueDate:gt=2027-05-08", "after 8 May 2027"),
        ("dueDate:lte=-1d", "Overdue"),
        ("dueDate:null=true", "Without a date"),
        ("dueDate:null=false", "set"),
    ],
)
def test_a_filter_by_dates_says_which(cast: Cast, query: str, words: str) -> None:
    for path in ("/tasks", "/projects"):
        text = main(page(cast.ada, f"{path}?{query}"))
        assert f"Due: {words}" in filters(text)
        for name, value in parse_qsl(query):
            assert re.search(f'name="{name}" value="{re.escape(value)}"', text), "kept by the form"


def test_a_filter_that_has_no_control_is_shown_and_can_be_removed(cast: Cast) -> None:
    task(cast.ada, title="Coras", assigneeId=cast.cora.id, dueDate=day(1))
    asked = "/tasks?title:contains=Nothing&sort=-dueDate"
    found = re.findall(
        r'href="([^"]+)" data-on [^>]*aria-label="Remove the filter: ([^"]+)"',
        main(page(cast.ada, asked)),
    )
    assert [(unescape(url), words) for url, words in found] == [
        ("/tasks?sort=-dueDate", "Title contains Nothing")
    ]


def test_tasks_are_grouped_by_due_date(cast: Cast) -> None:
    for title, due in [("A", day(-3)), ("B", day(0)), ("C", day(40)), ("D", None)]:
        task(cast.ada, title=title, assigneeId=cast.ada.id, dueDate=due)
    text = main(page(cast.ada, "/tasks"))
    order = re.findall(r'(?:scope="rowgroup"[^>]*|class="words")>(\w[\w ]*)<', text)
    assert order == ["Overdue", "A", "Today", "B", "Later", "C", "No date", "D"]
    assert text.count('class="late"') == 1


def test_the_heading_of_a_group_is_not_repeated_on_the_next_page(cast: Cast) -> None:
    for title in "ABC":
        task(cast.ada, title=title, assigneeId=cast.ada.id, dueDate=day(-3))
    text = page(cast.ada, "/tasks?sort=dueDate&limit=2")
    more = re.search(r'href="(/tasks\?[^"]*cursor=[^"]*)"', text)
    assert more
    asked = {**HTML, "HX-Request": "true", "HX-Target": "tbody#more"}
    part = cast.ada.get(more[1].replace("&amp;", "&"), headers=asked).text
    assert "<main" not in part
    assert re.findall(r'class="words">(\w)<', part) == ["C"]
    assert "rowgroup" not in part


@pytest.mark.parametrize("query", ["q=call", "status:in=todo,blocked&priority:in=high", "dueDate:lte=today",
                                   "dueDate:null=true", "assigneeId:null=true", "sort=-priority"])  # fmt: skip
def test_the_filters_of_the_task_page_are_those_of_the_api(cast: Cast, query: str) -> None:
    task(cast.ada, title="Call Globex", priority="high")
    listed = [one["title"] for one in cast.ada.get(f"/api/tasks?{query}").json()]
    assert re.findall(r'class="words">([^<]+)<', page(cast.ada, f"/tasks?{query}")) == listed


def test_an_unknown_filter_is_refused_by_name(cast: Cast) -> None:
    assert "assigneeId" in page(cast.ada, "/tasks?asigneeId=1", 422)


def test_the_task_filter_finds_an_organization_by_its_name(cast: Cast) -> None:
    task(cast.ada, title="There", organizationId=cast.globex)
    found = cast.ada.get(
        "/tasks?organization=globex&sort=dueDate", headers=HTML, follow_redirects=False
    )
    assert found.headers["location"] == f"/tasks?sort=dueDate&organizationId={cast.globex}"
    assert ">There<" in main(page(cast.ada, found.headers["location"]))
    cast.ada.made("/api/organizations", name="Globe Trotters", type="vendor")
    near = main(page(cast.ada, "/tasks?organization=Glob&sort=dueDate"))
    assert "No single organization is called “Glob”" in near
    assert f"organizationId={cast.globex}" in near


def test_organizations_are_proposed_while_a_tasks_organization_is_typed(cast: Cast) -> None:
    twin = cast.ada.made("/api/organizations", name="Globex", type="vendor")["id"]
    text = page(cast.ada, "/choices?organization=glob")
    assert set(re.findall(r'value="([^"]+)"', text)) == {
        f"Globex #{cast.globex}",
        f"Globex #{twin}",
    }
    assert "<option" not in page(cast.sam, "/choices?organization=glob")


def test_a_task_is_added_in_one_line(cast: Cast) -> None:
    answer = sent(cast.ada, "/tasks", title="Ring them", dueDate=day(1), assigneeId=str(cast.cora.id),
                  organization="acme corporation", back="/tasks?sort=dueDate")  # fmt: skip
    done(answer, "/tasks?sort=dueDate")
    assert toast(cast.ada, answer) == "Added Ring them [undo]"
    (made,) = cast.ada.get("/api/tasks?title=Ring them").json()
    assert (made["organizationId"], made["assigneeId"], made["dueDate"]) == (
        cast.acme,
        cast.cora.id,
        day(1),
    )


def test_a_refused_new_task_says_why_and_keeps_the_typed_fields(cast: Cast) -> None:
    cast.ada.made("/api/organizations", name="Acmeister", type="vendor")
    answer = sent(cast.ada, "/tasks", title=" ", dueDate="soon", organization="Acm", back="/tasks")
    assert answer.status_code == 422
    assert 'value="Acm"' in answer.text
    assert "is the name of none; choose one of" in answer.text
    assert f"Acme Corporation #{cast.acme}" in answer.text
    answer = sent(cast.ada, "/tasks", title="T", dueDate="soon", organizationId=str(cast.acme))
    assert answer.status_code == 422
    assert 'id="error-dueDate"' in answer.text
    assert 'value="soon"' in answer.text
    assert cast.ada.get("/api/tasks").json() == []


def test_an_ambiguous_organization_of_a_new_task_is_asked_about(cast: Cast) -> None:
    cast.ada.made("/api/organizations", name="Acmeister", type="vendor")
    answer = sent(cast.ada, "/tasks", title="T", organization="Acm")
    chosen = re.search(r'type="radio" name="organizationId" value="(\d+)"', answer.text)
    assert chosen
    done(sent(cast.ada, "/tasks", title="T", organization="Acm", organizationId=chosen[1]),
         f"/tasks/{cast.ada.get('/api/tasks').json()[0]['id']}")  # fmt: skip


def test_staff_add_tasks_to_their_organizations_only(cast: Cast) -> None:
    assert sent(cast.stan, "/tasks", title="T").status_code == 422
    assert sent(cast.stan, "/tasks", title="T", organizationId=str(cast.globex)).status_code == 422
    assert sent(cast.stan, "/tasks", title="T", organizationId=str(cast.acme)).status_code == 303


def test_a_task_is_completed_from_its_row_and_undo_is_offered(cast: Cast) -> None:
    id = task(cast.ada, title="Call", assigneeId=cast.ada.id)
    assert f'action="/tasks/{id}/complete"' in page(cast.ada, "/tasks")
    answer = sent(cast.ada, f"/tasks/{id}/complete", back="/tasks")
    done(answer, "/tasks")
    assert toast(cast.ada, answer) == "Completed Call [undo]"
    assert cast.ada.get(f"/api/tasks/{id}").json()["status"] == "completed"
    assert f'action="/tasks/{id}/reopen"' in page(cast.ada, f"/tasks/{id}")
    done(sent(cast.ada, f"/tasks/{id}/reopen"), f"/tasks/{id}")
    assert cast.ada.get(f"/api/tasks/{id}").json()["status"] == "todo"


def test_a_task_is_reassigned_and_postponed_from_its_row(cast: Cast) -> None:
    id = task(cast.ada, title="Call", assigneeId=cast.ada.id, dueDate=day(-1))
    text = page(cast.ada, "/tasks")
    assert f'id="assignee-{id}"' in text
    assert f'<button class="button quiet" name="dueDate" value="{day(0)}">Today</button>' in text
    done(sent(cast.ada, f"/tasks/{id}", assigneeId=str(cast.cora.id), back="/tasks"), "/tasks")
    done(sent(cast.ada, f"/tasks/{id}", dueDate="", back="/tasks"), "/tasks")
    now = cast.ada.get(f"/api/tasks/{id}").json()
    assert (now["assigneeId"], now["dueDate"]) == (cast.cora.id, None)


def test_a_task_form_returns_to_no_other_site(cast: Cast) -> None:
    id = task(cast.ada, title="Call")
    done(sent(cast.ada, f"/tasks/{id}", title="Ring", back="https://x.example/"), f"/tasks/{id}")
    done(sent(cast.ada, f"/tasks/{id}", title="Call", back="//x.example"), f"/tasks/{id}")
    assert (
        "x.example"
        not in page(cast.ada, "/tasks/new?back=//x.example")
        .partition("Cancel")[0]
        .rpartition("href")[2]
    )


def test_a_tasks_page_has_its_breadcrumb_properties_and_last_changes(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Study")["id"]
    id = task(cast.ada, title="Call", projectId=project, assigneeId=cast.stan.id)
    cast.ada.put(f"/api/tasks/{id}", {"assigneeId": cast.cora.id})
    text = main(page(cast.ada, f"/tasks/{id}"))
    crumbs = text.partition("</nav>")[0]
    assert re.findall(r'href="([^"]+)"', crumbs)[0] == f"/organizations/{cast.acme}"
    assert f'href="/projects/{project}"' in crumbs
    assert {"status", "priority", "assigneeId", "dueDate", "organization", "projectId", "audience", "description",
            "title"} <= set(re.findall(r'name="(\w+)"', text))  # fmt: skip
    assert "<del>Stan</del> → <ins>Cora</ins>" in text


def test_a_task_moves_to_an_organization_by_its_name_and_leaves_its_project(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Study")["id"]
    id = task(cast.ada, title="Call", projectId=project, organizationId=cast.acme)
    done(sent(cast.ada, f"/tasks/{id}", organization="Globex"), f"/tasks/{id}")
    now = cast.ada.get(f"/api/tasks/{id}").json()
    assert (now["organizationId"], now["projectId"]) == (cast.globex, None)
    answer = sent(cast.ada, f"/tasks/{id}", organization="Nonesuch")
    assert answer.status_code == 422
    assert 'value="Nonesuch"' in answer.text
    done(sent(cast.ada, f"/tasks/{id}", organization=""), f"/tasks/{id}")
    assert cast.ada.get(f"/api/tasks/{id}").json()["organizationId"] is None


def test_a_second_writer_of_a_task_sees_both_versions(cast: Cast) -> None:
    id = task(cast.ada, title="Call")
    version = re.search(r'name="version" value="([^"]+)"', page(cast.ada, f"/tasks/{id}"))
    assert version
    cast.cora.put(f"/api/tasks/{id}", {"title": "Ring"})
    answer = sent(cast.ada, f"/tasks/{id}", title="Phone", version=version[1])
    assert answer.status_code == 409
    assert "Ring" in answer.text
    assert "<ins>Phone</ins>" in answer.text


def test_a_task_is_deleted_with_undo_by_roles_that_may(cast: Cast) -> None:
    id = task(cast.ada, title="Call", organizationId=cast.acme)
    assert "/delete" not in main(page(cast.stan, f"/tasks/{id}"))
    assert sent(cast.stan, f"/tasks/{id}/delete").status_code == 403
    answer = sent(cast.cora, f"/tasks/{id}/delete", back="/tasks")
    assert toast(cast.cora, answer) == "Deleted Call [undo]"
    page(cast.cora, f"/tasks/{id}", 404)


def test_an_organizations_tasks_are_open_ones_first_and_the_completed_folded(cast: Cast) -> None:
    task(cast.ada, title="Open", organizationId=cast.acme)
    task(cast.ada, title="Closed", organizationId=cast.acme, status="completed")
    text = main(page(cast.ada, f"/organizations/{cast.acme}/tasks"))
    before, _, behind = text.partition('<details class="card fold"')
    assert ">Open<" in before
    assert ">Closed<" not in before
    assert ">Closed<" in behind
    path = f"/organizations/{cast.acme}/tasks"
    done(sent(cast.ada, "/tasks", title="New", organizationId=str(cast.acme), back=path), path)
    assert ">New<" in page(cast.ada, path)
