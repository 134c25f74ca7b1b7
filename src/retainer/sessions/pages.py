"""The pages of signing in and out."""

import re

from retainer import pages
from retainer.actions import perform
from retainer.errors import Problem
from retainer.request import Answer, Request
from retainer.sessions.model import Login

USUAL = "/organizations"


async def home(request: Request) -> Answer:
    return pages.redirect(request, USUAL)


async def login(request: Request) -> Answer:
    where = _next(request.query.get("next", ""))
    if request.token and await request.app.sessions.viewer(request.token):
        return pages.redirect(request, where)
    reason = "Your session has ended, or you are not signed in yet." if request.query.get("next") else ""
    return await _form(request, where, reason)


async def sign_in(request: Request) -> Answer:
    where = _next(request.body.get("next", ""))
    try:
        done = await perform(request, "login", body=request.body.body(Login))
    except Problem as problem:
        if problem.status >= 500:
            raise
        return await _form(request, where, problem.detail, problem)
    return _with_cookie(pages.redirect(request, where), done.answer)


async def sign_out(request: Request) -> Answer:
    done = await perform(request, "logout")
    return _with_cookie(pages.redirect(request, "/login"), done.answer)


async def _form(request: Request, where: str, reason: str, problem: Problem | None = None) -> Answer:
    username = request.body.get("username", "") if problem else ""
    status = problem.status if problem else 200
    values = {"next": where, "reason": reason, "problem": problem, "username": username}
    answer = await pages.page(request, "layout/login.html", status=status, **values)
    answer.headers += problem.headers if problem else []
    return answer


def _with_cookie(answer: Answer, done: Answer) -> Answer:
    answer.headers += [header for header in done.headers if header[0] == b"set-cookie"]
    return answer


def _next(path: str) -> str:
    """Only a path of ours: a link must not lead elsewhere after signing in."""
    return path if re.fullmatch(r"/(?![/\\])[^\s\\]*", path) else USUAL
