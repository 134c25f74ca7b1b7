"""Undo: everything reads as before, or the clash is named."""

import json
from itertools import pairwise
from typing import Any

import pytest

from retainer.http.deadlines import Deadlines
from retainer.journal.entities import UNDO_RULES
from retainer.journal.undo import DEFERRED
from support.cast import Cast
from support.in_process import InProcess
from support.journal import WRITES, last, tree, undo, undone, with_ids, world
from support.races import together
from support.samples import FILE, NDJSON, line
from support.sql import Sql


def clashes(answer: Any) -> list[tuple[str, int]]:
    assert answer.status_code == 409, answer.text
    return [(clash["entity"], clash["entityId"]) for clash in answer.json()["clashes"]]


def done(cast: Cast, ids: dict[str, int], write: str) -> None:
    method, path, body = WRITES[write]
    body = json.loads(
        json.dumps(body), object_hook=lambda made: {k: with_ids(ids, v) for k, v in made.items()}
    )
    answer = cast.ada.request(
        method, f"/api/{path.format(**ids)}", **({} if body is None else {"json": body})
    )
    assert answer.status_code in (200, 201, 204), answer.text


@pytest.mark.slow
@pytest.mark.parametrize("write", WRITES)
def test_every_write_is_undone_and_redone_to_the_byte(cast: Cast, write: str) -> None:
    ids = tree(cast)
    before = world(cast)
    done(cast, ids, write)
    operation, after = last(cast), world(cast)
    assert operation["canUndo"]
    undoing = undone(cast)
    assert (undoing["undoes"], undoing["via"], undoing["action"]) == (
        operation["id"],
        "undo",
        "undoOperation",
    )
    assert world(cast) == before
    redoing = undone(cast)
    assert redoing["undoes"] == undoing["id"]
    assert world(cast) == after
    undone(cast, redoing["id"])
    assert world(cast) == before
    assert cast.ada.get(f"/api/operations/{operation['id']}").json()["undoneBy"] == undoing["id"]


def test_uploading_a_file_is_undone_and_its_bytes_come_back_with_it(cast: Cast) -> None:
    before = world(cast)
    made = cast.ada.post(
        "/api/documents", files=FILE, data={"organizationId": str(cast.acme)}
    ).json()
    after = world(cast)
    undone(cast)
    assert world(cast) == before
    assert cast.ada.get(made["url"]).status_code == 404
    undone(cast)
    assert world(cast) == after
    assert cast.ada.get(made["url"]).content == FILE["file"][1]


def test_the_upload_of_a_new_version_cannot_be_undone(cast: Cast) -> None:
    made = cast.ada.post(
        "/api/documents", files=FILE, data={"organizationId": str(cast.acme)}
    ).json()
    assert cast.ada.post(f"/api/documents/{made['id']}/versions", files=FILE).status_code == 200
    operation = last(cast)
    assert not operation["canUndo"]
    refused = undo(cast.ada, operation["id"])
    assert refused.status_code == 422
    assert "new version of a file" in refused.json()["detail"]
    upload = cast.ada.get("/api/operations?action=createDocument&limit=1").json()[0]
    assert clashes(undo(cast.ada, upload["id"])) == [("documents", made["id"])]


def bulk(cast: Cast, *lines: bytes) -> dict[str, Any]:
    """The operation that writes these lines."""
    answer = cast.ada.post("/api/bulk", content=b"".join(lines), headers=NDJSON)
    assert answer.status_code == 200, answer.text
    return last(cast)


def test_a_bulk_request_of_many_nouns_is_undone_as_one(cast: Cast) -> None:
    ids = tree(cast)
    before = world(cast)
    bulk(
        cast,
        line("POST", "/organizations", {"name": "New", "type": "other"}),
        line("PUT", f"/organizations/{ids['top']}", {"name": "Renamed"}),
        line("PUT", f"/organizations/{ids['top']}", {"name": "Again", "industry": "Energy"}),
        line("PUT", f"/tasks/{ids['task']}", {"title": "Changed, and then gone"}),
        line("DELETE", f"/organizations/{ids['top']}"),
        line("DELETE", f"/organizations/{ids['child']}"),
        line("PUT", f"/contacts/{ids['gita']}", {"email": "other@example.com"}),
        line("DELETE", f"/contacts/{ids['contact']}"),
    )
    after = world(cast)
    undone(cast)
    assert world(cast) == before
    undone(cast)
    assert world(cast) == after
    undone(cast)
    assert world(cast) == before


def test_a_record_created_and_deleted_in_one_operation_stays_deleted(cast: Cast) -> None:
    before = world(cast)
    free = cast.sql.value("SELECT nextval(pg_get_serial_sequence('organizations', 'id'))") + 1
    bulk(
        cast,
        line("POST", "/organizations", {"name": "N", "type": "other"}),
        line("DELETE", f"/organizations/{free}"),
    )
    undoing = undone(cast, who="cora")
    assert world(cast) == before
    assert (undoing["records"], undoing["canUndo"]) == (0, False)
    assert undo(cast.cora, undoing["id"]).status_code == 422, "it did nothing"


def test_rows_that_exchange_a_unique_value_are_undone_in_reverse(cast: Cast) -> None:
    one, two = (cast.ada.made("/api/organizations", name=n, type="other", externalId=n, domains=[f"{n}.example"])["id"]
                for n in ("x", "y"))  # fmt: skip
    before = world(cast)
    bulk(
        cast,
        line("PUT", f"/organizations/{one}", {"externalId": None, "domains": []}),
        line("PUT", f"/organizations/{two}", {"externalId": "x", "domains": ["x.example"]}),
        line("PUT", f"/organizations/{one}", {"externalId": "y", "domains": ["y.example"]}),
    )
    after = world(cast)
    undone(cast)
    assert world(cast) == before
    undone(cast)
    assert world(cast) == after


def test_a_hierarchy_comes_back_whatever_its_order(cast: Cast) -> None:
    ids, above = [], None
    for n in range(6):
        above = cast.ada.made("/api/organizations", name=f"O{n}", type="other", parentId=above)[
            "id"
        ]
        ids.append(above)
    before = world(cast)
    bulk(
        cast,
        *(
            line("DELETE", f"/organizations/{id}")
            for id in (ids[3], ids[0], ids[5], ids[1], ids[2], ids[4])
        ),
    )
    undone(cast)
    assert world(cast) == before
    bulk(cast, *(line("PUT", f"/organizations/{id}", {"parentId": None}) for id in ids[1:]),
         *(line("PUT", f"/organizations/{a}", {"parentId": b}) for a, b in pairwise(ids)))  # fmt: skip
    undone(cast)
    assert world(cast) == before


def test_a_clash_names_a_record_changed_since(cast: Cast) -> None:
    task = cast.ada.made("/api/tasks", title="Call", organizationId=cast.acme)["id"]
    cast.ada.put(f"/api/tasks/{task}", {"title": "Call them"})
    mine = last(cast)["id"]
    cast.cora.put(f"/api/tasks/{task}", {"status": "review"})
    hers = last(cast)
    assert not cast.ada.get(f"/api/operations/{mine}").json()["canUndo"]
    before = world(cast)
    refused = undo(cast.ada, mine)
    assert clashes(refused) == [("tasks", task)]
    assert refused.json()["clashes"][0] == {
        "entity": "tasks", "entityId": task, "title": "Call them", "by": "Cora", "at": hers["at"],
        "operationId": hers["id"],
        "message": f"was changed by Cora at {hers['at']} (operation {hers['id']}); undo that first, or change it by hand",
    }  # fmt: skip
    assert "Call them" in refused.json()["detail"]
    assert world(cast) == before
    undone(cast, hers["id"])
    assert cast.ada.get(f"/api/operations/{mine}").json()["canUndo"], (
        "together they left it as it was"
    )
    undone(cast, mine)
    assert cast.ada.get(f"/api/tasks/{task}").json()["title"] == "Call"


def test_a_redone_change_counts_as_a_later_change(cast: Cast) -> None:
    task = cast.ada.made("/api/tasks", title="a")["id"]
    operations = []
    for title in "bc":
        cast.ada.put(f"/api/tasks/{task}", {"title": title})
        operations.append(last(cast)["id"])
    undoing = undone(cast, operations[1])["id"]
    undone(cast, undoing)
    assert clashes(undo(cast.ada, operations[0])) == [("tasks", task)]
    refused = undo(cast.ada, operations[1])
    assert refused.status_code == 409
    assert f"operation {undoing}" in refused.json()["detail"]


def test_an_undo_cannot_be_redone_over_an_older_undo(cast: Cast) -> None:
    """After undoing c and then b, redoing c would lack the state it was built on."""
    task = cast.ada.made("/api/tasks", title="a")["id"]
    operations = []
    for title in "bc":
        cast.ada.put(f"/api/tasks/{task}", {"title": title})
        operations.append(last(cast)["id"])
    no_c = undone(cast, operations[1])["id"]
    no_b = undone(cast, operations[0])["id"]
    assert clashes(undo(cast.ada, no_c)) == [("tasks", task)]
    undone(cast, no_b)
    undone(cast, no_c)
    assert cast.ada.get(f"/api/tasks/{task}").json()["title"] == "c"


def test_a_clash_names_a_child_moved_to_another_parent_since(cast: Cast) -> None:
    ids = tree(cast)
    cast.ada.delete(f"/api/organizations/{ids['top']}")
    deletion = last(cast)["id"]
    cast.ada.put(f"/api/organizations/{ids['child']}", {"parentId": cast.acme})
    assert clashes(undo(cast.ada, deletion)) == [("organizations", ids["child"])]


def test_a_clash_names_a_record_whose_parent_is_deleted(cast: Cast) -> None:
    ids = tree(cast)
    cast.ada.delete(f"/api/tasks/{ids['task']}")
    deletion = last(cast)["id"]
    cast.ada.delete(f"/api/projects/{ids['project']}")
    refused = undo(cast.ada, deletion)
    assert clashes(refused) == [("tasks", ids["task"])]
    assert f"belongs to projects {ids['project']}" in refused.json()["detail"]
    undone(cast)
    undone(cast, deletion)
    cast.ada.put(f"/api/organizations/{ids['child']}", {"parentId": None})
    moved = last(cast)["id"]
    cast.ada.delete(f"/api/organizations/{ids['top']}")
    assert clashes(undo(cast.ada, moved)) == [("organizations", ids["child"])]
    cast.ada.delete(f"/api/contacts/{cast.contact('Max')}")


@pytest.mark.parametrize(
    "below", ["projects", "tasks", "documents", "members", "organizations", "activities"]
)
def test_records_added_below_a_new_organization_keep_it_from_being_undone(
    cast: Cast, below: str
) -> None:
    made = cast.ada.made("/api/organizations", name="New", type="other")["id"]
    creation = last(cast)["id"]
    bodies = {"projects": {"title": "P", "organizationId": made}, "tasks": {"title": "T", "organizationId": made},
              "documents": {"name": "D", "url": "https://x.example", "organizationId": made},
              "organizations": {"name": "Below", "type": "other", "parentId": made}}  # fmt: skip
    if below == "members":
        cast.ada.made(
            f"/api/organizations/{made}/members", contactId=cast.gita_contact, role="member"
        )
        id = cast.gita_contact
    elif below == "activities":
        id = cast.ada.made(f"/api/organizations/{made}/activities", text="A")["id"]
    else:
        id = cast.ada.made(f"/api/{below}", **bodies[below])["id"]
    assert clashes(undo(cast.ada, creation)) == [(below, id)]
    undone(cast)
    undone(cast, creation)
    assert cast.ada.get(f"/api/organizations/{made}").status_code == 404


def test_a_contact_that_became_a_user_or_a_member_is_not_undone(cast: Cast) -> None:
    contact = cast.contact("Nora")
    creation = last(cast)["id"]
    user = cast.person("Nora", "staff", contact=contact)
    assert clashes(undo(cast.ada, creation)) == [("users", user.id)]
    other = cast.contact("Otto")
    creation = last(cast)["id"]
    cast.ada.made(f"/api/organizations/{cast.acme}/members", contactId=other, role="member")
    assert clashes(undo(cast.ada, creation)) == [("members", other)]


@pytest.mark.parametrize(("noun", "body", "field"), [
    ("organizations", {"name": "N", "type": "other", "externalId": "E"}, "externalId"),
    ("organizations", {"name": "N", "type": "other", "domains": ["e.example"]}, "domains"),
    ("contacts", {"fullName": "N", "type": "client", "email": "e@example.com"}, "email"),
])  # fmt: skip
def test_a_clash_names_the_field_of_a_unique_value_taken_since(
    cast: Cast, noun: str, body: Any, field: str
) -> None:
    cast.ada.delete(f"/api/{noun}/{cast.ada.made(f'/api/{noun}', **body)['id']}")
    deletion = last(cast)["id"]
    cast.ada.made(f"/api/{noun}", **body)
    before = world(cast)
    refused = undo(cast.ada, deletion)
    assert refused.status_code == 409
    assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert world(cast) == before
    undone(cast)
    undone(cast, deletion)


def test_a_clash_names_a_membership_created_anew(cast: Cast) -> None:
    path = f"/api/organizations/{cast.acme}/members"
    cast.ada.delete(f"{path}/{cast.gita_contact}")
    deletion = last(cast)["id"]
    cast.ada.made(path, contactId=cast.gita_contact, role="member")
    refused = undo(cast.ada, deletion)
    assert refused.status_code == 409
    assert [error["field"] for error in refused.json()["errors"]] == ["contactId"]


def test_a_parent_that_is_a_descendant_by_now_is_refused(cast: Cast) -> None:
    made = [cast.ada.made("/api/organizations", name=n, type="other")["id"] for n in "ab"]
    cast.ada.put(f"/api/organizations/{made[0]}", {"parentId": made[1]})
    cast.ada.put(f"/api/organizations/{made[0]}", {"parentId": None})
    loosened = last(cast)["id"]
    cast.ada.put(f"/api/organizations/{made[1]}", {"parentId": made[0]})
    refused = undo(cast.ada, loosened)
    assert refused.status_code == 409
    assert [error["field"] for error in refused.json()["errors"]] == ["parentId"]


def test_two_simultaneous_undos_undo_once(cast: Cast) -> None:
    for _ in range(5):
        task = cast.ada.made("/api/tasks", title="a")["id"]
        cast.ada.put(f"/api/tasks/{task}", {"title": "b"})
        operation = last(cast)["id"]
        answers = together(
            [
                lambda who=who: undo(who, operation)
                for who in (cast.ada, cast.cora, cast.ada, cast.cora)
            ]
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        assert cast.ada.get(f"/api/tasks/{task}").json()["title"] == "a"


def test_a_simultaneous_undo_and_edit_lose_nothing(cast: Cast) -> None:
    """An edit that came first is named as a clash; one that came later stays."""
    for n in range(10):
        task = cast.ada.made("/api/tasks", title="a")["id"]
        cast.ada.put(f"/api/tasks/{task}", {"title": "b"})
        operation = last(cast)["id"]
        undoing, edit = together(
            [
                lambda: undo(cast.ada, operation),
                lambda: cast.cora.put(f"/api/tasks/{task}", {"order": n + 1}),
            ]
        )
        now = cast.ada.get(f"/api/tasks/{task}").json()
        assert edit.status_code == 200
        assert (now["title"], now["order"]) == ("a" if undoing.status_code == 200 else "b", n + 1)


def test_a_restored_task_never_belongs_to_a_project_deleted_meanwhile(cast: Cast) -> None:
    for _ in range(8):
        made = cast.ada.made("/api/organizations", name="O", type="other")["id"]
        task = cast.ada.made("/api/tasks", title="T", organizationId=made)["id"]
        cast.ada.delete(f"/api/tasks/{task}")
        operation = last(cast)["id"]
        undoing, deletion = together(
            [
                lambda: undo(cast.ada, operation),
                lambda: cast.cora.delete(f"/api/organizations/{made}"),
            ]
        )
        assert deletion.status_code == 204
        assert undoing.status_code in (200, 409)
        assert cast.ada.get(f"/api/tasks/{task}").status_code == 404


def test_an_undone_create_never_orphans_records_added_meanwhile(cast: Cast) -> None:
    for _ in range(8):
        made = cast.ada.made("/api/organizations", name="O", type="other")["id"]
        operation = last(cast)["id"]
        undoing, adding = together(
            [lambda: undo(cast.ada, operation),
             lambda: cast.cora.post("/api/projects", {"title": "P", "organizationId": made})]
        )  # fmt: skip
        assert (undoing.status_code, adding.status_code) in ((200, 422), (409, 200)), (
            undoing.text,
            adding.text,
        )


def test_an_operation_that_changed_no_record_cannot_be_undone(cast: Cast) -> None:
    cast.gita.post("/api/organizations", {"name": "No", "type": "other"})
    refused = undo(cast.ada, last(cast)["id"])
    assert refused.status_code == 422
    assert "changed none" in refused.json()["detail"]
    user = cast.ada.made(
        "/api/users", username=f"u{cast.tenant}@example.com", fullName="U", role="staff"
    )
    for path in (None, f"/api/users/{user['id']}/links"):
        if path:
            assert cast.ada.post(path).status_code == 200
        refused = undo(cast.ada, last(cast)["id"])
        assert refused.status_code == 422
        assert "about users" in refused.json()["detail"]


def test_another_tenants_operations_are_not_there(cast: Cast) -> None:
    cast.ada.made("/api/tasks", title="T")
    operation = last(cast)["id"]
    theirs = cast.olga.made("/api/tasks", title="Theirs")["id"]
    assert undo(cast.olga, operation).status_code == 404
    assert cast.olga.get(f"/api/operations/{operation}").status_code == 404
    assert {row["action"] for row in cast.olga.get("/api/operations").json()} <= {
        "createTask",
        "test",
    }
    assert theirs not in [row["id"] for row in cast.ada.get("/api/tasks").json()]
    assert cast.olga.get("/api/trash").json() == []


def test_staff_undo_their_own_edits_of_tasks_and_nothing_else(cast: Cast) -> None:
    task = cast.ada.made("/api/tasks", title="a", organizationId=cast.acme)["id"]
    cast.stan.put(f"/api/tasks/{task}", {"title": "b"})
    own = last(cast, "stan")
    assert own["canUndo"]
    undone(cast, own["id"], "stan")
    cast.ada.put(f"/api/tasks/{task}", {"title": "c"})
    hers = last(cast, "stan")
    assert not hers["canUndo"]
    refused = undo(cast.stan, hers["id"])
    assert (refused.status_code, "yourself" in refused.json()["detail"]) == (403, True)
    made = cast.stan.made("/api/tasks", title="New", organizationId=cast.acme)["id"]
    creation = last(cast, "stan")
    assert not creation["canUndo"], "staff may not delete tasks"
    refused = undo(cast.stan, creation["id"])
    assert (refused.status_code, "Delete tasks" in refused.json()["detail"]) == (403, True)
    assert cast.ada.get(f"/api/tasks/{made}").status_code == 200
    refusals = cast.sql.value(
        "SELECT count(*) FROM operations WHERE tenant_id = $1 AND outcome = 'refused' AND action = 'undoOperation'",
        cast.tenant,
    )
    assert refusals == 1, "the second within the minute is counted at its end"
    undone(cast, creation["id"], "cora")


def test_staff_see_operations_on_records_they_see(cast: Cast) -> None:
    secret = cast.ada.made("/api/tasks", title="Secret", organizationId=cast.globex)["id"]
    hidden = last(cast)["id"]
    operation = bulk(
        cast,
        line("PUT", f"/tasks/{secret}", {"title": "Very secret"}),
        line("PUT", f"/organizations/{cast.acme}", {"industry": "Energy"}),
    )
    assert operation["records"] == 2
    assert undo(cast.stan, hidden).status_code == 404
    assert hidden not in [row["id"] for row in cast.stan.get("/api/operations").json()]
    shown = cast.stan.get(f"/api/operations/{operation['id']}")
    assert "secret" not in shown.text.lower()
    assert shown.json()["records"] == len(shown.json()["changes"]) == 1
    assert cast.sam.get("/api/operations").json() == []
    assert cast.gita.get("/api/operations").status_code == 403
    assert cast.gita.get("/api/trash").status_code == cast.stan.get("/api/trash").status_code == 403


def test_operations_that_changed_no_record_are_for_administrators_only(cast: Cast) -> None:
    cast.gita.post("/api/organizations", {"name": "No", "type": "other"})
    refusal = last(cast)
    assert (refusal["outcome"], refusal["records"], refusal["canUndo"]) == ("refused", 0, False)
    assert cast.cora.get(f"/api/operations/{refusal['id']}").status_code == 404
    seen = [row["id"] for row in cast.cora.get("/api/operations").json()]
    assert refusal["id"] not in seen
    assert set(seen) <= {row["id"] for row in cast.ada.get("/api/operations").json()}


def test_operations_are_a_list_like_any_other(cast: Cast) -> None:
    cast.cora.made("/api/tasks", title="T")
    cast.cora.made("/api/projects", title="P", organizationId=cast.acme)
    rows = cast.ada.get("/api/operations").json()
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    assert [row["action"] for row in cast.ada.get(f"/api/operations?actorId={cast.cora.id}").json()] == [
        "createProject", "createTask"]  # fmt: skip
    assert len(cast.ada.get("/api/operations?action=createTask").json()) == 1
    assert cast.ada.get("/api/operations?since=-1h&until=-30d").json() == []
    page = cast.ada.get("/api/operations?limit=3&fields=id")
    more = cast.ada.get(page.links["next"]["url"])
    assert page.json() + more.json() == [{"id": row["id"]} for row in rows[:6]]
    text = cast.ada.get("/api/operations", headers={"Accept": "text/csv"}).text
    assert text.startswith("id,at,action,via,outcome,")


def test_an_operation_tells_its_changes_in_the_apis_words(cast: Cast) -> None:
    ids = tree(cast)
    done(cast, ids, "take it from its project")
    found = cast.ada.get(f"/api/operations/{last(cast)['id']}").json()
    assert [(c["entity"], c["entityId"], c["action"]) for c in found["changes"]] == [
        ("documents", ids["link"], "update"), ("documentProjects", ids["project"], "delete")]  # fmt: skip
    done(cast, ids, "change a member")
    (change,) = cast.ada.get(f"/api/operations/{last(cast)['id']}").json()["changes"]
    assert (change["entity"], change["entityId"]) == ("members", cast.gita_contact)
    assert change["changes"] == [
        {"field": "role", "before": "executive_sponsor", "after": "member"}
    ]


def test_an_undo_takes_a_dry_run_and_an_idempotency_key(cast: Cast) -> None:
    task = cast.ada.made("/api/tasks", title="a")["id"]
    cast.ada.put(f"/api/tasks/{task}", {"title": "b"})
    operation = last(cast)["id"]
    tried = undo(cast.ada, operation, headers={"Prefer": "dry-run"})
    assert tried.status_code == 200, tried.text
    assert cast.ada.get(f"/api/tasks/{task}").json()["title"] == "b"
    assert last(cast)["id"] == operation
    key = {"Idempotency-Key": "once"}
    first, again = (undo(cast.ada, operation, headers=key) for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert last(cast)["id"] == first.json()["id"]


def test_an_undo_is_journalled_completely(cast: Cast) -> None:
    """Each restored row is a change with a digest; the operation names the undone one."""
    ids = tree(cast)
    cast.ada.delete(f"/api/organizations/{ids['top']}")
    deletion = last(cast)["id"]
    made = undone(cast)["id"]
    rows = cast.sql.rows(
        "SELECT entity, entity_id, before ->> 'deleted_by' AS gone FROM changes WHERE tenant_id = $1 AND operation_id = $2",
        cast.tenant, made,
    )  # fmt: skip
    taken = cast.sql.rows("SELECT entity, entity_id FROM changes WHERE tenant_id = $1 AND operation_id = $2",
                          cast.tenant, deletion)  # fmt: skip
    assert sorted((row["entity"], row["entity_id"]) for row in rows) == sorted(map(tuple, taken))
    assert {row["gone"] for row in rows if row["entity_id"] != ids["child"]} <= {
        str(deletion),
        None,
    }
    assert (
        cast.sql.value(
            "SELECT undoes FROM operations WHERE tenant_id = $1 AND id = $2", cast.tenant, made
        )
        == deletion
    )


@pytest.mark.slow
def test_an_undo_takes_four_statements_for_each_500_rows_of_a_table(
    cast: Cast, inside: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reads their changes, one locks the rows, one asks whether they were changed since, one
    writes them; after each the request has its full time again.
    """
    extended = []
    extend = Deadlines.extend
    monkeypatch.setattr(Deadlines, "extend", lambda *given: extended.append(1) or extend(*given))
    sent = []
    for tasks in (1, 5000):
        made = cast.ada.made("/api/organizations", name="Large", type="other")["id"]
        cast.ada.made("/api/projects", title="P", organizationId=made)
        cast.sql.rows(
            """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
                                                   acting_as(NULL, 'command', 'command', NULL, 'test'))
               INSERT INTO tasks (tenant_id, title, organization_id) SELECT $1, 'T' || n, $3
               FROM generate_series(1, $4) n, acting""",
            cast.tenant, str(cast.tenant), made, tasks,
        )  # fmt: skip
        assert cast.ada.delete(f"/api/organizations/{made}").status_code == 204
        deletion = last(cast)
        assert deletion["records"] == tasks + 2
        inside.send(cast.ada, "GET", "/api/organizations")
        status, count = inside.send(cast.ada, "POST", f"/api/operations/{deletion['id']}/undo")
        assert status == 200
        sent.append(count)
        found = cast.ada.get(
            f"/api/organizations/{made}/tasks", headers={"Accept": "application/x-ndjson"}
        )
        assert len(found.text.splitlines()) == tasks
    plans_anew, rest = 2, 1  # the changes of the organization and the project are a part more
    assert sent[0] <= 25, sent
    assert sent[1] - sent[0] == 4 * (5000 // 500 - 1) + plans_anew + rest, sent
    assert len(extended) >= 4 * 5000 // 500


def test_the_nouns_that_can_be_undone_are_the_journalled_ones(cast: Cast) -> None:
    """Each journalled table is a noun here or is refused, and each reference among them is known."""
    tables = cast.sql.rows(
        "SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname = 'journal'"
    )
    assert {row["name"] for row in tables} - set(UNDO_RULES) == {
        "users",
        "links",
        "document_versions",
    }
    keys = cast.sql.rows(
        """SELECT c.conrelid::regclass::text AS child, c.confrelid::regclass::text AS above, a.attname::text AS name
           FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[2]
           WHERE c.contype = 'f' AND cardinality(c.conkey) = 2"""
    )
    known = {(row["child"], row["name"], row["above"]) for row in keys
             if row["child"] in UNDO_RULES and row["above"] in UNDO_RULES}  # fmt: skip
    kept = {
        ("activity_contacts", "contact_id", "contacts")
    }  # a contact who was there stays named, deleted or not
    assert known - kept == {
        (table, column, above)
        for table, noun in UNDO_RULES.items()
        for column, above in noun.references.items()
    }


def test_the_tables_whose_constraints_are_judged_in_parts_are_those_that_can_defer_them(
    sql: Sql,
) -> None:
    found = sql.rows("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgdeferrable")
    assert {table for (table,) in found} == DEFERRED
