"""The records that a change is about and that its answer tells of. An answer that is kept is given
again only to somebody who still sees them.

Those that are no longer seen right after the change are left out: the change itself took them away,
so that it can be repeated, as every other (a deletion, a member's own removal, a move elsewhere).

The records of a bulk's lines are kept whoever sends it, since their role may change, and looked up
by one statement for each noun.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import Struct
from starlette.responses import Response

from retainer.database.database import Db
from retainer.errors import NotFound
from retainer.http.request import Request
from retainer.http.routing import API, Route, Table

HEADER = "retainer-seen"  # stands among the kept headers, and is never answered
LINES = "lines:"  # before the route and the ids of all the lines' records of a noun


class Told(NamedTuple):
    """A record: a route that names it, and its ids there."""

    route: str
    ids: tuple[int, ...]

    def __str__(self) -> str:
        return "/".join([self.route, *map(str, self.ids)])


class _Answered(Struct):
    """A record in an answer."""

    id: int | None = None


class _AnsweredLine(Struct):
    """A line of the answer to a bulk."""

    body: _Answered | None = None


class _SentLine(Struct):
    """A line of a bulk."""

    path: str = ""
    method: str = ""


async def seen(request: Request, route: Route, response: Response, db: Db) -> str:
    """The records of a change that the viewer sees after it, as they are kept with the answer."""
    found = dict.fromkeys(_told(request, route, response))
    kept = [str(each) for each in found if await _is_seen(request, db, each)]
    if route.lines is not None:
        by_noun = _told_by_lines(request.app.table, request.raw, bytes(response.body))
        for noun, ids in by_noun.items():
            reader = _reader(request.app.table, noun)
            if reader is not None:
                now = await _seen_ids(request, db, noun, ids)
                kept.append(LINES + str(Told(reader.name, tuple(now))))
    return ",".join(kept)


async def refuse_unseen(request: Request, db: Db, kept: str) -> None:
    """Raise NotFound where the viewer no longer sees one of the records that were kept."""
    for text in filter(None, kept.split(",")):
        name, *numbers = text.removeprefix(LINES).split("/")
        ids = tuple(map(int, numbers))
        if not text.startswith(LINES):
            is_seen = await _is_seen(request, db, Told(name, ids))
        else:
            is_seen = await _are_seen(request, db, Told(name, ids))
        if not is_seen:
            raise NotFound


async def _are_seen(request: Request, db: Db, lines: Told) -> bool:
    """True when the viewer may read the records of a noun on some lines, and sees them all."""
    reader = request.app.table.by_name.get(lines.route)
    if reader is None:
        return True  # a release before this one knew it
    if not request.viewer.may(reader.permission):
        return False
    if request.viewer.scope == "all":  # who sees everything need not be asked line by line
        return True
    return len(await _seen_ids(request, db, reader.tag, set(lines.ids))) == len(lines.ids)


async def _seen_ids(request: Request, db: Db, noun: str, ids: set[int]) -> list[int]:
    """Those of the ids whose records the viewer sees."""
    rows = await db.rows(request.app.table.nouns[noun], ids=sorted(ids))
    request.extend_deadline()
    return sorted(row["id"] for row in rows)


async def _is_seen(request: Request, db: Db, told: Told) -> bool:
    route = request.app.table.by_name.get(told.route)
    if route is None or route.on is None:
        return True  # a release before this one knew it
    return await route.on(db, *told.ids)


def _told(request: Request, route: Route, response: Response) -> Iterator[Told]:
    table = request.app.table
    ids = [id for id in request.path_values.values() if isinstance(id, int)]
    if route.on is not None and len(ids) == len(route.parameters):
        yield Told((_same(table, route) or route).name, tuple(ids))
    if route.record and route.lines is None and response.body:
        record = msgspec.json.decode(response.body, type=_Answered)
        reader = _reader(table, route.tag)
        if record.id is not None and reader is not None:
            yield Told(reader.name, (record.id,))


def _same(table: Table, route: Route) -> Route | None:
    """The route that reads the record which this one's path names, where that has the same path."""
    reader = table.reader(route)
    if reader is None or reader.on is None:
        return None
    return reader


def _reader(table: Table, noun: str) -> Route | None:
    """The route that reads one record of a noun by its id."""
    reader = table.readers.get(f"/{noun}/{{id}}")
    if reader is None or reader.on is None:
        return None
    return reader


def _told_by_lines(table: Table, sent: bytes, answered: bytes) -> dict[str, set[int]]:
    """The ids of the records that the lines of a bulk answer, by their nouns."""
    found: dict[str, set[int]] = {}
    lines = [line for line in sent.split(b"\n") if line.strip()]
    for line, response in zip(lines, _answers(answered), strict=True):
        if response.body is None or response.body.id is None:
            continue
        asked = msgspec.json.decode(line, type=_SentLine)
        path = API + asked.path.partition("?")[0].removeprefix(API)
        routes, _ = table.find(path.strip("/").split("/"))
        route = (routes or {}).get(asked.method)
        if route is not None:
            found.setdefault(route.tag, set()).add(response.body.id)
    return found


def _answers(lines: bytes) -> Iterable[_AnsweredLine]:
    for line in lines.splitlines():
        try:
            yield msgspec.json.decode(line, type=_AnsweredLine)
        except msgspec.ValidationError:  # its body is no record
            yield _AnsweredLine()
