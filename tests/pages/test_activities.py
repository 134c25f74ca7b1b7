"""The pages of activities, as browsers without scripts use them."""

import re
from typing import Any

import pytest

from support.cast import Cast
from support.pages.sitemap import get
from support.pages.tasks import HTML, done, main, page, sent, task, toast


@pytest.mark.slow
def test_an_activity_on_the_last_possible_day_can_be_shown(cast: Cast) -> None:
    cast.gita.put("/api/user", {"timeZone": "Pacific/Kiritimati"}).raise_for_status()
    last = {"text": "Later", "happenedAt": "9999-12-31T23:59:59Z", "audience": "client"}
    made = cast.ada.made(f"/api/organizations/{cast.acme}/activities", **last)["id"]
    for path in ("/activities", f"/activities/{made}", f"/organizations/{cast.acme}"):
        assert get(cast.gita, path).status_code == 200


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


def test_a_typed_time_is_in_the_viewers_time_zone(cast: Cast) -> None:
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


def test_a_refused_new_activity_says_why_and_keeps_the_typed_fields(cast: Cast) -> None:
    cast.ada.made("/api/organizations", name="Globe Trotters", type="vendor")
    both = ["", str(cast.stan_contact), str(cast.gita_contact)]
    answer = sent(cast.ada, "/activities", text=" ", organizationId=str(cast.acme), contactIds=both)
    assert all(f'value="{id}" checked' in answer.text for id in both[1:])
    answer = sent(cast.ada, "/activities", text="Typed", organization="Glob")
    assert answer.status_code == 422
    assert "\nTyped</textarea>" in answer.text
    assert f"Globex #{cast.globex}" in answer.text
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


def test_further_activities_load_by_themselves(cast: Cast) -> None:
    for word in "AB":
        logged(cast, text=word)
    for path in (f"/organizations/{cast.acme}/activities", "/activities"):
        more = re.search(r'href="([^"]*cursor=[^"]*)"', page(cast.ada, f"{path}?limit=1"))
        assert more
        asked = {**HTML, "HX-Request": "true", "HX-Target": "li#more"}
        part = cast.ada.get(more[1].replace("&amp;", "&"), headers=asked).text
        assert re.findall(r'class="said"><p>(\w+)</p>', part) == ["A"]
        assert "<main" not in part


def test_guests_see_client_activities_and_no_form_that_would_fail(cast: Cast) -> None:
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


def test_guests_and_strangers_cannot_change_activities_by_forms(cast: Cast) -> None:
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


def test_staff_log_and_change_activities_but_do_not_delete_them(cast: Cast) -> None:
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
def test_the_pages_of_activities_and_tasks_send_a_stranger_to_the_login(
    cast: Cast, path: str
) -> None:
    answer = cast.nobody.get(path, headers=HTML, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/login?next=" + path.replace("/", "%2F"),
    )
