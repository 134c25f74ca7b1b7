"""THE SITEMAP: one line per route. Permission stands on the line; a route without one does not start."""

from retainer import health
from retainer.contacts import store as contact
from retainer.contacts import web as contacts
from retainer.contacts.model import Contact, ContactCreate, ContactUpdate
from retainer.members import store as member
from retainer.members import web as members
from retainer.members.model import Member, MemberCreate, MemberUpdate
from retainer.organizations import store as organization
from retainer.organizations import web as organizations
from retainer.organizations.model import Organization, OrganizationCreate, OrganizationUpdate
from retainer.permissions import PUBLIC
from retainer.projects import store as project
from retainer.projects import web as projects
from retainer.projects.model import Project, ProjectCreate, ProjectUpdate
from retainer.routing import Route, Table
from retainer.tasks import store as task
from retainer.tasks import web as tasks
from retainer.tasks.model import ListedTask, Task, TaskCreate, TaskUpdate

ROUTES = [
    Route("healthz", "GET", "/healthz", health.alive, PUBLIC, "Is the process alive", page=True),
    Route("readyz", "GET", "/readyz", health.ready, PUBLIC, "Can it do its work", page=True),

    # Organizations: the contract
    Route("listOrganizations", "GET", "/organizations", organizations.index, "organizations.read",
          "List all organizations", answer=list[Organization], bare=True),
    Route("createOrganization", "POST", "/organizations", organizations.create, "organizations.create",
          "Create a new organization", body=OrganizationCreate, answer=Organization, bare=True),
    Route("getOrganization", "GET", "/organizations/{id}", organizations.show, "organizations.read",
          "Get an organization", answer=Organization, on=organization.exists, bare=True),
    Route("updateOrganization", "PUT", "/organizations/{id}", organizations.update, "organizations.update",
          "Update an organization", body=OrganizationUpdate, answer=Organization, on=organization.exists, bare=True),
    Route("deleteOrganization", "DELETE", "/organizations/{id}", organizations.delete, "organizations.delete",
          "Delete an organization", status=204, on=organization.exists, bare=True),
    Route("duplicateOrganization", "POST", "/organizations/{id}/duplicate", organizations.duplicate,
          "organizations.create", "Duplicate an organization", answer=Organization, on=organization.exists, bare=True),
    Route("listOrganizationTasks", "GET", "/organizations/{organizationId}/tasks", tasks.of_organization,
          "tasks.read", "List tasks for an organization", answer=list[ListedTask], on=organization.exists, bare=True),
    Route("listOrganizationProjects", "GET", "/organizations/{organizationId}/projects", projects.of_organization,
          "projects.read", "List projects for an organization", answer=list[Project], on=organization.exists,
          bare=True),

    # Members: the contract
    Route("listMembers", "GET", "/organizations/{organizationId}/members", members.index, "members.read",
          "List members of an organization", answer=list[Member], on=organization.exists, bare=True),
    Route("addMember", "POST", "/organizations/{organizationId}/members", members.create, "members.write",
          "Add a member to an organization", body=MemberCreate, on=organization.exists, bare=True, errors=(409,)),
    Route("removeMember", "DELETE", "/organizations/{organizationId}/members/{contactId}", members.delete,
          "members.write", "Remove a member from an organization", status=204, on=member.exists, bare=True),
    Route("updateMember", "PATCH", "/organizations/{organizationId}/members/{contactId}", members.update,
          "members.write", "Update an organization member", body=MemberUpdate, on=member.exists, bare=True),

    # Contacts
    Route("listContacts", "GET", "/contacts", contacts.index, "contacts.read",
          "List all contacts", answer=list[Contact]),
    Route("createContact", "POST", "/contacts", contacts.create, "contacts.write",
          "Create a contact", body=ContactCreate, answer=Contact, errors=(409,)),
    Route("getContact", "GET", "/contacts/{id}", contacts.show, "contacts.read",
          "Get a contact", answer=Contact, on=contact.exists),
    Route("updateContact", "PUT", "/contacts/{id}", contacts.update, "contacts.write",
          "Update a contact", body=ContactUpdate, answer=Contact, on=contact.exists, errors=(409,)),
    Route("deleteContact", "DELETE", "/contacts/{id}", contacts.delete, "contacts.write",
          "Delete a contact", status=204, on=contact.exists, errors=(409,)),

    # Projects
    Route("listProjects", "GET", "/projects", projects.index, "projects.read",
          "List all projects", answer=list[Project]),
    Route("createProject", "POST", "/projects", projects.create, "projects.write",
          "Create a project", body=ProjectCreate, answer=Project),
    Route("getProject", "GET", "/projects/{id}", projects.show, "projects.read",
          "Get a project", answer=Project, on=project.exists),
    Route("updateProject", "PUT", "/projects/{id}", projects.update, "projects.write",
          "Update a project", body=ProjectUpdate, answer=Project, on=project.exists),
    Route("deleteProject", "DELETE", "/projects/{id}", projects.delete, "projects.write",
          "Delete a project", status=204, on=project.exists),

    # Tasks
    Route("listTasks", "GET", "/tasks", tasks.index, "tasks.read",
          "List all tasks", answer=list[ListedTask]),
    Route("createTask", "POST", "/tasks", tasks.create, "tasks.write",
          "Create a task", body=TaskCreate, answer=Task),
    Route("getTask", "GET", "/tasks/{id}", tasks.show, "tasks.read",
          "Get a task", answer=Task, on=task.exists),
    Route("updateTask", "PUT", "/tasks/{id}", tasks.update, "tasks.write",
          "Update a task", body=TaskUpdate, answer=Task, on=task.exists),
    Route("deleteTask", "DELETE", "/tasks/{id}", tasks.delete, "tasks.delete",
          "Delete a task", status=204, on=task.exists),
]  # fmt: skip

TABLE = Table(ROUTES)
