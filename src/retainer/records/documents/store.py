"""Every statement about documents, but for uploads in progress (pending_uploads.py) and for
deletions together with other records (deletion.py). The alias of documents is d, and v is the
version in an answer, the newest; @visible_documents keeps to those that the viewer sees, and
@visible_versions to the versions that they would have seen while these were the newest.
"""

from asyncpg import Record

from retainer.database.database import Db, Values
from retainer.database.statement import Statement, Update, rows_json
from retainer.database.stored import Stored
from retainer.http.fields import Audience
from retainer.lists.spec import (
    CustomFilter,
    Field,
    FieldType,
    ListSpec,
    expanded_organization,
    moments,
    row_json,
)
from retainer.lists.word_filter import searched
from retainer.permissions import VISIBLE, VISIBLE_VERSIONS
from retainer.records.documents.pending_uploads import REMOVE

_SEEN = "d.tenant_id = :tenant AND d.deleted_by IS NULL AND @visible_documents"

FIELDS = {
    "id": Field("d.id", FieldType.INTEGER, sort="d.id", cast="bigint"),
    "name": Field(
        "d.name",
        FieldType.FOLDED,
        "d.name_folded",
        sort="d.name_folded",
        contains="documents_named",
    ),
    "description": Field("d.description"),
    "type": Field("coalesce(v.media_type, 'link')"),
    "url": Field("coalesce(d.link, '/api/documents/' || d.id || '/content')"),
    "uploaderId": Field("d.uploader_id", FieldType.INTEGER),
    "organizationId": Field("d.organization_id", FieldType.INTEGER, nullable=True),
    "audience": Field("d.audience", FieldType.WORD, sort="d.audience", values=Audience),
    "size": Field("v.size"),
    "sha256": Field("v.sha256"),
    "version": Field("d.latest"),
    **moments("d"),
}
_NEWEST = (
    "document_versions v ON v.tenant_id = :tenant AND v.document_id = d.id AND v.number = d.latest"
)

JSON = row_json(FIELDS, f"FROM (SELECT) one LEFT JOIN {_NEWEST}")

# The version that a statement inserts is not in the table for that same statement to read.
_JSON_OF_NEW = row_json(FIELDS)

_OF_PROJECT = """d.id = ANY(ARRAY(SELECT l.document_id
    FROM document_projects l JOIN projects p ON p.tenant_id = l.tenant_id AND p.id = l.project_id
    WHERE l.tenant_id = :tenant AND l.project_id = {}::bigint AND l.deleted_by IS NULL
        AND p.deleted_by IS NULL AND @visible_projects))"""
_OF_FORMAT = "documents_few_of_format(:tenant, {}::text, {most})"

LIST = ListSpec(
    f"documents d LEFT JOIN {_NEWEST}",
    _SEEN,
    FIELDS
    | {
        "uploader": Field("""(SELECT row_to_json(b) FROM (
            SELECT u.id, u.username, u.full_name AS "fullName"
            FROM users u WHERE u.tenant_id = :tenant AND u.id = d.uploader_id) b)"""),
        "projects": Field(
            rows_json("""
            SELECT p.id, p.title
            FROM document_projects l
                JOIN projects p ON p.tenant_id = l.tenant_id AND p.id = l.project_id
            WHERE l.tenant_id = :tenant AND l.document_id = d.id AND l.deleted_by IS NULL
                AND p.deleted_by IS NULL AND @visible_projects
            ORDER BY p.title_folded, p.id""")
        ),
    },
    order="name",
    id="d.id",
    custom_filters=searched("documents", "d")
    | {
        "projectId": CustomFilter(_OF_PROJECT, FieldType.INTEGER, "Those linked to this project"),
        "format": CustomFilter(
            "document_format(v.media_type) = {}::text",
            FieldType.TEXT,
            "Those of this kind",
            _OF_FORMAT,
        ),
    },
    expand={"organization": expanded_organization("d")},
)
OF_ORGANIZATION = LIST.of_parent(
    """AND (d.organization_id = :parent OR d.id = ANY(ARRAY(
            SELECT l.document_id
            FROM projects p
                JOIN document_projects l ON l.tenant_id = p.tenant_id AND l.project_id = p.id
            WHERE p.tenant_id = :tenant AND p.organization_id = :parent AND p.deleted_by IS NULL
                AND l.deleted_by IS NULL AND @visible_projects)))
            AND EXISTS (SELECT FROM organizations o WHERE o.tenant_id = :tenant AND o.id = :parent
                AND o.deleted_by IS NULL AND @visible_organizations)"""
)

READ = Statement(f"""
    SELECT d.id, d.version, {JSON} FROM documents d
    WHERE d.tenant_id = :tenant AND d.id = ANY(:ids::bigint[]) AND d.deleted_by IS NULL
        AND @visible_documents
""")

_VISIBLE = {**VISIBLE, "versions": VISIBLE_VERSIONS}
VERSIONS = ListSpec(
    "documents d JOIN document_versions v ON v.tenant_id = d.tenant_id AND v.document_id = d.id",
    f"d.id = :parent AND {_SEEN} AND @visible_versions",
    {
        "number": Field("v.number", FieldType.INTEGER, sort="v.number", cast="int"),
        "size": Field("v.size", FieldType.INTEGER),
        "sha256": Field("v.sha256", FieldType.TEXT),
        "type": Field("v.media_type", FieldType.TEXT),
        "uploaderId": Field("v.uploader_id", FieldType.INTEGER),
        "createdAt": Field("iso(v.created_at)", FieldType.MOMENT, "v.created_at"),
        "url": Field(
            "'/api/documents/' || v.document_id || '/versions/' || v.number || '/content'"
        ),
    },
    order="number",
    id="v.id",
    visible=_VISIBLE,
)

FILE = Statement(
    """
    SELECT d.name, d.link, v.storage_key, v.size, v.sha256, v.media_type
    FROM documents d
    LEFT JOIN document_versions v ON v.tenant_id = d.tenant_id AND v.document_id = d.id
        AND v.number = coalesce(:number::bigint, d.latest) AND @visible_versions
    WHERE d.tenant_id = :tenant AND d.id = :id AND d.deleted_by IS NULL AND @visible_documents
""",
    visible=_VISIBLE,
)

# A document may refer only to records that are live and visible. They are locked FOR SHARE, or a
# concurrent request could delete them before this one commits. A project is locked together with
# its organization, whose deletion deletes the projects too. The organization is locked first, as
# its deletion does, or the two requests could wait for each other.
_LOCKED = """held AS MATERIALIZED (
        SELECT p.id
        FROM organizations o
            JOIN projects p ON p.tenant_id = o.tenant_id AND p.organization_id = o.id
        WHERE o.tenant_id = :tenant AND o.deleted_by IS NULL AND p.id = ANY(:project_ids::bigint[])
            AND p.deleted_by IS NULL AND @visible_projects
            AND (:organization_id::bigint IS NULL OR o.id = :organization_id)
        FOR SHARE OF o, p
    )"""
_IS_LOCKED = """(:organization_id::bigint IS NULL OR :organization_id = (
            SELECT o.id FROM organizations o WHERE o.tenant_id = :tenant AND o.id = :organization_id
                AND o.deleted_by IS NULL AND @visible_organizations FOR SHARE))
        AND (SELECT count(*) FROM held) = cardinality(:project_ids::bigint[])"""

_INSERT = f"""
        INSERT INTO documents AS made
            (tenant_id, name, description, organization_id, uploader_id, audience, link)
        SELECT :tenant, :name, :description, :organization_id, :user, :audience, %s
        FROM @acting%s
        WHERE {_IS_LOCKED}
        RETURNING made.*"""
_INSERT_LINKS = """
        INSERT INTO document_projects (tenant_id, document_id, project_id)
        SELECT :tenant, d.id, held.id FROM d, held"""
_INSERT_VERSION = """
        INSERT INTO document_versions AS made
            (tenant_id, document_id, number, storage_key, size, sha256, media_type, uploader_id)
        SELECT :tenant, d.id, d.latest, :storage_key, :size, :digest, :media_type, :user FROM d
        RETURNING made.*"""

CREATE_LINK = Statement(f"""
    WITH {_LOCKED}, d AS ({_INSERT % (":url", "")}
    ), links AS ({_INSERT_LINKS}
    )
    SELECT d.id, d.version, {_JSON_OF_NEW} FROM d LEFT JOIN document_versions v ON false
""")

# Inserts only while the pending row exists, which guarantees that the bytes are still stored.
CREATE_FILE = Statement(f"""
    WITH pending AS ({REMOVE}), {_LOCKED}, d AS ({_INSERT % ("NULL", ", pending")}
    ), v AS ({_INSERT_VERSION}
    ), links AS ({_INSERT_LINKS}
    )
    SELECT d.id, d.version, {_JSON_OF_NEW} FROM d, v
""")

ADD_VERSION = Statement(f"""
    WITH pending AS ({REMOVE}), d AS (
        UPDATE documents d SET latest = d.latest + 1 FROM @acting, pending
        WHERE d.tenant_id = :tenant AND d.id = :id AND d.deleted_by IS NULL AND d.link IS NULL
            AND @visible_documents
        RETURNING d.*
    ), v AS ({_INSERT_VERSION}
    )
    SELECT d.id, d.version, {_JSON_OF_NEW} FROM d, v
""")

UPDATE = Update(
    "d",
    f"""
    UPDATE documents d SET @columns FROM @acting
    WHERE d.tenant_id = :tenant AND d.id = :id AND d.deleted_by IS NULL AND @visible_documents
        AND @expected_d
    RETURNING d.id, d.version, {JSON}
""",
)

# Locks the document before its references change. After a wait for the lock, only a new statement
# sees the links that the other transaction wrote.
LOCK = Statement("""
    SELECT d.organization_id, d.link, d.projects_changed FROM documents d
    WHERE d.tenant_id = :tenant AND d.id = :id AND d.deleted_by IS NULL AND @visible_documents
        AND @expected_d
    FOR UPDATE
""")
LINKS = Statement("""
    SELECT l.project_id FROM document_projects l
    WHERE l.tenant_id = :tenant AND l.document_id = :id AND l.deleted_by IS NULL
""")

CHANGE = Update(
    "d",
    f"""
    WITH {_LOCKED}, d AS (
        UPDATE documents d SET @columns FROM @acting
        WHERE d.tenant_id = :tenant AND d.id = :id AND d.deleted_by IS NULL AND @visible_documents
            AND {_IS_LOCKED}
        RETURNING d.*
    ), gone AS (
        UPDATE document_projects l SET deleted_by = operation() FROM d
        WHERE l.tenant_id = :tenant AND l.document_id = d.id AND l.deleted_by IS NULL
            AND l.project_id <> ALL(:project_ids)
    ), come AS (
        INSERT INTO document_projects (tenant_id, document_id, project_id)
        SELECT :tenant, d.id, held.id FROM d, held
        WHERE NOT EXISTS (SELECT FROM document_projects l
            WHERE l.tenant_id = :tenant AND l.document_id = d.id
                AND l.project_id = held.id AND l.deleted_by IS NULL)
    )
    SELECT d.id, d.version, {JSON} FROM d
""",
)

DELETE = Statement("""
    WITH gone AS (
        UPDATE documents d SET deleted_by = operation() FROM @acting
        WHERE d.tenant_id = :tenant AND d.id = :id AND d.deleted_by IS NULL
        RETURNING d.id, d.deleted_by
    ), links_gone AS (
        UPDATE document_projects l SET deleted_by = gone.deleted_by FROM gone
        WHERE l.tenant_id = :tenant AND l.document_id = gone.id AND l.deleted_by IS NULL
    )
    SELECT id FROM gone
""")

PROJECTS = Statement("""
    SELECT p.id, p.organization_id FROM projects p
    WHERE p.tenant_id = :tenant AND p.id = ANY(:project_ids::bigint[]) AND p.deleted_by IS NULL
        AND @visible_projects
""")

# The passage of a document's text in which search found the words.
PASSAGE = """(SELECT x.text FROM document_passages x WHERE x.tenant_id = :tenant
                AND x.document_id = d.id AND x.place = best.passage)"""


async def get(db: Db, id: int) -> Stored:
    """One document. Raises NotFound."""
    return await db.get(READ, id)


async def exists(db: Db, id: int) -> bool:
    """Tell whether the viewer sees it."""
    return await db.point(READ, id) is not None


async def version_exists(db: Db, id: int, number: int) -> bool:
    """Tell whether the viewer sees the document and it has this version, or is a link."""
    row = await db.row(FILE, id=id, number=number)
    return row is not None and (row["link"] or row["storage_key"]) is not None


async def file(db: Db, id: int, number: int | None) -> Record | None:
    """The name and link of a document, and storage_key, size, sha256 and media_type of one version
    (None: the newest), null where there is no such version.
    """
    return await db.row(FILE, id=id, number=number)


async def create(db: Db, values: Values) -> Stored | None:
    """The new link or file, or None when the viewer does not see something it refers to."""
    if "storage_key" in values:
        return await db.stored(CREATE_FILE, **values)
    return await db.stored(CREATE_LINK, **values)


async def add_version(db: Db, id: int, values: Values) -> Stored | None:
    """The document with its new version, or None when the viewer sees no such file."""
    return await db.stored(ADD_VERSION, id=id, **values)


async def update(db: Db, id: int, values: Values) -> Stored | None:
    """The document after a change of its own fields, or None when the viewer sees none."""
    return await db.stored(UPDATE.of(values), id=id, **values)


async def lock(db: Db, id: int) -> Record | None:
    """Lock a document and return its organization_id, link and projects_changed; None when the
    viewer sees none.
    """
    return await db.row(LOCK, id=id)


async def project_ids(db: Db, id: int) -> list[int]:
    """The projects of the locked document."""
    return [row["project_id"] for row in await db.rows(LINKS, id=id)]


async def change(db: Db, id: int, columns: Values, project_ids: list[int]) -> Stored | None:
    """The locked document after a change of its columns, organization_id among them, and of its
    projects; None when the viewer does not see everything it would refer to.
    """
    return await db.stored(CHANGE.of(columns), id=id, project_ids=project_ids, **columns)


async def delete(db: Db, id: int) -> bool:
    """Hide it and its links to projects, as one operation; False when the viewer sees none."""
    async with db.transaction() as tx:
        return await tx.row(LOCK, id=id) is not None and await tx.row(DELETE, id=id) is not None


async def projects(db: Db, ids: list[int]) -> dict[int, int]:
    """The organization of each of these projects that the viewer sees, by the project's id."""
    return {row["id"]: row["organization_id"] for row in await db.rows(PROJECTS, project_ids=ids)}
