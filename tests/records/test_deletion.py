"""Deletions of organizations and projects with all that belongs to them: in parts, or refused."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from retainer.database import parts
from retainer.records import deletion
from support.cast import Cast
from support.in_process import InProcess
from support.journal import last
from support.server import Server
from support.sql import Sql

SECONDS = 1  # a request's time
AT_ONCE = 50  # rows of a part here
MANY = 400  # tasks: eight parts
# Each statement that changes tasks takes so long that all of them take longer than the request may.
SLOW = """
    CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.25); RETURN NULL; END $$;
    CREATE TRIGGER slowly AFTER UPDATE ON tasks FOR EACH STATEMENT EXECUTE FUNCTION slowly();
"""
# The same of organizations, whose deferred constraints take longer together than a statement may.
SLOW_HIERARCHY = (
    SLOW.replace("ON tasks", "ON organizations").replace("0.25", "0.15")
    + f"""
    CREATE CONSTRAINT TRIGGER slowly_judged AFTER UPDATE ON organizations DEFERRABLE
        FOR EACH ROW WHEN (NEW.id % {AT_ONCE} = 0) EXECUTE FUNCTION slowly();
"""
)
# Somebody waits for this connection.
WAITS = """SELECT EXISTS (SELECT FROM pg_locks l
    WHERE NOT l.granted AND pg_backend_pid() = ANY(pg_blocking_pids(l.pid)))"""
HIERARCHY_AS_BEFORE = """
    DROP TRIGGER slowly_judged ON organizations; DROP TRIGGER slowly ON organizations;
    DROP FUNCTION slowly();
"""
AS_BEFORE = "DROP TRIGGER slowly ON tasks; DROP FUNCTION slowly();"


@pytest.fixture
def hurried(server: Server, sql: Sql, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    """The application with little time for each request, which works in small parts."""
    monkeypatch.setattr(parts, "AT_ONCE", AT_ONCE)
    found = InProcess(server, sql, request_seconds=SECONDS)

    async def watch() -> "asyncio.Task[None]":
        return asyncio.create_task(found.app.deadlines.watch())

    watching = sql.run(watch())
    yield found
    watching.cancel()
    found.stop()


def large(cast: Cast) -> dict[str, int]:
    """An organization with a project, and many tasks on each; ids by noun."""
    home = cast.ada.made("/api/organizations", name="Large", type="other")["id"]
    project = cast.ada.made("/api/projects", title="P", organizationId=home)["id"]
    for column, id in (("organization_id", home), ("project_id", project)):
        cast.sql.rows(
            f"""WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
                    acting_as(NULL, 'command', 'command', NULL, 'test'))
                INSERT INTO tasks (tenant_id, title, {column}) SELECT $1, 'T' || n, $3
                FROM generate_series(1, $4) n, acting""",
            cast.tenant, str(cast.tenant), id, MANY,
        )  # fmt: skip
    return {"projects": project, "organizations": home}


@pytest.mark.slow
def test_a_deletion_and_its_undo_may_take_longer_in_parts_than_a_request_may(
    cast: Cast, hurried: InProcess
) -> None:
    for noun, id in large(cast).items():
        cast.sql.run(cast.sql.connection.execute(SLOW))
        try:
            status, _ = hurried.send(cast.ada, "DELETE", f"/api/{noun}/{id}")
            assert status == 204, noun
            operation = last(cast)
            assert operation["records"] > MANY
            status, _ = hurried.send(cast.ada, "POST", f"/api/operations/{operation['id']}/undo")
            assert status == 200, noun
        finally:
            cast.sql.run(cast.sql.connection.execute(AS_BEFORE))
        assert cast.ada.get(f"/api/{noun}/{id}").status_code == 200
    every = cast.ada.get(f"/api/organizations/{id}/tasks?limit=1&count=exact")
    assert every.headers["x-total-count"] == str(2 * MANY)


@pytest.mark.slow
@pytest.mark.parametrize("has_parent", [True, False], ids=["below another", "on top"])
def test_many_organizations_move_up_and_back_in_parts_that_take_longer_than_a_request_may(
    cast: Cast, hurried: InProcess, has_parent: bool
) -> None:
    parent = cast.globex if has_parent else None
    top = cast.ada.made("/api/organizations", name="Top", type="other", parentId=parent)["id"]
    cast.sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
                acting_as(NULL, 'command', 'command', NULL, 'test'))
            INSERT INTO organizations (tenant_id, name, type, status, parent_id)
            SELECT $1, 'O' || n, 'other', 'active', $3 FROM generate_series(1, $4) n, acting""",
        *(cast.tenant, str(cast.tenant), top, MANY),
    )

    def below(id: int | None) -> int:
        return cast.sql.value(
            """SELECT count(*) FROM organizations WHERE tenant_id = $1 AND name ~ '^O[0-9]+$'
                AND parent_id IS NOT DISTINCT FROM $2""",
            cast.tenant,
            id,
        )

    assert below(top) == MANY
    cast.sql.run(cast.sql.connection.execute(SLOW_HIERARCHY))
    try:
        assert hurried.send(cast.ada, "DELETE", f"/api/organizations/{top}")[0] == 204
        assert below(parent) == MANY
        for under in (top, parent):
            undo = f"/api/operations/{last(cast)['id']}/undo"
            assert hurried.send(cast.ada, "POST", undo)[0] == 200
            assert below(under) == MANY
    finally:
        cast.sql.run(cast.sql.connection.execute(HIERARCHY_AS_BEFORE))


@pytest.mark.parametrize("has_parent", [True, False], ids=["below another", "on top"])
def test_organizations_of_one_domain_move_up_in_several_parts(
    cast: Cast, inside: InProcess, has_parent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "AT_ONCE", 1)
    parent = cast.globex if has_parent else None
    made = cast.ada.made
    home = {"type": "other", "domains": ["shared.example"]}
    top = made("/api/organizations", name="Top", parentId=parent, **home)["id"]
    ids = [made("/api/organizations", name=n, parentId=top, **home)["id"] for n in ("A", "B")]
    monkeypatch.setattr(deletion, "MOST", 1)
    assert inside.send(cast.ada, "DELETE", f"/api/organizations/{top}")[0] == 413
    monkeypatch.setattr(deletion, "MOST", 2)
    assert inside.send(cast.ada, "DELETE", f"/api/organizations/{top}")[0] == 204
    moved = [cast.ada.get(f"/api/organizations/{id}").json() for id in ids]
    assert [each["parentId"] for each in moved] == [parent] * 2
    keeping = home["domains"]
    assert [each["domains"] for each in moved] == [keeping, keeping if has_parent else []]
    operation = last(cast)["id"]
    assert cast.ada.post(f"/api/operations/{operation}/undo").status_code == 200
    back = [cast.ada.get(f"/api/organizations/{id}").json() for id in ids]
    assert [(each["parentId"], each["domains"]) for each in back] == [(top, keeping)] * 2


def test_a_deletion_of_too_much_is_refused_with_its_size_before_anything_is_done(
    cast: Cast, inside: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = cast.ada.made("/api/projects", title="P", organizationId=cast.globex)["id"]
    for _ in range(3):
        cast.ada.made("/api/tasks", title="T", projectId=project)
    before = last(cast)["id"]
    monkeypatch.setattr(deletion, "MOST", 2)
    for path in (f"/api/projects/{project}", f"/api/organizations/{cast.globex}"):
        assert inside.send(cast.ada, "DELETE", path)[0] == 413
        assert cast.ada.get(path).status_code == 200
    assert last(cast)["id"] == before
    monkeypatch.setattr(deletion, "MOST", 3)
    assert inside.send(cast.ada, "DELETE", f"/api/projects/{project}")[0] == 204


def test_what_is_added_below_a_record_while_it_is_deleted_goes_with_it_or_is_refused(
    cast: Cast,
) -> None:
    """The rows to which others are added are locked before what is below them is found."""
    texts = [statement.text for statement in deletion.FIND["organizations"]]
    assert ["FOR UPDATE" in text for text in texts] == [True, False]
    assert "projects y" in texts[0]
    project = cast.ada.made("/api/projects", title="P", organizationId=cast.globex)["id"]
    assert cast.ada.delete(f"/api/organizations/{cast.globex}").status_code == 204
    answer = cast.ada.post("/api/tasks", {"title": "T", "projectId": project})
    assert answer.status_code == 422


@pytest.mark.parametrize("noun", ["organizations", "projects"])
def test_what_is_moved_away_while_a_deletion_waits_for_it_stays(cast: Cast, noun: str) -> None:
    made = cast.ada.made
    home = made("/api/organizations", name="Home", type="other")["id"]
    project = made("/api/projects", title="P", organizationId=home)["id"]
    other = made("/api/projects", title="O", organizationId=cast.globex)["id"]
    of_project = made("/api/tasks", title="T", projectId=project)["id"]
    of_home = made("/api/tasks", title="T", organizationId=home)["id"]
    below = {"organizations": {"organizationId": home}, "projects": {"projectId": project}}
    left = made("/api/tasks", title="T", **below[noun])["id"]
    id, moves, kept = {
        "organizations": (
            home,
            [
                f"UPDATE {table} SET organization_id = {cast.globex} WHERE tenant_id = $1 AND id = {id}"
                for table, id in (("tasks", of_home), ("projects", project))
            ],
            [f"tasks/{of_home}", f"projects/{project}", f"tasks/{of_project}"],
        ),
        "projects": (
            project,
            [f"UPDATE tasks SET project_id = {other} WHERE tenant_id = $1 AND id = {of_project}"],
            [f"tasks/{of_project}", f"tasks/{of_home}"],
        ),
    }[noun]
    statuses: list[int] = []
    deleting = threading.Thread(
        target=lambda: statuses.append(cast.ada.delete(f"/api/{noun}/{id}").status_code)
    )
    cast.sql.rows("BEGIN")
    try:
        cast.sql.rows("SELECT set_config('retainer.tenant', $1, true)", str(cast.tenant))
        cast.sql.rows("SELECT acting_as(NULL, 'command', 'command', NULL, 'test')")
        for move in moves:
            cast.sql.rows(move, cast.tenant)
        deleting.start()
        while deleting.is_alive() and not cast.sql.value(WAITS):
            pass
    finally:
        cast.sql.rows("COMMIT")
    deleting.join()
    assert statuses == [204]
    assert cast.ada.get(f"/api/tasks/{left}").status_code == 404
    assert [path for path in kept if cast.ada.get(f"/api/{path}").status_code != 200] == []
