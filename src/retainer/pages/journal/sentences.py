"""Sentences of what operations did: "changed status of Acme Corporation", with where to look."""

from typing import NamedTuple

from msgspec import Struct

from retainer.http.routing import Route
from retainer.journal.model import FieldChange
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
    "insert": ("added", "adding", "at"),
    "delete": ("deleted", "deleting", "at"),
    "restore": ("restored", "restoring", "at"),
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


class Group(Struct, rename="camel"):
    """Changes of one operation to records of one noun that are alike, told by the first of them."""

    operation: int
    entity: str
    id: int
    alike: int
    action: str
    organization_id: int | None
    changes: list[FieldChange]


class Sentence(NamedTuple):
    """`done` name `more`: "changed status of" "Acme Corporation" "". `doing` is the same as what is
    taken back.
    """

    done: str
    doing: str
    name: str
    href: str
    more: str
    changes: list[FieldChange]  # those of a single record, few enough to be told with it

    @property
    def undone(self) -> str:
        """For the message that it was undone."""
        return f"Undid {self.doing} {self.name}{self.more}"


def describe_unchanged(action: str, routes: dict[str, Route], *, is_refused: bool) -> str:
    """What an operation was that changed no record which could be told: an action, or one that was
    refused.
    """
    name = action.removesuffix("Form").removesuffix("Page")
    if name in _WITHOUT_CHANGES:
        return _WITHOUT_CHANGES[name][is_refused]
    route = routes.get(name)
    tried = formatting.label(name)
    if route is not None and not route.html:
        tried = route.summary
    return f"was refused: “{tried}”" if is_refused else f"did “{tried}”"


def records_named(groups: list[Group]) -> set[tuple[str, int]]:
    """The records that sentences name, as (noun, id)."""
    found = {(TOLD_AS.get(group.entity, group.entity), group.id) for group in groups}
    at = {group.organization_id for group in groups if group.organization_id is not None}
    return found | {("organizations", id) for id in at}


def sentences(groups: list[Group], titles: Titles) -> dict[int, Sentence]:
    """Of each operation, by its id."""
    by_operation: dict[int, list[Group]] = {}
    for group in groups:
        by_operation.setdefault(group.operation, []).append(group)
    return {id: sentence(id, found, titles) for id, found in by_operation.items()}


def sentence(operation: int, groups: list[Group], titles: Titles) -> Sentence:
    """Of one operation, by what it did."""
    first = _subject(groups)
    done, doing, near = _verbs(first)
    is_cascade = len(groups) > 1 and first.action != "update" and first.entity in PAGES
    if first.alike > 1:
        name = f"{first.alike:,} {PLURALS.get(first.entity, first.entity)}"
        more = ""
        if is_cascade:
            more = " with all that belongs to them"
        return Sentence(done, doing, name, f"/operations/{operation}", more, [])
    noun = TOLD_AS.get(first.entity, first.entity)
    singular = NOUNS[noun].singular if noun in NOUNS else noun.removesuffix("s")
    name = titles.get((noun, first.id), f"{singular} {first.id}")
    more = _where(first, near, titles)
    if is_cascade:
        more += " with all that belongs to it"
    href = record_path(first) or f"/operations/{operation}"
    changes = []
    if first.action == "update":
        changes = first.changes
    return Sentence(done, doing, name, href, more, changes)


def _subject(groups: list[Group]) -> Group:
    """What the sentence is about. Somebody who was added with a membership was added to that
    organization.
    """
    members = [group for group in groups if group.entity == "members"]
    if members and {group.entity for group in groups} == {"members", "contacts"}:
        return members[0]
    places = {noun: place for place, noun in enumerate(ORDER)}
    return min(groups, key=lambda group: places.get(group.entity, len(ORDER)))


def _verbs(group: Group) -> tuple[str, str, str]:
    entity, action = group.entity, group.action
    if entity == "links":  # to choose a password: a new one ends the others
        return "made a password link for", "making a password link for", "at"
    if action != "update":
        return _SPECIAL.get((entity, action), _PLAIN[action])
    changed = {change.field: change.after for change in group.changes}
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
    if is_active:
        return "enabled", "enabling", "at"
    return "disabled", "disabling", "at"


def field_names(fields: list[str]) -> str:
    """Fields as words: name, status and 2 more fields."""
    words = [name.removesuffix("Id") if name in REFERENCES else name for name in fields]
    found = [formatting.label(word).lower() for word in words]
    if len(found) > MAX_FIELDS:
        found = [*found[: MAX_FIELDS - 1], f"{len(found) - MAX_FIELDS + 1} more fields"]
    return formatting.listed(found, "something")


def _where(group: Group, near: str, titles: Titles) -> str:
    """The organization that it was done at, where that is another record."""
    title = titles.get(("organizations", group.organization_id or 0))
    if not title or group.entity in ("organizations", "contacts"):
        return ""
    return f" {near} {title}"


def record_path(group: Group) -> str:
    """Where the record is: "" where it has no page, or is deleted."""
    entity, organization = group.entity, group.organization_id
    if group.action == "delete" and entity not in TOLD_AS:
        return ""
    own = NOUNS[entity].page if entity in NOUNS else ""
    if "{organizationId}" not in own:
        return PAGES.get(TOLD_AS.get(entity, entity), "").format(id=group.id)
    if not organization:
        return ""
    return own.format(organizationId=organization)
