"""Members on an organization's page."""

import re

import pytest

from support.cast import Cast
from support.pages.organizations import tab, toast_of
from support.pages.sitemap import get, post


def roles(cast: Cast, organization: int) -> dict[int, str]:
    found = cast.ada.get(f"/api/organizations/{organization}/members").json()
    return {one["contactId"]: one["role"] for one in found}


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
def test_an_existing_contact_is_added_as_a_member(cast: Cast, typed: str) -> None:
    ida = cast.ada.made("/api/contacts", fullName="Ida Lang", email="ida@x.example", type="client")[
        "id"
    ]
    words, operation = toast_of(
        post(cast.cora, tab(cast, "members"), contact=typed, role="technical_lead")
    )
    assert words == "Added Ida Lang as technical lead"
    assert roles(cast, cast.acme)[ida] == "technical_lead"
    words, _ = toast_of(post(cast.cora, f"/operations/{operation}/undo", back=tab(cast, "members")))
    assert words == "Undid adding Ida Lang to Acme Corporation"
    assert ida not in roles(cast, cast.acme)


def test_an_ambiguous_name_of_a_member_is_asked_about(cast: Cast) -> None:
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
    toast_of(post(cast.cora, tab(cast, "members"), **fields))
    assert roles(cast, cast.acme)[int(chosen["b@x.example"])] == "billing_contact"


def test_an_unknown_name_is_offered_as_a_new_contact_and_member(cast: Cast) -> None:
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
    words, operation = toast_of(post(cast.cora, tab(cast, "members"), **fields))
    assert words == "Added Zuzu Quark as stakeholder"
    assert "zuzu@x.example" in get(cast.cora, tab(cast, "members")).text
    toast_of(post(cast.cora, f"/operations/{operation}/undo"))
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
def test_a_refused_member_form_says_why(cast: Cast, fields: dict[str, str], words: str) -> None:
    answer = post(cast.cora, tab(cast, "members"), **fields)
    assert answer.status_code in (409, 422)
    assert words in answer.text
    assert "PATCH" not in answer.text


def test_contacts_are_proposed_while_a_members_name_is_typed(cast: Cast) -> None:
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


def test_a_members_role_is_changed_and_a_member_is_removed(cast: Cast) -> None:
    path = f"{tab(cast, 'members')}/{cast.gita_contact}"
    words, operation = toast_of(post(cast.cora, path, role="billing_contact"))
    assert words == "Made Gita billing contact"
    assert roles(cast, cast.acme)[cast.gita_contact] == "billing_contact"
    toast_of(post(cast.cora, f"/operations/{operation}/undo"))
    assert roles(cast, cast.acme)[cast.gita_contact] == "member"
    words, operation = toast_of(post(cast.cora, f"{path}/remove"))
    assert words == "Removed Gita"
    assert cast.gita_contact not in roles(cast, cast.acme)
    toast_of(post(cast.cora, f"/operations/{operation}/undo"))
    assert cast.gita_contact in roles(cast, cast.acme)
    assert post(cast.stan, path, role="member").status_code == 403
    assert post(cast.stan, f"{path}/remove").status_code == 403
