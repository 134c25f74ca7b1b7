"""Handlers of signing in and out, and of one's own sessions and password."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from asyncpg import Record
from starlette.responses import Response

from retainer.database.database import Db
from retainer.database.refusals import SessionChanged
from retainer.database.stored import Stored
from retainer.errors import (
    BadCredentials,
    FieldError,
    Invalid,
    NotFound,
    TooManyRequests,
    Unavailable,
    invalid,
)
from retainer.http.request import SESSION_COOKIE, Request
from retainer.http.responses import record_response
from retainer.http.shares.holder import Holder
from retainer.identity import passwords, tokens
from retainer.identity.sessions import known_browsers, store, throttle
from retainer.lists.response import list_response

INVALID_LINK = (
    "is not valid any more: it was used, replaced, or has expired;"
    " ask an administrator for a new link"
)


ATTEMPT_SECONDS = 5.0  # for an attempt to be counted


async def login(request: Request) -> Response:
    session = await _session_at(request, request.data.username)
    user = await check_password(request, request.data.username, request.data.password, session)
    if user is None:
        raise BadCredentials
    db = as_user(request, user)
    if passwords.is_outdated(user["password_hash"]):
        holder = holder_of(request, request.data.username)
        password_hash = await passwords.hashed(request.data.password, holder)
        await store.rehash(db, password_hash, user["password_changed_at"])
    await leave(request)
    token = tokens.generate()
    row = await store.sign_in(db, session_of(request, token), user["password_changed_at"])
    if row is None:
        raise BadCredentials
    request.app.sessions.forget(user["user_id"])  # one of theirs may have ended
    return signed_in(request, row, token)


async def _session_at(request: Request, username: str) -> str | None:
    """Name of a session of this account that the request carries: proof like a known browser's."""
    for token in request.tokens:
        viewer = await request.app.sessions.viewer(token)
        if viewer is not None and viewer.username.casefold() == username.casefold():
            return f"session {viewer.session}"
    return None


async def logout(request: Request) -> Response:
    await leave(request)
    return signed_out(request)


async def setup(request: Request) -> Response:
    body, database = request.data, request.app.database
    attempt = await throttle.begin(database, request.address, None)
    link = await store.link_by_token(database, tokens.digest(body.token))
    names: list[str] = []
    if link is not None:
        await attempt.succeed(link["username"])
        names = await store.names(as_user(request, link))
    weakness = passwords.weakness(body.password, *names)
    if link is None:
        raise refusal(token=INVALID_LINK, password=weakness)
    if weakness:
        raise invalid("password", weakness)
    token = tokens.generate()
    password_hash = await passwords.hashed(body.password, holder_of(request, link["username"]))
    row = await store.set_up(
        as_user(request, link), link, password_hash, session_of(request, token)
    )
    if row is None:
        raise invalid("token", INVALID_LINK)
    request.app.sessions.forget(link["user_id"])
    await leave(request)
    return signed_in(request, row, token)


async def change_password(request: Request) -> Response:
    body, viewer = request.data, request.viewer
    session = f"session {viewer.session}"
    user = await check_password(request, viewer.username, body.current_password, session)
    weakness = passwords.weakness(body.new_password, *await store.names(request.db))
    if user is None:
        raise refusal(currentPassword="is not your password", newPassword=weakness)
    if weakness:
        raise invalid("newPassword", weakness)
    password_hash = await passwords.hashed(body.new_password, holder_of(request, viewer.username))
    if not await store.change_password(
        request.db, viewer.user, viewer.session, password_hash, user["password_changed_at"]
    ):
        raise invalid(
            "currentPassword", "is not your password any more; it was changed at this moment"
        )
    request.forget(viewer.user)
    return Response(status_code=204)


async def confirm(request: Request) -> Response:
    viewer = request.viewer
    session = f"session {viewer.session}"
    if await check_password(request, viewer.username, request.data.password, session) is None:
        raise invalid("password", "is not your password; type the one that you sign in with")
    await store.confirm(request.db)
    return Response(status_code=204)


async def index(request: Request) -> Response:
    return await list_response(request)


async def delete(request: Request, id: int) -> Response:
    if not await store.end(request.db, id):
        raise NotFound
    request.forget(request.viewer.user)
    if id == request.viewer.session:
        return signed_out(request)
    return Response(status_code=204)


async def check_password(
    request: Request, username: str, password: str, session: str | None = None
) -> Record | None:
    """The active user with this username and password, or None. `session` names that of a user who
    is signed in.

    Every failure takes the same steps, so that neither words nor time tell which names exist.
    """
    proof = session or known_browsers.proof(request, username)
    attempts, holder = request.app.shares.attempts, holder_of(request, username)
    try:
        async with attempts.place(holder, ATTEMPT_SECONDS, is_first=proof is not None):
            attempt = await throttle.begin(request.app.database, request.address, username, proof)
    except TooManyRequests:
        note_refusal(request, "throttled")
        raise
    await asyncio.sleep(attempt.seconds)
    user = await store.user_by_username(request.app.database, username)
    password_hash = None
    if user is not None and user["is_active"]:
        password_hash = user["password_hash"]
    try:
        matched = await passwords.matches(
            password_hash, password, holder, is_first=proof is not None
        )
    except Unavailable:
        await attempt.withdraw()
        raise
    if not matched:
        await record_refusal(request, user, username)
        return None
    await attempt.succeed()
    return user


def refusal(**problems: str | None) -> Invalid:
    """A 422 with the fields whose problem is not None."""
    return Invalid(*(FieldError(field, problem) for field, problem in problems.items() if problem))


async def record_refusal(request: Request, user: Record | None, username: str) -> None:
    if user is not None:
        note_refusal(request, "wrong password", user=user["user_id"], tenant=user["tenant_id"])
        await as_user(request, user).row(store.REFUSED)
    else:
        note_refusal(request, "unknown name")
        await store.refuse_unknown_user(request.app.database, username)


def note_refusal(request: Request, reason: str, **who: int) -> None:
    """Log a refused sign-in, without the name: people type their password into the wrong field."""
    request.app.log.note(
        "sign-in refused", reason=reason, address=request.address, request=request.id, **who
    )


def holder_of(request: Request, username: str) -> Holder:
    """The network and the name in it, whose attempts wait for each other."""
    return Holder(throttle.network(request.address), username.casefold())


async def leave(request: Request) -> None:
    """End the sessions of the request's cookies, where there are any."""
    for token in request.tokens:
        viewer = await request.app.sessions.viewer(token)
        if viewer is None:
            continue
        db = request.app.database.of(
            viewer, request.id, "logout", request.channel, address=request.address
        )
        with suppress(SessionChanged):  # it has ended already, or its user may not use it any more
            await store.end(db, viewer.session)
        request.app.sessions.forget(viewer.user)


def as_user(request: Request, user: Record) -> Db:
    """The database as a user who has no session yet."""
    assert request.route is not None
    return request.app.database.without_viewer(
        user["tenant_id"],
        request.id,
        request.route.name,
        request.channel,
        user=user["user_id"],
        address=request.address,
    )


def session_of(request: Request, token: str) -> dict[str, object]:
    """Columns of a new session."""
    settings = request.app.settings
    agent = request.headers.get("user-agent", "").replace("\0", "")
    return {
        "token_hash": tokens.digest(token),
        "user_agent": agent[:255] or None,
        "address": request.address or None,
        "idle": timedelta(hours=settings.session_idle_hours),
        "lifetime": timedelta(hours=settings.session_hours),
    }


def signed_in(request: Request, user: Stored, token: str) -> Response:
    """Response with the user and the cookie of their new session. It is the only cookie: there are
    HTTP clients that keep but one header of a name.
    """
    response = record_response(user)
    seconds = int(request.app.settings.session_hours * 3600)
    response.headers.append("set-cookie", cookie(token, secure=request.is_secure, seconds=seconds))
    return response


def signed_out(request: Request) -> Response:
    """Response that removes the cookie, and what our pages kept in the browser."""
    request.tell_connection(is_signed_in=False)
    response = Response(status_code=204, headers={"clear-site-data": '"storage"'})
    response.headers.append("set-cookie", cookie("", secure=request.is_secure, seconds=0))
    return response


def cookie(value: str, *, secure: bool, seconds: int) -> str:
    """Set-Cookie header of a session; 0 seconds removes the cookie. The value must be URL-safe."""
    parts = [
        f"{SESSION_COOKIE}={value}",
        "Path=/",
        f"Max-Age={seconds}",
        "HttpOnly",
        "SameSite=Lax",
    ]
    return "; ".join(parts + ["Secure"] * secure)
