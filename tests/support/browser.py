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

OF_COLOURS = ("color-contrast", "link-in-text-block")  # axe's rules
AXE = Path(__file__).parents[2] / "build/npm/node_modules/axe-core/axe.min.js"

# Refusals that a test provokes are told on the console; everything else is a fault.
EXPECTED = ("status of 401", "status of 403", "status of 404", "status of 409", "status of 422")


class Desk:
    """A person's browser window: `page` and its complaints."""

    def __init__(
        self, server: Server, context: BrowserContext, person: Person | None, latency: int
    ) -> None:
        self.server = server
        self.context = context
        self.latency = latency
        if person and person.token:
            context.add_cookies([{"name": "connect.sid", "value": person.token, "url": server.url}])
        self.complaints: list[str] = []
        self.page = self.window()

    def window(self) -> Page:
        """A further window, whose complaints count too."""
        page = self.context.new_page()
        network = self.context.new_cdp_session(page)
        network.send("Network.emulateNetworkConditions", _NETWORK | {"latency": self.latency})
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

    def axe(self, *rules: str) -> list[str]:
        """Axe's violations of the page as it is: of these rules, or of all."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
        found = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{v['id']}: {v['help']}: {[node['html'][:160] for node in v['nodes'][:3]]}"
            for v in found["violations"]
        ]

    def axe_in_both_schemes(self) -> list[str]:
        """Axe's violations in the light, and what the dark changes: the colours."""
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        found = [f"light {words}" for words in self.axe()]
        self.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        return found + [f"dark {words}" for words in self.axe(*OF_COLOURS)]

    def axe_everywhere(self) -> list[str]:
        """Axe's violations in both colour schemes, at a desk and on a phone."""
        found: list[str] = []
        for width in (390, 1440):
            self.page.set_viewport_size({"width": width, "height": 900})
            found += [f"{width} {words}" for words in self.axe_in_both_schemes()]
        return found

    def fits(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@contextmanager
def desk(
    browser: Browser,
    server: Server,
    person: Person | None,
    latency: int = LATENCY,
    **options: Any,
) -> Iterator[Desk]:
    """A person's window; any complaint fails the test at its end. Where only the look of pages is
    judged, nothing races, and the server may stand next to it.
    """
    options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"} | options
    context = browser.new_context(**options)
    opened = Desk(server, context, person, latency)
    yield opened
    assert not opened.complaints, "\n".join(opened.complaints)
    context.close()
