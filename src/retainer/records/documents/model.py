"""Documents with their versions, and the bodies that write them."""

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from retainer.http.fields import (
    HTTP,
    ONE_LINE,
    READ_ONLY,
    Audience,
    CreatedAt,
    Description,
    Id,
    MeantFor,
    Name,
    OrganizationId,
    Person,
    RecordId,
    UpdatedAt,
    update_of,
)

DocumentName = Annotated[
    Name, Meta(description="Name of the document", examples=["Statement of work.pdf"])
]
UploaderId = Annotated[Id, Meta(description="User who added it", examples=[2])]
# Only URLs that a page may safely link: "javascript:…" would run there as the reader.
_Link = Annotated[str, ONE_LINE, Meta(min_length=8, max_length=2000, pattern=HTTP)]
# Of a file the address of its content may come back, as it was answered.
_LinkOrContent = Annotated[
    str,
    ONE_LINE,
    Meta(min_length=8, max_length=2000, pattern=rf"{HTTP}|^/api/documents/[0-9]{{1,16}}/content$"),
]
_ProjectIds = Annotated[list[Id], Meta(max_length=100)]
_FILE = "(the bytes of the file)"
File = Annotated[str, Meta(description="The file, with its name; not empty")]
_DIGEST = "9f86d081884c7d65" * 4


class Format(StrEnum):
    """The kinds of documents that people tell apart; document_format() of the database finds them
    by media type.
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

    id: RecordId
    name: DocumentName
    description: Description | None
    type: Annotated[
        str,
        Meta(
            description='A file\'s media type, found from its bytes; "link" for a link',
            examples=["application/pdf"],
        ),
    ]
    url: Annotated[
        str,
        Meta(
            description="Where it leads: a file's content here, or the link's address",
            examples=["/api/documents/1/content"],
        ),
    ]
    uploader_id: Annotated[UploaderId, READ_ONLY]
    organization_id: OrganizationId | None
    audience: MeantFor
    size: Annotated[
        int | None,
        READ_ONLY,
        Meta(description="Size of the file in bytes; null for a link", examples=[48213]),
    ]
    sha256: Annotated[
        str | None,
        READ_ONLY,
        Meta(description="SHA-256 of the file; null for a link", examples=[_DIGEST]),
    ]
    version: Annotated[
        int, READ_ONLY, Meta(description="Number of the newest version", examples=[1])
    ]
    created_at: CreatedAt
    updated_at: UpdatedAt


class Uploader(Person):
    """The user who added a document, as lists show them."""


class DocumentProject(Struct, rename="camel"):
    """A project of a document, as lists show it."""

    id: RecordId
    title: Annotated[Name, Meta(description="Project title", examples=["Warehouse redesign"])]


class ListedDocument(Document, rename="camel"):
    """A document in a list: with its uploader, and those of its projects that the viewer sees."""

    uploader: Annotated[Uploader, Meta(description="The user who added it")]
    projects: Annotated[
        list[DocumentProject], Meta(description="Its projects, those that you may see")
    ]


class DocumentVersion(Struct, rename="camel"):
    """One version of a file, as the API answers it; size in bytes."""

    number: Annotated[
        int, Meta(description="1 for the first version, 2 for the next", examples=[1])
    ]
    size: Annotated[int, Meta(description="Size in bytes", examples=[48213])]
    sha256: Annotated[str, Meta(description="SHA-256 of the bytes", examples=[_DIGEST])]
    type: Annotated[
        str, Meta(description="Media type, found from the bytes", examples=["application/pdf"])
    ]
    uploader_id: UploaderId
    created_at: CreatedAt
    url: Annotated[
        str,
        Meta(
            description="Where the bytes are",
            examples=["/api/documents/1/versions/1/content"],
        ),
    ]


class DocumentCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The JSON body of POST /documents: a link."""

    name: Annotated[Name, Meta(description="Name of the document", examples=["Shared board"])]
    url: Annotated[
        _Link,
        Meta(
            description="Where the link leads, http or https",
            examples=["https://board.example.com/acme"],
        ),
    ]
    description: Description | None = None
    organization_id: OrganizationId | None = None
    project_ids: Annotated[
        _ProjectIds,
        Meta(
            description="Projects it belongs to, of its organization where it has one",
            examples=[[1]],
        ),
    ] = []
    audience: MeantFor = Audience.INTERNAL

    EXAMPLE: ClassVar = {
        "name": "Shared board",
        "url": "https://board.example.com/acme",
        "organizationId": 1,
    }


class DocumentForm(Struct, rename="camel", forbid_unknown_fields=True):
    """The form of POST /documents: a file. Without a name it gets the file's own."""

    file: File
    name: Annotated[
        Name | UnsetType,
        Meta(
            description="Name of the document; left out, the file's own",
            examples=["Statement of work.pdf"],
        ),
    ] = UNSET
    description: Description | None = None
    organization_id: OrganizationId | None = None
    project_ids: Annotated[
        _ProjectIds,
        Meta(description="Projects it belongs to; the part is repeated for each", examples=[[1]]),
    ] = []
    audience: MeantFor = Audience.INTERNAL

    EXAMPLE: ClassVar = {"file": _FILE, "organizationId": 1, "audience": "client"}


class VersionForm(Struct, rename="camel", forbid_unknown_fields=True):
    """The form of POST /documents/{id}/versions: a file."""

    file: File

    EXAMPLE: ClassVar = {"file": _FILE}


@update_of(DocumentCreate)
class DocumentUpdate(Struct):
    """The body of PUT /documents/{id}: what is absent stays as it is; `url` is for links only."""

    name: DocumentName
    url: Annotated[
        _LinkOrContent,
        Meta(
            description="Where the link leads; files have no address to change, only their own",
            examples=["https://board.example.com/acme"],
        ),
    ]

    EXAMPLE: ClassVar = {"name": "Statement of work, signed.pdf", "audience": "client"}
