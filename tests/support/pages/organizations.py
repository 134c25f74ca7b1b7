"""The tabs of an organization's page and the messages on them."""

import base64
import json
import re

import httpx

from support.cast import Cast, Person


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


def add_many(person: Person, count: int) -> None:
    """Add that many organizations, Client 000 and so on."""
    lines = [
        f'{{"method":"POST","path":"/organizations","body":{{"name":"Client {n:03d}","type":"partner"}}}}'
        for n in range(count)
    ]
    answer = person.post(
        "/api/bulk", content="\n".join(lines), headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200, answer.text
