"""Undo on pages reaches as far as the place where it stands."""

import re

import pytest

from support.cast import Cast, Person
from support.pages.organizations import plain, statuses, tab, toast_of
from support.pages.sitemap import check, get, post
from support.samples import activity, link, loose_contact, project, task


def archived(cast: Cast) -> int:
    """An operation that archives Acme and Globex."""
    both = [str(cast.acme), str(cast.globex)]
    _, operation = toast_of(post(cast.cora, "/organizations/bulk", record=both, status="archived"))
    return operation


def reverting(text: str) -> tuple[str, dict[str, str]]:
    """Action and fields of the first button that reverts a change."""
    form = re.search(
        r'<form class="act" method="post" action="(/operations/\d+/undo)">(.*?)</form>',
        text,
        re.DOTALL,
    )
    assert form
    assert "<span>Revert</span>" in form[2]
    return form[1], dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[2]))


def test_a_line_of_a_history_reverts_its_own_change_alone(cast: Cast) -> None:
    operation = archived(cast)
    text = get(cast.ada, tab(cast, "history")).text
    assert "Undo all" not in text
    action, fields = reverting(text)
    assert action == f"/operations/{operation}/undo"
    answer = post(cast.ada, action, **fields)
    assert answer.headers["location"] == tab(cast, "history")
    words, _ = toast_of(answer)
    assert words == "Reverted status of Acme Corporation"
    assert statuses(cast) == {"Acme Corporation": "active", "Globex": "archived"}
    text = get(cast.ada, tab(cast, "history")).text
    assert re.search(r'<a class="muted" href="/operations/\d+">Undone</a>', text)


def test_a_field_is_reverted_though_another_was_changed_since(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    post(cast.cora, path, industry="Energy")
    action, fields = reverting(get(cast.ada, tab(cast, "history")).text)
    post(cast.cora, path, website="https://acme.example")
    assert post(cast.ada, action, **fields).status_code == 303
    found = cast.ada.get(f"/api{path}").json()
    assert (found["industry"], found["website"]) == (None, "https://acme.example")
    post(cast.cora, path, industry="Mining")
    clash = post(cast.ada, action, **fields)
    assert clash.status_code == 409
    assert cast.ada.get(f"/api{path}").json()["industry"] == "Mining"


def test_a_whole_operation_is_undone_on_its_page_after_its_extent_is_told(cast: Cast) -> None:
    operation = archived(cast)
    feed = get(cast.ada, "/activity").text
    assert f'<a class="button quiet" href="/operations/{operation}">2 records</a>' in feed
    assert f'action="/operations/{operation}/undo"' not in feed
    text = get(cast.ada, f"/operations/{operation}").text
    check(text)
    assert "take back what was done to 2 records of 2 organizations" in plain(text)
    assert "<span>Undo 2 records of 2 organizations</span>" in text
    assert "2 organizations changed" in plain(text)
    for person in (cast.stan, cast.gita, cast.sam):
        assert "Undo 2 records" not in get(person, f"/operations/{operation}").text
    action, fields = reverting(text.partition('id="changes-title"')[2])
    post(cast.ada, action, **fields)
    text = get(cast.ada, f"/operations/{operation}").text
    assert "1 record taken back singly before would stay" in plain(text)
    words, _ = toast_of(post(cast.ada, f"/operations/{operation}/undo"))
    assert words.endswith("1 record taken back singly before stayed")
    assert set(statuses(cast).values()) == {"active"}


def test_a_part_that_is_none_is_refused_in_words(cast: Cast) -> None:
    operation = archived(cast)
    for part in ({"change": "x"}, {"change": "99"}, {"record": "organizations/0"}, {"record": "?"}):
        answer = post(cast.ada, f"/operations/{operation}/undo", **part)
        assert answer.status_code in (404, 409, 422), part
    assert set(statuses(cast).values()) == {"archived"}


def step(person: Person, path: str) -> str:
    answer = post(person, path, back="/contacts")
    assert answer.status_code == 303, answer.text
    words, _ = toast_of(answer)
    return words


def test_ones_own_operations_are_undone_one_after_the_other_and_redone(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    post(cast.cora, path, industry="Energy")
    post(cast.cora, path, website="https://acme.example")
    cast.ada.put(f"/api/organizations/{cast.globex}", {"industry": "Mining"})

    def values() -> tuple[str, str]:
        found = cast.ada.get(f"/api{path}").json()
        return found["industry"], found["website"]

    assert step(cast.cora, "/undo") == "Undid changing website of Acme Corporation"
    assert step(cast.cora, "/undo") == "Undid changing industry of Acme Corporation"
    assert values() == (None, None)
    assert step(cast.cora, "/undo") == "There is nothing left to undo"
    assert step(cast.cora, "/redo") == "Redid changing industry of Acme Corporation"
    assert step(cast.cora, "/redo") == "Redid changing website of Acme Corporation"
    assert values() == ("Energy", "https://acme.example")
    assert step(cast.cora, "/redo") == "There is nothing to redo"


def test_the_keys_of_undo_and_redo_are_on_every_page_and_not_in_a_message(cast: Cast) -> None:
    for path in ("/contacts", f"/organizations/{cast.acme}"):
        text = get(cast.cora, path).text
        for action, keys in (("/undo", "z"), ("/redo", "Z")):
            form = text.partition(f'action="{action}"')[2].partition("</form>")[0]
            assert f'data-keys="{keys}"' in form
    assert 'action="/undo"' not in get(cast.gita, "/contacts").text
    answer = post(cast.cora, f"/organizations/{cast.acme}", industry="Energy")
    cookie = f"connect.sid={cast.cora.token}; {answer.headers['set-cookie'].partition(';')[0]}"
    text = get(cast.cora, answer.headers["location"], Cookie=cookie).text
    message = text.partition('class="toast"')[2]
    assert "Undo</button>" in message
    assert "data-keys" not in message


def test_undoing_a_deletion_leads_back_to_the_record(cast: Cast) -> None:
    _, operation = toast_of(post(cast.cora, f"/organizations/{cast.globex}/delete"))
    answer = post(cast.cora, f"/operations/{operation}/undo", back="/organizations")
    assert answer.headers["location"] == f"/organizations/{cast.globex}"
    post(cast.cora, f"/organizations/{cast.globex}/delete")
    answer = post(cast.cora, "/undo", back="/organizations")
    assert answer.headers["location"] == f"/organizations/{cast.globex}"


@pytest.mark.parametrize("noun", ["contacts", "projects", "tasks", "documents", "activities"])
def test_undoing_a_deletion_leads_back_to_the_record_of_every_noun(cast: Cast, noun: str) -> None:
    samples = {
        "contacts": loose_contact,
        "projects": project,
        "tasks": task,
        "documents": link,
        "activities": activity,
    }
    path = f"/{noun}/{samples[noun](cast)[0]}"
    assert cast.cora.delete(f"/api{path}").status_code == 204
    answer = post(cast.cora, "/undo", back=f"/{noun}")
    if noun == "activities":  # they are read on their organization's page
        path = f"/organizations/{cast.acme}/activities"
    assert answer.headers["location"] == path
