"""Rules over the interface's sources: contrast, components, layers, htmx, print."""

import re
from collections.abc import Iterator
from itertools import chain

import pytest
from playwright.sync_api import Browser

from retainer.pages import assets
from support.browser import desk
from support.cast import Cast
from support.server import Server

SHEETS = {
    file.name: re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.S)
    for file in assets.SOURCES.iterdir()
}

TEMPLATES = {
    str(file.relative_to(assets.PACKAGE)): file.read_text()
    for file in assets.PACKAGE.rglob("*.html")
}

SCRIPTS = {file.name: file.read_text() for file in (assets.PACKAGE / "layout/js").iterdir()}
OWN = {"reference/page.html"}  # a page with a stylesheet of its own

# Where htmx is told what to do: macros, the shell, and few places with a reason.
TELLS_HTMX = {
    "layout/macros.html": "components",
    "layout/base.html": "the shell",
    "layout/part.html": "the shell",
    "documents/parts.html": "macros of documents",
    "search/page.html": "the one form that searches everything",
}

# What the style guide does not show, with the reason.
NOT_SHOWN = {
    "bulk": "is fixed to the window", "changes-by-others": "is fixed to the window",
    "is-loading": "a state of the whole page", "plain": "a page by itself", "at-top": "where a page stands",
    "flush": "where it stands", "below": "where it stands", "inset": "where it stands", "home": "a link in a cell",
    "under": "a second line on phones", "second-line": "a second line on phones", "views": "are in the sidebar",
    "nav-title": "is in the sidebar", "clashes": "as history", "preview": "is a frame of a file",
    "picture": "is somebody's picture", "tick": "chooses rows, with scripts", "tick-label": "as tick",
    "choice-parts": "is empty at first", "stacked": "stands in a menu", "inline": "stands in a menu",
    "new": "a line that adds, opened", "close": "stands in messages", "in-row": "for those who may change tasks",
    "open-menu": "as in-row", "note": "a line below a heading", "ruled": "tabs of a page by themselves",
    "deed": "a sentence in a table", "go": "a link beside a property",
    "in-words": "stands over a date among properties", "is-open": "a state of bulk", "view-bar": "stands in the head of a list",
}  # fmt: skip


def classes(text: str) -> set[str]:
    return set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"url\([^)]*\)|\d*\.\d+", "", text)))


def used() -> set[str]:
    """Every word in a class, of a template or a script, or in a quoted string of a template's expressions."""
    found: set[str] = set()
    for name, text in TEMPLATES.items():
        if name not in OWN:
            parts = re.findall(r'class="((?:[^"{]|\{\{.*?\}\}|\{%.*?%\}|\{)*)"', text)
            parts += chain(
                *(re.findall(r'"([^"]*)"', each) for each in re.findall(r"\{[{%].*?[}%]\}", text))
            )
            found.update(word for part in parts for word in re.findall(r"[\w-]+", part))
    for text in SCRIPTS.values():
        found.update(
            word for part in re.findall(r'"([^"]*)"', text) for word in re.findall(r"[\w-]+", part)
        )
    return found


def test_every_style_rule_matches_an_element_of_a_page() -> None:
    named = classes(
        "".join(SHEETS[name] for name in ("components.css", "layout.css", "utilities.css"))
    )
    assert len(named) > 100
    assert named - used() == {"icon", "on-screen"}, "which assets.py and formatting.py draw"


def test_the_style_guide_shows_every_component(cast: Cast) -> None:
    guide = cast.ada.get("/styleguide", headers={"Accept": "text/html"}).text
    shown = {word for part in re.findall(r'class="([^"]*)"', guide) for word in part.split()}
    missing = classes(SHEETS["components.css"]) - shown
    assert missing <= NOT_SHOWN.keys(), "add it to layout/styleguide.html"


# A colour, the colour behind it, and the least contrast: text 4.5, the border of a control 3.
PAIRS = [
    *((text, ground, 4.5) for text in ("t1", "t2", "t3") for ground in ("bg", "sub", "card", "hover", "sel")),
    *(("acc", ground, 4.5) for ground in ("bg", "sub", "sel")), ("on-acc", "acc", 4.5), ("danger", "bg", 4.5),
    *((tone, f"{tone}-bg", 4.5) for tone in ("ok", "warn", "neutral", "info")),
    ("toast-t", "toast", 4.5), ("toast-acc", "toast", 4.5), ("ctl", "bg", 3), ("ctl", "card", 3), ("acc", "card", 4.5), ("danger", "card", 4.5), ("acc", "bg", 3),
    *((kind, "bg", 3) for kind in ("customer", "prospect", "partner", "vendor", "internal", "other")),
]  # fmt: skip

TOKENS = dict(
    re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", SHEETS["tokens.css"])
)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_colours_contrast_in_both_schemes(front: str, ground: str, least: float) -> None:
    for one, other in zip(TOKENS[front].split(", "), TOKENS[ground].split(", "), strict=True):
        dark, light = sorted((luminance(one), luminance(other)))
        assert (light + 0.05) / (dark + 0.05) >= least, (one, other)


def test_every_style_rule_is_in_one_of_the_ordered_layers() -> None:
    for name in ("app.css", "tokens.css"):
        assert re.search(r"@layer ([\w, ]+);", SHEETS[name])[1].split(", ") == [  # type: ignore[index]
            "tokens", "base", "layout", "components", "utilities",
        ]  # fmt: skip
    for name, text in SHEETS.items():
        if name not in ("app.css", "font.css"):
            assert re.sub(r"@layer [\w, ]+;", "", text).lstrip().startswith("@layer "), (
                f"{name}: rules of no layer win"
            )


def attributes() -> Iterator[tuple[str, str, str]]:
    for file, text in TEMPLATES.items():
        for name, value in re.findall(r'\b(hx-[\w:-]+)="((?:[^"{]|\{\{.*?\}\}|\{)*)"', text):
            yield file, name, value


def test_htmx_attributes_are_in_macros() -> None:
    assert {
        file for file, name, value in attributes() if (name, value) != ("hx-boost", "false")
    } == TELLS_HTMX.keys()


def test_only_boost_target_and_swap_are_inherited() -> None:
    inherited = {name for _, name, _ in attributes() if ":inherited" in name}
    assert inherited == {"hx-boost:inherited", "hx-target:inherited", "hx-swap:inherited"}


def test_selectors_in_triggers_are_quoted() -> None:
    triggers = [value for _, name, value in attributes() if name == "hx-trigger"]
    assert len(triggers) > 4
    for value in triggers:
        assert re.findall(r"(?:from|target|root):(?!')", value) == [], (
            "one with a space would silently do nothing"
        )


def test_elements_that_can_have_the_focus_are_morphed() -> None:
    plain = {(name, target) for file, text in TEMPLATES.items() for tag in re.findall(r"<\w[^<>]*hx-swap[^<>]*>", text)
             for name, target in [(file, (re.search(r'hx-target="([^"]*)"', tag) or [""] * 2)[1])]
             if 'hx-swap="outerHTML' in tag}  # fmt: skip
    assert plain == {("layout/macros.html", "#more")}, (
        "a link that gives way to rows; the script moves the focus on"
    )
    for name, text in SCRIPTS.items():
        assert "outerHTML" not in text and "innerHTML =" not in text, name


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    ["/organizations", "/organizations/{}", "/organizations/{}/members", "/tasks", "/styleguide"],
)
def test_a_printed_page_has_no_buttons_and_is_black_on_white(
    browser: Browser, server: Server, cast: Cast, path: str
) -> None:
    with desk(browser, server, cast.ada, latency=0, color_scheme="dark") as at:
        page = at.open(path.format(cast.acme))
        page.emulate_media(media="print")
        shown = page.evaluate(
            """[...document.querySelectorAll("button, .button, summary.button, nav#sidebar, #toasts")]
               .filter((one) => one.getClientRects().length).map((one) => one.outerHTML.slice(0, 100))"""
        )
        assert shown == []
        dress = page.evaluate(
            "(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))"
        )
        assert dress == ["rgb(0, 0, 0)", "rgba(0, 0, 0, 0)"]
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


@pytest.mark.slow
def test_an_organization_prints_as_a_sheet_of_one_page(
    browser: Browser, server: Server, cast: Cast
) -> None:
    cast.ada.made("/api/projects", organizationId=cast.acme, title="Roll-out", status="active")
    cast.ada.made("/api/tasks", organizationId=cast.acme, title="Send the offer")
    cast.ada.made(
        f"/api/organizations/{cast.acme}/activities", text="They want an offer", contactIds=[]
    )
    with desk(browser, server, cast.ada, latency=0) as at:
        page = at.open(f"/organizations/{cast.acme}")
        page.emulate_media(media="print")
        text = page.locator("body").inner_text()
        order = ["Acme Corporation", "People", "Open projects", "Roll-out", "Next tasks", "Send the offer",
                 "Last activity", "They want an offer", "printed on"]  # fmt: skip
        tops = [
            page.get_by_text(words).locator("visible=true").first.bounding_box()["y"]
            for words in order
        ]  # type: ignore[index]
        assert tops == sorted(tops), text
        assert "by Ada" in page.locator(".printed").inner_text()
        assert "Last changes" not in text
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 1
