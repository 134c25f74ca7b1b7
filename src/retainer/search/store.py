"""The search statement. Functions of the database (functions/search.sql) find ids for the words,
whoever the viewer is; this statement reads each row again, and keeps to those that the viewer sees.
"""

from asyncpg import Record

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.lists.noun import Noun, Searched, names, narrowed
from retainer.nouns import NOUNS
from retainer.search import model

CANDIDATES = 100  # rows of each kind that are ranked

# In the order of equally good hits.
_SEARCHED: list[tuple[Noun, Searched]] = sorted(
    [(noun, noun.search) for noun in NOUNS.values() if noun.search],
    key=lambda each: each[1].place,
)
BY_KIND = {noun.singular: noun for noun, _ in _SEARCHED}

SearchKind = names(
    "Kind", "What can be found; in the order in which equally good hits stand.", BY_KIND
)


@narrowed(kinds=SearchKind)
class SearchQuery(model.SearchQuery):
    pass


@narrowed(kind=SearchKind)
class Hit(model.Hit):
    pass


_VISIBLE_IDS = """ARRAY(SELECT {a}.id FROM {noun} {a}
            WHERE {a}.tenant_id = :tenant AND {a}.deleted_by IS NULL AND @visible_{noun})"""

# LATERAL with OFFSET 0 reads the rows by their ids, one by one. A plain join would be planned as a
# scan of the whole table while that is small.
_FOUND = """
        SELECT '{kind}' AS kind, {a}.id, {a}.folded, f.place, NULL::int AS passage
        FROM asked, {noun}_found(:tenant, asked.all, {within}, {most}) f, LATERAL (
            SELECT {a}.id, {a}.{folded} AS folded FROM {noun} {a}
            WHERE {a}.tenant_id = :tenant AND {a}.id = f.hit AND {a}.deleted_by IS NULL
                AND @visible_{noun}
            OFFSET 0) {a}
        WHERE '{kind}' = ANY(:kinds::text[])"""

# Passages count only while they are of the newest version.
_PASSAGES = """
        SELECT 'document', d.id, d.folded, 0, f.place
        FROM asked, passages_found(:tenant, asked.all, {within}, {most}) f, LATERAL (
            SELECT d.id, d.name_folded AS folded
            FROM documents d JOIN document_texts x
                ON x.tenant_id = d.tenant_id AND x.document_id = d.id AND x.number = d.latest
            WHERE d.tenant_id = :tenant AND d.id = f.hit AND d.deleted_by IS NULL
                AND @visible_documents
            OFFSET 0) d
        WHERE 'document' = ANY(:kinds::text[])"""

# From best to worst: a name equal to the query, a name that begins with it, a name with the words,
# a name that resembles the query, another text with the words, a file with the words. Among equals
# a short name comes first.
_SCORE = """CASE WHEN folded = phrase THEN 100
            WHEN starts_with(folded, phrase || ' ') THEN 84
            WHEN starts_with(folded, phrase) THEN 80
            WHEN place > 1 AND strpos(' ' || folded, ' ' || phrase) > 0 THEN 65
            WHEN place > 1 AND folded LIKE ALL (patterns) THEN 60
            WHEN place > 1 THEN 50 - 15.0 * levenshtein(left(folded, 60), left(phrase, 60))
                / greatest(length(left(folded, 60)), length(left(phrase, 60)))
            WHEN place = 1 THEN 20 ELSE 15 END
        - least(length(folded), 100) / 50.0
        - array_position(:kinds_in_order::text[], kind) / 10.0"""

# Without the viewer's condition a hit would show the name of an organization that they do not see.
_ORGANIZATION = """LEFT JOIN LATERAL (
            SELECT o.id, o.name FROM organizations o
            WHERE o.tenant_id = :tenant AND o.id = {} AND o.deleted_by IS NULL
                AND @visible_organizations) o ON true"""


def _shown(noun: Noun, search: Searched) -> str:
    """The SELECT of what a hit of a noun shows: title, subtitle, organization, and its texts by
    field. The organization's name is the subtitle of a noun that declares none.
    """
    a = noun.alias
    shown = dict(search.texts)
    if search.passage:
        shown["content"] = search.passage
    texts = ", ".join(f"'{field}', {sql}" for field, sql in shown.items())
    subtitle, organization, joined = search.subtitle, search.organization or "NULL::bigint", ""
    if not subtitle:
        subtitle, organization = "o.name", "o.id"
        joined = _ORGANIZATION.format(search.organization)
    return f"""
        SELECT {a}.{noun.title} AS title, {subtitle} AS subtitle, {organization} AS organization_id,
            json_build_object({texts}) AS texts
        FROM {noun.table} {a} {joined}
        WHERE best.kind = '{noun.singular}' AND {a}.tenant_id = :tenant AND {a}.id = best.id"""


_SHOWN = " UNION ALL ".join(_shown(noun, search) for noun, search in _SEARCHED)


def _statement(within: str) -> Statement:
    """The search statement. `within` is the SQL of the ids that the functions may return, with
    {noun} and its alias {a}.
    """
    found = [
        _FOUND.format(
            kind=noun.singular,
            noun=noun.table,
            a=noun.alias,
            folded=search.name,
            most=CANDIDATES,
            within=within.format(noun=noun.table, a=noun.alias),
        )
        for noun, search in _SEARCHED
    ]
    found.append(_PASSAGES.format(within=within.format(noun="documents", a="d"), most=CANDIDATES))
    return Statement(f"""
    WITH asked AS MATERIALIZED (
        SELECT found AS all, found.phrase, found.patterns, found.meant
        FROM search_query(:tenant, :q, :loosely) found
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
# For viewers who see few records: of a large tenant's first candidates they might see none.
AMONG_VISIBLE = _statement(_VISIBLE_IDS)


async def search(db: Db, q: str, kinds: list[str], limit: int) -> list[Record]:
    """The best hits: kind, id, title, subtitle, organization_id, score, texts (JSON by field),
    meant (folded words).

    When no record has all the words, a second search also matches similar words and lets one be
    missing.
    """
    statement = AMONG_VISIBLE
    if db.scope == "all":
        statement = AMONG_ALL
    values = {"q": q, "kinds": kinds, "most": limit, "kinds_in_order": list(SearchKind)}
    hits = await db.rows(statement, loosely=False, **values)
    if hits:
        return hits
    return await db.rows(statement, loosely=True, **values)
