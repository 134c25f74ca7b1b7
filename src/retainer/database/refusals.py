"""The API's words for what PostgreSQL refuses, by SQLSTATE (appendix A of its manual)."""

import asyncpg

from retainer.errors import (
    Conflict,
    FieldError,
    Invalid,
    NotSignedIn,
    Problem,
    StorageFull,
    Unavailable,
    camel,
)

Messages = dict[str, tuple[str, str]]  # field and message by the name of a constraint

UNREPLICATED = (
    "The database did not wait until this was safe on its standby; whether a change was made is not"
    " known. Look before trying again."
)
CONNECTION_LOST = (
    "The connection to the database was lost; whether a change was made is not known."
    " Look before trying again."
)
_UNAVAILABLE = "The database could not answer in time. Try again shortly."

# Messages by SQLSTATE, for values that are valid JSON but that PostgreSQL cannot store.
UNSTORABLE = {
    "22021": "text must not contain the NUL character; remove \\u0000",
    "22P05": "text must not contain the NUL character; remove \\u0000",
    "22003": "a number is out of range",
    "22007": "a date or time is not one of the calendar",
    "22008": "a date or time is out of range",
    "54000": "is too large",
    "54001": "is nested too deeply",
}


class SessionChanged(NotSignedIn):
    """A write found its session ended, or its user's role changed, since it was looked up."""


class TimedOut(Unavailable):
    """A statement took longer than it may."""

    detail = _UNAVAILABLE


class Retry(Unavailable):
    """A deadlock or serialization failure: nothing was changed, the same request may run again."""

    is_rolled_back = True


def refusal(  # noqa: PLR0911 -- a case each
    error: asyncpg.PostgresError, messages: Messages
) -> Problem:
    """The Problem of an error. Raises the error where it is unknown."""
    state = error.sqlstate or ""
    if state == "RT401":
        return SessionChanged()
    if state == "RT409":
        return _conflict(_raised(error))
    if state == "RT422":
        return Invalid(_raised(error))
    if state == "23505":
        return _conflict(_broken(error, messages))
    if state in ("23503", "23514", "23502"):
        return Invalid(_broken(error, messages))
    if state in UNSTORABLE:
        return Invalid(FieldError("body", UNSTORABLE[state]))
    problem = _of_server(state)
    if problem is None:
        raise error
    return problem


def _of_server(state: str) -> Problem | None:
    """A fault of the server, not of what was sent."""
    if state in ("40001", "40P01", "55P03"):
        return Retry("The change met another one at the same moment. Try again.")
    if state in ("53100", "53200"):
        return StorageFull()
    if state == "57014":
        return TimedOut()
    if state[:2] in ("08", "53", "57", "58") or state in ("25006", "25P03"):
        return Unavailable(_UNAVAILABLE)
    return None


def _raised(error: asyncpg.PostgresError) -> FieldError:
    """The field that a function of ours names in COLUMN when it refuses."""
    return FieldError(error.column_name or "", error.args[0])


def _broken(error: asyncpg.PostgresError, messages: Messages) -> FieldError:
    """The field of a broken constraint: by its comment, else by its name,
    <table>_<column>_<rule>.
    """
    name = error.constraint_name or ""
    if name in messages:
        return FieldError(*messages[name])
    column = error.column_name or name.removeprefix(f"{error.table_name}_").rpartition("_")[0]
    return FieldError(
        camel(column), "is not allowed to have this value; see the API page for what is"
    )


def _conflict(field: FieldError) -> Conflict:
    return Conflict(f"{field.field}: {field.message}.", errors=[field])
