"""Fields in which a record is named in words, because there are too many for a list of choices.

One types the record's name, or "name #12" where several share it; the beginning of the name is
enough where it fits one record alone. A browser with scripts proposes names meanwhile; without
scripts, the answer to an unclear name offers similar ones.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from retainer.errors import FieldError, Invalid
from retainer.http.forms import list_text
from retainer.http.request import Request
from retainer.identity.users import store as users
from retainer.lists.spec import ListSpec
from retainer.pages.formatting import label
from retainer.pages.list_page import find
from retainer.records.contacts import store as contacts
from retainer.records.contacts.model import Contact
from retainer.records.organizations import store as organizations
from retainer.records.organizations.model import Organization

MAX_CANDIDATES = 8  # records offered for an unclear name
_ID = re.compile(r"\d{1,15}", re.ASCII)
_NUMBERED = re.compile(r"(.*\S)\s+#(\d{1,15})", re.ASCII | re.DOTALL)
_ADDRESSED = re.compile(r".*<([^<>\s]+@[^<>\s]+)>", re.DOTALL)  # as mail programs write people
_WORD = re.compile(r"\w+")
_LONGEST = 255  # characters of a name


class Person(Struct, rename="camel"):
    """A user by name."""

    id: int
    full_name: str


class Colleague(Person, rename="camel"):
    """A user who may be given work."""

    is_active: bool


class Candidate(NamedTuple):
    """A record that may be meant."""

    id: int
    name: str
    exact_name: str  # the name, with the id where another candidate has the same name
    note: str  # shown beside the name


T = TypeVar("T", bound=Organization | Contact)


class Pickable(NamedTuple, Generic[T]):
    """A kind of record that forms name in words."""

    field: str  # of the form; its "…Id" holds the id of a picked record
    spec: ListSpec
    type: type[T]
    filters: tuple[str, ...]  # of the list, in the order in which they look a name up
    name: Callable[[T], str]
    note: Callable[[T], str]  # shown beside the name
    has_address: bool = False  # "name <address>" is understood


def _organization_note(one: Organization) -> str:
    return label(f"{one.type}, {one.status}")


def _contact_note(one: Contact) -> str:
    return ", ".join(filter(None, (one.email, one.title, one.company)))


ORGANIZATION = Pickable(
    "organization",
    organizations.LIST,
    Organization,
    ("name",),
    lambda one: one.name,
    _organization_note,
)
PARENT = ORGANIZATION._replace(field="parent")
CONTACT = Pickable(
    "contact",
    contacts.LIST,
    Contact,
    ("fullName", "email"),
    lambda one: one.full_name,
    _contact_note,
    has_address=True,
)


class Named(Protocol):
    """A record with a name."""

    id: int
    name: str


class UnclearName(Invalid):
    """Refusal of a name that no record has, or several; `candidates` may be meant."""

    def __init__(self, field: str, message: str, candidates: list[Candidate]) -> None:
        super().__init__(FieldError(field, message))
        self.candidates = candidates


def is_id(text: str) -> bool:
    """True when a parameter or a field has the form of an id."""
    return _ID.fullmatch(text) is not None


def candidates_of(problem: Exception | None) -> list[Candidate]:
    """Records that may be meant by the name that a form was refused for."""
    if isinstance(problem, UnclearName):
        return problem.candidates
    return []


async def colleagues(request: Request) -> list[tuple[int, str]]:
    """Colleagues as choices: the viewer first, those who have left last, and no guests; none for
    viewers who may not know them.
    """
    if not request.viewer.may("users.names"):
        return []
    found = await find(request, users.COLLEAGUES, Colleague, limit="1000")
    found.sort(key=lambda one: (not one.is_active, one.id != request.viewer.user))
    return [(one.id, _colleague_name(one)) for one in found]


def _colleague_name(one: Colleague) -> str:
    if one.is_active:
        return one.full_name
    return f"{one.full_name} (disabled)"


async def organization_of(request: Request, id: str) -> Organization | None:
    """Organization of this id; None where the text is no id, or the viewer sees none of that id."""
    if not is_id(id):
        return None
    found = await find(request, organizations.LIST, Organization, id=id)
    return next(iter(found), None)


async def id_from_form(request: Request, pickable: Pickable[T]) -> int:
    """Id of the record that a form must name. Raises Invalid where it names none."""
    found = await id_from_fields(request, pickable, request.data)
    if found is None:
        raise Invalid(
            FieldError(pickable.field, "is not named yet; type the beginning of its name")
        )
    return found


async def id_from_fields(
    request: Request,
    pickable: Pickable[T],
    given: Mapping[str, str],
    shown: Named | None = None,
) -> int | None:
    """Id of the record that was picked, else of the one whose name was typed; None where the fields
    name none. The name of the record that the form has `shown` means that one, even if others have
    the same name. Raises UnclearName.
    """
    picked, name = given.get(f"{pickable.field}Id", ""), given.get(pickable.field, "")
    if is_id(picked):
        return int(picked)
    if shown is not None and name.strip() == shown.name.strip():
        return shown.id
    if not name.strip():
        return None
    return await id_of_name(request, pickable, name)


async def id_from_filter(
    request: Request, pickable: Pickable[T], given: dict[str, str]
) -> tuple[str, list[Candidate] | None]:
    """Replace the name of a record in a list's filters, `given`, by its id. Return the name, and
    the candidates for an unclear one (None: the name was clear, or nothing was typed).
    """
    text = given.pop(pickable.field, "").strip()
    try:
        if text:
            given[f"{pickable.field}Id"] = str(await id_of_name(request, pickable, text))
    except UnclearName as unclear:
        return text, unclear.candidates
    return text, None


async def id_of_name(request: Request, pickable: Pickable[T], text: str) -> int:
    """Id of the one record of that name, else of the one whose name begins so. Raises
    UnclearName.
    """
    exact = await _exactly_named(request, pickable, text.strip())
    if len(exact) == 1:
        return int(exact[0].id)
    if exact:
        raise _unclear(pickable, "is the name of several", exact)
    found = await _searched(request, pickable, text)
    fitting = [one for one in found if _begins(pickable.name(one), text)]
    if len(fitting) == 1:
        return int(fitting[0].id)
    raise _unclear(pickable, "is the name of none", found)


def _unclear(pickable: Pickable[T], message: str, found: list[T]) -> UnclearName:
    candidates = _candidates(pickable, found)
    if not candidates:
        message = "is the name of nothing that you may see; type the beginning of one"
        return UnclearName(pickable.field, message, [])
    names = ", ".join(f"{one.name} #{one.id}" for one in candidates)
    return UnclearName(pickable.field, f"{message}; choose one of {names}", candidates)


async def _exactly_named(request: Request, pickable: Pickable[T], text: str) -> list[T]:
    """Records of exactly this name, else the one that "name #12" or "name <address>" names.

    A name may itself end like that, so the name as it stands comes first, and a number counts only
    behind the name of the record that has it.
    """
    found = await _of_name(request, pickable, text)
    numbered, addressed = _NUMBERED.fullmatch(text), _ADDRESSED.fullmatch(text)
    if not found and numbered:
        found = await _of_name(request, pickable, numbered[1], id=numbered[2])
    if not found and addressed and pickable.has_address:
        found = await _of_name(request, pickable, addressed[1])
    return found


async def _of_name(request: Request, pickable: Pickable[T], text: str, **more: str) -> list[T]:
    if len(text) > _LONGEST:
        return []
    for name in pickable.filters:
        given = {name: text, "limit": str(MAX_CANDIDATES), **more}
        if found := await find(request, pickable.spec, pickable.type, given):
            return found
    return []


def _begins(name: str, text: str) -> bool:
    """True when each word of the text begins a word of the name, whatever case and accents."""
    words = _WORD.findall(_folded(name))
    typed = _WORD.findall(_folded(text))
    return bool(typed) and all(any(word.startswith(part) for word in words) for part in typed)


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


async def suggestions(request: Request, pickable: Pickable[T], text: str) -> list[Candidate]:
    """Records that search finds for the beginning of a name."""
    return _candidates(pickable, await _searched(request, pickable, text))


async def tag_suggestions(request: Request, text: str, *, is_one: bool) -> list[Candidate]:
    """Tags for the one, or for the last of those, that are being typed; behind the others."""
    if is_one:
        found = await organizations.tags(request.db, text[:_LONGEST].strip(), MAX_CANDIDATES)
        return [Candidate(0, tag, tag, "") for tag in found]
    before, comma, typed = text[:_LONGEST].rpartition(",")
    if comma:
        before += ", "
    found = await organizations.tags(request.db, typed.strip(), MAX_CANDIDATES)
    return [Candidate(0, tag, before + list_text([tag]), "") for tag in found]


async def _searched(request: Request, pickable: Pickable[T], text: str) -> list[T]:
    q = text.strip()[:200]
    if not q:
        return []
    return await find(request, pickable.spec, pickable.type, q=q, limit=str(MAX_CANDIDATES))


def _candidates(pickable: Pickable[T], found: list[T]) -> list[Candidate]:
    times = Counter(_folded(pickable.name(one)) for one in found)
    return [
        _candidate(pickable, one, is_shared=times[_folded(pickable.name(one))] > 1) for one in found
    ]


def _candidate(pickable: Pickable[T], one: T, *, is_shared: bool) -> Candidate:
    name = exact_name = pickable.name(one)
    if is_shared:
        exact_name = f"{name} #{one.id}"
    return Candidate(one.id, name, exact_name, pickable.note(one))
