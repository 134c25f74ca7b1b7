"""Random writes, undone in reverse or any allowed order, leave the state of before."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support.cast import Cast
from support.journal import WRITES, tree, undo, with_ids, world
from support.samples import NDJSON, line

ORGANIZATIONS, PROJECTS = ["top", "child", "acme", "globex", None], ["project", "second", None]

# Updates of the tree's records, of what clashes most: names, references, and what is unique.
CHANGES = {
    "organizations/{%s}": (["top", "child", "globex"], {
        "parentId": ORGANIZATIONS, "externalId": ["E", "F", None], "domains": [["e.example"], ["f.example"], []],
        "tags": [["A", "b"], []], "metadata": [{"a": 1.5}, None]}),
    "projects/{%s}": (["project", "second"], {"title": ["P", "Q"], "startDate": ["2026-01-01", None]}),
    "tasks/{%s}": (["task", "both", "own task"], {
        "projectId": PROJECTS, "organizationId": ORGANIZATIONS, "title": ["T", "U"], "order": [1, 2]}),
    "documents/{%s}": (["loose", "link", "file"], {
        "organizationId": ORGANIZATIONS, "projectIds": [[], ["project"], ["second"], ["project", "second"]]}),
    "activities/{%s}": (["activity"], {
        "organizationId": ["top", "child", "acme"], "text": ["A", "B"],
        "contactIds": [[], ["gita"], ["contact"], ["gita", "contact"]]}),
    "contacts/{%s}": (["contact", "gita"], {"email": ["one@example.com", "two@example.com"], "phone": ["1", None]}),
}  # fmt: skip

DELETIONS = [
    "organizations/{%s}",
    "projects/{%s}",
    "tasks/{%s}",
    "documents/{%s}",
    "contacts/{%s}",
    "activities/{%s}",
]

MEMBERS = ["organizations/{child}/members/{contact}", "organizations/{top}/members/{gita}"]
Write = tuple[str, str, Any]


@st.composite
def changes(draw: st.DrawFn) -> Write:
    path, (which, fields) = draw(st.sampled_from(sorted(CHANGES.items(), key=str)))
    chosen = draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=3, unique=True))
    return (
        "PUT",
        path % draw(st.sampled_from(which)),
        {name: draw(st.sampled_from(fields[name])) for name in chosen},
    )


@st.composite
def deletions(draw: st.DrawFn) -> Write:
    path = draw(st.sampled_from(DELETIONS))
    return "DELETE", path % draw(st.sampled_from(CHANGES[path][0])), None


ADDING: Write = (
    "POST",
    "organizations/{child}/members",
    {"contactId": "contact", "role": "member"},
)

ANY = st.one_of(
    changes(), changes(), deletions(), st.just(ADDING), st.sampled_from(sorted(WRITES.values(), key=str)),
    st.sampled_from(MEMBERS).map(lambda path: ("DELETE", path, None)),
)  # fmt: skip


class Undoing(RuleBasedStateMachine):
    """`stack` holds the operations in effect, the last on top."""

    make: Any  # gives a fresh cast

    @initialize()
    def begin(self) -> None:
        self.cast: Cast = type(self).make()
        self.ids = tree(self.cast) | {"acme": self.cast.acme, "globex": self.cast.globex}
        second = self.cast.ada.made("/api/projects", organizationId=self.cast.acme, title="Second")
        self.ids["second"] = second["id"]
        self.before = world(self.cast)
        self.stack: list[int] = []
        self.newest = self.last()

    def last(self) -> int:
        newest = "SELECT max(id) FROM operations WHERE tenant_id = $1"
        return int(self.cast.sql.value(newest, self.cast.tenant))

    def note(self) -> None:
        """Keep the operation that a write made; one that changes nothing makes none."""
        if (newest := self.last()) != self.newest:
            self.newest = newest
            self.stack.append(newest)

    def ready(self, write: Write) -> Write:
        method, path, body = write
        body = (
            {key: with_ids(self.ids, value) for key, value in body.items()}
            if body is not None
            else None
        )
        return method, path.format(**self.ids), body

    @rule(write=ANY)
    def write(self, write: Write) -> None:
        method, path, body = self.ready(write)
        answer = self.cast.ada.request(
            method, f"/api/{path}", **({} if body is None else {"json": body})
        )
        assert answer.status_code < 500, answer.text
        self.note()

    @rule(writes=st.lists(ANY, min_size=2, max_size=6))
    def many(self, writes: list[Write]) -> None:
        lines = b"".join(
            line(method, f"/{path}", body) for method, path, body in map(self.ready, writes)
        )
        headers = NDJSON | {"Prefer": "handling=lenient"}
        assert self.cast.ada.post("/api/bulk", content=lines, headers=headers).status_code == 200
        self.note()

    @precondition(lambda self: self.stack)
    @rule()
    def undo_the_last(self) -> None:
        self.undo(self.stack.pop())

    @precondition(lambda self: self.stack)
    @rule()
    def undo_and_redo_the_last(self) -> None:
        now = world(self.cast)
        undoing = self.undo(self.stack.pop())
        self.stack.append(self.undo(undoing))
        assert world(self.cast) == now

    @precondition(lambda self: self.stack)
    @rule(place=st.integers(0, 30))
    def undo_another_if_that_can_be(self, place: int) -> None:
        now = world(self.cast)
        id = self.stack[place % len(self.stack)]
        answer = undo(self.cast.ada, id)
        self.newest = self.last()
        if answer.status_code == 200:
            self.stack.remove(id)
        else:
            assert answer.status_code == 409, answer.text
            assert world(self.cast) == now

    def undo(self, id: int) -> int:
        answer = undo(self.cast.ada, id)
        assert answer.status_code == 200, answer.text
        self.newest = int(answer.json()["id"])
        return self.newest

    def teardown(self) -> None:
        if not hasattr(self, "before"):
            return
        while self.stack:
            self.undo(self.stack.pop())
        met = world(self.cast)
        for name, text in self.before.items():
            assert json.loads(met[name]) == json.loads(text), name
        assert met == self.before


@pytest.mark.slow
def test_random_writes_undone_leave_nothing_behind(cast: Cast) -> None:
    run(cast, examples=10, steps=15)


@pytest.mark.slow
def test_long_random_histories_undone_leave_nothing_behind(cast: Cast) -> None:
    run(cast, examples=20, steps=40)


def run(cast: Cast, *, examples: int, steps: int) -> None:
    machine = type(
        "Machine", (Undoing,), {"make": staticmethod(lambda: Cast(cast.sql, cast.client))}
    )
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=True,
                          suppress_health_check=list(HealthCheck)),
    )  # fmt: skip
