"""The pages of projects: lists, forms and their refusals."""

import json
import re
from datetime import UTC, datetime, timedelta

from retainer.http.fields import Audience
from retainer.records.projects.model import Project, ProjectStatus, stalled
from support.cast import Cast
from support.pages.forms import done, page, project, sent


def titles(text: str) -> list[str]:
    return re.findall(r'<a href="/projects/\d+" title="([^"]+)"[^>]* data-row>', text)


def test_projects_are_listed_by_when_they_are_due(cast: Cast) -> None:
    project(cast, title="Later", dueDate="2999-01-01")
    project(cast, title="Late", dueDate="2020-01-01", status="active")
    project(cast, title="Over", dueDate="2020-01-02", status="completed")
    project(cast, title="Elsewhere", organizationId=cast.globex)
    text = page(cast.cora, "/projects").text
    assert titles(text) == ["Late", "Over", "Later", "Elsewhere"]
    assert len(re.findall('class="late"', text)) == 1
    assert "Clear filters" not in text
    assert titles(
        page(cast.cora, "/projects?status:in=planned,active,on_hold&dueDate:lt=today").text
    ) == ["Late"]
    assert titles(page(cast.cora, "/projects?dueDate:lt=today&sort=-dueDate").text) == [
        "Over",
        "Late",
    ]
    assert titles(page(cast.cora, f"/projects?organizationId={cast.globex}").text) == ["Elsewhere"]
    assert titles(page(cast.cora, "/projects?organization=globex").text) == ["Elsewhere"]
    cast.ada.made("/api/organizations", name="Globe Trotters", type="vendor")
    unclear = page(cast.cora, "/projects?organization=glob").text
    assert "No single organization is called “glob”" in unclear
    assert f'href="/projects?organizationId={cast.globex}"' in unclear
    assert page(cast.cora, "/projects?nonsense=1").status_code == 422
    assert page(cast.cora, "/projects?organizationId=x").status_code == 422


def test_more_projects_are_loaded_in_the_same_order(cast: Cast) -> None:
    for number in range(53):
        project(cast, title=f"Project {number:02}", dueDate=f"2999-01-{number % 28 + 1:02}")
    text = page(cast.cora, "/projects").text
    more = re.search(r'hx-get="(/projects\?[^"]+)"', text)
    assert more
    rest = page(cast.cora, more[1].replace("&amp;", "&")).text
    assert len({*titles(text), *titles(rest)}) == 53


def test_an_active_project_without_changes_is_stalled() -> None:
    def row(id: int, status: str, days: int) -> Project:
        at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        return Project(
            id=id,
            organization_id=1,
            external_id=None,
            title="Portal",
            description=None,
            status=ProjectStatus(status),
            start_date=None,
            due_date=None,
            audience=Audience.INTERNAL,
            created_at=at,
            updated_at=at,
        )

    rows = [
        row(1, "active", 29),
        row(2, "active", 31),
        row(3, "completed", 90),
        row(4, "active", 0),
    ]
    assert stalled(rows) == {2: 31}


def test_a_project_is_added_for_an_organization(cast: Cast) -> None:
    assert (
        "For Acme Corporation" in page(cast.cora, f"/projects/new?organizationId={cast.acme}").text
    )
    assert 'name="organization"' in page(cast.cora, "/projects/new?organizationId=999999999").text
    fields = {
        "title": "Portal",
        "status": "active",
        "startDate": "",
        "dueDate": "2026-01-31",
        "audience": "client",
    }
    text = done(
        cast.cora, sent(cast.cora, "/projects", organizationId=cast.acme, **fields), "Added Portal"
    )
    assert f'<a href="/organizations/{cast.acme}">Acme Corporation</a>' in text
    done(cast.cora, sent(cast.cora, "/projects", organization="Globex", **fields), "Added Portal")
    cast.ada.made("/api/organizations", name="Globe Trotters", type="vendor")
    unclear = sent(cast.cora, "/projects", organization="glo", **fields)
    assert unclear.status_code == 422
    assert f'name="organizationId" value="{cast.globex}"' in unclear.text
    assert 'value="Portal"' in unclear.text
    wrong = sent(
        cast.cora,
        "/projects",
        organizationId=cast.acme,
        **fields | {"title": "", "dueDate": "soon"},
    )
    assert wrong.status_code == 422
    assert {'id="error-title"', 'id="error-dueDate"'} <= set(
        re.findall(r'id="error-\w+"', wrong.text)
    )
    gone = sent(cast.cora, "/projects", organizationId=10**14, **fields)
    assert gone.status_code == 422
    assert "no such organization" in gone.text


def test_a_project_is_changed_in_place_and_deleted(cast: Cast) -> None:
    id = project(cast)
    version = re.search(r'name="version" value="([\d-]+)"', page(cast.cora, f"/projects/{id}").text)
    assert version
    done(
        cast.cora,
        sent(cast.cora, f"/projects/{id}", version=version[1], dueDate="2026-02-01"),
        "Changed due date of Audit",
    )
    assert (
        sent(cast.ada, f"/projects/{id}", version=version[1], dueDate="2026-03-01").status_code
        == 409
    )
    wrong = sent(cast.cora, f"/projects/{id}", dueDate="soon")
    assert wrong.status_code == 422
    assert 'value="soon"' in wrong.text
    done(
        cast.cora,
        sent(cast.cora, f"/projects/{id}", description="One\n\nTwo"),
        "Changed description of Audit",
    )
    done(
        cast.cora,
        sent(cast.cora, f"/projects/{id}/delete", back=f"/organizations/{cast.acme}"),
        "Deleted Audit",
    )
    assert page(cast.cora, f"/projects/{id}").status_code == 404


def test_a_task_of_a_project_is_added_in_a_line(cast: Cast) -> None:
    id = project(cast)
    fields = {"title": "Call them", "assigneeId": cast.stan.id, "dueDate": "2020-01-01"}
    text = done(cast.stan, sent(cast.stan, f"/projects/{id}/tasks", **fields), "Added Call them")
    assert 'class="late"' in text
    made = cast.ada.get(f"/api/tasks?projectId={id}").json()[0]
    assert (made["organizationId"], made["assigneeId"]) == (cast.acme, cast.stan.id)
    wrong = sent(cast.stan, f"/projects/{id}/tasks", title=" ", dueDate="soon")
    assert wrong.status_code == 422
    assert 'value="soon"' in wrong.text
    cast.ada.put(f"/api/tasks/{made['id']}", {"status": "completed"})
    assert "Nothing to do here." in page(cast.cora, f"/projects/{id}").text


def test_a_projects_documents_are_those_the_viewer_sees(cast: Cast) -> None:
    id = project(cast, audience="client")
    for name, audience in (("Blueprint", "internal"), ("Offer", "client")):
        cast.ada.made(
            "/api/documents", name=name, url="https://x.example", projectIds=[id], audience=audience
        )
    assert "Blueprint" in page(cast.cora, f"/projects/{id}").text
    guests = page(cast.gita, f"/projects/{id}").text
    assert "Offer" in guests
    assert "Blueprint" not in guests.partition("<main")[2]
    assert "Last changes" not in guests


def test_a_projects_tasks_are_the_rows_of_my_tasks_with_their_progress(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Roll-out")["id"]
    bodies = [{"title": f"Open {n:03}", "projectId": project} for n in range(60)]
    bodies += [
        {"title": f"Done {n}", "projectId": project, "status": "completed"} for n in range(5)
    ]
    lines = [json.dumps({"method": "POST", "path": "/tasks", "body": body}) for body in bodies]
    headers = {"Content-Type": "application/x-ndjson"}
    assert cast.ada.post("/api/bulk", content="\n".join(lines), headers=headers).status_code == 200
    text = page(cast.ada, f"/projects/{project}").text
    assert "5 of 65 done" in text
    assert len(re.findall(r'id="due-\d', text)) == text.count('name="assigneeId" aria-label') == 50
    (more,) = re.findall(r'hx-get="(/projects/[^"]+)"', text)
    part = cast.ada.get(
        more.replace("&amp;", "&"),
        headers={"Accept": "text/html", "HX-Request": "true", "HX-Target": "tbody#more"},
    ).text
    assert part.count('id="task-') == 10 and "<main" not in part
    assert f'name="back" value="/projects/{project}"' in part, "completing returns to the project"
