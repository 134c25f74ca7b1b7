"""The list of the trash, made from the nouns. The alias is x, a deleted record; within the part of
each noun the aliases are the noun's own.
"""

from retainer.journal.trash import model
from retainer.lists.noun import Noun, Trashed, names, narrowed
from retainer.lists.spec import CustomFilter, Field, FieldType, ListSpec
from retainer.nouns import NOUNS

# In the order of the entries of one operation: last the nouns that are named by another record.
_NOUNS = sorted(
    (noun for noun in NOUNS.values() if noun.trash is not None),
    key=lambda noun: bool(noun.subject_column),
)


def _trashed(noun: Noun) -> Trashed:
    """A noun's declaration for the trash, with defaults that follow from its organization."""
    trash = noun.trash
    assert trash is not None
    if not noun.belongs_to:
        return trash._replace(organization=trash.organization or "NULL::bigint")
    a, column = noun.alias, noun.column_of[noun.belongs_to]
    above = f"""{noun.belongs_to} y WHERE y.tenant_id = :tenant AND y.id = {a}.{column}
            AND y.deleted_by = {a}.deleted_by"""
    return trash._replace(
        organization=trash.organization or f"{a}.{column}",
        above=trash.above or above,
        below=trash.below or {noun.belongs_to: f"b.{column} = x.id"},
    )


def _part(place: int, noun: Noun) -> str:
    """The deleted records of one noun in the list's order, so that PostgreSQL merges an index of
    each noun instead of sorting all records.
    """
    trash, a = _trashed(noun), noun.alias
    alone = "true"
    if trash.above:
        alone = f"NOT EXISTS (SELECT FROM {trash.above})"
    return f"""(SELECT {a}.deleted_by AS operation_id, {place} AS place, {a}.id AS key,
            '{noun.singular}' AS kind, '{noun.table}' AS noun,
            {a}.{noun.subject_column or "id"} AS id,
            {trash.title or f"{a}.{noun.title}"} AS title, {trash.organization} AS organization_id
        FROM {trash.table or f"{noun.table} {a}"}
        WHERE {a}.tenant_id = :tenant AND {a}.deleted_by IS NOT NULL
            AND @visible_{noun.visible_as or noun.table} AND {alone}
        ORDER BY {a}.deleted_by DESC, {a}.id DESC)"""


def _also(noun: Noun) -> str:
    """The WHEN that counts the records deleted with one of the noun; "" where nothing can be."""
    counts = [
        f"""(SELECT count(*) FROM {below.table} b
            WHERE b.tenant_id = :tenant AND b.deleted_by = x.operation_id AND {condition})"""
        for below in _NOUNS
        for table, condition in _trashed(below).below.items()
        if table == noun.table
    ]
    if not counts:
        return ""
    return f"WHEN '{noun.singular}' THEN {' + '.join(counts)}"


TrashKind = names("TrashKind", "What can be in it.", [noun.singular for noun in _NOUNS])


@narrowed(kind=TrashKind)
class TrashEntry(model.TrashEntry):
    pass


def _operation(value: str) -> str:
    return f"""(SELECT {value} FROM operations op
        WHERE op.tenant_id = :tenant AND op.id = x.operation_id)"""


_FIELDS = {
    "kind": Field("x.kind", FieldType.WORD, values=TrashKind),
    "id": Field("x.id", FieldType.INTEGER),
    "title": Field("x.title"),
    "organizationId": Field("x.organization_id", FieldType.INTEGER, nullable=True),
    "deletedAt": Field(_operation("iso(op.at)")),
    "deletedBy": Field(
        _operation("""(SELECT row_to_json(a) FROM (
        SELECT u.id, u.username, u.full_name AS "fullName"
        FROM users u WHERE u.tenant_id = :tenant AND u.id = op.actor_id) a)""")
    ),
    "operationId": Field("x.operation_id", FieldType.INTEGER, sort="x.operation_id", cast="bigint"),
    "sequence": Field("""(SELECT max(c.sequence) FROM changes c
        WHERE c.tenant_id = :tenant AND c.operation_id = x.operation_id AND c.entity = x.noun
            AND c.entity_id = x.key AND c.after ? 'deleted_by')"""),
    "alsoDeleted": Field(f"CASE x.kind {' '.join(map(_also, _NOUNS))} ELSE 0 END"),
}

TRASH = ListSpec(
    f"({' UNION ALL '.join(_part(place, noun) for place, noun in enumerate(_NOUNS))}) x",
    "true",
    _FIELDS,
    order="-operationId",
    id="x.key",
    tie_break=Field("x.place", sort="x.place", cast="int"),
    custom_filters={
        "actorId": CustomFilter(
            _operation("op.actor_id = {}::bigint"), FieldType.INTEGER, "Only what this user deleted"
        ),
        "since": CustomFilter(
            _operation("op.at >= {}::timestamptz"),
            FieldType.MOMENT,
            "Only what was deleted then or after",
        ),
        "until": CustomFilter(
            _operation("op.at < {}::timestamptz"),
            FieldType.MOMENT,
            "Only what was deleted before this time, or until the end of this day",
            ends_with_day=True,
        ),
    },
)
