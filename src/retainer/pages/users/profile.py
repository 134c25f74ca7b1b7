"""The page of one's own account: name, time zone, what one prefers of the pages, password,
sessions.
"""

import re
from typing import Any

import msgspec
from starlette.responses import Response

from retainer.errors import FieldError, Invalid, NotFound, TooManyRequests
from retainer.http.request import Request
from retainer.identity.sessions import store as sessions
from retainer.identity.sessions.model import PasswordChange, Session
from retainer.identity.users import store
from retainer.identity.users.model import AccountUpdate, Density, Theme, UserDetails, time_zones
from retainer.pages import render
from retainer.pages.list_page import find
from retainer.pages.submit import perform

PATH = "/profile"
# What a browser calls itself contains the names of others: the first that is found is the one.
_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrom": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


async def show(request: Request) -> Response:
    stored = await store.read_own(request.db)
    if stored is None:
        raise NotFound
    found = await find(request, sessions.LIST, Session)
    return await render.page(
        request,
        "users/profile.html",
        user=stored.decode(UserDetails),
        sessions=[(session, device(session.user_agent)) for session in found],
        zones=zones(),
        themes=[
            (Theme.SYSTEM.value, "As the system"),
            (Theme.LIGHT.value, "Light"),
            (Theme.DARK.value, "Dark"),
        ],
        densities=list(Density),
    )


def zones() -> list[str]:
    """Those with the name of a place, as people look for theirs."""
    return [
        name for name in sorted(time_zones()) if "/" in name and not name.startswith("Etc/")
    ] + ["UTC"]


def device(agent: str | None) -> str:
    """From what somebody signed in: "Firefox on Linux", or as it calls itself."""
    if not agent:
        return "An unknown program"
    browser, system = (
        next((name for word, name in known.items() if word in agent), "")
        for known in (_BROWSERS, _SYSTEMS)
    )
    if browser and system:
        return f"{browser} on {system}"
    return re.split(r"[\s(;]", agent, maxsplit=1)[0][:40]


async def update(request: Request) -> Response:
    sent = request.data.body(AccountUpdate)
    try:
        await perform(request, "updateOwnUser", body=sent)
    except Invalid as problem:
        return await render.not_saved(request, problem, PATH, sent)
    return render.redirect(request, PATH, _message(sent))


def _message(sent: dict[str, Any]) -> str:
    if "shortcuts" in sent:
        return f"Turned single-key shortcuts {'on' if sent['shortcuts'] else 'off'}"
    return f"Changed your {render.changed_fields(sent)}"


async def password(request: Request) -> Response:
    return await render.page(request, "users/password.html", errors={})


async def change_password(request: Request) -> Response:
    try:
        _refuse_difference(request)
        await perform(
            request,
            "changeOwnPassword",
            body=empty_fields(PasswordChange) | request.data.body(PasswordChange),
        )
    except (Invalid, TooManyRequests) as problem:
        errors = render.field_errors(problem)
        answer = await render.page(
            request, "users/password.html", status=problem.status, errors=errors
        )
        answer.headers.update(problem.headers)
        return answer
    return render.redirect(request, PATH, "Changed your password and ended your other sessions")


def empty_fields(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Every field of a body of this type, empty: one that a form lacks is as one that was not
    filled in.
    """
    return dict.fromkeys(kind.__struct_encode_fields__, "")


def _refuse_difference(request: Request) -> None:
    """Raises Invalid when the new password was not typed alike twice."""
    if request.data.get("newPassword", "") != request.data.get("again", ""):
        raise Invalid(FieldError("again", "differs from the new password"))


async def end_session(request: Request, id: int) -> Response:
    result = await perform(request, "endOwnSession", id)
    if id != request.viewer.session:
        return render.redirect(request, PATH, "Ended the session")
    answer = render.redirect(request, "/login", "You are signed out")
    cookies = [header for header in result.answer.raw_headers if header[0] == b"set-cookie"]
    answer.raw_headers += cookies
    return answer
