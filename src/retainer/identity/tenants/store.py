"""Every statement about tenants: each reads or changes the viewer's own. The alias is tn."""

from retainer.database.database import Db, Values
from retainer.database.statement import Statement, Update
from retainer.database.stored import Stored
from retainer.lists.spec import Field, ListSpec, row_json

_SEEN = "tn.tenant_id = :tenant AND @visible_tenants"

FIELDS = {
    "id": Field("tn.id"),
    "name": Field("tn.name", sort="tn.name"),
    "timeZone": Field("tn.time_zone"),
    "country": Field("tn.country"),
}
JSON = row_json(FIELDS)

LIST = ListSpec("tenants tn", _SEEN, FIELDS, order="name", id="tn.id")

READ = Statement(f"""
    SELECT tn.id, tn.version, {JSON} FROM tenants tn
    WHERE {_SEEN} AND tn.id = ANY(:ids::bigint[])
""")

UPDATE = Update(
    "tn",
    f"""
    UPDATE tenants tn SET @columns FROM @acting
    WHERE {_SEEN} AND tn.id = :tenant AND @expected_tn
    RETURNING tn.id, tn.version, {JSON}
""",
)


async def exists(db: Db, id: int) -> bool:
    """Tell whether the viewer sees it."""
    return await db.point(READ, id) is not None


async def get(db: Db, id: int) -> Stored:
    """One tenant. Raises NotFound."""
    return await db.get(READ, id)


async def update(db: Db, values: Values) -> Stored | None:
    """The viewer's tenant after the change."""
    return await db.stored(UPDATE.of(values), **values)
