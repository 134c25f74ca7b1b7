"""Activities: texts, contacts, audiences, and deletions of the records they refer to."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.cast import Cast, Person
from support.journal import history, last, summary, undo, undone
from support.samples import NDJSON, line


def log(person: Person, organization: int, text: str = "Called", **body: Any) -> dict[str, Any]:
    return person.made(f"/api/organizations/{organization}/activities", text=text, **body)


def texts(person: Person, path: str = "/api/activities", **asked: Any) -> list[str]:
    answer = person.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return [row["text"] for row in answer.json()]


def refused(answer: Any) -> dict[str, str]:
    """The messages of a 422, by field."""
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def test_an_activity_needs_only_a_text(cast: Cast) -> None:
    before = datetime.now(UTC)
    made = log(cast.cora, cast.acme, "Wants an offer by Friday")
    assert made == {
        "id": made["id"], "organizationId": cast.acme, "kind": "note", "text": "Wants an offer by Friday",
        "happenedAt": made["createdAt"], "authorId": cast.cora.id, "contactIds": [], "audience": "internal",
        "createdAt": made["createdAt"], "updatedAt": made["createdAt"], "externalId": None,
    }  # fmt: skip
    at = datetime.fromisoformat(made["happenedAt"])
    assert before - timedelta(minutes=1) < at < before + timedelta(minutes=1)
    assert cast.ada.get(f"/api/activities/{made['id']}").json() == made


def test_an_activity_is_logged_with_every_field(cast: Cast) -> None:
    answer = cast.cora.post(f"/api/organizations/{cast.acme}/activities", {
        "kind": "meeting", "text": "First line\nsecond", "happenedAt": "2026-01-31T10:30:00.1239+01:00",
        "contactIds": [cast.gita_contact, cast.stan_contact, cast.gita_contact], "audience": "client",
    })  # fmt: skip
    made = answer.json()
    people = sorted([cast.gita_contact, cast.stan_contact])
    assert answer.headers["etag"] == f'"{made["id"]}-1"'
    assert (made["happenedAt"], made["contactIds"]) == ("2026-01-31T09:30:00.123Z", people)
    (listed,) = cast.ada.get(
        f"/api/organizations/{cast.acme}/activities?expand=organization"
    ).json()
    assert listed == made | {
        "author": {"id": cast.cora.id, "username": cast.cora.username, "fullName": "Cora"},
        "contacts": [
            {"id": cast.gita_contact, "fullName": "Gita"},
            {"id": cast.stan_contact, "fullName": "Stan"},
        ],
        "organization": {
            "id": cast.acme,
            "name": "Acme Corporation",
            "type": "customer",
            "status": "active",
        },
    }


def test_every_problem_of_an_activity_is_named_at_once(cast: Cast) -> None:
    path = f"/api/organizations/{cast.acme}/activities"
    wrong = refused(cast.ada.post(path, {
        "text": "  ", "kind": "visit", "happenedAt": "2026-01-31", "contactIds": ["x", 1], "audience": "all",
        "authorId": 1, "organizationId": 1,
    }))  # fmt: skip
    assert set(wrong) == {
        "text",
        "kind",
        "happenedAt",
        "contactIds[0]",
        "audience",
        "authorId",
        "organizationId",
    }
    assert (
        wrong["happenedAt"]
        == 'must be a time with its zone, such as 2026-01-31T09:30:00Z, not "2026-01-31"'
    )
    assert wrong["authorId"] == "is read-only; leave it out"
    assert "call, meeting, email, note" in wrong["kind"]
    assert refused(cast.ada.post(path, {})) == {
        "text": "is required; it must be text of 1 to 20000 characters, not only spaces"
    }
    assert set(refused(cast.ada.post(path, {"text": "x" * 20_001, "happenedAt": "2026-01-31T09:30:00"}))) == {
        "text", "happenedAt"
    }  # fmt: skip
    assert set(
        refused(cast.ada.post(path, {"text": "A", "contactIds": [cast.gita_contact] * 51}))
    ) == {"contactIds"}
    assert set(
        refused(cast.ada.put(f"/api/activities/{log(cast.ada, cast.acme)['id']}", {"text": None}))
    ) == {"text"}


@pytest.mark.parametrize(("given", "kept"), [
    ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00.000Z"), ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"),
    ("1900-01-01T00:00:00+00:01", None), ("9999-12-31T23:59:59-00:01", None), ("0001-01-01T00:00:00+00:01", None),
    ("0001-01-01T00:00:00Z", None),
])  # fmt: skip
def test_an_activitys_time_may_be_at_either_end_of_the_calendar(
    cast: Cast, given: str, kept: str | None
) -> None:
    answer = cast.ada.post(
        f"/api/organizations/{cast.acme}/activities", {"text": "A", "happenedAt": given}
    )
    if kept is None:
        assert refused(answer) == {"happenedAt": "must be in the years 1900 to 9999, as UTC"}
        return
    made = answer.json()
    assert made["happenedAt"] == kept
    assert cast.ada.get(f"/api/activities/{made['id']}").json() == made
    assert cast.ada.get("/api/activities?limit=1&sort=happenedAt").json()[0]["happenedAt"] == kept


def test_activities_are_listed_newest_first_and_filtered(cast: Cast) -> None:
    contact = cast.contact("Carl")
    log(cast.ada, cast.acme, "old", happenedAt="2026-01-01T09:00:00Z", kind="email")
    log(cast.cora, cast.globex, "new", happenedAt="2026-03-01T09:00:00Z", contactIds=[contact])
    log(cast.cora, cast.acme, "middle", happenedAt="2026-02-01T09:00:00Z", kind="call")
    assert texts(cast.ada) == ["new", "middle", "old"]
    assert texts(cast.ada, f"/api/organizations/{cast.acme}/activities") == ["middle", "old"]
    rows: list[tuple[dict[str, Any], list[str]]] = [
        ({"kind": "call"}, ["middle"]), ({"kind:in": "call,email"}, ["middle", "old"]),
        ({"authorId": cast.cora.id}, ["new", "middle"]), ({"organizationId": cast.globex}, ["new"]),
        ({"contactId": contact}, ["new"]), ({"contactId": cast.gita_contact}, []),
        ({"happenedAt:gte": "2026-02-01", "happenedAt:lt": "2026-03-01"}, ["middle"]),
        ({"sort": "happenedAt"}, ["old", "middle", "new"]), ({"sort": "kind"}, ["middle", "old", "new"]),
        ({"q": "midd"}, ["middle"]), ({"filter": "kind = note or authorId = 0"}, ["new"]),
        ({"limit": 2}, ["new", "middle"]),
    ]  # fmt: skip
    for asked, expected in rows:
        assert texts(cast.ada, **asked) == expected, asked


def test_an_activity_is_found_by_its_words_and_titled_by_its_first_words(cast: Cast) -> None:
    log(cast.ada, cast.acme, "\n  Lunch  with\tthe board.\n" + "word " * 200 + "persimmon")
    (hit,) = cast.ada.get("/api/search?q=persimm&kinds=activity").json()
    assert (hit["kind"], hit["subtitle"], hit["organizationId"]) == (
        "activity",
        "Acme Corporation",
        cast.acme,
    )
    assert hit["title"] == ("Lunch with the board. " + "word " * 200)[:120], "one line of it"
    assert {"text": "persimm", "match": True} in hit["highlights"][0]["parts"]
    assert cast.stan.get("/api/search?q=lunch").json()[0]["kind"] == "activity"
    assert cast.gita.get("/api/search?q=lunch").json() == []


def test_a_change_of_an_activity_keeps_absent_fields(cast: Cast) -> None:
    made = log(cast.cora, cast.acme, "A", kind="call", contactIds=[cast.gita_contact])
    path = f"/api/activities/{made['id']}"
    changed = cast.stan.put(
        path, {"text": "B", "happenedAt": "2026-01-31T09:30:00Z", "audience": "client"}
    )
    assert changed.json() == made | {
        "text": "B", "happenedAt": "2026-01-31T09:30:00.000Z", "audience": "client",
        "updatedAt": changed.json()["updatedAt"],
    }  # fmt: skip
    assert cast.ada.put(path, {}).headers["etag"] == changed.headers["etag"]
    moved = cast.ada.put(path, {"organizationId": cast.globex})
    assert (moved.json()["organizationId"], moved.json()["contactIds"]) == (
        cast.globex,
        [cast.gita_contact],
    )
    assert cast.stan.get(path).status_code == 404
    assert cast.ada.get(f"/api/organizations/{cast.acme}/activities").json() == []


def test_an_activitys_contacts_are_replaced_together_and_change_its_version(cast: Cast) -> None:
    contact = cast.contact("Carl")
    made = log(cast.ada, cast.acme, contactIds=[cast.gita_contact, contact])
    path = f"/api/activities/{made['id']}"
    same = cast.ada.put(path, {"contactIds": [contact, cast.gita_contact]})
    assert same.headers["etag"] == f'"{made["id"]}-1"', "the same ones are no change"
    changed = cast.ada.put(path, {"contactIds": [cast.stan_contact, contact], "text": "B"})
    assert changed.headers["etag"] == f'"{made["id"]}-2"'
    assert changed.json()["contactIds"] == sorted([cast.stan_contact, contact])
    assert changed.json() == cast.ada.get(path).json()
    assert cast.ada.put(path, {"contactIds": []}).json()["contactIds"] == []
    stale = cast.ada.put(
        path, {"contactIds": [contact]}, headers={"If-Match": changed.headers["etag"]}
    )
    assert stale.status_code == 412


def test_an_activity_refers_only_to_existing_records(cast: Cast) -> None:
    gone = cast.contact("Gone")
    cast.ada.delete(f"/api/contacts/{gone}")
    no_contact = "there is no such contact, or none that you may see"
    path = f"/api/organizations/{cast.acme}/activities"
    body = {"text": "A", "contactIds": [cast.gita_contact, gone, 2**50]}
    assert refused(cast.ada.post(path, body)) == {
        "contactIds[1]": no_contact,
        "contactIds[2]": no_contact,
    }
    stranger = cast.contact("Stranger")
    assert refused(cast.stan.post(path, {"text": "A", "contactIds": [stranger]})) == {
        "contactIds[0]": no_contact
    }
    made = log(cast.stan, cast.acme, contactIds=[cast.gita_contact])
    body = {"organizationId": cast.globex, "contactIds": [cast.gita_contact, stranger]}
    assert set(refused(cast.stan.put(f"/api/activities/{made['id']}", body))) == {
        "organizationId",
        "contactIds[1]",
    }
    assert set(
        refused(cast.stan.put(f"/api/activities/{made['id']}", {"organizationId": 2**50}))
    ) == {"organizationId"}
    assert cast.ada.get(f"/api/activities/{made['id']}").json() == made
    assert (
        cast.stan.post(f"/api/organizations/{cast.globex}/activities", {"text": "A"}).status_code
        == 404
    )
    assert cast.ada.post(f"/api/organizations/{2**50}/activities", {"text": "A"}).status_code == 404


def test_staff_log_change_and_undo_their_own_activities_but_delete_none(cast: Cast) -> None:
    made = log(cast.stan, cast.acme, "Mine")
    logged = last(cast, "stan")
    assert (logged["action"], logged["canUndo"]) == ("createActivity", True)
    assert (
        cast.stan.put(
            f"/api/activities/{log(cast.ada, cast.acme)['id']}", {"text": "Hers"}
        ).status_code
        == 200
    )
    assert cast.stan.delete(f"/api/activities/{made['id']}").status_code == 403
    undone(cast, logged["id"], "stan")
    assert cast.stan.get(f"/api/activities/{made['id']}").status_code == 404
    undone(cast, who="stan")
    assert cast.stan.get(f"/api/activities/{made['id']}").json() == made | {
        "updatedAt": cast.stan.get(f"/api/activities/{made['id']}").json()["updatedAt"]
    }
    log(cast.cora, cast.acme, "Coras")
    assert undo(cast.stan, last(cast)["id"]).status_code == 403


def test_each_role_sees_the_activities_for_it(cast: Cast) -> None:
    for organization in (cast.acme, cast.globex):
        for audience in ("internal", "client"):
            log(cast.ada, organization, f"{organization} {audience}", audience=audience)
    acme = [f"{cast.acme} client", f"{cast.acme} internal"]
    assert len(texts(cast.cora)) == 4
    assert sorted(texts(cast.stan)) == acme
    assert texts(cast.gita) == acme[:1]
    assert texts(cast.sam) == texts(cast.olga) == []
    (shown,) = cast.gita.get("/api/activities").json()
    path = f"/api/activities/{shown['id']}"
    assert cast.gita.get(path).status_code == 200
    assert cast.gita.put(path, {"text": "B"}).status_code == 403
    assert (
        cast.gita.post(f"/api/organizations/{cast.acme}/activities", {"text": "A"}).status_code
        == 403
    )
    assert cast.gita.get(f"{path}/history").status_code == 403
    cast.ada.put(path, {"audience": "internal"})
    assert cast.gita.get(path).status_code == 404


def test_an_activitys_invisible_contacts_are_not_named_and_stay_linked(cast: Cast) -> None:
    stranger = cast.contact("Stranger")
    made = log(cast.ada, cast.acme, contactIds=[stranger, cast.gita_contact])
    (shown,) = cast.stan.get("/api/activities").json()
    assert shown["contacts"] == [{"id": cast.gita_contact, "fullName": "Gita"}]
    assert texts(cast.stan, contactId=stranger) == []
    answer = cast.stan.put(
        f"/api/activities/{made['id']}", {"contactIds": [stranger, cast.stan_contact]}
    )
    assert answer.json()["contactIds"] == sorted([stranger, cast.stan_contact])


def test_an_activity_keeps_the_ids_of_deleted_contacts(cast: Cast) -> None:
    contact = cast.contact("Carl")
    made = log(cast.ada, cast.acme, contactIds=[contact])
    path = f"/api/activities/{made['id']}"
    before = cast.ada.get(path)
    assert cast.ada.delete(f"/api/contacts/{contact}").status_code == 204
    deletion = last(cast)["id"]
    after = cast.ada.get(path)
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])
    assert cast.ada.get("/api/activities").json()[0]["contacts"] == []
    assert texts(cast.ada, contactId=contact) == []
    kept = cast.ada.put(path, {"contactIds": [contact, cast.gita_contact]})
    assert kept.json()["contactIds"] == sorted([contact, cast.gita_contact])
    undone(cast, deletion)
    assert [c["fullName"] for c in cast.ada.get("/api/activities").json()[0]["contacts"]] == [
        "Carl",
        "Gita",
    ]
    undone(cast)
    assert cast.ada.get(f"/api/contacts/{contact}").status_code == 404, (
        "deleted once more, whatever it was linked to"
    )


def test_a_contact_created_and_linked_to_an_activity_can_be_undone(cast: Cast) -> None:
    contact = cast.contact("Carl")
    creation = last(cast)["id"]
    made = log(cast.ada, cast.acme, contactIds=[contact])
    undone(cast, creation)
    assert cast.ada.get(f"/api/activities/{made['id']}").json()["contactIds"] == [contact]


def test_an_activity_is_deleted_and_restored_with_its_organization(cast: Cast) -> None:
    made = log(cast.ada, cast.acme, "On Acme", contactIds=[cast.gita_contact])
    path = f"/api/activities/{made['id']}"
    cast.ada.delete(f"/api/organizations/{cast.acme}")
    assert cast.ada.get(path).status_code == 404
    (entry,) = cast.ada.get("/api/trash").json()
    assert (entry["kind"], entry["alsoDeleted"]) == ("organization", 3), (
        "two members and the activity"
    )
    undone(cast)
    assert cast.ada.get(path).json()["contactIds"] == [cast.gita_contact]


def test_a_deleted_activity_is_in_the_trash_and_restored(cast: Cast) -> None:
    made = log(cast.ada, cast.acme, "Dictated\nin two lines", contactIds=[cast.gita_contact])
    path = f"/api/activities/{made['id']}"
    assert cast.cora.delete(path).status_code == 204
    assert cast.ada.get(path).status_code == cast.cora.delete(path).status_code == 404
    (entry,) = cast.cora.get("/api/trash?kind=activity").json()
    assert (entry["title"], entry["organizationId"], entry["alsoDeleted"]) == (
        "Dictated in two lines",
        cast.acme,
        0,
    )
    undone(cast, entry["operationId"])
    back = cast.ada.get(path).json()
    assert back == made | {"updatedAt": back["updatedAt"]}


def test_an_activitys_history_tells_of_its_contacts(cast: Cast) -> None:
    made = log(cast.stan, cast.acme, "A", contactIds=[cast.gita_contact])
    cast.cora.put(f"/api/activities/{made['id']}", {"text": "B", "contactIds": [cast.stan_contact]})
    entries = history(cast, "activities", made["id"], "stan")
    changed = [summary(e) for e in entries if e["operation"]["actor"]["id"] == cast.cora.id]
    assert sorted(changed, key=str) == sorted([
        ("activities", made["id"], "update", {"text": ("A", "B")}),
        ("activityContacts", cast.stan_contact, "insert", {}),
        ("activityContacts", cast.gita_contact, "delete", {}),
    ], key=str)  # fmt: skip
    assert len(entries) == 5
    operation = last(cast)
    assert (operation["action"], operation["records"]) == ("updateActivity", 1)
    changes = cast.ada.get(f"/api/operations/{operation['id']}").json()["changes"]
    assert {(c["entity"], c["entityId"], c["action"]) for c in changes} == {
        ("activities", made["id"], "update"), ("activityContacts", cast.gita_contact, "delete"),
        ("activityContacts", cast.stan_contact, "insert"),
    }  # fmt: skip
    found = cast.sql.value(
        """SELECT count(*) FROM changes WHERE tenant_id = $1 AND entity = 'activity_contacts'
           AND organization_after = $2""", cast.tenant, cast.acme,
    )  # fmt: skip
    assert found == 3, "a link is its organization's, too"


def test_many_activities_are_logged_in_bulk(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}/activities"
    lines = [
        line("POST", path, {"text": f"A{n}", "happenedAt": f"2026-01-{n + 1:02}T09:30:00+01:00"})
        for n in range(28)
    ]
    lines += [
        line("POST", path, {"text": "With", "contactIds": [cast.gita_contact], "kind": "call"})
    ]
    answer = cast.stan.post("/api/bulk", content=b"".join(lines), headers=NDJSON)
    assert answer.status_code == 200, answer.text
    assert len(texts(cast.ada)) == 29
    assert texts(cast.ada, sort="happenedAt", limit=2) == ["A0", "A1"]
    assert (
        cast.ada.get("/api/activities?sort=happenedAt&limit=1").json()[0]["happenedAt"]
        == "2026-01-01T08:30:00.000Z"
    )
    assert {row["author"]["fullName"] for row in cast.ada.get("/api/activities").json()} == {"Stan"}
    undone(cast, who="stan")
    assert texts(cast.ada) == []


def test_no_activity_is_logged_on_an_organization_deleted_meanwhile(cast: Cast) -> None:
    made = [
        cast.ada.made("/api/organizations", name=f"O{n}", type="other")["id"] for n in range(12)
    ]

    def race(organization: int) -> list[int]:
        with ThreadPoolExecutor(2) as pool:
            path = f"/api/organizations/{organization}"
            body = {"text": "A", "contactIds": [cast.gita_contact]}
            logged, deleted = (
                pool.submit(cast.ada.post, f"{path}/activities", body),
                pool.submit(cast.ada.delete, path),
            )
            return [logged.result().status_code, deleted.result().status_code]

    statuses = [race(organization) for organization in made]
    assert {deleted for _, deleted in statuses} == {204}
    assert {logged for logged, _ in statuses} <= {200, 404}
    left = cast.sql.value(
        """SELECT count(*) FROM activities a JOIN organizations o ON o.tenant_id = a.tenant_id AND o.id = a.organization_id
           WHERE a.tenant_id = $1 AND a.deleted_by IS NULL AND o.deleted_by IS NOT NULL""",
        cast.tenant,
    )
    assert left == 0


def test_simultaneous_changes_of_an_activitys_contacts_lose_and_double_no_link(cast: Cast) -> None:
    people = [cast.contact(f"P{n}") for n in range(6)]
    made = log(cast.ada, cast.acme)
    with ThreadPoolExecutor(6) as pool:
        bodies = [{"contactIds": people[n % 6 : n % 6 + 2]} for n in range(24)]
        answers = list(
            pool.map(lambda body: cast.ada.put(f"/api/activities/{made['id']}", body), bodies)
        )
    assert {answer.status_code for answer in answers} == {200}
    wanted = [sorted(body["contactIds"]) for body in bodies]
    assert cast.ada.get(f"/api/activities/{made['id']}").json()["contactIds"] in wanted


def test_a_guest_sees_the_author_of_an_activity(cast: Cast) -> None:
    log(cast.cora, cast.acme, audience="client")
    assert cast.gita.get("/api/activities").json()[0]["author"]["fullName"] == "Cora"
