"""The entries of the sidebar and of "Add record", read off the nouns."""

from collections.abc import Iterable
from typing import NamedTuple

from retainer.lists.noun import Noun
from retainer.nouns import NOUNS
from retainer.pages.assets import icon


class Section(NamedTuple):
    """An entry of the sidebar. A wide one stands under "More" on narrow screens."""

    path: str
    name: str
    short: str
    icon: str
    permission: str
    keys: str
    is_wide: bool


class Addition(NamedTuple):
    """An entry of "Add record"."""

    path: str
    words: str
    icon: str
    permission: str


SECTIONS = [
    Section(
        f"/{noun.table}",
        noun.label,
        noun.menu.short,
        noun.menu.icon,
        f"{noun.table}.read",
        noun.menu.keys,
        noun.menu.is_wide,
    )
    for noun in NOUNS.values()
    if noun.menu
]
SECTIONS.append(
    Section("/activity", "Changes", "Changes", "history", "history.read", "g h", is_wide=True)
)

ADDITIONS = [
    Addition(f"/{noun.table}/new", noun.new.words, noun.new.icon, noun.new.permission)
    for noun in NOUNS.values()
    if noun.new
]


def check_icons(nouns: Iterable[Noun]) -> None:
    """Refuse to start with a noun whose icon does not exist, by name. Raises ValueError."""
    for noun in nouns:
        named = [each.icon for each in (noun.menu, noun.new, noun.search) if each and each.icon]
        for name in named:
            try:
                icon(name)
            except KeyError:
                problem = f"names the icon {name}, which does not exist"
                raise ValueError(f"the noun {noun.table} {problem}") from None


check_icons(NOUNS.values())
