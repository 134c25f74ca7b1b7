"""Passwords: the weak ones are refused wherever one is set."""

import pytest

from retainer.identity.passwords import weakness
from support.cast import Cast

NAMES = ("pw1@example.com", "Jane Müller", "Northlight Consulting")


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaa",
        " " * 8,
        "ab ab ab ab",
        "pw1pw1pw1",
        "12341234",
        "abcabcabc",
        "PW1@example.com",
        "jane-müller-1980",
        "Northlight2026!",
        "consulting northlight",
        "Retainer Retainer",
        "retainer.2026",
        "password1",
        "short",
    ],
)
def test_a_password_that_others_would_think_of_is_weak(password: str) -> None:
    assert weakness(password, *NAMES)


@pytest.mark.parametrize(
    "password",
    [
        "quiet-ledger-2026",
        "plums in the icebox",
        "janet paints northern lights",
        "пароль-слива",
        "电力贸易上海电力公司",
    ],
)
def test_a_password_of_other_words_is_taken(password: str) -> None:
    assert weakness(password, *NAMES) is None


def test_a_password_cannot_be_made_of_the_names_of_its_user_or_consultancy(cast: Cast) -> None:
    tenant = cast.sql.value("SELECT name FROM tenants WHERE id = $1", cast.tenant)
    cast.ada.put(f"/api/users/{cast.stan.id}", {"fullName": "Stan Orlando"})
    url = cast.ada.post(f"/api/users/{cast.stan.id}/links").json()["url"]
    for password in (f"{tenant} 1!", "stan orlando 77"):
        refused = cast.nobody.post(
            "/api/setup", {"token": url.partition("token=")[2], "password": password}
        )
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "password"
        assert "must not be made of the names" in refused.json()["errors"][0]["message"]
