"""Every page in a real Chromium: axe finds nothing, nothing scrolls sideways, the security policy is never violated."""

import pytest
from playwright.sync_api import Browser

from retainer.http.routing import Route
from support.browser import desk
from support.cast import Cast
from support.pages.sitemap import PARTS, SHOWN, path_of
from support.server import Server

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "route", [r for r in SHOWN if r.name.removesuffix("Page") not in PARTS], ids=lambda r: r.name
)
def test_every_page_passes_axe_fits_a_phone_and_keeps_the_security_policy(
    browser: Browser, server: Server, cast: Cast, route: Route
) -> None:
    path = path_of(cast, route)
    with desk(browser, server, cast.ada, latency=0) as at:
        for width in (1440, 390):
            at.page.set_viewport_size({"width": width, "height": 900})
            at.open(path)
            assert at.axe_in_both_schemes() == [], width
            assert at.fits(), f"scrolls sideways at {width}"
        for width in (320, 800):
            at.page.set_viewport_size({"width": width, "height": 900})
            assert at.fits(), f"scrolls sideways at {width}"
