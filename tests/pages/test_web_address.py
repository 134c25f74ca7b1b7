"""Web addresses as people type them, in every form that has one."""

import pytest

from retainer.pages.web_address import phone_link, web_address
from support.cast import Cast
from support.pages.sitemap import get, post


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("acme.com", "https://acme.com"),
        ("www.acme.com", "https://www.acme.com"),
        (" WWW.Acme.com/en?a=b#c ", "https://WWW.Acme.com/en?a=b#c"),
        ("acme.com.", "https://acme.com"),
        ("//acme.com", "https://acme.com"),
        ("acme.com:8080/x", "https://acme.com:8080/x"),
        ("shop.acme.co.uk", "https://shop.acme.co.uk"),
        ("müller.ch", "https://müller.ch"),
        ("例え.テスト", "https://例え.テスト"),
        ("xn--mller-kva.xn--p1ai", "https://xn--mller-kva.xn--p1ai"),
        ("www.com", "https://www.com"),
        ("https://acme.com.", "https://acme.com"),
        ("http://acme.com./a.", "http://acme.com/a."),
    ],
)
def test_an_address_without_its_scheme_is_completed(typed: str, kept: str) -> None:
    assert web_address(typed) == kept
    assert web_address(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "-", "n/a", "none yet", "localhost", "intranet/home", "e.g.", "1.2", "10.0.0.1", "info@acme.com",
        "https://www.acme.com", "HTTP://acme.com/", "ftp://acme.com", "mailto:a@acme.com", "javascript:alert.call(1)",
        "acme.com, globex.com", "acme.com and more", "https://", "acme..com", ".com", "user@acme.com/x",
    ],
)  # fmt: skip
def test_all_else_stays_as_it_was_typed(typed: str) -> None:
    assert web_address(typed) == typed


def test_a_website_is_completed_linked_and_suggested(cast: Cast) -> None:
    made = post(cast.ada, "/organizations", name="New", type="other", website="www.new.example")
    path = made.headers["location"]
    for typed, kept, domain in (
        ("", "www.new.example", "new.example"),
        ("changed.example", "changed.example", "changed.example"),
    ):
        if typed:
            assert post(cast.ada, path, website=typed).status_code == 303
        record = cast.ada.get(f"/api{path}").json()
        assert (record["website"], record["suggestedDomain"]) == (f"https://{kept}", domain)
        assert f'href="https://{kept}"' in get(cast.ada, path).text


def test_a_website_that_the_api_gave_stays_until_another_is_typed(cast: Cast) -> None:
    made = cast.ada.made("/api/organizations", name="Bare", type="other", website="bare.example")
    path = f"/organizations/{made['id']}"
    assert made["website"] == "bare.example" and made["suggestedDomain"] is None
    assert post(cast.ada, path, website="bare.example").status_code == 303
    assert cast.ada.get(f"/api{path}").json()["website"] == "bare.example"
    copy = post(
        cast.ada,
        "/organizations",
        name="Copy",
        type="other",
        website="bare.example",
        copy=made["id"],
    )
    assert cast.ada.get(f"/api{copy.headers['location']}").json()["website"] == "bare.example"


def test_the_address_of_a_linked_document_is_completed(cast: Cast) -> None:
    made = post(cast.ada, "/documents", name="Brief", url="files.example.com/brief")
    path = made.headers["location"]
    assert cast.ada.get(f"/api{path}").json()["url"] == "https://files.example.com/brief"
    assert post(cast.ada, path, url="www.other.example").status_code == 303
    assert cast.ada.get(f"/api{path}").json()["url"] == "https://www.other.example"
    assert 'type="url"' not in get(cast.ada, "/documents/new?kind=link").text, "refuses bare names"


@pytest.mark.parametrize(
    ("typed", "country", "link"),
    [
        ("044 555 01 23", "CH", "tel:+41445550123"),
        ("044 555 01 23", None, "tel:0445550123"),
        ("0041 44 555 01 23", "CH", "tel:+41445550123"),
        ("011 41 44 555 01 23", "US", "tel:+41445550123"),
        ("(212) 555-0123 x9", "US", "tel:+12125550123;ext=9"),
        ("06 555 0123", "IT", "tel:+39065550123"),  # Italy dials the zero from abroad
        ("+49 30 555 01 23", "CH", "tel:+49305550123"),
        ("117", "CH", "tel:117"),
        ("555 0123", "US", "tel:5550123"),
        ("044 555 01 23", "AQ", "tel:0445550123"),
        ("ask Bob", "CH", None),
    ],
)
def test_a_number_without_a_country_is_dialled_as_in_the_consultancys(
    typed: str, country: str | None, link: str | None
) -> None:
    assert phone_link(typed, country) == link


def test_pages_dial_numbers_as_in_the_consultancys_country(cast: Cast) -> None:
    cast.ada.put(f"/api/contacts/{cast.gita_contact}", {"phone": "044 555 01 23"})
    paths = ("/contacts", f"/contacts/{cast.gita_contact}", f"/organizations/{cast.acme}/members")
    for country, number in ((None, "0445550123"), ("CH", "+41445550123"), ("DE", "+49445550123")):
        cast.ada.put("/api/tenant", {"country": country})
        for path in paths:
            assert f'href="tel:{number}"' in get(cast.ada, path).text, (country, path)
