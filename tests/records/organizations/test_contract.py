"""The contract row by row: its 13 operations, with and without /api."""

from typing import Any

import pytest

from support.cast import Cast
from support.races import together

FIELDS = [
    "id", "name", "type", "status", "industry", "website", "description", "metadata", "createdAt", "updatedAt",
    "externalId", "domains", "parentId", "ownerId", "tags", "suggestedDomain",  # added after the contract's ten
]  # fmt: skip

TYPES = ["customer", "prospect", "partner", "vendor", "internal", "other"]
STATUSES = ["active", "inactive", "archived"]

MEMBER_ROLES = [
    "primary_contact", "executive_sponsor", "project_manager", "technical_lead", "subject_matter_expert",
    "billing_contact", "stakeholder", "member",
]  # fmt: skip

TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(params=["/api", ""], ids=["under /api", "bare"])
def base(request: Any) -> str:
    return str(request.param)


# Each row: method, path, body, then who gets what. The order is Ada, Cora, Stan, Gita, Sam, Olga, nobody.
ROWS = [
    ("GET", "/organizations", None, (200, 200, 200, 200, 200, 200, 401)),
    ("POST", "/organizations", {"name": "New Client Inc.", "type": "customer"}, (200, 200, 403, 403, 403, 200, 401)),
    ("GET", "/organizations/{acme}", None, (200, 200, 200, 200, 404, 404, 401)),
    ("PUT", "/organizations/{acme}", {"industry": "Technology"}, (200, 200, 403, 403, 404, 404, 401)),
    ("POST", "/organizations/{acme}/duplicate", None, (200, 200, 403, 403, 404, 404, 401)),
    ("GET", "/organizations/{acme}/tasks", None, (200, 200, 200, 200, 404, 404, 401)),
    ("GET", "/organizations/{acme}/projects", None, (200, 200, 200, 200, 404, 404, 401)),
    ("GET", "/organizations/{acme}/documents", None, (200, 200, 200, 200, 404, 404, 401)),
    ("GET", "/organizations/{acme}/members", None, (200, 200, 200, 200, 404, 404, 401)),
    ("POST", "/organizations/{acme}/members", {"contactId": "{fresh}", "role": "stakeholder"}, (200, 200, 403, 403, 404, 404, 401)),
    ("PATCH", "/organizations/{acme}/members/{gita}", {"role": "billing_contact"}, (200, 200, 403, 403, 404, 404, 401)),
    ("DELETE", "/organizations/{acme}/members/{removable}", None, (204, 204, 403, 403, 404, 404, 401)),
    ("DELETE", "/organizations/{acme}", None, (204, 204, 403, 403, 404, 404, 401)),
]  # fmt: skip

PEOPLE = ["ada", "cora", "stan", "gita", "sam", "olga", "nobody"]

CASES = [
    pytest.param(method, path, body, who, status, id=f"{method} {path} as {who} is {status}")
    for method, path, body, statuses in ROWS
    for who, status in zip(PEOPLE, statuses, strict=True)
]


@pytest.mark.parametrize(("method", "path", "body", "who", "status"), CASES)
def test_each_role_gets_the_contracts_status_on_each_route(
    cast: Cast, base: str, method: str, path: str, body: Any, who: str, status: int
) -> None:
    removable = cast.contact("Rita")
    cast.ada.made(f"/api/organizations/{cast.acme}/members", contactId=removable, role="member")
    values = {"{acme}": cast.acme, "{gita}": cast.gita_contact, "{removable}": removable}
    for name, value in values.items():
        path = path.replace(name, str(value))
    if body and body.get("contactId"):
        body = body | {"contactId": cast.contact("Fred")}
    before = everything(cast)
    answer = getattr(cast, who).request(method, base + path, **({"json": body} if body else {}))
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert everything(cast) == before, "a refusal changes nothing"
        assert answer.headers["content-type"] == "application/problem+json"


def everything(cast: Cast) -> Any:
    """All rows of the tenant that this contract can change."""
    return cast.sql.rows(
        """SELECT 'o', id, version FROM organizations WHERE tenant_id = $1
           UNION ALL SELECT 'm', id, version FROM members WHERE tenant_id = $1 ORDER BY 1, 2""",
        cast.tenant,
    )


def test_an_organization_carries_every_field(cast: Cast, base: str) -> None:
    body = {"name": "Acme", "type": "customer", "industry": "Technology", "website": "https://acme.example.com",
            "description": "A client", "metadata": {"tier": 1, "tags": ["a", None]}}  # fmt: skip
    made = cast.cora.post(f"{base}/organizations", body)
    assert made.status_code == 200
    assert made.headers["content-type"] == "application/json"
    assert list(made.json()) == FIELDS
    assert made.json() | body == made.json()
    assert made.json()["status"] == "active"
    read = cast.cora.get(f"{base}/organizations/{made.json()['id']}")
    assert read.json() == made.json()
    assert read.headers["etag"] == made.headers["etag"]


def test_timestamps_are_utc_with_exactly_milliseconds(cast: Cast) -> None:
    import re

    answer = cast.ada.get(f"/api/organizations/{cast.acme}").json()
    assert re.fullmatch(TIMESTAMP, answer["createdAt"])
    assert re.fullmatch(TIMESTAMP, answer["updatedAt"])


def test_the_list_is_a_bare_array_in_the_order_of_folded_names(cast: Cast, base: str) -> None:
    for name in ("zebra", "Ökonomie", "ábc", "Abd", "Straße", "strassf"):
        cast.ada.made("/api/organizations", name=name, type="other")
    names = [row["name"] for row in cast.ada.get(f"{base}/organizations").json()]
    assert names == [
        "ábc",
        "Abd",
        "Acme Corporation",
        "Globex",
        "Ökonomie",
        "Straße",
        "strassf",
        "zebra",
    ]


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("status", STATUSES)
def test_every_type_and_status_is_accepted(cast: Cast, type: str, status: str) -> None:
    made = cast.ada.made("/api/organizations", name="X", type=type, status=status)
    assert (made["type"], made["status"]) == (type, status)


def test_put_changes_only_what_is_sent(cast: Cast, base: str) -> None:
    made = cast.ada.made(
        "/api/organizations",
        name="Acme",
        type="customer",
        industry="Tech",
        metadata={"a": 1, "b": 2},
    )
    path = f"{base}/organizations/{made['id']}"
    changed = cast.ada.put(path, {"industry": None, "metadata": {"a": 3}}).json()
    assert (
        changed | {"industry": "Tech", "metadata": {"a": 1, "b": 2}, "updatedAt": made["updatedAt"]}
        == made
    )
    assert changed["industry"] is None
    assert changed["metadata"] == {"a": 3}, "metadata is replaced whole"


def test_put_with_nothing_changes_nothing(cast: Cast, base: str) -> None:
    before = cast.ada.get(f"{base}/organizations/{cast.acme}")
    after = cast.ada.put(f"{base}/organizations/{cast.acme}", {})
    assert after.status_code == 200
    assert after.content == before.content
    assert after.headers["etag"] == before.headers["etag"]


def test_duplicates_are_numbered(cast: Cast, base: str) -> None:
    path = f"{base}/organizations/{cast.acme}/duplicate"
    copies = [cast.ada.post(path).json() for _ in range(3)]
    assert [copy["name"] for copy in copies] == [
        "Acme Corporation (copy)", "Acme Corporation (copy 2)", "Acme Corporation (copy 3)",
    ]  # fmt: skip
    assert (
        cast.ada.post(f"{base}/organizations/{copies[1]['id']}/duplicate").json()["name"]
        == "Acme Corporation (copy 4)"
    )
    assert cast.ada.get(f"{base}/organizations/{copies[0]['id']}/members").json() == []


def test_simultaneous_copies_of_a_record_and_its_copy_have_names_of_their_own(cast: Cast) -> None:
    source = cast.ada.made("/api/organizations", name="Race", type="other")["id"]
    ids = [
        source,
        *(cast.ada.post(f"/api/organizations/{source}/duplicate").json()["id"] for _ in range(4)),
    ]
    answers = together(
        [lambda id=id: cast.ada.post(f"/api/organizations/{id}/duplicate") for id in ids]
    )
    assert [answer.status_code for answer in answers] == [200] * 5
    names = [row["name"] for row in cast.ada.get("/api/organizations?name:contains=race").json()]
    assert sorted(names) == sorted(
        ["Race", "Race (copy)", *(f"Race (copy {n})" for n in range(2, 10))]
    )


def test_a_long_name_can_be_duplicated(cast: Cast) -> None:
    made = cast.ada.made("/api/organizations", name="n" * 255, type="other")
    copy = cast.ada.post(f"/api/organizations/{made['id']}/duplicate").json()
    assert copy["name"].endswith(" (copy)")
    assert len(copy["name"]) <= 255


@pytest.mark.parametrize("role", MEMBER_ROLES)
def test_members_are_added_and_removed(cast: Cast, base: str, role: str) -> None:
    path = f"{base}/organizations/{cast.globex}/members"
    contact = cast.contact("Mia")
    added = cast.ada.post(path, {"contactId": contact, "role": role})
    assert (added.status_code, added.content, added.headers["content-length"]) == (200, b"", "0")
    assert "content-type" not in added.headers
    assert cast.ada.get(path).json() == [
        {"organizationId": cast.globex, "contactId": contact, "role": role}
    ]
    changed = cast.ada.patch(f"{path}/{contact}", {"role": "member"})
    assert (changed.status_code, changed.content) == (200, b"")
    assert cast.ada.patch(f"{path}/{contact}", {}).status_code == 200
    assert cast.ada.get(path).json()[0]["role"] == "member"
    removed = cast.ada.delete(f"{path}/{contact}")
    assert (removed.status_code, removed.content) == (204, b"")
    assert "content-type" not in removed.headers
    assert cast.ada.get(path).json() == []
    assert cast.ada.get(f"/api/contacts/{contact}").status_code == 200, "only the association ends"
    assert cast.ada.post(path, {"contactId": contact, "role": role}).status_code == 200, (
        "and can begin anew"
    )


def test_an_existing_membership_again_is_a_conflict(cast: Cast) -> None:
    path = f"/api/organizations/{cast.acme}/members"
    again = cast.ada.post(path, {"contactId": cast.gita_contact, "role": "stakeholder"})
    assert again.status_code == 409
    assert "already a member" in again.json()["detail"]


def test_an_unknown_contact_is_unprocessable(cast: Cast) -> None:
    answer = cast.ada.post(
        f"/api/organizations/{cast.acme}/members", {"contactId": 2**52, "role": "member"}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "contactId"


def test_the_contact_of_another_tenant_is_an_unknown_one(cast: Cast) -> None:
    theirs = cast.olga.made(
        "/api/contacts", fullName="Otto", email="otto@example.com", type="client"
    )["id"]
    answer = cast.ada.post(
        f"/api/organizations/{cast.acme}/members", {"contactId": theirs, "role": "member"}
    )
    assert answer.status_code == 422


def test_deleting_an_organization_hides_its_whole_tree_as_one_operation(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Launch")["id"]
    task = cast.ada.made("/api/tasks", projectId=project, title="Plan")["id"]
    task_too = cast.ada.made("/api/tasks", organizationId=cast.acme, title="Call")["id"]
    document = cast.ada.made(
        "/api/documents",
        name="Brief",
        url="https://x.example",
        projectIds=[project],
        organizationId=cast.acme,
    )["id"]
    assert cast.ada.delete(f"/organizations/{cast.acme}").status_code == 204
    for path in (
        f"organizations/{cast.acme}",
        f"projects/{project}",
        f"tasks/{task}",
        f"tasks/{task_too}",
        f"documents/{document}",
    ):
        assert cast.ada.get(f"/api/{path}").status_code == 404, path
    for who in (cast.stan, cast.gita):
        assert who.get("/organizations").json() == []
    operations = cast.sql.rows(
        """SELECT DISTINCT operation_id, count(*) OVER () AS changes FROM changes
           WHERE tenant_id = $1 AND action = 'update' AND after ? 'deleted_by'""",
        cast.tenant,
    )
    assert len(operations) == 1
    assert (
        operations[0]["changes"] == 8
    )  # organization, two members, project, two tasks, document, its link


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "type"}),
        ({"name": "", "type": "customer"}, {"name"}),
        ({"name": "   ", "type": "customer"}, {"name"}),
        ({"name": "x" * 256, "type": "customer"}, {"name"}),
        ({"name": 7, "type": "bogus", "status": None, "metadata": [], "extra": 1}, {"name", "type", "status", "metadata", "extra"}),
        ({"name": "A", "type": "customer", "id": 5}, {"id"}),
        ({"name": "A", "type": "customer", "createdAt": "2026-01-01T00:00:00.000Z"}, {"createdAt"}),
        ({"name": "A\x00", "type": "customer"}, {"name"}),
        ({"name": "A", "type": "customer", "metadata": {"a\x00": 1}}, {"metadata"}),
        ({"name": None, "type": "customer"}, {"name"}),
    ],
)  # fmt: skip
def test_every_problem_of_a_body_is_named(
    cast: Cast, base: str, body: Any, fields: set[str]
) -> None:
    answer = cast.ada.post(f"{base}/organizations", body)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == fields
    assert all(len(error["message"]) > 10 for error in answer.json()["errors"])


@pytest.mark.parametrize(("id", "status"), [("abc", 422), ("1.5", 422), ("%20", 422), ("0", 404), ("-1", 404),
                                            ("9007199254740993", 404), ("9" * 40, 404)])  # fmt: skip
def test_a_malformed_or_unknown_id_is_refused(cast: Cast, base: str, id: str, status: int) -> None:
    assert cast.ada.get(f"{base}/organizations/{id}").status_code == status
    assert cast.ada.delete(f"{base}/organizations/{id}").status_code == status


def test_refusals_are_checked_in_the_order_of_the_contract(cast: Cast) -> None:
    path = f"/api/organizations/{cast.acme}"
    foreign = {"Origin": "https://evil.example"}
    assert cast.nobody.put(path, headers=foreign).status_code == 401, "401 before cross-site"
    assert cast.gita.put(path, headers=foreign).status_code == 403
    assert cast.sam.put(path, {"bogus": 1}).status_code == 404, "404 before 403 and 422"
    assert cast.gita.put(path, {"bogus": 1}).status_code == 403, "403 before 422"
    assert cast.ada.put(path, {"bogus": 1}).status_code == 422
    assert cast.ada.put(f"/api/organizations/{2**50}", {"bogus": 1}).status_code == 404, (
        "404 before 422"
    )
    assert (
        cast.ada.request("PUT", f"/api/organizations/{2**50}", content=b"{").status_code == 404
    ), "404 before 415"
    assert (
        cast.ada.request(
            "PUT", path, content=b"{", headers={"Content-Type": "application/json"}
        ).status_code
        == 400
    )
    assert (
        cast.ada.request(
            "PUT", path, content=b"a=b", headers={"Content-Type": "text/plain"}
        ).status_code
        == 415
    )


def test_missing_and_invisible_organizations_are_answered_alike(cast: Cast) -> None:
    unseen = cast.sam.get(f"/api/organizations/{cast.acme}").json()
    absent = cast.sam.get(f"/api/organizations/{2**50}").json()
    for answer in (unseen, absent):
        answer.pop("instance"), answer.pop("requestId")
    assert unseen == absent
