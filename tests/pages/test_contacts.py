"""The pages of contacts: lists, forms and their refusals."""

import re

import pytest

from support.cast import Cast
from support.pages.forms import HTML, done, page, sent


def test_contacts_are_filtered_and_sorted(cast: Cast) -> None:
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


@pytest.mark.parametrize(
    ("phone", "link"),
    [
        ("+41 (0)44 555 01 02 ext. 7", "tel:+41445550102;ext=7"),
        ("0041 (0) 44 555 01 02", "tel:0041445550102"),
        ("(+41) 44 555-01/02", "tel:+41445550102"),
        ("(044) 555.01.02 x12", "tel:0445550102;ext=12"),
        ("+1 415 555‑0100;ext=07", "tel:+14155550100;ext=07"),
        ("＋４１ 44", "tel:+4144"),
        ("1-800-FLOWERS", None),
        ("ask the reception", None),
    ],
)
def test_a_telephone_number_is_dialled_by_its_digits(
    cast: Cast, phone: str, link: str | None
) -> None:
    contact = cast.ada.made(
        "/api/contacts", fullName="Ida", email="ida@x.example", type="client", phone=phone
    )
    for path in ("/contacts", f"/contacts/{contact['id']}"):
        text = page(cast.cora, path).text
        assert phone in text
        assert set(re.findall(r'href="(tel:[^"]*)"', text)) == ({link} if link else set()), path


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


def test_the_export_of_contacts_has_the_rows_of_the_filtered_list(cast: Cast) -> None:
    cast.contact("Vera", "vendor")
    shown = page(cast.gita, "/contacts/export?type:in=internal&sort=-fullName")
    assert shown.headers["content-type"].startswith("text/csv")
    assert "attachment" in shown.headers["content-disposition"]
    assert [line.split(",")[1] for line in shown.text.splitlines()] == ["fullName", "Stan"]
    assert "Vera" in page(cast.cora, "/contacts/export").text
    assert (
        'href="/contacts/export?type:in=vendor&amp;format=csv"'
        in page(cast.cora, "/contacts?type:in=vendor").text
    )


def test_a_contact_is_added_or_the_form_says_why_it_is_refused(cast: Cast) -> None:
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


def test_a_contact_is_changed_in_place_unless_another_writer_came_first(cast: Cast) -> None:
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
    cast.ada.made("/api/organizations", name="Globe Trotters", type="vendor")
    near = sent(cast.cora, path, organization="Glob", role="billing_contact")
    assert near.status_code == 422
    assert f'name="organizationId" value="{cast.globex}"' in near.text
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


def test_organizations_are_proposed_while_their_name_is_typed(cast: Cast) -> None:
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
