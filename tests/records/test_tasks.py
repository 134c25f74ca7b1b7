"""Tasks: what they refer to, and who may move them."""

from support.cast import Cast
from support.races import together


def test_staff_cannot_leave_a_task_without_organization_and_project(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="P")["id"]
    task = cast.ada.made("/api/tasks", title="T", organizationId=cast.acme, projectId=project)["id"]
    refused = cast.stan.put(f"/api/tasks/{task}", {"organizationId": None, "projectId": None})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "organizationId"
    assert cast.stan.put(f"/api/tasks/{task}", {"organizationId": None}).status_code == 200
    assert cast.stan.put(f"/api/tasks/{task}", {"projectId": None}).status_code == 422
    assert (
        cast.stan.put(
            f"/api/tasks/{task}", {"projectId": None, "organizationId": cast.acme}
        ).status_code
        == 200
    )
    assert cast.cora.put(f"/api/tasks/{task}", {"organizationId": None}).status_code == 200
    assert cast.stan.put(f"/api/tasks/{task}", {"organizationId": None}).status_code == 404


def test_of_two_changes_that_each_take_away_one_home_of_a_task_one_is_refused(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Roof")["id"]
    homes = {"organizationId": cast.acme, "projectId": project}
    for _ in range(10):
        path = f"/api/tasks/{cast.ada.made('/api/tasks', title='Measure', **homes)['id']}"
        answers = together(
            [lambda home=home, path=path: cast.stan.put(path, {home: None}) for home in homes]
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422]
        (refused,) = (answer.json() for answer in answers if answer.status_code == 422)
        assert refused["errors"][0]["field"] == "organizationId"
        assert cast.stan.get(path).status_code == 200


def test_an_invalid_reference_of_a_task_is_refused_with_the_remedy(cast: Cast) -> None:
    wrong = {"title": "T", "organizationId": 2**50, "projectId": 2**50, "assigneeId": 2**50}
    errors = {e["field"]: e["message"] for e in cast.ada.post("/api/tasks", wrong).json()["errors"]}
    assert set(errors) == {"organizationId", "projectId", "assigneeId"}
    assert "GET /api/users/names" in errors["assigneeId"]
