"""Types of fields that several nouns share, with their limits (the database checks them again) and
sentences; and the bodies of creations and updates, derived from the record that they write.

A field is written once, in its record: its type, and `Meta` with its description and an example,
which the OpenAPI document shows.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from enum import StrEnum
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, inspect
from msgspec.structs import FieldInfo

# Python's "$" also stands before a newline at the end, PostgreSQL's does not.
EMAIL = r"^[^@\s]+@[^@\s]+$(?!\n)"
HTTP = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/]\S*$(?!\n)"

# Characters, not bytes.
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1024

# Mark texts that people write, with the rules of database/texts.py. Of a name some character is
# seen.
ONE_LINE = Meta(extra={"is_one_line": True, "is_seen": False})
NAME = Meta(extra={"is_one_line": True, "is_seen": True})
LINES = Meta(extra={"is_one_line": False, "is_seen": False})
STORY = Meta(extra={"is_one_line": False, "is_seen": True})

Id = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Name = Annotated[str, NAME, Meta(min_length=1, max_length=255, pattern=r"\S")]
Line = Annotated[str, ONE_LINE, Meta(max_length=255)]
Url = Annotated[str, ONE_LINE, Meta(max_length=2000)]
Text = Annotated[str, LINES, Meta(max_length=20_000)]
Email = Annotated[str, ONE_LINE, Meta(min_length=3, max_length=254, pattern=EMAIL)]
Date = date
Moment = Annotated[datetime, Meta(tz=True)]
# Timestamps leave the database as text: RFC 3339, UTC, milliseconds.
Timestamp = Annotated[
    str, Meta(extra_json_schema={"format": "date-time"}, examples=["2026-01-31T09:30:00.000Z"])
]

# Marks a field that the server sets: no body takes it.
READ_ONLY = Meta(extra={"read_only": True})


class Audience(StrEnum):
    """For whom a record is meant: guests see only what is meant for clients."""

    INTERNAL = "internal"
    CLIENT = "client"


# The fields that many nouns have, with their sentences.
RecordId = Annotated[
    Id,
    READ_ONLY,
    Meta(description="Unique identifier, never used again for another", examples=[1]),
]
CreatedAt = Annotated[
    Timestamp,
    READ_ONLY,
    Meta(description="Creation timestamp", examples=["2026-01-31T09:30:00.000Z"]),
]
UpdatedAt = Annotated[
    Timestamp,
    READ_ONLY,
    Meta(description="Last update timestamp", examples=["2026-02-03T16:05:12.480Z"]),
]
OrganizationId = Annotated[Id, Meta(description="Organization ID", examples=[1])]
Description = Annotated[
    Text, Meta(description="Description, as plain text", examples=["Renewal is due in spring."])
]
MeantFor = Annotated[
    Audience,
    Meta(
        description="For whom it is meant: guests see only what is for the client",
        examples=["client"],
    ),
]
FullName = Annotated[Name, Meta(description="Full name", examples=["Jordan Meyer"])]
USERNAME = Meta(
    description="E-mail address to sign in with; nobody else in this installation has it",
    examples=["cora@example.com"],
)
# Neither least length nor pattern: an empty one is none.
ExternalId = Annotated[str, NAME, Meta(max_length=255)]
Metadata = Annotated[
    dict[str, Any],
    Meta(
        description="Additional metadata: any object, at most 64 KiB as text and 32 levels deep; "
        "replaced whole by an update",
        examples=[{"region": "EMEA", "employees": 600}],
    ),
]


class Person(Struct, rename="camel"):
    """A user, as the records of others name them."""

    id: RecordId
    username: Annotated[str, USERNAME]
    full_name: FullName


T = TypeVar("T", bound=Struct)


def creation_of(
    record: type[Struct], *, without: tuple[str, ...] = (), **defaults: object
) -> Callable[[type[T]], type[T]]:
    """A decorator that gives a body the fields of the record that it creates, but those that are
    read-only or in `without`. Fields declared in the body itself take the place of the record's.

    A field that is left out has its default from `defaults`, else null where null is allowed, else
    an empty array. All other fields are required, and come first.
    """

    def derived(body: type[T]) -> type[T]:
        fields = [
            (field.name, field.type, *_default(field, defaults))
            for field in _writable(record, body, (*without, *defaults))
            if field.name not in without
        ]
        return _struct(body, sorted(fields, key=len))

    return derived


def update_of(
    record: type[Struct], *, without: tuple[str, ...] = (), only: tuple[str, ...] = ()
) -> Callable[[type[T]], type[T]]:
    """A decorator that gives a body the fields of the record that it changes, each of which may be
    left out (UNSET): those that are not read-only nor in `without`, or those in `only`.
    """

    def derived(body: type[T]) -> type[T]:
        fields = [
            (field.name, field.type | UnsetType, UNSET)
            for field in _writable(record, body, without + only)
            if field.name not in without and (not only or field.name in only)
        ]
        return _struct(body, fields)

    return derived


def refuse_undescribed(types: Iterable[Any]) -> None:
    """Raise ValueError for the first field of these types, or of a type inside them, that has no
    description.
    """
    seen: set[type] = set()
    for value_type in inspect.multi_type_info(dict.fromkeys(types)):
        _visit(value_type, seen)


def _visit(value_type: inspect.Type, seen: set[type]) -> None:
    match value_type:
        case inspect.Metadata(type=inner) | inspect.ListType(item_type=inner):
            _visit(inner, seen)
        case inspect.UnionType(types=parts):
            for part in parts:
                _visit(part, seen)
        case inspect.StructType(cls=struct, fields=fields) if struct not in seen:
            seen.add(struct)
            for field in fields:
                if not _is_described(field.type):
                    raise ValueError(
                        f"{struct.__name__}.{field.name} has no description: "
                        "give it Meta(description=…, examples=[…])"
                    )
                _visit(field.type, seen)


def _is_described(value_type: inspect.Type) -> bool:
    if isinstance(value_type, inspect.UnionType):
        return any(map(_is_described, value_type.types))
    words = value_type.extra_json_schema if isinstance(value_type, inspect.Metadata) else None
    return bool(words and words.get("description"))


def _writable(record: type[Struct], body: type[Struct], names: tuple[str, ...]) -> list[FieldInfo]:
    """The record's fields that are not read-only. A field that the body declares itself takes the
    place of the record's. Raises TypeError for a name that is none of them, because a misspelt name
    would have no effect.
    """
    own = {field.name: field for field in msgspec.structs.fields(body)}
    fields = {f.name: f for f in msgspec.structs.fields(record) if not is_read_only(f)}
    for name in (*own, *names):
        if name not in fields:
            raise TypeError(
                f"{body.__name__} names {name}, which is no writable field of {record.__name__}"
            )
    return list((fields | own).values())


def is_read_only(field: FieldInfo) -> bool:
    """True for a field of a record that the server sets: no body takes it."""
    return READ_ONLY in getattr(field.type, "__metadata__", ())


def _default(field: FieldInfo, defaults: dict[str, object]) -> tuple[object, ...]:
    """The default as defstruct takes it, or nothing for a field that is required."""
    plain = field.type.__origin__ if get_origin(field.type) is Annotated else field.type
    if field.name in defaults:
        return (defaults[field.name],)
    if UnsetType in get_args(plain):
        return (UNSET,)
    if NoneType in get_args(plain):
        return (None,)
    return (msgspec.field(default_factory=list),) if get_origin(plain) is list else ()


def _struct(body: type[T], fields: list[tuple[Any, ...]]) -> type[T]:
    """The body with these fields; it keeps its docstring, its check and its example."""
    own = {
        name: value
        for name, value in vars(body).items()
        if name in ("__doc__", "__post_init__", "EXAMPLE")
    }
    made: Any = msgspec.defstruct(
        body.__name__,
        fields,
        module=body.__module__,
        namespace=own,
        rename="camel",
        forbid_unknown_fields=True,
    )
    return made  # type: ignore[no-any-return]
