"""The `filter` parameter: comparisons joined by and, or, not and parentheses.

    type = customer and (tags = vip or createdAt >= -30d) and not status in (inactive, archived)

A comparison is a field, an operator (= != > >= < <= ~ for "contains", `in (…)`, `is null`, `is not
null`) and a value: a word, or any text in double quotes. `and` binds tighter than `or`.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from retainer.lists.dates import BadValue

MAX_COMPARISONS = 20
MAX_DEPTH = 8
MAX_LENGTH = 2000  # characters

Compare = Callable[[str, str, str], str]  # from field, operator and value to SQL

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(>=|<=|!=|[=<>~(),])|([^\s"=<>~!(),]+))')
_OPERATORS = {"=": "", "!=": "not", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "~": "contains"}


class Token(NamedTuple):
    """A word, a sign, or the content of a quoted text, which is never a keyword or a sign."""

    content: str
    is_quoted: bool


def translate(expression: str, compare: Compare) -> str:
    """The SQL of an expression; `compare` returns that of one comparison. Raises BadValue."""
    if len(expression) > MAX_LENGTH:
        raise BadValue(f"must have at most {MAX_LENGTH} characters")
    return _Parser(_tokens(expression), compare).expression()


def _tokens(expression: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    while expression[position:].strip():
        match = _TOKEN.match(expression, position)
        if match is None:
            rest = expression[position : position + 20].strip()
            raise BadValue(f'cannot be read from "{rest}" on; put texts in double quotes')
        quoted, sign, word = match.groups()
        if quoted is not None:
            tokens.append(Token(re.sub(r"\\(.)", r"\1", quoted[1:-1]), is_quoted=True))
        else:
            tokens.append(Token(sign or word, is_quoted=False))
        position = match.end()
    return tokens


class _Parser:
    """A recursive descent parser, with one method for each level: or, and, not, comparison."""

    def __init__(self, tokens: list[Token], compare: Compare) -> None:
        self.tokens = tokens
        self.compare = compare
        self.position = 0  # index of the next token
        self.comparisons = 0

    def expression(self) -> str:
        sql = self._or(0)
        if self.position < len(self.tokens):
            raise BadValue(f'has "{self._found()}" where and, or, or the end was expected')
        return sql

    def _or(self, depth: int) -> str:
        parts = [self._and(depth)]
        while self._take("or"):
            parts.append(self._and(depth))
        return _joined(" OR ", parts)

    def _and(self, depth: int) -> str:
        parts = [self._not(depth)]
        while self._take("and"):
            parts.append(self._not(depth))
        return _joined(" AND ", parts)

    def _not(self, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise BadValue(f"must not be nested deeper than {MAX_DEPTH} levels")
        if self._take("not"):
            return f"(({self._not(depth + 1)}) IS NOT TRUE)"
        if self._take("("):
            sql = self._or(depth + 1)
            self._expect(")")
            return sql
        return self._comparison()

    def _comparison(self) -> str:
        self.comparisons += 1
        if self.comparisons > MAX_COMPARISONS:
            raise BadValue(f"must have at most {MAX_COMPARISONS} comparisons")
        field = self._next("a field")
        if self._take("is"):
            is_negated = self._take("not")
            self._expect("null")
            return self.compare(field, "null", str(not is_negated).lower())
        if self._take("in"):
            return self.compare(field, "in", self._values())
        sign = self._next("an operator such as =")
        if sign not in _OPERATORS:
            raise BadValue(
                f'has "{sign}" where an operator was expected: = != > >= < <= ~, in (…), is null'
            )
        return self.compare(field, _OPERATORS[sign], self._next("a value"))

    def _values(self) -> str:
        """The values of an `in`, as its parameter takes them: quoted, between commas."""
        self._expect("(")
        values = [self._next("a value")]
        while self._take(","):
            values.append(self._next("a value"))
        self._expect(")")
        return ",".join('"' + re.sub(r'(["\\\\])', r"\\\1", value) + '"' for value in values)

    def _next(self, expected: str) -> str:
        """The content of the next token, unless it is punctuation or there is none."""
        token = self._peek()
        if token is None or (not token.is_quoted and token.content in "(),"):
            raise BadValue(f'has "{self._found()}" where {expected} was expected')
        self.position += 1
        return token.content

    def _take(self, word: str) -> bool:
        """Pass over the next token if it is this keyword or sign; True if it is."""
        token = self._peek()
        if token is None or token.is_quoted or token.content.lower() != word:
            return False
        self.position += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise BadValue(f'has "{self._found()}" where "{word}" was expected')

    def _peek(self) -> Token | None:
        if self.position == len(self.tokens):
            return None
        return self.tokens[self.position]

    def _found(self) -> str:
        """The next token as error messages quote it."""
        token = self._peek()
        if token is None:
            return "the end"
        return token.content[:40]


def _joined(operator: str, parts: list[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return f"({operator.join(parts)})"
