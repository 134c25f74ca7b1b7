"""The ES modules of the pages: what a browser could not link keeps the server from starting."""

import re

import httpx
import pytest

from retainer.pages import assets
from retainer.pages.script_modules import (
    ModuleError,
    bundle,
    later_module,
    later_modules,
    link_order,
)
from retainer.pages.static import ASSETS, ENTRIES, LATER, MODULES, URLS
from support.cast import Cast

SOURCES = {file.name: file.read_text() for file in (assets.PACKAGE / "layout/js").iterdir()}
ENTRY = re.compile(r"""<script src="\{\{ asset\(['"]([\w.]+)['"]\) \}\}" type="module">""")


def test_modules_are_linked_leaves_first() -> None:
    found = link_order(
        {
            "app.js": 'import { go } from "./navigation.js";\nimport "./toasts.js";\n',
            "navigation.js": 'import { $ } from "./dom.js";\nexport function go() {}\n',
            "toasts.js": 'import {\n  $,\n  $$ as all,\n} from "./dom.js";\n',
            "dom.js": "export const $ = 1;\nexport const $$ = 2;\n",
        }
    )
    assert found == {
        "dom.js": [],
        "navigation.js": ["dom.js"],
        "toasts.js": ["dom.js"],
        "app.js": ["dom.js", "navigation.js", "toasts.js"],
    }
    assert [*found] == ["dom.js", "navigation.js", "toasts.js", "app.js"]


def test_a_cycle_is_refused_with_the_way_round_it() -> None:
    sources = {
        "app.js": 'import "./palette.js";\n',
        "palette.js": 'import { run } from "./commands.js";\nexport const open = 1;\n',
        "commands.js": 'import { open } from "./palette.js";\nexport const run = 1;\n',
    }
    way = r"import each other: (palette.js imports commands.js imports palette.js|commands.js imports palette.js imports commands.js)$"
    with pytest.raises(ModuleError, match=way):
        link_order(sources)
    with pytest.raises(ModuleError, match=r"app.js imports app.js$"):
        link_order({"app.js": 'import "./app.js";\n'})


@pytest.mark.parametrize(
    "specifier", ["./gone.js", "lodash", "../dom.js", "/static/dom.js", "dom.js"]
)
def test_an_import_of_no_module_is_refused_by_name(specifier: str) -> None:
    with pytest.raises(ModuleError, match=rf'app.js imports "{re.escape(specifier)}", which does'):
        link_order(
            {"app.js": f'import {{ $ }} from "{specifier}";\n', "dom.js": "export const $ = 1;\n"}
        )


@pytest.mark.parametrize("name", ["gone", "gone as $", "$, gone"])
def test_an_import_of_a_name_that_is_not_exported_is_refused_by_name(name: str) -> None:
    with pytest.raises(ModuleError, match=r"app.js imports gone\b.*, which dom.js does not export"):
        link_order(
            {
                "app.js": f'import {{ {name} }} from "./dom.js";\n',
                "dom.js": "export const $ = 1;\nconst gone = 2;\n",
            }
        )


@pytest.mark.parametrize(
    "line",
    [
        "import { $ } from './dom.js';", 'import { $ } from "./dom.js"', 'import * as dom from "./dom.js";',
        'import dom from "./dom.js";', 'const dom = await import(`./dom.js`);', 'export { $ } from "./dom.js";',
        'export * from "./dom.js";',
    ],
)  # fmt: skip
def test_an_import_in_another_form_is_refused(line: str) -> None:
    with pytest.raises(ModuleError, match=r"app.js has an import in another form.*dom.js"):
        link_order({"app.js": f"{line}\n", "dom.js": "export const $ = 1;\n"})


def test_an_entry_is_one_script_with_the_modules_that_it_needs_leaves_first() -> None:
    sources = {
        "app.js": '// Why.\nimport { go as travel } from "./navigation.js";\nimport "./dom.js";\n\ntravel();\n',
        "navigation.js": 'import { $ } from "./dom.js";\nexport function go() {\n  $(1); // kept\n}\n',
        "dom.js": "export const $ = 1;\n",
    }
    assert bundle("app.js", link_order(sources)["app.js"], sources, str).splitlines() == [
        "globalThis.retainer = {};",
        "retainer.dom = (() => { // dom.js",
        "const $ = 1;",
        "return { $ };",
        "})();",
        "retainer.navigation = (() => { // navigation.js",
        "const { $ } = retainer.dom;",
        "function go() {",
        "$(1); // kept",
        "}",
        "return { go };",
        "})();",
        "retainer.app = (() => { // app.js",
        "const { go: travel } = retainer.navigation;",
        "travel();",
        "return {  };",
        "})();",
    ]


def test_a_module_that_is_loaded_on_demand_finds_the_others_in_the_page() -> None:
    sources = {
        "app.js": 'import { $ } from "./dom.js";\nif ($) import("./palette.js");\n',
        "palette.js": 'import { $ } from "./dom.js";\nexport const open = $;\n',
        "dom.js": "export const $ = 1;\n",
    }
    found = link_order(sources)
    assert found["app.js"] == ["dom.js"]
    assert later_modules(sources) == ["palette.js"]
    assert 'import("/static/palette.js")' in bundle(
        "app.js", found["app.js"], sources, "/static/{}".format
    )
    assert later_module(sources["palette.js"], str) == (
        "const { $ } = retainer.dom;\nexport const open = $;\n"
    )
    sources["palette.js"] = 'import "./app.js";\n'
    with pytest.raises(ModuleError, match="import each other"):
        link_order(sources)
    sources["app.js"] = 'import("./gone.js");\n'
    with pytest.raises(ModuleError, match=r'app.js imports "./gone.js", which does'):
        link_order(sources)


def test_a_module_that_is_loaded_on_demand_needs_none_that_the_page_lacks() -> None:
    for name in LATER:
        assert set(MODULES[name]) <= set(MODULES["app.js"]), name


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_module_is_short_and_its_lines_are_too(name: str) -> None:
    lines = SOURCES[name].splitlines()
    assert len(lines) <= 200
    assert max(map(len, lines)) <= 100


def test_every_module_is_of_a_page() -> None:
    pages = "".join(file.read_text() for file in assets.PACKAGE.rglob("*.html"))
    entries = set(ENTRY.findall(pages))
    assert entries == set(ENTRIES)
    assert {name for one in (*entries, *LATER) for name in (*MODULES[one], one)} == SOURCES.keys()
    assert {*entries, *LATER} == {name for name in URLS if name in SOURCES}


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/login", "app.js"),
        ("/organizations", "app.js"),
        ("/setup", "setup.js"),
        ("/api/docs", "api.js"),
    ],
)
def test_a_page_has_one_script_of_its_own(
    cast: Cast, client: httpx.Client, path: str, entry: str
) -> None:
    asker = client if path == "/login" else cast.ada
    page = asker.get(path, headers={"Accept": "text/html"}).text
    script = re.findall(r'<script src="(/static/[^"]*)" type="module">', page)
    assert script == [URLS[entry]]
    assert URLS[entry] in ASSETS
