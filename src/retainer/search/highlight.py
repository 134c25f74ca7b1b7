"""Where in a text the words were found, as parts that a page can mark without trusting any markup."""

import re
import unicodedata
from functools import lru_cache

from retainer.search.model import Highlight, Part

AROUND = 80  # characters shown before and after what was found in a long text
# As plain() of the database; its dotless i is left out, which looks like another letter here.
_PLAIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h"}
)


def pattern(words: list[str]) -> re.Pattern[str]:
    """What matches a word that begins with one of these folded ones."""
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(r"(?<![^\W_])(?:" + "|".join(map(re.escape, longest_first)) + ")")


def highlights(texts: dict[str, str | None], found: re.Pattern[str]) -> list[Highlight]:
    """One for each text that has something of it."""
    return [
        Highlight(field, _parts(text, places))
        for field, text in texts.items()
        if text and (places := _places(text, found))
    ]


def _places(text: str, found: re.Pattern[str]) -> list[tuple[int, int]]:
    """Start and end of each match, in the text as it is."""
    if text.isascii():
        return [match.span() for match in found.finditer(text.lower())]
    folded, origins = "", list[int]()
    for place, character in enumerate(text):
        piece = _folded(character)
        folded += piece
        origins += [place] * len(piece)
    origins.append(len(text))
    return [(origins[m.start()], origins[m.end() - 1] + 1) for m in found.finditer(folded)]


@lru_cache(maxsize=10_000)
def _folded(character: str) -> str:
    """As plain() of the database folds it; nothing for a combining accent."""
    decomposed = unicodedata.normalize("NFKD", character.lower())
    return "".join(c for c in decomposed if not 0x300 <= ord(c) <= 0x36F).translate(_PLAIN)


def _parts(text: str, places: list[tuple[int, int]]) -> list[Part]:
    start, end = 0, len(text)
    if len(text) > 3 * AROUND:
        start = _word_edge(text, max(0, places[0][0] - AROUND))
        end = min(len(text), places[0][1] + AROUND)
    parts = [Part("…", match=False)] if start else []
    for first, last in places:
        if last > end:
            break
        parts += [Part(text[start:first], match=False), Part(text[first:last], match=True)]
        start = last
    parts += [Part(text[start:end], match=False), Part("…" if end < len(text) else "", match=False)]
    return [part for part in parts if part.text]


def _word_edge(text: str, place: int) -> int:
    """The beginning of the next word, when that is near."""
    space = text.find(" ", place, place + AROUND // 2)
    return space + 1 if place and space >= 0 else place
