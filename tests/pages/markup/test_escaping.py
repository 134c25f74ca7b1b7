"""Values in templates are written as Jinja writes them, in less time."""

from enum import StrEnum

import jinja2.runtime
import pytest
from markupsafe import Markup, escape

from retainer.pages.markup import components
from retainer.pages.markup.escaping import escaped


class Word(StrEnum):
    HOSTILE = "<b>"


class Text(str):
    """A text of a class of its own."""


class Drawn:
    """An object that says itself how it is written."""

    def __html__(self) -> str:
        return "<i>drawn</i>"

    def __str__(self) -> str:
        return "<b>"

    def __repr__(self) -> str:
        return "drawn"


HOSTILE = "<script>alert(\"1\") & '2'</script>\0\N{LINE SEPARATOR}"
VALUES = [
    HOSTILE, Text(HOSTILE), Markup(HOSTILE), Markup("<b>&amp;</b>"), Word.HOSTILE, Drawn(), "", " ",
    "plain", "Zürich \N{SNOWMAN}", "&lt;", 0, -7, 2**70, True, False, None, 1.5, ["<"], {"<": ">"},
    ValueError("<"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_written_as_markupsafe_escapes_it(value: object) -> None:
    assert str(escaped(value)) == str(escape(value))


def test_templates_write_values_so() -> None:
    assert jinja2.runtime.escape is escaped  # type: ignore[attr-defined]


@pytest.mark.parametrize("filter", [components.tile, components.kind, components.pill])
def test_a_component_escapes_what_it_shows(filter: object) -> None:
    assert callable(filter)
    assert "<b" not in filter("<b <b>")
    assert "<b" not in filter(Text("<b <b>"))
    assert "<b" not in components.pill("active", "<b>")


def test_a_component_of_a_text_is_none_of_markup_that_reads_the_same() -> None:
    assert components.kind("&lt;") != components.kind(Markup("&lt;"))
    assert "&amp;lt;" in components.kind("&lt;")


def test_a_tile_has_two_letters() -> None:
    tiles = [components.tile(name) for name in ("Acme Corporation", "acme", "Ärzte ohne", "…", "")]
    shown = [tile.striptags() for tile in tiles]
    assert shown == ["AC", "AC", "ÄO", "?", "?"]
    assert 'class="tile large"' in components.tile("Acme", large=True)
