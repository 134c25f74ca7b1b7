"""Escaping of the values that templates write.

Jinja makes an object of class Markup of each, which takes three times as long as the escaping, and
nobody looks at it: what is written is joined at once. A page of fifty rows writes a thousand.
"""

from collections.abc import Callable

import jinja2.runtime
import markupsafe
from markupsafe import Markup, escape

# What `escape` calls for a text; written in C.
_escaped_text: Callable[[str], str] = markupsafe._escape_inner  # type: ignore[attr-defined]


def escaped(value: object) -> str:
    """The value as HTML that shows it; Markup as it is."""
    if type(value) is str:
        return _escaped_text(value)
    if type(value) is Markup:
        return value
    if type(value) is int:
        return str(value)
    return escape(value)


def use() -> None:
    """Have templates that are compiled from now on write values by `escaped`. Jinja offers no other
    way.
    """
    jinja2.runtime.escape = escaped  # type: ignore[attr-defined, assignment]
