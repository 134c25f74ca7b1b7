"""A real Chromium signed in as one of the cast, 250 ms away from the server; errors on the console
fail the test.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from support.cast import Person
from support.server import Server

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

LATENCY = 250  # milliseconds of each answer: at none, races hide
_NETWORK = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}

AXE = Path(__file__).parents[2] / "build/npm/node_modules/axe-core/axe.min.js"

# Refusals that a test provokes are told on the console; everything else is a fault.
EXPECTED = ("status of 401", "status of 403", "status of 404", "status of 409", "status of 422")


class Desk:
    """A person's browser window: `page` and its complaints."""

    def __init__(self, server: Server, context: BrowserContext, person: Person | None) -> None:
        self.server = server
        self.context = context
        if person and person.token:
            context.add_cookies([{"name": "connect.sid", "value": person.token, "url": server.url}])
        self.complaints: list[str] = []
        self.page = self.window()

    def window(self) -> Page:
        """A further window, whose complaints count too."""
        page = self.context.new_page()
        network = self.context.new_cdp_session(page)
        network.send("Network.emulateNetworkConditions", _NETWORK | {"latency": LATENCY})
        page.on("console", self.heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def heard(self, message: Any) -> None:
        if message.type in ("error", "warning") and not any(
            words in message.text for words in EXPECTED
        ):
            self.complaints.append(message.text)

    def open(self, path: str) -> Page:
        self.page.goto(self.server.url + path)
        return self.page

    def settled(self) -> None:
        """Wait until no request of the page is under way."""
        self.page.wait_for_timeout(50)
        self.page.wait_for_function(
            "() => !document.querySelector('main.is-loading, [data-busy], .htmx-request')"
        )

    def expect_toast(self, words: str) -> None:
        """Expect these words in the newest message."""
        expect(self.page.locator("#toasts [data-toast]").first).to_contain_text(words)

    def focus(self) -> str:
        """The focused element's id, else its text."""
        return str(
            self.page.evaluate(
                "document.activeElement.id || document.activeElement.textContent.trim()"
            )
        )

    def axe(self) -> list[str]:
        """Axe's violations of the page as it is."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{v['id']}: {v['help']}: {[node['html'][:160] for node in v['nodes'][:3]]}"
            for v in found["violations"]
        ]

    def axe_everywhere(self) -> list[str]:
        """Axe's violations in both colour schemes, at a desk and on a phone."""
        found: list[str] = []
        for width in (390, 1440):
            self.page.set_viewport_size({"width": width, "height": 900})
            for scheme in ("dark", "light"):
                self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                found += [f"{width} {scheme} {words}" for words in self.axe()]
        return found

    def fits(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@contextmanager
def desk(browser: Browser, server: Server, person: Person | None, **options: Any) -> Iterator[Desk]:
    """A person's window; any complaint fails the test at its end."""
    options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"} | options
    context = browser.new_context(**options)
    opened = Desk(server, context, person)
    yield opened
    assert not opened.complaints, "\n".join(opened.complaints)
    context.close()
