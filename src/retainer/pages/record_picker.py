"""A record that a form names in words, where there are too many for a list: its name, or "name #12"
where several share it. Browsers propose names while one types; without scripts the answer to an
unclear one offers what comes near.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from retainer.errors import FieldError, Invalid
from retainer.http.request import Request
from retainer.identity.users import store as users
from retainer.lists.spec import ListSpec
from retainer.pages.formatting import label
from retainer.pages.list_page import find
from retainer.records.contacts import store as contacts
from retainer.records.contacts.model import Contact
from retainer.records.organizations import store as organizations
from retainer.records.organizations.model import Organization

MAX_CANDIDATES = 8  # records offered for a name that is none
_ID = re.compile(r"\d{1,15}", re.ASCII)
_NUMBERED = re.compile(r"#(\d{1,15})$", re.ASCII)
_ADDRESSED = re.compile(r"<([^<>\s]+@[^<>\s]+)>$")  # as mail programs write people


class Person(Struct, rename="camel"):
    """A user by name."""

    id: int
    full_name: str


class Candidate(NamedTuple):
    """A record that may be meant; `exact_name` tells it from those that were found with it."""

    id: int
    name: str
    exact_name: str
    note: str


class Pickable(NamedTuple):
    """A kind of record that forms name: the form's field, the list, by which of its filters a name
    is looked up, what a record is called, and what is told beside that.
    """

    field: str
    spec: ListSpec
    type: Any
    filters: tuple[str, ...]
    name: Callable[[Any], str]
    note: Callable[[Any], str]


def _organization_note(one: Organization) -> str:
    return label(f"{one.type}, {one.status}")


def _contact_note(one: Contact) -> str:
    return ", ".join(filter(None, (one.email, one.title)))


ORGANIZATION = Pickable(
    "organization",
    organizations.LIST,
    Organization,
    ("name",),
    lambda one: one.name,
    _organization_note,
)
CONTACT = Pickable(
    "contact",
    contacts.LIST,
    Contact,
    ("fullName", "email"),
    lambda one: one.full_name,
    _contact_note,
)


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
    found = await find(request, users.NAMES, Person, limit="1000")
    found.sort(key=lambda one: one.id != request.viewer.user)
    return [(one.id, one.full_name) for one in found]


async def organization_of(request: Request, id: str) -> Organization | None:
    """The organization of this id; None where it is no id, or of none that the viewer sees."""
    if not is_id(id):
        return None
    found = await find(request, organizations.LIST, Organization, id=id)
    return next(iter(found), None)


async def id_from_form(request: Request, kind: Pickable) -> int:
    """The id of the record that a form has to name. Raises Invalid."""
    found = await id_from_fields(request, kind, request.data)
    if found is None:
        raise Invalid(FieldError(kind.field, "is not named yet; type the beginning of its name"))
    return found


async def id_from_fields(request: Request, kind: Pickable, given: Mapping[str, str]) -> int | None:
    """The id of the record that fields name: of the one that was picked, else of the name that was
    typed; None where they name none. Raises UnclearName.
    """
    picked, typed = given.get(f"{kind.field}Id", ""), given.get(kind.field, "")
    if is_id(picked):
        return int(picked)
    if not typed.strip():
        return None
    return await id_of_name(request, kind, typed)


async def id_from_filter(
    request: Request, kind: Pickable, given: dict[str, str]
) -> tuple[str, list[Candidate] | None]:
    """A list's filter that names a record gets its id instead, in `given`. The name, and what comes
    near to one that is none (None: it is one, or nothing was typed).
    """
    text = given.pop(kind.field, "").strip()
    try:
        if text:
            given[f"{kind.field}Id"] = str(await id_of_name(request, kind, text))
    except UnclearName as unclear:
        return text, unclear.candidates
    return text, None


async def id_of_name(request: Request, kind: Pickable, text: str) -> int:
    """The id of the record of that name. Raises UnclearName."""
    exact = await _exactly_named(request, kind, text.strip())
    if len(exact) == 1:
        return int(exact[0].id)
    found = _candidates(kind, exact) or await suggestions(request, kind, text)
    if not found:
        message = "is the name of nothing that you may see; type the beginning of one"
        raise UnclearName(kind.field, message, [])
    names = ", ".join(f"{one.name} #{one.id}" for one in found)
    if exact:
        message = f"is the name of several; choose one of {names}"
    else:
        message = f"is the name of none; choose one of {names}"
    raise UnclearName(kind.field, message, found)


async def _exactly_named(request: Request, kind: Pickable, text: str) -> list[Any]:
    if match := _NUMBERED.search(text):
        return await find(request, kind.spec, kind.type, id=match[1])
    if match := _ADDRESSED.search(text):
        text = match[1]
    for name in kind.filters:
        given = {name: text[:254], "limit": str(MAX_CANDIDATES)}
        if found := await find(request, kind.spec, kind.type, given):
            return found
    return []


async def suggestions(request: Request, kind: Pickable, text: str) -> list[Candidate]:
    """What search finds for what was typed so far."""
    q = text.strip()[:200]
    if not q:
        return []
    found = await find(request, kind.spec, kind.type, q=q, limit=str(MAX_CANDIDATES))
    return _candidates(kind, found)


def _candidates(kind: Pickable, found: list[Any]) -> list[Candidate]:
    times = Counter(kind.name(one) for one in found)
    return [_candidate(kind, one, is_shared=times[kind.name(one)] > 1) for one in found]


def _candidate(kind: Pickable, one: Any, *, is_shared: bool) -> Candidate:
    name = kind.name(one)
    return Candidate(one.id, name, f"{name} #{one.id}" if is_shared else name, kind.note(one))
