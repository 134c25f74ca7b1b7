"""The trash as a page: restored trees, filters, and the reasons why a record stays there."""

import re

import pytest

from support.cast import Cast
from support.pages.accounts import followed, toast
from support.pages.sitemap import check, get, post


def test_a_deleted_tree_is_restored_from_the_trash(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Relaunch")["id"]
    cast.ada.made("/api/tasks", projectId=project, title="Draft")
    cast.cora.delete(f"/api/organizations/{cast.acme}")
    text = get(cast.ada, "/trash").text
    assert "Acme Corporation" in text
    assert "Cora" in text
    assert "4 records" in text
    form = re.search(
        r'action="(/operations/\d+/undo)">\s*<input type="hidden" name="back" value="([^"]+)"', text
    )
    assert form is not None
    answer = post(cast.ada, form[1], back=form[2])
    assert answer.headers["location"] == f"/organizations/{cast.acme}"
    page = followed(cast.ada, answer)
    assert "Acme Corporation" in toast(page.text)
    assert cast.ada.get(f"/api/organizations/{cast.acme}/members").json() != []
    assert cast.ada.get(f"/api/projects/{project}").status_code == 200
    assert "The trash is empty." in get(cast.ada, "/trash").text


def test_the_trash_names_the_record_that_blocks_a_restoration(cast: Cast) -> None:
    email = "kim@example.com"
    kim = cast.ada.made("/api/contacts", fullName="Kim", email=email, type="client")["id"]
    cast.ada.delete(f"/api/contacts/{kim}")
    cast.ada.made("/api/contacts", fullName="Another Kim", email=email, type="client")
    form = re.findall(
        r'action="(/operations/\d+/undo)"', get(cast.cora, "/trash?kind:in=contact").text
    )
    clash = post(cast.cora, form[-1], back="/trash")
    assert clash.status_code == 409
    assert "Deleting Kim cannot be undone as it is" in clash.text
    assert "is already the e-mail of another contact" in clash.text
    check(clash.text)


def test_the_trash_is_filtered_by_kind_and_person(cast: Cast) -> None:
    task = cast.ada.made("/api/tasks", organizationId=cast.acme, title="Draft")["id"]
    cast.ada.delete(f"/api/tasks/{task}")
    cast.cora.delete(f"/api/organizations/{cast.globex}")
    cast.ada.delete(f"/api/organizations/{cast.acme}/members/{cast.gita_contact}")
    assert get(cast.ada, "/trash").text.count('<tr id="row-') == 3
    assert "Draft" in get(cast.ada, "/trash?kind:in=task,document").text
    assert "Draft" not in get(cast.ada, f"/trash?actorId={cast.cora.id}").text
    assert "Nothing of that kind was deleted." in get(cast.ada, "/trash?kind:in=document").text
    members = get(cast.ada, "/trash?kind:in=member").text
    assert f'value="/organizations/{cast.acme}/members"' in members


def test_records_deleted_by_one_request_are_restored_together(cast: Cast) -> None:
    lines = "\n".join(
        f'{{"method": "DELETE", "path": "/organizations/{id}"}}' for id in (cast.acme, cast.globex)
    )  # fmt: skip
    done = cast.ada.request(
        "POST", "/api/bulk", content=lines, headers={"Content-Type": "application/x-ndjson"}
    )
    assert done.status_code == 200, done.text
    text = get(cast.ada, "/trash").text
    assert text.count("Restore all 2") == 2


@pytest.mark.slow
def test_an_undo_names_the_deleted_parent_that_blocks_it(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.globex, title="Pilot")["id"]
    cast.ada.delete(f"/api/projects/{project}")
    deletion = cast.ada.get("/api/operations?limit=1").json()[0]["id"]
    cast.ada.delete(f"/api/organizations/{cast.globex}")
    answer = post(cast.ada, f"/operations/{deletion}/undo")
    assert answer.status_code == 409
    assert "which is deleted; restore that one first" in answer.text
