"""The pages of contacts and projects: who sees what, what each form does, and what it says where something is wrong."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from conftest import Cast, Person
from retainer.records.projects.model import stalled

HTML = {"Accept": "text/html"}


def page(person: Person, path: str) -> httpx.Response:
    return person.get(path, headers=HTML, follow_redirects=False)


def sent(person: Person, path: str, **fields: Any) -> httpx.Response:
    form = {"Content-Type": "application/x-www-form-urlencoded"} if not fields else {}
    return person.post(path, data=fields, headers=HTML | form, follow_redirects=False)


def followed(person: Person, answer: httpx.Response) -> str:
    """The page that a form leads to, which tells what was done and offers to undo it."""
    assert answer.status_code == 303, answer.text
    told = answer.headers["set-cookie"].partition(";")[0]
    cookie = f"connect.sid={person.token}; {told}"
    shown = person.get(answer.headers["location"], headers=HTML | {"Cookie": cookie})
    assert shown.status_code == 200
    return shown.text


def done(person: Person, answer: httpx.Response, words: str) -> str:
    text = followed(person, answer)
    assert words in text
    assert re.search(r'action="/operations/\d+/undo"', text)
    return text


def project(cast: Cast, **fields: Any) -> int:
    return int(
        cast.ada.made("/api/projects", **{"organizationId": cast.acme, "title": "Audit"} | fields)[
            "id"
        ]
    )


def test_lists_and_records_are_for_those_who_see_them(cast: Cast) -> None:
    internal, client = (
        project(cast, title="Hidden"),
        project(cast, title="Shown", audience="client"),
    )
    stranger = cast.contact("Stranger")
    for person in (cast.ada, cast.cora, cast.stan, cast.gita, cast.sam):
        assert page(person, "/contacts").status_code == 200
        assert page(person, "/projects").status_code == 200
    for path in (
        "/contacts",
        f"/contacts/{stranger}",
        "/projects",
        f"/projects/{client}",
        "/contacts/export",
    ):
        answer = page(cast.nobody, path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=")
    assert [page(who, f"/contacts/{stranger}").status_code for who in (cast.cora, cast.stan, cast.gita, cast.olga)] == [
        200, 404, 404, 404,
    ]  # fmt: skip
    assert [page(who, f"/projects/{internal}").status_code for who in (cast.cora, cast.stan, cast.gita, cast.sam)] == [
        200, 200, 404, 404,
    ]  # fmt: skip
    assert page(cast.gita, f"/projects/{client}").status_code == 200
    assert "Hidden" not in page(cast.gita, "/projects").text


@pytest.mark.parametrize(
    "path",
    ["/contacts/new", "/contacts/{contact}/members", "/projects/new", "/projects/{project}/tasks"],
)
def test_dialogs_are_for_those_who_may_save_them(cast: Cast, path: str) -> None:
    path = path.format(contact=cast.gita_contact, project=project(cast, audience="client"))
    assert page(cast.cora, path).status_code == 200
    assert page(cast.gita, path).status_code == 403
    assert page(cast.nobody, path).status_code == 303


def buttons(text: str) -> set[tuple[str, str]]:
    """Where what a page shows sends forms that change something, and the dialogs that it opens."""
    shown = text.partition("<main")[2].partition("</main>")[0]
    return set(re.findall(r'method="post" action="([^"]+)"|href="([^"]+)"[^>]* data-dialog', shown))


def test_guests_and_staff_see_no_button_that_would_fail(cast: Cast) -> None:
    id = project(cast, audience="client")
    member = f"/contacts/{cast.stan_contact}"
    for path in ("/contacts", member, "/projects", f"/projects/{id}"):
        assert buttons(page(cast.gita, path).text) == set()
    assert buttons(page(cast.stan, member).text) == set()
    assert buttons(page(cast.stan, f"/projects/{id}").text) == {(f"/projects/{id}/tasks", "")}
    assert {(f"{member}/delete", ""), ("", f"{member}/members")} <= buttons(
        page(cast.cora, member).text
    )
    assert (f"/projects/{id}/delete", "") in buttons(page(cast.cora, f"/projects/{id}").text)


def test_forms_refuse_those_without_the_permission(cast: Cast) -> None:
    id, contact = project(cast, audience="client"), cast.gita_contact
    for path, fields in {
        "/contacts": {"fullName": "X", "email": "x@example.com", "type": "client"},
        f"/contacts/{contact}": {"title": "Boss"},
        f"/contacts/{contact}/delete": {},
        f"/contacts/{contact}/members": {"organizationId": cast.globex, "role": "member"},
        f"/contacts/{contact}/members/{cast.acme}": {"role": "stakeholder"},
        f"/contacts/{contact}/members/{cast.acme}/remove": {},
        "/projects": {"title": "X", "organizationId": cast.acme},
        f"/projects/{id}": {"title": "X"},
        f"/projects/{id}/delete": {},
        f"/projects/{id}/tasks": {"title": "X"},
    }.items():
        assert sent(cast.gita, path, **fields).status_code == 403, path
        assert sent(cast.nobody, path, **fields).status_code == 401, path
    assert (
        sent(cast.stan, f"/contacts/{contact}/members/{cast.globex}", role="member").status_code
        == 404
    )


def test_a_person_is_found_and_listed_as_asked(cast: Cast) -> None:
    cast.ada.made("/api/contacts", fullName="Zoë Quill", email="zoe@example.com", type="vendor", isActive=False,
                  phone="+41 44 555", company="Quill Ltd")  # fmt: skip
    text = page(cast.cora, "/contacts?q=quill").text
    assert "Zoë Quill" in text
    assert 'href="mailto:zoe@example.com"' in text
    assert 'href="tel:+4144555"' in text
    assert "Gita" not in text.partition("<table")[2]
    assert "Zoë Quill" not in page(cast.cora, "/contacts?isActive=true").text
    assert (
        "Zoë Quill" in page(cast.cora, "/contacts?type:in=vendor&type:in=client&sort=-email").text
    )
    assert "No contacts match." in page(cast.cora, "/contacts?q=nobody-of-that-name").text
    assert page(cast.cora, "/contacts?nonsense=1").status_code == 422


def test_more_contacts_are_loaded_below(cast: Cast) -> None:
    for number in range(55):
        cast.contact(f"Person {number:02}")
    text = page(cast.cora, "/contacts").text
    assert len(re.findall(r'<tr id="row-', text)) == 50
    more = re.search(r'hx-get="(/contacts\?[^"]+)"', text)
    assert more
    rest = cast.cora.get(
        more[1].replace("&amp;", "&"),
        headers=HTML | {"HX-Request": "true", "HX-Target": "tbody#more"},
    )
    assert "<main" not in rest.text
    assert len(re.findall(r'<tr id="row-', rest.text)) == 7


def test_the_view_of_contacts_is_exported_as_it_is_shown(cast: Cast) -> None:
    cast.contact("Vera", "vendor")
    shown = page(cast.gita, "/contacts/export?type:in=internal&sort=-fullName")
    assert shown.headers["content-type"].startswith("text/csv")
    assert "attachment" in shown.headers["content-disposition"]
    assert [line.split(",")[1] for line in shown.text.splitlines()] == ["fullName", "Stan"]
    assert "Vera" in page(cast.cora, "/contacts/export").text
    assert (
        'href="/contacts/export?type:in=vendor"' in page(cast.cora, "/contacts?type:in=vendor").text
    )


def test_a_contact_is_added_or_the_form_says_why_not(cast: Cast) -> None:
    fields = {
        "fullName": "Ida",
        "email": "ida@example.com",
        "type": "client",
        "phone": "",
        "company": "Ida & Co",
    }
    text = done(cast.cora, sent(cast.cora, "/contacts", **fields), "Added Ida")
    assert "Ida &amp; Co" in text
    again = sent(
        cast.cora, "/contacts", **fields | {"fullName": "Ida B", "email": "IDA@example.com"}
    )
    assert again.status_code == 409
    assert 'value="Ida B"' in again.text
    assert re.search(r'that of <a href="/contacts/\d+">Ida</a>', again.text)
    wrong = sent(cast.cora, "/contacts", **fields | {"email": "nowhere", "fullName": ""})
    assert wrong.status_code == 422
    assert {'id="error-email"', 'id="error-fullName"'} <= set(
        re.findall(r'id="error-\w+"', wrong.text)
    )
    assert 'value="nowhere"' in wrong.text


def test_a_contact_is_changed_in_place_unless_somebody_else_has(cast: Cast) -> None:
    path = f"/contacts/{cast.gita_contact}"
    version = re.search(r'name="version" value="([\d-]+)"', page(cast.cora, path).text)
    assert version
    done(
        cast.cora,
        sent(cast.cora, path, version=version[1], title="Head of IT"),
        "Changed title of Gita",
    )
    late = sent(cast.ada, path, version=version[1], title="Director")
    assert late.status_code == 409
    assert "Head of IT" in late.text
    assert "Director" in late.text
    done(cast.cora, sent(cast.cora, path, isActive="false"), "Set Gita inactive")
    wrong = sent(cast.cora, path, email="x")
    assert wrong.status_code == 422
    assert 'value="x"' in wrong.text


def test_a_contact_shows_organizations_roles_and_the_last_touch(cast: Cast) -> None:
    activities = f"/api/organizations/{cast.acme}/activities"
    for person in (cast.cora, cast.cora, cast.ada):
        person.made(activities, text="Talked", kind="call", contactIds=[cast.gita_contact])
    cast.ada.made(
        f"/api/organizations/{cast.globex}/members", contactId=cast.gita_contact, role="stakeholder"
    )
    text = page(cast.cora, f"/contacts/{cast.gita_contact}").text
    assert text.index("Acme Corporation") < text.index("Globex")
    assert "last touch" in text
    assert re.search(
        r"Known by <strong>Cora</strong>.*2 times.*<strong>Ada</strong>.*1 time", text, re.DOTALL
    )
    staff = page(cast.stan, f"/contacts/{cast.gita_contact}").text
    assert "Acme Corporation" in staff
    assert "Globex" not in staff
    assert "Talked" not in page(cast.gita, f"/contacts/{cast.gita_contact}").text


def test_a_contact_joins_an_organization_by_its_name(cast: Cast) -> None:
    contact = cast.contact("Nina")
    path = f"/contacts/{contact}/members"
    near = sent(cast.cora, path, organization="Acme", role="billing_contact")
    assert near.status_code == 422
    assert f'name="organizationId" value="{cast.acme}"' in near.text
    assert 'value="billing_contact" selected' in near.text
    assert sent(cast.cora, path, organization=" ", role="member").status_code == 422
    done(
        cast.cora,
        sent(cast.cora, path, organization="acme corporation", role="member"),
        "Added Nina to Acme Corporation",
    )
    twice = sent(cast.cora, path, organizationId=cast.acme, role="member")
    assert twice.status_code == 409
    assert "already" in twice.text
    assert sent(cast.cora, path, organizationId=cast.globex, role="king").status_code == 422
    assert sent(cast.cora, path, organizationId=10**14, role="member").status_code == 404
    done(
        cast.cora,
        sent(cast.cora, f"{path}/{cast.acme}", role="stakeholder"),
        "Made Nina stakeholder of Acme Corporation",
    )
    done(
        cast.cora,
        sent(cast.cora, f"{path}/{cast.acme}/remove"),
        "Removed Nina from Acme Corporation",
    )
    assert sent(cast.cora, f"{path}/{cast.acme}/remove").status_code == 404


def test_organizations_are_proposed_while_one_types(cast: Cast) -> None:
    found = page(cast.cora, "/choices?organization=acm").text
    assert 'value="Acme Corporation"' in found
    assert "<option" not in page(cast.sam, "/choices?organization=acm").text
    assert "<option" not in page(cast.cora, "/choices?organization=").text


def test_a_contact_is_deleted_unless_something_keeps_it(cast: Cast) -> None:
    kept = sent(cast.cora, f"/contacts/{cast.gita_contact}/delete")
    assert kept.status_code == 409
    assert "Gita was not deleted" in kept.text
    assert "Acme Corporation" in kept.text
    assert 'name="isActive" value="false"' in kept.text
    sent(cast.cora, f"/contacts/{cast.gita_contact}/members/{cast.acme}/remove")
    behind = sent(cast.cora, f"/contacts/{cast.gita_contact}/delete")
    assert behind.status_code == 409
    assert cast.gita.username in behind.text
    free = cast.contact("Free")
    done(cast.cora, sent(cast.cora, f"/contacts/{free}/delete"), "Deleted Free")
    assert page(cast.cora, f"/contacts/{free}").status_code == 404


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


def test_an_active_project_without_changes_stands_still() -> None:
    def row(id: int, status: str, days: int) -> dict[str, Any]:
        return {
            "id": id,
            "status": status,
            "updatedAt": (datetime.now(UTC) - timedelta(days=days)).isoformat(),
        }

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
    assert "Late, " in text
    made = cast.ada.get(f"/api/tasks?projectId={id}").json()[0]
    assert (made["organizationId"], made["assigneeId"]) == (cast.acme, cast.stan.id)
    wrong = sent(cast.stan, f"/projects/{id}/tasks", title=" ", dueDate="soon")
    assert wrong.status_code == 422
    assert 'value="soon"' in wrong.text
    cast.ada.put(f"/api/tasks/{made['id']}", {"status": "completed"})
    assert "Nothing to do here." in page(cast.cora, f"/projects/{id}").text


def test_documents_of_a_project_are_those_one_sees(cast: Cast) -> None:
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
