"""Properties that are edited in place: conflicts of single fields, and refused values."""

import html
import re
from typing import Any

import httpx
import pytest

from retainer.pages import edit
from retainer.pages.activities.form import FIELDS as ACTIVITY
from retainer.pages.documents.form import LINK
from retainer.pages.organizations.handlers import FIELDS as ORGANIZATION
from retainer.pages.projects.handlers import FIELDS as PROJECT
from retainer.pages.tasks.handlers import FIELDS as TASK
from retainer.pages.users.handlers import FIELDS as USER
from support.cast import Cast, Person
from support.pages.browser_forms import Forms
from support.pages.sitemap import FORM, HTML, get, post


def version(person: Person, path: str) -> str:
    return re.findall(r'name="version" value="([^"]+)"', get(person, path).text)[0]


def by_script(person: Person, path: str, **fields: Any) -> httpx.Response:
    """The answer to the form of a property that a script sends."""
    headers = {"HX-Request": "true", "HX-Source": "main#main", "HX-Target": "main#main"}
    return person.request(
        "POST", path, headers=HTML | FORM | headers, data=fields, follow_redirects=False
    )


def test_two_people_who_change_different_fields_both_keep_their_change(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    shown = version(cast.ada, path)
    answer = post(cast.cora, path, website="https://acme.example", version=shown)
    assert answer.status_code == 303
    assert post(cast.ada, path, industry="Energy", version=shown).status_code == 303
    assert post(cast.ada, path, tags="a, b", version=shown).status_code == 303
    found = cast.ada.get(f"/api{path}").json()
    assert (found["website"], found["industry"], found["tags"]) == (
        "https://acme.example", "Energy", ["a", "b"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("/contacts/{contact}", {"title": "Buyer"}, {"company": "Acme"}),
        ("/users/{user}", {"fullName": "Gitta"}, {"role": "staff"}),
    ],
)
def test_each_record_is_compared_field_by_field(
    cast: Cast, path: str, one: dict[str, str], other: dict[str, str]
) -> None:
    path = path.format(contact=cast.gita_contact, user=cast.gita.id)
    shown = version(cast.ada, path)
    for fields in (one, other):
        assert post(cast.ada, path, **fields, version=shown).status_code == 303
    found = cast.ada.get(f"/api{path}").json()
    assert {name: found[name] for name in one | other} == one | other


def test_a_whole_form_changes_only_what_was_edited_in_it(cast: Cast) -> None:
    made = cast.ada.made(
        f"/api/organizations/{cast.acme}/activities", text="Old", contactIds=[cast.gita_contact]
    )
    path = f"/activities/{made['id']}"
    shown = version(cast.ada, path)
    cast.cora.put(f"/api{path}", {"audience": "client", "contactIds": []})
    before = {"contactsBefore": str(cast.gita_contact), "contactIds": str(cast.gita_contact)}
    answer = post(
        cast.ada, path, text="New", audience="internal", kind=made["kind"], version=shown, **before
    )
    assert answer.status_code == 303
    found = cast.ada.get(f"/api{path}").json()
    assert (found["text"], found["audience"], found["contactIds"]) == ("New", "client", [])


def test_a_conflict_names_the_record_and_shows_the_fields_that_both_changed(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    shown = version(cast.ada, path)
    cast.cora.put(f"/api{path}", {"ownerId": cast.cora.id, "industry": "Energy"})
    clash = post(cast.ada, path, ownerId=cast.ada.id, version=shown)
    assert clash.status_code == 409
    text = clash.text.partition("<main")[2]
    assert re.search(rf'<a href="{path}">Acme Corporation</a>', text)
    assert re.search(r'>Owner</th>\s*<td dir="auto">Cora</td>\s*<td[^>]*><ins>Ada</ins>', text)
    assert "Energy" not in text
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', text.partition("<form")[2]))
    assert post(cast.ada, path, **fields).status_code == 303
    found = cast.ada.get(f"/api{path}").json()
    assert (found["ownerId"], found["industry"]) == (cast.ada.id, "Energy")


def test_the_same_change_by_two_people_is_no_conflict(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    shown = version(cast.ada, path)
    for person in (cast.cora, cast.ada):
        assert post(person, path, industry="Energy", version=shown).status_code == 303


@pytest.mark.parametrize(("name", "value"), [("domains", "not a domain"), ("name", "")])
def test_a_refused_property_is_shown_in_its_place_with_the_error_below(
    cast: Cast, name: str, value: str
) -> None:
    path = f"/organizations/{cast.acme}"
    fields = {name: value, "version": version(cast.ada, path), "back": f"{path}/tasks"}
    answer = by_script(cast.ada, path, **fields)
    assert answer.status_code == 422
    assert answer.headers["hx-retarget"] == answer.headers["hx-reselect"] == f"#property-{name}"
    for answer in (answer, post(cast.ada, path, **fields)):
        assert answer.status_code == 422
        place = answer.text.partition(f'id="property-{name}"')[2].partition('id="property-')[0]
        assert f'value="{value}"' in place.partition("<label")[2]
        assert 'aria-invalid="true"' in place
        assert re.search(rf'<p class="error" id="error-{name}" role="alert">This must ', place)
        assert answer.text.count("aria-invalid") == 1
        assert "<h1" in answer.text
        assert "Not saved yet" not in answer.text


def test_a_refused_property_of_any_record_is_shown_in_its_place(cast: Cast) -> None:
    task = cast.ada.made("/api/tasks", title="T")["id"]
    project = cast.ada.made("/api/projects", title="P", organizationId=cast.acme)["id"]
    document = cast.ada.made("/api/documents", name="D", url="https://x.example")["id"]
    email = cast.ada.get(f"/api/contacts/{cast.stan_contact}").json()["email"]
    for path, name, value in [
        (f"/tasks/{task}", "title", ""),
        (f"/tasks/{task}", "dueDate", "2026-02-31"),
        (f"/tasks/{task}", "description", "x" * 20_001),
        (f"/tasks/{task}", "organization", "nobody at all"),
        (f"/projects/{project}", "startDate", "soon"),
        (f"/documents/{document}", "name", ""),
        (f"/contacts/{cast.gita_contact}", "email", email),
        (f"/users/{cast.sam.id}", "fullName", ""),
        (f"/users/{cast.sam.id}", "contact", "nobody@example.com"),
    ]:
        answer = by_script(cast.ada, path, version=version(cast.ada, path), **{name: value})
        assert answer.status_code in (409, 422), (path, name)
        assert answer.headers["hx-retarget"] == f"#property-{name}", path
        place = answer.text.partition(f'id="property-{name}"')[2].partition('id="property-')[0]
        assert f'id="error-{name}"' in place, (path, name)
        assert value in place


def test_an_organization_that_is_saved_unchanged_keeps_the_tasks_project(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", title="P", organizationId=cast.acme)["id"]
    other = cast.ada.made("/api/projects", title="Q", organizationId=cast.globex)["id"]
    both = cast.ada.made("/api/tasks", title="B", organizationId=cast.acme, projectId=project)["id"]
    one = cast.ada.made("/api/tasks", title="O", projectId=other)["id"]
    assert 'value="Globex"' in get(cast.ada, f"/tasks/{one}").text
    for id, named, homes in [
        (both, "Acme Corporation", (cast.acme, project)),
        (one, "Globex", (None, other)),
        (both, "Globex", (cast.globex, None)),
        (one, "Acme Corporation", (cast.acme, None)),
    ]:
        assert post(cast.ada, f"/tasks/{id}", organization=named).status_code == 303
        task = cast.ada.get(f"/api/tasks/{id}").json()
        assert (task["organizationId"], task["projectId"]) == homes


def test_a_tag_with_a_comma_survives_another_one(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    cast.ada.put(f"/api{path}", {"tags": ["Zürich, CH", "vip"]})
    kept = re.findall(r'<button name="tags" value="([^"]*)"', get(cast.ada, path).text)
    assert [html.unescape(one) for one in kept] == ['"Zürich, CH"', "vip"]
    post(cast.ada, path, list="add", tags="new", version=version(cast.ada, path))
    assert cast.ada.get(f"/api{path}").json()["tags"] == ["Zürich, CH", "vip", "new"]


def test_a_text_keeps_the_line_break_that_it_begins_with(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"description": "\nBelow"})
    text = get(cast.ada, f"/organizations/{cast.acme}").text
    assert re.search(r'<textarea [^>]*name="description"[^>]*>\n\nBelow</textarea>', text)


def test_values_that_people_write_take_their_own_direction(cast: Cast) -> None:
    text = get(cast.ada, f"/organizations/{cast.acme}").text
    for name in ("name", "industry", "description"):
        assert re.search(rf'<(input|textarea) [^>]*name="{name}"[^>]*dir="auto"', text), name


def test_an_organizations_parent_and_metadata_are_edited_in_the_page(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    shown = version(cast.ada, path)
    assert post(cast.ada, path, parent="Globex", version=shown).status_code == 303
    assert post(cast.ada, path, metadata='{"Region": "Alps"}', version=shown).status_code == 303
    found = cast.ada.get(f"/api{path}").json()
    assert (found["parentId"], found["metadata"]) == (cast.globex, {"Region": "Alps"})
    for name, value in (("parent", "nobody at all"), ("metadata", "Region: Alps")):
        refused = by_script(cast.ada, path, version=version(cast.ada, path), **{name: value})
        assert refused.status_code == 422
        assert refused.headers["hx-retarget"] == f"#property-{name}"
        assert f'id="error-{name}"' in refused.text
    assert post(cast.ada, path, parent="").status_code == 303
    assert post(cast.ada, path, metadata="").status_code == 303
    found = cast.ada.get(f"/api{path}").json()
    assert (found["parentId"], found["metadata"]) == (None, None)
    text = get(cast.gita, path).text
    assert 'name="parent"' not in text
    assert 'name="metadata.' not in text


def test_a_copy_made_in_the_page_equals_the_apis(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    cast.ada.put(
        f"/api{path}",
        {"parentId": cast.globex, "metadata": {"a": [1, None]}, "tags": ["Zürich, CH", "b"],
         "industry": "Energy", "description": "\nBelow", "externalId": "x", "domains": ["a.example"]},
    )  # fmt: skip
    api = cast.ada.post(f"/api{path}/duplicate").json()
    (fields,) = [
        fields
        for action, fields in Forms(
            get(cast.ada, f"/organizations/new?copy={cast.acme}").text
        ).found
        if action == "/organizations"
    ]
    form: dict[str, list[str]] = {}
    for name, value in fields:
        form.setdefault(name, []).append(value)
    made = post(cast.ada, "/organizations", **form)
    copy = cast.ada.get(f"/api{made.headers['location']}").json()
    own = {"id", "name", "createdAt", "updatedAt"}
    assert {name: copy[name] for name in set(copy) - own} == {
        name: api[name] for name in set(api) - own
    }
    bare = post(cast.ada, "/organizations", copy=str(cast.acme), name="Bare", type="vendor")
    copy = cast.ada.get(f"/api{bare.headers['location']}").json()
    assert (copy["parentId"], copy["metadata"]) == (cast.globex, {"a": [1, None]})


def test_a_problem_of_another_field_has_the_label_of_the_form() -> None:
    labels = {
        ORGANIZATION: {"parentId": "Parent organization", "ownerId": "Owner"},
        TASK: {"organizationId": "Organization", "assigneeId": "Assignee"},
        PROJECT: {"organizationId": "Organization", "dueDate": "Due date"},
        USER: {"contactId": "Contact's e-mail", "username": "E-mail"},
        ACTIVITY: {"happenedAt": "When"},
        LINK: {"url": "Address", "organizationId": "Organization"},
    }
    for fields, known in labels.items():
        for name, label in known.items():
            assert fields.label(name) == label
            assert edit._message(fields, {name: "is taken"}, "other") == f"{label} is taken."


def test_a_form_of_several_fields_that_was_refused_shows_metadata_in_rows(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    rows = {"metadata.new0.name": "Region", "metadata.new0.text": "Alps", "metadata.new0.was": ""}
    answer = post(cast.ada, path, industry="x" * 300, parent="Globex", **rows)
    assert answer.status_code == 422
    text = answer.text.partition("<main")[2]
    assert "Not saved yet" in text
    assert re.search(r'name="metadata.new0.name" value="Region"', text)
    assert "[{" not in html.unescape(text) and 'name="metadata"' not in text
    assert ">Metadata " in text and "Parent organization" in text
