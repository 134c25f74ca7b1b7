"""The tabs of an organization's page and the messages on them."""

import base64
import json
import re

import httpx

from support.cast import Cast


def toast_of(answer: httpx.Response) -> tuple[str, int]:
    """The message that a form's answer sets, and the operation offered for undo."""
    assert answer.status_code == 303, answer.text
    (cookie,) = re.findall(r"retainer\.done=([\w-]+)", answer.headers["set-cookie"])
    words, operation, _ = json.loads(base64.urlsafe_b64decode(cookie + "=="))
    return words, operation


def tab(cast: Cast, name: str) -> str:
    return f"/organizations/{cast.acme}/{name}"


def statuses(cast: Cast) -> dict[str, str]:
    return {one["name"]: one["status"] for one in cast.ada.get("/api/organizations").json()}


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))
