"""The history of each noun: actor, time and changed fields, page by page."""

import re
import threading
from typing import Any

from retainer.journal.entities import COLUMNS
from retainer.nouns import NOUNS
from support.cast import Cast
from support.journal import history, summary
from support.lists import linked
from support.nouns import WITH_HISTORY
from support.organizations import change
from support.samples import FILE
from support.sql import Sql

# Fields that are made of something else than a column of the noun's table.
MADE = {("organizations", "suggestedDomain"), ("documents", "type"), ("documents", "size"), ("documents", "sha256"),
        ("activities", "contactIds")}  # fmt: skip

# Columns that are no field: what histories name otherwise, and what they leave out.
HIDDEN = {"tenant_id", "id", "version", "created_at", "updated_at", "deleted_by", "projects_changed",
          "contacts_changed", "password_hash", "password_changed_at", "last_login_at", "words", "word_bits"}  # fmt: skip


def test_an_organizations_history_tells_what_was_done_to_it_and_its_members(cast: Cast) -> None:
    made = cast.cora.made(
        "/api/organizations", name="New", type="prospect", metadata={"a": [1, 1.50, None]}
    )
    path, contact = f"/api/organizations/{made['id']}", cast.contact("Mia")
    changed = cast.ada.put(
        path, {"industry": "Energy", "domains": ["new.example"], "tags": ["x"], "metadata": None}
    )
    cast.ada.put(path, {"industry": "Energy"})
    cast.ada.post(f"{path}/members", {"contactId": contact, "role": "member"})
    cast.ada.patch(f"{path}/members/{contact}", {"role": "stakeholder"})
    cast.ada.delete(f"{path}/members/{contact}")
    entries = history(cast, "organizations", made["id"])
    assert [summary(entry) for entry in entries] == [
        ("members", contact, "delete", {}),
        ("members", contact, "update", {"role": ("member", "stakeholder")}),
        ("members", contact, "insert", {"organizationId": (None, made["id"]), "contactId": (None, contact),
                                        "role": (None, "member")}),
        ("organizations", made["id"], "update", {
            "industry": (None, "Energy"), "metadata": ({"a": [1, 1.50, None]}, None), "domains": ([], ["new.example"]),
            "tags": ([], ["x"])}),
        ("organizations", made["id"], "insert", {
            "name": (None, "New"), "type": (None, "prospect"), "status": (None, "active"),
            "metadata": (None, {"a": [1, 1.50, None]})}),
    ]  # fmt: skip
    assert [entry["version"] for entry in entries] == [3, 2, 1, 2, 1]
    assert entries[3]["operation"] == {
        "id": entries[3]["operation"]["id"],
        "at": entries[3]["operation"]["at"],
        "action": "updateOrganization",
        "via": "api",
        "requestId": changed.headers["x-request-id"],
        "actor": {"id": cast.ada.id, "username": cast.ada.username, "fullName": "Ada"},
        "actorKind": "user",
        "undoes": None,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entries[0]["operation"]["at"])
    assert entries[4]["operation"]["actor"]["id"] == cast.cora.id


def test_numbers_in_a_history_are_as_the_api_answered_them(cast: Cast) -> None:
    body = b'{"metadata": {"price": 1.50, "large": 12345678901234567890.123}}'
    headers = {"Content-Type": "application/json"}
    cast.ada.request("PUT", f"/api/organizations/{cast.acme}", content=body, headers=headers)
    answered = cast.ada.get(f"/api/organizations/{cast.acme}").text
    shown = cast.ada.get(f"/api/organizations/{cast.acme}/history").text
    found = re.search(r'"metadata":(\{.*?\})', answered)
    assert found and f'"after":{found[1]}'.replace(" ", "") in shown.replace(" ", "")


def everything(cast: Cast) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """A record of each noun that was changed in every field, with what was sent and answered last."""
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="P")["id"]
    contact = cast.contact("Mia")
    task = cast.ada.made("/api/tasks", title="T")["id"]
    link = cast.ada.made("/api/documents", name="D", url="https://a.example")["id"]
    form = {"organizationId": str(cast.acme), "description": "first"}
    file = cast.ada.post("/api/documents", files=FILE, data=form).json()["id"]
    assert cast.ada.post(f"/api/documents/{file}/versions", files=FILE).status_code == 200
    activity = cast.ada.made(f"/api/organizations/{cast.acme}/activities", text="A")["id"]
    bodies: dict[str, list[tuple[int, dict[str, Any]]]] = {
        "organizations": [(cast.globex, {
            "name": "G", "type": "vendor", "status": "archived", "industry": "I", "website": "https://g.example",
            "description": "ä", "metadata": {"k": [1, "ü"]}, "externalId": "G-1", "domains": ["g.example"],
            "parentId": cast.acme, "ownerId": cast.cora.id, "tags": ["b", "a"]})],
        "contacts": [(contact, {
            "fullName": "M", "mentionName": "m", "email": f"{cast.tenant}@m.example", "phone": "1", "company": "C",
            "title": "T", "department": "D", "type": "vendor", "isActive": False, "metadata": {"x": True},
            "externalId": "x:1"})],
        "projects": [(project, {
            "title": "Q", "description": "D", "status": "active", "startDate": "2026-01-31", "dueDate": "9999-12-31",
            "audience": "client", "externalId": "x:1"})],
        "tasks": [(task, {
            "title": "U", "description": "D", "organizationId": cast.acme, "projectId": project,
            "assigneeId": cast.stan.id, "status": "review", "priority": "high", "dueDate": "2026-02-28", "order": 7,
            "audience": "client", "externalId": "x:1"})],
        "documents": [(link, {"name": "E", "url": "https://b.example", "description": "d", "organizationId": cast.acme,
                              "audience": "client"}), (file, {"name": "F"})],
        "activities": [(activity, {
            "organizationId": cast.globex, "kind": "meeting", "text": "B\nä", "happenedAt": "2026-01-31T09:30:00.120Z",
            "audience": "client", "externalId": "x:1"})],
    }  # fmt: skip
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {noun: [] for noun in WITH_HISTORY}
    for noun, records in bodies.items():
        for id, body in records:
            answer = cast.ada.put(f"/api/{noun}/{id}", body)
            assert answer.status_code == 200, answer.text
            found[noun].append((str(id), body))
    return found


def test_a_history_tells_the_values_that_the_api_answered(cast: Cast) -> None:
    """Replaying a history from its beginning gives every field as the API answers it."""
    shown = set[tuple[str, str]]()
    for noun, records in everything(cast).items():
        for id, body in records:
            entries = [e for e in history(cast, noun, int(id)) if e["entity"] == noun]
            latest = {c["field"]: c["after"] for c in entries[0]["changes"]}
            assert latest == body | {k: v for k, v in latest.items() if k not in body}
            assert set(latest) == set(body)
            state: dict[str, Any] = {}
            for entry in reversed(entries):
                for one in entry["changes"]:
                    assert one["before"] == state.get(one["field"], one["before"])
                    state[one["field"]] = one["after"]
                    shown.add((noun, one["field"]))
            answered = cast.ada.get(f"/api/{noun}/{id}").json()
            assert state == {k: v for k, v in answered.items() if k in state}
            assert {k for k, v in answered.items() if v not in (None, [])} - set(state) <= {
                "id", "createdAt", "updatedAt", "authorId", "contactIds", "type", "url", "size", "sha256"
            }  # fmt: skip
    # All fields but an organization's of a project and a document's uploader can change.
    shown_later = {(c.entity, c.field) for c in COLUMNS} - MADE
    others = ("members", "users", "views", "tenants")
    assert shown == {one for one in shown_later if one[0] not in others}


def test_every_column_is_in_the_history_or_known_to_be_hidden(sql: Sql) -> None:
    """A column added later is in the history once it is a field of the API."""
    rows = sql.rows(
        """SELECT c.relname::text AS entity, a.attname::text AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
           WHERE c.relname = ANY ($1) AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''""",
        list(NOUNS),
    )
    there = {(row["entity"], row["name"]) for row in rows if row["name"] not in HIDDEN}
    assert there == {(c.entity, c.column) for c in COLUMNS if (c.entity, c.field) not in MADE}


def test_a_documents_history_tells_of_its_projects_and_versions(cast: Cast) -> None:
    one, two = (
        cast.ada.made("/api/projects", organizationId=cast.acme, title=t)["id"] for t in "AB"
    )
    answer = cast.ada.post("/api/documents", files=FILE, data={"projectIds": str(one)})
    id = answer.json()["id"]
    cast.ada.put(f"/api/documents/{id}", {"projectIds": [two]})
    cast.ada.post(f"/api/documents/{id}/versions", files=FILE)
    operations: dict[int, list[Any]] = {}
    for entry in history(cast, "documents", id):
        operations.setdefault(entry["operation"]["id"], []).append(summary(entry))
    version, exchange, creation = operations.values()
    assert version == [("documents", id, "update", {"version": (1, 2)})]
    assert sorted(exchange) == [
        ("documentProjects", one, "delete", {}),
        ("documentProjects", two, "insert", {}),
        ("documents", id, "update", {}),
    ]
    fields = {"name": (None, "brief.txt"), "uploaderId": (None, cast.ada.id), "audience": (None, "internal"),
              "version": (None, 1)}  # fmt: skip
    assert sorted(creation) == [
        ("documentProjects", one, "insert", {}),
        ("documents", id, "insert", fields),
    ]


def test_a_history_has_no_field_that_the_api_does_not_have(cast: Cast) -> None:
    for noun, records in everything(cast).items():
        for id, _ in records:
            text = cast.ada.get(f"/api/{noun}/{id}/history").text
            for word in ("deleted_by", "storage_key", "sha256", "digest", "_folded", "website_host", "projects_changed",
                         "tenant", "created_at"):  # fmt: skip
                assert word not in text, (noun, word)


def test_a_restored_records_history_tells_its_deletion_and_restoration(cast: Cast) -> None:
    cast.ada.delete(f"/api/organizations/{cast.acme}")
    assert cast.ada.get(f"/api/organizations/{cast.acme}/history").status_code == 404
    change(
        cast.sql,
        cast.tenant,
        f"UPDATE organizations SET deleted_by = NULL, industry = 'Back' WHERE id = {cast.acme}",
    )
    restored, *gone = history(cast, "organizations", cast.acme, limit=4)
    assert summary(restored) == (
        "organizations",
        cast.acme,
        "restore",
        {"industry": (None, "Back")},
    )
    assert (restored["operation"]["actor"], restored["operation"]["actorKind"]) == (None, "command")
    assert {summary(entry)[:3] for entry in gone} == {
        ("organizations", cast.acme, "delete"),
        ("members", cast.stan_contact, "delete"),
        ("members", cast.gita_contact, "delete"),
    }
    assert len({entry["operation"]["id"] for entry in gone}) == 1
    assert not any(entry["changes"] for entry in gone)


def test_a_childs_history_tells_that_its_parent_was_deleted(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.globex}", {"parentId": cast.acme})
    cast.ada.delete(f"/api/organizations/{cast.acme}")
    entry = history(cast, "organizations", cast.globex)[0]
    assert summary(entry) == (
        "organizations",
        cast.globex,
        "update",
        {"parentId": (cast.acme, None)},
    )
    assert entry["operation"]["action"] == "deleteOrganization"


def test_staff_read_the_history_of_what_they_see_and_guests_none(cast: Cast) -> None:
    assert history(cast, "organizations", cast.acme, "stan")
    assert cast.stan.get(f"/api/organizations/{cast.globex}/history").status_code == 404
    task = cast.ada.made("/api/tasks", organizationId=cast.acme, title="T", audience="client")["id"]
    assert history(cast, "tasks", task, "stan")
    refused = cast.gita.get(f"/api/tasks/{task}/history")
    assert refused.status_code == 403
    assert "admin, consultant, staff" in refused.json()["detail"]
    assert cast.gita.get(f"/api/organizations/{cast.globex}/history").status_code == 404


def test_a_users_history_is_for_administrators(cast: Cast) -> None:
    body = {"role": "consultant", "isActive": False, "contactId": cast.contact("Sam")}
    path = f"/api/users/{cast.sam.id}"
    assert cast.sam.put("/api/user", {"timeZone": "Asia/Tokyo"}).status_code == 200
    assert cast.ada.put(path, body).status_code == 200
    change(
        cast.sql,
        cast.tenant,
        f"UPDATE users SET password_hash = 'secret-hash' WHERE id = {cast.sam.id}",
    )
    entries = history(cast, "users", cast.sam.id, entity="users")
    assert summary(entries[-2]) == ("users", cast.sam.id, "update", {
        "timeZone": (None, "Asia/Tokyo")})  # fmt: skip
    assert summary(entries[-3]) == ("users", cast.sam.id, "update", {
        "role": ("staff", "consultant"), "isActive": (True, False), "contactId": (None, body["contactId"])})  # fmt: skip
    assert summary(entries[-1])[3]["username"] == (None, cast.sam.username)
    text = cast.ada.get(f"{path}/history").text
    assert not any(word in text for word in ("secret-hash", "password", "last_login", "tenant"))
    assert cast.cora.get(f"{path}/history").status_code == 403
    assert cast.olga.get(f"{path}/history").status_code == 404


def pages(cast: Cast, path: str) -> list[list[dict[str, Any]]]:
    """All pages from a path on, as the Link of each leads to the next."""
    found = []
    while path:
        answer = cast.ada.get(path)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        path = linked(answer).get("next", "")
    return found


def test_links_lead_through_all_pages_of_a_history(cast: Cast) -> None:
    for n in range(9):
        cast.ada.put(f"/api/organizations/{cast.acme}", {"industry": f"I{n}"})
    whole = history(cast, "organizations", cast.acme, limit=1000)
    assert len(whole) == 12, "its insert, two members, nine changes"
    for limit, count in ((1, 12), (5, 3), (6, 2), (12, 1), (1000, 1)):
        found = pages(cast, f"/api/organizations/{cast.acme}/history?limit={limit}")
        assert len(found) == count
        assert [entry for page in found for entry in page] == whole
        assert {len(page) for page in found[:-1]} <= {limit}


def test_a_large_operation_is_split_over_pages(cast: Cast) -> None:
    contacts = [cast.contact(f"C{n}") for n in range(7)]
    for contact in contacts:
        cast.ada.post(
            f"/api/organizations/{cast.globex}/members", {"contactId": contact, "role": "member"}
        )
    cast.ada.delete(f"/api/organizations/{cast.globex}")
    change(
        cast.sql,
        cast.tenant,
        f"UPDATE organizations SET deleted_by = NULL WHERE id = {cast.globex}",
    )
    found = [
        entry
        for page in pages(cast, f"/api/organizations/{cast.globex}/history?limit=3")
        for entry in page
    ]
    assert found == history(cast, "organizations", cast.globex)
    assert (
        sorted(e["entityId"] for e in found if e["action"] == "delete" and e["entity"] == "members")
        == contacts
    )


def test_paging_a_history_during_writes_misses_and_repeats_nothing(cast: Cast) -> None:
    path = f"/api/organizations/{cast.acme}"
    for n in range(20):
        cast.ada.put(path, {"industry": f"I{n}"})
    before = history(cast, "organizations", cast.acme)
    done = threading.Event()

    def write() -> None:
        for n in range(200):
            if done.is_set():
                return
            cast.cora.put(path, {"industry": f"J{n}"})

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(5):
            found = [entry for page in pages(cast, f"{path}/history?limit=4") for entry in page]
            keys = [(entry["entity"], entry["entityId"], entry["version"]) for entry in found]
            assert len(keys) == len(set(keys))
            assert found[-len(before) :] == before
    finally:
        done.set()
        for writer in writers:
            writer.join()


def test_a_history_is_filtered_by_actor_and_time(cast: Cast) -> None:
    cast.cora.put(f"/api/organizations/{cast.acme}", {"industry": "Theirs"})
    assert len(history(cast, "organizations", cast.acme, actorId=cast.cora.id)) == 1
    assert len(history(cast, "organizations", cast.acme, since="-1h", entity="members")) == 2
    assert history(cast, "organizations", cast.acme, until="-1h") == []
    refused = cast.ada.get(f"/api/organizations/{cast.acme}/history?cursor=MQ&page=1")
    assert [error["field"] for error in refused.json()["errors"]] == ["page"]
    assert cast.ada.get(f"/api/organizations/{cast.acme}/history?cursor=MQ").status_code == 422


def test_a_cursor_of_another_history_reveals_nothing_of_it(cast: Cast) -> None:
    for n in range(3):
        cast.olga.made("/api/organizations", name=f"Theirs {n}", type="other")
    cast.ada.put(f"/api/organizations/{cast.acme}", {"industry": "I"})
    link = cast.ada.get(f"/api/organizations/{cast.acme}/history?limit=1").headers["link"]
    query = link[link.index("?") : link.index(">")]
    theirs = cast.olga.get("/api/organizations").json()[0]["id"]
    found = cast.olga.get(f"/api/organizations/{theirs}/history{query}")
    assert found.status_code == 200
    assert {entry["entityId"] for entry in found.json()} <= {theirs}
    assert cast.olga.get(f"/api/organizations/{cast.acme}/history{query}").status_code == 404
