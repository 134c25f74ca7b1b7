"""Page of the viewer's own account: name, time zone, preferences, password, sessions."""

import re

import msgspec
from starlette.responses import Response

from retainer.errors import FieldError, Invalid, NotFound, Problem, TooManyRequests
from retainer.http.request import Request
from retainer.identity.sessions import store as sessions
from retainer.identity.sessions.model import Confirmation, PasswordChange, Session
from retainer.identity.users import store
from retainer.identity.users.model import AccountUpdate, Density, Theme, UserDetails, time_zones
from retainer.pages import render
from retainer.pages.edit import refused
from retainer.pages.form import Field, Fields
from retainer.pages.list_page import find
from retainer.pages.sessions.handlers import with_session
from retainer.pages.submit import perform

PATH = "/profile"
FIELDS = Fields(
    Field("fullName", "Name"),
    Field("timeZone", "Time zone"),
    Field("density", "Density of lists"),
)
# By words of a User-Agent. Browsers claim to be others as well, so the order matters: Edge's header
# also names Chrome and Safari, and Chrome's also names Safari.
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
    """Time zones named after places, which people recognize, and UTC."""
    return [
        name for name in sorted(time_zones()) if "/" in name and not name.startswith("Etc/")
    ] + ["UTC"]


def device(agent: str | None) -> str:
    """Device of a session by its User-Agent: "Firefox on Linux", or the program's own name."""
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
    if sent.get("timeZone") == request.viewer.time_zone:
        del sent["timeZone"]  # the tenant's, perhaps: unchanged, it does not become the user's own
    try:
        await perform(request, "updateOwnUser", body=sent)
    except Invalid as problem:
        return await refused(request, FIELDS, problem, PATH, sent)
    return render.redirect(request, PATH, _message(sent))


def _message(sent: dict[str, object]) -> str:
    if not sent:
        return ""
    if sent.get("shortcuts"):
        return "Turned single-key shortcuts on"
    if "shortcuts" in sent:
        return "Turned single-key shortcuts off"
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
        response = await render.page(
            request, "users/password.html", status=problem.status, errors=errors
        )
        response.headers.update(problem.headers)
        return response
    return render.redirect(request, PATH, "Changed your password and ended your other sessions")


def empty_fields(model: type[msgspec.Struct]) -> dict[str, str]:
    """Empty fields of a body of this type: a field that the form lacks counts as one left empty."""
    return dict.fromkeys(model.__struct_encode_fields__, "")


def _refuse_difference(request: Request) -> None:
    """Raise Invalid if the new password was not typed the same way twice."""
    if request.data.get("newPassword", "") != request.data.get("again", ""):
        raise Invalid(FieldError("again", "differs from the new password"))


async def confirmation(request: Request) -> Response:
    """Ask for the password without scripts; where there are some, js/sign_in.js does."""
    return await _confirmation(request)


async def _confirmation(request: Request, problem: Problem | None = None) -> Response:
    errors: dict[str, str] = {}
    status, headers = 200, {}
    if problem is not None:
        errors = render.field_errors(problem)
        status, headers = problem.status, problem.headers
    back = render.return_path(request, PATH)
    response = await render.page(
        request, "users/confirm.html", status=status, errors=errors, back=back
    )
    response.headers.update(headers)
    return response


async def confirm(request: Request) -> Response:
    body = empty_fields(Confirmation) | request.data.body(Confirmation)
    try:
        await perform(request, "confirmOwnPassword", body=body)
    except (Invalid, TooManyRequests) as problem:
        return await _confirmation(request, problem)
    message = "You have given your password; go on with what you were doing"
    return render.redirect(request, render.return_path(request, PATH), message)


async def end_session(request: Request, id: int) -> Response:
    result = await perform(request, "endOwnSession", id)
    if id != request.viewer.session:
        return render.redirect(request, PATH, "Ended the session")
    signed_out = render.redirect(request, "/login", "You are signed out")
    return with_session(signed_out, result.response)
