"""What a history tells, and which field of the API each column of the journal is."""

from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct

from retainer.http.fields import Id, Name, Timestamp
from retainer.identity.users.model import UserDetails
from retainer.records.activities.model import Activity
from retainer.records.contacts.model import Contact
from retainer.records.documents.model import Document
from retainer.records.members.model import Member
from retainer.records.organizations.model import Organization
from retainer.records.projects.model import Project
from retainer.records.tasks.model import Task
from retainer.records.views.model import View


class ChangeAction(StrEnum):
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"


class Actor(Struct, rename="camel"):
    """The user who acted."""

    id: Id
    username: str
    full_name: Name


class Operation(Struct, rename="camel"):
    """One request that changed something, or one command."""

    id: Id
    at: Timestamp
    action: str
    via: str
    request_id: str | None
    actor: Actor | None
    actor_kind: str
    undoes: Id | None


class FieldChange(Struct, rename="camel"):
    """One field of a change, as the API answered it before and answers it after."""

    field: str
    before: Any
    after: Any


class HistoryEntry(Struct, rename="camel"):
    """What one operation did to one record."""

    operation: Operation
    entity: str
    entity_id: Id
    version: int
    action: ChangeAction
    changes: list[FieldChange]


class RecordChange(Struct, rename="camel"):
    """What an operation did to one record."""

    entity: str
    entity_id: Id
    version: int
    action: ChangeAction
    changes: list[FieldChange]


class ListedOperation(Struct, rename="camel"):
    """One request that changed something or was refused, or one command; `records` are those the
    viewer sees.
    """

    id: Id
    at: Timestamp
    action: str
    via: str
    outcome: Outcome
    request_id: str | None
    actor: Actor | None
    actor_kind: str
    undoes: Id | None
    undone_by: Id | None
    records: int
    can_undo: bool


class OperationDetails(ListedOperation):
    """The same with what it did, in its order."""

    changes: list[RecordChange]


class Column(NamedTuple):
    """A column of a table, by the field of the API that it is."""

    entity: str
    column: str
    field: str


# The table of each noun whose answers have the columns as fields. What is no field of theirs is
# never shown: keys of the storage, digests, counts, and whatever will be added beside them.
_ANSWERS: dict[str, type[Struct]] = {
    "organizations": Organization,
    "members": Member,
    "contacts": Contact,
    "projects": Project,
    "tasks": Task,
    "documents": Document,
    "activities": Activity,
    "users": UserDetails,
    "views": View,
}
# Where the column is called otherwise. A file's address is made of its id and does not change.
_CALLED = {("documents", "url"): "link", ("documents", "version"): "latest"}
# Told beside the fields: which record it is, and when it was; or the same of every record; or not
# written down.
_TOLD = {"id", "tenant_id", "created_at", "updated_at", "last_login_at"}

COLUMNS = [
    Column(entity, _CALLED.get((entity, column), column), field)
    for entity, answer in _ANSWERS.items()
    for column, field in zip(answer.__struct_fields__, answer.__struct_encode_fields__, strict=True)
    if column not in _TOLD
]

# Those that are times, which the journal writes in PostgreSQL's way.
MOMENTS = ["happened_at"]


class Noun(NamedTuple):
    """A table whose changes can be undone.

    `title` is the column that people know a row by, "" where that is another row's. `change` is the
    permission that undoing an update takes, `existence` that of undoing a creation, a deletion or a
    restoration. `refers` has the columns that refer to what must be there, with the table each
    refers to.
    """

    title: str
    change: str
    existence: str
    refers: dict[str, str]


# Every table of which a change may be undone, and the only names that statements about several
# tables are made of. In the order in which rows are locked: as deletions lock them, what is above
# before what is below.
NOUNS = {
    "organizations": Noun(
        "name", "organizations.update", "organizations.delete", {"parent_id": "organizations"}
    ),
    "contacts": Noun("full_name", "contacts.write", "contacts.write", {}),
    "projects": Noun(
        "title", "projects.write", "projects.write", {"organization_id": "organizations"}
    ),
    "tasks": Noun(
        "title",
        "tasks.write",
        "tasks.delete",
        {"organization_id": "organizations", "project_id": "projects"},
    ),
    "documents": Noun(
        "name", "documents.write", "documents.write", {"organization_id": "organizations"}
    ),
    # Who may not delete one may still take back having logged it.
    "activities": Noun(
        "title", "activities.write", "activities.write", {"organization_id": "organizations"}
    ),
    "members": Noun(
        "",
        "members.write",
        "members.write",
        {"organization_id": "organizations", "contact_id": "contacts"},
    ),
    "document_projects": Noun(
        "",
        "documents.write",
        "documents.write",
        {"document_id": "documents", "project_id": "projects"},
    ),
    "views": Noun(
        "name", "views.write", "views.write", {}
    ),  # whose it is decides as well: IS_YOURS in store.py
    # Its contact may be deleted: who was there stays told.
    "activity_contacts": Noun(
        "", "activities.write", "activities.write", {"activity_id": "activities"}
    ),
}
