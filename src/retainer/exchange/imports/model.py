"""Imports and their rows, and the bodies that change them."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from retainer.http.fields import READ_ONLY, CreatedAt, Id, RecordId, UpdatedAt


class ImportNoun(StrEnum):
    """The nouns that a file may have the rows of."""

    ORGANIZATIONS = "organizations"
    CONTACTS = "contacts"
    MEMBERS = "members"
    PROJECTS = "projects"
    TASKS = "tasks"
    ACTIVITIES = "activities"


class ImportState(StrEnum):
    UPLOADED = "uploaded"
    PLANNING = "planning"
    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    UNDONE = "undone"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Empty(StrEnum):
    """The meaning of an empty cell in a row that changes a record."""

    KEEP = "keep"
    CLEAR = "clear"


class OnDuplicate(StrEnum):
    """The outcome of a row whose name a record has that no key of the row names."""

    ASK = "ask"
    CREATE = "create"
    SKIP = "skip"


class RowOutcome(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    SKIP = "skip"


class Match(StrEnum):
    """How a cell names a person: by e-mail address, then by full name; or by full name alone."""

    EMAIL = "email"
    NAME = "name"


Column = Annotated[str, Meta(max_length=1000)]


class ColumnMapping(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Meaning of a column of the file."""

    column: Annotated[Column, Meta(description="Its header", examples=["Company name"])]
    field: Annotated[
        Annotated[str, Meta(max_length=100)] | None,
        Meta(
            description="Field that it fills, metadata.<name> too; null: it is left out",
            examples=["name"],
        ),
    ]
    values: Annotated[
        dict[str, Annotated[str, Meta(max_length=255)]] | None,
        Meta(description="The field's own value for each of the file's, where it has a list"),
    ] = None
    default: Annotated[
        Annotated[str, Meta(max_length=255)] | None,
        Meta(description="Value for empty cells", examples=["prospect"]),
    ] = None
    format: Annotated[
        Annotated[str, Meta(pattern="^(YMD|DMY|MDY|,|\\.)$")] | None,
        Meta(description="Order of dates (YMD, DMY, MDY), or the decimal sign", examples=["DMY"]),
    ] = None
    match: Annotated[Match | None, Meta(description="How a cell names a person; null: by id")] = (
        None
    )
    prefix: Annotated[
        Annotated[str, Meta(max_length=50)] | None,
        Meta(description="Text put before each value of an external id", examples=["hubspot:"]),
    ] = None
    confirmed: Annotated[
        bool,
        Meta(
            description="Needed where field is id: rows then change the record of that id",
            examples=[False],
        ),
    ] = False


Mapping = Annotated[
    list[ColumnMapping], Meta(max_length=500, description="A field for each column that is used")
]
Keys = Annotated[
    list[Annotated[str, Meta(max_length=50)]],
    Meta(
        max_length=4,
        description="Fields by which a row finds the record that it changes, the first one first",
        examples=[["externalId", "domain"]],
    ),
]
HeaderRow = Annotated[int, Meta(ge=1, le=1000, description="Row of the header", examples=[1])]
Text = Annotated[str, Meta(max_length=255)]


class FoundColumn(Struct, rename="camel"):
    """A column of the file."""

    column: Annotated[str, Meta(description="Its header", examples=["Company name"])]
    samples: Annotated[list[str], Meta(description="Its first values", examples=[["Acme"]])]
    warning: Annotated[
        str | None, Meta(description="What reading it loses; null: nothing", examples=[None])
    ] = None


class Found(Struct, rename="camel"):
    """Findings of the reader in the file."""

    kind: Annotated[str, Meta(description="csv, xlsx, xls or ods", examples=["csv"])]
    sheets: Annotated[list[str], Meta(description="Names of its sheets", examples=[[]])]
    columns: Annotated[list[FoundColumn], Meta(description="Its columns, from the left")]
    is_own_export: Annotated[
        bool,
        Meta(description="It is an export of ours: its ids are those of records", examples=[False]),
    ]


class Settings(Struct, rename="camel"):
    """Reading of the file, and the meaning of its columns."""

    mapping: Mapping = []
    keys: Keys = []
    empty: Annotated[Empty, Meta(description="What an empty cell does to a record")] = Empty.KEEP
    on_duplicate: Annotated[
        OnDuplicate, Meta(description="What becomes of a row whose name a record has")
    ] = OnDuplicate.ASK
    sheet: Annotated[Text | None, Meta(description="Sheet that is read; null: the first")] = None
    header_row: Annotated[HeaderRow | None, Meta(description="Row of the header")] = None
    delimiter: Annotated[
        Annotated[str, Meta(max_length=1)] | None, Meta(description="Sign between cells of a CSV")
    ] = None
    encoding: Annotated[Text | None, Meta(description="Encoding of a CSV")] = None


class Import(Struct, rename="camel"):
    """An import as the API answers it."""

    id: RecordId
    noun: Annotated[ImportNoun, Meta(description="What its rows are")]
    file_name: Annotated[str, Meta(description="Name of the file", examples=["companies.csv"])]
    size: Annotated[int, Meta(description="Bytes of the file", examples=[20480])]
    state: Annotated[ImportState, Meta(description="How far it is", examples=["planned"])]
    total: Annotated[int, Meta(description="Rows of the file, once it is read", examples=[120])]
    done: Annotated[int, Meta(description="Rows planned, or run, so far", examples=[120])]
    counts: Annotated[
        dict[str, int],
        Meta(description="Rows by outcome", examples=[{"create": 100, "update": 20}]),
    ]
    problem: Annotated[
        str | None, Meta(description="Why it failed or was cancelled; null where it was not")
    ]
    operation_id: Annotated[
        Id | None, Meta(description="The operation that it was; undo it to take the import back")
    ]
    user_id: Annotated[Id, Meta(description="The user who imports it", examples=[1])]
    found: Annotated[Found | None, Meta(description="What is in the file; null: not read yet")]
    settings: Annotated[Settings, Meta(description="How it is read, and what its columns mean")]
    created_at: CreatedAt
    updated_at: UpdatedAt


class ImportForm(Struct, rename="camel", forbid_unknown_fields=True):
    """The form of POST /imports."""

    file: Annotated[str, Meta(description="A .csv, .tsv, .xlsx, .xls or .ods file")]
    noun: Annotated[ImportNoun, Meta(description="What its rows are", examples=["organizations"])]

    EXAMPLE: ClassVar = {"file": "name,type\nAcme,customer\n", "noun": "organizations"}


class ImportUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /imports/{id}: what is absent stays. The rows are planned anew."""

    noun: Annotated[ImportNoun | UnsetType, Meta(description="What its rows are")] = UNSET
    mapping: Mapping | UnsetType = UNSET
    keys: Keys | UnsetType = UNSET
    empty: Annotated[Empty | UnsetType, Meta(description="What an empty cell does to a record")] = (
        UNSET
    )
    on_duplicate: Annotated[
        OnDuplicate | UnsetType, Meta(description="What becomes of a row whose name a record has")
    ] = UNSET
    sheet: Annotated[Text | None | UnsetType, Meta(description="Sheet to read")] = UNSET
    header_row: Annotated[HeaderRow | None | UnsetType, Meta(description="Row of the header")] = (
        UNSET
    )
    delimiter: Annotated[
        Annotated[str, Meta(max_length=1)] | None | UnsetType,
        Meta(description="Sign between cells of a CSV"),
    ] = UNSET
    encoding: Annotated[Text | None | UnsetType, Meta(description="Encoding of a CSV")] = UNSET


class RowChange(Struct, rename="camel"):
    """A field that a row changes."""

    field: Annotated[str, Meta(description="Name of the field", examples=["industry"])]
    before: Annotated[Any, Meta(description="Its value now", examples=["Energy"])]
    after: Annotated[Any, Meta(description="Its value after the run", examples=["Logistics"])]


class RowProblem(Struct, rename="camel"):
    """Why a row is refused, or what is to be looked at."""

    field: Annotated[str, Meta(description="Name of the field", examples=["website"])]
    message: Annotated[
        str,
        Meta(description="What is wrong, and what to do", examples=["must be one of customer, …"]),
    ]


class Candidate(Struct, rename="camel"):
    """A record that a row may be a duplicate of."""

    id: Annotated[Id, Meta(description="Its id", examples=[1])]
    name: Annotated[str, Meta(description="Its name", examples=["Acme Corporation"])]
    reasons: Annotated[list[str], Meta(description="What is alike", examples=[["the same name"]])]


class Decision(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /imports/{id}/rows/{n}."""

    outcome: Annotated[RowOutcome, Meta(description="create, update or skip", examples=["skip"])]
    target_id: Annotated[
        Id | None, Meta(description="For update: the record that the row changes", examples=[1])
    ] = None


class RowsDecision(Struct, forbid_unknown_fields=True):
    """The body of PUT /imports/{id}/rows."""

    outcome: Annotated[RowOutcome, Meta(description="create or skip", examples=["skip"])]


class RowsQuery(Struct, forbid_unknown_fields=True):
    """The rows that are decided together."""

    outcome: Annotated[
        RowOutcome, Meta(description="Those that have this outcome now", examples=["duplicate"])
    ]


class ImportRow(Struct, rename="camel"):
    """A row of the file, and what becomes of it."""

    n: Annotated[
        int, READ_ONLY, Meta(description="Its number, as the spreadsheet shows it", examples=[2])
    ]
    values: Annotated[list[str], Meta(description="Its cells", examples=[["Acme", "customer"]])]
    outcome: Annotated[RowOutcome, Meta(description="What becomes of it", examples=["create"])]
    target_id: Annotated[
        Id | None, Meta(description="The record that it changes, or made", examples=[1])
    ]
    changes: Annotated[list[RowChange], Meta(description="Of an update each field")]
    problems: Annotated[list[RowProblem], Meta(description="Why it is refused")]
    candidates: Annotated[
        list[Candidate], Meta(description="Records that it may be a duplicate of")
    ]


class RowsDecided(Struct):
    """How many rows were decided."""

    rows: Annotated[int, READ_ONLY, Meta(description="Their number", examples=[12])]
