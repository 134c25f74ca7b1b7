"""Handlers of imports. They ask for jobs, which the worker begins; they write no record."""

from collections.abc import AsyncIterator

import msgspec
from asyncpg import Record
from msgspec import UNSET
from starlette.responses import Response, StreamingResponse

from retainer.database.database import Db, Values
from retainer.database.refusals import Retry
from retainer.database.stored import Stored
from retainer.errors import Conflict, FieldError, Invalid, NotFound, invalid
from retainer.exchange.imports import plan, store
from retainer.exchange.imports.columns import may_repeat
from retainer.exchange.imports.draft import draft_of, rows_of
from retainer.exchange.imports.model import (
    Decision,
    Found,
    ImportForm,
    ImportNoun,
    ImportState,
    ImportUpdate,
    RowOutcome,
    RowsDecided,
    Settings,
)
from retainer.exchange.imports.targets import TARGETS
from retainer.exchange.imports.values import METADATA
from retainer.http.request import Request
from retainer.http.responses import JSONResponse, record_response
from retainer.lists import formats
from retainer.lists.parameters import plain
from retainer.lists.response import Listing, list_response, list_response_of
from retainer.records.documents import upload
from retainer.records.documents.storage import Storage

BUSY = ("planning", "running")
DECIDED = (RowOutcome.CREATE, RowOutcome.UPDATE, RowOutcome.SKIP)
MOST_DECIDED = 5000  # rows in one request
UNDER_WAY = "state: it is being planned or run; cancel that first."
PASTED = "pasted cells.tsv"  # the name of cells that were pasted, which are no file
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods")


async def index(request: Request) -> Response:
    return await list_response(request)


async def create(request: Request) -> Response:
    """Keep the file, and have it planned by the mapping that its columns suggest."""
    async with upload.receive(request, ImportForm, request.app.settings.import_mb) as file:
        name = file.file_name or PASTED
        if not name.lower().endswith(ENDINGS):
            raise invalid("file", f"must be one of {', '.join(ENDINGS)}, and be called so")
        file.values |= {"file_name": name[-255:]}
        response = await upload.commit(request, file, lambda: _create(request, file.values))
    if response.status_code == 200:
        response.status_code = 201
    return response


async def _create(request: Request, values: Values) -> Stored:
    settings = msgspec.json.encode(Settings()).decode()
    made = await store.create(request.db, values | {"settings": settings})
    if made is None:
        raise Retry("The upload was given up; send it again.")
    return made


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def update(request: Request, id: int) -> Response:
    """Set how it is read and what its columns mean, and plan it anew."""
    async with request.db.transaction() as tx:
        row = await _lock(tx, id)
        _refuse_written(row["state"])
        noun, settings = _changed(row, request.data)
        _refuse_unknown_fields(noun, settings, is_own=_is_own_export(row))
        encoded = msgspec.json.encode(settings).decode()
        return record_response(
            await tx.stored(store.UPDATE, id=id, noun=noun.value, settings=encoded)
        )


async def delete(request: Request, id: int) -> Response:
    """Forget it: its rows, in parts, then its file. What it did stays."""
    row = await _lock(request.db, id)
    if row["state"] in BUSY:
        raise Conflict(UNDER_WAY)
    while await request.db.rows(store.CLEAR_ROWS, id=id):
        request.extend_deadline()
    key = await request.db.value(store.DELETE, id=id)
    if key is None:
        raise NotFound
    await request.app.get(Storage).delete(key)
    return Response(status_code=204)


async def run(request: Request, id: int) -> Response:
    """Have the plan carried out. Asked for again, it is the same run."""
    async with request.db.transaction() as tx:
        row = await _lock(tx, id)
        state = row["state"]
        if state in (ImportState.RUNNING, ImportState.DONE):
            made = record_response(await store.get(tx, id))
        elif state == ImportState.UNDONE:  # much may have changed since: it is planned again
            made = record_response(
                await tx.stored(store.UPDATE, id=id, noun=row["noun"], settings=row["settings"])
            )
        elif state == ImportState.PLANNED:
            made = record_response(await tx.stored(store.RUN, id=id))
        else:
            raise Conflict(f"state: is {state}, and only what is planned can be run.")
        made.status_code = 202
        return made


async def cancel(request: Request, id: int) -> Response:
    """End the plan or the run that is under way; nothing of it stays."""
    made = await request.db.stored(store.CANCEL, id=id)
    response = record_response(made or await store.get(request.db, id))
    response.status_code = 202
    return response


async def rows(request: Request, id: int) -> Response:
    """Its rows: as CSV the file's own columns and what is wrong, to be mended and imported."""
    if formats.preferred(request.headers.get("accept")) is formats.CSV:
        return await _rows_as_file(request, id)
    return await list_response_of(request, store.exists, id)


async def decide(request: Request, id: int, n: int) -> Response:
    """Decide what becomes of a row."""
    decided = await _decide(request, id, [n], request.data)
    if not decided:
        raise NotFound
    row = await request.db.value(store.ROW, id=id, n=n)
    return JSONResponse(row)


async def decide_all(request: Request, id: int) -> Response:
    """Decide what becomes of the rows that have an outcome, MOST_DECIDED at a time."""
    if request.data.outcome == RowOutcome.UPDATE:
        raise invalid("outcome", "update is decided for one row: PUT /imports/{id}/rows/{n}")
    numbers = await request.db.value(
        store.NUMBERS, id=id, outcome=request.query.outcome.value, most=MOST_DECIDED
    )
    decision = Decision(request.data.outcome)
    return JSONResponse(RowsDecided(await _decide(request, id, numbers or [], decision)))


async def _decide(request: Request, id: int, numbers: list[int], decision: Decision) -> int:
    """Plan rows anew as somebody decided; the number of rows."""
    if decision.outcome not in DECIDED:
        raise invalid("outcome", f"must be one of {', '.join(DECIDED)}")
    if decision.outcome == RowOutcome.UPDATE and decision.target_id is None:
        raise invalid("targetId", "is required for update; name the record that the row changes")
    if decision.outcome != RowOutcome.UPDATE and decision.target_id is not None:
        raise invalid("targetId", "is of update alone; leave it out")
    row = await request.db.row(store.STATE, id=id)
    if row is None:
        raise NotFound
    if row["state"] != ImportState.PLANNED:
        raise Conflict(f"state: is {row['state']}; rows are decided between plan and run.")
    settings = msgspec.json.decode(row["settings"], type=Settings)
    found = msgspec.json.decode(row["found"], type=Found)
    drafts = [
        draft_of(each, decision=msgspec.to_builtins(decision))
        for each in await request.db.rows(store.ROWS_OF, id=id, numbers=numbers)
    ]
    planned = plan.Plan(row["noun"], settings, found)
    for start in range(0, len(drafts), plan.PART):
        part = drafts[start : start + plan.PART]
        await planned.outcomes(request, part)
        await store.put_rows(request.db, id, rows_of(part))
        request.extend_deadline()
    await request.db.row(store.RECOUNT, id=id)
    return len(drafts)


async def _lock(tx: Db, id: int) -> Record:
    row = await store.lock(tx, id)
    if row is None:
        raise NotFound
    return row


def _refuse_written(state: str) -> None:
    if state in BUSY:
        raise Conflict(f"state: it is {state}; wait for the end, or cancel it.")
    if state == ImportState.DONE:
        raise Conflict("state: it is done; undo its operation first, or import the file again.")


def _changed(row: Record, body: ImportUpdate) -> tuple[ImportNoun, Settings]:
    """The noun and the settings after the change; of another noun without a mapping."""
    settings = msgspec.json.decode(row["settings"], type=Settings)
    noun = ImportNoun(row["noun"])
    if body.noun is not UNSET and body.noun != noun:
        noun, settings.mapping, settings.keys = body.noun, [], []
    if {body.sheet, body.header_row, body.delimiter, body.encoding} != {UNSET}:
        settings.mapping, settings.keys = [], []
    for name in Settings.__struct_fields__:
        value = getattr(body, name)
        if value is not UNSET:
            setattr(settings, name, value)
    return noun, settings


def _is_own_export(row: Record) -> bool:
    found = row["found"]
    return found is not None and msgspec.json.decode(found, type=Found).is_own_export


def _refuse_unknown_fields(noun: ImportNoun, settings: Settings, *, is_own: bool) -> None:
    """Raise Invalid for fields and keys that the noun lacks, and for what is given twice."""
    target = TARGETS[noun]
    wrong = []
    used: set[str] = set()
    for place, mapped in enumerate(settings.mapping):
        name = mapped.field
        if name is None or (name.startswith(METADATA) and "metadata" in target.fields):
            continue
        where = f"mapping[{place}].field"
        if name not in target.fields:
            wrong.append(FieldError(where, f"must be one of {', '.join(target.fields)}"))
        elif name in used and not may_repeat(target.fields[name]):
            wrong.append(FieldError(where, f"{name} is the field of another column already"))
        elif name == "id" and not (mapped.confirmed or is_own):
            words = "needs confirmed: true, for each row then changes the record of that id"
            wrong.append(FieldError(where, words))
        used.add(name)
    wrong += [
        FieldError(f"keys[{place}]", f"must be one of {', '.join(target.keys)}")
        for place, key in enumerate(settings.keys)
        if key not in target.keys
    ]
    if wrong:
        raise Invalid(*wrong)


async def _rows_as_file(request: Request, id: int) -> Response:
    row = await request.db.row(store.STATE, id=id)
    if row is None:
        raise NotFound
    query = request.query or plain(store.ROWS)
    listing = Listing(request.db, store.ROWS, query, formats.NDJSON, {"parent": id})
    header = []
    if row["found"] is not None:
        header = [one.column for one in msgspec.json.decode(row["found"], type=Found).columns]
    headers = {
        "content-type": formats.CSV.media_type,
        "content-disposition": f'attachment; filename="import-{id}-rows.csv"',
        "vary": "Accept",
    }
    return StreamingResponse(_lines(listing, header), headers=headers)


async def _lines(listing: Listing, header: list[str]) -> AsyncIterator[bytes]:
    yield formats.csv_line([*header, "problem"]).encode()
    async for chunk in listing.chunks():
        found = [msgspec.json.decode(line) for line in chunk.split(b"\n")]
        yield "".join(formats.csv_line([*row["values"], _problem(row)]) for row in found).encode()


def _problem(row: Values) -> str:
    told = [f"{one['field']}: {one['message']}" for one in row["problems"]]
    told += [f"may be {one['name']} ({one['id']})" for one in row["candidates"]]
    return "; ".join(told)
