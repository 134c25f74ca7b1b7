"""A checklist for every route, generated from the table: works, anonymous 401, invisible 404, not
allowed 403 without a change, malformed ids and bodies. A route without a sample fails.
"""

from collections.abc import Callable
from typing import Any

import pytest

from retainer.http.routing import TEXT, Route
from retainer.permissions import PERMISSIONS, PUBLIC, Role
from retainer.routes import ROUTES
from support.cast import Cast
from support.samples import (
    ADMIN_ONLY,
    BY_HAND,
    CHECKED,
    FILE,
    LOOSE,
    SAMPLES,
    path_of,
    rows_of,
    sample,
    send,
    sending,
)


def each(where: Callable[[Route], Any] = lambda _: True) -> Any:
    return pytest.mark.parametrize("route", [r for r in CHECKED if where(r)], ids=lambda r: r.name)


routes = each()


def test_every_route_has_a_sample() -> None:
    assert {r.name for r in CHECKED} == set(SAMPLES)
    assert {r.name for r in ROUTES if r.permission != PUBLIC} - set(SAMPLES) == BY_HAND


@routes
def test_a_route_works_for_each_role_with_its_permission(cast: Cast, route: Route) -> None:
    for who, role in (
        ("ada", Role.ADMIN),
        ("cora", Role.CONSULTANT),
        ("stan", Role.STAFF),
        ("gita", Role.GUEST),
    ):
        if role in PERMISSIONS[route.permission].roles:
            cast.asking = getattr(cast, who)
            ids, body = sample(cast, route)
            answer = send(cast.asking, route, ids, body)
            assert answer.status_code == route.status, (who, answer.text)
            cast = refreshed(cast, route)


def refreshed(cast: Cast, route: Route) -> Cast:
    """A new cast where the request removes the sample."""
    return (
        Cast(cast.sql, cast.client) if route.method == "DELETE" or route.name == "logout" else cast
    )


@routes
def test_an_anonymous_request_is_401(cast: Cast, route: Route) -> None:
    ids, body = sample(cast, route)
    before = rows_of(cast)
    answer = send(cast.nobody, route, ids, body)
    assert answer.status_code == 401
    assert "json" in answer.headers["content-type"]
    assert rows_of(cast) == before


# Without the routes whose path holds a text: these add a record that is not there.
@each(lambda r: r.parameters and TEXT not in r.parameters)
def test_a_route_is_404_for_records_of_others(cast: Cast, route: Route) -> None:
    ids, body = sample(cast, route)
    before = rows_of(cast)
    assert send(cast.olga, route, ids, body).status_code == 404, "another tenant's"
    if route.name not in ADMIN_ONLY:
        assert send(cast.sam, route, ids, body).status_code == 404, "no organization of his"
    assert rows_of(cast) == before


@each(lambda r: PERMISSIONS[r.permission].roles < set(Role))
def test_a_role_without_the_permission_is_403_and_nothing_changes(cast: Cast, route: Route) -> None:
    refused = [(who, role) for who, role in (("cora", Role.CONSULTANT), ("stan", Role.STAFF), ("gita", Role.GUEST))
               if role not in PERMISSIONS[route.permission].roles]  # fmt: skip
    for who, _ in refused:
        ids, body = sample(cast, route)
        before = rows_of(cast)
        answer = send(getattr(cast, who), route, ids, body)
        hidden = route.name in LOOSE or (route.name in ADMIN_ONLY and route.on is not None)
        assert answer.status_code in ((403, 404) if hidden else (403,)), (who, answer.text)
        assert rows_of(cast) == before
        refusals = cast.sql.value(
            "SELECT count(*) FROM operations WHERE tenant_id = $1 AND outcome = 'refused' AND action = $2",
            cast.tenant, route.name,
        )  # fmt: skip
        assert refusals or answer.status_code == 404, "a refusal is in the journal"


@each(lambda r: r.parameters and TEXT not in r.parameters)
def test_a_malformed_or_unknown_id_is_refused(cast: Cast, route: Route) -> None:
    ids, body = sample(cast, route)
    for place in range(len(ids)):
        for bad, status in (("abc", 422), (0, 404), (2**53, 404), (-1, 404)):
            wrong = [*ids[:place], bad, *ids[place + 1 :]]
            assert send(cast.ada, route, wrong, body).status_code == status, bad
        assert (
            send(cast.ada, route, [*ids[:place], 2**50, *ids[place + 1 :]], body).status_code == 404
        )


@each(lambda r: r.body)
def test_a_malformed_body_is_refused(cast: Cast, route: Route) -> None:
    ids, _ = sample(cast, route)
    before = rows_of(cast)
    as_json = {"Content-Type": "application/json"}
    rows = [
        (b"", as_json, 400), (b"{", as_json, 400), (b"[]", as_json, 422), (b"null", as_json, 422), (b'"x"', as_json, 422),
        (b"\xff\xfe", as_json, 400), (b'{"bogus": 1}', as_json, 422), (b"[" * 100_000, as_json, 400),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, as_json, 422), (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"Content-Type": "text/plain"}, 415), (b"{}", {}, 415), (b" " * 1_100_000, as_json, 413),
    ]  # fmt: skip
    for content, headers, status in rows:
        answer = cast.ada.request(
            route.method, path_of(route, ids), content=content, headers=headers
        )
        assert answer.status_code in (status, 400 if status == 422 else status), (
            content[:40],
            answer.text,
        )
        assert answer.headers["content-type"] == "application/problem+json"
    assert rows_of(cast) == before


@each(lambda r: r.changes and not r.body and not r.form and not r.lines)
def test_a_body_where_none_is_taken_is_refused(cast: Cast, route: Route) -> None:
    ids, _ = sample(cast, route)
    before = rows_of(cast)
    json = {"Content-Type": "application/json"}
    for content, headers, status in ((b'{"bogus": 1}', json, 422), (b'{"bogus": 1}', {}, 422), (b"{", json, 400),
                                     (b"[]", json, 422), (b" " * 1_100_000, json, 413)):  # fmt: skip
        answer = cast.ada.request(
            route.method, path_of(route, ids), content=content, headers=headers
        )
        assert answer.status_code == status, (content[:40], answer.text)
    assert rows_of(cast) == before
    assert send(cast.ada, route, ids, {}).status_code == route.status, "an empty object is nothing"


@each(lambda r: r.changes)
def test_a_cross_site_write_is_refused(cast: Cast, route: Route) -> None:
    ids, body = sample(cast, route)
    before = rows_of(cast)
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert send(cast.ada, route, ids, body, headers=headers).status_code == 403
    assert rows_of(cast) == before


@routes
def test_unknown_parameters_are_refused_by_name(cast: Cast, route: Route) -> None:
    ids, body = sample(cast, route)
    path = f"{path_of(route, ids).partition('?')[0]}?bogus=1"
    answer = cast.ada.request(route.method, path, **({} if body is FILE else sending(body)))
    assert answer.status_code == 422
    assert "bogus" in [error["field"] for error in answer.json()["errors"]]


@routes
def test_a_method_without_a_route_is_405_with_allow(cast: Cast, route: Route) -> None:
    ids, _ = sample(cast, route)
    answer = cast.ada.request("PROPFIND", path_of(route, ids))
    assert answer.status_code == 405
    assert route.method in answer.headers["allow"]
    assert answer.headers["content-type"] == "application/problem+json"
