"""What the pages are dressed with: stylesheets in bundles, and icons.

A source tree makes them of layout/css and of what the templates name whenever a process starts, so
that an edit needs no build; the wheel holds them made (hatch_build.py), for lightningcss and the
sources stay at home. Of the standard library alone, as the build has nothing else.
"""

import json
import re
from pathlib import Path

PACKAGE = Path(__file__).parent
SOURCES = PACKAGE / "layout/css"
DIST = PACKAGE / "layout/dist"

# What templates may link to. Each brings in its parts by @import, in the order of the layers.
SHEETS = ("app.css", "api.css")

# Where an icon may be named: any such word in quotes, for macros hand names on; a few too many cost
# little.
_NAMED = re.compile(r"""["']([a-z0-9-]+)["']""")
_SVG = (
    '<svg class="icon" aria-hidden="true" width="16" height="16" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
    'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">%s</svg>'
)


def stylesheets() -> dict[str, bytes]:
    """Each stylesheet with its parts, minified."""
    if not SOURCES.is_dir():
        return {name: (DIST / name).read_bytes() for name in SHEETS}
    from lightningcss import bundle_css  # noqa: PLC0415  # not there where a wheel is installed

    return {name: bundle_css(str(SOURCES / name)).encode() for name in SHEETS}


def icons() -> dict[str, str]:
    """What is inside each icon that may be used, by name."""
    drawings: dict[str, str] = json.loads(_taken("icons.json"))
    return {name: drawings[name] for name in sorted(named()) if name in drawings}


def named() -> set[str]:
    """The icons that templates and the declarations of nouns name."""
    files = [*PACKAGE.rglob("*.html"), *PACKAGE.parent.glob("*/*/noun.py")]
    return {name for file in files for name in _NAMED.findall(file.read_text())}


def _taken(name: str) -> bytes:
    try:
        return (DIST / name).read_bytes()
    except FileNotFoundError:
        raise RuntimeError(
            f"{DIST} lacks {name}: run `make`, or `python hatch_build.py` in the source tree"
        ) from None


_ICONS = {name: _SVG % drawing for name, drawing in icons().items()}


def icon(name: str) -> str:
    """An icon as markup, 16 pixels, in the colour of the text beside it. Raises KeyError for one
    that is not there.
    """
    return _ICONS[name]
