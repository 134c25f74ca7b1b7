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
from retainer.lists.spec import ListSpec
from retainer.pages import formatting
from retainer.pages.list_page import find

NEAR = 8  # records offered for a name that is none
# By which of its fields a record is found, the first its name; and which are shown beside it.
KNOWN_BY = {"organization": ("name",), "contact": ("fullName", "email")}
BESIDE = {"organization": ("type", "status"), "contact": ("email", "title")}
ID = re.compile(r"\d{1,15}", re.ASCII)  # what may be an id, where a parameter or a field names one
_NUMBERED = re.compile(r"#(\d{1,15})$", re.ASCII)
_ADDRESSED = re.compile(r"<([^<>\s]+@[^<>\s]+)>$")  # as mail programs write people


class Near(NamedTuple):
    """A record that may be meant; `spelled` names it alone, among those that were found with it."""

    id: int
    name: str
    spelled: str
    note: str


Found = list[Near]


class Unclear(Invalid):
    """No single record has the name; `near` are those that come near."""

    def __init__(self, field: str, message: str, near: Found) -> None:
        super().__init__(FieldError(field, message))
        self.near = near


def near_of(problem: Exception | None) -> Found:
    """What comes near to the name that a form was refused for."""
    return problem.near if isinstance(problem, Unclear) else []


async def people(request: Request, names: ListSpec) -> list[tuple[int, str]]:
    """Colleagues as choices, oneself first; for those who may know them."""
    if not request.viewer.may("users.names"):
        return []
    found = [(one["id"], one["fullName"]) for one in await find(request, names, limit="1000")]
    return sorted(found, key=lambda one: one[0] != request.viewer.user)


async def of_form(request: Request, spec: ListSpec, field: str) -> int:
    """The id of the record that a form has to name. Raises Invalid."""
    found = await of_fields(request, spec, field, request.body)
    if found is None:
        raise Invalid(FieldError(field, "is not named yet; type the beginning of its name"))
    return found


async def of_fields(
    request: Request, spec: ListSpec, field: str, given: Mapping[str, str]
) -> int | None:
    """The id of the record that fields name: of the one that was picked, else of the name that was
    typed; None where they name none. Raises Unclear.
    """
    picked, typed = given.get(f"{field}Id", ""), given.get(field, "")
    if ID.fullmatch(picked):
        return int(picked)
    return await chosen(request, spec, field, typed) if typed.strip() else None


async def of_filter(
    request: Request, spec: ListSpec, field: str, asked: dict[str, str]
) -> tuple[str, Any]:
    """A list's filter that names a record gets its id instead, in `asked`; the name, and what comes
    near to one that is none (None: it is one, or nothing was typed).
    """
    text = asked.pop(field, "").strip()
    try:
        if text:
            asked[f"{field}Id"] = str(await chosen(request, spec, field, text))
    except Unclear as unclear:
        return text, unclear.near
    return text, None


async def chosen(request: Request, spec: ListSpec, field: str, text: str) -> int:
    """The id of the record of that name. Raises Unclear."""
    exact = await _called(request, spec, field, text.strip())
    if len(exact) == 1:
        return int(exact[0]["id"])
    near = _near(field, exact) or await near_to(request, spec, field, text)
    raise Unclear(field, _words(bool(exact), near), near)


async def _called(request: Request, spec: ListSpec, field: str, text: str) -> list[dict[str, Any]]:
    if match := _NUMBERED.search(text):
        return await find(request, spec, id=match[1])
    if match := _ADDRESSED.search(text):
        text = match[1]
    for name in KNOWN_BY[field]:
        asked: dict[str, Any] = {name: text[:254]}
        if found := await find(request, spec, limit=str(NEAR), **asked):
            return found
    return []


async def near_to(request: Request, spec: ListSpec, field: str, text: str) -> Found:
    """What search finds for what was typed so far."""
    q = text.strip()[:200]
    return _near(field, await find(request, spec, q=q, limit=str(NEAR))) if q else []


def _near(field: str, rows: list[dict[str, Any]]) -> Found:
    names = Counter(row[KNOWN_BY[field][0]] for row in rows)
    return [_one(field, row, row[KNOWN_BY[field][0]], names) for row in rows]


def _one(field: str, row: dict[str, Any], name: str, names: Counter[str]) -> Near:
    beside = [row[part] for part in BESIDE[field] if row[part]]
    note = formatting.label(", ".join(beside)) if field == "organization" else ", ".join(beside)
    return Near(row["id"], name, f"{name} #{row['id']}" if names[name] > 1 else name, note)


def _words(is_shared: bool, near: Found) -> str:
    if not near:
        return "is the name of nothing that you may see; type the beginning of one"
    names = ", ".join(f"{one.name} #{one.id}" for one in near)
    return f"is the name of {'several' if is_shared else 'none'}; choose one of {names}"
