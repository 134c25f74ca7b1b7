"""The tables of the journal, read off the nouns: the field of the API that each column is, by which
record a change is told, and what undoing it takes.
"""

from typing import Any, NamedTuple, get_args, get_type_hints

from retainer.lists.noun import Link, Noun
from retainer.nouns import NOUNS


class Column(NamedTuple):
    """A column of a table, by the field of the API that it is."""

    entity: str
    column: str
    field: str


# Told beside the fields: which record it is, and when it was; or the same of every record; or not
# written down.
_BESIDE_FIELDS = {"id", "tenant_id", "created_at", "updated_at", "last_login_at"}

# What is no field of a noun's answer is never shown: keys of the storage, digests, counts, and
# whatever will be added beside them.
COLUMNS = [
    Column(noun.table, noun.columns.get(name, name), field)
    for noun in NOUNS.values()
    for name, field in zip(
        noun.answer.__struct_fields__, noun.answer.__struct_encode_fields__, strict=True
    )
    if name not in _BESIDE_FIELDS
]


def _is_moment(hint: Any) -> bool:
    schemas = [getattr(each, "extra_json_schema", None) or {} for each in get_args(hint)[1:]]
    return any(schema.get("format") == "date-time" for schema in schemas)


# Those that are times, which the journal writes in PostgreSQL's way.
MOMENTS = sorted(
    {
        name
        for noun in NOUNS.values()
        for name, hint in get_type_hints(noun.answer, include_extras=True).items()
        if name not in _BESIDE_FIELDS and _is_moment(hint)
    }
)

LINKS: list[tuple[Noun, Link]] = [(noun, link) for noun in NOUNS.values() for link in noun.links]


class Told(NamedTuple):
    """How histories tell a change of a table: as which entity, and by the record of which noun, whose
    id is in the column `by` (empty: in its own id).
    """

    entity: str
    noun: str
    by: str


TOLD = {
    **{
        noun.table: Told(noun.table, noun.references.get(noun.told_by, noun.table), noun.told_by)
        for noun in NOUNS.values()
    },
    **{link.table: Told(link.told_as, link.of or noun.table, link.told_by) for noun, link in LINKS},
}

# By the entity of the API: the noun whose record it is told by.
NOUN_OF_ENTITY = {told.entity: told.noun for told in TOLD.values()}


class UndoRule(NamedTuple):
    """A table whose changes can be undone.

    `title` is the column that people know a row by, "" where that is another row's. `change` is the
    permission that undoing an update takes, `existence` that of undoing a creation, a deletion or a
    restoration. `refers` has the columns that refer to what must be there, with the table each
    refers to.
    """

    title: str
    change: str
    existence: str
    refers: dict[str, str]


def _rule(noun: Noun) -> UndoRule:
    assert noun.permissions is not None
    refers = {
        column: table for column, table in noun.references.items() if NOUNS[table].permissions
    }
    return UndoRule(noun.title, noun.permissions.change, noun.permissions.delete, refers)


def _link_rule(noun: Noun, link: Link) -> UndoRule:
    assert noun.permissions is not None
    refers = {link.own: noun.table} | ({link.other: link.of} if link.holds_other else {})
    return UndoRule("", noun.permissions.change, noun.permissions.change, refers)


# Every table of which a change may be undone, and the only names that statements about several
# tables are made of. In the order in which rows are locked: as deletions lock them, what is above
# before what is below.
UNDO_RULES = {
    **{noun.table: _rule(noun) for noun in NOUNS.values() if noun.permissions},
    **{link.table: _link_rule(noun, link) for noun, link in LINKS if link.is_undone},
}
