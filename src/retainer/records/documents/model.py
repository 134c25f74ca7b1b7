"""What a document is."""

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from retainer.http.fields import HTTP, Audience, Id, Name, Text, Timestamp

# Only addresses that a page may safely link: "javascript:…" would run there as the reader.
Link = Annotated[str, Meta(min_length=8, max_length=2000, pattern=HTTP)]
ProjectIds = Annotated[list[Id], Meta(max_length=100)]


class Format(StrEnum):
    """What kind of thing a document is, to people; document_format() of the database says so of
    media types.
    """

    PDF = "pdf"
    TEXT_DOCUMENT = "text_document"
    SPREADSHEET = "spreadsheet"
    PRESENTATION = "presentation"
    IMAGE = "image"
    TEXT = "text"
    LINK = "link"
    OTHER = "other"


class Document(Struct, rename="camel"):
    """A document as the API answers it. `type` is a file's media type or "link", `version` its
    newest number.
    """

    id: Id
    name: Name
    description: Text | None
    type: str
    url: str
    uploader_id: Id
    organization_id: Id | None
    audience: Audience
    size: int | None
    sha256: str | None
    version: int
    created_at: Timestamp
    updated_at: Timestamp


class Uploader(Struct, rename="camel"):
    """The user who added a document, as lists show them."""

    id: Id
    username: str
    full_name: Name


class DocumentProject(Struct, rename="camel"):
    """A project of a document, as lists show it."""

    id: Id
    title: Name


class ListedDocument(Document, rename="camel"):
    """A document in a list: with its uploader, and those of its projects that the viewer sees."""

    uploader: Uploader
    projects: list[DocumentProject]


class DocumentVersion(Struct, rename="camel"):
    """One version of a file, as the API answers it; size in bytes."""

    number: int
    size: int
    sha256: str
    type: str
    uploader_id: Id
    created_at: Timestamp
    url: str


class DocumentCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The JSON body of POST /documents: a link."""

    name: Name
    url: Link
    description: Text | None = None
    organization_id: Id | None = None
    project_ids: ProjectIds = []
    audience: Audience = Audience.INTERNAL


class DocumentForm(Struct, rename="camel", forbid_unknown_fields=True):
    """The form of POST /documents: a file. Without a name it gets the file's own."""

    file: str
    name: Name | UnsetType = UNSET
    description: Text | None = None
    organization_id: Id | None = None
    project_ids: ProjectIds = []
    audience: Audience = Audience.INTERNAL


class VersionForm(Struct, rename="camel", forbid_unknown_fields=True):
    """The form of POST /documents/{id}/versions: a file."""

    file: str


class DocumentUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /documents/{id}: what is absent stays as it is; `url` is for links only."""

    name: Name | UnsetType = UNSET
    url: Link | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    organization_id: Id | None | UnsetType = UNSET
    project_ids: ProjectIds | UnsetType = UNSET
    audience: Audience | UnsetType = UNSET
