"""The journalled tables, as the nouns declare them: the API's field for each column, the record
that a history entry names, and the rules for undoing a change.
"""

from typing import NamedTuple, get_args, get_type_hints

from retainer.lists.noun import Link, Noun
from retainer.nouns import NOUNS


class Column(NamedTuple):
    """A column of an entity, and its field in the API."""

    entity: str
    column: str
    field: str


# Fields that no history lists as changes: it names the record and the time by themselves, the
# tenant is always the same, and the journal does not keep the others.
_UNLISTED = {"id", "tenant_id", "created_at", "updated_at", "last_login_at"}

# Histories show only columns that are fields of the noun's answer, never others such as storage
# keys and digests, nor those that will be added.
COLUMNS = [
    Column(noun.table, noun.columns.get(name, name), field)
    for noun in NOUNS.values()
    for name, field in zip(
        noun.record_type.__struct_fields__, noun.record_type.__struct_encode_fields__, strict=True
    )
    if name not in _UNLISTED
]


def _is_moment(hint: object) -> bool:
    schemas = [getattr(each, "extra_json_schema", None) or {} for each in get_args(hint)[1:]]
    return any(schema.get("format") == "date-time" for schema in schemas)


# The fields that are times, which the journal keeps in PostgreSQL's format.
MOMENTS = sorted(
    {
        name
        for noun in NOUNS.values()
        for name, hint in get_type_hints(noun.record_type, include_extras=True).items()
        if name not in _UNLISTED and _is_moment(hint)
    }
)

LINKS: list[tuple[Noun, Link]] = [(noun, link) for noun in NOUNS.values() for link in noun.links]


class Subject(NamedTuple):
    """The record that history entries name for a table's changes: the name of its entity, its noun,
    and the column with its id (empty: the changed row's own id).
    """

    entity: str
    noun: str
    column: str


SUBJECTS = {
    **{
        noun.table: Subject(
            noun.table, noun.references.get(noun.subject_column, noun.table), noun.subject_column
        )
        for noun in NOUNS.values()
    },
    **{
        link.table: Subject(link.history_entity, link.other_noun or noun.table, link.subject_column)
        for noun, link in LINKS
    },
}

# The noun whose record each entity of the API names.
NOUN_OF_ENTITY = {subject.entity: subject.noun for subject in SUBJECTS.values()}


class UndoRule(NamedTuple):
    """The rules for undoing changes of a table.

    `title` is the column with a row's title, "" where another row has it. `change` is the
    permission for undoing an update, `existence` the one for undoing a creation, a deletion or a
    restoration. `references` maps the columns that must refer to live rows to the tables of those
    rows.
    """

    title: str
    change: str
    existence: str
    references: dict[str, str]


def _rule(noun: Noun) -> UndoRule:
    assert noun.permissions is not None
    references = {
        column: table for column, table in noun.references.items() if NOUNS[table].permissions
    }
    return UndoRule(noun.title, noun.permissions.change, noun.permissions.delete, references)


def _link_rule(noun: Noun, link: Link) -> UndoRule:
    assert noun.permissions is not None
    references = {link.own_column: noun.table}
    if link.holds_other:
        references[link.other_column] = link.other_noun
    return UndoRule("", noun.permissions.change, noun.permissions.change, references)


# Every table whose changes can be undone; undo.py puts no other table's name into SQL. In the order
# in which rows are locked, which is the one of deletions: a record before those below it.
UNDO_RULES = {
    **{noun.table: _rule(noun) for noun in NOUNS.values() if noun.permissions},
    **{link.table: _link_rule(noun, link) for noun, link in LINKS if link.is_undoable},
}
