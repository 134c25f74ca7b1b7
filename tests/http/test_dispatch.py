"""Paths and origins that lead to no route."""

import pytest

from support.cast import Cast


@pytest.mark.parametrize(
    "path", ["/api/organizations/*", "/organizations/*/members/*", "/api/users/*/links", "/api/*"]
)
def test_an_asterisk_in_a_path_is_no_id(cast: Cast, path: str) -> None:
    assert cast.ada.get(path).status_code in (404, 405, 422)


@pytest.mark.parametrize(
    "origin", ["http://[::1", "http://]", "null", "", "//", "http://127.0.0.1:1@evil.example"]
)
def test_a_malformed_origin_is_another_site(cast: Cast, origin: str) -> None:
    answer = cast.ada.put(f"/api/organizations/{cast.acme}", {}, headers={"Origin": origin})
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize(
    "host", ["evil.example:80@127.0.0.1", "127.0.0.1:8000/../x?", "a b", "a,b", "[::1", "x:123456"]
)
def test_a_host_header_that_names_no_host_is_refused(cast: Cast, host: str) -> None:
    refused = cast.ada.post(f"/api/users/{cast.stan.id}/links", headers={"Host": host})
    assert refused.status_code == 400
    assert refused.json()["detail"] == "The Host header must be a host, or host:port."


@pytest.mark.parametrize("host", ["retainer.example", "xn--mnchen-3ya.example:8443", "[::1]:80"])
def test_a_link_begins_with_the_host_that_was_asked(cast: Cast, host: str) -> None:
    made = cast.ada.post(f"/api/users/{cast.stan.id}/links", headers={"Host": host})
    assert made.json()["url"].startswith(f"http://{host}/setup#token=")


def test_a_link_begins_with_a_host_though_the_host_header_is_empty(cast: Cast) -> None:
    made = cast.ada.post(f"/api/users/{cast.stan.id}/links", headers={"Host": ""})
    assert made.json()["url"].startswith("http://localhost/setup#token=")
