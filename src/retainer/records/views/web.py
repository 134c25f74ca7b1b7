"""Handlers of views."""

from msgspec import UNSET, UnsetType
from starlette.responses import Response

from retainer.errors import FieldError, Forbidden, Invalid, NotFound, invalid
from retainer.http.body import sent
from retainer.http.query_string import pairs
from retainer.http.request import Request
from retainer.http.responses import deleted_response, record_response
from retainer.lists.parameters import read as read_list
from retainer.lists.response import list_response
from retainer.permissions import Viewer
from retainer.records.views import store
from retainer.records.views.model import PAGE_PARAMETERS, query_fault


async def index(request: Request) -> Response:
    return await list_response(request)


async def create(request: Request) -> Response:
    refuse_sharing(request.viewer, request.data.is_shared)
    refuse_broken(request.viewer, request.data.noun, request.data.query)
    return record_response(await store.create(request.db, sent(request.data)))


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def update(request: Request, id: int) -> Response:
    noun = await noun_of_changeable(request, id)
    refuse_sharing(request.viewer, request.data.is_shared)
    if request.data.query is not UNSET:
        refuse_broken(request.viewer, noun, request.data.query)
    return record_response(await store.update(request.db, id, sent(request.data)))


async def delete(request: Request, id: int) -> Response:
    await noun_of_changeable(request, id)
    return deleted_response(await store.delete(request.db, id))


async def noun_of_changeable(request: Request, id: int) -> str:
    """Noun of a view's list. Raises NotFound, or Forbidden when the viewer sees the view and may
    not change it.
    """
    view = await store.find(request.db, id)
    if view is None:
        raise NotFound
    if not view["is_changeable"]:
        raise fixed(request.viewer)
    return str(view["noun"])


def fixed(viewer: Viewer) -> Forbidden:
    """The refusal to change a view that the viewer sees."""
    if viewer.may("views.share"):
        return Forbidden(
            "Only its owner and administrators may change a shared view;"
            " save one of your own instead."
        )
    return Forbidden(
        f"This view is shared, and your role, {viewer.role.value}, may not change what others see;"
        " ask an administrator, or save one of your own instead."
    )


def refuse_sharing(viewer: Viewer, is_shared: bool | UnsetType) -> None:
    if is_shared is True and not viewer.may("views.share"):
        raise Forbidden(
            f"isShared: your role, {viewer.role.value}, keeps views for itself;"
            " leave it out or false."
        )


def refuse_broken(viewer: Viewer, noun: str, query: str) -> None:
    """Raise Invalid on `query` with every problem that its list has with it."""
    problem = query_fault(query)
    if problem:
        raise invalid("query", problem)
    try:
        names = [name for name, _ in pairs(query.encode())]
        read_list(store.LISTS[noun], query.encode(), viewer.time_zone)
    except Invalid as refused:
        raise Invalid(*(in_query(error, noun) for error in refused.errors)) from None
    paging = " or ".join(name for name in PAGE_PARAMETERS if name in names)
    if paging:
        raise invalid(
            "query", f"must not have {paging}: a view is the whole list, from its first page"
        )


def in_query(error: FieldError, noun: str) -> FieldError:
    """A problem of one of the list's parameters as a problem of the view's field `query`."""
    message = error.message.replace("this path", f"GET /{noun}")
    if error.field != "query":
        message = f"{error.field} {message}"
    return FieldError("query", message)
