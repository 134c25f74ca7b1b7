"""Domains within a hierarchy: given, moved, deleted, undone, and at the same moment."""

from typing import Any

import httpx
import pytest

from support.cast import Cast
from support.races import together

PATH = "/api/organizations"


def made(cast: Cast, name: str, parent: int | None = None, *domains: str) -> int:
    return int(
        cast.ada.made(PATH, name=name, type="other", parentId=parent, domains=list(domains))["id"]
    )


def put(cast: Cast, id: int, **body: Any) -> httpx.Response:
    return cast.ada.put(f"{PATH}/{id}", body)


def domains(cast: Cast, *ids: int) -> list[list[str]]:
    return [cast.ada.get(f"{PATH}/{id}").json()["domains"] for id in ids]


def found(cast: Cast, domain: str) -> list[int]:
    rows = cast.ada.get(PATH, params={"domain": domain, "sort": "id"}).json()
    return [row["id"] for row in rows]


def undo_last(cast: Cast) -> httpx.Response:
    last = cast.ada.get("/api/operations?limit=1&fields=id").json()[0]["id"]
    return cast.ada.post(f"/api/operations/{last}/undo")


def conflict(answer: httpx.Response) -> str:
    """The message of a 409 on domains."""
    assert answer.status_code == 409, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == "domains"
    return str(error["message"])


@pytest.fixture
def group(cast: Cast) -> list[int]:
    """A group, two subsidiaries and one of a subsidiary; the first and the last share a domain."""
    top = made(cast, "Group", None, "group.example", "top.example")
    one, other = made(cast, "One", top), made(cast, "Other", top)
    return [top, one, other, made(cast, "Deep", one, "group.example")]


def test_organizations_of_one_hierarchy_share_a_domain(cast: Cast, group: list[int]) -> None:
    top, _one, other, deep = group
    assert put(cast, other, domains=["group.example"]).status_code == 200
    for spelling in (
        "group.example",
        "WWW.group.example",
        "https://group.example/",
        "group.example.",
    ):
        assert found(cast, spelling) == [top, other, deep], spelling
    stranger = made(cast, "Stranger")
    assert f"organization {top}" in conflict(put(cast, stranger, domains=["www.group.example"]))
    assert conflict(
        cast.ada.post(PATH, {"name": "N", "type": "other", "domains": ["group.example"]})
    )
    assert cast.ada.post(
        PATH, {"name": "N", "type": "other", "domains": ["group.example"], "parentId": deep}
    ).is_success


def test_an_upsert_by_a_shared_domain_means_the_topmost(cast: Cast, group: list[int]) -> None:
    top, one, other, deep = group
    path = f"{PATH}/by/domain/https%3A%2F%2Fwww.Group.example%2F"
    changed = cast.ada.put(path, {"industry": "Retail"})
    assert changed.json().get("id") == top, changed.text
    put(cast, top, domains=[])
    assert cast.ada.put(path, {"industry": "Retail"}).json()["id"] == deep
    put(cast, other, domains=["group.example"])
    assert cast.ada.put(path, {"industry": "Retail"}).json()["id"] == other
    put(cast, one, domains=["group.example"])
    assert cast.ada.put(path, {"industry": "Retail"}).json()["id"] == one, "the smallest id"


def test_a_move_out_of_the_hierarchy_is_refused_while_a_domain_is_shared(
    cast: Cast, group: list[int]
) -> None:
    top, one, _other, deep = group
    elsewhere = made(cast, "Elsewhere")
    for id, parent in ((deep, None), (one, None), (one, elsewhere), (deep, elsewhere)):
        assert "group.example" in conflict(put(cast, id, parentId=parent))
    lines = f'{{"method":"PUT","path":"{PATH}/{deep}","body":{{"parentId":null}}}}\n'
    bulk = cast.ada.request(
        "POST", "/api/bulk", content=lines, headers={"Content-Type": "application/x-ndjson"}
    )
    assert bulk.status_code in (409, 422), bulk.text
    assert put(cast, deep, parentId=top).status_code == 200, "within the hierarchy"
    assert put(cast, deep, parentId=None, domains=[]).status_code == 200, "given up at once"
    assert conflict(put(cast, deep, domains=["top.example"]))
    assert put(cast, deep, parentId=elsewhere, domains=["deep.example"]).status_code == 200
    assert put(cast, deep, parentId=top, domains=["top.example"]).status_code == 200


def test_below_a_deleted_organization_a_shared_domain_stays_within_the_hierarchy(
    cast: Cast, group: list[int]
) -> None:
    top, one, other, deep = group
    put(cast, other, domains=["group.example"])
    assert cast.ada.delete(f"{PATH}/{one}").status_code == 204
    assert cast.ada.get(f"{PATH}/{deep}").json()["parentId"] == top
    assert found(cast, "group.example") == [top, other, deep]
    assert undo_last(cast).status_code == 200
    assert cast.ada.get(f"{PATH}/{deep}").json()["parentId"] == one


def test_of_the_hierarchies_that_a_deletion_leaves_the_first_by_id_keeps_a_domain(
    cast: Cast, group: list[int]
) -> None:
    top, one, other, deep = group
    put(cast, other, domains=["own.example", "group.example", "www.last.example"])
    late = made(cast, "Late", deep, "group.example")
    assert cast.ada.delete(f"{PATH}/{top}").status_code == 204
    assert found(cast, "group.example") == [other]
    assert domains(cast, other, deep, late) == [
        ["own.example", "group.example", "last.example"],
        [],
        [],
    ]
    assert found(cast, "top.example") == []
    operation = cast.ada.get("/api/operations?limit=1&fields=id").json()[0]["id"]
    changed = {
        change["entityId"]
        for change in cast.ada.get(f"/api/operations/{operation}").json()["changes"]
        if any(field["field"] == "domains" for field in change["changes"])
    }
    assert changed == {deep, late}, "the operation says who lost what"
    assert undo_last(cast).status_code == 200
    assert found(cast, "group.example") == [top, other, deep, late]
    for id in (one, other):
        assert cast.ada.get(f"{PATH}/{id}").json()["parentId"] == top


def test_an_undo_judges_domains_by_the_hierarchies_of_its_end(cast: Cast, group: list[int]) -> None:
    top, _one, _other, deep = group
    cast.ada.delete(f"{PATH}/{top}")
    stranger = made(cast, "Stranger", None, "top.example")
    deletion = cast.ada.get("/api/operations?limit=1&action=deleteOrganization").json()[0]["id"]
    refused = cast.ada.post(f"/api/operations/{deletion}/undo")
    assert f"organization {stranger}" in conflict(refused)
    assert cast.ada.get(f"{PATH}/{top}").status_code == 404
    put(cast, stranger, parentId=deep)
    assert cast.ada.post(f"/api/operations/{deletion}/undo").status_code == 200
    assert found(cast, "top.example") == [top, stranger]


def test_of_simultaneous_writers_only_those_of_one_hierarchy_get_a_domain(cast: Cast) -> None:
    tops = [made(cast, f"T{n}") for n in range(4)]
    ids = [made(cast, f"C{n}", tops[n % 4]) for n in range(12)]
    answers = together([lambda id=id: put(cast, id, domains=["race.example"]) for id in ids])
    assert {a.status_code for a in answers} == {200, 409}
    held = found(cast, "race.example")
    winners = [id for id, a in zip(ids, answers, strict=True) if a.status_code == 200]
    assert held == sorted(winners)
    assert len({tops[ids.index(id) % 4] for id in held}) == 1


def test_a_move_and_a_gift_at_the_same_moment_leave_no_domain_in_two_hierarchies(
    cast: Cast,
) -> None:
    for n in range(8):
        name = f"race{n}.example"
        top = made(cast, "T", None, name)
        child = made(cast, "C", top)
        jobs = [
            lambda c=child: put(cast, c, parentId=None),
            lambda c=child, d=name: put(cast, c, domains=[d]),
        ]
        answers = together(jobs)
        assert sorted(a.status_code for a in answers) == [200, 409], [a.text for a in answers]


def test_an_organization_put_below_one_being_deleted_moves_up_or_is_refused(cast: Cast) -> None:
    for _ in range(6):
        top = made(cast, "T")
        middle, child = made(cast, "M", top), made(cast, "C")
        gone, moved = together(
            [
                lambda m=middle: cast.ada.delete(f"{PATH}/{m}"),
                lambda c=child, m=middle: put(cast, c, parentId=m),
            ]
        )
        assert gone.status_code == 204
        expected = {200: top, 422: None}[moved.status_code]
        assert cast.ada.get(f"{PATH}/{child}").json()["parentId"] == expected
