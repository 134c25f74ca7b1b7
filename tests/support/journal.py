"""Histories, operations and their undoing; one write of each kind."""

import json
from typing import Any

from support.cast import Cast, Person
from support.samples import FILE


def history(cast: Cast, noun: str, id: int, who: str = "ada", **asked: Any) -> list[dict[str, Any]]:
    answer = getattr(cast, who).get(f"/api/{noun}/{id}/history", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def summary(entry: dict[str, Any]) -> tuple[Any, ...]:
    """An entry in short: noun, id, action and changed fields."""
    fields = {change["field"]: (change["before"], change["after"]) for change in entry["changes"]}
    return entry["entity"], entry["entityId"], entry["action"], fields


LISTS = ["organizations?expand=parent,owner", "contacts?expand=organizations", "projects", "tasks", "documents",
         "activities"]  # fmt: skip


def world(cast: Cast) -> dict[str, Any]:
    """Everything Ada can read, as text, without updatedAt, which an undo changes too."""
    found = {name: cast.ada.get(f"/api/{name}").json() for name in LISTS}
    for row in found[LISTS[0]]:
        found[f"members {row['id']}"] = cast.ada.get(
            f"/api/organizations/{row['id']}/members"
        ).json()
    for rows in found.values():
        for row in rows:
            row.pop("updatedAt", None)
    return {name: json.dumps(rows) for name, rows in found.items()}


def last(cast: Cast, who: str = "ada") -> dict[str, Any]:
    found: dict[str, Any] = getattr(cast, who).get("/api/operations?limit=1").json()[0]
    return found


def undo(person: Person, id: int, **options: Any) -> Any:
    return person.post(f"/api/operations/{id}/undo", **options)


def undone(cast: Cast, id: int | None = None, who: str = "ada") -> dict[str, Any]:
    """Undo this operation, or the last one; the operation that did."""
    answer = undo(getattr(cast, who), id or last(cast)["id"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def tree(cast: Cast) -> dict[str, int]:
    """An organization with a record of every noun and a child; ids by name."""
    made = cast.ada.made
    top = made("/api/organizations", name="Top", type="customer", externalId="TOP", domains=["top.example"], tags=["a"],
               metadata={"n": [1, 1.50, None, {"x": "é"}]}, ownerId=cast.cora.id, parentId=cast.globex)["id"]  # fmt: skip
    child = made("/api/organizations", name="Child", type="other", parentId=top)["id"]
    project = made(
        "/api/projects", organizationId=top, title="P", startDate="2026-01-31", audience="client"
    )["id"]
    tasks = [made("/api/tasks", title="On project", projectId=project, dueDate="2026-02-28", assigneeId=cast.stan.id),
             made("/api/tasks", title="On both", projectId=project, organizationId=top),
             made("/api/tasks", title="On organization", organizationId=top, order=7)]  # fmt: skip
    loose = made("/api/documents", name="Loose", url="https://x.example", projectIds=[project])[
        "id"
    ]
    link = made(
        "/api/documents",
        name="Own",
        url="https://x.example",
        organizationId=top,
        projectIds=[project],
    )["id"]
    answer = cast.ada.post("/api/documents", files=FILE, data={"organizationId": str(top)})
    made(f"/api/organizations/{top}/members", contactId=cast.gita_contact, role="executive_sponsor")
    contact = cast.contact("Lou")
    activity = made(f"/api/organizations/{top}/activities", text="A", kind="call", happenedAt="2026-01-31T09:30:00Z",
                    contactIds=[cast.gita_contact, contact])["id"]  # fmt: skip
    return {"top": top, "child": child, "project": project, "task": tasks[0]["id"], "both": tasks[1]["id"],
            "own task": tasks[2]["id"], "loose": loose, "link": link, "file": answer.json()["id"],
            "gita": cast.gita_contact, "contact": contact, "activity": activity}  # fmt: skip


# What is done to the tree; the path takes its ids by name.
WRITES = {
    "create an organization": ("POST", "organizations", {"name": "New", "type": "other", "domains": ["new.example"]}),
    "update an organization": ("PUT", "organizations/{top}", {
        "name": "Höchst", "metadata": None, "tags": [], "domains": ["a.example", "top.example"], "externalId": None,
        "parentId": None, "ownerId": None, "status": "archived", "industry": "Energy", "website": "https://w.example"}),
    "give it another parent": ("PUT", "organizations/{child}", {"parentId": None}),
    "delete an organization": ("DELETE", "organizations/{top}", None),
    "duplicate an organization": ("POST", "organizations/{top}/duplicate", None),
    "add by an external id": ("PUT", "organizations/by/externalId/N", {"name": "N", "type": "other"}),
    "add a member": ("POST", "organizations/{child}/members", {"contactId": "gita", "role": "member"}),
    "change a member": ("PATCH", "organizations/{top}/members/{gita}", {"role": "member"}),
    "remove a member": ("DELETE", "organizations/{top}/members/{gita}", None),
    "create a contact": ("POST", "contacts", {"fullName": "Kim", "email": "kim@example.com", "type": "client"}),
    "update a contact": ("PUT", "contacts/{gita}", {"title": "Head", "isActive": False, "metadata": {"a": 1}}),
    "delete a contact": ("DELETE", "contacts/{contact}", None),
    "create a project": ("POST", "projects", {"organizationId": "top", "title": "New"}),
    "update a project": ("PUT", "projects/{project}", {"startDate": None, "dueDate": "2026-12-31", "status": "active"}),
    "delete a project": ("DELETE", "projects/{project}", None),
    "create a task": ("POST", "tasks", {"title": "New"}),
    "update a task": ("PUT", "tasks/{task}", {"order": 3, "dueDate": None, "assigneeId": None, "priority": "high"}),
    "move a task": ("PUT", "tasks/{own task}", {"organizationId": "child"}),
    "delete a task": ("DELETE", "tasks/{task}", None),
    "add a link": ("POST", "documents", {"name": "L", "url": "https://l.example", "projectIds": ["project"]}),
    "update a link": ("PUT", "documents/{link}", {"url": "https://other.example", "description": "d"}),
    "take it from its project": ("PUT", "documents/{link}", {"projectIds": []}),
    "move a document": ("PUT", "documents/{loose}", {"projectIds": [], "organizationId": "child"}),
    "delete a document": ("DELETE", "documents/{link}", None),
    "log an activity": ("POST", "organizations/{child}/activities", {"text": "N", "contactIds": ["gita"]}),
    "log one with nobody": ("POST", "organizations/{child}/activities", {"text": "N"}),
    "update an activity": ("PUT", "activities/{activity}", {"text": "B", "kind": "note", "audience": "client"}),
    "change its contacts": ("PUT", "activities/{activity}", {"contactIds": ["gita"], "happenedAt": "2026-02-01T00:00:00Z"}),
    "move an activity": ("PUT", "activities/{activity}", {"organizationId": "child", "contactIds": []}),
    "delete an activity": ("DELETE", "activities/{activity}", None),
    "delete a file": ("DELETE", "documents/{file}", None),
}  # fmt: skip


def with_ids(ids: dict[str, int], value: Any) -> Any:
    if isinstance(value, list):
        return [with_ids(ids, each) for each in value]
    return ids.get(value, value) if isinstance(value, str) else value
