"""Waiting times of a person in Chromium: a list opened with nothing in the cache, and rows after the
last key typed.
"""

import shutil
import statistics
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bench.million import World

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WORDS = ("logistics", "xanvor", "falcon gm")
BETWEEN_MS = 150  # between two keys: a brisk typist

# When the first row is painted: two frames after it stands in the document, for the first is before
# the painting.
ROW_PAINTED = """
new MutationObserver((_, watch) => {
  if (!document.querySelector("[data-row]")) return;
  watch.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.painted = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
# When the rows last changed, and when a key was last pressed.
ROWS_CHANGED = """() => {
  window.changed = window.pressed = 0;
  addEventListener("keydown", () => { window.pressed = performance.now(); }, true);
  new MutationObserver((seen) => {
    if (seen.some((one) => one.target.closest?.("table, .empty, #main"))) window.changed = performance.now();
  }).observe(document.querySelector("#main"), { childList: true, subtree: true, characterData: true });
}"""
READY = "() => window.painted && performance.timing.loadEventEnd"
TIMES = """() => {
  const [went] = performance.getEntriesByType("navigation");
  return { painted: window.painted, ready: went.domContentLoadedEventEnd, answered: went.responseEnd };
}"""


def measure(worlds: dict[int, World], rounds: int) -> list[str]:
    """Lines for the report."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "Chromium is needed: apt-get install chromium, or --no-browser"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        version = running.version
        lines = [*cold(running, worlds, rounds), "", *typing(running, worlds, rounds)]
        running.close()
    return [f"## In Chromium {version}", "", *lines]


def cold(running: Browser, worlds: dict[int, World], rounds: int) -> list[str]:
    """A browser without a cache opens the list, until the first row is painted and the scripts have
    run.
    """
    lines = [
        f"First load, nothing in the cache, {rounds} times in turn: ms from the click to the first row painted and the "
        "scripts run (usable), and what was transferred.", "",
        "| organizations | usable: median | best | answer read | row painted | scripts run | files | kB |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    taken = turns(worlds, rounds, lambda world: first_load(running, world))
    for size, found in taken.items():
        usable = [max(one["painted"], one["ready"]) for one in found]
        parts = [
            statistics.median(one[name] for one in found)
            for name in ("answered", "painted", "ready")
        ]
        cells = [statistics.median(usable), min(usable), *parts]
        texts = [f"{cell:.0f}" for cell in cells]
        lines.append(
            f"| {size:,} | {' | '.join(texts)} | {found[0]['files']} | {found[0]['bytes'] / 1000:.1f} |"
        )
    return lines


def turns(
    worlds: dict[int, World], rounds: int, work: Callable[[World], Any]
) -> dict[int, list[Any]]:
    """Do the same in each world in turn; the first round is not counted."""
    found: dict[int, list[Any]] = {size: [] for size in worlds}
    for _ in range(rounds + 1):
        for size, world in worlds.items():
            found[size].append(work(world))
    return {size: each[1:] for size, each in found.items()}


def first_load(running: Browser, world: World) -> dict[str, float]:
    page = opened(running, world)
    page.add_init_script(ROW_PAINTED)
    sizes: list[float] = []
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(f"http://127.0.0.1:{world.port}/organizations")
    page.wait_for_function(READY)
    found: dict[str, float] = page.evaluate(TIMES)
    page.context.close()
    return found | {"files": len(sizes), "bytes": sum(sizes)}


def opened(running: Browser, world: World) -> Page:
    """A window of its own, signed in."""
    context = running.new_context(viewport={"width": 1440, "height": 900})
    name, _, value = world.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": f"http://127.0.0.1:{world.port}"}])
    return context.new_page()


def typing(running: Browser, worlds: dict[int, World], rounds: int) -> list[str]:
    """From the last key to the rows in the document, for words typed at a brisk pace."""
    lines = [
        f"Filter typed, a key every {BETWEEN_MS} ms, {rounds} times in turn: ms from the last key to the rows.", "",
        "| typed | organizations | median | best | worst |", "|---|--:|--:|--:|--:|",
    ]  # fmt: skip
    for word in WORDS:
        for size, found in turns(
            worlds, rounds, lambda world, word=word: type_word(running, world, word)
        ).items():
            cells = [f"{cell:.0f}" for cell in (statistics.median(found), min(found), max(found))]
            lines.append(f"| {word} | {size:,} | {' | '.join(cells)} |")
    return lines


def type_word(running: Browser, world: World, word: str) -> float:
    page = opened(running, world)
    page.goto(f"http://127.0.0.1:{world.port}/organizations")
    page.wait_for_load_state("load")
    page.evaluate(ROWS_CHANGED)
    page.focus("#filter-q")
    page.keyboard.type(word, delay=BETWEEN_MS)
    page.wait_for_url(
        lambda url: f"q={word.replace(' ', '%20')}" in url or f"q={word.replace(' ', '+')}" in url
    )
    page.wait_for_timeout(300)  # longer than anything that may still change the rows
    taken: float = page.evaluate("() => window.changed - window.pressed")
    page.context.close()
    return taken
