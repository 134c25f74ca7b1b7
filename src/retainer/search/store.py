"""The search statement. Functions of the database (functions/search.sql) find ids for the words,
whoever the viewer is; this statement reads each row again, and keeps to those that the viewer sees.
"""

from collections.abc import Callable
from typing import NamedTuple

from asyncpg import Record

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.lists.noun import Noun, Searched, names, narrowed
from retainer.lists.word_filter import visible_rows
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


# From best to worst: a name equal to the query, a name that begins with it, a name with the words,
# a name that resembles the query, another text with the words, a file with the words. Among equals
# a short name comes first.
_SCORE = """CASE WHEN {a}.folded = asked.phrase THEN 100
            WHEN starts_with({a}.folded, asked.phrase || ' ') THEN 84
            WHEN starts_with({a}.folded, asked.phrase) THEN 80
            WHEN f.place > 1 AND strpos(' ' || {a}.folded, ' ' || asked.phrase) > 0 THEN 65
            WHEN f.place > 1 AND {a}.folded LIKE ALL (asked.patterns) THEN 60
            WHEN f.place > 1 THEN 50
                - 15.0 * levenshtein(left({a}.folded, 60), left(asked.phrase, 60))
                / greatest(length(left({a}.folded, 60)), length(left(asked.phrase, 60)))
            WHEN f.place = 1 THEN 20 ELSE 15 END
        - least(length({a}.folded), 100) / 50.0
        - array_position(:kinds_in_order::text[], '{kind}') / 10.0"""

# LATERAL with OFFSET 0 reads the rows by their ids, one by one. A plain join would be planned as a
# scan of the whole table while that is small.
_FOUND = f"""
        SELECT '{{kind}}' AS kind, {{a}}.id, {_SCORE} AS score, NULL::int AS passage,
            array_to_string(asked.meant, ' ') AS meant
        FROM {{asked}}, {{noun}}_found(:tenant, asked, {{within}}, {{most}}) f, LATERAL (
            SELECT {{a}}.id, {{a}}.{{folded}} AS folded FROM {{noun}} {{a}}
            WHERE {{a}}.tenant_id = :tenant AND {{a}}.id = f.hit AND {{a}}.deleted_by IS NULL
                AND @visible_{{noun}}
            OFFSET 0) {{a}}
        WHERE '{{kind}}' = ANY(:kinds::text[])"""

# Passages count only while they are of the newest version.
_PASSAGES = f"""
        SELECT 'document', d.id, {_SCORE.replace("f.place", "0")}, f.place,
            array_to_string(asked.meant, ' ')
        FROM {{asked}}, passages_found(:tenant, asked, {{within}}, {{most}}) f, LATERAL (
            SELECT d.id, d.name_folded AS folded
            FROM documents d JOIN document_texts x
                ON x.tenant_id = d.tenant_id AND x.document_id = d.id AND x.number = d.latest
            WHERE d.tenant_id = :tenant AND d.id = f.hit AND d.deleted_by IS NULL
                AND @visible_documents
            OFFSET 0) d
        WHERE 'document' = ANY(:kinds::text[])"""

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
    texts = ", ".join(
        f"'{field}', CASE WHEN @told_{noun.table}_{field} THEN {sql} END"
        for field, sql in shown.items()
    )
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


class _Asked(NamedTuple):
    """FROM with what is sought, `asked`, and the ids of the rows to look among (NULL: all)."""

    sql: str
    within: str


def _statement(asked_of: Callable[[Noun], _Asked], passages: _Asked, before: str = "") -> Statement:
    """The search statement, by what is sought of each noun and in the texts of files; `before` is
    the beginning of its WITH.
    """
    found = [
        _FOUND.format(
            kind=noun.singular,
            noun=noun.table,
            a=noun.alias,
            folded=search.name,
            most=CANDIDATES,
            asked=asked_of(noun).sql,
            within=asked_of(noun).within,
        )
        for noun, search in _SEARCHED
    ]
    found.append(
        _PASSAGES.format(
            kind="document", a="d", most=CANDIDATES, asked=passages.sql, within=passages.within
        )
    )
    return Statement(f"""
    WITH {before} found AS ({" UNION ALL ".join(found)}
    ), best AS (
        SELECT kind, id, max(score) AS score, max(passage) AS passage,
            string_to_array(string_agg(meant, ' '), ' ') AS meant
        FROM found GROUP BY kind, id
        ORDER BY score DESC, id LIMIT :most
    )
    SELECT best.kind, best.id, shown.title, shown.subtitle, shown.organization_id,
        round(best.score::numeric, 2)::float8 AS score, shown.texts, best.meant
    FROM best, LATERAL ({_SHOWN}) shown
    ORDER BY best.score DESC, best.id
    """)


_MEANING = "asked AS MATERIALIZED (SELECT * FROM search_query(:tenant, :q, :loosely)),"
_OF_ALL = _Asked("asked", "NULL")


def _of_visible(noun: Noun) -> _Asked:
    assert noun.search is not None
    mine = visible_rows(noun.table, noun.alias, noun.search.heard)
    return _Asked(mine.asked.format(":q", ":loosely"), mine.ids)


_DOCUMENTS = """(SELECT ARRAY(SELECT d.id FROM documents d WHERE d.tenant_id = :tenant
            AND d.deleted_by IS NULL AND @visible_documents) AS ids) mine,
        LATERAL passages_asked(:tenant, :q, :loosely, mine.ids) asked"""

AMONG_ALL = _statement(lambda _: _OF_ALL, _OF_ALL, _MEANING)
# For viewers who see few records: of a large tenant's first candidates they might see none, and
# what others wrote must not shape what they find.
AMONG_VISIBLE = _statement(_of_visible, _Asked(_DOCUMENTS, "mine.ids"))


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
