"""Sentences about operations, such as "changed status of Acme Corporation", with a link."""

from typing import NamedTuple

from msgspec import Struct

from retainer.errors import camel
from retainer.http.routing import Route
from retainer.journal.model import FieldChange
from retainer.lists.noun import Noun
from retainer.nouns import NOUNS
from retainer.pages import formatting
from retainer.pages.journal.diffs import REFERENCES, SHOWN_AS, Titles

_LINKS = [link for noun in NOUNS.values() for link in noun.links]
# Precedence of the entities of an operation as the subject of its sentence: records come before
# those that are named by another record, and before links.
ORDER = [
    *(noun.table for noun in NOUNS.values() if not noun.subject_column),
    *(noun.table for noun in NOUNS.values() if noun.subject_column),
    *(link.history_entity for link in _LINKS),
]
PLURALS = {noun.table: noun.plural or noun.table for noun in NOUNS.values()}
PLURALS |= {link.history_entity: link.plural for link in _LINKS}
PAGES = {noun.table: noun.page for noun in NOUNS.values() if "{id}" in noun.page}
MAX_FIELDS = 3  # fields that a sentence names

# By action: the verb in the past and as a gerund, and the preposition before the organization.
_PLAIN = {
    "insert": ("added", "adding", "at"),
    "delete": ("deleted", "deleting", "at"),
    "restore": ("restored", "restoring", "at"),
}
_SPECIAL = {
    (entity, action): verbs
    for entity, said in [
        *((noun.table, noun.verbs) for noun in NOUNS.values()),
        *((link.history_entity, link.verbs) for link in _LINKS),
    ]
    for action, verbs in said.items()
}


class LinkWords(NamedTuple):
    """Words for changes of what joins two records, on the page of one of them."""

    field: str  # the id of the other record
    other: str  # "a contact", for one whose name is not known
    link_verb: str
    unlink_verb: str


def _link_words_of_noun(noun: Noun) -> LinkWords:
    link_verb, unlink_verb = (
        noun.verbs.get(action, _PLAIN[action])[0] for action in ("insert", "delete")
    )
    return LinkWords(
        camel(noun.subject_column), formatting.one(noun.singular), link_verb, unlink_verb
    )


# By entity: links to other records, and nouns that are named by another record.
LINK_WORDS = {
    link.history_entity: LinkWords(
        camel(link.other_column),
        formatting.one(NOUNS[link.other_noun].singular),
        link.link_verb,
        link.unlink_verb,
    )
    for link in _LINKS
    if link.other_column
}
LINK_WORDS |= {
    noun.table: _link_words_of_noun(noun) for noun in NOUNS.values() if noun.subject_column
}

# Actions that change no record: the words for one that was done, and for one that was refused.
_WITHOUT_CHANGES = {
    "login": ("signed in", "tried to sign in"),
    "logout": ("signed out", "tried to sign out"),
    "setup": ("chose a password with a link", "tried to choose a password with a link"),
    "confirmOwnPassword": ("gave their password again", "tried to give their password again"),
    "changeOwnPassword": ("changed their password", "tried to change their password"),
    "endOwnSession": ("ended one of their sessions", "tried to end one of their sessions"),
    "endUserSessions": ("ended all sessions of a user", "tried to end all sessions of a user"),
    "createUserLink": (
        "made a link to choose a password",
        "tried to make a link to choose a password",
    ),
}


class Group(Struct, rename="camel"):
    """The same action of one operation on one or more records of one noun."""

    operation: int
    entity: str
    id: int  # of the first record
    alike: int  # number of records
    action: str
    organization_id: int | None
    changes: list[FieldChange]  # of the first record


class Sentence(NamedTuple):
    """A sentence without its subject, the actor: `done`, then `name` as a link, then `more`."""

    done: str  # "changed status of"
    doing: str  # "changing status of", for the message that it was undone
    name: str  # "Acme Corporation"
    href: str
    more: str  # " with all that belongs to it"
    changes: list[FieldChange]  # fields of an updated record, to be shown with the sentence

    @property
    def restores(self) -> bool:
        """True when one record came back that has a page."""
        return self.done.startswith("restored") and not self.href.startswith("/operations/")

    @property
    def reverted(self) -> str:
        """Message that this operation took back a part of another."""
        verb = formatting.label(self.done)
        if verb.startswith("Changed "):
            verb = "Reverted " + verb.removeprefix("Changed ")
        return f"{verb} {self.name}{self.more}"

    @property
    def undone(self) -> str:
        """Message that the operation was undone."""
        return f"Undid {self.doing} {self.name}{self.more}"


def describe_unchanged(action: str, routes: dict[str, Route], *, is_refused: bool) -> str:
    """Words for an operation that changed no record: an action such as a sign-in, or an attempt
    that was refused.
    """
    name = action.removesuffix("Form").removesuffix("Page")
    if name in _WITHOUT_CHANGES:
        return _WITHOUT_CHANGES[name][is_refused]
    route = routes.get(name)
    tried = formatting.label(name)
    if route is not None and not route.html:
        tried = route.summary
    if is_refused:
        return f"was refused: “{tried}”"
    return f"did “{tried}”"


def records_named(groups: list[Group]) -> set[tuple[str, int]]:
    """The records that sentences name, as (noun, id)."""
    found = {(SHOWN_AS.get(group.entity, group.entity), group.id) for group in groups}
    at = {group.organization_id for group in groups if group.organization_id is not None}
    return found | {("organizations", id) for id in at}


def sentences(groups: list[Group], titles: Titles) -> dict[int, Sentence]:
    """Sentence of each operation, by the operation's id."""
    by_operation: dict[int, list[Group]] = {}
    for group in groups:
        by_operation.setdefault(group.operation, []).append(group)
    return {id: sentence(id, found, titles) for id, found in by_operation.items()}


def sentence(operation: int, groups: list[Group], titles: Titles) -> Sentence:
    """Sentence of one operation, about the most important of its groups."""
    first = _subject(groups)
    done, doing, near = _verbs(first)
    # Only other records count: a file comes with its first version, and with its links.
    others = [group for group in groups if group is not first and group.entity in NOUNS]
    is_cascade = bool(others) and first.action != "update" and first.entity in PAGES
    if first.alike > 1:
        name = f"{first.alike:,} {PLURALS.get(first.entity, first.entity)}"
        more = ""
        if is_cascade:
            more = " with all that belongs to them"
        return Sentence(done, doing, name, f"/operations/{operation}", more, [])
    noun = SHOWN_AS.get(first.entity, first.entity)
    singular = NOUNS[noun].singular if noun in NOUNS else noun.removesuffix("s")
    unnamed = f"{singular} {first.id}"
    if _named_noun(first):
        unnamed = str(first.id)
    name = titles.get((noun, first.id), unnamed)
    more = _where(first, near, titles)
    if is_cascade:
        more += " with all that belongs to it"
    href = record_path(first) or f"/operations/{operation}"
    changes = []
    if first.action == "update":
        changes = first.changes
    return Sentence(done, doing, name, href, more, changes)


def _subject(groups: list[Group]) -> Group:
    """Group that the sentence is about. For a contact added together with a membership it is the
    membership, so that the sentence names the organization.
    """
    members = [group for group in groups if group.entity == "members"]
    if members and {group.entity for group in groups} == {"members", "contacts"}:
        return members[0]
    places = {noun: place for place, noun in enumerate(ORDER)}
    return min(groups, key=lambda group: places.get(group.entity, len(ORDER)))


def _verbs(group: Group) -> tuple[str, str, str]:
    """Verbs for what was done; they name the noun of a record that has no page of its own, whose
    title alone would say nothing: added the view Partners.
    """
    done, doing, near = _plain_verbs(group)
    named = _named_noun(group)
    if not named or group.alike > 1:
        return done, doing, near
    return f"{done} the {named}", f"{doing} the {named}", near


def _named_noun(group: Group) -> str:
    """The noun of a record without a page of its own; "" for any other."""
    noun = NOUNS.get(group.entity)
    if noun is None or noun.page or not noun.title:
        return ""
    return noun.singular


def _plain_verbs(group: Group) -> tuple[str, str, str]:
    entity, action = group.entity, group.action
    if entity == "links":  # whatever the action: making a link also ends the user's other links
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
    """Verbs for a change of a user's password (`is_active` is None) or of their access."""
    if is_active is None:
        return "changed the password of", "changing the password of", "at"
    if is_active:
        return "enabled", "enabling", "at"
    return "disabled", "disabling", "at"


def field_names(fields: list[str]) -> str:
    """Fields as words: name, status and 2 more fields."""
    found = [_field_word(name) for name in fields]
    if len(found) > MAX_FIELDS:
        found = [*found[: MAX_FIELDS - 1], f"{len(found) - MAX_FIELDS + 1} more fields"]
    return formatting.join_words(found, "something")


def _field_word(name: str) -> str:
    if name in REFERENCES:
        name = name.removesuffix("Id")
    return formatting.label(name).lower()


def _where(group: Group, near: str, titles: Titles) -> str:
    """Preposition and name of the organization that the record belongs to; "" where the record is
    an organization itself, or a contact.
    """
    title = titles.get(("organizations", group.organization_id or 0))
    if not title or group.entity in ("organizations", "contacts"):
        return ""
    return f" {near} {title}"


def record_path(group: Group) -> str:
    """Path of the record's page; "" where it has none, or the record was deleted."""
    entity, organization = group.entity, group.organization_id
    if group.action == "delete" and entity not in SHOWN_AS:
        return ""
    own = ""
    if entity in NOUNS:
        own = NOUNS[entity].page
    if "{organizationId}" not in own:
        return PAGES.get(SHOWN_AS.get(entity, entity), "").format(id=group.id)
    if not organization:
        return ""
    return own.format(organizationId=organization)
