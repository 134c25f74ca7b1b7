"""The pages of tasks and activities, as browsers without scripts use them: lists, rows, one-line forms, their refusals."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from conftest import Cast, Person

HTML = {"Accept": "text/html"}
TODAY = datetime.now(UTC).date()


def page(who: Person, path: str, status: int = 200) -> str:
    answer = who.get(path, headers=HTML, follow_redirects=False)
    assert answer.status_code == status, answer.text[:2000]
    return answer.text


def main(text: str) -> str:
    return text.partition("<main")[2].partition("</main>")[0]


def sent(who: Person, path: str, **fields: Any) -> httpx.Response:
    headers = {**HTML, "Content-Type": "application/x-www-form-urlencoded"}  # an empty form's, too
    return who.post(path, data=fields, headers=headers, follow_redirects=False)


def done(answer: httpx.Response, to: str) -> None:
    assert (answer.status_code, answer.headers.get("location")) == (303, to), answer.text[:2000]
    assert "retainer.done=" in answer.headers["set-cookie"], "what was done is told, with undo"


def toast(who: Person, answer: httpx.Response) -> str:
    """What the next page tells."""
    cookie = answer.headers["set-cookie"].partition(";")[0]
    text = who.get(
        answer.headers["location"], headers={**HTML, "Cookie": f"connect.sid={who.token}; {cookie}"}
    ).text
    found = re.search(
        r'<div class="toast" data-toast>\s*<span>(.*?)</span>(.*?)</div>', text, re.DOTALL
    )
    assert found, text[-2000:]
    return found[1] + (" [undo]" if "/undo" in found[2] else "")


def task(who: Person, **body: Any) -> int:
    return int(who.made("/api/tasks", **body)["id"])


def day(days: int) -> str:
    return str(TODAY + timedelta(days=days))


# ---------------------------------------------------------------- my tasks


def test_tasks_without_parameters_are_ones_own_open_ones(cast: Cast) -> None:
    task(cast.ada, title="Mine", assigneeId=cast.ada.id, organizationId=cast.acme)
    task(cast.ada, title="Finished", assigneeId=cast.ada.id, status="completed")
    task(cast.ada, title="Coras", assigneeId=cast.cora.id)
    text = main(page(cast.ada, "/tasks"))
    assert '<h1 tabindex="-1">My tasks</h1>' in text
    assert ">Mine<" in text
    assert ">Finished<" not in text
    assert ">Coras<" not in text
    assert f'href="/organizations/{cast.acme}">Acme Corporation</a>' in text


def test_what_the_list_shows_is_said_and_can_be_taken_away(cast: Cast) -> None:
    task(cast.ada, title="Coras", assigneeId=cast.cora.id)
    text = main(page(cast.ada, "/tasks"))
    chips = re.findall(r'class="chip" href="([^"]+)" aria-label="Remove the filter: ([^"]+)"', text)
    assert [words for _, words in chips] == ["Assigned to me", "Open"]
    everybodys = main(page(cast.ada, chips[0][0].replace("&amp;", "&")))
    assert ">Coras<" in everybodys
    assert ">Tasks</h1>" in everybodys
    rest = re.findall(r'class="chip" href="([^"]+)"', everybodys)
    assert rest == ["/tasks?sort=dueDate"]
    assert ">Coras<" in main(page(cast.ada, rest[0]))


def test_tasks_stand_under_when_they_are_due(cast: Cast) -> None:
    for title, due in [("A", day(-3)), ("B", day(0)), ("C", day(40)), ("D", None)]:
        task(cast.ada, title=title, assigneeId=cast.ada.id, dueDate=due)
    text = main(page(cast.ada, "/tasks"))
    order = re.findall(r'(?:scope="rowgroup"[^>]*|class="words")>(\w[\w ]*)<', text)
    assert order == ["Overdue", "A", "Today", "B", "Later", "C", "No date", "D"]
    assert text.count('class="late"') == 1


def test_a_heading_is_not_said_again_on_the_next_page(cast: Cast) -> None:
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
def test_the_filters_are_the_apis(cast: Cast, query: str) -> None:
    task(cast.ada, title="Call Globex", priority="high")
    listed = [one["title"] for one in cast.ada.get(f"/api/tasks?{query}").json()]
    assert re.findall(r'class="words">([^<]+)<', page(cast.ada, f"/tasks?{query}")) == listed


def test_a_filter_that_is_none_is_refused_by_name(cast: Cast) -> None:
    assert "assigneeId" in page(cast.ada, "/tasks?asigneeId=1", 422)


def test_the_filter_finds_an_organization_by_its_name(cast: Cast) -> None:
    task(cast.ada, title="There", organizationId=cast.globex)
    found = cast.ada.get(
        "/tasks?organization=globex&sort=dueDate", headers=HTML, follow_redirects=False
    )
    assert found.headers["location"] == f"/tasks?sort=dueDate&organizationId={cast.globex}"
    assert ">There<" in main(page(cast.ada, found.headers["location"]))
    near = main(page(cast.ada, "/tasks?organization=Glob&sort=dueDate"))
    assert "No single organization is called “Glob”" in near
    assert f"organizationId={cast.globex}" in near


def test_names_are_proposed_while_one_types(cast: Cast) -> None:
    twin = cast.ada.made("/api/organizations", name="Globex", type="vendor")["id"]
    text = page(cast.ada, "/choices?organization=glob")
    assert set(re.findall(r'value="([^"]+)"', text)) == {
        f"Globex #{cast.globex}",
        f"Globex #{twin}",
    }
    assert "<option" not in page(cast.sam, "/choices?organization=glob")


# ---------------------------------------------------------------- forms of tasks


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


def test_what_is_wrong_with_a_new_task_is_said_and_what_was_typed_is_kept(cast: Cast) -> None:
    answer = sent(cast.ada, "/tasks", title=" ", dueDate="soon", organization="Acm", back="/tasks")
    assert answer.status_code == 422
    assert 'value="Acm"' in answer.text
    assert "is the name of none; choose one of Acme Corporation" in answer.text
    answer = sent(cast.ada, "/tasks", title="T", dueDate="soon", organizationId=str(cast.acme))
    assert answer.status_code == 422
    assert 'id="error-dueDate"' in answer.text
    assert 'value="soon"' in answer.text
    assert cast.ada.get("/api/tasks").json() == []


def test_an_unclear_organization_is_chosen_from_those_that_come_near(cast: Cast) -> None:
    answer = sent(cast.ada, "/tasks", title="T", organization="Acm")
    chosen = re.search(r'type="radio" name="organizationId" value="(\d+)"', answer.text)
    assert chosen
    done(sent(cast.ada, "/tasks", title="T", organization="Acm", organizationId=chosen[1]),
         f"/tasks/{cast.ada.get('/api/tasks').json()[0]['id']}")  # fmt: skip


def test_staff_add_tasks_where_they_may(cast: Cast) -> None:
    assert sent(cast.stan, "/tasks", title="T").status_code == 422
    assert sent(cast.stan, "/tasks", title="T", organizationId=str(cast.globex)).status_code == 422
    assert sent(cast.stan, "/tasks", title="T", organizationId=str(cast.acme)).status_code == 303


def test_a_row_completes_its_task_and_undo_is_offered(cast: Cast) -> None:
    id = task(cast.ada, title="Call", assigneeId=cast.ada.id)
    assert f'action="/tasks/{id}/complete"' in page(cast.ada, "/tasks")
    answer = sent(cast.ada, f"/tasks/{id}/complete", back="/tasks")
    done(answer, "/tasks")
    assert toast(cast.ada, answer) == "Completed Call [undo]"
    assert cast.ada.get(f"/api/tasks/{id}").json()["status"] == "completed"
    assert f'action="/tasks/{id}/reopen"' in page(cast.ada, f"/tasks/{id}")
    done(sent(cast.ada, f"/tasks/{id}/reopen"), f"/tasks/{id}")
    assert cast.ada.get(f"/api/tasks/{id}").json()["status"] == "todo"


def test_a_row_hands_on_and_puts_off(cast: Cast) -> None:
    id = task(cast.ada, title="Call", assigneeId=cast.ada.id, dueDate=day(-1))
    text = page(cast.ada, "/tasks")
    assert f'id="assignee-{id}"' in text
    assert f'<button class="button quiet" name="dueDate" value="{day(0)}">Today</button>' in text
    done(sent(cast.ada, f"/tasks/{id}", assigneeId=str(cast.cora.id), back="/tasks"), "/tasks")
    done(sent(cast.ada, f"/tasks/{id}", dueDate="", back="/tasks"), "/tasks")
    now = cast.ada.get(f"/api/tasks/{id}").json()
    assert (now["assigneeId"], now["dueDate"]) == (cast.cora.id, None)


def test_a_form_returns_to_no_other_site(cast: Cast) -> None:
    id = task(cast.ada, title="Call")
    done(sent(cast.ada, f"/tasks/{id}", title="Ring", back="https://x.example/"), f"/tasks/{id}")
    done(sent(cast.ada, f"/tasks/{id}", title="Call", back="//x.example"), f"/tasks/{id}")
    assert (
        "x.example"
        not in page(cast.ada, "/tasks/new?back=//x.example")
        .partition("Cancel")[0]
        .rpartition("href")[2]
    )


def test_a_task_has_its_way_properties_and_last_changes(cast: Cast) -> None:
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


def test_a_task_is_deleted_with_undo_by_whoever_may(cast: Cast) -> None:
    id = task(cast.ada, title="Call", organizationId=cast.acme)
    assert "/delete" not in main(page(cast.stan, f"/tasks/{id}"))
    assert sent(cast.stan, f"/tasks/{id}/delete").status_code == 403
    answer = sent(cast.cora, f"/tasks/{id}/delete", back="/tasks")
    assert toast(cast.cora, answer) == "Deleted Call [undo]"
    page(cast.cora, f"/tasks/{id}", 404)


# ---------------------------------------------------------------- an organization's tasks


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


# ---------------------------------------------------------------- activities


def logged(cast: Cast, **body: Any) -> int:
    return int(
        cast.ada.made(
            f"/api/organizations/{cast.acme}/activities", **({"text": "They said yes"} | body)
        )["id"]
    )


def test_an_activity_is_logged_in_one_line(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}/activities"
    assert 'name="contactIds"' in page(cast.ada, path)
    fields = {"kind": "call", "text": "Agreed", "organizationId": str(cast.acme), "back": path, "happenedAt": "",
              "contactIds": ["", str(cast.gita_contact), str(cast.stan_contact)], "audience": "client"}  # fmt: skip
    answer = sent(cast.ada, "/activities", **fields)
    done(answer, path)
    assert toast(cast.ada, answer) == "Logged the call [undo]"
    (made,) = cast.ada.get(f"/api{path}").json()
    assert made["contactIds"] == sorted([cast.gita_contact, cast.stan_contact])
    assert (made["kind"], made["audience"]) == ("call", "client")
    assert "Agreed" in main(page(cast.ada, f"/organizations/{cast.acme}")), (
        "the overview has the latest"
    )


def test_a_time_is_read_where_the_viewer_is(cast: Cast) -> None:
    cast.ada.put("/api/user", {"timeZone": "Europe/Zurich"})
    answer = sent(
        cast.ada,
        "/activities",
        text="T",
        organizationId=str(cast.acme),
        happenedAt="2026-01-31T09:30",
    )
    assert answer.status_code == 303, answer.text
    (made,) = cast.ada.get("/api/activities").json()
    assert made["happenedAt"] == "2026-01-31T08:30:00.000Z"
    assert 'value="2026-01-31T09:30"' in page(cast.ada, f"/activities/{made['id']}")


def test_an_activity_is_logged_from_anywhere_by_the_organizations_name(cast: Cast) -> None:
    assert 'name="organization"' in page(cast.ada, "/activities/new")
    answer = sent(
        cast.ada, "/activities", kind="note", text="T", organization="Globex", back="/tasks"
    )
    done(answer, "/tasks")
    assert cast.ada.get("/api/activities").json()[0]["organizationId"] == cast.globex
    assert "Globex" in main(page(cast.ada, f"/activities/new?organizationId={cast.globex}"))


def test_what_is_wrong_with_a_new_activity_is_said_and_what_was_typed_is_kept(cast: Cast) -> None:
    both = ["", str(cast.stan_contact), str(cast.gita_contact)]
    answer = sent(cast.ada, "/activities", text=" ", organizationId=str(cast.acme), contactIds=both)
    assert all(f'value="{id}" checked' in answer.text for id in both[1:])
    answer = sent(cast.ada, "/activities", text="Typed", organization="Glob")
    assert answer.status_code == 422
    assert ">Typed</textarea>" in answer.text
    assert "choose one of Globex" in answer.text
    assert (
        "This is not named yet; type the beginning"
        in sent(cast.ada, "/activities", text="Typed").text
    )
    answer = sent(cast.ada, "/activities", text=" ", organizationId=str(cast.acme), happenedAt="yesterday",
                  contactIds=["", str(cast.gita_contact)])  # fmt: skip
    assert answer.status_code == 422
    assert 'id="error-text"' in answer.text
    assert 'id="error-happenedAt"' in answer.text
    assert f'value="{cast.gita_contact}" checked' in answer.text
    assert cast.ada.get("/api/activities").json() == []


def test_an_activity_is_changed_and_deleted_with_undo(cast: Cast) -> None:
    id = logged(
        cast,
        contactIds=[cast.gita_contact, cast.stan_contact],
        happenedAt="2026-01-31T08:30:12.345Z",
    )
    text = page(cast.ada, f"/activities/{id}")
    before = re.search(r'name="happenedBefore" value="([^"]+)"', text)
    assert before
    answer = sent(cast.ada, f"/activities/{id}", kind="meeting", text="Changed", happenedAt=before[1],
                  happenedBefore=before[1], contactIds=["", str(cast.stan_contact)])  # fmt: skip
    assert toast(cast.ada, answer) == "Changed the meeting [undo]"
    now = cast.ada.get(f"/api/activities/{id}").json()
    assert (now["kind"], now["text"], now["contactIds"]) == (
        "meeting",
        "Changed",
        [cast.stan_contact],
    )
    assert now["happenedAt"] == "2026-01-31T08:30:12.345Z", "a field without seconds rounds nothing"
    answer = sent(cast.ada, f"/activities/{id}/delete")
    assert answer.headers["location"] == f"/organizations/{cast.acme}/activities"
    assert toast(cast.ada, answer) == "Deleted the meeting [undo]"


def test_a_contact_that_is_no_member_any_more_stays_linked(cast: Cast) -> None:
    id = logged(cast, contactIds=[cast.gita_contact])
    assert (
        cast.ada.delete(f"/api/organizations/{cast.acme}/members/{cast.gita_contact}").status_code
        == 204
    )
    text = page(cast.ada, f"/activities/{id}")
    assert f'value="{cast.gita_contact}" checked' in text


def test_activities_are_filtered_by_person_and_kind(cast: Cast) -> None:
    logged(cast, kind="call", text="First", contactIds=[cast.gita_contact])
    logged(cast, kind="note", text="Second")
    path = f"/organizations/{cast.acme}/activities"
    for query, shown in [("kind:in=note", ["Second"]), (f"contactId={cast.gita_contact}", ["First"]),
                         (f"authorId={cast.cora.id}", []), ("", ["Second", "First"])]:  # fmt: skip
        said = re.findall(r'class="said"><p>(\w+)</p>', page(cast.ada, f"{path}?{query}"))
        assert said == shown, query
    assert "No activities match." in page(cast.ada, f"{path}?authorId={cast.cora.id}")


def test_more_activities_follow_by_themselves(cast: Cast) -> None:
    for word in "AB":
        logged(cast, text=word)
    for path in (f"/organizations/{cast.acme}/activities", "/activities"):
        more = re.search(r'href="([^"]*cursor=[^"]*)"', page(cast.ada, f"{path}?limit=1"))
        assert more
        asked = {**HTML, "HX-Request": "true", "HX-Target": "li#more"}
        part = cast.ada.get(more[1].replace("&amp;", "&"), headers=asked).text
        assert re.findall(r'class="said"><p>(\w+)</p>', part) == ["A"]
        assert "<main" not in part


# ---------------------------------------------------------------- who may


def test_guests_see_what_is_for_clients_and_no_form_that_would_fail(cast: Cast) -> None:
    own = task(cast.ada, title="For them", organizationId=cast.acme, audience="client")
    ours = task(cast.ada, title="For us", organizationId=cast.acme)
    shared, kept = logged(cast, audience="client", text="Shared"), logged(cast, text="Kept")
    for path in (f"/tasks/{own}", "/tasks?sort=dueDate", f"/organizations/{cast.acme}/tasks",
                 f"/organizations/{cast.acme}/activities", f"/organizations/{cast.acme}", "/activities",
                 f"/activities/{shared}"):  # fmt: skip
        text = page(cast.gita, path)
        assert set(re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', text)) <= {
            "/logout"
        }, path
        assert "/new" not in main(text).replace("/views/new", ""), path
        assert "For us" not in text
        assert "Kept" not in text
    page(cast.gita, f"/tasks/{ours}", 404)
    page(cast.gita, f"/activities/{kept}", 404)
    page(cast.gita, "/tasks/new", 403)
    page(cast.gita, "/activities/new", 403)


def test_guests_and_strangers_change_nothing_by_forms(cast: Cast) -> None:
    id = task(cast.ada, title="T", organizationId=cast.acme, audience="client")
    happened = logged(cast, audience="client")
    paths = ("/tasks", f"/tasks/{id}", f"/tasks/{id}/complete", f"/tasks/{id}/reopen", f"/tasks/{id}/delete",
             "/activities", f"/activities/{happened}", f"/activities/{happened}/delete")  # fmt: skip
    for path in paths:
        assert sent(cast.gita, path, title="X", text="X").status_code == 403, path
        if path not in ("/tasks", "/activities"):
            assert sent(cast.sam, path, title="X", text="X").status_code in (403, 404), path
            assert sent(cast.olga, path, title="X", text="X").status_code == 404, path
    assert cast.ada.get(f"/api/tasks/{id}").json()["title"] == "T"


def test_staff_log_and_change_but_do_not_delete(cast: Cast) -> None:
    id = logged(cast)
    text = main(page(cast.stan, f"/organizations/{cast.acme}/activities"))
    assert 'action="/activities"' in text
    assert "/delete" not in text
    assert "/delete" not in main(page(cast.stan, f"/activities/{id}"))
    assert (
        sent(cast.stan, "/activities", text="T", organizationId=str(cast.acme)).status_code == 303
    )
    assert (
        sent(cast.stan, "/activities", text="T", organizationId=str(cast.globex)).status_code == 404
    )
    assert sent(cast.stan, f"/activities/{id}", text="Better").status_code == 303
    assert sent(cast.stan, f"/activities/{id}/delete").status_code == 403


@pytest.mark.parametrize("path", ["/tasks", "/tasks/new", "/activities", "/activities/new"])
def test_who_is_not_signed_in_signs_in_first(cast: Cast, path: str) -> None:
    answer = cast.nobody.get(path, headers=HTML, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/login?next=" + path.replace("/", "%2F"),
    )
