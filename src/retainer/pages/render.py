"""Pages: the templates of layout/ and of each slice, escaped by default; whole, or only the part
that htmx asks for.

A page is whole for a browser, `<main>` for htmx, and one block of its template where a smaller part
of the page is to be replaced: HX-Target names it (`more`, `dialog-body`). What was just done stands
in a cookie until the next page tells it.
"""

import base64
import re
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

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
from retainer.http.request import HTML, Answer, Request
from retainer.journal import changes
from retainer.pages import formatting
from retainer.pages.assets import icon
from retainer.pages.static import URLS, preloads
from retainer.permissions import PERMISSIONS

VARY = (b"vary", b"Accept, HX-Request, HX-Target")
TOAST_COOKIE = b"retainer.done"  # the cookie that tells the next page what was done
# What is replaced by a block of the page's template, by the id that HX-Target names.
FRAGMENTS = {
    "more": "more",
    "dialog-body": "main",
    "results": "results",
    "duplicates": "duplicates",
    "f-projects": "projects",
}

_ROOT = Path(str(files("retainer.pages")))


class Templates(Environment):
    """Jinja, for which `row.name` is row["name"] first where a row is a dict: it would try the
    attribute, and fail, at each value of each row.
    """

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


_templates = Templates(
    loader=FileSystemLoader(_ROOT),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_templates.globals["asset"] = URLS.__getitem__
_templates.globals["preloads"] = preloads
_templates.globals["icon"] = lambda name: Markup(icon(name))  # noqa: S704  # Lucide's drawings, by name
_templates.globals["today"] = formatting.today
_templates.filters |= formatting.FILTERS
_TOAST = re.compile(rb"(?:^|;)\s*" + re.escape(TOAST_COOKIE) + rb"=([\w-]+)")


class Toast(NamedTuple):
    """What was done, in words for people, the operation that can be undone (None: none), and whom it is told
    (None: anybody).
    """

    message: str
    operation: int | None
    user: int | None


async def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Answer:
    """A page, or the part of it that is asked for."""
    found = _templates.get_template(template)
    values = _context(request) | values
    block = FRAGMENTS.get(target(request))
    if block == "main" or block in found.blocks:
        return Answer(
            status, found.render(values, layout="layout/only.html", only=block).encode(), HTML, VARY
        )
    headers = [HTML, VARY]
    if values["toast"]:
        headers.append(_cookie(request, "", seconds=0))
    values["views"] = await _sidebar(request)
    values["layout"] = "layout/part.html" if _is_part(request) else "layout/base.html"
    return Answer(status, found.render(values).encode(), *headers)


async def style_guide(request: Request) -> Answer:
    """Every component in its states."""
    return await page(request, "layout/styleguide.html")


async def new_record(request: Request) -> Answer:
    """What can be added, from anywhere."""
    return await page(request, "layout/new.html")


def standalone_page(template: str, **values: Any) -> bytes:
    """A page that nobody needs to be signed in for."""
    return _templates.get_template(template).render(values).encode()


def redirect(
    request: Request, path: str, message: str = "", operation: int | None = None
) -> Answer:
    """303 to a page, which tells what was done and offers to undo it. From a dialog the page
    beneath follows it.
    """
    headers = [(b"location", path.encode()), VARY]
    if message:
        viewer = request.who if path != "/login" else None  # who signs out is nobody then
        may = viewer is not None and viewer.may("operations.undo")
        toast = Toast(message[:300], operation if may else None, viewer.user if viewer else None)
        value = base64.urlsafe_b64encode(msgspec.json.encode(toast)).rstrip(b"=")
        headers.append(_cookie(request, value.decode(), seconds=60))
    if target(request) == "dialog-body":
        place = msgspec.json.encode({"path": path, "target": "#main", "swap": "outerMorph"})
        return Answer(200, b"", (b"hx-location", place), HTML, *headers[1:])
    return Answer(303, b"", *headers)


def return_path(request: Request, default: str) -> str:
    """Where a form wants to return to: a path of ours, else the default one."""
    given = [
        part for part in (request.body, request.query) if isinstance(part, dict)
    ]  # a form with a file has no body
    return own_path(next((part["back"] for part in given if part.get("back")), ""), default)


def own_path(path: str, default: str) -> str:
    """The path, if it is one of ours: what comes from outside may name another site, or end the
    header it stands in.
    """
    return (
        path if re.fullmatch(r"/(?!/)[!-\[\]-~]*", path) else default
    )  # ASCII as in an address, without a backslash


async def refusal(request: Request, problem: Problem) -> Answer:
    """The page of an error: what happened and what to do next. Who is not signed in, signs in
    first.
    """
    if isinstance(problem, NotSignedIn) and request.method in ("GET", "HEAD"):
        return _to_login(request)
    values = {"problem": problem, "heading": title(problem.status)}
    try:
        if request.who is None and request.token:  # nobody looked, where there is no such path
            request.who = await request.app.sessions.viewer(request.token)
        answer = await page(request, "layout/error.html", status=problem.status, **values)
    except Exception as error:  # not even the sidebar can be read, or the page itself is at fault
        if not isinstance(error, Problem):
            request.app.log.unknown(error, request=request.id, path=request.path)
        answer = Answer(
            problem.status,
            standalone_page("layout/error_alone.html", **values, request=request),
            HTML,
            VARY,
        )
    answer.headers += problem.headers
    return answer


async def conflict(
    request: Request, problem: PreconditionFailed, path: str, sent: dict[str, Any]
) -> Answer:
    """409: somebody else has changed the record since the form was page. Both versions, and what
    to do.
    """
    if not problem.current:
        raise NotFound
    current = msgspec.json.decode(problem.current)
    version = dict(problem.headers)[b"etag"].decode()[1:-1]
    rows = [
        (name, current.get(name), value)
        for name, value in sent.items()
        if current.get(name) != value
    ]
    fields = {name: value for name, value in request.body.items() if name != "version"}
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
    record, _, version_shown = request.body.get("version", "").partition("-")
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


async def not_saved(request: Request, problem: Problem, path: str, sent: dict[str, Any]) -> Answer:
    """What was typed and is refused, each field with what is wrong, to be corrected and sent again."""
    return await page(
        request,
        "layout/not_saved.html",
        status=problem.status,
        errors=field_errors(problem),
        action=path,
        fields=dict(request.body),
        sent=list(sent),
        record=path,
    )


def changed_fields(sent: dict[str, Any]) -> str:
    """The fields that were changed, for a sentence."""
    found = [formatting.label(name.removesuffix("Id")).lower() for name in sent]
    return (
        found[0]
        if len(found) == 1
        else ", ".join(found[:-1]) + f" and {found[-1]}"
        if found
        else "nothing"
    )


def _to_login(request: Request) -> Answer:
    query = request.scope["query_string"].decode("latin-1")
    path = f"{request.path}?{query}" if query else request.path
    where = "/login" + (f"?{urlencode({'next': path})}" if path != "/" else "")
    if b"hx-request" in request.headers:
        return Answer(200, b"", (b"hx-redirect", where.encode()), HTML, VARY)
    return Answer(303, b"", (b"location", where.encode()), VARY)


def field_errors(problem: Problem) -> dict[str, str]:
    """What is wrong with each field of a form, by its name; parts of a field stand with it."""
    found: dict[str, str] = {}
    for error in problem.errors or [FieldError("", problem.detail)]:
        name = re.split(r"[\[.]", error.field)[0]
        # What a field was left as is told in people's words: they did not type "".
        message = "must not be empty" if error.message.endswith('not ""') else error.message
        found[name] = f"{found[name]}; {message}" if name in found else message
    return found


def _context(request: Request) -> dict[str, Any]:
    who = request.who
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
    return request.headers.get(b"hx-target", b"").decode("latin-1").partition("#")[2]


def _is_part(request: Request) -> bool:
    return b"hx-request" in request.headers and b"hx-history-restore-request" not in request.headers


async def _sidebar(request: Request) -> list[dict[str, Any]]:
    """The saved views, on the pages of somebody who is signed in."""
    if request.who is None or request.route is None:
        return []
    found: list[dict[str, Any]] = await request.app.sidebar(request.db)
    parameters = _list_parameters(request)
    for view in found:
        view["isHere"] = request.path == f"/{view['noun']}" and parameters == set(
            pairs(view["query"].encode())
        )
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
    match = _TOAST.search(request.headers.get(b"cookie", b""))
    if match is None:
        return None
    try:
        told = msgspec.json.decode(
            base64.urlsafe_b64decode(match[1] + b"=" * (-len(match[1]) % 4)), type=Toast
        )
    except (ValueError, msgspec.MsgspecError):
        return None
    return told if told.user in (None, request.who.user if request.who else None) else None


def _cookie(request: Request, value: str, *, seconds: int) -> tuple[bytes, bytes]:
    secure = "; Secure" if request.is_secure else ""
    text = f"{TOAST_COOKIE.decode()}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return (b"set-cookie", text.encode())
