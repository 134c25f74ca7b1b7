"""SQL as text with named parameters, compiled once at import for each kind of viewer.

In a statement `:name` is a parameter, `@visible_<noun>` is what the viewer sees of a noun (permissions.py) and
`@acting` tells the journal who acts, and refuses when their session has ended (migrations/0006_journal_cheaper.sql).
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from retainer.permissions import SCOPES, VISIBLE, Scope

ACTING = "acting(:session, :viewer_role, :via, :request, :action)"
_FRAGMENT = re.compile(r"@(visible_([a-z]+)|acting)\b")
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z_0-9]*)")


class Statement:
    """One statement of a store, ready for asyncpg.

    `compiled[scope]` is the text with $1, $2 … and the names they stand for, in order. What is careful is planned for
    the values it has, and may take two seconds at most: a list that somebody filters as they like.
    """

    def __init__(self, text: str, *, is_careful: bool = False) -> None:
        self.text = text
        self.is_careful = is_careful
        self.compiled: dict[Scope, tuple[str, tuple[str, ...]]] = {
            scope: _number(_expand(text, scope)) for scope in SCOPES
        }


class Update:
    """An UPDATE of only the columns that were sent: `SET @columns` becomes `name = :name, …`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.setting = lru_cache(maxsize=256)(self._setting)

    def of(self, columns: Iterable[str]) -> Statement:
        """The statement that sets exactly these columns."""
        return self.setting(tuple(sorted(columns)))

    def _setting(self, columns: tuple[str, ...]) -> Statement:
        # Nothing sent is a valid update that changes nothing; the key set to itself keeps it one statement.
        assignments = ", ".join(f'"{c}" = :{c}' for c in columns) or "version = @self.version"
        alias = re.search(r"UPDATE \w+ (\w+)", self.text)
        assert alias is not None
        return Statement(self.text.replace("@columns", assignments.replace("@self", alias[1])))


def _expand(text: str, scope: Scope) -> str:
    def fragment(match: re.Match[str]) -> str:
        noun = match[2]
        return f"({VISIBLE[noun][scope]})" if noun else ACTING

    return _FRAGMENT.sub(fragment, text)


def _number(text: str) -> tuple[str, tuple[str, ...]]:
    names: list[str] = []

    def position(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return _PARAMETER.sub(position, text), tuple(names)
