"""The titles of records, by which pages name them."""

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.nouns import NOUNS
from retainer.permissions import VISIBLE

# The titles of records that the viewer may see, deleted or not. Users appear on records: who sees
# such a record is told their names, but for guests.
_TITLES = " ".join(
    f"""WHEN '{noun.table}' THEN (SELECT {noun.alias}.{noun.title} FROM {noun.table} {noun.alias}
        WHERE {noun.alias}.tenant_id = :tenant AND {noun.alias}.id = named.id
            AND (@visible_{noun.table}))"""
    for noun in NOUNS.values()
    if noun.title and noun.table in VISIBLE and noun.table != "users"
)
TITLES = Statement(f"""
    SELECT named.noun, named.id, CASE named.noun {_TITLES}
        WHEN 'users' THEN (SELECT u.full_name FROM users u
            WHERE u.tenant_id = :tenant AND u.id = named.id AND :viewer_role::text <> 'guest')
        WHEN 'links' THEN (SELECT u.full_name
            FROM links l JOIN users u ON u.tenant_id = :tenant AND u.id = l.user_id
            WHERE l.tenant_id = :tenant AND l.id = named.id AND :viewer_role::text = 'admin')
        END AS title
    FROM unnest(:nouns::text[], :ids::bigint[]) named (noun, id)
""")


async def titles_of(db: Db, records: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The titles of records, by (noun, id)."""
    if not records:
        return {}
    nouns, ids = zip(*sorted(records), strict=True)
    rows = await db.rows(TITLES, nouns=list(nouns), ids=list(ids))
    return {(row["noun"], row["id"]): row["title"] for row in rows if row["title"]}
