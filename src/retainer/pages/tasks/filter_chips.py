"""Filters of a list of tasks that have no choice of their own: parameter and words of each."""

from typing import Any

from retainer.pages import formatting
from retainer.pages.list_page import ListPage
from retainer.records.tasks.model import TaskStatus

OPEN = ",".join(status for status in TaskStatus if status != TaskStatus.COMPLETED)
_NO_FILTERS = ("sort", "limit", "cursor", "count", "fields", "expand")
_CHOSEN = ("q", "assigneeId", "status:in", "priority:in", "organizationId")


def chips(page: ListPage[Any]) -> list[tuple[str, str]]:
    """The name and the words of each such filter."""
    return [
        (name, _words(name, value))
        for name, value in page.parameters.items()
        if name not in (*_NO_FILTERS, *_CHOSEN) and not name.startswith("dueDate:")
    ]


def _words(name: str, value: str) -> str:
    if name.endswith(":in"):
        return ", ".join(map(formatting.label, value.split(",")))
    if name.endswith(":null"):
        field = formatting.field_label(name.removesuffix(":null")).lower()
        presence = {"true": "No"}.get(value, "With")
        return f"{presence} {field}"
    return f"{formatting.label(name.replace(':', ' '))} {value}"
