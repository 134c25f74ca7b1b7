"""Imports: the plan tells the outcome of each row and writes nothing; the run is one operation."""

import csv
import io
import time
from typing import Any

import pytest

from support.cast import Cast, Person

COMPANIES = """Company,Kind,Web,Key,Owner,Region
Zephyr Wind,Customer,https://zephyr.example,crm:1,Cora,North
Boreal Ice,Partner,https://boreal.example,crm:2,,South
,Customer,https://nameless.example,crm:3,,
Typo Works,Purchaser,https://typo.example,crm:4,,
Zephyr Again,Customer,,crm:1,,
"""
MAPPING = [
    {"column": "Company", "field": "name"},
    {
        "column": "Kind",
        "field": "type",
        "values": {"Customer": "customer", "Partner": "partner"},
    },
    {"column": "Web", "field": "website"},
    {"column": "Key", "field": "externalId"},
    {"column": "Owner", "field": "ownerId", "match": "name"},
    {"column": "Region", "field": "metadata.region"},
]


def ended(person: Person, id: int, seconds: float = 60) -> dict[str, Any]:
    """The import once no job is under way; the worker does it in the background."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found: dict[str, Any] = person.get(f"/api/imports/{id}").json()
        if found["state"] not in ("planning", "running"):
            return found
        time.sleep(0.05)
    raise AssertionError(f"the import is still {found['state']}")


def uploaded(person: Person, content: str | bytes, noun: str, name: str = "list.csv") -> int:
    answer = person.post("/api/imports", files={"file": (name, content)}, data={"noun": noun})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def planned(person: Person, content: str | bytes, noun: str, **settings: Any) -> dict[str, Any]:
    """An import whose rows are planned, by these settings if there are some."""
    id = uploaded(person, content, noun)
    found = ended(person, id)
    if settings:
        answer = person.put(f"/api/imports/{id}", settings)
        assert answer.status_code == 200, answer.text
        found = ended(person, id)
    assert found["state"] == "planned", found
    return found


def run(person: Person, id: int) -> dict[str, Any]:
    answer = person.post(f"/api/imports/{id}/runs")
    assert answer.status_code == 202, answer.text
    return ended(person, id)


def outcomes(person: Person, id: int) -> dict[int, str]:
    rows = person.get(f"/api/imports/{id}/rows").json()
    return {row["n"]: row["outcome"] for row in rows}


def everything(cast: Cast) -> Any:
    """All that an import may write, and the journal."""
    return cast.sql.rows(
        """SELECT (SELECT jsonb_agg(to_jsonb(o) - 'version' - 'updated_at' ORDER BY o.id)
                FROM organizations o WHERE o.tenant_id = $1 AND o.deleted_by IS NULL)""",
        cast.tenant,
    ), cast.sql.rows("SELECT count(*) FROM operations WHERE tenant_id = $1", cast.tenant)


def test_a_plan_tells_the_outcome_of_each_row_and_writes_nothing(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"externalId": "crm:2"})
    before = everything(cast)
    plan = planned(cast.cora, COMPANIES, "organizations", mapping=MAPPING, keys=["externalId"])
    assert everything(cast) == before
    assert plan["counts"] == {"create": 1, "update": 1, "refused": 3}
    rows = {row["n"]: row for row in cast.cora.get(f"/api/imports/{plan['id']}/rows").json()}
    assert rows[2]["outcome"] == "create"
    assert rows[3]["outcome"] == "update" and rows[3]["targetId"] == cast.acme
    changed = {change["field"]: change["after"] for change in rows[3]["changes"]}
    assert changed["name"] == "Boreal Ice"
    assert changed["metadata"] == {"region": "South"}
    assert [problem["field"] for problem in rows[4]["problems"]] == ["name"]
    assert [problem["field"] for problem in rows[5]["problems"]] == ["type"]
    assert "row 2" in rows[6]["problems"][0]["message"]


def test_a_run_is_one_operation_and_its_undo_makes_everything_as_it_was(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"externalId": "crm:2"})
    before, _ = everything(cast)
    plan = planned(cast.cora, COMPANIES, "organizations", mapping=MAPPING, keys=["externalId"])
    done = run(cast.cora, plan["id"])
    assert done["state"] == "done", done
    operation = cast.cora.get(f"/api/operations/{done['operationId']}").json()
    assert operation["via"] == "import" and operation["actor"]["id"] == cast.cora.id
    made = cast.cora.get("/api/organizations?externalId=crm:1").json()[0]
    assert made["ownerId"] == cast.cora.id and made["metadata"] == {"region": "North"}
    assert cast.cora.post(f"/api/imports/{plan['id']}/runs").json()["state"] == "done"
    assert cast.cora.post(f"/api/operations/{done['operationId']}/undo").status_code == 200
    assert everything(cast)[0] == before
    assert cast.cora.get(f"/api/imports/{plan['id']}").json()["state"] == "undone"


@pytest.mark.slow
def test_the_same_file_again_changes_nothing(cast: Cast) -> None:
    settings = {"mapping": MAPPING, "keys": ["externalId"]}
    first = planned(cast.cora, COMPANIES, "organizations", **settings)
    run(cast.cora, first["id"])
    again = planned(cast.cora, COMPANIES, "organizations", **settings)
    assert again["counts"] == {"unchanged": 2, "refused": 3}


@pytest.mark.slow
def test_rows_are_decided_one_by_one_and_by_filter(cast: Cast) -> None:
    name = cast.ada.get(f"/api/organizations/{cast.acme}").json()["name"]
    content = f"name,type\n{name},customer\nNew One,customer\nNew Two,customer\n"
    plan = planned(cast.cora, content, "organizations")
    path = f"/api/imports/{plan['id']}/rows"
    assert outcomes(cast.cora, plan["id"]) == {2: "duplicate", 3: "create", 4: "create"}
    row = cast.cora.get(f"{path}?outcome=duplicate").json()[0]
    assert row["candidates"][0]["id"] == cast.acme
    decided = cast.cora.put(f"{path}/2", {"outcome": "update", "targetId": cast.acme})
    assert decided.status_code == 200, decided.text
    assert decided.json()["outcome"] in ("update", "unchanged"), decided.text
    assert cast.cora.put(f"{path}/4", {"outcome": "skip"}).json()["outcome"] == "skip"
    assert cast.cora.put(f"{path}?outcome=skip", {"outcome": "create"}).json() == {"rows": 1}
    assert cast.cora.put(f"{path}/4", {"outcome": "skip"}).json()["outcome"] == "skip"
    done = run(cast.cora, plan["id"])
    assert done["counts"]["skip"] == 1
    assert cast.cora.get("/api/organizations?name=New Two").json() == []


@pytest.mark.slow
def test_refused_rows_are_a_file_to_be_mended(cast: Cast) -> None:
    plan = planned(cast.cora, COMPANIES, "organizations", mapping=MAPPING, keys=["externalId"])
    path = f"/api/imports/{plan['id']}/rows?outcome:in=refused,duplicate"
    answer = cast.cora.get(path, headers={"Accept": "text/csv"})
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["Company", "Kind", "Web", "Key", "Owner", "Region", "problem"]
    assert [row[0] for row in rows[1:]] == ["", "Typo Works", "Zephyr Again"]
    assert all(row[-1] for row in rows[1:])


@pytest.mark.slow
def test_others_learn_nothing_of_an_import(cast: Cast) -> None:
    plan = planned(cast.cora, COMPANIES, "organizations", mapping=MAPPING)
    path = f"/api/imports/{plan['id']}"
    for person in (cast.stan, cast.gita, cast.olga):
        assert person.get(path).status_code == 404
        assert person.get(f"{path}/rows").status_code == 404
        assert person.put(f"{path}/rows/2", {"outcome": "skip"}).status_code == 404
        assert person.post(f"{path}/runs").status_code == 404
        assert person.post(f"{path}/cancellations").status_code == 404
        assert person.delete(path).status_code == 404


@pytest.mark.slow
def test_who_lost_the_right_to_import_has_their_run_cancelled(cast: Cast) -> None:
    person = cast.person("Connie", "consultant")
    plan = planned(person, COMPANIES, "organizations", mapping=MAPPING)
    before, _ = everything(cast)
    cast.ada.put(f"/api/users/{person.id}", {"role": "staff"})
    cast.sql.rows(
        "UPDATE imports SET state = 'running' WHERE tenant_id = $1 AND id = $2",
        cast.tenant,
        plan["id"],
    )
    found = ended(cast.ada, plan["id"])
    assert found["state"] == "cancelled"
    assert "another role" in found["problem"]
    assert everything(cast)[0] == before


@pytest.mark.slow
def test_a_session_that_ended_does_not_end_the_run(cast: Cast) -> None:
    person = cast.person("Connie", "consultant")
    plan = planned(person, COMPANIES, "organizations", mapping=MAPPING)
    person.post(f"/api/imports/{plan['id']}/runs")
    person.post("/api/logout")
    assert ended(cast.ada, plan["id"])["state"] == "done"


@pytest.mark.slow
def test_a_cancelled_plan_can_be_begun_again(cast: Cast) -> None:
    plan = planned(cast.cora, COMPANIES, "organizations", mapping=MAPPING)
    path = f"/api/imports/{plan['id']}"
    assert cast.cora.post(f"{path}/cancellations").json()["state"] == "planned", "as it was"
    cast.sql.rows(
        "UPDATE imports SET state = 'running', is_cancelled = true WHERE tenant_id = $1 AND id = $2",
        cast.tenant,
        plan["id"],
    )
    assert ended(cast.cora, plan["id"])["state"] == "cancelled"
    assert cast.cora.get("/api/organizations?externalId=crm:1").json() == []
    assert cast.cora.put(path, {}).json()["state"] == "planning"
    assert ended(cast.cora, plan["id"])["state"] == "planned"


@pytest.mark.slow
def test_settings_that_mean_nothing_are_refused_by_field(cast: Cast) -> None:
    plan = planned(cast.cora, COMPANIES, "organizations", mapping=MAPPING)
    twice = [{"column": column, "field": "name"} for column in ("Company", "Kind")]
    for settings, field in (
        ({"mapping": [{"column": "Company", "field": "nome"}]}, "mapping[0].field"),
        ({"mapping": twice}, "mapping[1].field"),
        ({"mapping": [{"column": "Key", "field": "id"}]}, "mapping[0].field"),
        ({"keys": ["name"]}, "keys[0]"),
    ):
        answer = cast.cora.put(f"/api/imports/{plan['id']}", settings)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.slow
def test_a_file_without_rows_fails_in_words(cast: Cast) -> None:
    empty = {"file": ("a.csv", "")}
    answer = cast.cora.post("/api/imports", files=empty, data={"noun": "organizations"})
    assert answer.status_code == 422
    for content in ("Company,Kind\n", "one cell"):
        found = ended(cast.cora, uploaded(cast.cora, content, "organizations"))
        assert found["state"] == "failed"
        assert "no rows below the header" in found["problem"]


@pytest.mark.slow
@pytest.mark.parametrize("noun", ["organizations", "contacts", "projects", "tasks"])
def test_an_export_that_is_imported_changes_nothing(cast: Cast, noun: str) -> None:
    cast.cora.made(
        "/api/organizations",
        name="'t =Hooft 😀",
        type="other",
        tags=["=1", "a;b"],
        description="=1\n+2",
    )
    project = cast.cora.made("/api/projects", organizationId=cast.acme, title="=cmd|'x'!A1")
    cast.cora.made("/api/tasks", projectId=project["id"], title="'@SUM(1)", dueDate="2026-01-31")
    exported = cast.cora.get(f"/api/{noun}", headers={"Accept": "text/csv"}).content
    plan = planned(cast.cora, exported, noun)
    assert set(plan["counts"]) == {"unchanged"}, plan["counts"]
    mapping = plan["settings"]["mapping"]
    assert cast.cora.put(f"/api/imports/{plan['id']}", {"mapping": mapping}).status_code == 200


@pytest.mark.slow
def test_a_cell_that_is_read_as_empty_is_told_and_refuses_nothing(cast: Cast) -> None:
    plan = planned(cast.cora, "name,type,industry\nZephyr,customer,#N/A\n", "organizations")
    (row,) = cast.cora.get(f"/api/imports/{plan['id']}/rows").json()
    assert row["outcome"] == "create"
    assert row["problems"][0]["field"] == "industry"


@pytest.mark.slow
def test_too_many_columns_and_too_long_cells_are_refused_in_words(cast: Cast) -> None:
    wide = ",".join(f"c{n}" for n in range(501)) + "\n" + "x," * 500 + "x\n"
    found = ended(cast.cora, uploaded(cast.cora, wide, "organizations"))
    assert found["problem"] == "The file has more than 500 columns."
    long = f"name,type\n{'x' * 40_000},customer\nZephyr,customer\n"
    plan = planned(cast.cora, long, "organizations")
    assert outcomes(cast.cora, plan["id"]) == {2: "refused", 3: "create"}
    row = cast.cora.get(f"/api/imports/{plan['id']}/rows?n=2").json()[0]
    assert len(row["values"][0]) == 32_767
    assert row["problems"][0]["field"] == "row"


@pytest.mark.slow
def test_an_id_that_is_not_there_is_refused_and_never_made_anew(cast: Cast) -> None:
    gone = cast.cora.made("/api/organizations", name="Gone", type="other")["id"]
    exported = cast.cora.get("/api/organizations", headers={"Accept": "text/csv"}).text
    assert cast.cora.delete(f"/api/organizations/{gone}").status_code == 204
    plan = planned(cast.cora, exported, "organizations")
    assert plan["counts"]["refused"] == 1 and "create" not in plan["counts"]
    row = cast.cora.get(f"/api/imports/{plan['id']}/rows?outcome=refused").json()[0]
    assert row["problems"][0]["field"] == "id"
    assert str(gone) in row["problems"][0]["message"]


@pytest.mark.slow
def test_a_job_that_was_cut_short_twice_fails_and_may_be_begun_again(cast: Cast) -> None:
    plan = planned(cast.cora, COMPANIES, "organizations", mapping=MAPPING)
    cast.sql.rows(
        "UPDATE imports SET state = 'running', attempts = 2 WHERE tenant_id = $1 AND id = $2",
        cast.tenant,
        plan["id"],
    )
    found = ended(cast.cora, plan["id"])
    assert found["state"] == "failed"
    assert "twice" in found["problem"]
    cast.cora.put(f"/api/imports/{plan['id']}", {})
    assert ended(cast.cora, plan["id"])["state"] == "planned"
