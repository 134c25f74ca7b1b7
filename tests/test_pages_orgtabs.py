"""The tabs of an organization's page, bulk changes of the list, the activity feed, and undo, as HTML without scripts."""

import base64
import json
import re
from typing import Any

import httpx
import pytest

from conftest import Cast, Person, Sql
from test_pages import HTML, get, post
from test_statements import InProcess, inside  # noqa: F401 -- a fixture


def told(answer: httpx.Response) -> tuple[str, int]:
    """What a form answers it did, and the operation that the toast offers to undo."""
    assert answer.status_code == 303, answer.text
    (cookie,) = re.findall(r"retainer\.done=([\w-]+)", answer.headers["set-cookie"])
    words, operation, _ = json.loads(base64.urlsafe_b64decode(cookie + "=="))
    return words, operation


def tab(cast: Cast, name: str) -> str:
    return f"/organizations/{cast.acme}/{name}"


def roles(cast: Cast, organization: int) -> dict[int, str]:
    found = cast.ada.get(f"/api/organizations/{organization}/members").json()
    return {one["contactId"]: one["role"] for one in found}


def statuses(cast: Cast) -> dict[str, str]:
    return {one["name"]: one["status"] for one in cast.ada.get("/api/organizations").json()}


# ---------------------------------------------------------------- projects


def test_projects_mark_what_is_overdue_and_what_is_stalled(cast: Cast, sql: Sql) -> None:
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


def test_projects_load_more(cast: Cast) -> None:
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


# ---------------------------------------------------------------- members


def test_members_are_reached_by_mail_and_phone(cast: Cast) -> None:
    contact = cast.ada.made(
        "/api/contacts", fullName="Phil", email="phil@x.example", type="client", phone="+41 44 1"
    )
    cast.ada.made(
        f"/api/organizations/{cast.acme}/members", contactId=contact["id"], role="stakeholder"
    )
    text = get(cast.gita, tab(cast, "members")).text
    assert 'href="mailto:phil@x.example"' in text
    assert 'href="tel:+41441"' in text


@pytest.mark.parametrize(
    "typed", ["Ida Lang", "ida lang", "IDA@x.example", "Ida Lang <ida@x.example>"]
)
def test_a_contact_that_is_there_is_added(cast: Cast, typed: str) -> None:
    ida = cast.ada.made("/api/contacts", fullName="Ida Lang", email="ida@x.example", type="client")[
        "id"
    ]
    words, operation = told(
        post(cast.cora, tab(cast, "members"), contact=typed, role="technical_lead")
    )
    assert words == "Added Ida Lang as technical lead"
    assert roles(cast, cast.acme)[ida] == "technical_lead"
    words, _ = told(post(cast.cora, f"/operations/{operation}/undo", back=tab(cast, "members")))
    assert words == "Undid adding Ida Lang to Acme Corporation"
    assert ida not in roles(cast, cast.acme)


def test_whom_a_name_means_is_asked(cast: Cast) -> None:
    for address in ("a@x.example", "b@x.example"):
        cast.ada.made("/api/contacts", fullName="Ann Lee", email=address, type="client")
    answer = post(cast.cora, tab(cast, "members"), contact="Ann Lee", role="billing_contact")
    assert answer.status_code == 422
    assert "is the name of several; choose one of Ann Lee #" in answer.text
    chosen = {
        mail: id
        for id, mail in re.findall(
            r'value="(\d+)"> Ann Lee <span class="muted">([^<]+)<', answer.text
        )
    }
    assert set(chosen) == {"a@x.example", "b@x.example"}
    assert re.search(r'value="billing_contact" selected', answer.text), "what was chosen stays"
    fields = {"contact": "Ann Lee", "contactId": chosen["b@x.example"], "role": "billing_contact"}
    told(post(cast.cora, tab(cast, "members"), **fields))
    assert roles(cast, cast.acme)[int(chosen["b@x.example"])] == "billing_contact"


def test_nobody_of_that_name_can_be_added_anew(cast: Cast) -> None:
    answer = post(cast.cora, tab(cast, "members"), contact="Zuzu Quark", role="member")
    assert answer.status_code == 422
    assert '<section class="line-add new" aria-label="New contact">' in answer.text
    assert 'name="fullName" type="text" value="Zuzu Quark"' in answer.text
    wrong = post(
        cast.cora,
        tab(cast, "members"),
        fullName="Zuzu Quark",
        email="no",
        type="client",
        role="member",
    )
    assert wrong.status_code == 422
    assert 'value="no"' in wrong.text
    fields = {
        "fullName": "Zuzu Quark",
        "email": "zuzu@x.example",
        "type": "client",
        "role": "stakeholder",
    }
    words, operation = told(post(cast.cora, tab(cast, "members"), **fields))
    assert words == "Added Zuzu Quark as stakeholder"
    assert "zuzu@x.example" in get(cast.cora, tab(cast, "members")).text
    told(post(cast.cora, f"/operations/{operation}/undo"))
    assert cast.ada.get("/api/contacts?email=zuzu@x.example").json() == [], "both are one change"


def test_a_new_contact_is_not_left_without_its_membership(cast: Cast) -> None:
    fields = {"fullName": "Half", "email": "half@x.example", "type": "client", "role": "emperor"}
    assert post(cast.cora, tab(cast, "members"), **fields).status_code == 422
    assert cast.ada.get("/api/contacts?email=half@x.example").json() == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"contact": "", "role": "member"}, "is not named yet"),
        ({"contact": "Stan", "role": "member"}, "is already a member"),
        ({"contact": "Stan", "role": "emperor"}, "must be one of"),
        ({"contact": "x", "contactId": "999999999", "role": "member"}, "error-contact"),
        ({"contact": "x", "contactId": "'", "role": "member"}, "is the name of nothing"),
    ],
)
def test_what_is_wrong_with_a_member_is_said(
    cast: Cast, fields: dict[str, str], words: str
) -> None:
    answer = post(cast.cora, tab(cast, "members"), **fields)
    assert answer.status_code in (409, 422)
    assert words in answer.text
    assert "PATCH" not in answer.text


def test_contacts_are_proposed(cast: Cast) -> None:
    cast.ada.made("/api/contacts", fullName="Ida Lang", email="ida@x.example", type="client")
    assert (
        get(cast.cora, "/choices?contact=ida").text.strip()
        == '<option value="Ida Lang">ida@x.example</option>'
    )
    twin = cast.ada.made(
        "/api/contacts", fullName="Ida Lang", email="lang@x.example", type="client"
    )["id"]
    assert f'value="Ida Lang #{twin}"' in get(cast.cora, "/choices?contact=ida").text
    assert get(cast.gita, "/choices?contact=ida").text.strip() == "", "whom one does not see"


def test_a_role_is_changed_and_a_member_removed(cast: Cast) -> None:
    path = f"{tab(cast, 'members')}/{cast.gita_contact}"
    words, operation = told(post(cast.cora, path, role="billing_contact"))
    assert words == "Made Gita billing contact"
    assert roles(cast, cast.acme)[cast.gita_contact] == "billing_contact"
    told(post(cast.cora, f"/operations/{operation}/undo"))
    assert roles(cast, cast.acme)[cast.gita_contact] == "member"
    words, operation = told(post(cast.cora, f"{path}/remove"))
    assert words == "Removed Gita"
    assert cast.gita_contact not in roles(cast, cast.acme)
    told(post(cast.cora, f"/operations/{operation}/undo"))
    assert cast.gita_contact in roles(cast, cast.acme)
    assert post(cast.stan, path, role="member").status_code == 403
    assert post(cast.stan, f"{path}/remove").status_code == 403


# ---------------------------------------------------------------- history


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))


def test_history_tells_diffs(cast: Cast) -> None:
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    path = f"/api/organizations/{cast.acme}"
    cast.ada.put(
        path, {"description": long, "metadata": {"region": "EU", "size": 3}, "tags": ["a", "b"]}
    )
    changed = {
        "description": long.replace("two", "zwei"),
        "metadata": {"region": "US", "size": 3},
        "tags": ["b", "c"],
    }
    cast.cora.put(path, changed | {"status": "archived", "ownerId": cast.cora.id})
    text = get(cast.ada, tab(cast, "history")).text
    assert "<del>Active</del> → <ins>Archived</ins>" in text
    assert "<del>two </del><ins>zwei </ins>" in text, "long texts by the word"
    assert "<span>… </span>" in text, "what is far from a change is left out"
    assert "<del>EU</del> → <ins>US</ins>" in text, "objects by the key"
    assert "size" not in text.partition("<dt>Metadata · region</dt>")[2].partition("</dl>")[0]
    assert "<del>a</del> → <ins>c</ins>" in text
    assert "<ins>Cora</ins>" in text, "people by their names"
    assert "Cora changed" in plain(text)
    assert "through the API" in text


def test_history_filters_by_person_and_time(cast: Cast) -> None:
    cast.cora.put(f"/api/organizations/{cast.acme}", {"industry": "Energy"})
    everything = get(cast.ada, tab(cast, "history")).text
    assert everything.count('<li id="change-') == 4
    assert (
        get(cast.ada, tab(cast, "history") + f"?actorId={cast.cora.id}").text.count(
            '<li id="change-'
        )
        == 1
    )
    nothing = get(cast.ada, tab(cast, "history") + "?until=2020-01-01").text
    assert "Nothing was changed then" in nothing
    assert 'value="2020-01-01"' in nothing
    assert get(cast.ada, tab(cast, "history") + "?since=never").status_code == 422


def test_history_offers_to_undo_what_one_may(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"industry": "Energy"})
    (action,) = re.findall(
        r'action="(/operations/\d+/undo)"', get(cast.cora, tab(cast, "history") + "?limit=1").text
    )
    assert (
        re.findall(r'action="(/operations/\d+/undo)"', get(cast.stan, tab(cast, "history")).text)
        == []
    )
    answer = post(cast.cora, action, back=tab(cast, "history"))
    assert answer.headers["location"] == tab(cast, "history")
    words, redo = told(answer)
    assert words == "Undid changing industry of Acme Corporation"
    text = get(cast.cora, tab(cast, "history")).text
    assert "Undone" in text
    assert "by undoing" in text
    assert f"/operations/{redo}/undo" in text, "and can be had again"


# ---------------------------------------------------------------- undo


def test_undoing_a_creation_leads_to_the_list(cast: Cast) -> None:
    made = post(cast.cora, "/organizations", name="Transient", type="other", status="active")
    page = made.headers["location"]
    _, operation = told(made)
    assert (
        post(cast.cora, f"/operations/{operation}/undo", back=page).headers["location"]
        == "/organizations"
    )


def test_deleting_from_its_page_is_undone(cast: Cast) -> None:
    answer = post(cast.cora, f"/organizations/{cast.globex}/delete")
    assert answer.headers["location"] == "/organizations"
    words, operation = told(answer)
    assert words == "Deleted Globex"
    assert "Globex" not in statuses(cast)
    words, _ = told(post(cast.cora, f"/operations/{operation}/undo", back="/organizations"))
    assert words == "Undid deleting Globex"
    assert "Globex" in statuses(cast)


def test_a_clash_is_named_with_what_can_be_done(cast: Cast) -> None:
    _, first = told(post(cast.cora, f"/organizations/{cast.acme}", industry="Energy"))
    _, second = told(post(cast.ada, f"/organizations/{cast.acme}", industry="Mining"))
    answer = post(cast.cora, f"/operations/{first}/undo", back="/organizations")
    assert answer.status_code == 409
    assert "Acme Corporation was changed by Ada" in plain(answer.text)
    assert f'href="/organizations/{cast.acme}"' in answer.text
    assert f'href="/operations/{second}"' in answer.text
    assert f'action="/operations/{second}/undo"' in answer.text
    told(post(cast.cora, f"/operations/{second}/undo"))
    told(post(cast.cora, f"/operations/{first}/undo"))
    again = post(cast.cora, f"/operations/{first}/undo")
    assert again.status_code == 409
    assert "has been undone already" in again.text


def test_an_operation_tells_what_it_did(cast: Cast) -> None:
    _, operation = told(post(cast.cora, f"/organizations/{cast.acme}", industry="Energy"))
    text = get(cast.stan, f"/operations/{operation}").text
    assert "Cora changed industry of Acme Corporation" in text
    assert "<ins>Energy</ins>" in text
    assert f'href="/organizations/{cast.acme}"' in text
    assert "/undo" not in text, "staff undo what they did themselves"
    assert "/undo" in get(cast.ada, f"/operations/{operation}").text
    assert get(cast.sam, f"/operations/{operation}").status_code == 404
    assert get(cast.gita, f"/operations/{operation}").status_code == 403
    assert get(cast.olga, f"/operations/{operation}").status_code == 404


def test_who_may_not_undo_is_refused(cast: Cast) -> None:
    _, operation = told(post(cast.cora, f"/organizations/{cast.acme}", industry="Energy"))
    assert post(cast.stan, f"/operations/{operation}/undo").status_code == 403
    assert post(cast.gita, f"/operations/{operation}/undo").status_code == 403
    assert post(cast.sam, f"/operations/{operation}/undo").status_code == 404


# ---------------------------------------------------------------- bulk


def test_several_are_archived_and_it_is_undone(cast: Cast) -> None:
    fields = {
        "record": [cast.acme, cast.globex],
        "status": "archived",
        "ownerId": "",
        "back": "/organizations?sort=-name",
    }
    answer = post(cast.cora, "/organizations/bulk", **fields)
    assert answer.headers["location"] == "/organizations?sort=-name"
    words, operation = told(answer)
    assert words == "Archived 2 organizations"
    assert set(statuses(cast).values()) == {"archived"}
    words, _ = told(post(cast.cora, f"/operations/{operation}/undo", back="/organizations"))
    assert words == "Undid changing status of 2 organizations"
    assert set(statuses(cast).values()) == {"active"}


def test_all_that_match_are_changed(cast: Cast) -> None:
    fields = {
        "matching": "type:in=customer,vendor&sort=-name",
        "status": "inactive",
        "ownerId": str(cast.cora.id),
    }
    words, _ = told(post(cast.cora, "/organizations/bulk", **fields))
    assert words == "Gave 1 organization the status inactive and the owner Cora"
    assert statuses(cast) == {"Acme Corporation": "inactive", "Globex": "active"}
    words, operation = told(post(cast.cora, "/organizations/bulk", matching="all", do="delete"))
    assert words == "Deleted 2 organizations"
    assert statuses(cast) == {}
    told(post(cast.cora, f"/operations/{operation}/undo"))
    assert len(statuses(cast)) == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "archived"}, "names no organization"),
        ({"record": "1"}, "was not chosen"),
        ({"matching": "nonsense=1", "status": "archived"}, "is not a parameter"),
        ({"matching": "\u00fc", "status": "archived"}, "must be"),
        ({"record": "999999999", "do": "delete"}, "Organization 999999999"),
    ],
)
def test_what_cannot_be_done_to_several_is_said(
    cast: Cast, fields: dict[str, Any], words: str
) -> None:
    answer = post(cast.cora, "/organizations/bulk", **fields)
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text
    assert words in answer.text
    assert set(statuses(cast).values()) == {"active"}


def test_all_or_nothing_is_changed(cast: Cast) -> None:
    answer = post(
        cast.cora, "/organizations/bulk", record=[cast.acme, 999999999], status="archived"
    )
    assert answer.status_code == 422
    assert set(statuses(cast).values()) == {"active"}
    answer = post(cast.cora, "/organizations/bulk", record=[cast.acme], status="wonderful")
    assert answer.status_code == 422
    assert "Acme Corporation</a>" in answer.text, "which one it is about"


def test_more_than_can_be_changed_at_once_is_said(cast: Cast, sql: Sql) -> None:
    sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
               acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO organizations (tenant_id, name, type, status)
           SELECT $1, 'N' || n, 'other', 'active' FROM acting, generate_series(1, 10001) n""",
        cast.tenant, str(cast.tenant),
    )  # fmt: skip
    answer = post(cast.cora, "/organizations/bulk", matching="type:in=other", status="archived")
    assert answer.status_code == 422
    assert "more than the 10,000 rows" in answer.text
    assert "filter the list further" in answer.text


def test_staff_and_guests_change_nothing_in_bulk(cast: Cast) -> None:
    for person in (cast.stan, cast.gita):
        assert (
            post(person, "/organizations/bulk", record=cast.acme, status="archived").status_code
            == 403
        )
        text = get(person, "/organizations").text
        assert "/organizations/bulk" not in text
        assert "Acme Corporation" in text


def test_the_view_and_the_selection_are_exported(cast: Cast) -> None:
    answer = get(cast.cora, "/organizations/export?type:in=customer&status:in=active")
    assert answer.headers["content-disposition"] == 'attachment; filename="organizations.csv"'
    assert [line.split(",")[1] for line in answer.text.splitlines()] == ["name", "Acme Corporation"]
    answer = post(cast.cora, "/organizations/export", record=[cast.globex])
    assert [line.split(",")[1] for line in answer.text.splitlines()] == ["name", "Globex"]
    answer = post(cast.cora, "/organizations/export", matching="q=caf\u00e9&sort=-name")
    assert answer.headers["location"] == "/organizations/export?q=caf%C3%A9&sort=-name"
    assert post(cast.cora, "/organizations/export").status_code == 422
    mine = get(cast.gita, "/organizations/export").text
    assert "Acme" in mine
    assert "Globex" not in mine


# ---------------------------------------------------------------- the activity feed


def test_the_feed_tells_what_everybody_did(cast: Cast) -> None:
    post(cast.cora, f"/organizations/{cast.acme}", status="archived")
    post(cast.cora, "/organizations/bulk", matching="all", status="inactive")
    cast.ada.post("/api/login", {"username": "x@x.example", "password": "wrong"})
    text = plain(get(cast.ada, "/activity").text)
    assert "Cora changed status of 2 organizations" in text
    assert "Cora changed status of Acme Corporation" in text
    assert "Active → Archived" in text
    assert "Ada added Gita to Acme Corporation through the API" in text
    assert text.count("Today") == 1
    mine = plain(get(cast.ada, f"/activity?actorId={cast.cora.id}").text)
    assert "Ada added" not in mine
    assert "Nothing was done then" in get(cast.ada, "/activity?until=2020-01-01").text
    assert "Globex" not in get(cast.stan, "/activity").text
    assert get(cast.gita, "/activity").status_code == 403


def test_a_day_is_told_once_over_further_parts(cast: Cast) -> None:
    for number in range(52):
        cast.ada.put(f"/api/organizations/{cast.acme}", {"industry": str(number)})
    text = get(cast.ada, "/activity").text
    (more,) = re.findall(r'<a class="button" href="([^"]+)"[^>]*data-more', text)
    rest = get(
        cast.ada, more.replace("&amp;", "&"), **{"HX-Request": "true", "HX-Target": "li#more"}
    ).text
    assert "changed industry of" in rest
    assert "Today" not in rest


# ---------------------------------------------------------------- conflicts


def test_a_conflict_names_who_came_between(cast: Cast) -> None:
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


def test_a_property_is_changed_on_the_tab_where_one_is(cast: Cast) -> None:
    text = get(cast.cora, tab(cast, "members")).text
    assert f'name="back" value="{tab(cast, "members")}"' in text
    answer = post(
        cast.cora, f"/organizations/{cast.acme}", industry="Mining", back=tab(cast, "members")
    )
    assert answer.headers["location"] == tab(cast, "members")


# ---------------------------------------------------------------- speed


@pytest.mark.parametrize("name", ["projects", "members", "history", "activity", "operation"])
def test_a_page_takes_few_statements(cast: Cast, inside: InProcess, name: str) -> None:  # noqa: F811
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
