"""Styles, scripts and fonts of the pages: from npm by the lock, in the budget, kept for good, and complete in the
wheel.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from retainer.pages import assets, render
from retainer.pages.static import ASSETS, LATER, MODULES, URLS
from support.server import Server

ROOT = Path(__file__).parents[2]
PAGES = sorted(assets.PACKAGE.rglob("*.html"))

# Files that no first load fetches: for pages of their own, on demand, and letters such as Ł.
NOT_FIRST = {"api.css", "api.js", "setup.js", "inter-latin-ext-wght-normal.woff2", "palette.js"}
NOT_FIRST |= {"icon-180.png", "icon-192.png", "icon-512.png"}
# Scripts that a page loads by what it holds, each the largest of its page.
OF_A_PAGE = [name for name in LATER if name != "palette.js"]
FIRST_LOAD = 90_000  # bytes, as sent
OWN_SCRIPTS = 45_000  # bytes of a page, as written
OWN_SCRIPTS_SENT = 14_000  # bytes of a page, compressed


def wire(
    client: httpx.Client, url: str, accepted: str | None = "gzip"
) -> tuple[httpx.Headers, bytes]:
    """The headers and the body's bytes as they were sent."""
    request = client.build_request("GET", url)
    request.headers.pop("accept-encoding", None)
    if accepted is not None:
        request.headers["accept-encoding"] = accepted
    answer = client.send(request, stream=True)
    body = b"".join(answer.iter_raw())
    assert answer.status_code == 200
    return answer.headers, body


def test_the_lock_pins_each_package_and_names_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    asked = json.loads((ROOT / "package.json").read_text())
    versions = asked["dependencies"] | asked["devDependencies"]
    assert versions["htmx.org"] == "4.0.1"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    packages = {
        name.removeprefix("node_modules/"): kept for name, kept in lock["packages"].items() if name
    }
    assert {name: kept["version"] for name, kept in packages.items()} == versions
    assert all(
        kept["integrity"].startswith("sha512-") and "resolved" not in kept
        for kept in packages.values()
    )


def test_the_first_load_is_in_the_budget(client: httpx.Client) -> None:
    sizes = {name: len(wire(client, url)[1]) for name, url in URLS.items() if name not in NOT_FIRST}
    assert {"app.css", "htmx.min.js", "inter-latin-wght-normal.woff2"} <= set(sizes)
    assert sum(sizes.values()) <= FIRST_LOAD, sizes


@pytest.mark.parametrize(
    "loaded", [["setup.js"], ["api.js"], *(["app.js", name] for name in OF_A_PAGE)], ids="+".join
)
def test_the_own_scripts_of_a_page_are_in_the_budget(
    client: httpx.Client, loaded: list[str]
) -> None:
    names = {name for one in loaded for name in (*MODULES[one], one)}
    written = {name: (assets.PACKAGE / "layout/js" / name).stat().st_size for name in names}
    assert sum(written.values()) <= OWN_SCRIPTS, written
    sent = {name: len(wire(client, URLS[name])[1]) for name in loaded}
    assert sum(sent.values()) <= OWN_SCRIPTS_SENT, sent


def test_every_page_has_an_icon_and_a_manifest_with_icons_for_the_home_screen(
    client: httpx.Client,
) -> None:
    for path in ("/login", "/setup", "/api/docs"):
        answer = client.get(path, headers={"Accept": "text/html"})
        links = dict(re.findall(r'<link rel="([a-z-]+)" href="([^"]*)"', answer.text))
        assert links["icon"] == URLS["icon.svg"], path
        assert links["apple-touch-icon"] == URLS["icon-180.png"], path
        assert links["manifest"] == URLS["app.webmanifest"], path
        assert "manifest-src 'self'" in answer.headers["content-security-policy"]
    manifest = client.get(URLS["app.webmanifest"]).json()
    assert (manifest["name"], manifest["start_url"]) == ("Retainer", "/")
    sizes = set()
    for icon in manifest["icons"]:
        content = client.get(icon["src"]).content
        if icon["type"] == "image/png":  # its width stands in its head
            width = int.from_bytes(content[16:20])
            assert icon["sizes"] == f"{width}x{width}"
            sizes.add(width)
    assert sizes == {192, 512}


KINDS = {
    "css": "text/css",
    "js": "text/javascript",
    "woff2": "font/woff2",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webmanifest": "application/manifest+json",
}


@pytest.mark.parametrize("name", sorted(URLS))
def test_assets_are_immutable_and_the_same_when_compressed(client: httpx.Client, name: str) -> None:
    kind = KINDS[name.rpartition(".")[2]]
    is_packed = kind not in ("font/woff2", "image/png")
    plain, content = wire(client, URLS[name], None)
    small, sent = wire(client, URLS[name])
    for headers in (plain, small):
        assert headers["content-type"].startswith(kind)
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        assert headers.get("vary") == ("accept-encoding" if is_packed else None)
    assert content == ASSETS[URLS[name]].content and "content-encoding" not in plain
    assert small.get("content-encoding") == ("gzip" if is_packed else None)
    assert (gzip.decompress(sent) if is_packed else sent) == content


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("*", True), ("gzip;q=1.0", True), ("gzip; q=0", False),
     ("*, gzip;q=0.000", False), ("*;q=0", False), ("br", False), ("identity", False), ("", False), (None, False)],
)  # fmt: skip
def test_gzip_is_sent_to_clients_that_accept_it(
    client: httpx.Client, accepted: str | None, is_packed: bool
) -> None:
    for url in (URLS["app.css"], "/api/docs"):
        headers, body = wire(client, url, accepted)
        assert headers.get("content-encoding") == ("gzip" if is_packed else None)
        assert "accept-encoding" in headers["vary"].split(", ")
        assert int(headers["content-length"]) == len(body)


def test_pages_are_compressed_and_their_etags_still_match(client: httpx.Client) -> None:
    plain, content = wire(client, "/api/docs", None)
    small, body = wire(client, "/api/docs")
    assert gzip.decompress(body) == content and len(body) < len(content) / 5
    assert small["etag"] == f"W/{plain['etag']}", "other bytes than those that the strong one names"
    for etag in (plain["etag"], small["etag"]):
        assert client.get("/api/docs", headers={"If-None-Match": etag}).status_code == 304


def test_styles_use_defined_variables_and_colours_are_in_the_tokens_only() -> None:
    for name in assets.SHEETS:
        css = ASSETS[URLS[name]].content.decode()
        assert set(re.findall(r"url\(([^)]*)\)", css)) <= set(URLS.values()), name
        values = re.findall(r":([^;{}]*)[;}]", without_layer(css, "tokens"))
        assert len(values) > 10
        # What is minified has every colour in hex, named ones too; transparent is #0000.
        assert [
            value
            for value in values
            if re.search(r"#(?!0000\b)[0-9a-f]{3,8}\b|\b(rgb|hsl)a?\(", value)
        ] == [], name
    assert "light-dark(" in ASSETS[URLS["app.css"]].content.decode(), (
        "what browsers do is left to them"
    )


def without_layer(css: str, layer: str) -> str:
    """A stylesheet without the blocks of a layer."""
    while (start := css.find(f"@layer {layer}{{")) >= 0:
        depth, end = 1, css.index("{", start) + 1
        while depth:
            depth += {"{": 1, "}": -1}.get(css[end], 0)
            end += 1
        css = css[:start] + css[end:]
    return css


def test_every_stylesheet_is_one_that_pages_link_to_or_part_of_it() -> None:
    found, waiting = set(), list(assets.SHEETS)
    while waiting:
        found.add(name := waiting.pop())
        waiting += re.findall(r'@import "([\w.-]+)"', (assets.SOURCES / name).read_text())
    assert found == {file.name for file in assets.SOURCES.iterdir()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_templates_hold_no_style_and_no_script_of_their_own(page: Path) -> None:
    markup = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", page.read_text(), flags=re.DOTALL)
    assert (
        re.findall(
            r"<style\b|\sstyle\s*=|\shx-on\b|\son[a-z]+\s*=|[\"'\s]js:|javascript:", markup, re.I
        )
        == []
    )
    assert re.findall(r"<script\b(?![^>]*\ssrc=)", markup, re.I) == []


def test_icons_are_drawn_where_they_are_named_and_no_others() -> None:
    named = {
        name
        for page in PAGES
        for name in re.findall(r"""\bicon\(["']([^"']*)["']\)""", page.read_text())
    }
    assert {"search"} <= named <= assets.icons().keys()
    svg = render._templates.from_string("{{ icon('search') }}").render()
    assert svg.startswith('<svg class="icon" aria-hidden="true" width="16" height="16"')
    assert 'stroke-width="1.75"' in svg and "<circle" in svg and "style" not in svg
    with pytest.raises(KeyError, match="grin-beam"):
        render._templates.from_string("{{ icon(name) }}").render(name="grin-beam")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel made of the sources alone, unpacked."""
    left = shutil.ignore_patterns(
        ".git", ".venv", ".hypothesis", ".*_cache", "__pycache__", "build", "dist", "node_modules"
    )
    shutil.copytree(ROOT, tmp_path / "tree", ignore=left)
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        str(tmp_path),
    ]
    subprocess.run(command, cwd=tmp_path / "tree", check=True, capture_output=True)
    with ZipFile(next(tmp_path.glob("*.whl"))) as file:
        file.extractall(tmp_path / "wheel")
    return tmp_path / "wheel"


@pytest.mark.slow
def test_a_wheel_holds_the_same_assets_and_works_without_the_build_tools(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = wheel / "retainer/pages/layout"
    assert not (layout / "css").exists()
    assert set(json.loads((layout / "dist/icons.json").read_text())) == assets.icons().keys()
    licences = (layout / "dist/LICENCES.txt").read_text()
    assert (
        "SIL OPEN FONT LICENSE" in licences
        and "ISC License" in licences
        and "Zero-Clause BSD" in licences
    )
    (wheel / "lightningcss.py").write_text("raise ImportError('not where a wheel is installed')")
    monkeypatch.setenv("PYTHONPATH", str(wheel))
    monkeypatch.setenv("PATH", os.devnull)
    server = Server()
    try:
        with httpx.Client(base_url=server.url) as client:
            assert all(client.get(url).content == ASSETS[url].content for url in URLS.values())
            assert '<svg class="icon"' in client.get("/api/docs").text
    finally:
        server.stop()
