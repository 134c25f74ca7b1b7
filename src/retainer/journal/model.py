"""Operations and the entries of histories, as the API answers them."""

from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from retainer.http.fields import Id, Person, Timestamp


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
Address = Annotated[
    str | None,
    Meta(
        description="Address that it came from, for administrators; null for others and a command",
        examples=["192.0.2.10"],
    ),
]
Count = Annotated[
    int,
    Meta(
        description="How often it was done: refusals of one action within a minute are counted",
        examples=[1],
    ),
]
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
Sequence = Annotated[
    int,
    Meta(description="Its place in the operation, by which it is undone alone", examples=[1]),
]
TakenBackBy = Annotated[
    Id | None,
    Meta(
        description="The operation that took it back, alone or with all of its operation; null "
        "where none did"
    ),
]
FieldChanges = Annotated[
    list[FieldChange],
    Meta(description="Each field that changed; of a new record each that it has"),
]


class HistoryEntry(Struct, rename="camel"):
    """Change of one record by one operation."""

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
    sequence: Sequence
    undone_by: TakenBackBy
    changes: FieldChanges


class RecordChange(Struct, rename="camel"):
    """Change of a record, as its operation shows it."""

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
    sequence: Sequence
    undone_by: TakenBackBy
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
    count: Count
    request_id: RequestId
    address: Address
    actor: ActedBy
    actor_kind: ActorKind
    undoes: Undoes
    undoes_part: Annotated[
        bool,
        Meta(description="Whether it took back a part of that operation", examples=[False]),
    ]
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
    """The same with the first of what it did, in its order."""

    changes: Annotated[
        list[RecordChange],
        Meta(description="What it did to each record, in order, the first 200 of it"),
    ]


class UndoQuery(Struct, rename="camel", forbid_unknown_fields=True):
    """The part of an operation that is undone; all of it when both are left out."""

    change: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(
            description="Only the change with this sequence; of a record that it created, "
            "deleted or restored also what went along with it",
            examples=[3],
        ),
    ] = None
    record: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z]{1,40}/[0-9]{1,15}$")] | None,
        Meta(
            description="Only what was done to this record and with it, by entity and id as "
            "histories have them",
            examples=["organizations/12"],
        ),
    ] = None


class UndoneOperation(ListedOperation):
    """The operation that an undo made."""

    passed_over: Annotated[
        int,
        Meta(
            description="How many records were left as they are, because they had been restored or "
            "reverted alone",
            examples=[0],
        ),
    ]


class TouchedOrganization(Struct):
    """An organization with records that an undo would take back."""

    id: Annotated[Id, Meta(description="Its id", examples=[1])]
    name: Annotated[str, Meta(description="Its name", examples=["Acme Corporation"])]
    records: Annotated[int, Meta(description="How many records of it", examples=[12])]


class TouchedKind(Struct):
    """Records of one kind to which an operation did the same."""

    entity: Annotated[
        str, Meta(description="Which kind of record, as in histories", examples=["tasks"])
    ]
    action: ActionDone
    records: Annotated[int, Meta(description="How many of them", examples=[12])]


class UndoPreview(Struct, rename="camel"):
    """Extent of an undo before it is made, of what you see."""

    operation_id: OperationId
    records: Annotated[int, Meta(description="How many records in all", examples=[597])]
    passed_over: Annotated[
        int,
        Meta(
            description="How many records it would leave, because they have been restored or "
            "reverted alone",
            examples=[0],
        ),
    ]
    organizations: Annotated[
        int, Meta(description="Of how many organizations they are", examples=[40])
    ]
    named: Annotated[
        list[TouchedOrganization],
        Meta(description="Those with most records among them, twenty at most"),
    ]
    kinds: Annotated[
        list[TouchedKind], Meta(description="The records by kind and by what was done to them")
    ]
