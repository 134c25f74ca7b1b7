"""THE SITEMAP: one line per route. Each line names its permission; the server does not start with a
route that has none.

A line reads: name, method, path, handler, permission, sentence, and what Route in routing.py
explains. Handlers are a slice's web (`contacts.show`); `on` is its store's answer to "does the
viewer see it?" (`contact.exists`).
"""

from retainer.exchange.imports import store as imported
from retainer.exchange.imports import web as imports
from retainer.exchange.imports.model import (
    Decision,
    Import,
    ImportForm,
    ImportRow,
    ImportUpdate,
    RowsDecided,
    RowsDecision,
    RowsQuery,
)
from retainer.http import health
from retainer.http.bulk import run as bulk
from retainer.http.bulk.lines import BulkAnswer, BulkLine
from retainer.http.routing import Route, Table
from retainer.identity.sessions import store as session
from retainer.identity.sessions import web as sessions
from retainer.identity.sessions.model import Confirmation, Login, PasswordChange, Session, Setup
from retainer.identity.tenants import web as tenants
from retainer.identity.tenants.model import Tenant, TenantUpdate
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
from retainer.journal.model import (
    HistoryEntry,
    ListedOperation,
    OperationDetails,
    RecordChange,
    UndoneOperation,
    UndoPreview,
    UndoQuery,
)
from retainer.journal.trash import store as deleted
from retainer.journal.trash import web as trash
from retainer.journal.trash.store import TrashEntry
from retainer.lists.checks import check_routes
from retainer.nouns import NOUNS
from retainer.pages import static
from retainer.pages.reference import document as openapi
from retainer.pages.reference import page as api_page
from retainer.pages.routes import PAGES
from retainer.permissions import PUBLIC
from retainer.records import deletion
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
from retainer.records.projects.model import Project, ProjectCreate, ProjectUpdate, ProjectUpsert
from retainer.records.tasks import store as task
from retainer.records.tasks import web as tasks
from retainer.records.tasks.model import ListedTask, Task, TaskCreate, TaskUpdate
from retainer.records.views import store as view
from retainer.records.views import web as views
from retainer.records.views.model import ViewUpdate
from retainer.records.views.store import View, ViewCreate
from retainer.search import web as search
from retainer.search.store import Hit, SearchQuery

ROUTES = [
    Route("healthz", "GET", "/healthz", health.alive, PUBLIC, "Is the process alive", page=True),
    Route("readyz", "GET", "/readyz", health.ready, PUBLIC, "Can it do its work", page=True),

    # Organizations: the contract
    Route("listOrganizations", "GET", "/organizations", organizations.index, "organizations.read",
          "List all organizations", response_type=list[Organization], lists=organization.LIST, bare=True,
          description="Returns all organizations accessible to the authenticated user, by name."),
    Route("createOrganization", "POST", "/organizations", organizations.create, "organizations.create",
          "Create a new organization", body=OrganizationCreate, response_type=Organization, bare=True, errors=(409,),
          description="Creates a new organization. Requires consultant or admin role."),
    Route("getOrganization", "GET", "/organizations/{id}", organizations.show, "organizations.read",
          "Get an organization", response_type=Organization, on=organization.exists, bare=True,
          description="Returns a specific organization by ID."),
    Route("updateOrganization", "PUT", "/organizations/{id}", organizations.update, "organizations.update",
          "Update an organization", body=OrganizationUpdate, response_type=Organization, on=organization.exists, bare=True,
          errors=(409,),
          description="Updates an existing organization: only the fields that are sent change; null clears."),
    Route("deleteOrganization", "DELETE", "/organizations/{id}", deletion.organization, "organizations.delete",
          "Delete an organization", status=204, on=organization.exists, bare=True,
          description="Deletes an organization with its members, projects, tasks, documents and activities. "
          "Requires consultant or admin role."),
    Route("duplicateOrganization", "POST", "/organizations/{id}/duplicate", organizations.duplicate,
          "organizations.create", "Duplicate an organization", response_type=Organization, on=organization.exists, bare=True,
          description="Creates a copy of an existing organization's own fields, named “Name (copy)”, “Name (copy "
          "2)” and so on."),
    Route("putOrganizationByExternalId", "PUT", "/organizations/by/externalId/{value}", upsert.by_external_id,
          "organizations.update", "Add or update the organization with an external id", body=OrganizationUpdate,
          response_type=Organization, creates=True, errors=(409,),
          description="Changes the organization that has this external id (200), or adds one with it (201), for "
          "which name and type are required. However often it is repeated, there is one."),
    Route("putOrganizationByDomain", "PUT", "/organizations/by/domain/{value}", upsert.by_domain,
          "organizations.update", "Add or update the organization with a domain", body=OrganizationUpdate,
          response_type=Organization, creates=True, errors=(409,),
          description="Changes the organization that has this domain (200), or adds one with it (201), for which "
          "name and type are required. However often it is repeated, there is one."),
    Route("listOrganizationTasks", "GET", "/organizations/{organizationId}/tasks", tasks.of_organization,
          "tasks.read", "List tasks for an organization",
          response_type=list[ListedTask], lists=task.OF_ORGANIZATION, on=organization.exists, bare=True,
          description="Returns all tasks of an organization: those on it and those on its projects."),
    Route("listOrganizationProjects", "GET", "/organizations/{organizationId}/projects", projects.of_organization,
          "projects.read", "List projects for an organization",
          response_type=list[Project], lists=project.OF_ORGANIZATION, on=organization.exists, bare=True,
          description="Returns all projects associated with a specific organization."),
    Route("listOrganizationDocuments", "GET", "/organizations/{organizationId}/documents", documents.of_organization,
          "documents.read", "List documents for an organization",
          response_type=list[ListedDocument], lists=document.OF_ORGANIZATION, on=organization.exists, bare=True,
          description="Returns all documents of an organization: its own and its projects'."),
    Route("listOrganizationHistory", "GET", "/organizations/{id}/history", journal.of_record, "history.read",
          "List what was changed of an organization", response_type=list[HistoryEntry],
          lists=history.HISTORY["organizations"], on=organization.exists,
          description="Returns who changed what and when, newest first: the organization and its members."),

    # Members: the contract
    Route("listMembers", "GET", "/organizations/{organizationId}/members", members.index, "members.read",
          "List members of an organization", response_type=list[Member], lists=member.LIST, on=organization.exists, bare=True, tag="members",
          description="Returns all contact members of a specific organization."),
    Route("addMember", "POST", "/organizations/{organizationId}/members", members.create, "members.write",
          "Add a member to an organization", body=MemberCreate, on=organization.exists, bare=True, tag="members", errors=(409,),
          description="Associates a contact with an organization. The answer's body is empty."),
    Route("getMember", "GET", "/organizations/{organizationId}/members/{contactId}", members.show, "members.read",
          "Get a member of an organization", response_type=Member, on=member.exists, bare=True, tag="members"),
    Route("removeMember", "DELETE", "/organizations/{organizationId}/members/{contactId}", members.delete,
          "members.write", "Remove a member from an organization", status=204, on=member.exists, bare=True, tag="members",
          description="Removes the association between a contact and an organization; both stay."),
    Route("updateMember", "PATCH", "/organizations/{organizationId}/members/{contactId}", members.update,
          "members.write", "Update an organization member", body=MemberUpdate, on=member.exists, bare=True, tag="members",
          description="Updates a member's role in the organization. The answer's body is empty."),

    # Contacts
    Route("listContacts", "GET", "/contacts", contacts.index, "contacts.read",
          "List all contacts", response_type=list[Contact], lists=contact.LIST),
    Route("createContact", "POST", "/contacts", contacts.create, "contacts.write",
          "Create a contact", body=ContactCreate, response_type=Contact, errors=(409,)),
    Route("getContact", "GET", "/contacts/{id}", contacts.show, "contacts.read",
          "Get a contact", response_type=Contact, on=contact.exists),
    Route("updateContact", "PUT", "/contacts/{id}", contacts.update, "contacts.write",
          "Update a contact", body=ContactUpdate, response_type=Contact, on=contact.exists, errors=(409,)),
    Route("putContactByExternalId", "PUT", "/contacts/by/externalId/{value}", contacts.put, "contacts.write",
          "Add or update the contact with an external id", body=ContactUpdate, response_type=Contact, creates=True, errors=(409,),
          description="Changes the contact that has this external id (200), or adds one with it (201), for which fullName and type are required. "
          "However often it is repeated, there is one."),
    Route("deleteContact", "DELETE", "/contacts/{id}", contacts.delete, "contacts.write",
          "Delete a contact", status=204, on=contact.exists, errors=(409,),
          description="A contact who is a member of an organization, or the person behind a user, is kept: 409 says "
          "what to do instead."),
    Route("listContactHistory", "GET", "/contacts/{id}/history", journal.of_record, "history.read",
          "List what was changed of a contact", response_type=list[HistoryEntry],
          lists=history.HISTORY["contacts"], on=contact.exists),

    # Projects
    Route("listProjects", "GET", "/projects", projects.index, "projects.read",
          "List all projects", response_type=list[Project], lists=project.LIST),
    Route("createProject", "POST", "/projects", projects.create, "projects.write",
          "Create a project", body=ProjectCreate, response_type=Project),
    Route("getProject", "GET", "/projects/{id}", projects.show, "projects.read",
          "Get a project", response_type=Project, on=project.exists),
    Route("updateProject", "PUT", "/projects/{id}", projects.update, "projects.write",
          "Update a project", body=ProjectUpdate, response_type=Project, on=project.exists),
    Route("putProjectByExternalId", "PUT", "/projects/by/externalId/{value}", projects.put, "projects.write",
          "Add or update the project with an external id", body=ProjectUpsert, response_type=Project, creates=True, errors=(409,),
          description="Changes the project that has this external id (200), or adds one with it (201), for which organizationId and title are required; the one that is there stays with its organization. "
          "However often it is repeated, there is one."),
    Route("deleteProject", "DELETE", "/projects/{id}", deletion.project, "projects.write",
          "Delete a project", status=204, on=project.exists),
    Route("listProjectHistory", "GET", "/projects/{id}/history", journal.of_record, "history.read",
          "List what was changed of a project", response_type=list[HistoryEntry],
          lists=history.HISTORY["projects"], on=project.exists),

    # Tasks
    Route("listTasks", "GET", "/tasks", tasks.index, "tasks.read",
          "List all tasks", response_type=list[ListedTask], lists=task.LIST),
    Route("createTask", "POST", "/tasks", tasks.create, "tasks.write",
          "Create a task", body=TaskCreate, response_type=Task,
          description="Staff name an organization or a project that they see."),
    Route("getTask", "GET", "/tasks/{id}", tasks.show, "tasks.read",
          "Get a task", response_type=Task, on=task.exists),
    Route("updateTask", "PUT", "/tasks/{id}", tasks.update, "tasks.write",
          "Update a task", body=TaskUpdate, response_type=Task, on=task.exists),
    Route("putTaskByExternalId", "PUT", "/tasks/by/externalId/{value}", tasks.put, "tasks.write",
          "Add or update the task with an external id", body=TaskUpdate, response_type=Task, creates=True, errors=(409,),
          description="Changes the task that has this external id (200), or adds one with it (201), for which title is required. "
          "However often it is repeated, there is one."),
    Route("deleteTask", "DELETE", "/tasks/{id}", tasks.delete, "tasks.delete",
          "Delete a task", status=204, on=task.exists),
    Route("listTaskHistory", "GET", "/tasks/{id}/history", journal.of_record, "history.read",
          "List what was changed of a task", response_type=list[HistoryEntry],
          lists=history.HISTORY["tasks"], on=task.exists),

    # Documents
    Route("listDocuments", "GET", "/documents", documents.index, "documents.read",
          "List all documents", response_type=list[ListedDocument], lists=document.LIST),
    Route("createDocument", "POST", "/documents", documents.create, "documents.create",
          "Add a link", body=DocumentCreate, form=DocumentForm, response_type=Document, errors=(409, 507),
          description="A link as JSON. A file may be sent here too, as the form of POST /documents/files. Staff name "
          "an organization or a project that they see."),
    Route("createDocumentFile", "POST", "/documents/files", documents.create_file, "documents.create",
          "Add a file", form=DocumentForm, response_type=Document, errors=(409, 507),
          description="A file as multipart/form-data. Staff name an organization or a project that they see."),
    Route("getDocument", "GET", "/documents/{id}", documents.show, "documents.read",
          "Get a document", response_type=Document, on=document.exists),
    Route("updateDocument", "PUT", "/documents/{id}", documents.update, "documents.write",
          "Update a document", body=DocumentUpdate, response_type=Document, on=document.exists,
          description="The url of a link can be changed; a file's content changes by a new version."),
    Route("deleteDocument", "DELETE", "/documents/{id}", documents.delete, "documents.write",
          "Delete a document", status=204, on=document.exists),
    Route("listDocumentVersions", "GET", "/documents/{id}/versions", documents.versions, "documents.read",
          "List the versions of a file", response_type=list[DocumentVersion], lists=document.VERSIONS, on=document.exists),
    Route("addDocumentVersion", "POST", "/documents/{id}/versions", documents.add_version, "documents.create",
          "Add a version of a file", form=VersionForm, response_type=Document, on=document.exists, errors=(409, 507),
          description="Only files have versions; 409 for a link."),
    Route("getDocumentContent", "GET", "/documents/{id}/content", documents.show_content, "documents.read",
          "Download a file", response_type=bytes, on=document.exists, errors=(409, 416),
          description="The newest version's bytes, as an attachment; by Range a part of them. 409 for a link."),
    Route("getDocumentVersionContent", "GET", "/documents/{id}/versions/{number}/content",
          documents.show_version_content, "documents.read", "Download a version of a file", response_type=bytes,
          on=document.version_exists, errors=(409, 416),
          description="One version's bytes, as an attachment; by Range a part of them."),
    Route("listDocumentHistory", "GET", "/documents/{id}/history", journal.of_record, "history.read",
          "List what was changed of a document", response_type=list[HistoryEntry],
          lists=history.HISTORY["documents"], on=document.exists,
          description="Returns who changed what and when, newest first: the document and its projects."),

    # Activities
    Route("listActivities", "GET", "/activities", activities.index, "activities.read",
          "List all activities", response_type=list[ListedActivity], lists=activity.LIST,
          description="Returns all activities, the newest first."),
    Route("listOrganizationActivities", "GET", "/organizations/{organizationId}/activities",
          activities.of_organization, "activities.read", "List activities of an organization",
          response_type=list[ListedActivity], lists=activity.OF_ORGANIZATION, on=organization.exists, tag="activities",
          description="Returns all activities of an organization, the newest first."),
    Route("createActivity", "POST", "/organizations/{organizationId}/activities", activities.create,
          "activities.write", "Log an activity", body=ActivityCreate, response_type=Activity, on=organization.exists, tag="activities",
          description="Who sends it is its author. A text is enough: it is a note of now."),
    Route("getActivity", "GET", "/activities/{id}", activities.show, "activities.read",
          "Get an activity", response_type=Activity, on=activity.exists),
    Route("updateActivity", "PUT", "/activities/{id}", activities.update, "activities.write",
          "Update an activity", body=ActivityUpdate, response_type=Activity, on=activity.exists),
    Route("putActivityByExternalId", "PUT", "/activities/by/externalId/{value}", activities.put, "activities.write",
          "Add or update the activity with an external id", body=ActivityUpdate, response_type=Activity, creates=True, errors=(409,),
          description="Changes the activity that has this external id (200), or adds one with it (201), for which organizationId and text are required. "
          "However often it is repeated, there is one."),
    Route("deleteActivity", "DELETE", "/activities/{id}", activities.delete, "activities.delete",
          "Delete an activity", status=204, on=activity.exists),
    Route("listActivityHistory", "GET", "/activities/{id}/history", journal.of_record, "history.read",
          "List what was changed of an activity", response_type=list[HistoryEntry],
          lists=history.HISTORY["activities"], on=activity.exists,
          description="Returns who changed what and when, newest first: the activity and its contacts."),

    # What was done, taking it back, and what was deleted
    Route("listOperations", "GET", "/operations", journal.index, "history.read",
          "List what was done", response_type=list[ListedOperation], lists=history.OPERATIONS,
          description="Returns every change, newest first: those of records that you see, and to administrators "
          "sign-ins, refusals and changes of users too."),
    Route("getOperation", "GET", "/operations/{id}", journal.show, "history.read",
          "Get an operation and what it changed", response_type=OperationDetails, on=history.exists,
          description="The operation as the list has it, with the first 200 of its changes and each field of them."),
    Route("listOperationChanges", "GET", "/operations/{id}/changes", journal.changes_of, "history.read",
          "List what an operation changed", response_type=list[RecordChange], lists=history.CHANGES, on=history.exists,
          description="Returns what it did to each record that you see, in its order."),
    Route("undoOperation", "POST", "/operations/{id}/undo", journal.undo_operation, "operations.undo",
          "Undo an operation or a part of it", response_type=UndoneOperation, query=UndoQuery, on=history.exists,
          errors=(409,),
          description="Everything that it changed becomes what it was before, as a new operation, or nothing does. "
          "409 names each record that was changed since, with who did it. An undoing is undone the same "
          "way. It takes the permission of each record's own change; staff undo what they did "
          "themselves."),
    Route("previewUndo", "GET", "/operations/{id}/undo", journal.preview_undo, "operations.undo",
          "Preview undoing an operation or a part of it", response_type=UndoPreview, query=UndoQuery,
          on=history.exists,
          description="How many records of which organizations it would take back."),
    Route("undoLast", "POST", "/user/undo", journal.undo_last, "operations.undo",
          "Undo what you did last", response_type=UndoneOperation, tag="operations", errors=(409,),
          description="Again, and it is what you did before that, as far back as a day. 409 where nothing is left, or "
          "where it was changed since."),
    Route("redoLast", "POST", "/user/redo", journal.redo_last, "operations.undo",
          "Redo what you undid last", response_type=UndoneOperation, tag="operations", errors=(409,),
          description="Until you do something else. 409 where there is nothing to redo, or it was changed since."),
    Route("listTrash", "GET", "/trash", trash.index, "trash.read",
          "List what was deleted and can be restored", response_type=list[TrashEntry], lists=deleted.TRASH,
          description="Returns what was deleted, newest first, each record with all that went with it as one. Undo "
          "the operation that deleted it to restore it."),

    Route("live", "GET", "/live", live.show, "live.follow",
          "What others change, as it happens", query=live.LiveQuery, page=True),

    # Search
    Route("searchEverything", "GET", "/search", search.index, "search.use",
          "Search everything", response_type=list[Hit], query=SearchQuery,
          description="Finds organizations, contacts, projects, tasks, activities and documents, these also by the "
          "text in PDF, Word, Excel and plain text files. The words typed count as beginnings of words, "
          "in any order, without regard to case and accents, and with typing errors. The best hits come "
          "first."),

    # Views of the lists
    Route("listViews", "GET", "/views", views.index, "views.read",
          "List the views that you keep, and the shared ones", response_type=list[View], lists=view.LIST,
          description="Returns your own views and, but for guests, the shared ones, by name; noun asks for one "
          "list's."),
    Route("createView", "POST", "/views", views.create, "views.write",
          "Keep a view of a list", body=ViewCreate, response_type=View, errors=(409,),
          description="The query is judged as its list would judge it (422 names what it would refuse). One person "
          "keeps at most 200 (409)."),
    Route("getView", "GET", "/views/{id}", views.show, "views.read",
          "Get a view", response_type=View, on=view.exists),
    Route("updateView", "PUT", "/views/{id}", views.update, "views.write",
          "Update a view", body=ViewUpdate, response_type=View, on=view.exists, errors=(409,),
          description="The owner's to change; a shared one also an administrator's, and for all others 403. A view "
          "stays with its list and its owner."),
    Route("deleteView", "DELETE", "/views/{id}", views.delete, "views.write",
          "Delete a view", status=204, on=view.exists,
          description="The owner's to delete; a shared one also an administrator's, and for all others 403."),

    # Signing in, and one's own account
    Route("login", "POST", "/login", sessions.login, PUBLIC,
          "Sign in", body=Login, response_type=UserDetails, errors=(401, 429), keyed=False, dry=False,
          description="Sets the session cookie. Too many wrong attempts lock the account and the address for some "
          "minutes."),
    Route("logout", "POST", "/logout", sessions.logout, "account.own",
          "Sign out", status=204, keyed=False, dry=False,
          description="Ends the session and takes the cookie back."),
    Route("setup", "POST", "/setup", sessions.setup, PUBLIC,
          "Choose a password with a single-use link, and sign in", body=Setup, response_type=UserDetails, errors=(429,),
          keyed=False, dry=False,
          description="The link is made by an administrator and works once, for 72 hours."),
    Route("getOwnUser", "GET", "/user", users.show_own, "account.own",
          "Get the signed-in user", response_type=UserDetails),
    Route("updateOwnUser", "PUT", "/user", users.update_own, "account.own",
          "Update the signed-in user's name, time zone and preferences", body=AccountUpdate, response_type=UserDetails),
    Route("changeOwnPassword", "PUT", "/user/password", sessions.change_password, "account.own",
          "Change the signed-in user's password", body=PasswordChange, status=204, errors=(429,), dry=False,
          secret=True,
          description="Ends the user's other sessions."),
    Route("confirmOwnPassword", "POST", "/user/confirmations", sessions.confirm, "account.own",
          "Give one's password again", body=Confirmation, status=204, errors=(429,), keyed=False, dry=False,
          secret=True,
          description="For 15 minutes this session may then do what takes the password: make a link for an "
          "administrator, change another administrator or make one, and end others' sessions. Failed attempts count as those of signing in do."),
    Route("listOwnSessions", "GET", "/user/sessions", sessions.index, "account.own",
          "List the signed-in user's sessions", response_type=list[Session], lists=session.LIST),
    Route("endOwnSession", "DELETE", "/user/sessions/{id}", sessions.delete, "account.own",
          "End one of the signed-in user's sessions", status=204, on=session.exists,
          description="Ending the session that asks signs out."),

    # Users
    Route("listUserNames", "GET", "/users/names", users.names, "users.names",
          "List the people you may assign work to or make an owner", response_type=list[UserName], lists=user.NAMES,
          description="The active users of the consultancy; guests only where the viewer sees an organization "
          "of theirs. Tasks are assigned to them, and organizations have owners among them."),
    Route("listUsers", "GET", "/users", users.index, "users.manage",
          "List all users", response_type=list[User], lists=user.LIST),
    Route("createUser", "POST", "/users", users.create, "users.manage",
          "Create a user", body=UserCreate, response_type=User, errors=(409, 429),
          description="The new user cannot sign in until they have used a link: make one next."),
    Route("getUser", "GET", "/users/{id}", users.show, "users.manage",
          "Get a user", response_type=User, on=user.exists),
    Route("updateUser", "PUT", "/users/{id}", users.update, "users.manage",
          "Update a user", body=UserUpdate, response_type=User, on=user.exists, errors=(409,),
          description="Changing the role, or disabling, acts at once. The last active admin stays (409). To change "
          "another administrator, make one, or end somebody's sessions by it, you must have confirmed your "
          "password in the last 15 minutes (403, see `POST /user/confirmations`)."),
    Route("createUserLink", "POST", "/users/{id}/links", users.make_link, "users.manage",
          "Make a single-use link for a user to choose a password", response_type=Link, on=user.exists, errors=(409,),
          secret=True, bulk=False,
          description="Shown this once. The user's older links end. If the user is an administrator, you must have "
          "confirmed your own password in the last 15 minutes (403, see `POST /user/confirmations`)."),
    Route("listUserHistory", "GET", "/users/{id}/history", journal.of_record, "users.manage",
          "List what was changed of a user", response_type=list[HistoryEntry],
          lists=history.HISTORY["users"], on=user.exists),
    Route("endUserSessions", "DELETE", "/users/{id}/sessions", users.end_sessions, "users.manage",
          "End all sessions of a user", status=204, on=user.exists, bulk=False,
          description="If the user is another one, you must have confirmed your own password in the last 15 minutes "
          "(403, see `POST /user/confirmations`)."),

    # The consultancy itself
    Route("getTenant", "GET", "/tenant", tenants.show, "settings.read",
          "Get the consultancy's settings", response_type=Tenant),
    Route("updateTenant", "PUT", "/tenant", tenants.update, "settings.manage",
          "Change the consultancy's settings", body=TenantUpdate, response_type=Tenant, bulk=False,
          description="Its name, its time zone, which all have who chose no other, and its country."),
    Route("listTenantHistory", "GET", "/tenant/history", tenants.history, "history.read",
          "List what was changed of the consultancy's settings", response_type=list[HistoryEntry],
          lists=history.HISTORY["tenants"]),

    # Many writes of records at once
    Route("listImports", "GET", "/imports", imports.index, "imports.run",
          "List imports", response_type=list[Import], lists=imported.LIST,
          description="Returns all imports, the newest first."),
    Route("createImport", "POST", "/imports", imports.create, "imports.run",
          "Begin an import", form=ImportForm, response_type=Import, status=201, errors=(409, 507),
          description="A file as multipart/form-data. Its columns are found, and its rows planned, in the "
          "background: ask for the import until it is planned. Nothing is written before it is run."),
    Route("getImport", "GET", "/imports/{id}", imports.show, "imports.run",
          "Get an import", response_type=Import, on=imported.exists),
    Route("updateImport", "PUT", "/imports/{id}", imports.update, "imports.run",
          "Set what the columns of an import mean", body=ImportUpdate, response_type=Import, on=imported.exists,
          errors=(409,), description="The rows are planned anew, and decisions are forgotten."),
    Route("deleteImport", "DELETE", "/imports/{id}", imports.delete, "imports.run",
          "Forget an import", status=204, on=imported.exists, errors=(409,),
          description="Deletes its file and its rows. The records that it made stay."),
    Route("listImportRows", "GET", "/imports/{id}/rows", imports.rows, "imports.run",
          "List the rows of an import and what becomes of them", response_type=list[ImportRow],
          lists=imported.ROWS, on=imported.exists,
          description="As CSV they have the columns of the file and, behind them, what is wrong."),
    Route("decideImportRow", "PUT", "/imports/{id}/rows/{n}", imports.decide, "imports.run",
          "Decide what becomes of a row", body=Decision, response_type=ImportRow, on=imported.row_exists,
          errors=(409,)),
    Route("decideImportRows", "PUT", "/imports/{id}/rows", imports.decide_all, "imports.run",
          "Decide what becomes of all rows with an outcome", body=RowsDecision, response_type=RowsDecided,
          query=RowsQuery, on=imported.exists, errors=(409,),
          description="The first 5,000 of them; the answer says how many, and 0 when none is left."),
    Route("runImport", "POST", "/imports/{id}/runs", imports.run, "imports.run",
          "Run an import as planned", response_type=Import, status=202, on=imported.exists, errors=(409,),
          description="All rows in one operation, which is undone as one. It goes on in the background; asked for "
          "again, it is the same run."),
    Route("cancelImport", "POST", "/imports/{id}/cancellations", imports.cancel, "imports.run",
          "Cancel a plan or a run", response_type=Import, status=202, on=imported.exists,
          description="What it has written is rolled back."),
    Route("bulk", "POST", "/bulk", bulk.create, "bulk.write",
          "Make many writes at once", lines=BulkLine, response_type=BulkAnswer,
          description="Each line is a write as it would be sent alone, of organizations, members, contacts, "
          "projects, tasks, documents, activities, views or users, by JSON. All of it is done or "
          "nothing (422 with the lines that cannot be done), unless `Prefer: handling=lenient` asks for "
          "each by itself. It is one operation of the journal. The answer has a line for each, in their "
          "order."),

    # This API's own description, and its page
    Route("getOpenApi", "GET", "/openapi.json", openapi.show, PUBLIC,
          "Get this document", response_type=dict,
          description="The OpenAPI 3.1 document that this page is made of."),
    Route("apiPage", "GET", "/api/docs", api_page.show, PUBLIC,
          "The API as a page to read", page=True),

    # Stylesheets and scripts of the pages
    *(Route(f"asset:{name}", "GET", url, static.asset, PUBLIC, name, page=True) for name, url in static.URLS.items()),
]  # fmt: skip

check_routes(NOUNS.values(), ROUTES + PAGES)
TABLE = Table(ROUTES + PAGES, {name: noun.seen for name, noun in NOUNS.items()})
