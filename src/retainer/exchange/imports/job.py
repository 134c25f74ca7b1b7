"""The jobs of an import: reading and planning its file, and the run. Each has a process of its own
(server/job.py), so that no request waits for it; a killed one leaves nothing, and is begun again
once.
"""

import tempfile
from typing import BinaryIO

import msgspec
from asyncpg import Record

from retainer.database.database import Db, Rollback
from retainer.database.parts import plan_by_indexes
from retainer.database.refusals import Retry, SessionChanged
from retainer.errors import Conflict, FieldError, Problem
from retainer.exchange.imports import store
from retainer.exchange.imports.columns import is_own_export, propose
from retainer.exchange.imports.draft import WRITTEN, Draft, rows_of
from retainer.exchange.imports.model import Found, FoundColumn, ImportState, Settings
from retainer.exchange.imports.plan import PART, Plan, part, problems_of, write
from retainer.exchange.imports.targets import TARGETS, Target
from retainer.files.sandbox import Unreadable
from retainer.files.spreadsheets import read
from retainer.files.table import ReadOptions, Row, Table
from retainer.http.request import Request
from retainer.http.services import Services
from retainer.permissions import Viewer
from retainer.records.documents.storage import Storage

ATTEMPTS = 2  # of a job that a kill ended
CONFLICTS = 3  # of a run that meets a deadlock
SAMPLES, SHOWN = 5, 200  # values of a column that are shown, and characters of each
MOST_SHEETS = 200  # names that are shown
MOST_CHARACTERS = 32_767  # of a cell, as a workbook has them
LOOKED_AT = 200  # rows by which a column's meaning is proposed
ACTION = "runImport"

NOT_ALLOWED = "It was ended: who asked for it is no longer active, or has another role."
CUT_SHORT = "It was cut short twice, by a kill of its process or of the server. Begin it again."


class Ended(Rollback):
    """The job is to end, and all that it did to be rolled back; the reason is for people."""


class Job:
    """A job of one import, for the user who asked for it."""

    def __init__(self, app: Services, viewer: Viewer, id: int) -> None:
        self.app, self.id = app, id
        scope = {"type": "http", "method": "POST", "path": f"/api/imports/{id}/runs", "headers": []}
        self.request = Request(app, scope, _nothing, f"import-{id}")
        self.request.session_viewer = viewer
        self.request.channel = "import"
        self.db: Db = app.database.of(viewer, self.request.id, ACTION, "import", "imports")
        self.request.db = self.db
        self.total = self.done = 0

    async def work(self) -> None:
        """Do what the import waits for, and keep how it ended."""
        job = await self.db.row(store.JOB, id=self.id)
        if job is None or job["state"] not in (ImportState.PLANNING, ImportState.RUNNING):
            return
        try:
            await self._begin(job)
            if job["state"] == ImportState.PLANNING:
                await self._plan(job)
                await self._end(ImportState.PLANNED)
            else:
                await self._run_again_after_conflicts(job)
        except Ended as reason:
            await self._end(ImportState.CANCELLED, str(reason) or None)
        except SessionChanged:
            await self._end(ImportState.CANCELLED, NOT_ALLOWED)
        except Unreadable as reason:
            await self._end(ImportState.FAILED, str(reason))
        except Problem as problem:
            if problem.status >= 500:
                raise  # of the database or the storage: the next worker takes it up again
            await self._end(ImportState.FAILED, problem.detail)

    async def _begin(self, job: Record) -> None:
        attempts = await self.db.value(store.BEGIN, id=self.id, state=job["state"])
        if attempts is None:
            raise Ended
        if attempts > ATTEMPTS:
            raise Conflict(CUT_SHORT)

    async def _end(
        self, state: ImportState, problem: str | None = None, operation: int | None = None
    ) -> None:
        await self.db.row(
            store.END, id=self.id, state=state.value, problem=problem, operation_id=operation
        )

    async def _go_on(self, done: int) -> None:
        """Tell how far it is. Raises Ended when it has been cancelled."""
        row = await self.db.row(store.PROGRESS, id=self.id, done=done, total=self.total)
        if row is None or row["is_cancelled"]:
            raise Ended

    async def _plan(self, job: Record) -> None:
        while await self.db.rows(store.CLEAR_ROWS, id=self.id):
            await self._go_on(0)
        settings = msgspec.json.decode(job["settings"], type=Settings)
        with tempfile.TemporaryFile() as file:
            await self._fetch(job, file)
            await self._plan_file(job, settings, file)

    async def _fetch(self, job: Record, file: BinaryIO) -> None:
        storage = self.app.get(Storage)
        async for chunk in await storage.get(job["storage_key"], 0, job["size"]):
            file.write(chunk)
        file.seek(0)

    async def _plan_file(self, job: Record, settings: Settings, file: BinaryIO) -> None:
        options = ReadOptions(
            settings.sheet, settings.header_row, settings.delimiter, settings.encoding
        )
        most = self.app.settings.import_rows
        table: Table | None = None
        plan: Plan | None = None
        async for found in read(file, job["file_name"], options, most):
            if isinstance(found, Table):
                table = found
                continue
            assert table is not None  # it comes first
            plan = plan or await self._begin_plan(job, settings, table, found)
            self.total += len(found)
            await self._plan_rows(plan, found)
        if plan is None:
            raise Unreadable("There are no rows below the header.")

    async def _plan_rows(self, plan: Plan, rows: list[Row]) -> None:
        for start in range(0, len(rows), PART):
            drafts = [_draft(*row) for row in rows[start : start + PART]]
            await plan.outcomes(self.request, drafts)
            await store.put_rows(self.db, self.id, rows_of(drafts))
            self.done += len(drafts)
            await self._go_on(self.done)

    async def _begin_plan(
        self, job: Record, settings: Settings, table: Table, first: list[Row]
    ) -> Plan:
        """The plan, once the header and the first rows are known; without a mapping, with the one
        that is proposed.
        """
        target: Target = TARGETS[job["noun"]]
        samples = [cells for _, cells in first[:LOOKED_AT]]
        own = is_own_export(job["noun"], table.header)
        columns = [
            FoundColumn(
                name,
                [row[at][:SHOWN] for row in samples if at < len(row) and row[at]][:SAMPLES],
                table.warnings.get(name),
            )
            for at, name in enumerate(table.header)
        ]
        found = Found(table.kind, table.sheets[:MOST_SHEETS], columns, own)
        if not settings.mapping:
            fields = list(target.fields.values())
            settings.mapping = propose(job["noun"], fields, table.header, samples)
            settings.keys = [
                key
                for key in target.keys
                if any(_is_key(key, mapped.field) for mapped in settings.mapping)
            ]
        settings.sheet = settings.sheet or table.sheet
        settings.header_row, settings.delimiter = table.header_row, table.delimiter
        settings.encoding = table.encoding
        await self.db.row(
            store.FOUND,
            id=self.id,
            found=msgspec.json.encode(found).decode(),
            settings=msgspec.json.encode(settings).decode(),
        )
        return Plan(job["noun"], settings, found)

    async def _run_again_after_conflicts(self, job: Record) -> None:
        for attempt in range(1, CONFLICTS + 1):
            try:
                await self._run(job)
            except Retry:
                if attempt == CONFLICTS:
                    raise
            else:
                return

    async def _run(self, job: Record) -> None:
        """Write all rows in one transaction, in which the import is done, too."""
        target = TARGETS[job["noun"]]
        self.total = job["total"]
        outcome = [each.value for each in WRITTEN]
        done = after = 0
        async with self.db.transaction() as tx:
            await plan_by_indexes(tx)
            while drafts := await part(tx, self.id, after, outcome):
                after = drafts[-1].n
                results = await write(self.request, tx, target, drafts)
                for draft, result in zip(drafts, results, strict=True):
                    if isinstance(result, Problem):
                        draft.refuse(*problems_of(result))
                    elif draft.target_id is None and result.body:
                        draft.target_id = msgspec.json.decode(result.body)["id"]
                await store.note_results(tx, self.id, rows_of(drafts))
                done += len(drafts)
                await self._go_on(done)
            operation = await tx.value(store.RUNNING_OPERATION)
            await tx.row(
                store.END,
                id=self.id,
                state=ImportState.DONE.value,
                problem=None,
                operation_id=operation,
            )


def _draft(n: int, cells: list[str]) -> Draft:
    """A row as it is read; refused if a cell is too long to be kept whole."""
    draft = Draft(n, [cell[:MOST_CHARACTERS] for cell in cells])
    if draft.cells != cells:
        words = f"has a cell of more than {MOST_CHARACTERS:,} characters; shorten it"
        draft.refuse(FieldError("row", words))
    return draft


def _is_key(key: str, field: str | None) -> bool:
    return field == ("domains" if key == "domain" else key)


async def _nothing() -> dict[str, object]:
    return {"type": "http.disconnect"}
