"""THE SITEMAP: one line per route. Permission stands on the line; a route without one does not
start.

A line reads: name, method, path, handler, permission, sentence, and what Route in routing.py
explains. Handlers are a slice's web (`contacts.show`); `on` is its store's answer to "does the
viewer see it?" (`contact.exists`).
"""

from retainer.http import health
from retainer.http.bulk import run as bulk
from retainer.http.bulk.lines import BulkAnswer, BulkLine
from retainer.http.routing import Route, Table
from retainer.identity.sessions import store as session
from retainer.identity.sessions import web as sessions
from retainer.identity.sessions.model import Login, PasswordChange, Session, Setup
from retainer.identity.users import store as user
from retainer.identity.users import web as users
from retainer.identity.users.model import (
    AccountUpdate,
    Link,
    User,
    UserCreate,
    UserDetails,
    UserName,
    UserUpdate,
)
from retainer.journal import store as history
from retainer.journal import web as journal
from retainer.journal.live import web as live
from retainer.journal.model import HistoryEntry, ListedOperation, OperationDetails
from retainer.journal.trash import store as deleted
from retainer.journal.trash import web as trash
from retainer.journal.trash.model import TrashEntry
from retainer.pages import static
from retainer.pages.reference import document as openapi
from retainer.pages.reference import handlers as api_page
from retainer.pages.routes import PAGES
from retainer.permissions import PUBLIC
from retainer.records.activities import store as activity
from retainer.records.activities import web as activities
from retainer.records.activities.model import (
    Activity,
    ActivityCreate,
    ActivityUpdate,
    ListedActivity,
)
from retainer.records.contacts import store as contact
from retainer.records.contacts import web as contacts
from retainer.records.contacts.model import Contact, ContactCreate, ContactUpdate
from retainer.records.documents import store as document
from retainer.records.documents import web as documents
from retainer.records.documents.model import (
    Document,
    DocumentCreate,
    DocumentForm,
    DocumentUpdate,
    DocumentVersion,
    ListedDocument,
    VersionForm,
)
from retainer.records.members import store as member
from retainer.records.members import web as members
from retainer.records.members.model import Member, MemberCreate, MemberUpdate
from retainer.records.organizations import store as organization
from retainer.records.organizations import upsert
from retainer.records.organizations import web as organizations
from retainer.records.organizations.model import (
    Organization,
    OrganizationCreate,
    OrganizationUpdate,
)
from retainer.records.projects import store as project
from retainer.records.projects import web as projects
from retainer.records.projects.model import Project, ProjectCreate, ProjectUpdate
from retainer.records.tasks import store as task
from retainer.records.tasks import web as tasks
from retainer.records.tasks.model import ListedTask, Task, TaskCreate, TaskUpdate
from retainer.records.views import store as view
from retainer.records.views import web as views
from retainer.records.views.model import View, ViewCreate, ViewUpdate
from retainer.search import web as search
from retainer.search.model import Hit, SearchQuery

ROUTES = [
    Route("healthz", "GET", "/healthz", health.alive, PUBLIC, "Is the process alive", page=True),
    Route("readyz", "GET", "/readyz", health.ready, PUBLIC, "Can it do its work", page=True),

    # Organizations: the contract
    Route("listOrganizations", "GET", "/organizations", organizations.index, "organizations.read",
          "List all organizations", answer=list[Organization], lists=organization.LIST, bare=True),
    Route("createOrganization", "POST", "/organizations", organizations.create, "organizations.create",
          "Create a new organization", body=OrganizationCreate, answer=Organization, bare=True, errors=(409,)),
    Route("getOrganization", "GET", "/organizations/{id}", organizations.show, "organizations.read",
          "Get an organization", answer=Organization, on=organization.exists, bare=True),
    Route("updateOrganization", "PUT", "/organizations/{id}", organizations.update, "organizations.update",
          "Update an organization", body=OrganizationUpdate, answer=Organization, on=organization.exists, bare=True,
          errors=(409,)),
    Route("deleteOrganization", "DELETE", "/organizations/{id}", organizations.delete, "organizations.delete",
          "Delete an organization", status=204, on=organization.exists, bare=True),
    Route("duplicateOrganization", "POST", "/organizations/{id}/duplicate", organizations.duplicate,
          "organizations.create", "Duplicate an organization", answer=Organization, on=organization.exists, bare=True),
    Route("putOrganizationByExternalId", "PUT", "/organizations/by/externalId/{value}", upsert.by_external_id,
          "organizations.update", "Add or update the organization with an external id", body=OrganizationUpdate,
          answer=Organization, creates=True, errors=(409,)),
    Route("putOrganizationByDomain", "PUT", "/organizations/by/domain/{value}", upsert.by_domain,
          "organizations.update", "Add or update the organization with a domain", body=OrganizationUpdate,
          answer=Organization, creates=True, errors=(409,)),
    Route("listOrganizationTasks", "GET", "/organizations/{organizationId}/tasks", tasks.of_organization,
          "tasks.read", "List tasks for an organization",
          answer=list[ListedTask], lists=task.OF_ORGANIZATION, on=organization.exists, bare=True),
    Route("listOrganizationProjects", "GET", "/organizations/{organizationId}/projects", projects.of_organization,
          "projects.read", "List projects for an organization",
          answer=list[Project], lists=project.OF_ORGANIZATION, on=organization.exists, bare=True),
    Route("listOrganizationDocuments", "GET", "/organizations/{organizationId}/documents", documents.of_organization,
          "documents.read", "List documents for an organization",
          answer=list[ListedDocument], lists=document.OF_ORGANIZATION, on=organization.exists, bare=True),
    Route("listOrganizationHistory", "GET", "/organizations/{id}/history", journal.of_organization, "history.read",
          "List what was changed of an organization", answer=list[HistoryEntry],
          lists=history.HISTORY["organizations"], on=organization.exists),

    # Members: the contract
    Route("listMembers", "GET", "/organizations/{organizationId}/members", members.index, "members.read",
          "List members of an organization", answer=list[Member], lists=member.LIST, on=organization.exists, bare=True),
    Route("addMember", "POST", "/organizations/{organizationId}/members", members.create, "members.write",
          "Add a member to an organization", body=MemberCreate, on=organization.exists, bare=True, errors=(409,)),
    Route("getMember", "GET", "/organizations/{organizationId}/members/{contactId}", members.show, "members.read",
          "Get a member of an organization", answer=Member, on=member.exists, bare=True),
    Route("removeMember", "DELETE", "/organizations/{organizationId}/members/{contactId}", members.delete,
          "members.write", "Remove a member from an organization", status=204, on=member.exists, bare=True),
    Route("updateMember", "PATCH", "/organizations/{organizationId}/members/{contactId}", members.update,
          "members.write", "Update an organization member", body=MemberUpdate, on=member.exists, bare=True),

    # Contacts
    Route("listContacts", "GET", "/contacts", contacts.index, "contacts.read",
          "List all contacts", answer=list[Contact], lists=contact.LIST),
    Route("createContact", "POST", "/contacts", contacts.create, "contacts.write",
          "Create a contact", body=ContactCreate, answer=Contact, errors=(409,)),
    Route("getContact", "GET", "/contacts/{id}", contacts.show, "contacts.read",
          "Get a contact", answer=Contact, on=contact.exists),
    Route("updateContact", "PUT", "/contacts/{id}", contacts.update, "contacts.write",
          "Update a contact", body=ContactUpdate, answer=Contact, on=contact.exists, errors=(409,)),
    Route("deleteContact", "DELETE", "/contacts/{id}", contacts.delete, "contacts.write",
          "Delete a contact", status=204, on=contact.exists, errors=(409,)),
    Route("listContactHistory", "GET", "/contacts/{id}/history", journal.of_contact, "history.read",
          "List what was changed of a contact", answer=list[HistoryEntry],
          lists=history.HISTORY["contacts"], on=contact.exists),

    # Projects
    Route("listProjects", "GET", "/projects", projects.index, "projects.read",
          "List all projects", answer=list[Project], lists=project.LIST),
    Route("createProject", "POST", "/projects", projects.create, "projects.write",
          "Create a project", body=ProjectCreate, answer=Project),
    Route("getProject", "GET", "/projects/{id}", projects.show, "projects.read",
          "Get a project", answer=Project, on=project.exists),
    Route("updateProject", "PUT", "/projects/{id}", projects.update, "projects.write",
          "Update a project", body=ProjectUpdate, answer=Project, on=project.exists),
    Route("deleteProject", "DELETE", "/projects/{id}", projects.delete, "projects.write",
          "Delete a project", status=204, on=project.exists),
    Route("listProjectHistory", "GET", "/projects/{id}/history", journal.of_project, "history.read",
          "List what was changed of a project", answer=list[HistoryEntry],
          lists=history.HISTORY["projects"], on=project.exists),

    # Tasks
    Route("listTasks", "GET", "/tasks", tasks.index, "tasks.read",
          "List all tasks", answer=list[ListedTask], lists=task.LIST),
    Route("createTask", "POST", "/tasks", tasks.create, "tasks.write",
          "Create a task", body=TaskCreate, answer=Task),
    Route("getTask", "GET", "/tasks/{id}", tasks.show, "tasks.read",
          "Get a task", answer=Task, on=task.exists),
    Route("updateTask", "PUT", "/tasks/{id}", tasks.update, "tasks.write",
          "Update a task", body=TaskUpdate, answer=Task, on=task.exists),
    Route("deleteTask", "DELETE", "/tasks/{id}", tasks.delete, "tasks.delete",
          "Delete a task", status=204, on=task.exists),
    Route("listTaskHistory", "GET", "/tasks/{id}/history", journal.of_task, "history.read",
          "List what was changed of a task", answer=list[HistoryEntry],
          lists=history.HISTORY["tasks"], on=task.exists),

    # Documents
    Route("listDocuments", "GET", "/documents", documents.index, "documents.read",
          "List all documents", answer=list[ListedDocument], lists=document.LIST),
    Route("createDocument", "POST", "/documents", documents.create, "documents.create",
          "Add a file or a link", body=DocumentCreate, form=DocumentForm, answer=Document, errors=(409, 507)),
    Route("getDocument", "GET", "/documents/{id}", documents.show, "documents.read",
          "Get a document", answer=Document, on=document.exists),
    Route("updateDocument", "PUT", "/documents/{id}", documents.update, "documents.write",
          "Update a document", body=DocumentUpdate, answer=Document, on=document.exists),
    Route("deleteDocument", "DELETE", "/documents/{id}", documents.delete, "documents.write",
          "Delete a document", status=204, on=document.exists),
    Route("listDocumentVersions", "GET", "/documents/{id}/versions", documents.versions, "documents.read",
          "List the versions of a file", answer=list[DocumentVersion], lists=document.VERSIONS, on=document.exists),
    Route("addDocumentVersion", "POST", "/documents/{id}/versions", documents.add_version, "documents.create",
          "Add a version of a file", form=VersionForm, answer=Document, on=document.exists, errors=(409, 507)),
    Route("getDocumentContent", "GET", "/documents/{id}/content", documents.show_content, "documents.read",
          "Download a file", answer=bytes, on=document.exists, errors=(409, 416)),
    Route("getDocumentVersionContent", "GET", "/documents/{id}/versions/{number}/content",
          documents.show_version_content, "documents.read", "Download a version of a file", answer=bytes,
          on=document.version_exists, errors=(409, 416)),
    Route("listDocumentHistory", "GET", "/documents/{id}/history", journal.of_document, "history.read",
          "List what was changed of a document", answer=list[HistoryEntry],
          lists=history.HISTORY["documents"], on=document.exists),

    # Activities
    Route("listActivities", "GET", "/activities", activities.index, "activities.read",
          "List all activities", answer=list[ListedActivity], lists=activity.LIST),
    Route("listOrganizationActivities", "GET", "/organizations/{organizationId}/activities",
          activities.of_organization, "activities.read", "List activities of an organization",
          answer=list[ListedActivity], lists=activity.OF_ORGANIZATION, on=organization.exists),
    Route("createActivity", "POST", "/organizations/{organizationId}/activities", activities.create,
          "activities.write", "Log an activity", body=ActivityCreate, answer=Activity, on=organization.exists),
    Route("getActivity", "GET", "/activities/{id}", activities.show, "activities.read",
          "Get an activity", answer=Activity, on=activity.exists),
    Route("updateActivity", "PUT", "/activities/{id}", activities.update, "activities.write",
          "Update an activity", body=ActivityUpdate, answer=Activity, on=activity.exists),
    Route("deleteActivity", "DELETE", "/activities/{id}", activities.delete, "activities.delete",
          "Delete an activity", status=204, on=activity.exists),
    Route("listActivityHistory", "GET", "/activities/{id}/history", journal.of_activity, "history.read",
          "List what was changed of an activity", answer=list[HistoryEntry],
          lists=history.HISTORY["activities"], on=activity.exists),

    # What was done, taking it back, and what was deleted
    Route("listOperations", "GET", "/operations", journal.index, "history.read",
          "List what was done", answer=list[ListedOperation], lists=history.OPERATIONS),
    Route("getOperation", "GET", "/operations/{id}", journal.show, "history.read",
          "Get an operation and what it changed", answer=OperationDetails, on=history.exists),
    Route("undoOperation", "POST", "/operations/{id}/undo", journal.undo_operation, "operations.undo",
          "Undo an operation", answer=ListedOperation, on=history.exists, errors=(409,)),
    Route("listTrash", "GET", "/trash", trash.index, "trash.read",
          "List what was deleted and can be restored", answer=list[TrashEntry], lists=deleted.TRASH),

    Route("live", "GET", "/live", live.show, "live.follow",
          "What others change, as it happens", query=live.LiveQuery, page=True),

    # Search
    Route("searchEverything", "GET", "/search", search.index, "search.use",
          "Search everything", answer=list[Hit], query=SearchQuery),

    # Views of the lists
    Route("listViews", "GET", "/views", views.index, "views.read",
          "List the views that you keep, and the shared ones", answer=list[View], lists=view.LIST),
    Route("createView", "POST", "/views", views.create, "views.write",
          "Keep a view of a list", body=ViewCreate, answer=View, errors=(409,)),
    Route("getView", "GET", "/views/{id}", views.show, "views.read",
          "Get a view", answer=View, on=view.exists),
    Route("updateView", "PUT", "/views/{id}", views.update, "views.write",
          "Update a view", body=ViewUpdate, answer=View, on=view.exists, errors=(409,)),
    Route("deleteView", "DELETE", "/views/{id}", views.delete, "views.write",
          "Delete a view", status=204, on=view.exists),

    # Many writes of any of these at once
    Route("bulk", "POST", "/bulk", bulk.create, "bulk.write",
          "Make many writes at once", lines=BulkLine, answer=BulkAnswer),

    # Signing in, and one's own account
    Route("login", "POST", "/login", sessions.login, PUBLIC,
          "Sign in", body=Login, answer=UserDetails, errors=(401, 429), keyed=False, dry=False),
    Route("logout", "POST", "/logout", sessions.logout, "account.own",
          "Sign out", status=204, keyed=False, dry=False),
    Route("setup", "POST", "/setup", sessions.setup, PUBLIC,
          "Choose a password with a single-use link, and sign in", body=Setup, answer=UserDetails, errors=(429,),
          keyed=False, dry=False),
    Route("getOwnUser", "GET", "/user", users.show_own, "account.own",
          "Get the signed-in user", answer=UserDetails),
    Route("updateOwnUser", "PUT", "/user", users.update_own, "account.own",
          "Update the signed-in user's name, time zone and preferences", body=AccountUpdate, answer=UserDetails),
    Route("changeOwnPassword", "PUT", "/user/password", sessions.change_password, "account.own",
          "Change the signed-in user's password", body=PasswordChange, status=204, errors=(429,), dry=False,
          secret=True),
    Route("listOwnSessions", "GET", "/user/sessions", sessions.index, "account.own",
          "List the signed-in user's sessions", answer=list[Session], lists=session.LIST),
    Route("endOwnSession", "DELETE", "/user/sessions/{id}", sessions.delete, "account.own",
          "End one of the signed-in user's sessions", status=204, on=session.exists),

    # Users
    Route("listUserNames", "GET", "/users/names", users.names, "users.names",
          "List the names of all active users", answer=list[UserName], lists=user.NAMES),
    Route("listUsers", "GET", "/users", users.index, "users.manage",
          "List all users", answer=list[User], lists=user.LIST),
    Route("createUser", "POST", "/users", users.create, "users.manage",
          "Create a user", body=UserCreate, answer=User, errors=(409,)),
    Route("getUser", "GET", "/users/{id}", users.show, "users.manage",
          "Get a user", answer=User, on=user.exists),
    Route("updateUser", "PUT", "/users/{id}", users.update, "users.manage",
          "Update a user", body=UserUpdate, answer=User, on=user.exists, errors=(409,)),
    Route("createUserLink", "POST", "/users/{id}/links", users.make_link, "users.manage",
          "Make a single-use link for a user to choose a password", answer=Link, on=user.exists, errors=(409,),
          secret=True),
    Route("listUserHistory", "GET", "/users/{id}/history", journal.of_user, "users.manage",
          "List what was changed of a user", answer=list[HistoryEntry],
          lists=history.HISTORY["users"], on=user.exists),
    Route("endUserSessions", "DELETE", "/users/{id}/sessions", users.end_sessions, "users.manage",
          "End all sessions of a user", status=204, on=user.exists),

    # This API's own description, and its page
    Route("getOpenApi", "GET", "/openapi.json", openapi.show, PUBLIC,
          "Get this document", answer=dict),
    Route("apiPage", "GET", "/api/docs", api_page.show, PUBLIC,
          "The API as a page to read", page=True),

    # Stylesheets and scripts of the pages
    *(Route(f"asset:{name}", "GET", url, static.asset, PUBLIC, name, page=True) for name, url in static.URLS.items()),
]  # fmt: skip

TABLE = Table(ROUTES + PAGES)
