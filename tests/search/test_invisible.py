"""Answers do not depend on what the viewer does not see: the same before and after it is written."""

import json
import re
from collections.abc import Callable

import pytest

from support.cast import Cast, Person
from support.samples import bulk
from support.searching import learnt

PATHS = [
    "/api/search?q={q}",
    "/api/search?q=acme+{q}",
    "/api/search?q={q}+xyzzyx",
    *(f"/api/{noun}?q={{q}}" for noun in
      ("organizations", "contacts", "projects", "tasks", "documents", "activities")),
    "/api/tasks?q=decoy+{q}&limit=1&count=exact",
    "/api/tasks?q={q}&count=estimate",
    "/api/contacts?q={q}&sort=-createdAt&limit=2",
    '/api/tasks?filter=q%3D"{q}"+or+priority%3Dhigh',
]  # fmt: skip
PAGES = ["/search?q={q}", "/choices?organization={q}", "/organizations?q={q}", "/tasks?q={q}"]
# Beginnings and misspellings of what Stan and Gita have, and of what they do not see.
COUNTS = ("x-total-count", "x-estimated-count")
HIDDEN = ("quixbergerholding", "genevx", "decox")
TYPED = ["quixb", "quixbe", "quix", "quixbergerholding", "decoy", "decox", "genevx", "genevas", "q"]


TIMES = re.compile(r"<time.*?</time>|\d{4}-\d\d-\d\dT[\d:.]+Z|\"key\" value=\"[^\"]*\"", re.DOTALL)


def answers(person: Person, typed: list[str]) -> dict[str, str]:
    """The answer of each path for each text, without times, which are told of whatever is seen."""
    found = {}
    for path in [path.format(q=q) for q in typed for path in PATHS]:
        response = person.get(path)
        counts = {name: response.headers.get(name) for name in COUNTS}
        found[path] = f"{response.status_code} {counts} {TIMES.sub('', response.text)}"
    for path in [path.format(q=q) for q in typed for path in PAGES]:
        response = person.get(path, headers={"HX-Request": "true", "Accept": "text/html"})
        found[path] = f"{response.status_code} {TIMES.sub('', response.text)}"
    for q in typed:
        response = person.get(f"/api/organizations?q={q}", headers={"Accept": "text/csv"})
        found[f"csv {q}"] = TIMES.sub("", response.text)
    return found


def _decoys(cast: Cast) -> None:
    for word in ("quix0", "quixbo"):
        cast.cora.made(
            "/api/tasks",
            title="decoy",
            description=word,
            organizationId=cast.acme,
            audience="client",
        )
    cast.cora.made(
        "/api/documents",
        name="Geneva plan",
        url="https://x.example",
        organizationId=cast.acme,
        audience="client",
    )
    cast.cora.made(
        f"/api/organizations/{cast.acme}/activities", text="Went to Geneva", audience="client"
    )
    learnt(cast, "decoy", "quix0", "quixbo", "geneva")


def _task(cast: Cast, word: str) -> None:
    cast.cora.made("/api/tasks", title=word, organizationId=cast.globex)


def _contact(cast: Cast, word: str) -> None:
    cast.cora.made(
        "/api/contacts", fullName=f"{word} Hidden", email=f"{word}@example.com", type="client"
    )


def _organization(cast: Cast, word: str) -> None:
    cast.cora.made("/api/organizations", name=word, type="other", description=f"{word} {word}")


def _many(cast: Cast, word: str) -> None:
    bodies = [{"title": f"decoy {word} {n}", "organizationId": cast.globex} for n in range(250)]
    lines = [{"method": "POST", "path": "/tasks", "body": body} for body in bodies]
    response = bulk(cast.cora, *(json.dumps(line).encode() + b"\n" for line in lines))
    assert response.status_code == 200, response.text


def _file(cast: Cast, word: str) -> None:
    file = {"file": ("a.txt", f"decoy {word}".encode(), "text/plain")}
    response = cast.cora.post(
        "/api/documents", files=file, data={"organizationId": str(cast.globex)}
    )
    assert response.status_code == 200, response.text


def _untold(cast: Cast, word: str) -> None:
    # Written on what they see, but not for guests.
    response = cast.cora.put(
        f"/api/organizations/{cast.acme}",
        {
            "description": f"{word} {' '.join(HIDDEN)}",
            "tags": [word],
            "externalId": word,
            "metadata": {"a": word},
        },
    )
    assert response.status_code == 200, response.text


WRITES: dict[str, tuple[Callable[[Cast, str], None], tuple[str, ...]]] = {
    "a task": (_task, ("stan", "gita")),
    "a contact": (_contact, ("stan", "gita")),
    "an organization": (_organization, ("stan", "gita")),
    "250 tasks": (_many, ("stan", "gita")),
    "the text of a file": (_file, ("stan", "gita")),
    "fields that are not for guests": (_untold, ("gita",)),
}


@pytest.mark.slow
@pytest.mark.parametrize("written", WRITES)
def test_what_is_found_is_the_same_whatever_the_viewer_does_not_see(
    cast: Cast, written: str
) -> None:
    write, viewers = WRITES[written]
    _decoys(cast)
    people = [getattr(cast, name) for name in viewers]
    before = [answers(person, TYPED) for person in people]
    seen = answers(cast.ada, ["quixb"])
    for word in HIDDEN:
        write(cast, word)
    learnt(cast, *HIDDEN)
    for person, told in zip(people, before, strict=True):
        after = answers(person, TYPED)
        assert {path: after[path] for path in told if after[path] != told[path]} == {}
    assert answers(cast.ada, ["quixb"]) != seen, "who sees it finds it"


def test_typing_errors_are_forgiven_by_ones_own_words_alone(cast: Cast) -> None:
    _decoys(cast)
    _task(cast, "quixbergerholding")
    learnt(cast, "quixbergerholding")
    assert [task["description"] for task in cast.stan.get("/api/tasks?q=quixc").json()] == ["quix0"]
    assert [task["description"] for task in cast.stan.get("/api/tasks?q=quixb").json()] == [
        "quixbo"
    ]
    assert [hit["kind"] for hit in cast.gita.get("/api/search?q=genevs").json()] == [
        "document",
        "activity",
    ]
    assert [hit["title"] for hit in cast.stan.get("/api/search?q=decoy+qiux0").json()][:1] == [
        "decoy"
    ]
