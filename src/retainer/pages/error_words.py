"""Refusals in the words of people, for pages; the API keeps its own."""

import re
from typing import NamedTuple

from retainer.errors import Problem
from retainer.identity.confirmations import PasswordNeeded
from retainer.pages.formatting import field_label

# The API's words about parameters, and how to ask for more; nobody types a path into a form.
_API_WORDS = (
    (re.compile(r"; see (?:GET|POST) \S+"), ""),
    (re.compile(r"is not a parameter of this path(; it takes .*)?"), "is not known here"),
    (re.compile(r".*, not \"\""), "must not be empty"),  # nobody typed the quotation marks
)
# Statuses whose detail speaks of requests, headers and bodies.
_TECHNICAL = {400, 401, 404, 405, 412, 415, 428}


class Words(NamedTuple):
    """A refusal as a page tells it: what happened, details of this case, and what to do next."""

    heading: str
    sentences: list[str]
    hint: str


_BY_STATUS = {
    400: (
        "This address cannot be read",
        "Nothing was changed. Part of it is missing or was altered on the way; "
        "begin again from the list.",
    ),
    401: (
        "You are signed out",
        "Nothing was changed. Sign in, then go back: what you typed is still in the form.",
    ),
    403: (
        "You may not do this",
        "It takes another role than yours. "
        "Ask an administrator of your consultancy if you need it.",
    ),
    404: (
        "Nothing is here",
        "It may have been deleted, or it is not yours to see. "
        "Deleted records wait in the trash for whoever may restore them.",
    ),
    405: ("This address cannot do that", "Go back and use the page's own buttons."),
    409: (
        "This meets something else",
        "Nothing was changed. Go back, look at the record as it is now, and decide again.",
    ),
    412: (
        "Somebody changed this meanwhile",
        "Nothing was changed. Go back, look at the record as it is now, and decide again.",
    ),
    413: ("This is too large", "Nothing was changed. Send less at once."),
    415: (
        "This form arrived in a way that cannot be read",
        "Nothing was changed. Go back, reload the page, and send the form again.",
    ),
    422: (
        "This cannot be taken as it is",
        "Nothing was changed. Go back and correct it, or begin again from the list.",
    ),
    428: (
        "This form is out of date",
        "Nothing was changed. Go back, reload the page, and send the form again.",
    ),
    429: ("Too many attempts", "Wait a moment, then try again."),
    503: (
        "This cannot be done at the moment",
        "Nothing is lost. Try again in a moment; "
        "what you typed is still in the form when you go back.",
    ),
    507: ("There is no space left", "Nothing was changed. Tell an administrator."),
}  # fmt: skip
_OTHERS = (
    "Something went wrong on our side",
    "It was written down. Go back and try again; if it stays, tell an administrator the id below.",
)
_PASSWORD_NEEDED = (
    "This takes your password again",
    "Nothing was changed. You gave it last over 15 minutes ago: enter it, then do this once more.",
)
_IN_ADDRESS = "This address has a mistake in it"


def words_of(problem: Problem, *, is_form: bool) -> Words:
    """The words for a refused form, or for an address that was refused."""
    heading, hint = _BY_STATUS.get(problem.status, _OTHERS)
    if isinstance(problem, PasswordNeeded):
        heading, hint = _PASSWORD_NEEDED
    if problem.status == 422 and not is_form:
        heading = _IN_ADDRESS
    return Words(heading, _sentences(problem, is_form=is_form), hint)


def _sentences(problem: Problem, *, is_form: bool) -> list[str]:
    if problem.errors:
        # A body that is no form at all was not typed by anybody.
        named = [error for error in problem.errors if error.field != "body"]
        return [_sentence(e.field, e.message, is_form=is_form) for e in named]
    is_said = problem.status in _TECHNICAL or problem.detail == type(problem).detail
    if is_said or not problem.is_for_people:
        return []
    return [problem.detail]


def _sentence(field: str, message: str, *, is_form: bool) -> str:
    subject = f"“{field}”"
    if is_form:
        subject = field_label(field)
    if field in ("", "id"):
        subject = "It"
    return f"{subject} {of_people(message)}."


def of_people(message: str) -> str:
    """A message about a field without what only programs can use."""
    for pattern, words in _API_WORDS:
        message = pattern.sub(words, message)
    return message
