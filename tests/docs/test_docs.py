"""The pages of docs/ tell the truth: their commands run on a demo of their own, their answers and tables are compared.

A block marked `sh` is run by bash; the `json`, `http` or `text` block that stands right below it is its answer. Every
page starts on a fresh demo, after the sign-in of docs/README.md. In an answer "…" stands for any text, a bare … for
what else an array or object holds, a timestamp for any timestamp, and of the headers only those shown count. A command
without an answer must succeed. `text` that answers nothing is for reading.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from retainer.identity.sessions import throttle
from retainer.permissions import PERMISSIONS, Role
from support.server import Server, data_folder, environment, until
from support.sql import Sql

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
START = DOCS / "README.md"
ADDRESS, FOLDER, VENV = "127.0.0.1:8000", "/srv/retainer", ".venv"  # as the pages call them
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```\n(?=(\n*)(```)?)", re.MULTILINE | re.DOTALL)
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


INDEXED = """
    SELECT l.position = (SELECT count(*) FROM operations WHERE tenant_id = l.tenant_id) FROM loops l
"""


class Demo(Server):
    """A `retainer demo`, as `make run` starts it."""

    def start(self, *, wait: bool = True) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "retainer", "demo", "--data", str(self.folder), "--port", str(self.port)],
                env=environment(), stdout=log, stderr=log,
            )  # fmt: skip
        if wait:
            self.wait_until_ready()


class Example(NamedTuple):
    """A command and its documented answer; kind is "" where no answer is shown."""

    command: str
    kind: str
    answer: str


class Outcome(NamedTuple):
    """A command's exit status, output, errors, and the HTTP statuses that curl received."""

    code: int
    output: str
    errors: str
    statuses: list[int]


def examples(text: str) -> list[Example]:
    """The commands of a page, in order."""
    found, answers = list[Example](), False
    for kind, content, _, next_fence in _BLOCK.findall(text):
        if answers and kind in ("json", "http", "text"):
            found[-1] = found[-1]._replace(kind=kind, answer=content)
        elif kind == "sh":
            found.append(Example(content, "", ""))
        answers = kind == "sh" and bool(next_fence)
    return found


def run(demo: Server, folder: Path, commands: list[str]) -> list[Outcome]:
    """Run the commands one after the other in one shell."""
    (folder / ".curlrc").write_text(
        'silent\nshow-error\nwrite-out = "%{stderr}HTTP %{http_code}\\n"\n'
    )
    lines = []
    for place, command in enumerate(commands):
        (folder / f".{place}.sh").write_text(command)
        lines.append(
            f"source ./.{place}.sh >.{place}.out 2>.{place}.err </dev/null; echo $? >.{place}.code"
        )
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-c", "\n".join(lines)], cwd=folder, timeout=120, check=True,
        env=environment(PATH=programs, CURL_HOME=str(folder), RETAINER_PORT=str(demo.port), NO_PROXY="*", LC_ALL="C"),
    )  # fmt: skip
    return [outcome(folder, place) for place in range(len(commands))]


def outcome(folder: Path, place: int) -> Outcome:
    output, errors, code = (
        (folder / f".{place}.{end}").read_text() for end in ("out", "err", "code")
    )
    statuses = [int(status) for status in re.findall(r"^HTTP (\d{3})$", errors, re.MULTILINE)]
    return Outcome(
        int(code), output, re.sub(r"^HTTP \d{3}\n", "", errors, flags=re.MULTILINE), statuses
    )


def differences(example: Example, met: Outcome) -> list[str]:
    """Differences between the answer and the page."""
    found = [f"exit status {met.code}"] if met.code else []
    if example.kind == "http":
        return found + of_http(example.answer, met.output)
    if example.kind == "json":
        found += of_json(plain(example.answer), json.loads(met.output), "answer")
    elif example.kind == "text" and not is_like(
        words(example.answer), words(met.output + met.errors)
    ):
        found.append(f"the text is\n{met.output}{met.errors}")
    return found + [f"HTTP status {status}" for status in met.statuses if not 200 <= status < 300]


def of_http(expected: str, met: str) -> list[str]:
    """Status, the headers shown, and the body where one is shown."""
    head, _, body = expected.partition("\n\n")
    met_head, _, met_body = met.replace("\r\n", "\n").partition("\n\n")
    (status, *headers), (met_status, *met_headers) = head.strip().split("\n"), met_head.split("\n")
    found = [] if status.split()[1] == met_status.split()[1] else [f"{met_status}, not {status}"]
    for header in headers:
        if not any(is_like(*map(lowered, (header, other))) for other in met_headers):
            found.append(f"no header {header} among\n" + "\n".join(met_headers))
    if body.strip().startswith(("{", "[")):
        return found + of_json(plain(body), json.loads(met_body), "answer")
    if not body.strip():
        return found  # a page need not show it
    return found if is_like(words(body), words(met_body)) else [*found, f"the body is\n{met_body}"]


def lowered(header: str) -> str:
    """A header with its name in small letters, which count for nothing."""
    name, _, value = header.partition(":")
    return f"{name.lower()}:{value}"


def plain(text: str) -> Any:
    """JSON in which a bare … may stand last."""
    text = re.sub(r"…(?=\s*})", '"…": "…"', text)
    return json.loads(re.sub(r"…(?=\s*\])", '"…"', text))


def of_json(expected: Any, met: Any, where: str) -> list[str]:
    if isinstance(expected, dict) and isinstance(met, dict):
        rest = "…" in expected
        names = [name for name in expected if name != "…"]
        found = [f"{where}: no {name}" for name in names if name not in met]
        found += [f"{where}: also {name}" for name in met if name not in names and not rest]
        return found + [
            d for n in names if n in met for d in of_json(expected[n], met[n], f"{where}.{n}")
        ]
    if isinstance(expected, list) and isinstance(met, list):
        rest = expected[-1:] == ["…"]
        items = expected[:-1] if rest else expected
        found = (
            []
            if len(items) == len(met) or (rest and len(items) < len(met))
            else [f"{where}: {len(met)} items"]
        )
        pairs = enumerate(zip(items, met, strict=False))
        return found + [
            d for n, (one, other) in pairs for d in of_json(one, other, f"{where}[{n}]")
        ]
    if isinstance(expected, str) and isinstance(met, str):
        same = is_like(expected, met) or bool(
            _TIMESTAMP.fullmatch(expected) and _TIMESTAMP.fullmatch(met)
        )
    else:
        same = expected == "…" or (type(expected) is type(met) and expected == met)
    return [] if same else [f"{where}: {met!r}, not {expected!r}"]


def is_like(expected: str, met: str) -> bool:
    """The same text, but for what … stands for."""
    return re.fullmatch(".*".join(map(re.escape, expected.split("…"))), met, re.DOTALL) is not None


def words(text: str) -> str:
    """Text whose spaces and lines do not count."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def filled() -> Iterator[Path]:
    """The data folder of a demo that has been started, indexed by its worker, and stopped."""
    demo = Demo(data_folder())
    sql = Sql(demo.database_url)
    until(lambda: sql.value(INDEXED), 60, "the worker has seen everything")
    sql.close()
    demo.stop(remove=False)
    yield demo.folder
    shutil.rmtree(demo.folder)


@pytest.fixture
def demo(filled: Path) -> Iterator[Demo]:
    """An unused demo on a copy of the folder (a cold backup, docs/operating.md)."""
    folder = data_folder()
    subprocess.run(["cp", "-a", f"{filled}/.", str(folder)], check=True)
    running = Demo(folder)
    yield running
    running.stop()


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_the_commands_of_a_page_answer_as_the_page_says(
    page: Path, demo: Demo, tmp_path: Path
) -> None:
    texts = [START.read_text()] if page == START else [START.read_text(), page.read_text()]
    for ours, theirs in (
        (ADDRESS, f"127.0.0.1:{demo.port}"),
        (FOLDER, str(demo.folder)),
        (VENV, sys.prefix),
    ):
        texts = [text.replace(ours, theirs) for text in texts]
    tried = [example for text in texts for example in examples(text)]
    for example, met in zip(
        tried, run(demo, tmp_path, [example.command for example in tried]), strict=True
    ):
        wrong = "\n".join(differences(example, met))
        assert not wrong, (
            f"{page.name}:\n{example.command}\n{wrong}\n\n{met.output}{met.errors}{demo.errors()}"
        )


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_page_is_easy_to_read(page: Path) -> None:
    text = page.read_text()
    assert max(map(len, text.splitlines())) <= 120
    kinds = {kind for kind, *_ in _BLOCK.findall(text)}
    assert kinds <= {"sh", "json", "http", "text", "sql"}
    for name in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (DOCS / name).exists(), name


def test_the_index_names_every_page() -> None:
    assert set(re.findall(r"\]\((\w[\w-]*\.md)\)", START.read_text())) == {
        page.name for page in PAGES
    } - {START.name}


def permissions_table() -> str:
    """The table of permissions as docs/permissions.md shows it."""
    rows = ["| permission | | " + " | ".join(Role) + " |", "|---|---|" + ":-:|" * len(Role)]
    for name, rule in PERMISSIONS.items():
        marks = " | ".join("yes" if role in rule.roles else "" for role in Role)
        rows.append(
            f"| `{name}` | {rule.sentence} | {marks} |".replace("|  |", "| |").replace(
                "|  |", "| |"
            )
        )
    return "\n".join(rows)


def test_the_permissions_page_lists_every_permission() -> None:
    text = (DOCS / "permissions.md").read_text()
    assert (
        text.split("a test compares -->\n")[1].split("\n<!-- /permissions")[0]
        == permissions_table()
    )


def test_the_throttling_page_has_the_limits_of_the_code() -> None:
    text = words((DOCS / "signing-in.md").read_text())
    minutes = int(throttle.WINDOW.total_seconds() // 60)
    limit, slow = throttle.LIMIT_AT_ACCOUNT, throttle.SLOW_AFTER
    assert f"{limit} attempts in {minutes} minutes at one username" in text
    assert f"{throttle.LIMIT_OF_ADDRESS} at all of them" in text
    assert f"after {slow} attempts from anywhere each further one is answered two seconds" in text
    assert throttle.SLOW_SECONDS == 2


def test_a_documented_answer_that_differs_is_noticed() -> None:
    met = Outcome(
        0, '{"id": 2, "name": "Acme", "tags": [1, 2], "at": "2026-01-01T00:00:00.000Z"}', "", [200]
    )

    def found(answer: str) -> list[str]:
        return differences(Example("", "json", answer), met)

    assert found('{"id": 2, "name": "A…", "tags": [1, …], "at": "2030-12-31T10:00:00.000Z"}') == []
    assert found('{"id": 2, …}') == []
    assert found('{"id": "…", …}') == []
    assert found('{"id": 3, …}') == ["answer.id: 2, not 3"]
    assert found('{"id": 2, "name": "Acme", "tags": [1, 2]}') == ["answer: also at"]
    assert found('{"tags": [1], …}') == ["answer.tags: 2 items"]
    assert found('{"kind": 1, …}') == ["answer: no kind"]
    assert differences(Example("", "json", "[]"), Outcome(0, "[]", "", [403])) == [
        "HTTP status 403"
    ]
    assert differences(Example("", "", ""), Outcome(7, "", "", [])) == ["exit status 7"]
    head = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nno\n"
    assert of_http("HTTP/1.1 404\ncontent-type: text/plain…\n\nno\n", head) == []
    assert len(of_http("HTTP/1.1 403\ncontent-type: text/html\n\nyes\n", head)) == 3


def test_a_documented_answer_stands_right_below_its_command() -> None:
    page = "```sh\na\n```\n\n```json\n1\n```\n\n```sh\nb\n```\nSo it is.\n\n```text\nc\n```\n"
    assert examples(page) == [Example("a\n", "json", "1\n"), Example("b\n", "", "")]
