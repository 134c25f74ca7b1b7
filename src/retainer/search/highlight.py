"""Highlights: a text in parts, matched or not, which a page can mark without trusting markup."""

import re
import unicodedata
from functools import lru_cache

from retainer.search.model import Highlight, Part

AROUND = 80  # characters shown before and after the first match in a long text
# What unaccented() of the database drops, and the letters that it replaces. Its dotless i is not
# listed: in source code it is easily taken for another letter.
_DROPPED = re.compile(
    r"[\u00ad\u0300-\u036f\u061c\u0e47-\u0e4e\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u2800\u3099\u309a\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_PLAIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "þ": "th"}
    | {"\u03c2": "\u03c3"}
)
# Letters of scripts without spaces: a word that is found there begins anywhere (in_pairs()).
_DENSE = (
    "\u0e01-\u0eff\u1000-\u109f\u1780-\u17d3\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)


def pattern(words: list[str]) -> re.Pattern[str]:
    """A pattern for the beginning of any word that begins with one of these folded words."""
    longest_first = sorted(words, key=len, reverse=True)
    begins = rf"(?:(?<![^\W_])|(?=[{_DENSE}]))"
    return re.compile(begins + "(?:" + "|".join(map(re.escape, longest_first)) + ")")


def highlights(texts: dict[str, str | None], found: re.Pattern[str]) -> list[Highlight]:
    """One highlight for each text with a match."""
    return [
        Highlight(field, _parts(text, spans))
        for field, text in texts.items()
        if text and (spans := _spans(text, found))
    ]


def _spans(text: str, found: re.Pattern[str]) -> list[tuple[int, int]]:
    """Start and end of each match, counted in the original text, which folding can lengthen."""
    if text.isascii():
        return [match.span() for match in found.finditer(text.lower())]
    folded, origins = "", list[int]()
    for position, character in enumerate(text):
        piece = _folded(character)
        folded += piece
        origins += [position] * len(piece)
    origins.append(len(text))
    return [(origins[m.start()], origins[m.end() - 1] + 1) for m in found.finditer(folded)]


@lru_cache(maxsize=10_000)
def _folded(character: str) -> str:
    """A character as plain() of the database folds it; empty for a combining accent."""
    decomposed = unicodedata.normalize("NFKD", character.lower())
    return _DROPPED.sub("", decomposed).translate(_PLAIN)


def _parts(text: str, spans: list[tuple[int, int]]) -> list[Part]:
    start, end = _excerpt(text, spans[0])
    parts: list[Part] = []
    if start > 0:
        parts.append(Part("…", match=False))
    for first, last in spans:
        if last > end:
            break
        parts += [Part(text[start:first], match=False), Part(text[first:last], match=True)]
        start = last
    parts.append(Part(text[start:end], match=False))
    if end < len(text):
        parts.append(Part("…", match=False))
    return [part for part in parts if part.text]


def _excerpt(text: str, match: tuple[int, int]) -> tuple[int, int]:
    """Start and end of what is shown: all of a short text, of a long one the surroundings of a
    match.
    """
    if len(text) <= 3 * AROUND:
        return 0, len(text)
    first, last = match
    return _next_word(text, max(0, first - AROUND)), min(len(text), last + AROUND)


def _next_word(text: str, position: int) -> int:
    """The beginning of the next word where one begins nearby, else the position itself."""
    space = text.find(" ", position, position + AROUND // 2)
    if position == 0 or space < 0:
        return position
    return space + 1
