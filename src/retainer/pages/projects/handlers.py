"""Pages of projects: the list, by due date; one project with its tasks and documents; the forms."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound
from retainer.http.fields import Audience
from retainer.http.request import Request
from retainer.lists.parameters import read as read_list
from retainer.pages import record_picker, render
from retainer.pages.edit import edit
from retainer.pages.form import MAX_NAME, Field, Fields, form_page
from retainer.pages.journal.history import last_changes
from retainer.pages.list_page import ListPage, count, find, paginate
from retainer.pages.rows import MAX_ROW_ASSIGNEES, ProjectRow
from retainer.pages.submit import perform
from retainer.pages.tasks.assigning import warning
from retainer.records.documents import store as documents
from retainer.records.documents.model import ListedDocument
from retainer.records.projects import store
from retainer.records.projects.model import (
    OPEN,
    Project,
    ProjectCreate,
    ProjectStatus,
    ProjectUpdate,
    stalled,
)
from retainer.records.tasks import store as tasks
from retainer.records.tasks.model import ListedTask, Task, TaskCreate, due_days

STATUSES, AUDIENCES = list(ProjectStatus), list(Audience)
FIELDS = Fields(
    Field("title", "Title", required=True, autofocus=True, maxlength=MAX_NAME),
    Field("organization", "Organization", in_form="own", in_properties="no"),
    Field("status", "Status", "select", options=STATUSES, default="planned", required=True),
    Field("audience", "Audience", "select", options=AUDIENCES, default="internal", required=True,
          hint="Guests see only what is for the client", same_line=True, after="dueDate",
          permission="users.names"),
    Field("startDate", "Start date", "date", property_label="Start"),
    Field("dueDate", "Due date", "date", property_label="Due", same_line=True),
    Field("externalId", "External id", in_form="no"),
    Field("description", "Description", rows=3, in_properties="no"),
)  # fmt: skip
TASK_LINE = Fields(
    Field("title", "Title", required=True, autofocus=True, maxlength=MAX_NAME),
    Field("assigneeId", "Assignee", "select", empty="Nobody", permission="users.names"),
    Field("dueDate", "Due date", "date", same_line=True),
)
AT_RISK = {"status:in": ",".join(OPEN), "dueDate:lt": "today"}
OPEN_TASKS = {"status:not": "completed", "sort": "dueDate"}
DEFAULT_SORT = "dueDate"
MAX_ROWS = 50  # documents shown on a project's page


async def index(request: Request) -> Response:
    given = dict(request.query)
    typed_name, candidates = await record_picker.id_from_filter(
        request, record_picker.ORGANIZATION, given
    )
    query = urlencode({"sort": DEFAULT_SORT} | given).encode()
    request.query = read_list(store.LIST, query, request.viewer.time_zone)
    page = without_default_sort(
        await paginate(request, store.LIST, ProjectRow, expand=("organization",))
    )
    of = page.parameters.get("organizationId", "")
    return await render.page(
        request,
        "projects/list.html",
        page=page,
        candidates=candidates,
        typed_name=typed_name,
        days_stalled=stalled(page.rows),
        organization=await record_picker.organization_of(request, of),
        at_risk=AT_RISK,
        statuses=STATUSES,
        open=",".join(OPEN),
    )


def without_default_sort(page: ListPage[ProjectRow]) -> ListPage[ProjectRow]:
    """The list without its sort parameter where that is the default, so that the page does not take
    it for a filter of the viewer's.
    """
    usual = ("sort", DEFAULT_SORT)
    return page._replace(parameters=dict(pair for pair in page.parameters.items() if pair != usual))


async def new(request: Request) -> Response:
    of = request.query.get("organizationId", "")
    return await form(request, {"organizationId": of, "title": request.query.get("title", "")})


async def form(
    request: Request, values: Mapping[str, str], problem: Invalid | Conflict | None = None
) -> Response:
    """Show the form of a new project; its organization is given by id, or named in words."""
    of = values.get("organizationId", "")
    return await form_page(
        request,
        "projects/form.html",
        problem,
        fields=FIELDS,
        values={**FIELDS.blank(), **values},
        organization=await record_picker.organization_of(request, of),
    )


async def create(request: Request) -> Response:
    try:
        organization = await record_picker.id_from_form(request, record_picker.ORGANIZATION)
        body = request.data.body(ProjectCreate) | {"organizationId": organization}
        result = await perform(request, "createProject", body=body)
    except (Invalid, Conflict) as problem:
        return await form(request, request.data, problem)
    made = result.record(Project)
    path = f"/projects/{made.id}"
    return render.redirect(request, path, f"Added {made.title}", result.operation)


async def show_one(request: Request, id: int) -> Response:
    stored = await store.get(request.db, id)
    found = await find(request, store.LIST, ProjectRow, id=str(id), expand="organization")
    if not found:
        raise NotFound
    of_project = {"projectId": str(id)}
    query = urlencode(OPEN_TASKS | dict(request.query) | of_project).encode()
    asked = read_list(tasks.LIST, query, request.viewer.time_zone)
    request.query = asked._replace(is_composed=bool(request.query))
    people = await record_picker.colleagues(request)
    return await render.page(
        request,
        "projects/project.html",
        project=found[0],
        version=stored.etag,
        fields=FIELDS.told(request.viewer, "projects"),
        people=people,
        row_people=people[:MAX_ROW_ASSIGNEES],
        days=due_days(request.viewer.time_zone),
        page=await paginate(request, tasks.LIST, ListedTask),
        tasks_done=await count(request, tasks.LIST, of_project | {"status": "completed"}),
        documents=await find(
            request, documents.LIST, ListedDocument, of_project, limit=str(MAX_ROWS)
        ),
        max_rows=MAX_ROWS,
        days_stalled=stalled(found).get(id, 0),
        changes=await last_changes(request, "projects", id),
        open=OPEN,
    )


async def update(request: Request, id: int) -> Response:
    """Change the fields that were sent, if the project is still as the form showed it."""
    sent = request.data.body(ProjectUpdate)
    fields = render.changed_fields(sent)
    return await edit(
        request,
        FIELDS,
        "updateProject",
        id,
        f"/projects/{id}",
        sent,
        lambda result: f"Changed {fields} of {result.record(Project).title}",
        show_one,
    )


async def delete(request: Request, id: int) -> Response:
    project = await read(request, id)
    result = await perform(request, "deleteProject", id)
    path = render.return_path(request, "/projects")
    return render.redirect(request, path, f"Deleted {project.title}", result.operation)


async def read(request: Request, id: int) -> Project:
    return (await store.get(request.db, id)).decode(Project)


# Adding a task to a project, in a line below its tasks.


async def new_task(request: Request, id: int) -> Response:
    return await task_form(request, id, {"assigneeId": str(request.viewer.user)})


async def task_form(
    request: Request,
    id: int,
    values: Mapping[str, str],
    problem: Invalid | Conflict | None = None,
) -> Response:
    """Show the line's fields on a page of their own, without scripts or after an error."""
    return await form_page(
        request,
        "projects/task_form.html",
        problem,
        project=await read(request, id),
        fields=TASK_LINE,
        values={**TASK_LINE.blank(), **values},
        choices={"assigneeId": await record_picker.colleagues(request)},
    )


async def add_task(request: Request, id: int) -> Response:
    project = await read(request, id)
    body = request.data.body(TaskCreate)
    body |= {"projectId": id, "organizationId": project.organization_id}
    try:
        result = await perform(request, "createTask", body=body)
    except (Invalid, Conflict) as problem:
        return await task_form(request, id, request.data, problem)
    made = result.record(Task)
    message = f"Added {made.title}" + await warning(request, made.id, made.assignee_id)
    return render.redirect(request, f"/projects/{id}", message, result.operation)
