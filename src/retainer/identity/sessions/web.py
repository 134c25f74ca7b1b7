"""The handlers of signing in and out, and of one's own sessions and password."""

import secrets
from contextlib import suppress
from datetime import timedelta
from typing import Any

from asyncpg import Record

from retainer.database.database import Db, SessionChanged
from retainer.errors import BadCredentials, FieldError, Invalid, NotFound, Unavailable, invalid
from retainer.http.request import Answer, Request, empty, found
from retainer.identity import passwords
from retainer.identity.sessions import store, throttle
from retainer.identity.sessions.cache import COOKIE, digest
from retainer.lists.answer import listed

DEAD_LINK = "is not valid any more: it was used, replaced, or has expired; ask an administrator for a new link"


async def login(request: Request) -> Answer:
    user = await proven(request, request.body.username, request.body.password)
    if user is None:
        raise BadCredentials
    db = as_user(request, user)
    if passwords.is_outdated(user["password_hash"]):
        await store.rehash(
            db, await passwords.hashed(request.body.password), user["password_changed_at"]
        )
    await leave(request)
    token = secrets.token_urlsafe(32)
    row = await store.sign_in(db, session_of(request, token), user["password_changed_at"])
    if row is None:
        raise BadCredentials
    return signed_in(request, row, token)


async def logout(request: Request) -> Answer:
    await leave(request)
    return signed_out(request)


async def setup(request: Request) -> Answer:
    body, database = request.body, request.app.database
    attempt = await throttle.begin(database, request.address, None)
    link = await store.link_by_token(database, digest(body.token))
    if link is not None:
        await attempt.succeed(link["username"])
    weak = passwords.weakness(body.password, link["username"] if link else "")
    if link is None or weak:
        raise refusal(token=None if link else DEAD_LINK, password=weak)
    token = secrets.token_urlsafe(32)
    password_hash = await passwords.hashed(body.password)
    row = await store.set_up(
        as_user(request, link), link, password_hash, session_of(request, token)
    )
    if row is None:
        raise invalid("token", DEAD_LINK)
    request.app.sessions.forget(link["user_id"])
    await leave(request)
    return signed_in(request, row, token)


async def change_password(request: Request) -> Answer:
    body, viewer = request.body, request.viewer
    user = await proven(request, viewer.username, body.current_password)
    weak = passwords.weakness(body.new_password, viewer.username)
    if user is None or weak:
        raise refusal(currentPassword=None if user else "is not your password", newPassword=weak)
    password_hash = await passwords.hashed(body.new_password)
    if not await store.change_password(
        request.db, viewer.user, viewer.session, password_hash, user["password_changed_at"]
    ):
        raise invalid(
            "currentPassword", "is not your password any more; it was changed at this moment"
        )
    request.forget(viewer.user)
    return empty()


async def index(request: Request) -> Answer:
    return await listed(request)


async def delete(request: Request, id: int) -> Answer:
    if not await store.end(request.db, id):
        raise NotFound
    request.forget(request.viewer.user)
    return signed_out(request) if id == request.viewer.session else empty()


async def proven(request: Request, username: str, password: str) -> Record | None:
    """The user whose username and password these are, else None; a disabled one is nobody's.

    Every way to fail takes the same steps, so that neither words nor time tell which names exist.
    """
    attempt = await throttle.begin(request.app.database, request.address, username)
    user = await store.user_by_username(request.app.database, username)
    password_hash = user["password_hash"] if user and user["is_active"] else None
    try:
        right = await passwords.matches(password_hash, password)
    except Unavailable:
        await attempt.take_back()
        raise
    if not right:
        await record_refusal(request, user, username)
        return None
    await attempt.succeed()
    return user


def refusal(**problems: str | None) -> Invalid:
    """A 422 of the fields that have a problem."""
    return Invalid(*(FieldError(field, problem) for field, problem in problems.items() if problem))


async def record_refusal(request: Request, user: Record | None, username: str) -> None:
    if user is not None:
        await as_user(request, user).row(store.REFUSED)
    else:
        await store.refuse_nobody(request.app.database, username)


async def leave(request: Request) -> None:
    """End the session whose cookie the request carries, if it is one."""
    viewer = await request.app.sessions.viewer(request.token) if request.token else None
    if viewer is None:
        return
    with suppress(SessionChanged):  # it has ended already, or its user may not use it any more
        await store.end(
            request.app.database.of(viewer, request.id, "logout", request.via), viewer.session
        )
    request.app.sessions.forget(viewer.user)


def as_user(request: Request, user: Record) -> Db:
    """The database for somebody who has no session yet."""
    assert request.route is not None
    who = {"user": user["user_id"]}
    return request.app.database.without_viewer(
        user["tenant_id"], request.id, request.route.name, request.via, **who
    )


def session_of(request: Request, token: str) -> dict[str, Any]:
    """A new session's columns."""
    settings = request.app.settings
    agent = request.headers.get(b"user-agent", b"").decode("latin-1").replace("\0", "")
    return {
        "token_hash": digest(token),
        "user_agent": agent[:255] or None,
        "address": request.address or None,
        "idle": timedelta(hours=settings.session_idle_hours),
        "lifetime": timedelta(hours=settings.session_hours),
    }


def signed_in(request: Request, user: Record, token: str) -> Answer:
    """The user, and the cookie of their new session."""
    answer = found(user)
    seconds = int(request.app.settings.session_hours * 3600)
    answer.headers.append(cookie(token, secure=request.is_secure, seconds=seconds))
    return answer


def signed_out(request: Request) -> Answer:
    answer = empty()
    answer.headers.append(cookie("", secure=request.is_secure, seconds=0))
    return answer


def cookie(value: str, *, secure: bool, seconds: int) -> tuple[bytes, bytes]:
    """The Set-Cookie header of a session; 0 seconds takes it back. The value must be URL-safe, as
    our tokens are.
    """
    parts = [f"{COOKIE}={value}", "Path=/", f"Max-Age={seconds}", "HttpOnly", "SameSite=Lax"]
    return (b"set-cookie", "; ".join(parts + ["Secure"] * secure).encode())
