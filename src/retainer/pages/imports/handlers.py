"""Pages of imports: the list, the upload, and the page of one import in each of its states."""

from msgspec import Struct
from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound, Problem, TooLarge, invalid
from retainer.exchange.imports import store
from retainer.exchange.imports.model import (
    Import,
    ImportNoun,
    ImportRow,
    ImportState,
    RowOutcome,
    RowsDecided,
    RowsQuery,
)
from retainer.exchange.imports.targets import TARGETS
from retainer.http.request import WEB, Request
from retainer.journal.feed import titles_of
from retainer.lists.parameters import plain
from retainer.pages import render
from retainer.pages.imports import columns, outcomes
from retainer.pages.imports.templates import template
from retainer.pages.list_page import paginate
from retainer.pages.submit import perform, upload

PROGRESS = "import-progress"  # the part of a page that asks for itself anew
WAITING = (ImportState.UPLOADED, ImportState.PLANNING, ImportState.RUNNING)
MOST_CELLS = 3  # of a row beside its number
# Fields whose cells tell best which row it is; after the title and the keys.
FIRST_FIELDS = ("name", "fullName", "title", "text", "organizationId", "contactId")


class ListedImport(Struct, rename="camel"):
    """An import in the list."""

    id: int
    noun: str
    file_name: str
    state: ImportState
    counts: dict[str, int]
    user_id: int
    created_at: str


async def index(request: Request) -> Response:
    """Show the imports, the newest first."""
    query = request.query or plain(store.LIST)
    fields = ListedImport.__struct_encode_fields__
    request.query = query._replace(fields=fields)
    page = await paginate(request, store.LIST, ListedImport)
    people = await _names(request, {row.user_id for row in page.rows})
    return await render.page(
        request, "imports/list.html", page=page, people=people, words=outcomes, nouns=outcomes.NOUNS
    )


async def _names(request: Request, users: set[int]) -> dict[int, str]:
    found = await titles_of(request.db, {("users", id) for id in users})
    return {id: title for (_, id), title in found.items()}


async def new(request: Request) -> Response:
    """Show where a file is dropped or cells are pasted; `noun` says which records they are."""
    return await _form(request, request.query.get("noun", ""))


async def _form(request: Request, noun: str, problem: Problem | None = None) -> Response:
    settings = request.app.settings
    if noun not in outcomes.NOUNS:
        noun = ImportNoun.ORGANIZATIONS.value
    return await render.page(
        request,
        "imports/new.html",
        status=problem.status if problem else 200,
        noun=noun,
        nouns=outcomes.NOUNS,
        most_mb=settings.import_mb,
        most_rows=settings.import_rows,
        told=columns.told(problem, None),
    )


async def show_template(request: Request) -> Response:
    """Answer the file that people fill in for a noun."""
    noun = request.query.get("noun", ImportNoun.ORGANIZATIONS.value)
    if noun not in outcomes.NOUNS:
        raise invalid("noun", f"must be one of {', '.join(outcomes.NOUNS)}")
    headers = {"content-disposition": f'attachment; filename="{noun}-template.csv"'}
    return Response(template(noun), headers=headers, media_type="text/csv; charset=utf-8")


async def create(request: Request) -> Response:
    """Keep the file, or the cells that were pasted, and have its columns found."""
    if request.data is not None:
        problem = invalid("file", "is required; choose one, or paste cells")
        return await _form(request, request.data.get("noun", ""), problem)
    try:
        result = await upload(request, "createImport")
    except (Invalid, TooLarge) as problem:
        return await _form(request, request.upload_fields.get("noun", [""])[-1], problem)
    return render.redirect(request, f"/imports/{result.record(Import).id}")


async def show(request: Request, id: int) -> Response:
    """Show how far the import is: its progress, its plan, or what it did."""
    return await _show(request, id)


async def _show(request: Request, id: int, problem: Problem | None = None) -> Response:
    found = await _read(request, id)
    if found.state in WAITING:
        return await _page(request, found, "imports/progress.html", problem)
    if render.target(request) == PROGRESS:  # it has ended: the whole page shows how
        return render.elsewhere(f"/imports/{id}")
    page = await paginate(request, store.ROWS, ImportRow, parent=id)
    return await _page(
        request,
        found,
        "imports/import.html",
        problem,
        page=page,
        cells=_cells(found),
        path_of=found.noun,
        has_page=bool(TARGETS[found.noun].title),
        is_decided_here=found.state == ImportState.PLANNED,
    )


async def _page(
    request: Request, found: Import, name: str, problem: Problem | None, **values: object
) -> Response:
    people = await _names(request, {found.user_id})
    missing = columns.missing_of(found) if found.found else []
    return await render.page(
        request,
        name,
        status=problem.status if problem else 200,
        found=found,
        base=f"/imports/{found.id}",
        who=people.get(found.user_id, ""),
        nouns=outcomes.NOUNS,
        words=outcomes,
        told=columns.told(problem, found),
        missing=missing,
        **values,
    )


async def _read(request: Request, id: int) -> Import:
    stored = await store.get(request.db, id)
    if stored is None:
        raise NotFound
    return stored.decode(Import)


def _cells(found: Import) -> list[tuple[int, str]]:
    """The places and headers of the cells that tell rows apart, at most three."""
    used = [one for one in columns.columns_of(found) if one.mapped.field]
    first = [*FIRST_FIELDS, "email", "domains", "externalId"]
    order = {name: place for place, name in enumerate(first)}
    used.sort(key=lambda one: order.get(one.mapped.field or "", len(order)))
    shown = used or columns.columns_of(found)
    return [(one.at, one.name) for one in shown[:MOST_CELLS]]


async def show_columns(request: Request, id: int) -> Response:
    """Show what each column means, to be changed."""
    return await _columns_page(request, await _read(request, id))


async def _columns_page(
    request: Request, found: Import, problem: Problem | None = None
) -> Response:
    return await _page(
        request,
        found,
        "imports/columns.html",
        problem,
        columns=columns.columns_of(found),
        presets=columns.presets_of(found),
        keys=columns.keys_of(found),
        form=columns,
        sheets=[(name, name) for name in found.found.sheets] if found.found else [],
        is_changeable=found.state not in (*WAITING, ImportState.DONE),
    )


async def save_columns(request: Request, id: int) -> Response:
    """Set what the columns mean; the rows are planned anew."""
    found = await _read(request, id)
    return await _plan_again(request, found, columns.body_of(request.data, found))


async def save_reading(request: Request, id: int) -> Response:
    """Set how the file is read; its columns are found anew."""
    found = await _read(request, id)
    return await _plan_again(request, found, columns.reading_of(request.data, found))


async def _plan_again(request: Request, found: Import, body: dict[str, object]) -> Response:
    try:
        await perform(request, "updateImport", found.id, body=body)
    except (Invalid, Conflict) as problem:
        return await _columns_page(request, found, problem)
    return render.redirect(request, f"/imports/{found.id}")


async def plan_again(request: Request, id: int) -> Response:
    """Plan it anew, by the same columns."""
    return await _change(request, id, "updateImport", body={})


async def decide(request: Request, id: int, n: int) -> Response:
    """Decide what becomes of one row: `decision` is create, skip, or update and the record's id."""
    outcome, _, record = request.data.get("decision", "").partition(" ")
    body: dict[str, object] = {"outcome": outcome}
    if record:
        body["targetId"] = int(record) if record.isascii() and record.isdigit() else record
    try:
        result = await perform(request, "decideImportRow", id, n, body=body)
    except (Invalid, Conflict) as problem:
        return await _show(request, id, problem)
    decided = result.record(ImportRow).outcome
    path = render.return_path(request, f"/imports/{id}")
    return render.redirect(request, path, f"Row {n}: {outcomes.OUTCOMES[decided][0]}")


async def decide_all(request: Request, id: int) -> Response:
    """Decide what becomes of all rows that have an outcome, part by part."""
    given, decision = request.data.get("outcome", ""), request.data.get("decision", "")
    try:
        # A refused row stays refused whatever is decided, and there would be no end.
        if given not in tuple(RowOutcome) or given in (decision, RowOutcome.REFUSED):
            raise invalid("outcome", "must be another one that rows have")
        query, total = RowsQuery(RowOutcome(given)), 0
        while count := await _decide_some(request, id, query, decision):
            total += count
    except (Invalid, Conflict) as problem:
        return await _show(request, id, problem)
    told = "left out" if decision == RowOutcome.SKIP else "looked at as new records"
    return render.redirect(request, f"/imports/{id}", f"{outcomes.rows(total)} {told}")


async def _decide_some(request: Request, id: int, query: RowsQuery, decision: str) -> int:
    """Decide rows, as many as one change takes; their number, 0 when none is left."""
    body = {"outcome": decision}
    result = await perform(request, "decideImportRows", id, body=body, query=query)
    request.extend_deadline()
    return result.record(RowsDecided).rows


async def export_rows(request: Request, id: int) -> Response:
    """Answer rows as the file has them, with a column that says what is wrong."""
    route = request.app.table.by_name["listImportRows"]
    inner = request.inner(route, WEB, accept="text/csv")
    inner.query = request.query
    response: Response = await route.handler(inner, id)
    return response


async def run(request: Request, id: int) -> Response:
    """Have the plan carried out."""
    return await _change(request, id, "runImport")


async def cancel(request: Request, id: int) -> Response:
    """End what is under way."""
    return await _change(request, id, "cancelImport")


async def _change(request: Request, id: int, name: str, body: object = None) -> Response:
    try:
        await perform(request, name, id, body=body)
    except (Invalid, Conflict) as problem:
        return await _show(request, id, problem)
    return render.redirect(request, f"/imports/{id}")


async def delete(request: Request, id: int) -> Response:
    """Forget it: its file and its rows."""
    found = await _read(request, id)
    try:
        await perform(request, "deleteImport", id)
    except Conflict as problem:
        return await _show(request, id, problem)
    return render.redirect(request, "/imports", f"Forgot the import of {found.file_name}")
