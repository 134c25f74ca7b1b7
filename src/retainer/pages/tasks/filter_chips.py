"""What a list of tasks is filtered by, in words, each with the address of the list without it."""

from typing import Any

from retainer.pages import formatting
from retainer.pages.list_page import ListPage
from retainer.records.tasks.model import TaskStatus

OPEN = ",".join(status for status in TaskStatus if status != TaskStatus.COMPLETED)
_DATES = {
    "dueDate:lte": "Due until",
    "dueDate:gte": "Due from",
    "dueDate:lt": "Due before",
    "dueDate:gt": "Due after",
}
_RELATIVE = {"today": "today", "-1d": "yesterday", "+1d": "tomorrow"}
_OF = {"assigneeId": "Assigned to "}
_NO_FILTERS = ("sort", "limit", "cursor", "count", "fields", "expand")


def chips(
    page: ListPage, people: list[tuple[int, str]], me: int, organization: dict[str, Any] | None
) -> list[tuple[str, str]]:
    """Words and address of each filter."""
    named = {str(id): name for id, name in people} | {str(me): "me"}
    organizations = {str(organization["id"]): organization["name"]} if organization else {}
    known = {"assigneeId": named, "organizationId": organizations}
    return [
        (
            _words(name, value, known.get(name, {})),
            "/tasks" + (page.address(**{name: None}) or "?sort=dueDate"),
        )
        for name, value in page.parameters.items()
        if name not in _NO_FILTERS
    ]


def _words(name: str, value: str, known: dict[str, str]) -> str:
    if known:
        return f"{_OF.get(name, '')}{known.get(value, f'number {value}')}"
    if name in _DATES:
        return f"{_DATES[name]} {_RELATIVE.get(value.replace(' ', '+'), value)}"
    if name == "status:in" and set(value.split(",")) == set(OPEN.split(",")):
        return "Open"
    if name.endswith(":in"):
        return ", ".join(formatting.label(word) for word in value.split(","))
    if name.endswith(":null"):
        field = formatting.label(name.removesuffix(":null").removesuffix("Id"))
        return f"No {field.lower()}" if value == "true" else f"With {field.lower()}"
    return f"“{value}”" if name == "q" else f"{formatting.label(name.replace(':', ' '))} {value}"
