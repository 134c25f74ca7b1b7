"""Pages for signing in and out, and for choosing a password with a single-use link."""

import re
from typing import Any

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
    if await request.find_viewer():
        return render.redirect(request, where)
    return await _form(request, where, _sign_in_reason(request))


def _sign_in_reason(request: Request) -> str:
    """Explanation for a visitor who wanted another page. It lists all reasons for which sessions
    end, and not the actual one, because the visitor may not be the session's owner.
    """
    if request.token:
        hours = f"{request.app.settings.session_idle_hours:g}"
        return (
            f"Your session has ended. That happens after {hours} hours without use; when your "
            "password or your role is changed; and when an administrator ends your sessions or "
            "disables your account. Sign in again; if that fails, ask an administrator."
        )
    if request.query.get("next"):
        return "Sign in to open that page."
    return ""


async def sign_in(request: Request) -> Response:
    where = _next(request.data.get("next", ""))
    try:
        result = await perform(request, "login", body=request.data.body(Login))
    except Problem as problem:
        if problem.status >= 500:
            raise
        return await _form(request, where, problem.detail, problem)
    return with_session(render.redirect(request, where), result.response)


async def sign_out(request: Request) -> Response:
    result = await perform(request, "logout")
    return with_session(render.redirect(request, "/login", "You are signed out"), result.response)


async def setup(_request: Request) -> Response:
    """Show the page that a link leads to. The link has its token behind the "#", so that it is sent
    to the server in a form's body only, never in a URL that ends up in logs.
    """
    return HTMLResponse(_setup_page({}, ""), headers={"cache-control": "no-cache"})


async def set_up(request: Request) -> Response:
    """Choose a password without scripts: the link is pasted into the form, because without a script
    the page cannot read the part of the URL behind the "#".
    """
    link, password = (request.data.get(name, "") for name in ("link", "password"))
    try:
        token = _token(link, does_repeat=password == request.data.get("again", ""))
        result = await perform(request, "setup", body={"token": token, "password": password})
    except Problem as problem:
        if problem.status >= 500:
            raise
        text = _setup_page(render.field_errors(problem), link)
        return HTMLResponse(text, problem.status, {"cache-control": "no-store"} | problem.headers)
    return with_session(
        render.redirect(request, HOME, "Your password is set, and you are signed in"),
        result.response,
    )


def _token(link: str, *, does_repeat: bool) -> str:
    """Token in a link. Raises Invalid for text that is not one, and if the passwords differ."""
    wrong = []
    match = _TOKEN.fullmatch(link.strip())
    if match is None:
        wrong.append(FieldError("token", "is incomplete; copy it exactly as you received it"))
    if not does_repeat:
        wrong.append(FieldError("again", "differs from the first one"))
    if match is None or wrong:
        raise Invalid(*wrong)
    return match[1]


def _setup_page(errors: dict[str, str], link: str) -> bytes:
    return render.standalone_page("sessions/setup.html", errors=errors, link=link)


async def _form(
    request: Request, where: str, reason: str, problem: Problem | None = None
) -> Response:
    values: dict[str, Any] = {"next": where, "reason": reason, "problem": problem, "username": ""}
    if problem is None:
        return await render.page(request, "sessions/login.html", **values)
    values["username"] = request.data.get("username", "")
    response = await render.page(request, "sessions/login.html", status=problem.status, **values)
    response.headers.update(problem.headers)
    return response


def with_session(response: Response, api_response: Response) -> Response:
    """Response with the headers of another that begins or ends a session."""
    names = (b"set-cookie", b"clear-site-data")
    response.raw_headers += [header for header in api_response.raw_headers if header[0] in names]
    return response


def _next(path: str) -> str:
    """Path to go to after signing in: one of ours, so that no link leads to another site."""
    return render.own_path(path, HOME)
