"""The declaration of projects."""

from retainer.lists.noun import Menu, New, Noun, Permits, Searched, Trashed
from retainer.records.projects import store
from retainer.records.projects.model import Project

PROJECT = Noun(
    table="projects",
    alias="p",
    singular="project",
    about="Work for one organization, with a status and dates.",
    title="title",
    record_type=Project,
    list=store.LIST,
    get=store.get,
    create=store.CREATE,
    permissions=Permits(change="projects.write", delete="projects.write"),
    belongs_to="organizations",
    references={"organization_id": "organizations"},
    page="/projects/{id}",
    has_history=True,
    has_views=True,
    search=Searched(
        name="title_folded",
        place=2,
        prefix="project",
        icon="folder-kanban",
        organization="p.organization_id",
        texts={"title": "p.title", "description": "p.description"},
        words=("title", "description"),
    ),
    trash=Trashed(),
    menu=Menu(icon="folder-kanban", short="Projects", keys="g p"),
    new=New(icon="folder-kanban", words="Project", permission="projects.write"),
)
