"""Form fields of a noun, declared once. The macros `form_fields` and `properties` draw its create
form, its properties and the form that duplicates it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from msgspec import Struct
from starlette.responses import Response

from retainer.database import exact_json
from retainer.errors import Problem
from retainer.http.forms import Form, list_text
from retainer.http.request import Request
from retainer.pages import render
from retainer.pages.formatting import field_label, label
from retainer.pages.record_picker import candidates_of
from retainer.pages.web_address import phone_link
from retainer.permissions import PERMISSIONS, Viewer

Option = str | tuple[str | int, str]  # a word of the API, or a value with its label
Drawn = Literal["yes", "no", "own"]  # "own": the page's template draws it, because it differs
YES_OR_NO: Sequence[Option] = (("true", "Yes"), ("false", "No"))
MAX_NAME, MAX_EMAIL = 255, 254  # characters


class Field(NamedTuple):
    """A field of a form and a property of a record.

    A form puts each field below the one before it. Properties follow the same order, except for
    those that name another field in `after`.
    """

    name: str  # the API's
    label: str
    input_type: str = "text"  # the type of an <input>, "select", "object", or "list" of elements
    required: bool = False
    maxlength: int | None = None
    rows: int | None = None
    hint: str | None = None
    autofocus: bool = False
    options: Sequence[Option] = ()  # of a select, unless the request brings them
    empty: str | None = None  # a select's label for no value
    default: str = ""
    same_line: bool = False  # in a form next to the field before it, not below
    more: bool = False  # in a form under "More fields"
    in_form: Drawn = "yes"
    in_properties: Drawn = "yes"
    property_label: str = ""  # instead of `label`
    after: str = ""  # among properties behind the field of this name
    permission: str = ""  # the field is hidden from viewers without it
    link: Callable[[str], str | None] | None = None  # makes a URL of the value
    reads: str = ""  # the person whose name is shown to viewers who may not change the field
    found_at: str = ""  # what the address of a list ends with an element to have the rows with it
    proposed_at: str = ""  # where elements are proposed while one is typed

    @property
    def property_input_type(self) -> str:
        """The type of input that edits the property, or "area" for several lines."""
        if self.rows:
            return "area"
        return self.input_type

    def text(self, record: Struct) -> str:
        """The record's value as a form writes it; "" where it has none."""
        return _text(getattr(record, snake(self.name)))

    def items(self, record: Struct) -> list[str]:
        """The elements of the record's list."""
        return list(getattr(record, snake(self.name)))

    def present(self, record: Struct) -> str | None:
        """The name of the present value, where it is a person."""
        person = getattr(record, self.reads) if self.reads else None
        return person and str(person.full_name)

    def reading(self, record: Struct) -> str:
        """The record's value as text for viewers who may not change it."""
        if self.reads:
            return _text(self.present(record))
        value = self.text(record)
        if self.input_type != "select":
            return value
        return dict(option for option in self.options if isinstance(option, tuple)).get(
            value, label(value)
        )

    def href(self, value: str, country: str | None) -> str | None:
        """URL that the value links to; None where it links nowhere. `country` is the tenant's."""
        if self.input_type == "tel":
            return phone_link(value, country)
        if self.link is None or not value:
            return None
        return self.link(value)


class Fields:
    """The fields of a noun, in the order of its form."""

    def __init__(self, *fields: Field) -> None:
        for field in fields:
            if field.permission and field.permission not in PERMISSIONS:
                raise ValueError(
                    f"the form's field {field.name} names the permission {field.permission}"
                )
        in_form = [field for field in fields if field.in_form != "no"]
        self.all = fields
        self.rows = _rows([field for field in in_form if not field.more])
        self.more = _rows([field for field in in_form if field.more])
        self.properties = _properties(fields)
        # The API names a reference by its id, a form by the field of its name.
        self.labels = {
            name: field.label for field in fields for name in (f"{field.name}Id", field.name)
        }
        self.by_name = {field.name: field for field in fields}

    def label(self, name: str) -> str:
        """Label of a field of the API, which the form may not have."""
        return self.labels.get(name) or field_label(name)

    def told(self, viewer: Viewer, noun: str) -> "Fields":
        """Those that the viewer is told of records of the noun."""
        return Fields(*(field for field in self.all if viewer.is_told(noun, field.name)))

    def blank(self) -> dict[str, str]:
        """Values of an empty form."""
        return {field.name: field.default for field in self.all}

    def sent(self, form: Form) -> dict[str, str]:
        """Values of a form as it was sent, to be shown again: of a list each element."""
        lists = {field.name for field in self.all if field.input_type == "list"}
        return dict(form) | {name: ",".join(form.all(name)) for name in lists & set(form)}

    def values(self, record: Struct) -> dict[str, str]:
        """Values of a form that is filled in from this record."""
        known = set(record.__struct_encode_fields__)
        return {field.name: field.text(record) for field in self.all if field.name in known}


async def form_page(
    request: Request, template: str, problem: Problem | None, /, **values: Any
) -> Response:
    """Show a page with a form. With a problem the form is as it was sent, with its errors and the
    records that an unclear name may mean.
    """
    status, errors = 200, {}
    if problem is not None:
        status, errors = problem.status, render.field_errors(problem)
    values = {"errors": errors, "candidates": candidates_of(problem)} | values
    return await render.page(request, template, status=status, **values)


def _rows(fields: list[Field]) -> list[list[Field]]:
    """Fields grouped by the line of the form that they share."""
    found: list[list[Field]] = []
    for field in fields:
        if field.same_line:
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
    """Snake case of a name in camel case: dueDate → due_date."""
    return re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), name)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return list_text(value)
    if isinstance(value, dict):
        return exact_json.encode(value).decode()
    return str(value)
