"""Rendering of templates, which escape by default: the whole page, or the part that htmx asks for.

A browser gets the whole page. htmx gets `<main>`, or a single block of the template when HX-Target
names one (`more`, `dialog-body`). The message that tells what was just done waits in a cookie until
the next page shows it.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from jinja2 import FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from retainer.errors import (
    FieldError,
    Invalid,
    NotSignedIn,
    Problem,
    title,
)
from retainer.http.forms import object_rows
from retainer.http.query_string import of_form, pairs
from retainer.http.request import Request
from retainer.identity.confirmations import PasswordNeeded
from retainer.identity.sessions import known_browsers
from retainer.identity.signatures import signed, verified
from retainer.pages import formatting
from retainer.pages.assets import ICONS
from retainer.pages.error_words import of_people, words_of
from retainer.pages.journal.sentences import LINK_WORDS
from retainer.pages.markup import components, escaping
from retainer.pages.markup.environment import QuickEnvironment
from retainer.pages.navigation import ADDITIONS, SECTIONS
from retainer.pages.static import URLS
from retainer.permissions import PERMISSIONS, Role
from retainer.records.views import store as views
from retainer.records.views.model import View

VARY = {"vary": "Accept, HX-Request, HX-Target"}
TOAST_COOKIE = "retainer.done"  # holds the message for the next page
# The template's block that is rendered for each id in HX-Target.
FRAGMENTS = {
    "more": "more",
    "dialog-body": "main",
    "results": "results",
    "duplicates": "duplicates",
    "f-projects": "projects",
    "import-progress": "progress",
}

_ROOT = Path(str(files("retainer.pages")))
escaping.use()
_templates = QuickEnvironment(
    loader=FileSystemLoader(_ROOT),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_templates.globals["asset"] = URLS.__getitem__
_templates.globals["sections"] = SECTIONS
_templates.globals["additions"] = ADDITIONS
_templates.globals["link_words"] = LINK_WORDS
_drawn = {name: Markup(drawing) for name, drawing in ICONS.items()}  # noqa: S704  # by Lucide
_templates.globals["icon"] = _drawn.__getitem__
_templates.globals["absent"] = components.ABSENT
_templates.globals["today"] = formatting.today
_templates.filters |= formatting.FILTERS | components.FILTERS | {"object_rows": object_rows}


_ICONS = {section.path: section.icon for section in SECTIONS}


class Toast(NamedTuple):
    """The message that the next page shows."""

    message: str
    operation: int | None  # the operation that a button beside the message undoes, if any
    user: int | None  # the user whom the message is for (None: anybody)


async def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """Render a page, or only the part of it that htmx asks for."""
    found = _templates.get_template(template)
    values = _context(request) | values
    block = FRAGMENTS.get(target(request))
    if block == "main" or block in found.blocks:
        part = found.render(values, layout="layout/only.html", only=block)
        return HTMLResponse(part, status, VARY)
    values["views"] = await _sidebar(request)
    values["layout"] = "layout/base.html"
    if _is_part(request):
        values["layout"] = "layout/part.html"
    response = HTMLResponse(found.render(values), status, VARY)
    viewer = request.session_viewer
    if viewer and known_browsers.proof(request, viewer.username) is None:
        proof = known_browsers.cookie(request, viewer.username)
        response.headers.append("set-cookie", proof)
    if request.headers.cookies(TOAST_COOKIE):  # shown now, or not ours
        response.headers.append("set-cookie", _cookie(request, "", seconds=0))
    return response


async def style_guide(request: Request) -> Response:
    """Show every component in each of its states."""
    return await page(request, "layout/styleguide.html", past=date(2020, 1, 31))


async def new_record(request: Request) -> Response:
    """Offer everything that the viewer can add."""
    return await page(request, "layout/new.html")


def standalone_page(template: str, **values: Any) -> bytes:
    """Render a page that does not need a signed-in viewer."""
    return _templates.get_template(template).render(values).encode()


def redirect(
    request: Request, path: str, message: str = "", operation: int | None = None
) -> Response:
    """Redirect with 303 to a page that shows `message` and offers to undo `operation`.

    A form in a dialog has the page beneath the dialog go there instead, through HX-Location.
    """
    if target(request) == "dialog-body":
        response = elsewhere(path)
    else:
        response = Response(status_code=303, headers={"location": path} | VARY)
    if message:
        toast = Toast(message[:300], None, None)
        viewer = request.session_viewer
        # After signing out nobody is signed in: a toast for the viewer would never be shown.
        if viewer is not None and path != "/login":
            toast = toast._replace(user=viewer.user)
            if viewer.may("operations.undo"):
                toast = toast._replace(operation=operation)
        value = signed(request.app.database.secret, TOAST_COOKIE, msgspec.json.encode(toast))
        response.headers.append("set-cookie", _cookie(request, value, seconds=60))
    return response


def elsewhere(path: str) -> Response:
    """Have htmx show another page, whatever part of this one it asked for."""
    place = {"path": path, "target": "#main", "swap": "outerMorph"}
    location = {"hx-location": msgspec.json.encode(place).decode()}
    return HTMLResponse(headers=location | VARY)


def return_path(request: Request, default: str) -> str:
    """Path that the form asks to return to in `back`, if it is one of ours; else the default."""
    for given in (request.data, request.query):  # an upload has `back` in its URL alone
        if isinstance(given, dict) and given.get("back"):
            return own_path(given["back"], default)
    return default


def own_path(path: str, default: str) -> str:
    """Return the path if it is one of ours, else the default.

    A path from outside may name another site ("//example.com"), or hold a line break that would end
    the Location header.
    """
    if re.fullmatch(r"/(?!/)[!-\[\]-~]*", path):  # printable ASCII without a backslash
        return path
    return default


def _page_of(request: Request) -> str:
    """Path of the page that a refused form was on: the one it asks to return to, else the nearest
    above its own path, such as the record's.
    """
    segments = request.path.strip("/").split("/")
    while segments:
        routes, _ = request.app.table.find(segments, pages=True)
        if routes and "GET" in routes and routes["GET"].html:
            break
        segments.pop()
    return return_path(request, "/" + "/".join(segments))


async def refusal(request: Request, problem: Problem) -> Response:
    """Show an error's page: what happened and what to do next. A viewer who is not signed in is
    sent to sign in first; a script on an open page asks them to, so that nothing typed is lost.
    """
    is_page = request.method in ("GET", "HEAD") and not _is_part(request)
    if isinstance(problem, NotSignedIn) and is_page:
        return _to_login(request)
    words = words_of(problem, is_form=request.method not in ("GET", "HEAD"))
    values = {"problem": problem, "words": words, "back": ""}
    if isinstance(problem, PasswordNeeded):
        values["back"] = _page_of(request)
    try:
        # A path without a route is refused before the session is looked up.
        if request.session_viewer is None:
            request.session_viewer = await request.find_viewer()
        response = await page(request, "layout/error.html", status=problem.status, **values)
    except Exception as error:  # the sidebar cannot be read, or a template fails
        if not isinstance(error, Problem):
            request.app.log.unknown(error, request=request.id, path=request.path)
        text = standalone_page("layout/error_alone.html", **values, request=request)
        response = HTMLResponse(text, problem.status, VARY)
    response.headers.update(problem.headers)
    return response


def changed_fields(sent: dict[str, object]) -> str:
    """Names of the changed fields, as a sentence lists them."""
    found = [formatting.field_label(name).lower() for name in sent]
    return formatting.join_words(found, "nothing")


def _to_login(request: Request) -> Response:
    path, query = request.path, request.scope["query_string"].decode("latin-1")
    if query:
        path += f"?{query}"
    where = "/login"
    if path != "/":
        where += f"?{urlencode({'next': path})}"
    return Response(status_code=303, headers={"location": where} | VARY)


def field_errors(problem: Problem) -> dict[str, str]:
    """Error messages by the form's field. An error in a part of a field ("tags[2]") belongs to the
    field; one of no field is under "".
    """
    found: dict[str, list[str]] = {}
    for error in problem.errors or [FieldError("", problem.detail)]:
        name = re.split(r"[\[.]", error.field)[0]
        found.setdefault(name, []).append(of_people(error.message))
    return {name: "; ".join(messages) for name, messages in found.items()}


def _context(request: Request) -> dict[str, object]:
    who = request.session_viewer
    return {
        "request": request,
        "path": request.path,
        "viewer": who,
        "may": _permitted(who and who.role),
        "toast": _toast(request),
        "refused": getattr(request.state, "refused", None),  # a value (edit.py)
        "views": [],  # a whole page replaces these with the sidebar's
        "status_words": title,
    }


@cache
def _permitted(role: Role | None) -> Mapping[str, bool]:
    """Every permission, and whether the role has it."""
    return MappingProxyType({name: role in rule.roles for name, rule in PERMISSIONS.items()})


def target(request: Request) -> str:
    """Id of the element that htmx will replace; "" where it names none."""
    return request.headers.get("hx-target", "").partition("#")[2]


def _is_part(request: Request) -> bool:
    return "hx-request" in request.headers and "hx-history-restore-request" not in request.headers


class SidebarView(View, rename="camel"):
    """A saved view in the sidebar."""

    is_here: bool = False  # the list on this page is filtered and sorted as the view says
    icon: str = "star"  # its list's


async def _sidebar(request: Request) -> list[SidebarView]:
    """Saved views that the viewer sees; none on pages without a signed-in viewer."""
    if request.session_viewer is None or request.route is None:
        return []
    found = msgspec.convert(await views.sidebar(request.db), list[SidebarView])
    parameters = _list_parameters(request)
    for view in found:
        shown = set(pairs(view.query.encode()))
        view.is_here = request.path == f"/{view.noun}" and parameters == shown
        view.icon = _ICONS[f"/{view.noun}"]
    return found


def _list_parameters(request: Request) -> set[tuple[str, str]] | None:
    """Parameters that filter and sort the list of this page; None if the query is malformed."""
    try:
        return {
            pair
            for pair in pairs(of_form(request.scope["query_string"]))
            if pair[0] not in ("cursor", "limit")
        }
    except Invalid:
        return None


def _toast(request: Request) -> Toast | None:
    """The message in the cookie; None if it is for somebody else who used this browser before."""
    secret = request.app.database.secret
    texts = request.headers.cookies(TOAST_COOKIE)
    contents = [verified(secret, TOAST_COOKIE, text[:2000]) for text in texts[:4]]
    content = next(filter(None, contents), None)
    if content is None:
        return None
    try:
        message = msgspec.json.decode(content, type=Toast)
    except msgspec.MsgspecError:  # of another version of this program
        return None
    viewer = request.session_viewer
    if message.user is None or (viewer is not None and viewer.user == message.user):
        return message
    return None


def _cookie(request: Request, value: str, *, seconds: int) -> str:
    cookie = f"{TOAST_COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    if request.is_secure:
        cookie += "; Secure"
    return cookie
