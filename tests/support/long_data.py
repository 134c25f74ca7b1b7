"""Records whose every text is as long as it may be: once one word without an end, once many words."""

import secrets
import string
from typing import Any

from msgspec import Struct, inspect

from retainer.records.activities.model import ActivityCreate
from retainer.records.contacts.model import ContactCreate
from retainer.records.documents.model import DocumentCreate
from retainer.records.organizations.model import OrganizationCreate
from retainer.records.projects.model import ProjectCreate
from retainer.records.tasks.model import TaskCreate
from retainer.records.views.model import ViewCreate
from support.cast import Cast

UNBROKEN = string.ascii_letters + string.digits
SPACED = "Reinsurance subcommittee correspondence of the northern cantons "
MAX = 20_000  # characters of a field without a limit of its own


class LongData:
    """A client with one of each record around it, in texts that repeat `pattern`; ids by noun."""

    def __init__(self, cast: Cast, pattern: str) -> None:
        self.cast, self.pattern = cast, pattern
        self.word = ""  # begins the texts of a record: names and addresses are unique
        user = cast.person("Lo", "consultant").id
        cast.ada.put(f"/api/users/{user}", {"fullName": self.text(255)})
        contact = self.made("/api/contacts", ContactCreate, type="client")
        group = self.made("/api/organizations", OrganizationCreate, type="partner", domains=[])
        client = self.made("/api/organizations", OrganizationCreate, type="customer",
                           parentId=group, ownerId=user)  # fmt: skip
        cast.ada.made(f"/api/organizations/{client}/members", contactId=contact,
                      role="subject_matter_expert")  # fmt: skip
        project = self.made("/api/projects", ProjectCreate, organizationId=client,
                            status="active", dueDate="2026-01-31")  # fmt: skip
        task = self.made("/api/tasks", TaskCreate, organizationId=client, projectId=project,
                         assigneeId=cast.ada.id, dueDate="2026-01-31", priority="high")  # fmt: skip
        for status in ("in_progress", "completed"):
            self.made("/api/tasks", TaskCreate, organizationId=client, status=status)
        document = self.made("/api/documents", DocumentCreate, organizationId=client,
                             projectIds=[project])  # fmt: skip
        self.upload(client)
        activity = self.made(f"/api/organizations/{client}/activities", ActivityCreate,
                             contactIds=[contact], kind="note")  # fmt: skip
        view = self.made("/api/views", ViewCreate, noun="tasks", isShared=True)
        cast.ada.put(f"/api/organizations/{client}", {"industry": self.text(255)[::-1]})
        operation = cast.ada.get("/api/operations?limit=1").json()[0]["id"]
        cast.ada.delete(f"/api/tasks/{self.made('/api/tasks', TaskCreate)}")
        self.ids = {
            "organizations": [client], "contacts": [contact], "projects": [project],
            "tasks": [task], "documents": [document], "activities": [activity], "users": [user],
            "views": [view], "operations": [operation], "members": [client, contact],
        }  # fmt: skip

    def text(self, limit: int | None) -> str:
        whole = self.word + self.pattern * (min(limit or MAX, MAX) // len(self.pattern) + 1)
        return whole[: min(limit or MAX, MAX)].strip()

    def made(self, path: str, body: type[Struct], **fields: Any) -> int:
        return int(self.cast.ada.made(path, **self.filled(body) | fields)["id"])

    def upload(self, organization: int) -> None:
        """A file whose name and contents are long."""
        file = {"file": (self.text(250) + ".txt", self.text(5000).encode(), "text/plain")}
        answer = self.cast.ada.post(
            "/api/documents", files=file, data={"organizationId": str(organization)}
        )
        assert answer.status_code == 200, answer.text

    def filled(self, body: type[Struct]) -> dict[str, Any]:
        """Every text field of a body, filled."""
        self.word = secrets.token_hex(4)
        info = inspect.type_info(body)
        assert isinstance(info, inspect.StructType)
        values = {
            field.encode_name: self.value(field.encode_name, field.type) for field in info.fields
        }
        return {name: value for name, value in values.items() if value is not None}

    def value(self, name: str, type: inspect.Type) -> Any:
        match type:
            case inspect.Metadata():
                return self.value(name, type.type)
            case inspect.UnionType():
                return next(filter(None, (self.value(name, one) for one in type.types)), None)
            case inspect.StrType():
                return self.line(name, type.max_length)
            case inspect.ListType() | inspect.CollectionType():
                return self.listed(name, type)
            case inspect.DictType():
                return {self.text(100): self.text(1000), "Region": self.text(1000)}
        return None

    def listed(self, name: str, type: Any) -> list[str] | None:
        item = type.item_type
        if isinstance(item, inspect.Metadata):
            item = item.type
        if not isinstance(item, inspect.StrType):
            return None
        return [f"{n}{self.line(name, item.max_length)}"[: item.max_length] for n in range(8)]

    def line(self, name: str, limit: int | None) -> str:
        unbroken = (self.word + UNBROKEN.lower() * 40)[: limit or MAX]
        if name == "email":
            return f"{unbroken[:64]}@{unbroken[:60]}.{unbroken[:60]}.{unbroken[:60]}.com"
        if name == "domains":
            return f"{unbroken[:50]}.{unbroken[:60]}.example"
        if name in ("website", "url"):
            return f"https://{unbroken[:40]}.example/{UNBROKEN * 40}"[:limit]
        if name == "query":
            return "status=todo"
        return self.text(limit)


def both(cast: Cast) -> list[LongData]:
    return [LongData(cast, UNBROKEN), LongData(cast, SPACED)]
