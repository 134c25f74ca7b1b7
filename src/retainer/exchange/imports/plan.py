"""The outcome of rows: which record each is of, what it changes, and whether the database takes it.

A row is tried as the run will write it, by the same handlers, and rolled back. So nothing has to
say a second time what is right.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby

import msgspec
from starlette.responses import Response

from retainer.database import exact_json
from retainer.database.database import Db, Rollback, Values
from retainer.database.parts import plan_by_indexes
from retainer.errors import FieldError, Forbidden, Invalid, Problem
from retainer.exchange.imports import store
from retainer.exchange.imports.draft import Draft, draft_of
from retainer.exchange.imports.model import (
    ColumnMapping,
    Empty,
    Found,
    OnDuplicate,
    RowOutcome,
    Settings,
)
from retainer.exchange.imports.references import Resolver
from retainer.exchange.imports.targets import TARGETS, Target, key_of
from retainer.exchange.imports.values import convert
from retainer.http.body import decode
from retainer.http.bulk.lines import Line
from retainer.http.bulk.run import Result, Run
from retainer.http.request import Request

PART = 500  # rows that are planned or run at once
MOST_CANDIDATES = 5
NO_RECORD = "is no record that is there; it may be in the trash, or another installation's"
UNIQUE = ("externalId", "email", "domains")  # fields that no two records share


class Plan:
    """The plan of one import. Keys that rows of the file have are remembered, for a second row with
    one is refused.
    """

    def __init__(self, noun: str, settings: Settings, found: Found) -> None:
        self.target: Target = TARGETS[noun]
        self.settings = settings
        self.is_own_export = found.is_own_export
        meant = {mapped.column: mapped for mapped in settings.mapping if mapped.field}
        # What each column of the file means, from the left; None: it is left out.
        self.columns = [meant.pop(column.column, None) for column in found.columns]
        # What is meant of no column of the file is the value of each new record.
        self.defaults: dict[str, str] = dict(self.target.defaults)
        for mapped in meant.values():
            if mapped.field and mapped.default:
                self.defaults[mapped.field] = mapped.default
        self.plain = [
            mapped if mapped and not self._refers(mapped) else None for mapped in self.columns
        ]
        self.keys = [key for key in settings.keys if key in self.target.keys]
        self.seen: dict[tuple[str, str], int] = {}

    def _refers(self, mapped: ColumnMapping) -> bool:
        field = self.target.fields.get(mapped.field or "")
        return field is not None and field.refers_to != ""

    async def outcomes(self, request: Request, drafts: list[Draft]) -> list[Draft]:
        """The outcome of each of some rows."""
        for draft in drafts:
            self._read(draft)
        resolver = Resolver(request.db, self.target, self.columns, takes_ids=self.is_own_export)
        await resolver.resolve(drafts)
        await self._find_targets(request.db, drafts)
        for draft in drafts:
            self._decide(draft)
        await self._compare(request.db, drafts)
        if self.settings.on_duplicate != OnDuplicate.CREATE:
            await self._find_namesakes(request.db, drafts)
        await self._try(request, drafts)
        return drafts

    def _read(self, draft: Draft) -> None:
        """Read its cells as values of the API."""
        converted = convert(
            draft.cells, self.plain, self.target.fields, own_export=self.is_own_export
        )
        draft.body = converted.body
        for field, words in converted.warnings:
            draft.warn(FieldError(field, words))
        if converted.problems:
            draft.refuse(*(FieldError(field, words) for field, words in converted.problems))

    async def _find_targets(self, db: Db, drafts: list[Draft]) -> None:
        """Find the record of each row by the first key that finds one."""
        for name in self.keys:
            values = {v for d in drafts if d.is_open for v in key_of(name, d.body)}
            if not values:
                continue
            rows = await db.rows(self.target.keys[name], values=sorted(values))
            found = {row["key"]: row["id"] for row in rows}
            for draft in drafts:
                typed = key_of(name, draft.body)
                ids = [found[v] for v in typed if v in found]
                if ids and draft.target_id is None:
                    draft.target_id = ids[0]
                elif name == "id" and typed and draft.is_open:
                    # Never a new record: it would get another id.
                    draft.refuse(FieldError("id", f"{typed[0]} {NO_RECORD}"))
        for draft in drafts:
            self._refuse_repeated(draft)
            draft.body.pop("id", None)

    def _refuse_repeated(self, draft: Draft) -> None:
        """Refuse it if a row before it has one of its keys."""
        for name in {*self.keys, *UNIQUE}:
            key = "domain" if name == "domains" else name
            for value in key_of(key, draft.body):
                first = self.seen.setdefault((key, value.casefold()), draft.n)
                if first != draft.n and draft.is_open:
                    draft.refuse(FieldError(key, f"{value} is in row {first} already"))

    def _decide(self, draft: Draft) -> None:
        """Give it the outcome that somebody decided, else the one that its keys give."""
        decision = draft.decision or {}
        if decision.get("outcome") == RowOutcome.SKIP:
            draft.outcome, draft.problems = RowOutcome.SKIP, []
            return
        if decision.get("outcome") == RowOutcome.CREATE:
            draft.target_id = None
        elif decision.get("targetId"):
            draft.target_id = decision["targetId"]
        if draft.is_open and draft.target_id is not None:
            draft.outcome = RowOutcome.UPDATE

    async def _compare(self, db: Db, drafts: list[Draft]) -> None:
        """Of each update leave the fields that it changes."""
        updates = [draft for draft in drafts if draft.outcome == RowOutcome.UPDATE]
        rows = await db.rows(self.target.read, ids=[draft.target_id for draft in updates])
        now = {row["id"]: msgspec.json.decode(row["json"]) for row in rows}
        for draft in updates:
            record = now.get(draft.target_id)
            if record is None:
                draft.refuse(FieldError("targetId", "is no record that is there"))
                continue
            self._compare_one(draft, record)
        for draft in drafts:
            if draft.outcome == RowOutcome.CREATE:
                self._complete(draft)

    def _compare_one(self, draft: Draft, record: Values) -> None:
        body = {k: v for k, v in draft.body.items() if k in self.target.updatable}
        if self.settings.empty == Empty.CLEAR:
            body = self._cleared() | body
        if isinstance(body.get("metadata"), dict):
            body["metadata"] = {**(record.get("metadata") or {}), **body["metadata"]}
        try:
            wanted = self._as_kept(body)
        except Invalid as problem:
            draft.refuse(*problem.errors)
            return
        draft.body = {
            name: value for name, value in wanted.items() if not same(value, record.get(name))
        }
        draft.changes = [
            {"field": name, "before": record.get(name), "after": value}
            for name, value in draft.body.items()
        ]
        if not draft.body:
            draft.outcome = RowOutcome.UNCHANGED

    def _cleared(self) -> Values:
        """The values of fields that empty cells clear."""
        named = [mapped.field or "" for mapped in self.columns if mapped]
        fields = [self.target.fields[name] for name in named if name in self.target.updatable]
        cleared: Values = {field.name: None for field in fields if field.is_nullable}
        return cleared | {field.name: [] for field in fields if field.type == "array"}

    def _as_kept(self, body: Values) -> Values:
        """A body of a change as the record will have it. Raises Invalid."""
        decoded = decode(msgspec.json.encode(body), self.target.update)
        # By way of JSON: a number of metadata is a Decimal here, and a float in records.
        kept = msgspec.json.decode(exact_json.encode(decoded))
        for name in body:
            if self.target.fields[name].type == "moment" and kept.get(name):
                moment = datetime.fromisoformat(kept[name]).astimezone(UTC)
                kept[name] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {name: kept[name] for name in body if name in kept}

    def _complete(self, draft: Draft) -> None:
        """Give a new record the defaults of its noun."""
        for name, value in self.defaults.items():
            if draft.body.get(name) in (None, ""):
                draft.body[name] = value

    async def _find_namesakes(self, db: Db, drafts: list[Draft]) -> None:
        """Mark new rows whose name a record has."""
        statement = self.target.namesakes
        new = [d for d in drafts if d.outcome == RowOutcome.CREATE and not d.decision]
        if statement is None or not new:
            return
        title = self.target.title
        names = sorted({str(d.body[title]) for d in new if d.body.get(title)})
        found: dict[str, list[Values]] = {}
        for row in await db.rows(statement, values=names):
            found.setdefault(row["key"], []).append(
                {"id": row["id"], "name": row["name"], "reasons": ["the same name"]}
            )
        for draft in new:
            draft.candidates = found.get(str(draft.body.get(title)), [])[:MOST_CANDIDATES]
            if draft.candidates:
                draft.outcome = RowOutcome.DUPLICATE
                if self.settings.on_duplicate == OnDuplicate.SKIP:
                    draft.outcome = RowOutcome.SKIP

    async def _try(self, request: Request, drafts: list[Draft]) -> None:
        """Write what is to be written, and roll it back."""
        written = [draft for draft in drafts if draft.is_open]
        undecided = [draft for draft in drafts if draft.outcome == RowOutcome.DUPLICATE]
        if not written and not undecided:
            return
        with suppress(Rollback):
            # A decision may be a part of a transaction, of which this part alone is rolled back.
            async with request.db.transaction() as tx, tx.savepoint():
                await plan_by_indexes(tx)
                results = await write(request, tx, self.target, [*written, *undecided])
                for draft, result in zip([*written, *undecided], results, strict=True):
                    if isinstance(result, Problem):
                        draft.refuse(*problems_of(result))
                raise Rollback


async def write(
    request: Request, tx: Db, target: Target, drafts: Sequence[Draft]
) -> list[Response | Problem]:
    """The results of the rows' writes, in the open transaction; a refused one leaves nothing."""
    run = Run(request, is_lenient=True)
    results: list[Result] = []
    lines = [Line(request, draft.n, target.write(draft.body, draft.target_id)) for draft in drafts]
    for _, alike in groupby(lines, key=lambda line: id(line.route)):
        results += await run.results(tx, list(alike))
    return [result for _, result in results]


def problems_of(problem: Problem) -> Iterable[FieldError]:
    """The reasons of a refusal, by field."""
    if isinstance(problem, Invalid) and problem.errors:
        return problem.errors
    if isinstance(problem, Forbidden):
        return [FieldError("row", problem.detail)]
    field, colon, rest = problem.detail.partition(": ")
    if colon and field.isidentifier():
        return [FieldError(field, rest)]
    return [FieldError("row", problem.detail)]


def same(value: object, kept: object) -> bool:
    """True for values that are the same record, whatever their order of keys."""
    return value == kept or (value in (None, "", []) and kept in (None, "", []))


async def part(db: Db, id: int, after: int, outcomes: Iterable[str]) -> list[Draft]:
    """The next rows of an import behind a number, with one of these outcomes."""
    rows = await db.rows(store.NEXT_ROWS, id=id, after=after, outcomes=list(outcomes), most=PART)
    return [draft_of(row) for row in rows]
