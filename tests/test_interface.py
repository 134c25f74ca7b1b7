"""Every page in a real Chromium: axe finds nothing, nothing scrolls sideways, the security policy is never violated."""

import pytest
from playwright.sync_api import Browser

from chromium import desk
from conftest import Cast, Server
from retainer.http.routing import Route
from test_pages import PARTS, SHOWN, path_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "route", [r for r in SHOWN if r.name.removesuffix("Page") not in PARTS], ids=lambda r: r.name
)
def test_every_page_is_for_everybody(
    browser: Browser, server: Server, cast: Cast, route: Route
) -> None:
    path = path_of(cast, route)
    with desk(browser, server, cast.ada) as at:
        for width in (1440, 390):
            at.page.set_viewport_size({"width": width, "height": 900})
            at.open(path)
            for scheme in ("light", "dark"):
                at.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                assert at.axe() == [], (width, scheme)
            assert at.fits(), f"scrolls sideways at {width}"
        for width in (320, 800):
            at.page.set_viewport_size({"width": width, "height": 900})
            assert at.fits(), f"scrolls sideways at {width}"
