"""What an operation did, as a sentence: "changed status of Acme Corporation", with where to look."""

from typing import Any, NamedTuple

from retainer.nouns import NOUNS
from retainer.pages import formatting
from retainer.pages.journal.diffs import REFERENCES, TOLD_AS, Titles

_LINKS = [link for noun in NOUNS.values() for link in noun.links]
# What a sentence is about, where an operation did several things: records before what is told by
# another one.
ORDER = [
    *(noun.table for noun in NOUNS.values() if not noun.told_by),
    *(noun.table for noun in NOUNS.values() if noun.told_by),
    *(link.told_as for link in _LINKS),
]
PLURALS = {noun.table: noun.plural or noun.table for noun in NOUNS.values()}
PLURALS |= {link.told_as: link.plural for link in _LINKS}
PAGES = {noun.table: noun.page for noun in NOUNS.values() if "{id}" in noun.page}
MAX_FIELDS = 3

# What is done, and doing it; and what stands between that and the record, and between it and its
# organization.
_PLAIN = {
    "insert": ("added", "adding"),
    "delete": ("deleted", "deleting"),
    "restore": ("restored", "restoring"),
}
_SPECIAL = {
    (entity, action): verbs
    for entity, said in [
        *((noun.table, noun.verbs) for noun in NOUNS.values()),
        *((link.told_as, link.verbs) for link in _LINKS),
    ]
    for action, verbs in said.items()
}

# What changes no record: when it was done, and when it was refused.
_WITHOUT_CHANGES = {
    "login": ("signed in", "tried to sign in"),
    "logout": ("signed out", "tried to sign out"),
    "setup": ("chose a password with a link", "tried to choose a password with a link"),
    "changeOwnPassword": ("changed their password", "tried to change their password"),
    "endOwnSession": ("ended one of their sessions", "tried to end one of their sessions"),
    "endUserSessions": ("ended all sessions of a user", "tried to end all sessions of a user"),
    "createUserLink": (
        "made a link to choose a password",
        "tried to make a link to choose a password",
    ),
}


class Sentence(NamedTuple):
    """`done` name `more`: "changed status of" "Acme Corporation" "". `doing` is the same as what is
    taken back.
    """

    done: str
    doing: str
    name: str
    href: str
    more: str
    changes: list[dict[str, Any]]  # those of a single record, few enough to be told with it

    @property
    def undone(self) -> str:
        """For the message that it was undone."""
        return f"Undid {self.doing} {self.name}{self.more}"


def describe_unchanged(operation: dict[str, Any], routes: dict[str, Any]) -> str:
    """What an operation was that changed no record which could be told: an action, or one that was
    refused.
    """
    name = operation["action"].removesuffix("Form").removesuffix("Page")
    is_refused = operation["outcome"] == "refused"
    if name in _WITHOUT_CHANGES:
        return _WITHOUT_CHANGES[name][is_refused]
    route = routes.get(name)
    tried = f"“{route.summary if route and not route.html else formatting.label(name)}”"
    return f"was refused: {tried}" if is_refused else f"did {tried}"


def records_named(groups: list[dict[str, Any]]) -> set[tuple[str, int]]:
    """The records that sentences name, as (noun, id)."""
    found = {(TOLD_AS.get(group["entity"], group["entity"]), group["id"]) for group in groups}
    found |= {("organizations", group["organizationId"]) for group in groups}
    return {(noun, id) for noun, id in found if id is not None}


def sentences(groups: list[dict[str, Any]], titles: Titles) -> dict[int, Sentence]:
    """Of each operation, by its id."""
    by_operation: dict[int, list[dict[str, Any]]] = {}
    for group in groups:
        by_operation.setdefault(group["operation"], []).append(group)
    return {id: sentence(id, found, titles) for id, found in by_operation.items()}


def sentence(operation: int, groups: list[dict[str, Any]], titles: Titles) -> Sentence:
    """Of one operation, by what it did."""
    first = _subject(groups)
    rest = sum(group["alike"] for group in groups) - first["alike"]
    done, doing, near = _verbs(first)
    is_one = first["alike"] == 1
    more = _where(first, near, titles) if is_one else ""
    if rest and first["action"] != "update" and first["entity"] in PAGES:
        more += " with all that belongs to it" if is_one else " with all that belongs to them"
    noun = TOLD_AS.get(first["entity"], first["entity"])
    singular = NOUNS[noun].singular if noun in NOUNS else noun.removesuffix("s")
    name = titles.get((noun, first["id"]), f"{singular} {first['id']}")
    if not is_one:
        name = f"{first['alike']:,} {PLURALS.get(first['entity'], first['entity'])}"
    href = record_path(first) if is_one else ""
    changes = first["changes"] if is_one and first["action"] == "update" else []
    return Sentence(done, doing, name, href or f"/operations/{operation}", more, changes)


def _subject(groups: list[dict[str, Any]]) -> dict[str, Any]:
    """What the sentence is about. Somebody who was added with a membership was added to that
    organization.
    """
    members = [group for group in groups if group["entity"] == "members"]
    if members and {group["entity"] for group in groups} == {"members", "contacts"}:
        return members[0]
    return min(
        groups,
        key=lambda group: ORDER.index(group["entity"]) if group["entity"] in ORDER else len(ORDER),
    )


def _verbs(group: dict[str, Any]) -> tuple[str, str, str]:
    entity, action = group["entity"], group["action"]
    if entity == "links":  # to choose a password: a new one ends the others
        return "made a password link for", "making a password link for", "at"
    if action != "update":
        done, doing, *near = _SPECIAL.get((entity, action), _PLAIN[action])
        return done, doing, near[0] if near else "at"
    changed = {change["field"]: change["after"] for change in group["changes"]}
    if entity == "users" and (not changed or "isActive" in changed):
        return _of_user(changed.get("isActive"))
    if entity == "tasks" and changed.get("status") == "completed":
        return "completed", "completing", "at"
    fields = field_names(list(changed))
    return f"changed {fields} of", f"changing {fields} of", "at"


def _of_user(is_active: bool | None) -> tuple[str, str, str]:
    """What is no field of theirs, or ends their sessions."""
    if is_active is None:
        return "changed the password of", "changing the password of", "at"
    return ("enabled", "enabling", "at") if is_active else ("disabled", "disabling", "at")


def field_names(fields: list[str]) -> str:
    """Fields as words: name, status and 2 more fields."""
    found = [
        formatting.label(name.removesuffix("Id") if name in REFERENCES else name).lower()
        for name in fields
    ]
    if len(found) > MAX_FIELDS:
        found = [*found[: MAX_FIELDS - 1], f"{len(found) - MAX_FIELDS + 1} more fields"]
    return (
        f"{', '.join(found[:-1])} and {found[-1]}"
        if len(found) > 1
        else found[0]
        if found
        else "something"
    )


def _where(group: dict[str, Any], near: str, titles: Titles) -> str:
    """The organization that it was done at, where that is another record."""
    title = titles.get(("organizations", group["organizationId"] or 0))
    return (
        f" {near} {title}" if title and group["entity"] not in ("organizations", "contacts") else ""
    )


def record_path(group: dict[str, Any]) -> str:
    """Where the record is: "" where it has no page, or is deleted."""
    entity, organization = group["entity"], group["organizationId"]
    if group["action"] == "delete" and entity not in TOLD_AS:
        return ""
    own = NOUNS[entity].page if entity in NOUNS else ""
    if "{organizationId}" in own:
        return own.format(organizationId=organization) if organization else ""
    return PAGES.get(TOLD_AS.get(entity, entity), "").format(id=group["id"])
