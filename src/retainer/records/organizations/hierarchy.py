"""Statements about the trees of organizations: their locks, and what a deletion does below."""

from retainer.database.statement import Statement

# Taken before any row lock by every change of a parent (functions/organizations.sql). Two changes
# could otherwise wait for each other, or make each of two organizations the other's parent.
LOCK = Statement("SELECT lock_hierarchy(:tenant)")
# Taken by changes of domains, which may meet each other, but no change of a parent. The trigger of
# the table takes it too; there, behind the lock of the row, the two might wait for each other.
SHARE = Statement("SELECT pg_advisory_xact_lock_shared(hierarchy_key(:tenant))")

# Locks an organization before its deletion. Where organizations stand below it, and will move up,
# the hierarchy is locked first: a join comes before the lock of its rows.
LOCK_FAMILY = Statement("""
    SELECT o.id, o.parent_id, family.has_children
    FROM (
        SELECT count(lock_hierarchy(:tenant)) > 0 AS has_children
        FROM (SELECT WHERE EXISTS (SELECT FROM organizations c
            WHERE c.tenant_id = :tenant AND c.parent_id = :id AND c.deleted_by IS NULL)) child
    ) family, organizations o
    WHERE o.tenant_id = :tenant AND o.id = :id AND o.deleted_by IS NULL AND @visible_organizations
        AND @expected_o
    FOR UPDATE OF o
""")

# Those that stand below an organization, and some of them moved up to its own parent.
CHILDREN = Statement("""
    SELECT c.id FROM organizations c
    WHERE c.tenant_id = :tenant AND c.parent_id = :id AND c.deleted_by IS NULL ORDER BY c.id
""")
MOVE_UP = Statement("""
    UPDATE organizations c SET parent_id = :parent FROM @acting
    WHERE c.tenant_id = :tenant AND c.id = ANY(:ids::bigint[]) AND c.parent_id = :id
        AND c.deleted_by IS NULL
""")

# Before an organization without a parent is deleted: those below it will stand in hierarchies of
# their own. Of a domain that several of these have, the one that has the first organization by id
# keeps it, and the others lose it.
PART_DOMAINS = Statement("""
    WITH RECURSIVE below (id, child) AS (
        SELECT c.id, c.id FROM organizations top
            JOIN organizations c ON c.tenant_id = top.tenant_id AND c.parent_id = top.id
        WHERE top.tenant_id = :tenant AND top.id = :id AND top.parent_id IS NULL
            AND c.deleted_by IS NULL
        UNION
        SELECT c.id, below.child FROM below
            JOIN organizations c ON c.tenant_id = :tenant AND c.parent_id = below.id
        WHERE c.deleted_by IS NULL
    ), held AS (
        SELECT d.domain, o.id AS organization_id, below.child
        FROM below JOIN organizations o ON o.tenant_id = :tenant AND o.id = below.id,
            unnest(o.domains) d (domain)
    ), keeping AS (
        SELECT DISTINCT ON (held.domain) held.domain, held.child FROM held
        ORDER BY held.domain, held.organization_id
    ), losing AS (
        SELECT held.organization_id, array_agg(held.domain ORDER BY held.domain) AS domains
        FROM held JOIN keeping ON keeping.domain = held.domain AND keeping.child <> held.child
        GROUP BY 1
    )
    UPDATE organizations o SET domains = ARRAY(
        SELECT d.domain FROM unnest(o.domains) WITH ORDINALITY d (domain, place)
        WHERE d.domain <> ALL (losing.domains) ORDER BY d.place)
    FROM losing, @acting
    WHERE o.tenant_id = :tenant AND o.id = losing.organization_id
    RETURNING o.id
""")
