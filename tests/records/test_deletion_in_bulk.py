"""Bulk writes that delete many organizations or projects: those with nothing below them together."""

import json
import threading
from typing import Any

import pytest

from support.cast import Cast
from support.in_process import InProcess
from support.journal import last, undone
from support.samples import NDJSON, bulk, line

MANY = 40
# Somebody waits for this connection.
WAITS = """SELECT EXISTS (SELECT FROM pg_locks l
    WHERE NOT l.granted AND pg_backend_pid() = ANY(pg_blocking_pids(l.pid)))"""


def deleted(cast: Cast, inside: InProcess, paths: list[str], **more: Any) -> tuple[list[int], int]:
    """The statuses of a lenient bulk write that deletes these, and the number of statements."""
    lines = [json.dumps({"method": "DELETE", "path": path, **more}) for path in paths]
    before = inside.app.database.statements
    answer = inside.sql.run(
        inside.client.post(
            "/api/bulk",
            content="\n".join(lines),
            headers={
                "Cookie": f"connect.sid={cast.ada.token}",
                "Prefer": "handling=lenient",
                **NDJSON,
            },
        )
    )
    assert answer.status_code == 200, answer.text
    statuses = [json.loads(line)["status"] for line in answer.text.splitlines()]
    return statuses, inside.app.database.statements - before


def empty(cast: Cast, noun: str, many: int = MANY) -> list[str]:
    if noun == "organizations":
        bodies = [{"name": f"E {n}", "type": "other"} for n in range(many)]
    else:
        bodies = [{"title": f"E {n}", "organizationId": cast.globex} for n in range(many)]
    return [f"/{noun}/{cast.ada.made(f'/api/{noun}', **body)['id']}" for body in bodies]


@pytest.mark.parametrize("noun", ["organizations", "projects"])
def test_empty_records_go_by_as_many_statements_however_many_they_are(
    cast: Cast, inside: InProcess, noun: str
) -> None:
    deleted(cast, inside, empty(cast, noun, 2))  # the session is read, and kept
    few, of_few = deleted(cast, inside, empty(cast, noun, 2))
    many, of_many = deleted(cast, inside, empty(cast, noun))
    assert (few, many) == ([204] * 2, [204] * MANY)
    assert of_few == of_many
    assert last(cast)["records"] == MANY
    assert undone(cast)["records"] == MANY


def test_records_among_them_take_what_is_below_them_along_or_move_it_up(
    cast: Cast, inside: InProcess
) -> None:
    made = cast.ada.made
    paths = empty(cast, "organizations", 6)
    ids = [int(path.rsplit("/", 1)[1]) for path in paths]
    project = made("/api/projects", title="P", organizationId=ids[1])["id"]
    task = made("/api/tasks", title="T", organizationId=ids[2])["id"]
    below = made("/api/organizations", name="Below", type="other", parentId=ids[4])["id"]
    paths.insert(3, "/organizations/1234567890")
    paths.append(paths[0])  # a second time
    statuses, _ = deleted(cast, inside, paths)
    assert statuses == [204, 204, 204, 404, 204, 204, 204, 404]
    assert cast.ada.get(f"/api/projects/{project}").status_code == 404
    assert cast.ada.get(f"/api/tasks/{task}").status_code == 404
    assert cast.ada.get(f"/api/organizations/{below}").json()["parentId"] is None
    undone(cast)
    assert cast.ada.get(f"/api/projects/{project}").json()["organizationId"] == ids[1]
    assert cast.ada.get(f"/api/tasks/{task}").json()["organizationId"] == ids[2]
    assert cast.ada.get(f"/api/organizations/{below}").json()["parentId"] == ids[4]


def test_a_parent_and_what_is_below_it_go_in_one_bulk_in_either_order(
    cast: Cast, inside: InProcess
) -> None:
    for turned in (False, True):
        top = cast.ada.made("/api/organizations", name="Top", type="other")["id"]
        below = cast.ada.made("/api/organizations", name="Below", type="other", parentId=top)["id"]
        paths = [f"/organizations/{top}", f"/organizations/{below}"]
        if turned:
            paths.reverse()
        assert deleted(cast, inside, paths)[0] == [204, 204]
        undone(cast)
        assert cast.ada.get(f"/api/organizations/{below}").json()["parentId"] == top


def test_an_empty_record_in_another_state_than_the_line_names_stays(
    cast: Cast, inside: InProcess
) -> None:
    paths = empty(cast, "organizations", 2)
    assert deleted(cast, inside, paths, ifMatch='"1-77"')[0] == [412, 412]
    assert [cast.ada.get(f"/api{path}").status_code for path in paths] == [200, 200]


def test_what_is_added_to_an_empty_record_while_it_is_deleted_goes_with_it(cast: Cast) -> None:
    homes = empty(cast, "organizations", 2)
    statuses: list[int] = []

    def delete() -> None:
        answer = bulk(cast.ada, *(line("DELETE", path) for path in homes))
        statuses.extend(json.loads(each)["status"] for each in answer.text.splitlines())

    deleting = threading.Thread(target=delete)
    cast.sql.rows("BEGIN")
    try:
        cast.sql.rows("SELECT set_config('retainer.tenant', $1, true)", str(cast.tenant))
        cast.sql.rows("SELECT acting_as(NULL, 'command', 'command', NULL, 'test')")
        task = cast.sql.value(
            """INSERT INTO tasks (tenant_id, title, organization_id) VALUES ($1, 'T', $2)
            RETURNING id""",
            cast.tenant,
            int(homes[1].rsplit("/", 1)[1]),
        )
        deleting.start()
        while deleting.is_alive() and not cast.sql.value(WAITS):
            pass
    finally:
        cast.sql.rows("COMMIT")
    deleting.join()
    assert statuses == [204, 204]
    assert cast.ada.get(f"/api/tasks/{task}").status_code == 404
