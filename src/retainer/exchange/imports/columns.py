"""Meaning of a file's columns, as their headers and values suggest. Proposed to a person, who may
change it.

Columns that mean no field of the noun go to `metadata.<header>` where they have values: a system of
record that drops half of a file is none. Those that the other system keeps for itself are left out.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter

from retainer.exchange.imports.headers import (
    ADDED,
    FAMILY_NAMES,
    FIRST_TAKEN,
    GIVEN_NAMES,
    HEADERS,
    LEFT_OUT,
    SOURCES,
    VALUES,
)
from retainer.exchange.imports.model import ColumnMapping, Match
from retainer.exchange.imports.targets import TARGETS, ImportField

LOOKED_AT = 200  # values of a column
PROBLEM = "problem"  # the column that refused rows are told by, in our own file of them
METADATA_KEY = 80  # characters
MOST_WORDS = 50  # different values of a column that may be one of an enumeration

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}", re.IGNORECASE)
_PHONE = re.compile(r"(?:\+|00|0)[\d ()./-]{6,}", re.ASCII)
_DATE = re.compile(r"(\d{1,4})[./ -](\d{1,2})[./ -](\d{1,4})(?:[T ,].*)?", re.ASCII | re.DOTALL)
# Fields by the values of a column whose header says nothing.
_BY_VALUES: Mapping[str, tuple[re.Pattern[str], ...]] = {
    "email": (_EMAIL,),
    "website": (_URL, _HOST),
    "phone": (_PHONE,),
}
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


@cache
def plain(text: str) -> str:
    """A text as headers and words are compared: small letters and digits alone."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_GERMAN))
    return "".join(filter(str.isalnum, folded))


@cache
def _plain_words(words: str) -> tuple[str, ...]:
    return tuple(plain(word) for word in words.split("|"))


def is_family_name(column: str) -> bool:
    """True for a header of family names, which stand behind given ones."""
    return plain(column) in _plain_words(FAMILY_NAMES)


def may_repeat(field: ImportField) -> bool:
    """True for a field that several columns may fill."""
    return field.type == "array" or field.name in ADDED or field.name in FIRST_TAKEN


def is_own_export(noun: str, header: Sequence[str]) -> bool:
    """True for the header of a list of ours, whole: then its ids are those of records. A file of
    refused rows has it with one column more.
    """
    fields = [*TARGETS[noun].noun.list.fields]
    return list(header) in (fields, [*fields, PROBLEM])


def propose(
    noun: str,
    fields: Sequence[ImportField],
    header: Sequence[str],
    samples: Sequence[Sequence[str]],
    remembered: Mapping[str, ColumnMapping] | None = None,
) -> list[ColumnMapping]:
    """The meaning of each column. `remembered` has those of an earlier file, by header."""
    known = {field.name: field for field in fields}
    if is_own_export(noun, header):
        return [_own(column, known) for column in header]
    if remembered is not None and set(header) <= set(remembered):
        return [remembered[column] for column in header]
    values = [_values(samples, place) for place in range(len(header))]
    meant = _by_headers(noun, known, header, values)
    _by_values(meant, known, values)
    prefix = _source(header)
    return [
        _described(noun, column, known.get(meant.get(place, "")), values[place], prefix, known)
        for place, column in enumerate(header)
    ]


def _own(column: str, known: Mapping[str, ImportField]) -> ColumnMapping:
    """A column of our own export; fields that nobody sets are left out."""
    if column not in known:
        return ColumnMapping(column=column, field=None)
    return ColumnMapping(column=column, field=column, confirmed=column == "id")


def _values(samples: Sequence[Sequence[str]], place: int) -> list[str]:
    """The different values of a column."""
    found = (row[place].strip() for row in samples[:LOOKED_AT] if place < len(row))
    return [value for value in dict.fromkeys(found) if value]


def _by_headers(
    noun: str,
    known: Mapping[str, ImportField],
    header: Sequence[str],
    values: Sequence[Sequence[str]],
) -> dict[int, str]:
    """The fields that headers name, by the columns' places. A header may name several fields: it
    has the first that no surer header has taken.
    """
    claims = []
    columns = [_plain_column(column) for column in header]
    for order, (name, words) in enumerate(HEADERS[noun].items()):
        if name not in known:
            continue
        for rank, word in enumerate(_plain_words(words)):
            places = [place for place, column in enumerate(columns) if column == word]
            claims += [(rank, order, place, name) for place in places]
    meant = dict[int, str]()
    taken = set[str]()
    for _, _, place, name in sorted(claims, key=itemgetter(0, 1, 2)):
        free = name not in taken or (may_repeat(known[name]) and _may_join(name, header, place))
        is_ours = header[place] == name  # its values are to be ours, or refused
        if place not in meant and free and (is_ours or _fits(noun, known[name], values[place])):
            meant[place] = name
            taken.add(name)
    return meant


@cache
def _plain_column(column: str) -> str:
    """A header without the number that the reader gave to the second of its name."""
    return plain(re.sub(r" \(\d+\)$", "", column))


def _may_join(name: str, header: Sequence[str], place: int) -> bool:
    """True for a part of a name beside another part; a whole name needs no parts."""
    if name != "fullName":
        return name not in ADDED
    parts = {*_plain_words(FAMILY_NAMES), *_plain_words(GIVEN_NAMES)}
    whole = {*_plain_words(HEADERS["contacts"]["fullName"])} - parts
    columns = {plain(column) for column in header}
    return plain(header[place]) in parts and not columns & whole


def _fits(noun: str, field: ImportField, values: Sequence[str]) -> bool:
    """False for a column whose values contradict its header: words for a field of an enumeration
    that are mostly none of its words, and texts for dates.
    """
    if not values:
        return True
    if field.type == "enum":
        if len(values) > MOST_WORDS:
            return False
        return 2 * sum(1 for value in values if _ours(noun, field, value)) >= len(values)
    if field.type in ("date", "moment"):
        return 2 * sum(1 for value in values if _DATE.fullmatch(value)) >= len(values)
    return True


def _by_values(
    meant: dict[int, str], known: Mapping[str, ImportField], values: Sequence[Sequence[str]]
) -> None:
    """Add the fields that no header names and whose values are unmistakable."""
    for name, patterns in _BY_VALUES.items():
        if name not in known or name in meant.values():
            continue
        for place, found in enumerate(values):
            matching = [
                value for value in found if any(pattern.fullmatch(value) for pattern in patterns)
            ]
            if place not in meant and found and 10 * len(matching) >= 9 * len(found):
                meant[place] = name
                break


def _source(header: Sequence[str]) -> str | None:
    """The prefix of another system's ids, if the headers tell which one it is."""
    columns = {plain(column) for column in header}
    counts = {prefix: len(columns & {*_plain_words(told)}) for prefix, told in SOURCES.items()}
    prefix, count = max(counts.items(), key=itemgetter(1))
    if count < 2:
        return None
    return prefix


def _described(
    noun: str,
    column: str,
    field: ImportField | None,
    values: Sequence[str],
    prefix: str | None,
    known: Mapping[str, ImportField],
) -> ColumnMapping:
    """The mapping of a column, with what its values show."""
    mapped = ColumnMapping(column=column, field=None)
    if field is None:
        is_left_out = _plain_column(column) in _plain_words(LEFT_OUT)
        if "metadata" in known and values and not is_left_out:
            mapped.field = f"metadata.{column.strip()[:METADATA_KEY]}"
        return mapped
    mapped.field = field.name
    if field.type == "enum":
        words = {value: _ours(noun, field, value) for value in values}
        mapped.values = {theirs: ours for theirs, ours in words.items() if ours and ours != theirs}
    if field.type in ("date", "moment"):
        mapped.format = date_order(values)
    if field.type == "number":
        mapped.format = decimal_sign(values)
    if field.name == "externalId":
        mapped.prefix = prefix
    if field.refers_to == "users":
        mapped.match = Match.EMAIL if any("@" in value for value in values) else Match.NAME
    return mapped


def _ours(noun: str, field: ImportField, value: str) -> str | None:
    """Our word for a value of theirs."""
    word = plain(value)
    for ours in field.values:
        if plain(ours) == word:
            return ours
    table = VALUES.get((noun, field.name), {})
    return next((ours for ours, theirs in table.items() if word in _plain_words(theirs)), None)


def date_order(values: Sequence[str]) -> str | None:
    """The order of a column's dates, YMD, DMY or MDY; None where no day tells it."""
    found = [match for value in values if (match := _DATE.fullmatch(value))]
    if any(len(match[1]) == 4 for match in found):
        return "YMD"
    if any(int(match[1]) > 12 for match in found):
        return "DMY"
    if any(int(match[2]) > 12 for match in found):
        return "MDY"
    if any(re.match(r"\d{1,2}\.", match[0]) for match in found):
        return "DMY"  # nobody writes a month before a dot
    return None


def decimal_sign(values: Sequence[str]) -> str | None:
    """The decimal sign of a column's numbers; None where none has a fraction."""
    for value in values:
        signs = re.findall(r"[.,]", value)
        if not signs:
            continue
        if len(signs) == 1 and re.search(r"[.,]\d{3}$", value):
            continue  # it may separate thousands
        return str(signs[-1])
    return None
