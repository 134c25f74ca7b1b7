"""The declaration of documents."""

from retainer.lists.noun import Link, Menu, New, Noun, Permits, Searched, Trashed
from retainer.records.documents import store
from retainer.records.documents.model import Document

_TO_PROJECTS = Link(
    "document_projects",
    own="document_id",
    other="project_id",
    of="projects",
    plural="links to projects",
    verbs={
        "insert": ("linked a document to", "linking a document to", "at"),
        "delete": ("unlinked a document from", "unlinking a document from", "at"),
    },
)
# The first stands and falls with its document; others are kept as evidence.
_VERSIONS = Link(
    "document_versions",
    own="document_id",
    plural="versions",
    verbs={"insert": ("added a version of", "adding a version of", "at")},
    is_undone=False,
)

DOCUMENT = Noun(
    table="documents",
    alias="d",
    singular="document",
    title="name",
    answer=Document,
    list=store.LIST,
    get=store.get,
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
        organization="d.organization_id",
        texts={
            "name": "d.name",
            "description": "d.description",
            "content": """(SELECT x.text FROM document_passages x WHERE x.tenant_id = :tenant
                AND x.document_id = d.id AND x.place = best.passage)""",
        },
        words=("name", "description"),
    ),
    trash=Trashed(
        above="""(SELECT y.deleted_by FROM organizations y WHERE y.tenant_id = :tenant AND y.id = d.organization_id
            UNION ALL SELECT y.deleted_by FROM document_projects l JOIN projects y ON y.tenant_id = :tenant
                AND y.id = l.project_id
            WHERE l.tenant_id = :tenant AND l.document_id = d.id AND l.deleted_by = d.deleted_by
                AND d.organization_id IS NULL) y
            WHERE y.deleted_by = d.deleted_by""",
        below={
            "organizations": """(b.organization_id = x.id OR b.organization_id IS NULL AND EXISTS (
                SELECT FROM document_projects l JOIN projects p ON p.tenant_id = :tenant AND p.id = l.project_id
                WHERE l.tenant_id = :tenant AND l.document_id = b.id AND l.deleted_by = x.operation_id
                    AND p.organization_id = x.id))""",
            "projects": """b.organization_id IS NULL AND EXISTS (SELECT FROM document_projects l
                WHERE l.tenant_id = :tenant AND l.document_id = b.id AND l.project_id = x.id
                    AND l.deleted_by = x.operation_id)""",
        },
    ),
    menu=Menu(icon="file-text", short="Documents", keys="g d"),
    new=New(icon="file-text", words="Document", permission="documents.create"),
)
