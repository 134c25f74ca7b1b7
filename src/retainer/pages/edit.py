"""Edits of records by forms, field by field: only who changed the same field meanwhile is in
conflict, and a refused value is shown in its place, with the error below it.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound, PreconditionFailed, Problem, camel
from retainer.http.request import Request
from retainer.journal import changes
from retainer.journal.feed import titles_of
from retainer.journal.model import FieldChange
from retainer.lists.noun import Noun
from retainer.nouns import NOUNS
from retainer.pages import formatting, render
from retainer.pages.form import Fields
from retainer.pages.journal import diffs
from retainer.pages.record_picker import Candidate, candidates_of
from retainer.pages.submit import Result, perform

ATTEMPTS = 3  # of an edit during which others change other fields
# Of elements added to a list. Each that fails is a change of somebody else that was made.
LIST_ATTEMPTS = 30
_RECORD = re.compile(r"/([a-z]+)/(\d{1,16})", re.ASCII)
_VERSION = re.compile(r"(\d{1,16})-(\d{1,9})", re.ASCII)
_NOT_EDITED = {"version", "back", "list"}
_UNKNOWN = object()  # a value that equals none

Sent = dict[str, object]
Show = Callable[[Request, int], Awaitable[Response]]


class SameFields(Exception):  # it is no error: two people typed into one field
    """Others have changed fields of this edit since its form was shown."""

    def __init__(self, problem: PreconditionFailed, clashing: Sent, rest: Sent) -> None:
        super().__init__()
        self.problem = problem
        self.clashing = clashing
        self.rest = rest  # fields of the edit that nobody else has changed


class Refused(NamedTuple):
    """A value that was refused, for the page on which it was typed."""

    name: str  # of its property
    value: str
    message: str
    candidates: list[Candidate]  # records that an unclear name may mean


async def edit(
    request: Request,
    fields: Fields,
    name: str,
    id: int,
    path: str,
    sent: Sent,
    message: Callable[[Result], str],
    show: Show | None = None,
) -> Response:
    """Change a record as a form asks, by the API's route of this name, and redirect to `path` with
    `message` of the result.

    `fields` are those of the record's forms. `show` is the handler of its page, which shows a
    refused property in its place.
    """
    try:
        result = await save(request, name, id, path, sent)
    except SameFields as same:
        return await conflict(request, fields, same, path)
    except (Invalid, Conflict) as problem:
        return await refused(request, fields, problem, path, sent, show)
    where = render.return_path(request, path)
    return render.redirect(request, where, message(result), result.operation)


async def save(request: Request, name: str, id: int, path: str, sent: Sent) -> Result:
    """Change the fields that were sent. Raises SameFields where others have changed one of them
    since the form was shown, to another value.
    """
    how, record = request.data.get("list"), _RECORD.fullmatch(path)
    if how in ("add", "drop") and record and any(isinstance(v, list) for v in sent.values()):
        return await _save_elements(request, name, id, NOUNS[record[1]], sent)
    version = request.data.get("version")
    # The API finds the viewer's own tenant without an id.
    ids = [id] if request.app.table.by_name[name].parameters else []
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await perform(request, name, *ids, body=sent, version=version)
        except PreconditionFailed as problem:
            if attempt == ATTEMPTS:
                raise
            sent = await _without_changes_of_others(request, problem, path, sent)
            version = problem.headers["etag"][1:-1]
    raise AssertionError


async def _save_elements(request: Request, name: str, id: int, noun: Noun, sent: Sent) -> Result:
    """Add elements to the lists that were sent, or drop them. Whatever others change of the rest
    meanwhile stays, and is no conflict: the form names no other element.
    """
    assert noun.get is not None
    for attempt in range(1, LIST_ATTEMPTS + 1):
        stored = await noun.get(request.db, id)
        body = _with_elements(request.data["list"], stored.decode(dict[str, Any]), sent)
        try:
            return await perform(request, name, id, body=body, version=stored.etag)
        except PreconditionFailed:  # changed since it was read
            if attempt == LIST_ATTEMPTS:
                raise
    raise AssertionError


def _with_elements(how: str, present: dict[str, Any], sent: Sent) -> Sent:
    found = dict(sent)
    for name, given in sent.items():
        if not isinstance(given, list):
            continue
        kept = present.get(name) or []
        found[name] = [*kept, *given]
        if how == "drop":
            found[name] = [element for element in kept if element not in given]
    return found


async def _without_changes_of_others(
    request: Request, problem: PreconditionFailed, path: str, sent: Sent
) -> Sent:
    """The fields that this edit changes, compared with the version that its form showed. Raises
    SameFields.
    """
    if not problem.current:
        raise NotFound
    current = msgspec.json.decode(problem.current, type=dict[str, Any])
    before = await _values_before(request, path, current)
    # Links are rows of their own: the record's changes do not tell which ones there were.
    before |= {name: _UNKNOWN for name in sent if name.endswith("Ids")}
    clashing = {
        name: mine
        for name, mine in sent.items()
        if name in before and not (_same(mine, before[name]) or _same(mine, current.get(name)))
    }
    rest = {name: mine for name, mine in sent.items() if name not in before}
    if clashing:
        raise SameFields(problem, clashing, rest)
    return rest


async def _values_before(request: Request, path: str, current: dict[str, Any]) -> dict[str, Any]:
    """Values of the fields that were changed since the form was shown, as it showed them. A form
    that does not say which version it showed has shown none of the values that are there now.
    """
    shown = _VERSION.fullmatch(request.data.get("version", ""))
    record = _RECORD.fullmatch(path)
    if shown is None or record is None or shown[1] != record[2]:
        return dict.fromkeys(current, _UNKNOWN)
    found = await changes.values_before(request.db, record[1], int(shown[1]), int(shown[2]))
    if not found:  # the version is none that was
        return dict.fromkeys(current, _UNKNOWN)
    return found


def _same(one: object, other: object) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.strip() == other.strip()
    return one == other or (one in (None, "") and other in (None, ""))


class Versions(NamedTuple):
    """A field as others left it, and as it was typed."""

    label: str
    theirs: str
    mine: str


async def conflict(request: Request, fields: Fields, same: SameFields, path: str) -> Response:
    """Answer 409 because others have changed the same fields since the form was shown: show both
    versions of these, with the choice between them.
    """
    current = msgspec.json.decode(same.problem.current, type=dict[str, Any])
    version = same.problem.headers["etag"][1:-1]
    clashes = [FieldChange(name, current.get(name), mine) for name, mine in same.clashing.items()]
    titles = await titles_of(request.db, diffs.references(clashes))
    kept = {**same.clashing, **same.rest}
    again = {
        name: value
        for name, value in request.data.items()
        if name != "version" and (name in kept or name not in current)
    }
    noun = NOUNS[path.split("/")[1]]
    return await render.page(
        request,
        "layout/conflict.html",
        status=409,
        noun=noun,
        title=current.get(camel(noun.title)) or formatting.label(noun.singular),
        rows=[_versions(fields, change, titles) for change in clashes],
        version=version,
        fields=again,
        action=request.path,
        record=path,
        by=await _changed_by(request, path, version),
    )


def _versions(fields: Fields, change: FieldChange, titles: diffs.Titles) -> Versions:
    theirs, mine = (
        diffs.plain(change.field, value, titles) for value in (change.before, change.after)
    )
    return Versions(fields.label(change.field), theirs, mine)


async def _changed_by(request: Request, path: str, version: str) -> dict[str, str] | None:
    """Author and time of the change since the form was shown; None if the viewer may not know."""
    shown = _VERSION.fullmatch(request.data.get("version", ""))
    record = _RECORD.fullmatch(path)
    if not (shown and record and version.startswith(f"{shown[1]}-")):
        return None
    if not request.viewer.may("history.read"):
        return None
    return await changes.last_change(request.db, record[1], int(shown[1]), int(shown[2]))


async def refused(
    request: Request,
    fields: Fields,
    problem: Problem,
    path: str,
    sent: Sent,
    show: Show | None = None,
) -> Response:
    """Answer that a value is refused. A property is shown again in its place, as it was typed, with
    the error below it; a form of several fields as a form with the error beside each.

    htmx replaces the property alone, so that nothing else on the page is touched.
    """
    record = _RECORD.fullmatch(path)
    place = _property(request)
    if show is None or record is None or place is None:
        return await _not_saved(request, fields, problem, path, sent)
    message = _message(fields, render.field_errors(problem), place)
    request.state.refused = Refused(
        place, request.data.get(place, ""), message, candidates_of(problem)
    )
    response = await show(request, int(record[2]))
    response.status_code = problem.status
    response.headers["hx-retarget"] = f"#property-{place}"
    response.headers["hx-reselect"] = f"#property-{place}"
    response.headers["hx-reswap"] = "outerMorph show:none"
    response.headers["hx-push-url"] = "false"
    return response


def _property(request: Request) -> str | None:
    """Name of the property whose form this is; None for a form of several fields."""
    names = set(request.data) - _NOT_EDITED
    # A record that was picked among several of a name is named by its id, too.
    edited = [name for name in names if name.removesuffix("Id") not in names - {name}]
    if len(edited) == 1 and "version" in request.data:
        return str(edited[0])
    return None


def _message(fields: Fields, errors: dict[str, str], place: str) -> str:
    """The errors of a property in one sentence or more."""
    sentences = []
    for name, message in errors.items():
        about = "This "
        if not name:  # of no field: a sentence by itself
            about = ""
        elif name.removesuffix("Id") != place.removesuffix("Id"):
            about = f"{fields.label(name)} "
        sentences.append(f"{about}{message}".rstrip(".") + ".")
    return " ".join(sentences)


async def _not_saved(
    request: Request, fields: Fields, problem: Problem, path: str, sent: Sent
) -> Response:
    return await render.page(
        request,
        "layout/not_saved.html",
        status=problem.status,
        errors=render.field_errors(problem),
        action=path,
        fields=fields,
        values=dict(request.data),
        sent=list(sent),
        record=path,
    )
