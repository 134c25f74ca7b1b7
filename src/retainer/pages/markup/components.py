"""Small components that rows of lists repeat, as filters: for each of fifty rows a macro took ten
times as long. layout/macros.html has the others.
"""

import re
from functools import lru_cache

from markupsafe import Markup, escape

from retainer.pages.formatting import label

ABSENT = Markup('<span class="none" aria-label="none">\N{EN DASH}</span>')
_TONES = {
    "active": "ok",
    "completed": "ok",
    "archived": "warn",
    "blocked": "warn",
    "on_hold": "warn",
    "high": "warn",
    "planned": "info",
    "in_progress": "info",
    "review": "info",
}


@lru_cache(maxsize=4096, typed=True)
def tile(name: str, *, large: bool = False) -> Markup:
    """The square with the initials of a name."""
    size = ""
    if large:
        size = " large"
    shown = escape(initials(name))
    return Markup(f'<span class="tile{size}" aria-hidden="true">{shown}</span>')  # noqa: S704


def initials(name: str) -> str:
    """Initials of a name for a tile: at most two letters, "?" for none."""
    parts: list[str] = re.findall(r"\w+", name)
    if len(parts) > 1:
        return (parts[0][0] + parts[1][0]).upper()
    return "".join(parts[:1] or ["?"])[:2].upper()


@lru_cache(maxsize=256, typed=True)  # untyped, a text and Markup of it would share an entry
def kind(word: str) -> Markup:
    """The type of an organization or a contact."""
    return Markup('<span class="type" data-type="{}">{}</span>').format(word, label(word))


@lru_cache(maxsize=256, typed=True)  # untyped, a text and Markup of it would share an entry
def pill(word: str, tone: str = "") -> Markup:
    """A status, in the colour that its word has, or in the one of `tone`."""
    colour = tone or _TONES.get(word, "neutral")
    return Markup('<span class="pill {}">{}</span>').format(colour, label(word))


FILTERS = {"tile": tile, "type": kind, "pill": pill}
