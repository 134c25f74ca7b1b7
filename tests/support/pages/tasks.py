"""Forms of tasks and activities, as a browser without scripts sends them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from support.cast import Person

HTML = {"Accept": "text/html"}
TODAY = datetime.now(UTC).date()


def page(who: Person, path: str, status: int = 200) -> str:
    answer = who.get(path, headers=HTML, follow_redirects=False)
    assert answer.status_code == status, answer.text[:2000]
    return answer.text


def main(text: str) -> str:
    return text.partition("<main")[2].partition("</main>")[0]


def sent(who: Person, path: str, **fields: Any) -> httpx.Response:
    headers = {**HTML, "Content-Type": "application/x-www-form-urlencoded"}  # an empty form's, too
    return who.post(path, data=fields, headers=headers, follow_redirects=False)


def done(answer: httpx.Response, to: str) -> None:
    assert (answer.status_code, answer.headers.get("location")) == (303, to), answer.text[:2000]
    assert "retainer.done=" in answer.headers["set-cookie"], "what was done is told, with undo"


def toast(who: Person, answer: httpx.Response) -> str:
    """The message on the next page."""
    cookie = answer.headers["set-cookie"].partition(";")[0]
    text = who.get(
        answer.headers["location"], headers={**HTML, "Cookie": f"connect.sid={who.token}; {cookie}"}
    ).text
    found = re.search(
        r'<div class="toast" data-toast>\s*<span>(.*?)</span>(.*?)</div>', text, re.DOTALL
    )
    assert found, text[-2000:]
    return found[1] + (" [undo]" if "/undo" in found[2] else "")


def task(who: Person, **body: Any) -> int:
    return int(who.made("/api/tasks", **body)["id"])


def day(days: int) -> str:
    return str(TODAY + timedelta(days=days))
