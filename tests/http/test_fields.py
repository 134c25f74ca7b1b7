"""Fields at the ends of their range."""

from support.cast import Cast


def test_the_first_and_the_last_date_are_accepted(cast: Cast) -> None:
    made = cast.ada.made(
        "/api/projects",
        organizationId=cast.acme,
        title="Long",
        startDate="0001-01-01",
        dueDate="9999-12-31",
    )
    assert (made["startDate"], made["dueDate"]) == ("0001-01-01", "9999-12-31")
    assert cast.ada.get(f"/api/projects/{made['id']}").json()["dueDate"] == "9999-12-31"
    task = cast.ada.made("/api/tasks", title="Last", dueDate="9999-12-31")
    assert cast.ada.get(f"/api/tasks/{task['id']}").json()["dueDate"] == "9999-12-31"
