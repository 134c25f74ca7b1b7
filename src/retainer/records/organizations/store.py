"""Every statement about organizations, but for their copies (duplicate.py). Their alias is o;
@visible_organizations keeps to those that the viewer sees.
"""

from retainer.database.database import Db, Values
from retainer.database.statement import Create, Statement, Update, is_locked
from retainer.database.stored import Stored
from retainer.lists.spec import (
    ABSENT,
    CustomFilter,
    Field,
    FieldType,
    ListSpec,
    moments,
    row_json,
)
from retainer.lists.told import told
from retainer.lists.word_filter import searched
from retainer.records import people
from retainer.records.organizations import hierarchy
from retainer.records.organizations.model import (
    OrganizationStatus,
    OrganizationType,
    normalized_domain,
)
from retainer.records.upsert import by_external_id

# Under a country's two letters these words stand for kinds of owners, so that co.uk is nobody's.
# Where a country sells one of them as a name, its owner types the domain instead.
_KINDS = "ac|co|com|edu|go|gob|gouv|gov|govt|ltd|me|mil|ne|net|nhs|nom|or|org|plc|sch"
_SUGGESTED = f"""o.website_host <> ALL (o.domains)
    AND (length(o.website_host) > 7 OR o.website_host !~ '^({_KINDS})[.][a-z][a-z]$')"""

_SEEN = "o.tenant_id = :tenant AND o.deleted_by IS NULL AND @visible_organizations"

FIELDS = {
    "id": Field("o.id", FieldType.INTEGER, sort="o.id", cast="bigint"),
    "name": Field(
        "o.name",
        FieldType.FOLDED,
        "o.name_folded",
        sort="o.name_folded",
        contains="organizations_named",
    ),
    "type": Field("o.type", FieldType.WORD, sort="o.type", values=OrganizationType),
    "status": Field("o.status", FieldType.WORD, sort="o.status", values=OrganizationStatus),
    "industry": Field(
        "o.industry",
        FieldType.FOLDED,
        "o.industry_key",
        sort="o.industry_key",
        nullable=True,
        absent=ABSENT,
    ),
    "website": Field("o.website"),
    "description": Field("o.description"),
    "metadata": Field("o.metadata", FieldType.JSON, prefilter="organizations_with_metadata"),
    **moments("o"),
    "externalId": Field("o.external_id", FieldType.TEXT, nullable=True),
    "domains": Field("o.domains"),
    "parentId": Field("o.parent_id", FieldType.INTEGER, nullable=True),
    "ownerId": Field("o.owner_id", FieldType.INTEGER, nullable=True),
    "tags": Field("o.tags", FieldType.TAGS, "o.tags_folded", prefilter="organizations_tagged"),
    "suggestedDomain": Field(f"CASE WHEN {_SUGGESTED} THEN o.website_host END"),
}
FIELDS = told("organizations", FIELDS)
JSON = row_json(FIELDS)
# The words of an organization without those that guests are not told.
HEARD = "words_of(o.name, o.industry, site(o.website), spaced(o.domains))"

LIST = ListSpec(
    "organizations o",
    _SEEN,
    FIELDS,
    order="name",
    id="o.id",
    custom_filters=searched("organizations", "o", HEARD)
    | {
        "hasProjects": CustomFilter(
            """EXISTS (SELECT FROM projects p
                WHERE p.tenant_id = :tenant AND p.organization_id = o.id
                    AND p.deleted_by IS NULL AND @visible_projects)""",
            FieldType.BOOLEAN,
            "Those that have a project, or none",
        ),
        "domain": CustomFilter(
            """o.id = ANY(ARRAY(SELECT d.organization_id FROM organization_domains d
                WHERE d.tenant_id = :tenant AND d.domain = {}::text))""",
            FieldType.TEXT,
            "Those that have this among their domains",
            normalize=lambda typed: normalized_domain(typed) or typed,
        ),
        "within": CustomFilter(
            # Only below an organization that the viewer sees: another's would show that it exists.
            # To viewers who are not told of parents it is alone.
            """CASE WHEN @told_organizations_parentId THEN
                o.id = ANY(ARRAY(SELECT organization_subtree(:tenant, (
                    SELECT o.id FROM organizations o
                    WHERE o.tenant_id = :tenant AND o.id = {0}::bigint
                        AND @visible_organizations))))
                ELSE o.id = {0}::bigint END""",
            FieldType.INTEGER,
            "This organization and all below it",
        ),
    },
    expand={
        "parent": """(SELECT row_to_json(q) FROM (SELECT o.id, o.name, o.type, o.status
            FROM (SELECT o.parent_id AS id) above
                JOIN organizations o ON o.tenant_id = :tenant AND o.id = above.id
            WHERE o.deleted_by IS NULL AND @visible_organizations
                AND @told_organizations_parentId) q)""",
        "owner": """(SELECT row_to_json(q) FROM (
            SELECT u.id, u.username, u.full_name AS "fullName"
            FROM users u
            WHERE u.tenant_id = :tenant AND u.id = o.owner_id AND @told_organizations_ownerId
            ) q)""",
        "work": """(SELECT row_to_json(q) FROM (SELECT
            (SELECT count(*) FROM projects p
                WHERE p.tenant_id = :tenant AND p.organization_id = o.id
                    AND p.deleted_by IS NULL AND @visible_projects) AS projects,
            (SELECT count(*) FROM tasks t
                WHERE t.tenant_id = :tenant AND t.organization_id = o.id
                    AND t.deleted_by IS NULL AND t.status <> 'completed' AND @visible_tasks)
            + (SELECT count(*)
                FROM projects p JOIN tasks t ON t.tenant_id = p.tenant_id AND t.project_id = p.id
                WHERE p.tenant_id = :tenant AND p.organization_id = o.id AND p.deleted_by IS NULL
                    AND t.organization_id IS DISTINCT FROM o.id AND t.deleted_by IS NULL
                    AND t.status <> 'completed' AND @visible_tasks) AS "openTasks") q)""",
        "counts": """(SELECT row_to_json(q) FROM (SELECT
            (SELECT count(*) FROM members m
                WHERE m.tenant_id = :tenant AND m.organization_id = o.id
                    AND m.deleted_by IS NULL) AS members,
            (SELECT count(*) FROM documents d
                WHERE d.tenant_id = :tenant AND d.deleted_by IS NULL
                    AND (d.organization_id = o.id OR d.id = ANY(ARRAY(
                        SELECT l.document_id
                        FROM document_projects l
                            JOIN projects p ON p.tenant_id = l.tenant_id AND p.id = l.project_id
                        WHERE l.tenant_id = :tenant AND l.deleted_by IS NULL
                            AND p.organization_id = o.id AND p.deleted_by IS NULL)))
                    AND @visible_documents) AS documents) q)""",
    },
)

CHOSEN = LIST.of_parent("AND o.id = ANY(:chosen::bigint[])")

READ = Statement(f"""
    SELECT o.id, o.version, {JSON}
    FROM organizations o
    WHERE o.tenant_id = :tenant AND o.id = ANY(:ids::bigint[]) AND o.deleted_by IS NULL
        AND @visible_organizations
""")

# An organization as its page shows it.
_SHOWN = FIELDS | {name: LIST.expand[name] for name in ("owner", "parent", "work", "counts")}
SHOWN = Statement(
    f"SELECT o.id, o.version, {row_json(_SHOWN)} FROM organizations o WHERE {_SEEN} AND o.id = :id"
)

# An organization may refer only to a visible organization and to people whom the viewer may name.
# They are locked FOR SHARE, or a concurrent request could change that before this one commits.
REFERENCES = {
    "parent_id": """SELECT o.id FROM organizations o WHERE o.tenant_id = :tenant AND o.id = {}
        AND o.deleted_by IS NULL AND @visible_organizations""",
    "owner_id": people.NAMEABLE,
}


COLUMNS = (
    "name",
    "type",
    "status",
    "industry",
    "website",
    "description",
    "metadata",
    "external_id",
    "domains",
    "parent_id",
    "owner_id",
    "tags",
)

CREATE = Create(
    "organizations",
    "o",
    COLUMNS,
    references=REFERENCES,
    returning=f"o.id, o.version, {JSON}",
)


def _is_locked(column: str) -> str:
    # An unchanged owner need not be active, or an organization whose owner left could not be saved.
    return is_locked(REFERENCES[column], f":{column}", unless=f":{column} = o.{column}")


def _update(references: list[str]) -> Update:
    held = "".join(f" AND {_is_locked(column)}" for column in references)
    return Update(
        "o",
        f"""
        UPDATE organizations o SET @columns FROM @acting
        WHERE o.tenant_id = :tenant AND o.id = :id AND o.deleted_by IS NULL
            AND @visible_organizations AND @expected_o{held}
        RETURNING o.id, o.version, {JSON}
    """,
    )


# One statement for each set of references that may be sent, so that only those sent are looked up.
UPDATES = {
    (parent, owner): _update(
        [c for c, given in zip(REFERENCES, (parent, owner), strict=True) if given]
    )
    for parent in (False, True)
    for owner in (False, True)
}

FIND = {column: Statement(query.format(f":{column}")) for column, query in REFERENCES.items()}

# Tags to propose: those of the organizations that were changed last, of a large tenant not of all.
TAGS = Statement("""
    SELECT mode() WITHIN GROUP (ORDER BY t.tag) AS tag
    FROM (SELECT o.tags, o.tags_folded
          FROM organizations o
          WHERE o.tenant_id = :tenant AND o.deleted_by IS NULL AND o.tags_folded <> '{}'
              AND @visible_organizations AND @told_organizations_tags
          ORDER BY o.updated_at DESC, o.id DESC LIMIT 5000) latest
        CROSS JOIN unnest(latest.tags, latest.tags_folded) t (tag, folded)
    WHERE position(fold(:typed) IN t.folded) > 0
    GROUP BY t.folded
    ORDER BY position(fold(:typed) IN t.folded), count(*) DESC, t.folded LIMIT :most
""")

# The keys by which another system knows an organization.
BY_KEY = by_external_id("organizations", "o") | {
    "domain": Statement("""
        SELECT o.id
        FROM organization_domains d
            JOIN organizations o ON o.tenant_id = d.tenant_id AND o.id = d.organization_id
        WHERE d.tenant_id = :tenant AND d.domain = :value AND o.deleted_by IS NULL
            AND @visible_organizations
        ORDER BY organization_level(:tenant, o.id), o.id LIMIT 1
    """),
}
# Locks an organization before anything is decided from what it has now: the rows to delete with it,
# or the free name of a copy.
LOCK = Statement("""
    SELECT o.id FROM organizations o
    WHERE o.tenant_id = :tenant AND o.id = :id AND o.deleted_by IS NULL AND @visible_organizations
        AND @expected_o
    FOR UPDATE
""")

# records/deletion.py adds the rows that are deleted with it.
GONE = """gone AS (
        UPDATE organizations o SET deleted_by = operation() FROM @acting
        WHERE o.tenant_id = :tenant AND o.id = :id AND o.deleted_by IS NULL
        RETURNING o.id, o.deleted_by
    )"""


async def exists(db: Db, id: int) -> bool:
    """Tell whether the viewer sees it."""
    return await db.point(READ, id) is not None


async def get(db: Db, id: int) -> Stored:
    """One organization. Raises NotFound."""
    return await db.get(READ, id)


async def read_shown(db: Db, id: int) -> Stored | None:
    """One organization with its owner, parent and counts; None when the viewer sees none."""
    return await db.stored(SHOWN, id=id)


async def tags(db: Db, typed: str, most: int) -> list[str]:
    """Tags of organizations that the viewer sees, which have what was typed in them."""
    return [row["tag"] for row in await db.rows(TAGS, typed=typed, most=most)]


async def create(db: Db, values: Values) -> Stored | None:
    """The new organization, or None when the viewer does not see something it refers to."""
    return await db.create(CREATE, **values)


async def update(db: Db, id: int, values: Values) -> Stored | None:
    """The organization after the change, or None when the viewer does not see it or something it
    refers to.
    """
    statement = UPDATES["parent_id" in values, "owner_id" in values].of(values)
    lock = None
    if "parent_id" in values:
        lock = hierarchy.LOCK
    elif values.get("domains") and db.connection is None:
        lock = hierarchy.SHARE
    if lock is None:
        return await db.stored(statement, id=id, **values)
    async with db.transaction() as tx:
        await tx.row(lock)
        return await tx.stored(statement, id=id, **values)


async def missing(db: Db, values: Values) -> list[str]:
    """The columns that refer to something the viewer does not see."""
    given = [column for column in REFERENCES if values.get(column) is not None]
    return [c for c in given if await db.row(FIND[c], **{c: values[c]}) is None]
