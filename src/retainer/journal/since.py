"""Changes of one record since a version that somebody still has on their screen."""

from typing import Any

import msgspec
from msgspec import Struct

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.journal.store import BEFORE

_SINCE = """c.tenant_id = :tenant AND c.entity = :entity AND c.entity_id = :id
        AND c.version > :version"""
_LAST = Statement(f"""
    SELECT iso(op.at) AS at, coalesce((SELECT u.full_name FROM users u
        WHERE u.tenant_id = :tenant AND u.id = op.actor_id), 'Retainer') AS name
    FROM changes c JOIN operations op ON op.tenant_id = :tenant AND op.id = c.operation_id
    WHERE {_SINCE}
    ORDER BY c.version DESC LIMIT 1
""")
_EACH = Statement(f"SELECT {BEFORE} AS fields FROM changes c WHERE {_SINCE} ORDER BY c.version")


class _Field(Struct):
    field: str
    before: Any


async def last_change(db: Db, entity: str, id: int, version: int) -> dict[str, str] | None:
    """The last change of a record since a version, as the name of its author and its time (name,
    at); None without one.
    """
    row = await db.row(_LAST, entity=entity, id=id, version=version)
    if row is None:
        return None
    return dict(row)


async def values_before(db: Db, entity: str, id: int, version: int) -> dict[str, Any]:
    """The values that the version had in the fields that were changed since. They are for
    comparing, not for showing: nobody has asked here who may see them.
    """
    found: dict[str, Any] = {}
    for row in await db.rows(_EACH, entity=entity, id=id, version=version):
        for field in msgspec.json.decode(row["fields"], type=list[_Field]):
            found.setdefault(field.field, field.before)
    return found
