"""Pages: the templates of layout/ and of each slice, escaped by default; whole, or only the part
that htmx asks for.

A page is whole for a browser, `<main>` for htmx, and one block of its template where a smaller part
of the page is to be replaced: HX-Target names it (`more`, `dialog-body`). What was just done stands
in a cookie until the next page tells it.
"""

import base64
import re
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from retainer.errors import (
    FieldError,
    Invalid,
    NotFound,
    NotSignedIn,
    PreconditionFailed,
    Problem,
    title,
)
from retainer.http.query_string import of_form, pairs
from retainer.http.request import Request
from retainer.journal import changes
from retainer.pages import formatting
from retainer.pages.assets import icon
from retainer.pages.navigation import ADDITIONS, SECTIONS
from retainer.pages.static import URLS, preloads
from retainer.permissions import PERMISSIONS
from retainer.records.views import store as views
from retainer.records.views.model import View

VARY = {"vary": "Accept, HX-Request, HX-Target"}
TOAST_COOKIE = "retainer.done"  # the cookie that tells the next page what was done
# What is replaced by a block of the page's template, by the id that HX-Target names.
FRAGMENTS = {
    "more": "more",
    "dialog-body": "main",
    "results": "results",
    "duplicates": "duplicates",
    "f-projects": "projects",
}

_ROOT = Path(str(files("retainer.pages")))


_templates = Environment(
    loader=FileSystemLoader(_ROOT),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_templates.globals["asset"] = URLS.__getitem__
_templates.globals["preloads"] = preloads
_templates.globals["sections"] = SECTIONS
_templates.globals["additions"] = ADDITIONS
_templates.globals["icon"] = lambda name: Markup(icon(name))  # noqa: S704  # Lucide's
_templates.globals["today"] = formatting.today
_templates.filters |= formatting.FILTERS
_TOAST = re.compile(r"[\w-]+", re.ASCII)


class Toast(NamedTuple):
    """What was done, in words for people; the operation that can be undone, if any; and the user
    who is told (None: anybody).
    """

    message: str
    operation: int | None
    user: int | None


async def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page, or the part of it that is asked for."""
    found = _templates.get_template(template)
    values = _context(request) | values
    block = FRAGMENTS.get(target(request))
    if block == "main" or block in found.blocks:
        part = found.render(values, layout="layout/only.html", only=block)
        return HTMLResponse(part, status, VARY)
    values["views"] = await _sidebar(request)
    values["layout"] = "layout/part.html" if _is_part(request) else "layout/base.html"
    response = HTMLResponse(found.render(values), status, VARY)
    if values["toast"]:
        response.headers.append("set-cookie", _cookie(request, "", seconds=0))
    return response


async def style_guide(request: Request) -> Response:
    """Every component in its states."""
    return await page(request, "layout/styleguide.html", past=date(2020, 1, 31))


async def new_record(request: Request) -> Response:
    """What can be added, from anywhere."""
    return await page(request, "layout/new.html")


def standalone_page(template: str, **values: Any) -> bytes:
    """A page that nobody needs to be signed in for."""
    return _templates.get_template(template).render(values).encode()


def redirect(
    request: Request, path: str, message: str = "", operation: int | None = None
) -> Response:
    """303 to a page, which tells what was done and offers to undo it. From a dialog the page
    beneath follows it.
    """
    if target(request) == "dialog-body":
        place = {"path": path, "target": "#main", "swap": "outerMorph"}
        location = {"hx-location": msgspec.json.encode(place).decode()}
        response: Response = HTMLResponse(headers=location | VARY)
    else:
        response = Response(status_code=303, headers={"location": path} | VARY)
    if message:
        toast = Toast(message[:300], None, None)
        viewer = request.session_viewer
        if viewer is not None and path != "/login":  # whoever signs out is nobody there
            may_undo = viewer.may("operations.undo")
            toast = Toast(message[:300], operation if may_undo else None, viewer.user)
        value = base64.urlsafe_b64encode(msgspec.json.encode(toast)).rstrip(b"=")
        response.headers.append("set-cookie", _cookie(request, value.decode(), seconds=60))
    return response


def return_path(request: Request, default: str) -> str:
    """Where a form wants to return to: a path of ours, else the default one."""
    for given in (request.data, request.query):  # a form with a file has no body
        if isinstance(given, dict) and given.get("back"):
            return own_path(given["back"], default)
    return default


def own_path(path: str, default: str) -> str:
    """The path, if it is one of ours: what comes from outside may name another site, or end the
    header it stands in.
    """
    if re.fullmatch(r"/(?!/)[!-\[\]-~]*", path):  # ASCII as in an address, without a backslash
        return path
    return default


async def refusal(request: Request, problem: Problem) -> Response:
    """The page of an error: what happened and what to do next. Who is not signed in, signs in
    first.
    """
    if isinstance(problem, NotSignedIn) and request.method in ("GET", "HEAD"):
        return _to_login(request)
    values = {"problem": problem, "heading": title(problem.status)}
    try:
        # Where there is no such path, nobody has looked yet.
        if request.session_viewer is None and request.token:
            request.session_viewer = await request.app.sessions.viewer(request.token)
        answer = await page(request, "layout/error.html", status=problem.status, **values)
    except Exception as error:  # not even the sidebar can be read, or the page itself is at fault
        if not isinstance(error, Problem):
            request.app.log.unknown(error, request=request.id, path=request.path)
        text = standalone_page("layout/error_alone.html", **values, request=request)
        answer = HTMLResponse(text, problem.status, VARY)
    answer.headers.update(problem.headers)
    return answer


async def conflict(
    request: Request, problem: PreconditionFailed, path: str, sent: dict[str, Any]
) -> Response:
    """409: somebody else has changed the record since the form was shown. Both versions, and what
    to do.
    """
    if not problem.current:
        raise NotFound
    current = msgspec.json.decode(problem.current)
    version = problem.headers["etag"][1:-1]
    rows = [
        (name, current.get(name), value)
        for name, value in sent.items()
        if current.get(name) != value
    ]
    fields = {name: value for name, value in request.data.items() if name != "version"}
    return await page(
        request,
        "layout/conflict.html",
        status=409,
        rows=rows,
        current=current,
        action=path,
        version=version,
        fields=fields,
        record=path,
        by=await _changed_by(request, path, version),
    )


async def _changed_by(request: Request, path: str, version: str) -> dict[str, str] | None:
    """Who changed the record since the form was shown, and when; for those who may know."""
    record, _, version_shown = request.data.get("version", "").partition("-")
    match = re.search(r"/([a-z]+)/\d+$", path)
    if not (
        match
        and re.fullmatch(r"\d{1,9}", version_shown, re.ASCII)
        and version.startswith(f"{record}-")
    ):
        return None
    if not request.viewer.may("history.read"):
        return None
    return await changes.changed_since(request.db, match[1], int(record), int(version_shown))


async def not_saved(
    request: Request, problem: Problem, path: str, sent: dict[str, Any]
) -> Response:
    """Show what was typed and is refused, each field with what is wrong, to be corrected."""
    return await page(
        request,
        "layout/not_saved.html",
        status=problem.status,
        errors=field_errors(problem),
        action=path,
        fields=dict(request.data),
        sent=list(sent),
        record=path,
    )


def changed_fields(sent: dict[str, Any]) -> str:
    """The fields that were changed, for a sentence."""
    found = [formatting.label(name.removesuffix("Id")).lower() for name in sent]
    return formatting.listed(found, "nothing")


def _to_login(request: Request) -> Response:
    path, query = request.path, request.scope["query_string"].decode("latin-1")
    if query:
        path += f"?{query}"
    where = "/login"
    if path != "/":
        where += f"?{urlencode({'next': path})}"
    if "hx-request" in request.headers:
        return HTMLResponse(headers={"hx-redirect": where} | VARY)
    return Response(status_code=303, headers={"location": where} | VARY)


def field_errors(problem: Problem) -> dict[str, str]:
    """What is wrong with each field of a form, by its name; parts of a field stand with it."""
    found: dict[str, list[str]] = {}
    for error in problem.errors or [FieldError("", problem.detail)]:
        name = re.split(r"[\[.]", error.field)[0]
        # What a field was left as is told in people's words: they did not type "".
        is_empty = error.message.endswith('not ""')
        message = "must not be empty" if is_empty else error.message
        found.setdefault(name, []).append(message)
    return {name: "; ".join(messages) for name, messages in found.items()}


def _context(request: Request) -> dict[str, Any]:
    who = request.session_viewer
    return {
        "request": request,
        "path": request.path,
        "viewer": who,
        "may": {name: who is not None and who.may(name) for name in PERMISSIONS},
        "toast": _toast(request),
        "views": [],  # for a part of a page; a whole one has those of its sidebar
        "status_words": title,
    }


def target(request: Request) -> str:
    """The id of what htmx will replace."""
    return request.headers.get("hx-target", "").partition("#")[2]


def _is_part(request: Request) -> bool:
    return "hx-request" in request.headers and "hx-history-restore-request" not in request.headers


class SidebarView(View, rename="camel"):
    """A saved view, and whether the list is shown as it says."""

    is_here: bool = False


async def _sidebar(request: Request) -> list[SidebarView]:
    """The saved views, on the pages of somebody who is signed in."""
    if request.session_viewer is None or request.route is None:
        return []
    found = msgspec.convert(await views.sidebar(request.db), list[SidebarView])
    parameters = _list_parameters(request)
    for view in found:
        shown = set(pairs(view.query.encode()))
        view.is_here = request.path == f"/{view.noun}" and parameters == shown
    return found


def _list_parameters(request: Request) -> set[tuple[str, str]] | None:
    """What filters and sorts the list that is shown; None where that cannot be read."""
    try:
        return {
            pair
            for pair in pairs(of_form(request.scope["query_string"]))
            if pair[0] not in ("cursor", "limit")
        }
    except Invalid:
        return None


def _toast(request: Request) -> Toast | None:
    """What was done, unless by somebody else who used this browser a moment ago."""
    match = next(filter(None, map(_TOAST.match, request.headers.cookies(TOAST_COOKIE))), None)
    if match is None:
        return None
    try:
        told = msgspec.json.decode(
            base64.urlsafe_b64decode(match[0] + "=" * (-len(match[0]) % 4)), type=Toast
        )
    except (ValueError, msgspec.MsgspecError):
        return None
    viewer = request.session_viewer
    is_theirs = told.user is None or (viewer is not None and viewer.user == told.user)
    return told if is_theirs else None


def _cookie(request: Request, value: str, *, seconds: int) -> str:
    secure = "; Secure" if request.is_secure else ""
    return f"{TOAST_COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
