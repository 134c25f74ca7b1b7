"""The declaration of documents."""

from retainer.lists.noun import Link, Menu, New, Noun, Permits, Searched
from retainer.records.documents import deletion, store
from retainer.records.documents.model import Document

_TO_PROJECTS = Link(
    "document_projects",
    own_column="document_id",
    other_column="project_id",
    other_noun="projects",
    plural="links to projects",
    verbs={
        "insert": ("linked a document to", "linking a document to", "at"),
        "delete": ("unlinked a document from", "unlinking a document from", "at"),
    },
)
# The first version is undone together with its document; later ones are evidence, and are kept.
_VERSIONS = Link(
    "document_versions",
    own_column="document_id",
    plural="versions",
    verbs={"insert": ("added a version of", "adding a version of", "at")},
    is_undoable=False,
)

DOCUMENT = Noun(
    table="documents",
    alias="d",
    singular="document",
    about="Files with their versions, and links.",
    title="name",
    record_type=Document,
    list=store.LIST,
    get=store.get,
    create=store.CREATE_LINK,
    permissions=Permits(change="documents.write", delete="documents.write"),
    belongs_to="organizations",
    references={"organization_id": "organizations", "uploader_id": "users"},
    columns={"url": "link", "version": "latest"},
    links=(_VERSIONS, _TO_PROJECTS),
    page="/documents/{id}",
    has_history=True,
    has_views=True,
    search=Searched(
        name="name_folded",
        place=3,
        prefix="doc",
        icon="file-text",
        organization="d.organization_id",
        texts={
            "name": "d.name",
            "description": "d.description",
        },
        passage=store.PASSAGE,
        words=("name", "description"),
    ),
    trash=deletion.TRASHED,
    cascade=deletion.CASCADE,
    menu=Menu(icon="file-text", short="Documents", keys="g d"),
    new=New(icon="file-text", words="Document", permission="documents.create"),
)
