"""The filter `q` of a list, and the words of the rows that a viewer sees.

For viewers who see every record, words mean what they mean to the tenant. For all others they mean
what they do among the rows that they see, without the fields that they are not told: nothing else
may shape what they are answered.
"""

from typing import NamedTuple

from retainer.lists.spec import MAX_WORD_CANDIDATES, CustomFilter, FieldType
from retainer.permissions import UNTOLD

_IDS = """ARRAY(SELECT {a}.id FROM {noun} {a} WHERE {a}.tenant_id = :tenant
        AND {a}.deleted_by IS NULL AND @visible_{noun}{more})"""


class VisibleRows(NamedTuple):
    """The rows of a noun that the viewer sees, as SQL.

    `asked` is FROM with what is sought among them, `asked`, by {0} and {1}, the text and whether
    loosely. `ids` are those of the rows whose words may be looked at for it.
    """

    asked: str
    ids: str


def visible_rows(noun: str, alias: str, heard: str = "") -> VisibleRows:
    """The rows of a noun that the viewer sees. `heard` is the SQL of a row's words for viewers who
    are not told all of its texts; "" where all are.
    """
    ids = _IDS.format(noun=noun, a=alias, more="")
    words, narrowed = "NULL::text[]", "mine.ids"
    if heard:
        fields = sorted({field for each in UNTOLD[noun].values() for field in each})
        is_told = " AND ".join(f"@told_{noun}_{field}" for field in fields)
        texts = ids.replace(f"SELECT {alias}.id", f"SELECT {heard}", 1)
        words = f"CASE WHEN {is_told} THEN NULL ELSE {texts} END"
        more = f" AND word_terms(:tenant, {heard}) @@ asked.texts"
        having = _IDS.format(noun=noun, a=alias, more=more)
        narrowed = f"CASE WHEN {is_told} THEN mine.ids ELSE {having} END"
    asked = f"""(SELECT {ids} AS ids, {words} AS heard) mine,
        LATERAL {noun}_asked(:tenant, {{0}}, {{1}}, mine.ids, mine.heard) asked"""
    return VisibleRows(asked, narrowed)


def searched(noun: str, alias: str, heard: str = "") -> dict[str, CustomFilter]:
    """The filter `q`: the rows that have each word, as search finds them; `heard` is as above."""
    words = "Those that have each of these words, as search finds them: beginnings, typing errors"
    few = f"{noun}_few_matching(:tenant, {{0}}::text, {MAX_WORD_CANDIDATES})"
    mine = visible_rows(noun, alias, heard)
    among = f"""(SELECT {noun}_among(:tenant, asked, {mine.ids})
        FROM {mine.asked.format("{0}::text", "false")})"""
    return {
        "q": CustomFilter(
            f"""CASE WHEN @sees_all THEN {_has_words(noun, alias)}
                ELSE {alias}.id = ANY({among}::bigint[]) END""",
            FieldType.TEXT,
            words,
            f"(CASE WHEN @sees_all THEN {few} ELSE {among} END)",
        )
    }


def _has_words(noun: str, alias: str) -> str:
    """The condition that a row has the words, by what these mean to the tenant.

    The list's index has the bits of each row's words; only rows that have all bits are read. With
    AND instead of CASE, the planner would expect few matches and sort them all.
    """
    asked = "search_query(:tenant, {0}::text)"
    bits = "bits_of(spaced(typed_words({0}::text)))"
    return f"""(CASE WHEN NOT (SELECT all_known(:tenant, {{0}}::text)) THEN (
            SELECT are_meant(:tenant, w.words, (SELECT s.needs FROM {asked} s),
                (SELECT s.beyond FROM {asked} s))
            FROM {noun} w WHERE w.tenant_id = :tenant AND w.id = {alias}.id)
        WHEN {alias}.word_bits & {bits} = {bits} THEN (
            SELECT w.words LIKE ALL (needs_of({{0}}::text)) FROM {noun} w
            WHERE w.tenant_id = :tenant AND w.id = {alias}.id)
        ELSE false END)"""
