"""The form fields of a noun, declared once: its create form, its properties and its duplicate are
drawn from them by the macros `form_fields` and `properties`.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from msgspec import Struct
from starlette.responses import Response

from retainer.errors import Problem
from retainer.http.request import Request
from retainer.pages import render
from retainer.pages.formatting import label
from retainer.pages.record_picker import candidates_of

Option = str | tuple[str | int, str]  # a word of the API, or a value and what people read for it
Drawn = Literal["yes", "no", "own"]  # "own": by the template of the page, which knows more
YES_OR_NO: Sequence[Option] = (("true", "Yes"), ("false", "No"))
MAX_NAME, MAX_EMAIL = 255, 254  # characters


class Field(NamedTuple):
    """One field: `name` is the API's, `kind` an input's type, "select" or "area".

    In a form it stands below the field before it: `beside` puts it next to that one, `more` under
    "More fields". Properties stand in the same order, but for one that names another in `after`.
    Viewers without `permission` do not see it. The options of a select may come with the request
    instead; `empty` is its choice of nothing. `link` makes an address of the value. Readers of a
    reference see the full name of the object that `reads` names.
    """

    name: str
    label: str
    kind: str = "text"
    required: bool = False
    maxlength: int | None = None
    rows: int | None = None
    hint: str | None = None
    autofocus: bool = False
    options: Sequence[Option] = ()
    empty: str | None = None
    default: str = ""
    beside: bool = False
    more: bool = False
    in_form: Drawn = "yes"
    in_properties: Drawn = "yes"
    property_label: str = ""
    after: str = ""
    permission: str = ""
    link: Callable[[str], str | None] | None = None
    reads: str = ""

    @property
    def property_kind(self) -> str:
        """How a property is edited. A browser would refuse to send an address that lacks its
        beginning; the server says what is missing.
        """
        if self.rows:
            return "area"
        return "text" if self.kind == "url" else self.kind

    def text(self, record: Struct) -> str:
        """The value that a record has, as a form writes it; "" where there is none."""
        return _text(getattr(record, snake(self.name)))

    def reading(self, record: Struct) -> str:
        """The same for those who may not change it."""
        if self.reads:
            person = getattr(record, self.reads)
            return _text(person and person.full_name)
        value = self.text(record)
        if self.kind != "select":
            return value
        return dict(option for option in self.options if isinstance(option, tuple)).get(
            value, label(value)
        )

    def address(self, value: str) -> str | None:
        """Where a link on the value leads."""
        if self.link is None or not value:
            return None
        return self.link(value)


class Fields:
    """The fields of a noun, in the order of its form."""

    def __init__(self, *fields: Field) -> None:
        in_form = [field for field in fields if field.in_form != "no"]
        self.all = fields
        self.rows = _rows([field for field in in_form if not field.more])
        self.more = _rows([field for field in in_form if field.more])
        self.properties = _properties(fields)
        self.labels = {field.name: field.label for field in fields}
        self.by_name = {field.name: field for field in fields}

    def blank(self) -> dict[str, str]:
        """The values of an empty form."""
        return {field.name: field.default for field in self.all}

    def values(self, record: Struct) -> dict[str, str]:
        """The values of a form that is to make another like this record."""
        known = set(record.__struct_encode_fields__)
        return {field.name: field.text(record) for field in self.all if field.name in known}


async def form_page(
    request: Request, template: str, problem: Problem | None, /, **values: Any
) -> Response:
    """A page with a form: empty, or as it was sent with what is wrong and what may be meant."""
    status, errors = 200, {}
    if problem is not None:
        status, errors = problem.status, render.field_errors(problem)
    values = {"errors": errors, "candidates": candidates_of(problem)} | values
    return await render.page(request, template, status=status, **values)


def _rows(fields: list[Field]) -> list[list[Field]]:
    """Fields by the line of the form that they stand in."""
    found: list[list[Field]] = []
    for field in fields:
        if field.beside:
            found[-1].append(field)
        else:
            found.append([field])
    return found


def _properties(fields: Sequence[Field]) -> list[Field]:
    found = [field for field in fields if field.in_properties != "no" and not field.after]
    waiting = [field for field in fields if field.after]
    while waiting:
        field = waiting.pop(0)
        names = [other.name for other in found]
        if field.after in names:
            found.insert(names.index(field.after) + 1, field)
        else:
            waiting.append(field)
    return found


def snake(name: str) -> str:
    """DueDate → due_date."""
    return re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), name)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
