"""Fields that some viewers are not told, guarded wherever a list has them."""

from collections.abc import Mapping

from retainer.lists.spec import Field, FieldType
from retainer.permissions import UNTOLD


def told(noun: str, fields: Mapping[str, Field]) -> dict[str, Field]:
    """The fields of a noun, each empty to viewers who are not told it (permissions.UNTOLD)."""
    untold = {name for names in UNTOLD.get(noun, {}).values() for name in names}
    return {
        name: _told(field, f"@told_{noun}_{name}") if name in untold else field
        for name, field in fields.items()
    }


def _told(field: Field, fragment: str) -> Field:
    empty = field.absent or ("'{}'" if field.type is FieldType.TAGS else "NULL")
    if field.sort and not field.absent:
        raise ValueError(f"{fragment} guards a field to sort by, whose key is null to some viewers")

    def guarded(sql: str, otherwise: str) -> str:
        return sql and f"(CASE WHEN {fragment} THEN {sql} ELSE {otherwise} END)"

    return field._replace(
        sql=guarded(field.sql, "'{}'" if field.type is FieldType.TAGS else "NULL"),
        key=guarded(field.key, empty),
        sort=guarded(field.sort, empty),
        told=fragment,
    )
