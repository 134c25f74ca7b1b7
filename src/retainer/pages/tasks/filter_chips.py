"""Filters of a list of tasks that no control shows: words, and the URL of the list without each."""

from typing import Any

from retainer.pages import formatting
from retainer.pages.list_page import ListPage
from retainer.records.organizations.model import Organization
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
_CONTROLS = ("q", "assigneeId", "status:in", "priority:in")  # controls that show their own values


def chips(
    page: ListPage[Any], people: list[tuple[int, str]], me: str, organization: Organization | None
) -> list[tuple[str, str]]:
    """Words of each filter, and the URL of the list without it."""
    assignees = {str(id): name for id, name in people} | {me: "me"}
    known = {"assigneeId": assignees}
    if organization is not None:
        known["organizationId"] = {str(organization.id): organization.name}
    return [
        (
            _words(name, value, known.get(name, {})),
            "/tasks" + (page.query_string(**{name: None}) or "?sort=dueDate"),
        )
        for name, value in page.parameters.items()
        if name not in (*_NO_FILTERS, *_CONTROLS)
    ]


def _words(name: str, value: str, known: dict[str, str]) -> str:
    if known:
        return f"{_OF.get(name, '')}{known.get(value, f'number {value}')}"
    if name in _DATES:
        return f"{_DATES[name]} {_RELATIVE.get(value.replace(' ', '+'), value)}"
    if name.endswith(":in"):
        return _one_of(name, value.split(","))
    if name.endswith(":null"):
        field = formatting.field_label(name.removesuffix(":null")).lower()
        presence = {"true": "No"}.get(value, "With")
        return f"{presence} {field}"
    if name == "q":
        return f"“{value}”"
    return f"{formatting.label(name.replace(':', ' '))} {value}"


def _one_of(name: str, values: list[str]) -> str:
    if name == "status:in" and set(values) == set(OPEN.split(",")):
        return "Open"
    return ", ".join(map(formatting.label, values))
