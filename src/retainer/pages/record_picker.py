"""A record that a form names in words, where there are too many for a list: its name, or "name #12"
where several share it. Browsers propose names while one types; without scripts the answer to an
unclear one offers what comes near.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from retainer.errors import FieldError, Invalid
from retainer.http.request import Request
from retainer.identity.users import store as users
from retainer.lists.spec import ListSpec
from retainer.pages import formatting
from retainer.pages.list_page import find
from retainer.records.organizations import store as organizations

MAX_CANDIDATES = 8  # records offered for a name that is none
# By which of its fields a record is found, the first its name; and which are shown beside it.
NAME_FIELDS = {"organization": ("name",), "contact": ("fullName", "email")}
NOTE_FIELDS = {"organization": ("type", "status"), "contact": ("email", "title")}
_ID = re.compile(r"\d{1,15}", re.ASCII)
_NUMBERED = re.compile(r"#(\d{1,15})$", re.ASCII)
_ADDRESSED = re.compile(r"<([^<>\s]+@[^<>\s]+)>$")  # as mail programs write people


class Candidate(NamedTuple):
    """A record that may be meant; `exact_name` names it alone, among those that were found with it."""

    id: int
    name: str
    exact_name: str
    note: str


class UnclearName(Invalid):
    """No single record has the name; `candidates` are those that come near."""

    def __init__(self, field: str, message: str, candidates: list[Candidate]) -> None:
        super().__init__(FieldError(field, message))
        self.candidates = candidates


def is_id(text: str) -> bool:
    """Whether a parameter or a field may be the id of a record."""
    return _ID.fullmatch(text) is not None


def candidates_of(problem: Exception | None) -> list[Candidate]:
    """What comes near to the name that a form was refused for."""
    return problem.candidates if isinstance(problem, UnclearName) else []


async def colleagues(request: Request) -> list[tuple[int, str]]:
    """Colleagues as choices, oneself first; for those who may know them."""
    if not request.viewer.may("users.names"):
        return []
    found = [(one["id"], one["fullName"]) for one in await find(request, users.NAMES, limit="1000")]
    return sorted(found, key=lambda one: one[0] != request.viewer.user)


async def organization_of(request: Request, id: str) -> dict[str, Any] | None:
    """The organization of this id; None where it is no id, or of none that the viewer sees."""
    if not is_id(id):
        return None
    found = await find(request, organizations.LIST, id=id)
    return found[0] if found else None


async def id_from_form(request: Request, spec: ListSpec, field: str) -> int:
    """The id of the record that a form has to name. Raises Invalid."""
    found = await id_from_fields(request, spec, field, request.data)
    if found is None:
        raise Invalid(FieldError(field, "is not named yet; type the beginning of its name"))
    return found


async def id_from_fields(
    request: Request, spec: ListSpec, field: str, given: Mapping[str, str]
) -> int | None:
    """The id of the record that fields name: of the one that was picked, else of the name that was
    typed; None where they name none. Raises UnclearName.
    """
    picked, typed = given.get(f"{field}Id", ""), given.get(field, "")
    if is_id(picked):
        return int(picked)
    return await id_of_name(request, spec, field, typed) if typed.strip() else None


async def id_from_filter(
    request: Request, spec: ListSpec, field: str, asked: dict[str, str]
) -> tuple[str, Any]:
    """A list's filter that names a record gets its id instead, in `asked`; the name, and what comes
    near to one that is none (None: it is one, or nothing was typed).
    """
    text = asked.pop(field, "").strip()
    try:
        if text:
            asked[f"{field}Id"] = str(await id_of_name(request, spec, field, text))
    except UnclearName as unclear:
        return text, unclear.candidates
    return text, None


async def id_of_name(request: Request, spec: ListSpec, field: str, text: str) -> int:
    """The id of the record of that name. Raises UnclearName."""
    exact = await _exactly_named(request, spec, field, text.strip())
    if len(exact) == 1:
        return int(exact[0]["id"])
    candidates = _candidates(field, exact) or await suggestions(request, spec, field, text)
    raise UnclearName(field, _message(bool(exact), candidates), candidates)


async def _exactly_named(
    request: Request, spec: ListSpec, field: str, text: str
) -> list[dict[str, Any]]:
    if match := _NUMBERED.search(text):
        return await find(request, spec, id=match[1])
    if match := _ADDRESSED.search(text):
        text = match[1]
    for name in NAME_FIELDS[field]:
        asked: dict[str, Any] = {name: text[:254]}
        if found := await find(request, spec, limit=str(MAX_CANDIDATES), **asked):
            return found
    return []


async def suggestions(request: Request, spec: ListSpec, field: str, text: str) -> list[Candidate]:
    """What search finds for what was typed so far."""
    q = text.strip()[:200]
    return (
        _candidates(field, await find(request, spec, q=q, limit=str(MAX_CANDIDATES))) if q else []
    )


def _candidates(field: str, rows: list[dict[str, Any]]) -> list[Candidate]:
    names = Counter(row[NAME_FIELDS[field][0]] for row in rows)
    return [_candidate(field, row, row[NAME_FIELDS[field][0]], names) for row in rows]


def _candidate(field: str, row: dict[str, Any], name: str, names: Counter[str]) -> Candidate:
    note_parts = [row[part] for part in NOTE_FIELDS[field] if row[part]]
    note = (
        formatting.label(", ".join(note_parts))
        if field == "organization"
        else ", ".join(note_parts)
    )
    return Candidate(row["id"], name, f"{name} #{row['id']}" if names[name] > 1 else name, note)


def _message(is_shared: bool, candidates: list[Candidate]) -> str:
    if not candidates:
        return "is the name of nothing that you may see; type the beginning of one"
    names = ", ".join(f"{one.name} #{one.id}" for one in candidates)
    return f"is the name of {'several' if is_shared else 'none'}; choose one of {names}"
