"""Pages of saved views: the list, and the dialogs that save and change one."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound
from retainer.http.request import Request
from retainer.identity.users import store as users
from retainer.pages import render
from retainer.pages.form import form_page
from retainer.pages.formatting import field_label, label
from retainer.pages.list_page import find
from retainer.pages.record_picker import Person
from retainer.pages.submit import perform
from retainer.records.views import store
from retainer.records.views.model import View, ViewUpdate
from retainer.records.views.web import fixed

OPERATORS = {
    "not": "not",
    "contains": "with",
    "gt": "after",
    "gte": "from",
    "lt": "before",
    "lte": "until",
}


class ShownView(NamedTuple):
    """A view as the list shows it."""

    view: View
    description: str  # its filters and sort, in words
    owner: str  # their name; "" where the viewer may not know it
    is_own: bool
    is_changeable: bool  # by the viewer


async def index(request: Request) -> Response:
    found = await visible_views(request)
    groups = [(noun, [one for one in found if one.view.noun == noun]) for noun in store.LISTS]
    return await render.page(
        request, "views/list.html", groups=[group for group in groups if group[1]]
    )


async def visible_views(request: Request, **parameters: str) -> list[ShownView]:
    """The views that the viewer sees."""
    found = await find(request, store.LIST, View, parameters)
    names = await _owners(request, found)
    return [_shown(request, view, names.get(view.owner_id, "")) for view in found]


def _shown(request: Request, view: View, owner: str) -> ShownView:
    is_own = view.owner_id == request.viewer.user
    is_changeable = is_own
    if view.is_shared:
        viewer = request.viewer
        is_changeable = viewer.may("users.manage") or (is_own and viewer.may("views.share"))
    return ShownView(view, describe(view.query), owner, is_own, is_changeable)


async def _owners(request: Request, views: list[View]) -> dict[int, str]:
    """Names of the views' owners, by id; none for viewers who may not know them."""
    if not views or not request.viewer.may("users.names"):
        return {}
    ids = ",".join({str(view.owner_id) for view in views})
    given = {"fields": "id,fullName", "id:in": ids}
    return {user.id: user.full_name for user in await find(request, users.LIST, Person, given)}


def describe(query: str) -> str:
    """Filters and sort of a view, in words."""
    return " · ".join(_filter(name, value) for name, value in parse_qsl(query)) or "Everything"


def _filter(name: str, value: str) -> str:
    field, _, operator = name.partition(":")
    if field == "sort":
        order = label(value.removeprefix("-")).lower()
        if value.startswith("-"):
            order += ", downwards"
        return f"sorted by {order}"
    if field == "q":
        return f"“{value}”"
    subject = field_label(field)
    text = ", ".join(label(part).lower() for part in value.split(","))
    if text == "true":
        return subject
    return f"{subject} {OPERATORS.get(operator, '')} {text}".replace("  ", " ")


async def new(request: Request) -> Response:
    values = {name: request.query.get(name, "") for name in ("noun", "query", "name")}
    return await form(request, values)


async def form(
    request: Request, values: Mapping[str, str], problem: Invalid | Conflict | None = None
) -> Response:
    """Show the dialog that saves a list's filters and sort: under a new name, or in place of those
    of a saved view.
    """
    if values.get("noun") not in store.LISTS:
        raise NotFound
    values = {"name": "", "query": "", "isShared": "", **values}
    others = await visible_views(request, noun=values["noun"])
    return await form_page(
        request,
        "views/new.html",
        problem,
        values=values,
        description=describe(values["query"]),
        others=[one for one in others if one.is_changeable],
    )


async def create(request: Request) -> Response:
    try:
        result = await perform(request, "createView", body=request.data.body(store.ViewCreate))
    except (Invalid, Conflict) as problem:
        return await form(request, request.data, problem)
    view = result.record(View)
    return render.redirect(
        request, list_path(view), f"Saved the view {view.name}", result.operation
    )


def list_path(view: View) -> str:
    """Path of the list as the view shows it."""
    return f"/{view.noun}?{view.query}".removesuffix("?")


async def show(request: Request, id: int) -> Response:
    return await change(request, id)


async def change(request: Request, id: int, problem: Invalid | Conflict | None = None) -> Response:
    """Show the dialog that changes a view. Raises Forbidden for one that the viewer may not
    change.
    """
    found = await visible_views(request, id=str(id))
    if not found:
        raise NotFound
    one = found[0]
    if not one.is_changeable:
        raise fixed(request.viewer)
    values = {"name": one.view.name, "isShared": str(one.view.is_shared).lower()}
    if problem is not None:
        values |= request.data
    return await form_page(
        request,
        "views/change.html",
        problem,
        view=one.view,
        description=one.description,
        values=values,
        list_path=list_path(one.view),
    )


async def update(request: Request, id: int) -> Response:
    try:
        result = await perform(request, "updateView", id, body=request.data.body(ViewUpdate))
    except (Invalid, Conflict) as problem:
        return await change(request, id, problem)
    view = result.record(View)
    return render.redirect(
        request, list_path(view), f"Changed the view {view.name}", result.operation
    )


async def delete(request: Request, id: int) -> Response:
    view = (await store.get(request.db, id)).decode(View)
    result = await perform(request, "deleteView", id)
    path = render.return_path(request, "/views")
    return render.redirect(request, path, f"Deleted the view {view.name}", result.operation)
