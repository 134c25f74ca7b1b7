"""Every statement about activities. Their alias is a; @visible_activities keeps to those that the
viewer sees.
"""

from asyncpg import Record

from retainer.database.database import Db, Values
from retainer.database.statement import Create, Statement, Update, is_locked, rows_json
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
from retainer.lists.told import told
from retainer.lists.word_filter import searched
from retainer.records.activities.model import ActivityKind
from retainer.records.upsert import by_external_id

_SEEN = "a.tenant_id = :tenant AND a.deleted_by IS NULL AND @visible_activities"

FIELDS = {
    "id": Field("a.id", FieldType.INTEGER, sort="a.id", cast="bigint"),
    "organizationId": Field("a.organization_id", FieldType.INTEGER),
    "kind": Field("a.kind", FieldType.WORD, sort="a.kind", values=ActivityKind),
    "text": Field("a.text"),
    "happenedAt": Field(
        "iso(a.happened_at)", FieldType.MOMENT, "a.happened_at", "a.happened_at", "timestamptz"
    ),
    "authorId": Field("a.author_id", FieldType.INTEGER),
    "contactIds": Field("""to_json(ARRAY(SELECT l.contact_id FROM activity_contacts l
        WHERE l.tenant_id = :tenant AND l.activity_id = a.id AND l.deleted_by IS NULL
        ORDER BY l.contact_id))"""),
    "audience": Field("a.audience", FieldType.WORD, sort="a.audience", values=Audience),
    **moments("a"),
    "externalId": Field("a.external_id", FieldType.TEXT, nullable=True),
}
FIELDS = told("activities", FIELDS)
JSON = row_json(FIELDS)

# The links that a statement inserts are not in the table for that same statement to read.
_GIVEN = Field(
    "to_json(ARRAY(SELECT given FROM unnest(:contact_ids::bigint[]) given ORDER BY given))"
)
_JSON_OF_LINKED = row_json(FIELDS | {"contactIds": _GIVEN})

_CONTACT = "c.tenant_id = :tenant AND c.deleted_by IS NULL AND @visible_contacts"
_WITH_CONTACT = f"""a.id = ANY(ARRAY(SELECT l.activity_id
    FROM activity_contacts l JOIN contacts c ON c.tenant_id = l.tenant_id AND c.id = l.contact_id
    WHERE l.tenant_id = :tenant AND l.contact_id = {{}}::bigint AND l.deleted_by IS NULL
        AND {_CONTACT}))"""

LIST = ListSpec(
    "activities a",
    _SEEN,
    FIELDS
    | {
        "author": Field("""(SELECT row_to_json(b) FROM (
            SELECT u.id, u.username, u.full_name AS "fullName"
            FROM users u WHERE u.tenant_id = :tenant AND u.id = a.author_id) b)"""),
        "contacts": Field(
            rows_json(f"""
            SELECT c.id, c.full_name AS "fullName"
            FROM activity_contacts l
                JOIN contacts c ON c.tenant_id = l.tenant_id AND c.id = l.contact_id
            WHERE l.tenant_id = :tenant AND l.activity_id = a.id AND l.deleted_by IS NULL
                AND {_CONTACT}
            ORDER BY c.full_name_folded, c.id""")
        ),
    },
    order="-happenedAt",
    id="a.id",
    custom_filters=searched("activities", "a")
    | {"contactId": CustomFilter(_WITH_CONTACT, FieldType.INTEGER, "Those with this contact")},
    expand={"organization": expanded_organization("a")},
)
OF_ORGANIZATION = LIST.of_parent(
    """AND a.organization_id = :parent
        AND EXISTS (SELECT FROM organizations o WHERE o.tenant_id = :tenant AND o.id = :parent
            AND o.deleted_by IS NULL AND @visible_organizations)"""
)

READ = Statement(f"""
    SELECT a.id, a.version, {JSON}
    FROM activities a
    WHERE a.tenant_id = :tenant AND a.id = ANY(:ids::bigint[]) AND a.deleted_by IS NULL
        AND @visible_activities
""")

# An activity may refer only to records that are live and visible. They are locked FOR SHARE, or a
# concurrent request could delete them before this one commits. A contact that was linked before may
# stay although it has been deleted since, or the viewer does not see it.
_ORGANIZATION = """SELECT o.id FROM organizations o WHERE o.tenant_id = :tenant AND o.id = {}
    AND o.deleted_by IS NULL AND @visible_organizations"""
_IS_LOCKED = is_locked(_ORGANIZATION, ":organization_id")
_CONTACTS = f"SELECT c.id FROM contacts c WHERE {_CONTACT} AND c.id = ANY(:added::bigint[])"
_LOCKED = f"held AS MATERIALIZED ({_CONTACTS} FOR SHARE)"
_ARE_LOCKED = "(SELECT count(*) FROM held) = cardinality(:added::bigint[])"

_LINK = """
        INSERT INTO activity_contacts (tenant_id, activity_id, contact_id)
        SELECT :tenant, a.id, held.id FROM a, held"""

BY_EXTERNAL_ID = by_external_id("activities", "a")

CREATE = Create(
    "activities",
    "a",
    ("organization_id", "kind", "text", "audience", "external_id"),
    computed={"happened_at": "coalesce({}::timestamptz, now())", "author_id": ":user"},
    references={"organization_id": _ORGANIZATION},
    returning=f"a.id, a.version, {JSON}",
)
CREATE_WITH_CONTACTS = Statement(f"""
    WITH {_LOCKED}, a AS ({CREATE.insert} AND {_ARE_LOCKED}
        RETURNING a.*
    ), come AS ({_LINK}
    )
    SELECT a.id, a.version, {_JSON_OF_LINKED} FROM a
""")

UPDATE = Update(
    "a",
    f"""
    UPDATE activities a SET @columns FROM @acting
    WHERE a.tenant_id = :tenant AND a.id = :id AND a.deleted_by IS NULL AND @visible_activities
        AND @expected_a AND {_IS_LOCKED}
    RETURNING a.id, a.version, {JSON}
""",
)

# Locks the activity before its contacts change. After a wait for the lock, only a new statement
# sees the links that the other transaction wrote.
LOCK = Statement("""
    SELECT a.contacts_changed FROM activities a
    WHERE a.tenant_id = :tenant AND a.id = :id AND a.deleted_by IS NULL AND @visible_activities
        AND @expected_a
    FOR UPDATE
""")
LINKED = Statement("""
    SELECT l.contact_id FROM activity_contacts l
    WHERE l.tenant_id = :tenant AND l.activity_id = :id AND l.deleted_by IS NULL
""")

CHANGE = Update(
    "a",
    f"""
    WITH {_LOCKED}, a AS (
        UPDATE activities a SET @columns FROM @acting
        WHERE a.tenant_id = :tenant AND a.id = :id AND a.deleted_by IS NULL AND @visible_activities
            AND {_IS_LOCKED} AND {_ARE_LOCKED}
        RETURNING a.*
    ), gone AS (
        UPDATE activity_contacts l SET deleted_by = operation() FROM a
        WHERE l.tenant_id = :tenant AND l.activity_id = a.id AND l.deleted_by IS NULL
            AND l.contact_id <> ALL(:contact_ids)
    ), come AS ({_LINK}
    )
    SELECT a.id, a.version, {_JSON_OF_LINKED} FROM a
""",
)

DELETE = Statement("""
    WITH gone AS (
        UPDATE activities a SET deleted_by = operation() FROM @acting
        WHERE a.tenant_id = :tenant AND a.id = :id AND a.deleted_by IS NULL
        RETURNING a.id, a.deleted_by
    ), links_gone AS (
        UPDATE activity_contacts l SET deleted_by = gone.deleted_by FROM gone
        WHERE l.tenant_id = :tenant AND l.activity_id = gone.id AND l.deleted_by IS NULL
    )
    SELECT id FROM gone
""")

CONTACTS = Statement(_CONTACTS)


async def get(db: Db, id: int) -> Stored:
    """One activity. Raises NotFound."""
    return await db.get(READ, id)


async def exists(db: Db, id: int) -> bool:
    """Tell whether the viewer sees it."""
    return await db.point(READ, id) is not None


async def create(db: Db, values: Values) -> Stored | None:
    """The new activity, or None when the viewer does not see something it refers to."""
    contacts = values["contact_ids"]
    if not contacts:
        return await db.create(
            CREATE, **{name: value for name, value in values.items() if name != "contact_ids"}
        )
    return await db.stored(CREATE_WITH_CONTACTS, added=contacts, **values)


async def update(db: Db, id: int, values: Values) -> Stored | None:
    """The activity after a change of its own fields, or None when the viewer does not see it or its
    organization.
    """
    return await db.stored(UPDATE.of(values), id=id, **({"organization_id": None} | values))


async def lock(db: Db, id: int) -> Record | None:
    """Lock an activity and return its contacts_changed; None when the viewer sees none."""
    return await db.row(LOCK, id=id)


async def contact_ids(db: Db, id: int) -> list[int]:
    """The contacts of the locked activity."""
    return [row["contact_id"] for row in await db.rows(LINKED, id=id)]


async def change(
    db: Db, id: int, columns: Values, contact_ids: list[int], added: list[int]
) -> Stored | None:
    """The locked activity after a change of its columns and contacts; of `contact_ids`, `added`
    are new. None when the viewer does not see everything it would refer to.
    """
    values = {"organization_id": None} | columns
    return await db.stored(
        CHANGE.of(columns), id=id, contact_ids=contact_ids, added=added, **values
    )


async def delete(db: Db, id: int) -> bool:
    """Hide it and its links to contacts, as one operation; False when the viewer sees none."""
    async with db.transaction() as tx:
        return await tx.row(LOCK, id=id) is not None and await tx.row(DELETE, id=id) is not None


async def contacts(db: Db, ids: list[int]) -> set[int]:
    """The ids among these that are contacts the viewer sees."""
    return {row["id"] for row in await db.rows(CONTACTS, added=ids)}
