"""Sight, computed anew: fields, versions and histories of a random past, in plain Python from
the rows, against what the product tells each viewer.

The journal is replayed forward here; the product reads it backward. The rules are written down a
second time, from the product's own words, and read nothing of permissions.py.
"""

import copy
import json
import random
from typing import Any, NamedTuple

import pytest

from support.cast import Cast, Person

pytestmark = pytest.mark.slow  # a hundred writes, and every record read by every viewer

NOUNS = ["organizations", "contacts", "projects", "tasks", "documents", "activities"]
NOT_FOR_GUESTS = {
    "organizations": ["description", "metadata", "tags", "externalId", "ownerId", "parentId"],
    "contacts": ["metadata"],
}
TEXTS = {"organizations": "name", "contacts": "full_name", "projects": "title", "tasks": "title",
         "documents": "name", "activities": "text"}  # fmt: skip
FIELD = {"full_name": "fullName"}

Rows = dict[str, dict[int, dict[str, Any]]]


class Change(NamedTuple):
    """A row of the journal, with the world before and after it."""

    operation: int
    sequence: int
    entity: str
    id: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    world_before: Rows
    world: Rows


class Viewer(NamedTuple):
    """A person, and what the rules know of them."""

    person: Person
    role: str
    contact: int | None


def replayed(cast: Cast) -> list[Change]:
    """Every change of the tenant, in order."""
    found: list[Change] = []
    world: Rows = {}
    for row in cast.sql.rows(
        """SELECT operation_id, sequence, entity, entity_id, before::text, after::text FROM changes
           WHERE tenant_id = $1 ORDER BY operation_id, sequence""",
        cast.tenant,
    ):
        before = json.loads(row["before"]) if row["before"] else None
        after = json.loads(row["after"]) if row["after"] else None
        was = world
        world = {table: dict(rows) for table, rows in world.items()}
        rows = world.setdefault(row["entity"], {})
        rows[row["entity_id"]] = {**rows.get(row["entity_id"], {}), **(after or {})}
        found.append(
            Change(
                row["operation_id"],
                row["sequence"],
                row["entity"],
                row["entity_id"],
                before,
                after,
                was,
                world,
            )
        )
    return found


def live(world: Rows, table: str) -> list[dict[str, Any]]:
    return [row for row in world.get(table, {}).values() if row.get("deleted_by") is None]


class Sight:
    """The rules, for one viewer: their memberships and the projects are those of now."""

    def __init__(self, viewer: Viewer, now: Rows) -> None:
        self.viewer = viewer
        self.sees_all = viewer.role in ("admin", "consultant")
        self.mine = {
            row["organization_id"]
            for row in live(now, "members")
            if viewer.contact is not None and row["contact_id"] == viewer.contact
        }
        self.projects = {
            row["id"]
            for row in live(now, "projects")
            if row["organization_id"] in self.mine
            and (viewer.role != "guest" or row["audience"] == "client")
        }

    def sees(self, noun: str, id: int, row: dict[str, Any], links: Rows) -> bool:
        """Tell whether they see a record that is as `row`, with the links that there are in `links`."""
        if self.sees_all:
            return True
        if self.viewer.role == "guest" and row.get("audience", "client") != "client":
            return False
        if noun == "organizations":
            return id in self.mine
        if noun == "contacts":
            return id == self.viewer.contact or any(
                link["contact_id"] == id and link["organization_id"] in self.mine
                for link in live(links, "members")
            )
        if row.get("organization_id") in self.mine:
            return True
        user = self.viewer.person.id
        if noun == "tasks":
            return row["project_id"] in self.projects or row["assignee_id"] == user
        if noun == "documents":
            return row["uploader_id"] == user or any(
                link["document_id"] == id and link["project_id"] in self.projects
                for link in live(links, "document_projects")
            )
        return False


def moment_after(changes: list[Change], place: int, noun: str, id: int) -> Rows:
    """The links of a record after a change: until its own next change of the same operation."""
    operation = changes[place].operation
    last = place
    for next in range(place + 1, len(changes)):
        following = changes[next]
        if following.operation != operation or (following.entity, following.id) == (noun, id):
            break
        last = next
    return changes[last].world


OWNERS = {"document_projects": ("documents", "document_id", "projects", "project_id"),
          "activity_contacts": ("activities", "activity_id", "contacts", "contact_id")}  # fmt: skip


def told(
    changes: list[Change], sight: Sight, noun: str, id: int, now: Rows
) -> dict[tuple[int, int], bool]:
    """The entries of a record's history, and for each whether the values before it are told."""
    found = {}
    for place, change in enumerate(changes):
        row = change.world[change.entity][change.id]
        if (change.entity, change.id) == (noun, id):
            if not sight.sees(noun, id, row, moment_after(changes, place, noun, id)):
                continue
            known = change.before is not None and sight.sees(
                noun, id, change.world_before[noun][id], change.world_before
            )
            found[change.operation, change.sequence] = known
        elif (
            change.entity == "members" and noun == "organizations" and row["organization_id"] == id
        ):
            found[change.operation, change.sequence] = change.before is not None
        elif change.entity in OWNERS:
            owner, own, other, its = OWNERS[change.entity]
            if owner != noun or row[own] != id or id not in change.world.get(noun, {}):
                continue
            there = now[other].get(row[its])
            if there is None or not sight.sees(other, row[its], there, now):
                continue
            links = moment_after(changes, place, noun, id)
            if sight.sees(noun, id, change.world[noun][id], links):
                found[change.operation, change.sequence] = False
    return found


class Writer:
    """Random writes by a consultant, for two organizations that staff see and two that they do not."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self.cast, self.random = cast, random.Random(seed)
        made = cast.cora.made
        organizations = [cast.acme, cast.globex] + [
            made("/api/organizations", name=f"Extra {n}", type="other")["id"] for n in range(2)
        ]
        for contact in (cast.stan_contact, cast.gita_contact):
            cast.cora.post(
                f"/api/organizations/{organizations[2]}/members",
                {"contactId": contact, "role": "member"},
            )
        self.ids: dict[str, list[int]] = {noun: [] for noun in NOUNS}
        self.ids["organizations"] = organizations
        self.ids["contacts"] = [cast.contact(f"Contact {n}") for n in range(3)]
        for organization in organizations:
            self.ids["projects"].append(
                made(
                    "/api/projects",
                    title="P",
                    organizationId=organization,
                    audience=self.audience(),
                )["id"]
            )

    def audience(self) -> str:
        return self.random.choice(["internal", "client"])

    def one(self, noun: str) -> int:
        return self.random.choice(self.ids[noun])

    def word(self) -> str:
        return f"word{self.random.randrange(10**9)}"

    def write(self) -> None:
        noun = self.random.choice(["tasks", "tasks", "documents", "documents", "activities", "projects",
                                   "contacts", "members", "change_organization", "undo", "delete"])  # fmt: skip
        getattr(self, noun)()

    def put(self, path: str, **fields: Any) -> None:
        response = self.cast.cora.put(f"/api/{path}", fields)
        assert response.status_code in (200, 404, 409, 422), response.text

    def tasks(self) -> None:
        home = self.random.choice([{"organizationId": self.one("organizations")}, {"projectId": self.one("projects")},
                                   {"assigneeId": self.random.choice([self.cast.stan.id, self.cast.cora.id])}])  # fmt: skip
        if self.random.random() < 0.4 or not self.ids["tasks"]:
            response = self.cast.cora.post(
                "/api/tasks", {"title": self.word(), "audience": self.audience()} | home
            )
            if response.status_code == 200:
                self.ids["tasks"].append(response.json()["id"])
            return
        empty = {"organizationId": None, "projectId": None, "assigneeId": None}
        moved = self.random.choice([{}, empty | home, {"audience": self.audience()}])
        self.put(f"tasks/{self.one('tasks')}", title=self.word(), **moved)

    def documents(self) -> None:
        projects = self.random.sample(self.ids["projects"], self.random.randrange(1, 3))
        if self.random.random() < 0.4 or not self.ids["documents"]:
            file = {"file": ("a.txt", self.word().encode(), "text/plain")}
            data: Any = {"audience": self.audience(), "projectIds": ",".join(map(str, projects))}
            if self.random.random() < 0.5:
                data = {
                    "audience": self.audience(),
                    "organizationId": str(self.one("organizations")),
                }
            response = self.random.choice([self.cast.cora, self.cast.stan]).post(
                "/api/documents", files=file, data=data
            )
            if response.status_code == 200:
                self.ids["documents"].append(response.json()["id"])
            return
        document = self.one("documents")
        kind = self.random.randrange(4)
        if kind == 0:
            file = {"file": ("a.txt", self.word().encode(), "text/plain")}
            self.cast.cora.post(f"/api/documents/{document}/versions", files=file)
        elif kind == 1:
            self.put(
                f"documents/{document}", name=self.word(), organizationId=None, projectIds=projects
            )
        elif kind == 2:
            self.put(
                f"documents/{document}",
                organizationId=self.one("organizations"),
                projectIds=[],
                name=self.word(),
            )
        else:
            self.put(f"documents/{document}", audience=self.audience(), name=self.word())

    def activities(self) -> None:
        contacts = self.random.sample(self.ids["contacts"], self.random.randrange(2))
        if self.random.random() < 0.4 or not self.ids["activities"]:
            made = self.cast.cora.post(
                f"/api/organizations/{self.one('organizations')}/activities",
                {"text": self.word(), "audience": self.audience(), "contactIds": contacts},
            )
            if made.status_code == 200:
                self.ids["activities"].append(made.json()["id"])
            return
        moved = self.random.choice([{}, {"organizationId": self.one("organizations")}, {"audience": self.audience()},
                                    {"contactIds": contacts}])  # fmt: skip
        self.put(f"activities/{self.one('activities')}", text=self.word(), **moved)

    def projects(self) -> None:
        moved = self.random.choice([{}, {"audience": self.audience()}])
        self.put(f"projects/{self.one('projects')}", title=self.word(), **moved)

    def contacts(self) -> None:
        self.put(
            f"contacts/{self.one('contacts')}", fullName=self.word(), metadata={"a": self.word()}
        )

    def members(self) -> None:
        path = f"/api/organizations/{self.one('organizations')}/members"
        contact = self.one("contacts")
        if self.random.random() < 0.6:
            self.cast.cora.post(path, {"contactId": contact, "role": "member"})
        else:
            self.cast.cora.delete(f"{path}/{contact}")

    def change_organization(self) -> None:
        self.put(
            f"organizations/{self.one('organizations')}",
            name=self.word(),
            description=self.word(),
            tags=[self.word()],
            externalId=self.word(),
            ownerId=self.cast.cora.id,
        )

    def undo(self) -> None:
        operations = self.cast.cora.get("/api/operations?limit=12").json()
        one = self.random.choice([each for each in operations if each["canUndo"]] or operations)
        self.cast.cora.post(f"/api/operations/{one['id']}/undo")

    def delete(self) -> None:
        noun = self.random.choice(["tasks", "documents", "activities"])
        if self.ids[noun]:
            self.cast.cora.delete(f"/api/{noun}/{self.one(noun)}")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_viewer_is_told_what_the_rules_say_and_nothing_else(cast: Cast, seed: int) -> None:
    writer = Writer(cast, seed)
    for _ in range(100):
        writer.write()
    changes = replayed(cast)
    now = copy.deepcopy(changes[-1].world)
    viewers = [Viewer(cast.ada, "admin", None), Viewer(cast.cora, "consultant", None),
               Viewer(cast.stan, "staff", cast.stan_contact), Viewer(cast.gita, "guest", cast.gita_contact),
               Viewer(cast.sam, "staff", None)]  # fmt: skip
    checked = 0
    for viewer in viewers:
        sight = Sight(viewer, now)
        for noun in NOUNS:
            seen = {
                row["id"]: row for row in live(now, noun) if sight.sees(noun, row["id"], row, now)
            }
            shown = {row["id"]: row for row in viewer.person.get(f"/api/{noun}").json()}
            assert shown.keys() == seen.keys(), (viewer.role, noun)
            for row in live(now, noun):
                status = viewer.person.get(f"/api/{noun}/{row['id']}").status_code
                assert status == (200 if row["id"] in seen else 404), (viewer.role, noun, row["id"])
            for id, row in shown.items():
                check_fields(viewer, noun, row, seen[id])
                checked += check_history(viewer, sight, changes, noun, id, now)
            if noun == "documents":
                for id, row in seen.items():
                    check_versions(viewer, sight, changes, id, row)
    assert checked > 100


def check_fields(viewer: Viewer, noun: str, shown: dict[str, Any], row: dict[str, Any]) -> None:
    columns = {"externalId": "external_id", "ownerId": "owner_id", "parentId": "parent_id"}
    for field in NOT_FOR_GUESTS.get(noun, []):
        value = row[columns.get(field, field)]
        if viewer.role == "guest":
            value = [] if field == "tags" else None
        assert shown[field] == value, (viewer.role, noun, field)
    assert shown[FIELD.get(TEXTS[noun], TEXTS[noun])] == row[TEXTS[noun]]


def check_history(
    viewer: Viewer, sight: Sight, changes: list[Change], noun: str, id: int, now: Rows
) -> int:
    response = viewer.person.get(f"/api/{noun}/{id}/history")
    if viewer.role == "guest":
        assert response.status_code == 403
        return 0
    entries = {(each["operation"]["id"], each["sequence"]): each for each in response.json()}
    expected = told(changes, sight, noun, id, now)
    assert entries.keys() == expected.keys(), (viewer.role, noun, id)
    raw = {(each.operation, each.sequence): each for each in changes}
    field = FIELD.get(TEXTS[noun], TEXTS[noun])
    for key, entry in entries.items():
        befores = {each["field"]: each["before"] for each in entry["changes"]}
        if not expected[key]:
            assert set(befores.values()) <= {None}, (viewer.role, noun, id, key)
        elif entry["entity"] == noun and field in befores:
            was = raw[key].before
            assert was is not None and befores[field] == was[TEXTS[noun]]
    return len(entries)


def check_versions(
    viewer: Viewer, sight: Sight, changes: list[Change], id: int, row: dict[str, Any]
) -> None:
    expected = [row["latest"]]
    for place, change in enumerate(changes):
        if (
            (change.entity, change.id) == ("documents", id)
            and change.before
            and "latest" in change.before
        ):
            links = moment_after(changes, place, "documents", id)
            if sight.sees("documents", id, change.world["documents"][id], links):
                expected.append(change.before["latest"])
    path = f"/api/documents/{id}/versions"
    assert [each["number"] for each in viewer.person.get(path).json()] == sorted(expected)
    for number in range(1, row["latest"] + 1):
        status = viewer.person.get(f"{path}/{number}/content").status_code
        assert status == (200 if number in expected else 404), (viewer.role, id, number)
