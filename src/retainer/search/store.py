"""The statement of search. What the words lead to comes from functions of the database
(functions/search.sql), which know nothing of who asks; every row they name is read again
here, through the viewer.
"""

from asyncpg import Record

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.search.model import Kind

CANDIDATES = 100  # rows of each kind that are ranked

_VISIBLE_IDS = """ARRAY(SELECT {a}.id FROM {noun} {a}
            WHERE {a}.tenant_id = :tenant AND {a}.deleted_by IS NULL AND @visible_{noun})"""

# Row by row from the functions' ids: a join would be planned as a scan of the whole table when that
# is small.
_FOUND = """
        SELECT '{kind}' AS kind, {a}.id, {a}.folded, f.place, NULL::int AS passage
        FROM asked, {noun}_found(:tenant, asked.all, {within}, {most}) f, LATERAL (
            SELECT {a}.id, {folded} AS folded FROM {noun} {a}
            WHERE {a}.tenant_id = :tenant AND {a}.id = f.hit AND {a}.deleted_by IS NULL AND @visible_{noun}
            OFFSET 0) {a}
        WHERE '{kind}' = ANY(:kinds::text[])"""
_NOUNS = {
    Kind.ORGANIZATION: ("organizations", "o.name_folded"),
    Kind.CONTACT: ("contacts", "c.full_name_folded"),
    Kind.PROJECT: ("projects", "p.title_folded"),
    Kind.DOCUMENT: ("documents", "d.name_folded"),
    Kind.TASK: ("tasks", "t.title_folded"),
    Kind.ACTIVITY: ("activities", "a.title_folded"),
}

# Only the text of the newest version counts, and only while that is the one that was read.
_PASSAGES = """
        SELECT 'document', d.id, d.folded, 0, f.place
        FROM asked, passages_found(:tenant, asked.all, {within}, {most}) f, LATERAL (
            SELECT d.id, d.name_folded AS folded
            FROM documents d JOIN document_texts x
                ON x.tenant_id = d.tenant_id AND x.document_id = d.id AND x.number = d.latest
            WHERE d.tenant_id = :tenant AND d.id = f.hit AND d.deleted_by IS NULL AND @visible_documents OFFSET 0) d
        WHERE 'document' = ANY(:kinds::text[])"""

# A name that is what was typed, one that begins so, the words in a name, a name that only resembles
# them, the words in another text, the words in a file. Within each a short name comes first.
_SCORE = """CASE WHEN folded = phrase THEN 100
            WHEN starts_with(folded, phrase || ' ') THEN 84
            WHEN starts_with(folded, phrase) THEN 80
            WHEN place > 1 AND strpos(' ' || folded, ' ' || phrase) > 0 THEN 65
            WHEN place > 1 AND folded LIKE ALL (patterns) THEN 60
            WHEN place > 1 THEN 50 - 15.0 * levenshtein(left(folded, 60), left(phrase, 60))
                / greatest(length(left(folded, 60)), length(left(phrase, 60)))
            WHEN place = 1 THEN 20 ELSE 15 END
        - least(length(folded), 100) / 50.0 - array_position(:kinds_in_order::text[], kind) / 10.0"""

# An organization that the viewer does not see is not named either.
_ORGANIZATION = """LEFT JOIN LATERAL (SELECT o.id, o.name FROM organizations o
            WHERE o.tenant_id = :tenant AND o.id = {} AND o.deleted_by IS NULL AND @visible_organizations) o ON true"""
_OF_TASK = """coalesce(t.organization_id, (SELECT p.organization_id FROM projects p
            WHERE p.tenant_id = :tenant AND p.id = t.project_id))"""
_SHOWN = f"""
        SELECT o.name AS title, o.industry AS subtitle, o.id AS organization_id, json_build_object('name', o.name,
            'industry', o.industry, 'website', o.website, 'description', o.description, 'externalId', o.external_id,
            'domains', array_to_string(o.domains, ' '), 'tags', array_to_string(o.tags, ' ')) AS texts
        FROM organizations o WHERE best.kind = 'organization' AND o.tenant_id = :tenant AND o.id = best.id
        UNION ALL
        SELECT c.full_name, c.email, NULL, json_build_object('fullName', c.full_name, 'email', c.email,
            'company', c.company, 'title', c.title, 'department', c.department, 'mentionName', c.mention_name)
        FROM contacts c WHERE best.kind = 'contact' AND c.tenant_id = :tenant AND c.id = best.id
        UNION ALL
        SELECT p.title, o.name, o.id, json_build_object('title', p.title, 'description', p.description)
        FROM projects p {_ORGANIZATION.format("p.organization_id")}
        WHERE best.kind = 'project' AND p.tenant_id = :tenant AND p.id = best.id
        UNION ALL
        SELECT t.title, o.name, o.id, json_build_object('title', t.title, 'description', t.description)
        FROM tasks t {_ORGANIZATION.format(_OF_TASK)}
        WHERE best.kind = 'task' AND t.tenant_id = :tenant AND t.id = best.id
        UNION ALL
        SELECT d.name, o.name, o.id, json_build_object('name', d.name, 'description', d.description, 'content',
            (SELECT x.text FROM document_passages x WHERE x.tenant_id = :tenant AND x.document_id = d.id
                AND x.place = best.passage))
        FROM documents d {_ORGANIZATION.format("d.organization_id")}
        WHERE best.kind = 'document' AND d.tenant_id = :tenant AND d.id = best.id
        UNION ALL
        SELECT a.title, o.name, o.id, json_build_object('text', a.text)
        FROM activities a {_ORGANIZATION.format("a.organization_id")}
        WHERE best.kind = 'activity' AND a.tenant_id = :tenant AND a.id = best.id"""


def _statement(within: str) -> Statement:
    """The search; `within` stands for the ids that the functions stay among, from a noun and its
    alias a.
    """
    found = [
        _FOUND.format(
            kind=kind,
            noun=noun,
            a=noun[0],
            folded=folded,
            most=CANDIDATES,
            within=within.format(noun=noun, a=noun[0]),
        )
        for kind, (noun, folded) in _NOUNS.items()
    ]
    found.append(_PASSAGES.format(within=within.format(noun="documents", a="d"), most=CANDIDATES))
    return Statement(f"""
    WITH asked AS MATERIALIZED (
        SELECT found AS all, found.phrase, found.patterns, found.meant FROM sought(:tenant, :q, :loosely) found
    ), found AS ({" UNION ALL ".join(found)}
    ), best AS (
        SELECT kind, id, max({_SCORE}) AS score, max(passage) AS passage
        FROM found, asked GROUP BY kind, id
        ORDER BY score DESC, id LIMIT :most
    )
    SELECT best.kind, best.id, shown.title, shown.subtitle, shown.organization_id,
        round(best.score::numeric, 2)::float8 AS score, shown.texts, asked.meant
    FROM best, asked, LATERAL ({_SHOWN}) shown
    ORDER BY best.score DESC, best.id
    """)


AMONG_ALL = _statement("NULL")
# Whoever sees little would find nothing among the first candidates of a large tenant.
AMONG_VISIBLE = _statement(_VISIBLE_IDS)


async def search(db: Db, q: str, kinds: list[Kind], most: int) -> list[Record]:
    """The best hits: kind, id, title, subtitle, organization_id, score, texts (JSON by field),
    meant (folded words).

    When every word together finds nothing, each may also stand for similar ones, and one of them
    may be missing.
    """
    statement = AMONG_ALL if db.scope == "all" else AMONG_VISIBLE
    values = {"q": q, "kinds": kinds, "most": most, "kinds_in_order": list(Kind)}
    return await db.rows(statement, loosely=False, **values) or await db.rows(
        statement, loosely=True, **values
    )
