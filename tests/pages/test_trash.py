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
        r'action="(/operations/\d+/undo)">\s*<input type="hidden" name="change" value="(\d+)">'
        r'<?\s*<?input type="hidden" name="back" value="([^"]+)"',
        text,
    )
    assert form is not None
    answer = post(cast.ada, form[1], change=form[2], back=form[3])
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
    assert text.count("Restore all 2 deleted together") == 2
    first = get(cast.ada, "/trash?limit=1").text
    assert "Restore all 2 deleted together" in first, "the number is the operation's"


def test_one_record_of_those_deleted_together_is_restored_alone(cast: Cast) -> None:
    made = [
        cast.ada.made("/api/organizations", name=f"Firm {n}", type="vendor")["id"]
        for n in range(60)
    ]
    task = cast.ada.made("/api/tasks", title="Call", organizationId=made[7])["id"]
    form = {"record": [str(id) for id in made], "do": "delete"}
    assert post(cast.ada, "/organizations/bulk", **form).status_code == 303
    text = get(cast.ada, "/trash").text
    assert "Restore all 60 deleted together" in text
    row = text.partition(f'id="row-organization-{made[7]}-')[2].partition("</tr>")[0]
    if not row:  # it is on the second part of the list
        more = re.search(r'href="(/trash\?cursor=[^"]+)"', text)
        assert more
        row = get(cast.ada, more[1]).text.partition(f'id="row-organization-{made[7]}-')[2]
    assert 'aria-label="Restore Firm 7 and what belongs to it"' in row
    action = re.search(r'action="([^"]+)"', row)
    change = re.search(r'name="change" value="(\d+)"', row)
    assert action and change
    answer = post(cast.ada, action[1], change=change[1])
    assert answer.headers["location"] == f"/organizations/{made[7]}"
    assert "Restored Firm 7" in toast(followed(cast.ada, answer).text)
    assert cast.ada.get(f"/api/tasks/{task}").status_code == 200
    left = {one["id"] for one in cast.ada.get("/api/organizations?limit=200").json()}
    assert left & set(made) == {made[7]}
    assert "Restore all 59 deleted together" in get(cast.ada, "/trash").text


@pytest.mark.slow
def test_an_undo_names_the_deleted_parent_that_blocks_it(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.globex, title="Pilot")["id"]
    cast.ada.delete(f"/api/projects/{project}")
    deletion = cast.ada.get("/api/operations?limit=1").json()[0]["id"]
    cast.ada.delete(f"/api/organizations/{cast.globex}")
    answer = post(cast.ada, f"/operations/{deletion}/undo")
    assert answer.status_code == 409
    assert "which is deleted; restore that one first" in answer.text
