"""The pages of signing in and out, and of a single-use link."""

import re

from starlette.responses import HTMLResponse, Response

from retainer.errors import FieldError, Invalid, Problem
from retainer.http.request import Request
from retainer.identity.sessions.model import Login
from retainer.pages import render
from retainer.pages.submit import perform

HOME = "/organizations"
_TOKEN = re.compile(r"(?:.*[#&]token=)?([\w-]{1,200})", re.ASCII | re.DOTALL)


async def home(request: Request) -> Response:
    return render.redirect(request, HOME)


async def login(request: Request) -> Response:
    where = _next(request.query.get("next", ""))
    if request.token and await request.app.sessions.viewer(request.token):
        return render.redirect(request, where)
    return await _form(request, where, _why(request))


def _why(request: Request) -> str:
    """Why somebody meets this page who wanted another. Why exactly a session ended is told to
    nobody but its owner.
    """
    if request.token:
        hours = f"{request.app.settings.session_idle_hours:g}"
        return (
            f"Your session has ended. That happens after {hours} hours without use; when your password or your role is "
            "changed; and when an administrator ends your sessions or disables your account. Sign in again; if that "
            "fails, ask an administrator."
        )
    return "Sign in to open that page." if request.query.get("next") else ""


async def sign_in(request: Request) -> Response:
    where = _next(request.data.get("next", ""))
    try:
        result = await perform(request, "login", body=request.data.body(Login))
    except Problem as problem:
        if problem.status >= 500:
            raise
        return await _form(request, where, problem.detail, problem)
    return _with_cookie(render.redirect(request, where), result.answer)


async def sign_out(request: Request) -> Response:
    result = await perform(request, "logout")
    return _with_cookie(render.redirect(request, "/login", "You are signed out"), result.answer)


async def setup(_request: Request) -> Response:
    """The page of a link. Its token stands behind the "#", so that it reaches no server but in a
    form's body.
    """
    return HTMLResponse(_setup_page({}, ""), headers={"cache-control": "no-cache"})


async def set_up(request: Request) -> Response:
    """The same without scripts: who opened the link pastes it, for the page cannot read it."""
    link, password = (request.data.get(name, "") for name in ("link", "password"))
    match = _TOKEN.fullmatch(link.strip())
    try:
        _refuse_typing_errors(bool(match), password, request.data.get("again", ""))
        result = await perform(
            request, "setup", body={"token": match[1] if match else "", "password": password}
        )
    except Problem as problem:
        if problem.status >= 500:
            raise
        text = _setup_page(render.field_errors(problem), link)
        return HTMLResponse(text, problem.status, {"cache-control": "no-store"} | problem.headers)
    return _with_cookie(
        render.redirect(request, HOME, "Your password is set, and you are signed in"), result.answer
    )


def _refuse_typing_errors(is_link: bool, password: str, again: str) -> None:
    """Raises Invalid for what is no link, and for two passwords that differ."""
    found = (
        []
        if is_link
        else [FieldError("token", "is incomplete; copy it exactly as you received it")]
    )
    if password != again:
        found.append(FieldError("again", "differs from the first one"))
    if found:
        raise Invalid(*found)


def _setup_page(errors: dict[str, str], link: str) -> bytes:
    return render.standalone_page("sessions/setup.html", errors=errors, link=link)


async def _form(
    request: Request, where: str, reason: str, problem: Problem | None = None
) -> Response:
    username = request.data.get("username", "") if problem else ""
    status = problem.status if problem else 200
    values = {"next": where, "reason": reason, "problem": problem, "username": username}
    answer = await render.page(request, "sessions/login.html", status=status, **values)
    answer.headers.update(problem.headers if problem else {})
    return answer


def _with_cookie(answer: Response, done: Response) -> Response:
    answer.raw_headers += [header for header in done.raw_headers if header[0] == b"set-cookie"]
    return answer


def _next(path: str) -> str:
    """Only a path of ours: a link must not lead elsewhere after signing in."""
    return render.own_path(path, HOME)
