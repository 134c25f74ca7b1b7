"""Saved views: owners, sharing, valid queries, undo."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from retainer.records.views.store import ViewNoun
from support.cast import Cast, Person
from support.in_process import InProcess
from support.journal import last, undo, undone
from support.pages.sitemap import get, post
from support.races import together

MOST = 200


def make_view(person: Person, name: str = "Mine", noun: str = "tasks", **more: Any) -> int:
    return int(person.made("/api/views", noun=noun, name=name, **more)["id"])


def names(person: Person, query: str = "") -> list[str]:
    answer = person.get(f"/api/views?{query}")
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()]


def refused(answer: httpx.Response) -> str:
    """The reason why a query is refused."""
    assert answer.status_code == 422, answer.text
    assert {error["field"] for error in answer.json()["errors"]} == {"query"}
    return "; ".join(error["message"] for error in answer.json()["errors"])


def test_a_view_is_answered_as_it_was_saved(cast: Cast) -> None:
    query = "status=active&tags:in=vip,key&filter=name%20~%20%22a%22&sort=-updatedAt&fields=id,name"
    made = cast.cora.made(
        "/api/views", noun="organizations", name="Ärger", query=query, isShared=True
    )
    assert made | {"id": 0, "createdAt": "", "updatedAt": ""} == {
        "id": 0, "noun": "organizations", "name": "Ärger", "query": query, "isShared": True, "ownerId": cast.cora.id,
        "createdAt": "", "updatedAt": "",
    }  # fmt: skip
    assert cast.cora.get(f"/api/views/{made['id']}").json() == made
    plain = cast.cora.made("/api/views", noun="contacts", name="All")
    assert (plain["query"], plain["isShared"]) == ("", False)


@pytest.mark.parametrize("noun", ViewNoun)
def test_a_saved_view_of_every_noun_is_accepted_by_its_list(cast: Cast, noun: str) -> None:
    query = "id:gte=1&createdAt:gte=-30d&sort=-id&count=exact"
    id = make_view(cast.gita, "Recent", noun, query=query)
    assert (
        cast.gita.get(
            f"/api/{noun}?{cast.gita.get(f'/api/views/{id}').json()['query']}"
        ).status_code
        == 200
    )


def test_shared_views_are_visible_to_others_and_guests_see_only_their_own(cast: Cast) -> None:
    for who in (cast.ada, cast.cora, cast.stan):
        make_view(who, f"{who.username} alone")
        make_view(who, f"{who.username} for all", isShared=True)
    make_view(cast.gita, "Gita alone")
    shared = sorted(f"{who.username} for all" for who in (cast.ada, cast.cora, cast.stan))
    for who in (cast.ada, cast.cora, cast.stan):
        assert names(who) == sorted([*shared, f"{who.username} alone"])
    assert names(cast.sam) == shared
    assert names(cast.gita) == ["Gita alone"]
    assert names(cast.olga) == []
    for row in cast.ada.get("/api/views?isShared=true").json():
        path = f"/api/views/{row['id']}"
        assert [who.get(path).status_code for who in (cast.sam, cast.gita, cast.olga)] == [
            200,
            404,
            404,
        ]


def test_a_shared_view_is_changed_by_its_owner_and_administrators(cast: Cast) -> None:
    path = f"/api/views/{make_view(cast.stan, isShared=True)}"
    for who in (cast.cora, cast.sam):
        before = cast.stan.get(path).text
        for answer in (who.put(path, {"name": "Theirs"}), who.delete(path)):
            assert answer.status_code == 403
            assert "its owner and administrators" in answer.json()["detail"]
        assert cast.stan.get(path).text == before
    assert cast.ada.put(path, {"name": "Ada's words"}).json()["ownerId"] == cast.stan.id
    assert cast.stan.put(path, {"query": "status=todo"}).json()["name"] == "Ada's words"
    assert cast.ada.delete(path).status_code == 204
    assert cast.stan.get(path).status_code == 404


def test_who_has_become_a_guest_changes_no_view_that_they_shared(cast: Cast) -> None:
    shared = f"/api/views/{make_view(cast.sam, 'For all', isShared=True)}"
    private = f"/api/views/{make_view(cast.sam, 'Mine')}"
    sam = cast.with_role(cast.sam, "guest")
    shown = cast.ada.get(shared)
    changes: list[dict[str, Any]] = [
        {"name": "CLICK evil.example"},
        {"query": "status=todo"},
        {"isShared": False},
        {"isShared": True},
        {},
    ]
    answers = [sam.put(shared, body) for body in changes]
    answers += [sam.put(shared, changes[0], headers={"Prefer": "dry-run"}), sam.delete(shared)]
    answers += [post(sam, f"{shared[4:]}", name="x"), post(sam, f"{shared[4:]}/delete")]
    answers += [get(sam, shared[4:])]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert "may not change what others see" in answers[0].json()["detail"]
    after = cast.ada.get(shared)
    assert (after.text, after.headers["etag"]) == (shown.text, shown.headers["etag"])
    assert f"{shared[4:]}/delete" not in get(sam, "/views").text
    assert sam.put(private, {"name": "Still mine"}).status_code == 200
    assert sam.delete(private).status_code == 204
    assert cast.with_role(sam, "staff").put(shared, changes[0]).status_code == 200


def test_a_private_view_is_visible_to_its_owner_only(cast: Cast) -> None:
    path = f"/api/views/{make_view(cast.cora)}"
    for who in (cast.ada, cast.stan, cast.gita, cast.olga):
        assert who.get(path).status_code == 404
        assert who.put(path, {"name": "Theirs"}).status_code == 404
        assert who.delete(path).status_code == 404
    assert cast.ada.put(path, {}, headers={"If-Match": "*"}).status_code == 404
    assert cast.cora.put(path, {"isShared": True}).status_code == 200
    assert cast.ada.get(path).status_code == 200
    assert cast.ada.put(path, {"isShared": False}).status_code == 200
    assert cast.ada.get(path).status_code == 404


def test_guests_save_views_and_share_none(cast: Cast) -> None:
    answer = cast.gita.post("/api/views", {"noun": "tasks", "name": "For all", "isShared": True})
    assert answer.status_code == 403
    assert "isShared" in answer.json()["detail"]
    path = f"/api/views/{make_view(cast.gita, isShared=False)}"
    assert cast.gita.put(path, {"isShared": True}).status_code == 403
    assert cast.gita.put(path, {"isShared": False, "name": "Still mine"}).status_code == 200
    assert cast.gita.delete(path).status_code == 204


def test_simultaneous_readers_of_views_get_their_own_answers(cast: Cast, inside: InProcess) -> None:
    path = f"/api/views/{make_view(cast.ada)}"

    async def get(person: Person) -> int:
        headers = {"Cookie": f"connect.sid={person.token}"}
        return (await inside.client.get(path, headers=headers)).status_code

    async def many() -> list[int]:
        return await asyncio.gather(*(get(person) for person in (cast.ada, cast.cora) * 30))

    assert inside.sql.run(many()) == [200, 404] * 30


@pytest.mark.parametrize(
    ("noun", "query", "words"),
    [
        ("tasks", "stauts=todo", "stauts is not a parameter of GET /tasks; the nearest is status"),
        ("tasks", "status=done&dueDate:lte=soon", "dueDate:lte must be a date"),
        ("tasks", "industry=Energy", "industry is not a parameter of GET /tasks"),
        (
            "organizations",
            "status=gone",
            'status must be one of active, inactive, archived, not "gone"',
        ),
        ("organizations", "sort=nam", 'sort cannot be by "nam"; the nearest is name'),
        ("organizations", "fields=id,nmae", 'fields has no "nmae"; the nearest is name'),
        ("organizations", "filter=name%20%3D", "filter "),
        ("organizations", "count=all", "count must be exact or estimate"),
        (
            "organizations",
            "limit=50&status=active",
            "must not have limit: a view is the whole list",
        ),
        ("contacts", "type=client&type=vendor", "type is given twice"),
        ("contacts", "q=%00", "q must not contain the NUL character"),
        ("contacts", "q=%ff", "q must be UTF-8, percent-encoded"),
        ("contacts", "&".join(f"a{n}=1" for n in range(101)), "must be at most 100 parameters"),
        ("documents", "?name=a", "without the ? before it"),
        ("documents", "name=a b", "percent-encoded"),
        ("documents", "name=Ä", "percent-encoded"),
        ("documents", "name=a#b", "no #"),
        ("documents", "name=a\n", "percent-encoded"),
        ("documents", "name=" + "a" * 2000, "text of 0 to 2000 characters"),
    ],
)
def test_a_view_with_a_query_that_the_list_refuses_is_not_saved(
    cast: Cast, noun: str, query: str, words: str
) -> None:
    path = f"/api/views/{make_view(cast.stan, noun=noun, query='id=1')}"
    assert words in refused(
        cast.stan.post("/api/views", {"noun": noun, "name": "Broken", "query": query})
    )
    assert words in refused(cast.stan.put(path, {"query": query}))
    assert cast.stan.get(path).json()["query"] == "id=1"


def test_a_cursor_is_no_part_of_a_view(cast: Cast) -> None:
    page = cast.ada.get("/api/organizations?limit=1")
    query = page.links["next"]["url"].partition("?")[2]
    body = {"noun": "organizations", "name": "Page 2", "query": query}
    assert "must not have limit or cursor" in refused(cast.ada.post("/api/views", body))


def test_every_problem_of_a_query_is_told_at_once(cast: Cast) -> None:
    body = {"noun": "tasks", "name": "Broken", "query": "stauts=todo&sort=age&dueDate=soon"}
    assert len(cast.ada.post("/api/views", body).json()["errors"]) == 3


def test_a_view_takes_any_search_text(cast: Cast) -> None:
    text = "ü \"'<>&=+#?%/"
    id = make_view(cast.ada, noun="organizations", query=f"name={quote(text)}")
    assert (
        cast.ada.get(
            f"/api/organizations?{cast.ada.get(f'/api/views/{id}').json()['query']}"
        ).json()
        == []
    )
    cast.ada.made("/api/organizations", name=text, type="other")
    found = cast.ada.get(
        f"/api/organizations?{cast.ada.get(f'/api/views/{id}').json()['query']}"
    ).json()
    assert [row["name"] for row in found] == [text]


def test_a_views_name_is_unique_for_its_owner_and_list(cast: Cast) -> None:
    id = make_view(cast.cora, "Ärger")
    clash = cast.cora.post("/api/views", {"noun": "tasks", "name": "arger"})
    assert (clash.status_code, clash.json()["errors"][0]["field"]) == (409, "name")
    make_view(cast.cora, "Ärger", "contacts")
    make_view(cast.stan, "Ärger", isShared=True)
    other = make_view(cast.cora, "Other")
    assert cast.cora.put(f"/api/views/{other}", {"name": "ÄRGER"}).status_code == 409
    assert cast.cora.put(f"/api/views/{id}", {"name": "ÄRGER"}).status_code == 200
    assert cast.cora.delete(f"/api/views/{id}").status_code == 204
    assert cast.cora.put(f"/api/views/{other}", {"name": "ÄRGER"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x"}, "noun"),
        ({"noun": "tasks"}, "name"),
        ({"noun": "users", "name": "x"}, "noun"),
        ({"noun": "tasks", "name": " "}, "name"),
        ({"noun": "tasks", "name": "x" * 256}, "name"),
        ({"noun": "tasks", "name": "x", "query": None}, "query"),
        ({"noun": "tasks", "name": "x", "isShared": None}, "isShared"),
        ({"noun": "tasks", "name": "x", "ownerId": 1}, "ownerId"),
    ],
)
def test_a_body_that_is_no_view_is_refused_by_field(
    cast: Cast, body: dict[str, Any], field: str
) -> None:
    answer = cast.ada.post("/api/views", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_a_view_stays_with_its_list_and_owner(cast: Cast) -> None:
    path = f"/api/views/{make_view(cast.ada)}"
    for body in ({"noun": "contacts"}, {"ownerId": cast.cora.id}):
        before = cast.ada.get(path).json()
        assert cast.ada.put(path, body).status_code == 200
        assert cast.ada.get(path).json() | {"updatedAt": None} == before | {"updatedAt": None}


def fill(cast: Cast, person: Person, count: int) -> None:
    """Insert views of a person past the API."""
    cast.sql.rows(
        """WITH acting AS MATERIALIZED (
               SELECT set_config('retainer.tenant', $4, true), acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO views (tenant_id, noun, name, owner_id)
           SELECT $1, 'tasks', 'View ' || n, $2 FROM acting, generate_series(1, $3::int) n""",
        cast.tenant, person.id, count, str(cast.tenant),
    )  # fmt: skip


def test_a_user_saves_a_limited_number_of_views(cast: Cast) -> None:
    fill(cast, cast.cora, MOST - 1)
    gone = make_view(cast.cora, "The last")
    answer = cast.cora.post("/api/views", {"noun": "contacts", "name": "One more"})
    assert (answer.status_code, "200" in answer.json()["detail"]) == (409, True)
    make_view(cast.stan, "Another's")
    assert cast.cora.put(f"/api/views/{gone}", {"name": "Renamed"}).status_code == 200
    assert cast.cora.delete(f"/api/views/{gone}").status_code == 204
    deletion = last(cast, "cora")["id"]
    make_view(cast.cora, "In its place")
    answer = undo(cast.cora, deletion)
    assert (answer.status_code, "200" in answer.json()["detail"]) == (409, True), (
        "restoring counts, too"
    )


def test_of_many_simultaneous_creates_of_the_last_view_one_succeeds(cast: Cast) -> None:
    fill(cast, cast.cora, MOST - 1)
    bodies = [{"noun": "tasks", "name": f"Last {n}"} for n in range(6)]
    answers = together(
        [lambda body=body: cast.cora.post("/api/views", body).status_code for body in bodies]
    )
    assert sorted(answers) == [200] + [409] * 5
    assert len(names(cast.cora)) == MOST


def test_changes_of_a_view_are_undone(cast: Cast) -> None:
    id = make_view(cast.stan, query="status=todo")
    path = f"/api/views/{id}"
    assert cast.stan.put(path, {"query": "status=review", "isShared": True}).status_code == 200
    undone(cast, last(cast, "stan")["id"], "stan")
    row = cast.stan.get(path).json()
    assert (row["query"], row["isShared"]) == ("status=todo", False)
    assert cast.stan.delete(path).status_code == 204
    undone(cast, last(cast, "stan")["id"], "stan")
    assert cast.stan.get(path).json()["query"] == "status=todo"
    created = next(
        row for row in cast.stan.get("/api/operations").json() if row["action"] == "createView"
    )
    assert (
        cast.stan.get(f"/api/operations/{created['id']}").json()["changes"][0]["entity"] == "views"
    )


def test_changes_of_a_shared_view_are_undone_by_its_owner_and_administrators(
    cast: Cast,
) -> None:
    id = make_view(cast.cora, isShared=True)
    path = f"/api/views/{id}"
    assert cast.cora.put(path, {"name": "Renamed"}).status_code == 200
    done = last(cast, "cora")
    clara = cast.person("Clara", "consultant")
    assert done["canUndo"]
    assert not clara.get(f"/api/operations/{done['id']}").json()["canUndo"]
    assert undo(clara, done["id"]).status_code == 403
    assert cast.cora.get(path).json()["name"] == "Renamed"
    assert cast.ada.get(f"/api/operations/{done['id']}").json()["canUndo"]
    undone(cast, done["id"], "ada")
    assert cast.cora.get(path).json()["name"] == "Mine"
    assert cast.ada.delete(path).status_code == 204
    undone(cast, last(cast)["id"], "cora")
    assert cast.cora.get(path).status_code == 200


def test_the_journal_shows_a_private_view_to_nobody_else(cast: Cast) -> None:
    make_view(cast.cora, "Confidential")
    done = last(cast, "cora")
    assert (done["action"], done["records"], done["canUndo"]) == ("createView", 1, True)
    clara = cast.person("Clara", "consultant")
    assert clara.get(f"/api/operations/{done['id']}").status_code == 404
    seen = cast.ada.get(f"/api/operations/{done['id']}").json()
    assert (seen["records"], seen["changes"], seen["canUndo"]) == (0, [], False), (
        "that something was done, not what"
    )
    for who in (cast.ada, clara):
        assert "Confidential" not in who.get("/api/operations").text
        assert undo(who, done["id"]).status_code in (403, 404)
    assert names(cast.cora) == ["Confidential"]


def test_views_take_few_statements(cast: Cast, inside: InProcess) -> None:
    path = f"/api/views/{make_view(cast.ada)}"
    inside.send(cast.ada, "GET", path)
    rows = [("GET", path, None, 1), ("GET", "/api/views", None, 1),
            ("POST", "/api/views", {"noun": "tasks", "name": "N"}, 1),
            ("PUT", path, {"query": "status=todo"}, 2), ("DELETE", path, None, 2)]  # fmt: skip
    for method, address, body, count in rows:
        status, sent = inside.send(cast.ada, method, address, body)
        assert status < 300
        assert sent == count, (method, address)


def test_views_are_listed_by_noun_and_sorted(cast: Cast) -> None:
    for name, noun in (("b", "tasks"), ("A", "tasks"), ("c", "contacts")):
        make_view(cast.ada, name, noun)
    assert names(cast.ada, "noun=tasks") == ["A", "b"]
    assert names(cast.ada, "sort=-name") == ["c", "b", "A"]
    assert names(cast.ada, f"ownerId={cast.ada.id}&noun:in=contacts,projects") == ["c"]
