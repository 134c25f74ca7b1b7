"""Answers are what their types declare: the JSON that the stores write has each field of its model, in order, and no
others (docs/decisions/0001).
"""

from typing import Any

import msgspec
import pytest
from msgspec import inspect

from retainer.http.routing import Route
from support.cast import Cast
from support.samples import CHECKED, FILE, sample, send


def furnish(cast: Cast) -> None:
    """Make a row in every list, with everything that a row can refer to."""
    project = cast.ada.made(
        "/api/projects", organizationId=cast.acme, title="P", startDate="2026-01-31"
    )["id"]
    cast.ada.made("/api/tasks", projectId=project, organizationId=cast.acme, title="T", assigneeId=cast.stan.id,
                  dueDate="2026-01-31")  # fmt: skip
    form = {"organizationId": str(cast.acme), "projectIds": str(project)}
    assert cast.ada.post("/api/documents", files=FILE, data=form).status_code == 200
    cast.ada.made("/api/documents", name="D", url="https://x.example", projectIds=[project])
    cast.ada.made(
        f"/api/organizations/{cast.acme}/activities", text="A", contactIds=[cast.gita_contact]
    )


ANSWERED = [route for route in CHECKED if route.response_type not in (None, bytes)]


@pytest.mark.parametrize("route", ANSWERED, ids=lambda route: route.name)
def test_answers_decode_into_their_declared_types(cast: Cast, route: Route) -> None:
    furnish(cast)
    ids, body = sample(cast, route)
    answer = send(cast.ada, route, ids, body)
    assert answer.status_code == route.status, answer.text
    msgspec.json.decode(answer.content, type=route.response_type)
    assert answer.json(), "an empty list would show nothing"
    compare(inspect.type_info(route.response_type), answer.json(), route.name)


def compare(kind: Any, value: Any, where: str) -> None:
    """The keys of every object are its type's fields, in their order, all of them and no others."""
    if value is None:
        return
    if isinstance(kind, inspect.StructType):
        assert list(value) == [field.encode_name for field in kind.fields], where
        for field in kind.fields:
            compare(field.type, value[field.encode_name], f"{where}.{field.encode_name}")
    elif isinstance(kind, inspect.ListType):
        for element in value:
            compare(kind.item_type, element, f"{where}[]")
    elif isinstance(kind, inspect.UnionType):
        for part in kind.types:
            compare(part, value, where)
    elif isinstance(kind, inspect.Metadata):
        compare(kind.type, value, where)
