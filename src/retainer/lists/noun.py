"""The declaration of a noun: one value, read by everything that has to know the noun.

Each noun declares itself in its `noun.py`; `records/nouns.py` lists them. Journal, undo, trash,
search, saved views, bulk, the sidebar and the pages of history hold no names of nouns of their own.
A noun that lacks a part does not start: see `checks.py`.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.database.stored import Stored
from retainer.errors import camel
from retainer.lists.spec import ListSpec

T = TypeVar("T", bound=msgspec.Struct)

Verbs = tuple[str, str, str]  # done, doing, and the word before its organization: added, adding, at


class Permits(NamedTuple):
    """The permissions that undoing takes: of an update, and of a creation, deletion or
    restoration.
    """

    change: str
    delete: str


class Searched(NamedTuple):
    """Declaration of a noun to search.

    `name` is the folded column that counts most, `place` its place among equally good hits, `texts`
    what is highlighted: SQL by field of the API; `passage` is the SQL of a part of a file's text,
    which hits call `content`. `subtitle` is SQL; without it a hit shows its
    organization, whose id is `organization`. `words` are the columns whose words are learnt,
    `sites` those with a URL, of whose host they are. `prefix` restricts what is typed to the
    noun: `org: acme`. `icon` stands before a hit, or else the first letters of its title. `heard`
    is the SQL of its words to viewers who are not told every text, where there are such.
    """

    name: str
    place: int
    texts: Mapping[str, str]
    words: tuple[str, ...]
    sites: tuple[str, ...] = ()
    passage: str = ""
    subtitle: str = ""
    organization: str = ""
    prefix: str = ""
    icon: str = ""
    heard: str = ""


class Link(NamedTuple):
    """A journalled table that belongs to a noun, without a place of its own in the API.

    Its rows have the noun's id in the column `own_column`, and in `other_column` that of the noun
    `other_noun` (empty for a part of the record itself). Histories name it `history_entity`, by the
    id of the other one. `is_undoable` is False for what is kept as evidence; `holds_other` False
    where the other record may be deleted and the link stays; `refreshes_pages` says that open pages
    learn of it as a change of both records. `link_verb` and `unlink_verb` are the verbs on the
    noun's own page: linked a contact.
    """

    table: str
    own_column: str
    other_column: str = ""
    other_noun: str = ""
    plural: str = ""
    verbs: Mapping[str, Verbs] = {}
    link_verb: str = "linked"
    unlink_verb: str = "unlinked"
    is_undoable: bool = True
    holds_other: bool = True
    refreshes_pages: bool = True

    @property
    def history_entity(self) -> str:
        """The entity that histories name."""
        return camel(self.table)

    @property
    def subject_column(self) -> str:
        """The column with the id that histories give for it."""
        return self.other_column or self.own_column


class Trashed(NamedTuple):
    """A noun in the trash, as SQL; what is left empty follows from what it belongs to.

    `organization` is the id of its organization. `above` is FROM and WHERE of the parent rows whose
    deletion also deleted this one; such a row is not listed itself. `below` is, by the table of the
    entry, the condition that row b was deleted with entry x.
    """

    organization: str = ""
    above: str = ""
    below: Mapping[str, str] = {}
    table: str = ""
    title: str = ""


class Menu(NamedTuple):
    """An entry of the sidebar: icon, the short name of narrow screens, the keys that lead there."""

    icon: str
    short: str
    keys: str
    is_wide: bool = True  # not shown at the foot of narrow screens


class New(NamedTuple):
    """An entry of "Add record": icon, words, and the permission that it takes."""

    icon: str
    words: str
    permission: str


@dataclass(frozen=True, kw_only=True)
class Noun:
    """Everything that other code has to know of a noun.

    `table` is its table, its path and its name in the journal; `alias` its SQL alias, as
    `permissions.py` uses it. `about` is a sentence for readers of the API. `title` is the column
    that people know a record by. `record_type` is the type of its JSON; `columns` names the columns
    whose names differ from the fields'. `visible_as` is the noun whose visibility it has, by the
    column `references` names for it; `subject_column` the column with the id that histories give
    for it. `references` has the columns that hold the id of another noun. `shows` has those of them
    whose records change with it on open pages. `cascade` has, by another noun, the tables whose
    rows go with a record of it (:id), where `belongs_to` does not say it, each with the SELECT of
    their ids (records/deletion.py). `page` is its
    path, with {id} and {organizationId}.
    """

    table: str
    alias: str
    singular: str
    about: str
    title: str
    record_type: type[msgspec.Struct]
    list: ListSpec
    get: Callable[[Db, int], Awaitable[Stored]] | None = None
    create: Statement | None = None  # takes each field of the body that creates it
    permissions: Permits | None = None  # None: its changes are not undone
    plural: str = ""
    page: str = ""
    belongs_to: str = ""
    visible_as: str = ""
    subject_column: str = ""
    references: Mapping[str, str] = field(default_factory=dict)
    shows: tuple[str, ...] = ()
    cascade: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    search: Searched | None = None
    trash: Trashed | None = None
    has_history: bool = False
    has_views: bool = False
    is_one: bool = False  # a tenant has one record of it, at /<singular>
    is_private: bool = False  # visible to its owner only, not even to admins
    changeable: str = "true"  # SQL: what permission and visibility leave open
    verbs: Mapping[str, Verbs] = field(default_factory=dict)
    menu: Menu | None = None
    new: New | None = None

    @property
    def column_of(self) -> dict[str, str]:
        """The column that refers to each other noun."""
        return {noun: column for column, noun in self.references.items()}

    @property
    def seen(self) -> Statement:
        """Those of :ids that its list has for the viewer."""
        return Statement(
            f"""SELECT {self.list.id} AS id FROM {self.list.table}
                WHERE {self.list.where} AND {self.list.id} = ANY(:ids::bigint[])""",
            visible=self.list.visible,
        )

    @property
    def path(self) -> str:
        """The path of a record in the API."""
        if self.is_one:
            return f"/{self.singular}"
        return f"/{self.table}/{{id}}"

    @property
    def label(self) -> str:
        """Its name as a heading."""
        return self.table.capitalize()


def narrowed(**fields: type[StrEnum]) -> Callable[[type[T]], type[T]]:
    """Make some fields of a model, texts or arrays of texts, the names of nouns: models stand below
    the nouns and do not know them. An array that is left out has all of them.
    """

    def narrow(model: type[T]) -> type[T]:
        hints = get_type_hints(model, include_extras=True)
        found: Any = msgspec.defstruct(
            model.__name__,
            [_field(name, hints[name], names) for name, names in fields.items()],
            bases=(model,),
            module=model.__module__,
            namespace={"__doc__": inspect.getdoc(model)},
        )
        return found  # type: ignore[no-any-return]

    return narrow


def _field(name: str, hint: Any, names: type[StrEnum]) -> Any:
    inner, *metadata = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if get_origin(inner) is not list:
        return name, _annotated(names, metadata)
    limits = [*metadata, msgspec.Meta(max_length=len(names))]
    each = _annotated(list[names], limits)  # type: ignore[valid-type]
    return name, each, msgspec.field(default_factory=lambda: list(names))


def _annotated(hint: Any, metadata: list[Any]) -> Any:
    for each in metadata:
        hint = Annotated[hint, each]
    return hint


def names(name: str, description: str, words: Iterable[str]) -> type[StrEnum]:
    """A type of the API whose values are the names of nouns."""
    found = StrEnum(name, {word.upper(): word for word in words})  # type: ignore[misc]
    found.__doc__ = description
    return found
