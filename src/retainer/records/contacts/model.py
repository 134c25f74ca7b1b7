"""Contacts, and the bodies that write them."""

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from retainer.http.fields import (
    ONE_LINE,
    CreatedAt,
    Email,
    ExternalId,
    FullName,
    Line,
    Metadata,
    RecordId,
    UpdatedAt,
    creation_of,
    update_of,
)


class ContactType(StrEnum):
    INTERNAL = "internal"
    EXTERNAL = "external"
    VENDOR = "vendor"
    CLIENT = "client"


class Contact(Struct, rename="camel"):
    """A contact as the API answers it."""

    id: RecordId
    full_name: FullName
    mention_name: Annotated[
        Line | None, Meta(description="Short name to mention them by", examples=["jordan"])
    ]
    email: Annotated[
        Email | None,
        Meta(
            description="E-mail address; no two contacts share one, whatever its case",
            examples=["jordan.meyer@acme.example.com"],
        ),
    ]
    phone: Annotated[
        Annotated[str, ONE_LINE, Meta(max_length=64)] | None,
        Meta(description="Phone number, as people write it", examples=["+41 44 555 01 23"]),
    ]
    company: Annotated[
        Line | None, Meta(description="Company they work for", examples=["Acme Corporation"])
    ]
    title: Annotated[Line | None, Meta(description="Job title", examples=["Head of Operations"])]
    department: Annotated[Line | None, Meta(description="Department", examples=["Operations"])]
    type: Annotated[ContactType, Meta(description="Whose person it is", examples=["client"])]
    is_active: Annotated[bool, Meta(description="False once they have left", examples=[True])]
    metadata: Metadata | None
    created_at: CreatedAt
    updated_at: UpdatedAt
    external_id: Annotated[
        ExternalId | None,
        Meta(
            description="What another system calls them; no two contacts share one",
            examples=["hubspot:123"],
        ),
    ]


@creation_of(Contact, is_active=True)
class ContactCreate(Struct):
    """The body of POST /contacts."""


@update_of(ContactCreate)
class ContactUpdate(Struct):
    """The body of PUT /contacts/{id}: what is absent stays as it is."""

    EXAMPLE: ClassVar = {"title": "Chief Operating Officer", "phone": None}
