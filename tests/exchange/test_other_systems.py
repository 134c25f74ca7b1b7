"""Exports of other systems become records without a click, and ours come in again unchanged."""

import time
from pathlib import Path
from typing import Any

import pytest

from support.cast import Cast, Person

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[1] / "data/imports"
NOUNS = ("organizations", "contacts", "projects", "tasks")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HOSTILE = [
    "=1+1",
    "'=1",
    "'t Hooft",
    "a;'=b",
    "👩‍🔧 emoji",
    "x" * 255,
    "null",
    "-",
    "0012",
    "<r>x</r>",
    "+41 44 555",
]


def ended(person: Person, id: int) -> dict[str, Any]:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found: dict[str, Any] = person.get(f"/api/imports/{id}").json()
        if found["state"] not in ("planning", "running"):
            return found
        time.sleep(0.05)
    raise AssertionError(f"the import is still {found['state']}")


def planned(person: Person, content: bytes, noun: str, name: str) -> dict[str, Any]:
    answer = person.post("/api/imports", files={"file": (name, content)}, data={"noun": noun})
    assert answer.status_code == 201, answer.text
    found = ended(person, answer.json()["id"])
    assert found["state"] == "planned", found
    return found


def rows(person: Person, found: dict[str, Any]) -> Any:
    return person.get(f"/api/imports/{found['id']}/rows").json()


@pytest.mark.parametrize("system", ["hubspot", "pipedrive", "espocrm", "twenty"])
def test_the_exports_of_a_system_import_without_a_click(cast: Cast, system: str) -> None:
    for noun in NOUNS:
        content = (SAMPLES / f"{system}-{noun}.csv").read_bytes()
        found = planned(cast.ada, content, noun, "export.csv")
        assert set(found["counts"]) == {"create"}, rows(cast.ada, found)
        assert cast.ada.post(f"/api/imports/{found['id']}/runs").status_code == 202
        done = ended(cast.ada, found["id"])
        assert (done["state"], done["counts"]) == ("done", found["counts"]), rows(cast.ada, found)
        again = planned(cast.ada, content, noun, "export.csv")
        assert set(again["counts"]) == {"unchanged"}, (noun, rows(cast.ada, again))


@pytest.mark.parametrize(("name", "accept"), [("a.csv", "text/csv"), ("a.xlsx", XLSX)])
def test_our_own_exports_change_nothing(cast: Cast, name: str, accept: str) -> None:
    person = cast.ada
    for number, text in enumerate(HOSTILE):
        made = person.made(
            "/api/organizations", name=text, type="partner", industry=text, website=text, description=f"{text}\n=x",
            metadata={"=a": text, "n": 0.1, "deep": {"l": [None, 1]}}, externalId=text, tags=[text[:50], "b;=c"],
            domains=[f"d{number}.example"], parentId=cast.acme if number == 1 else None,
        )  # fmt: skip
        contact = person.made(
            "/api/contacts", fullName=text, email=f"c{number}@x.example", type="vendor", title=text, isActive=False,
            phone=text[:64], metadata={"a": text},
        )  # fmt: skip
        project = person.made(
            "/api/projects", organizationId=made["id"], title=text, description=f"a\r\n{text}", startDate="2026-01-31",
            audience="client",
        )  # fmt: skip
        person.made(
            "/api/tasks",
            organizationId=made["id"],
            projectId=project["id"],
            title=text,
            order=number,
        )
        person.made(
            f"/api/organizations/{made['id']}/activities", kind="call", text=text, contactIds=[contact["id"]],
            happenedAt="2026-01-30T15:00:00.123+01:00",
        )  # fmt: skip
        person.post(
            f"/api/organizations/{made['id']}/members",
            {"contactId": contact["id"], "role": "stakeholder"},
        )
    for noun in (*NOUNS, "activities"):
        file = person.get(f"/api/{noun}", headers={"Accept": accept}).content
        found = planned(person, file, noun, name)
        assert found["found"]["isOwnExport"], noun
        told = [row for row in rows(person, found) if row["outcome"] != "unchanged"]
        assert [(noun, row["changes"], row["problems"]) for row in told] == []
