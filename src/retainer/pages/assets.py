"""Stylesheets in bundles, and icons.

In a source tree both are built whenever a process starts, from layout/css and from the icons that
templates name, so that an edit needs no build step. The wheel contains them ready-made
(hatch_build.py), because neither lightningcss nor the sources are installed with it. The build
imports this module with nothing but the standard library at hand.
"""

import json
import re
from pathlib import Path

PACKAGE = Path(__file__).parent
SOURCES = PACKAGE / "layout/css"
DIST = PACKAGE / "layout/dist"

# Stylesheets that templates link to. Each imports its parts in the order of the cascade's layers.
SHEETS = ("app.css", "api.css")

# Any quoted word may name an icon, because macros pass names on. Words that only look like one cost
# a few bytes.
_QUOTED = re.compile(r"""["']([a-z0-9-]+)["']""")
_SVG = (
    '<svg class="icon" aria-hidden="true" width="16" height="16" viewBox="0 0 24 24" '
    'fill="none" stroke="currentColor" stroke-width="1.75" '
    'stroke-linecap="round" stroke-linejoin="round">%s</svg>'
)


def stylesheets() -> dict[str, bytes]:
    """Each stylesheet with its parts, minified."""
    if not SOURCES.is_dir():
        return {name: (DIST / name).read_bytes() for name in SHEETS}
    from lightningcss import bundle_css  # noqa: PLC0415  # not there where a wheel is installed

    return {name: bundle_css(str(SOURCES / name)).encode() for name in SHEETS}


def icons() -> dict[str, str]:
    """Drawing inside the <svg> of each icon that is used, by the icon's name."""
    drawings: dict[str, str] = json.loads(_taken("icons.json"))
    return {name: drawings[name] for name in sorted(icon_names()) if name in drawings}


def icon_names() -> set[str]:
    """The icons that templates and the declarations of nouns name."""
    files = [*PACKAGE.rglob("*.html"), *PACKAGE.parent.glob("*/*/noun.py")]
    return {name for file in files for name in _QUOTED.findall(file.read_text())}


def _taken(name: str) -> bytes:
    try:
        return (DIST / name).read_bytes()
    except FileNotFoundError:
        raise RuntimeError(
            f"{DIST} lacks {name}: run `make`, or `python hatch_build.py` in the source tree"
        ) from None


ICONS = {name: _SVG % drawing for name, drawing in icons().items()}


def icon(name: str) -> str:
    """Markup of an icon of 16 pixels, in the colour of the text beside it. Raises KeyError for an
    unknown name.
    """
    return ICONS[name]
