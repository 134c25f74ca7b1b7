"""The declaration of tasks."""

from retainer.lists.noun import Menu, New, Noun, Permits, Searched
from retainer.records.tasks import store
from retainer.records.tasks.model import Task

TASK = Noun(
    table="tasks",
    alias="t",
    singular="task",
    about="What is to be done, on an organization, on a project, or by itself.",
    title="title",
    record_type=Task,
    list=store.LIST,
    get=store.get,
    create=store.CREATE,
    permissions=Permits(change="tasks.write", delete="tasks.delete"),
    belongs_to="organizations",
    references={
        "organization_id": "organizations",
        "project_id": "projects",
        "assignee_id": "users",
    },
    shows=("project_id",),
    page="/tasks/{id}",
    has_history=True,
    has_views=True,
    search=Searched(
        name="title_folded",
        place=4,
        prefix="task",
        icon="square-check-big",
        organization=store.OWN_ORGANIZATION,
        texts={"title": "t.title", "description": "t.description"},
        words=("title", "description"),
    ),
    trash=store.TRASHED,
    cascade=store.CASCADE,
    menu=Menu(icon="square-check-big", short="Tasks", keys="g t", is_wide=False),
    new=New(icon="square-check-big", words="Task", permission="tasks.write"),
)
