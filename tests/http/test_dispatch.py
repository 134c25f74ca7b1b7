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
