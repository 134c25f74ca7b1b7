"""The entries of histories, and the field of the API that each column of the journal is."""

from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct

from retainer.http.fields import Id, Person, Timestamp
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


class Actor(Person):
    """The user who acted."""

    id: Annotated[Id, Meta(description="Unique identifier of the user", examples=[1])]


OperationId = Annotated[
    Id, Meta(description="Number of the operation; all that it did has the same", examples=[41])
]
BeganAt = Annotated[
    Timestamp, Meta(description="When it began", examples=["2026-02-03T16:05:12.480Z"])
]
ActionAsked = Annotated[
    str,
    Meta(
        description="What was asked for: an operation of this document, or a command",
        examples=["updateOrganization"],
    ),
]
Channel = Annotated[str, Meta(description="Through what", examples=["api"])]
RequestId = Annotated[
    str | None,
    Meta(
        description="Finds the request in the server's log; null for a command",
        examples=["3f9c0b7a21-1f"],
    ),
]
ActedBy = Annotated[
    Actor | None,
    Meta(description="The user who acted; null for the command line and the system"),
]
ActorKind = Annotated[
    str, Meta(description="Who acted: user, command or system", examples=["user"])
]
Undoes = Annotated[
    Id | None, Meta(description="The operation that it took back; null for any other")
]


class Operation(Struct, rename="camel"):
    """One request that changed something, or one command."""

    id: OperationId
    at: BeganAt
    action: ActionAsked
    via: Channel
    request_id: RequestId
    actor: ActedBy
    actor_kind: ActorKind
    undoes: Undoes


class FieldChange(Struct, rename="camel"):
    """One field of a change, as the API answered it before and answers it after."""

    field: Annotated[str, Meta(description="Name of the field", examples=["status"])]
    before: Annotated[
        Any, Meta(description="Its value before; null of a new record", examples=["active"])
    ]
    after: Annotated[Any, Meta(description="Its value after", examples=["inactive"])]


Version = Annotated[
    int,
    Meta(description="The record's version after it, the second number of its ETag", examples=[2]),
]
ActionDone = Annotated[ChangeAction, Meta(description="What was done to it", examples=["update"])]
FieldChanges = Annotated[
    list[FieldChange],
    Meta(description="Each field that changed; of a new record each that it has"),
]


class HistoryEntry(Struct, rename="camel"):
    """What one operation did to one record."""

    operation: Annotated[Operation, Meta(description="What was done, by whom and when")]
    entity: Annotated[
        str,
        Meta(
            description="Which kind of record it was done to: the one asked for, members of an "
            "organization, documentProjects or activityContacts",
            examples=["organizations"],
        ),
    ]
    entity_id: Annotated[
        Id,
        Meta(
            description="Its id; a member or an activity's contact is told by the contact's id, a "
            "document's project by the project's",
            examples=[1],
        ),
    ]
    version: Version
    action: ActionDone
    changes: FieldChanges


class RecordChange(Struct, rename="camel"):
    """What an operation did to one record."""

    entity: Annotated[
        str,
        Meta(description="Which kind of record, as in histories", examples=["organizations"]),
    ]
    entity_id: Annotated[
        Id,
        Meta(
            description="Its id; a member or an activity's contact is told by the contact's, a "
            "document's project by the project's, a version by the document's",
            examples=[1],
        ),
    ]
    version: Version
    action: ActionDone
    changes: FieldChanges


class ListedOperation(Struct, rename="camel"):
    """One request that changed something or was refused, or one command; `records` are those the
    viewer sees.
    """

    id: OperationId
    at: BeganAt
    action: ActionAsked
    via: Channel
    outcome: Annotated[
        Outcome,
        Meta(
            description="Whether it was done, or refused because the role may not do it",
            examples=["done"],
        ),
    ]
    request_id: RequestId
    actor: ActedBy
    actor_kind: ActorKind
    undoes: Undoes
    undone_by: Annotated[
        Id | None, Meta(description="The operation that took it back; null where none did")
    ]
    records: Annotated[
        int,
        Meta(description="How many records it was done to, of those that you see", examples=[1]),
    ]
    can_undo: Annotated[
        bool,
        Meta(
            description="Whether you may undo it: your role may do so, and nothing it was done to "
            "has changed since",
            examples=[True],
        ),
    ]


class OperationDetails(ListedOperation):
    """The same with what it did, in its order."""

    changes: Annotated[list[RecordChange], Meta(description="What it did to each record, in order")]


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
