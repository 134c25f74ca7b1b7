"""The `filter` parameter: comparisons joined by and, or, not and parentheses.

type = customer and (tags = vip or createdAt >= -30d) and not status in (inactive, archived)

A comparison is a field, an operator (= != > >= < <= ~ for "contains", `in (…)`, `is null`, `is not
null`) and a value: a word, or any text in double quotes. `and` binds tighter than `or`.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from retainer.lists.filters import Wrong

MOST_COMPARISONS = 20
MOST_DEPTH = 8
MOST_CHARACTERS = 2000

Compare = Callable[[str, str, str], str]  # field, operator, value → SQL

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(>=|<=|!=|[=<>~(),])|([^\s"=<>~!(),]+))')
_OPERATORS = {"=": "", "!=": "not", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "~": "contains"}


class Token(NamedTuple):
    """A piece of the text; `is_text` when it stood in quotes and so is no word of the language."""

    text: str
    is_text: bool
    place: int


def translated(text: str, compare: Compare) -> str:
    """The SQL of an expression; `compare` makes that of each comparison. Raises Wrong."""
    if len(text) > MOST_CHARACTERS:
        raise Wrong(f"must have at most {MOST_CHARACTERS} characters")
    return _Reader(_tokens(text), compare).whole()


def _tokens(text: str) -> list[Token]:
    found, at = list[Token](), 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise Wrong(
                f'cannot be read from "{text[at : at + 20].strip()}" on; put texts in double quotes'
            )
        quoted, sign, word = match.groups()
        content = re.sub(r"\\(.)", r"\1", quoted[1:-1]) if quoted else sign or word
        found.append(Token(content, quoted is not None, match.start()))
        at = match.end()
    return found


class _Reader:
    """Recursive descent: or, and, not, comparison."""

    def __init__(self, tokens: list[Token], compare: Compare) -> None:
        self.tokens = tokens
        self.compare = compare
        self.at = 0
        self.comparisons = 0

    def whole(self) -> str:
        sql = self._either(0)
        if self.at < len(self.tokens):
            raise Wrong(f'has "{self._seen()}" where and, or, or the end was expected')
        return sql

    def _either(self, depth: int) -> str:
        parts = [self._all(depth)]
        while self._take("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"

    def _all(self, depth: int) -> str:
        parts = [self._one(depth)]
        while self._take("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"

    def _one(self, depth: int) -> str:
        if depth > MOST_DEPTH:
            raise Wrong(f"must not be nested deeper than {MOST_DEPTH} levels")
        if self._take("not"):
            return f"(({self._one(depth + 1)}) IS NOT TRUE)"
        if self._take("("):
            sql = self._either(depth + 1)
            self._expect(")")
            return sql
        return self._comparison()

    def _comparison(self) -> str:
        self.comparisons += 1
        if self.comparisons > MOST_COMPARISONS:
            raise Wrong(f"must have at most {MOST_COMPARISONS} comparisons")
        field = self._next("a field")
        if self._take("is"):
            wanted = "false" if self._take("not") else "true"
            self._expect("null")
            return self.compare(field, "null", wanted)
        if self._take("in"):
            return self.compare(field, "in", self._values())
        sign = self._next("an operator such as =")
        if sign not in _OPERATORS:
            raise Wrong(
                f'has "{sign}" where an operator was expected: = != > >= < <= ~, in (…), is null'
            )
        return self.compare(field, _OPERATORS[sign], self._next("a value"))

    def _values(self) -> str:
        self._expect("(")
        values = [self._next("a value")]
        while self._take(","):
            values.append(self._next("a value"))
        self._expect(")")
        return ",".join('"' + re.sub(r'(["\\\\])', r"\\\1", value) + '"' for value in values)

    def _next(self, what: str) -> str:
        if self.at >= len(self.tokens) or (
            not self.tokens[self.at].is_text and self.tokens[self.at].text in "(),"
        ):
            raise Wrong(f'has "{self._seen()}" where {what} was expected')
        self.at += 1
        return self.tokens[self.at - 1].text

    def _take(self, word: str) -> bool:
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if not token.is_text and token.text.lower() == word:
                self.at += 1
                return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise Wrong(f'has "{self._seen()}" where "{word}" was expected')

    def _seen(self) -> str:
        return self.tokens[self.at].text[:40] if self.at < len(self.tokens) else "the end"
