"""Every statement about views, and the lists that can have views. Their alias is v; @visible_views
keeps to those that the viewer sees.

Two users who see all records of a tenant still see different views. Never read a view by
Db.point(), which reads once for all such users and would show one user another's view.
"""

import msgspec
from asyncpg import Record

from retainer.database.database import Db, Values
from retainer.database.statement import Statement, Update
from retainer.database.stored import Stored
from retainer.errors import NotFound
from retainer.lists.noun import names, narrowed
from retainer.lists.spec import Field, FieldType, ListSpec, moments, row_json
from retainer.permissions import PERMISSIONS
from retainer.records.nouns import RECORDS
from retainer.records.views import model

LISTS = {noun.table: noun.list for noun in RECORDS if noun.has_views}

ViewNoun = names("ViewNoun", "The lists that have views, by their paths.", LISTS)


@narrowed(noun=ViewNoun)
class View(model.View):
    pass


@narrowed(noun=ViewNoun)
class ViewCreate(model.ViewCreate):
    pass


# The viewer may change these, among the views they see. The role is today's: who has become a guest
# keeps what they shared, and changes it no more.
_SHARERS = ", ".join(f"'{role}'" for role in sorted(PERMISSIONS["views.share"].roles))
CHANGEABLE = f"""(CASE WHEN NOT v.is_shared THEN v.owner_id = :user
    ELSE :viewer_role::text = 'admin'
        OR (v.owner_id = :user AND :viewer_role::text IN ({_SHARERS})) END)"""

_SEEN = "v.tenant_id = :tenant AND v.deleted_by IS NULL AND @visible_views"
_ONE = f"v.id = :id AND {_SEEN}"

FIELDS = {
    "id": Field("v.id", FieldType.INTEGER, sort="v.id", cast="bigint"),
    "noun": Field("v.noun", FieldType.WORD, sort="v.noun", values=ViewNoun),
    "name": Field("v.name", FieldType.FOLDED, "v.name_folded", sort="v.name_folded"),
    "query": Field("v.query"),
    "isShared": Field("v.is_shared", FieldType.BOOLEAN),
    "ownerId": Field("v.owner_id", FieldType.INTEGER),
    **moments("v"),
}
JSON = row_json(FIELDS)

LIST = ListSpec("views v", _SEEN, FIELDS, order="name", id="v.id")

READ = Statement(f"SELECT v.id, v.version, {JSON} FROM views v WHERE {_ONE}")

SIDEBAR_VIEWS = 50
SIDEBAR = Statement(
    f"SELECT {JSON} AS json FROM views v WHERE {_SEEN} "
    f"ORDER BY v.name_folded, v.id LIMIT {SIDEBAR_VIEWS}"
)

FIND = Statement(f"SELECT v.noun, {CHANGEABLE} AS is_changeable FROM views v WHERE {_ONE}")

CREATE = Statement(f"""
    INSERT INTO views AS v (tenant_id, noun, name, query, is_shared, owner_id)
    SELECT :tenant, :noun, :name, :query, :is_shared, :user FROM @acting
    RETURNING v.id, v.version, {JSON}
""")

UPDATE = Update(
    "v",
    f"""
    UPDATE views v SET @columns FROM @acting
    WHERE {_ONE} AND {CHANGEABLE} AND @expected_v
    RETURNING v.id, v.version, {JSON}
""",
)

DELETE = Statement(f"""
    UPDATE views v SET deleted_by = operation() FROM @acting
    WHERE {_ONE} AND {CHANGEABLE} AND @expected_v
    RETURNING v.id
""")


async def exists(db: Db, id: int) -> bool:
    """Tell whether the viewer sees it."""
    return await db.row(FIND, id=id) is not None


async def get(db: Db, id: int) -> Stored:
    """One view. Raises NotFound."""
    view = await read(db, id)
    if view is None:
        raise NotFound
    return view


async def read(db: Db, id: int) -> Stored | None:
    """One view, or None when the viewer sees none."""
    return await db.stored(READ, id=id)


async def sidebar(db: Db) -> list[dict[str, object]]:
    """The views in the sidebar of every page, of those that the viewer sees."""
    return [msgspec.json.decode(row["json"]) for row in await db.rows(SIDEBAR)]


async def find(db: Db, id: int) -> Record | None:
    """The list a view belongs to and whether the viewer may change it (noun, is_changeable); None
    when they see no such view.
    """
    return await db.row(FIND, id=id)


async def create(db: Db, values: Values) -> Stored | None:
    """The viewer's new view."""
    return await db.stored(CREATE, **values)


async def update(db: Db, id: int, values: Values) -> Stored | None:
    """The view after the change, or None when there is none that the viewer may change."""
    return await db.stored(UPDATE.of(values), id=id, **values)


async def delete(db: Db, id: int) -> bool:
    """Hide it; False when there is none that the viewer may change."""
    return await db.row(DELETE, id=id) is not None
