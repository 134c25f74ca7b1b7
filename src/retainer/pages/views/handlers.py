"""The pages of saved views: the list of them, and the dialogs in which one is saved and changed."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response

from retainer.errors import Conflict, Forbidden, Invalid, NotFound
from retainer.http.request import Request
from retainer.identity.users import store as users
from retainer.pages import render
from retainer.pages.formatting import label
from retainer.pages.list_page import find
from retainer.pages.submit import perform
from retainer.records.views import store
from retainer.records.views.model import ViewUpdate

Row = dict[str, Any]
OPERATORS = {
    "not": "not",
    "contains": "with",
    "gt": "after",
    "gte": "from",
    "lt": "before",
    "lte": "until",
}


async def index(request: Request) -> Response:
    found = await visible_views(request)
    groups = [(noun, [view for view in found if view["noun"] == noun]) for noun in store.LISTS]
    return await render.page(
        request, "views/list.html", groups=[group for group in groups if group[1]]
    )


async def visible_views(request: Request, **asked: str) -> list[Row]:
    """The views that the viewer sees, each with what it shows in words, whose it is, and whether
    they may change it.
    """
    found = await find(request, store.LIST, None, **asked)
    owners = (
        {str(view["ownerId"]) for view in found} if request.viewer.may("users.names") else set()
    )
    named: Any = {"fields": "id,fullName", "id:in": ",".join(owners)}
    names = (
        {user["id"]: user["fullName"] for user in await find(request, users.LIST, **named)}
        if owners
        else {}
    )
    for view in found:
        view["description"] = describe(view["query"])
        view["owner"] = names.get(view["ownerId"], "")
        view["isOwn"] = view["ownerId"] == request.viewer.user
        view["isChangeable"] = view["isOwn"] or (
            view["isShared"] and request.viewer.may("users.manage")
        )
    return found


def describe(query: str) -> str:
    """The filters and the sort of a view, as people say them."""
    return " · ".join(_filter(name, value) for name, value in parse_qsl(query)) or "Everything"


def _filter(name: str, value: str) -> str:
    field, _, operator = name.partition(":")
    if field == "sort":
        words = label(value.removeprefix("-")).lower()
        return f"sorted by {words}{', downwards' if value.startswith('-') else ''}"
    if field == "q":
        return f"“{value}”"
    text = ", ".join(label(part).lower() for part in value.split(","))
    what = label(field.removesuffix("Id"))
    return (
        what
        if text == "true"
        else f"{what} {OPERATORS.get(operator, '')} {text}".replace("  ", " ")
    )


async def new(request: Request) -> Response:
    values = {name: request.query.get(name, "") for name in ("noun", "query", "name")}
    return await form(request, values)


async def form(
    request: Request, values: Row, problem: Invalid | Conflict | None = None
) -> Response:
    """The dialog of saving what a list shows: under a new name, or instead of what a view of that
    list showed.
    """
    if values.get("noun") not in store.LISTS:
        raise NotFound
    values = {"name": "", "query": "", "isShared": ""} | values
    return await render.page(
        request,
        "views/new.html",
        status=problem.status if problem else 200,
        values=values,
        errors=render.field_errors(problem) if problem else {},
        description=describe(values["query"]),
        others=[
            view
            for view in await visible_views(request, noun=values["noun"])
            if view["isChangeable"]
        ],
    )


async def create(request: Request) -> Response:
    try:
        result = await perform(request, "createView", body=request.data.body(store.ViewCreate))
    except (Invalid, Conflict) as problem:
        return await form(request, dict(request.data), problem)
    view = result.record
    return render.redirect(
        request, list_path(view), f"Saved the view {view['name']}", result.operation
    )


def list_path(view: Row) -> str:
    """The list as the view shows it."""
    return f"/{view['noun']}" + (f"?{view['query']}" if view["query"] else "")


async def show(request: Request, id: int) -> Response:
    return await change(request, id)


async def change(request: Request, id: int, problem: Invalid | Conflict | None = None) -> Response:
    """The dialog of changing a view. Raises Forbidden for one that is not the viewer's to change."""
    found = await visible_views(request, id=str(id))
    if not found:
        raise NotFound
    view = found[0]
    if not view["isChangeable"]:
        raise Forbidden(
            "Only its owner and administrators may change a shared view; save one of your own instead."
        )
    return await render.page(
        request,
        "views/change.html",
        status=problem.status if problem else 200,
        view=view,
        values=view | (dict(request.data) if problem else {}),
        errors=render.field_errors(problem) if problem else {},
        list_path=list_path(view),
    )


async def update(request: Request, id: int) -> Response:
    try:
        result = await perform(request, "updateView", id, body=request.data.body(ViewUpdate))
    except (Invalid, Conflict) as problem:
        return await change(request, id, problem)
    view = result.record
    return render.redirect(
        request, list_path(view), f"Changed the view {view['name']}", result.operation
    )


async def delete(request: Request, id: int) -> Response:
    row = await store.read(request.db, id)
    result = await perform(request, "deleteView", id)
    name = msgspec.json.decode(row[2])["name"] if row else "it"
    return render.redirect(
        request, render.return_path(request, "/views"), f"Deleted the view {name}", result.operation
    )
