"""The declaration of tasks."""

from retainer.lists.noun import Menu, New, Noun, Permits, Searched, Trashed
from retainer.records.tasks import store
from retainer.records.tasks.model import Task

# Its own organization, or its project's.
_ORGANIZATION = """coalesce(t.organization_id, (SELECT p.organization_id FROM projects p
            WHERE p.tenant_id = :tenant AND p.id = t.project_id))"""

TASK = Noun(
    table="tasks",
    alias="t",
    singular="task",
    title="title",
    answer=Task,
    list=store.LIST,
    get=store.get,
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
        organization=_ORGANIZATION,
        texts={"title": "t.title", "description": "t.description"},
        words=("title", "description"),
    ),
    trash=Trashed(
        organization=_ORGANIZATION,
        above="""(SELECT y.deleted_by FROM organizations y WHERE y.tenant_id = :tenant AND y.id = t.organization_id
            UNION ALL SELECT y.deleted_by FROM projects y WHERE y.tenant_id = :tenant AND y.id = t.project_id) y
            WHERE y.deleted_by = t.deleted_by""",
        below={
            "organizations": """(b.organization_id = x.id OR b.project_id = ANY(ARRAY(SELECT p.id FROM projects p
                WHERE p.tenant_id = :tenant AND p.deleted_by = x.operation_id AND p.organization_id = x.id)))""",
            "projects": "b.project_id = x.id",
        },
    ),
    menu=Menu(icon="square-check-big", short="Tasks", keys="g t", is_wide=False),
    new=New(icon="square-check-big", words="Task", permission="tasks.write"),
)
