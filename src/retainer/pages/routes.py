"""THE SITEMAP of pages: the routes for browsers, without the prefix /api, one line each, under the
same permissions as the API.

A GET shows a page. A POST is a page's form, which makes its change through the API's own route
(submit.py); HTML forms have no other methods, so each works without scripts.
"""

from typing import Any

from retainer.exchange.imports import store as imported
from retainer.exchange.imports.model import ImportForm
from retainer.http.routing import Handler, Route
from retainer.identity.sessions import store as session
from retainer.identity.tenants import store as tenant
from retainer.identity.users import store as user
from retainer.journal import feed
from retainer.journal import store as history
from retainer.journal.trash import store as deleted
from retainer.lists.response import file_response
from retainer.pages.activities import handlers as activities
from retainer.pages.contacts import handlers as contacts
from retainer.pages.documents import adding
from retainer.pages.documents import handlers as documents
from retainer.pages.imports import handlers as imports
from retainer.pages.journal import audit
from retainer.pages.journal import handlers as journal
from retainer.pages.organizations import handlers as organizations
from retainer.pages.organizations import selection
from retainer.pages.organizations import tabs as organization_tabs
from retainer.pages.projects import handlers as projects
from retainer.pages.render import new_record, style_guide
from retainer.pages.search import handlers as search
from retainer.pages.sessions import handlers as sessions
from retainer.pages.tasks import handlers as tasks
from retainer.pages.tenants import handlers as tenants
from retainer.pages.trash import handlers as trash
from retainer.pages.users import handlers as users
from retainer.pages.users import profile
from retainer.pages.views import handlers as views
from retainer.pages.worker import handlers as worker
from retainer.permissions import PUBLIC
from retainer.records.activities import store as activity
from retainer.records.contacts import store as contact
from retainer.records.documents import store as document
from retainer.records.documents.model import DocumentForm, VersionForm
from retainer.records.members import store as member
from retainer.records.organizations import store as organization
from retainer.records.projects import store as project
from retainer.records.tasks import store as task
from retainer.records.views import store as view


def _page(name: str, path: str, handler: Handler, permission: str, **more: Any) -> Route:
    return Route(
        f"{name}Page",
        "GET",
        path,
        handler,
        permission,
        f"The page {name}",
        page=True,
        html=True,
        **more,
    )


def _form(name: str, path: str, handler: Handler, permission: str, **more: Any) -> Route:
    # Forms take neither idempotency keys nor dry runs: an answer that is kept for a replay would
    # keep the secrets that a form or its page may hold.
    more |= {"keyed": False, "dry": False}
    return Route(
        f"{name}Form",
        "POST",
        path,
        handler,
        permission,
        f"The form {name}",
        page=True,
        html=True,
        **more,
    )


PAGES = [
    _page("home", "/", sessions.home, "account.own"),
    _page("login", "/login", sessions.login, PUBLIC),
    _form("login", "/login", sessions.sign_in, PUBLIC),
    _form("logout", "/logout", sessions.sign_out, "account.own"),
    _page("setup", "/setup", sessions.setup, PUBLIC),
    _form("setup", "/setup", sessions.set_up, PUBLIC),
    _page("profile", "/profile", profile.show, "account.own"),
    _form("profile", "/profile", profile.update, "account.own"),
    _page("password", "/profile/password", profile.password, "account.own"),
    _form("password", "/profile/password", profile.change_password, "account.own"),
    _page("confirmation", "/profile/confirmation", profile.confirmation, "account.own"),
    _form("confirmation", "/profile/confirmation", profile.confirm, "account.own"),
    _form("endSession", "/profile/sessions/{id}/end", profile.end_session, "account.own", on=session.exists),
    _page("styleguide", "/styleguide", style_guide, "account.own"),
    _page("new", "/new", new_record, "tasks.write"),

    # Organizations
    _page("organizations", "/organizations", organizations.index, "organizations.read", lists=organization.LIST),
    _page("newOrganization", "/organizations/new", organizations.new, "organizations.create"),
    _page("duplicates", "/organizations/duplicates", organizations.show_duplicates, "organizations.create"),
    _form("createOrganization", "/organizations", organizations.create, "organizations.create"),
    _page("organization", "/organizations/{id}", organizations.show_overview, "organizations.read",
          on=organization.exists),
    _form("updateOrganization", "/organizations/{id}", organizations.update, "organizations.update",
          on=organization.exists),
    _form("deleteOrganization", "/organizations/{id}/delete", organizations.delete, "organizations.delete",
          on=organization.exists),
    _form("changeOrganizations", "/organizations/bulk", selection.change, "organizations.update"),
    _page("exportOrganizations", "/organizations/export", file_response, "organizations.read",
          lists=organization.LIST.download),
    _form("exportOrganizations", "/organizations/export", selection.export_selected, "organizations.read",
          lists=organization.CHOSEN),
    _page("organizationProjects", "/organizations/{id}/projects", organization_tabs.show_projects, "projects.read",
          lists=project.OF_ORGANIZATION, on=organization.exists),
    _page("organizationMembers", "/organizations/{id}/members", organization_tabs.show_members, "members.read",
          lists=member.LIST, on=organization.exists),
    _form("addMember", "/organizations/{id}/members", organization_tabs.add_member, "members.write",
          on=organization.exists),
    _form("updateMember", "/organizations/{id}/members/{contactId}", organization_tabs.change_member, "members.write",
          on=member.exists),
    _form("removeMember", "/organizations/{id}/members/{contactId}/remove", organization_tabs.remove_member,
          "members.write", on=member.exists),
    _page("organizationHistory", "/organizations/{id}/history", organization_tabs.show_history, "history.read",
          lists=history.HISTORY["organizations"], on=organization.exists),

    # What was done
    _page("feed", "/activity", journal.activity, "history.read", lists=feed.FEED),
    _page("operation", "/operations/{id}", journal.operation, "history.read", lists=history.CHANGES,
          on=history.exists),
    _form("undo", "/operations/{id}/undo", journal.undo, "operations.undo", on=history.exists),
    _form("undoLast", "/undo", journal.undo_last, "operations.undo"),
    _form("redoLast", "/redo", journal.redo_last, "operations.undo"),
    _page("trash", "/trash", trash.index, "trash.read", lists=deleted.TRASH),

    _page("search", "/search", search.index, "search.use"),
    _page("choices", "/choices", search.choices, "search.use"),

    # Documents
    _page("organizationDocuments", "/organizations/{id}/documents", organization_tabs.show_documents, "documents.read",
          on=organization.exists, lists=document.OF_ORGANIZATION),
    _page("documents", "/documents", documents.index, "documents.read"),
    _page("newDocument", "/documents/new", adding.new, "documents.create"),
    _page("documentProjects", "/documents/projects", adding.find_projects, "documents.read"),
    _form("createDocument", "/documents", adding.create, "documents.create", form=DocumentForm),
    _page("document", "/documents/{id}", documents.show_one, "documents.read", on=document.exists),
    _form("updateDocument", "/documents/{id}", documents.update, "documents.write", on=document.exists),
    _form("deleteDocument", "/documents/{id}/delete", documents.delete, "documents.write", on=document.exists),
    _page("documentOrganization", "/documents/{id}/organization", documents.move, "documents.write",
          on=document.exists),
    _form("documentOrganization", "/documents/{id}/organization", documents.moved, "documents.write",
          on=document.exists),
    _form("documentProjects", "/documents/{id}/projects", documents.link_projects, "documents.write",
          on=document.exists),
    _form("addDocumentVersion", "/documents/{id}/versions", adding.add_version, "documents.create",
          on=document.exists, form=VersionForm),
    # Not an HTML route: an <img> or a frame asks for it, with an Accept header of its own.
    Route("previewDocument", "GET", "/documents/{id}/versions/{number}/preview", documents.show_preview,
          "documents.read", "A file, shown in its page", page=True, on=document.version_exists),
    _page("organizationTasks", "/organizations/{id}/tasks", organization_tabs.show_tasks, "tasks.read",
          on=organization.exists, lists=task.OF_ORGANIZATION),
    _page("organizationActivities", "/organizations/{id}/activities", organization_tabs.show_activities, "activities.read",
          on=organization.exists, lists=activity.OF_ORGANIZATION),

    # Tasks
    _page("tasks", "/tasks", tasks.index, "tasks.read"),
    _page("newTask", "/tasks/new", tasks.new, "tasks.write"),
    _page("exportTasks", "/tasks/export", file_response, "tasks.read", lists=task.LIST.download),
    _form("createTask", "/tasks", tasks.create, "tasks.write"),
    _page("task", "/tasks/{id}", tasks.show_one, "tasks.read", on=task.exists),
    _form("updateTask", "/tasks/{id}", tasks.update, "tasks.write", on=task.exists),
    _form("completeTask", "/tasks/{id}/complete", tasks.complete, "tasks.write", on=task.exists),
    _form("reopenTask", "/tasks/{id}/reopen", tasks.reopen, "tasks.write", on=task.exists),
    _form("deleteTask", "/tasks/{id}/delete", tasks.delete, "tasks.delete", on=task.exists),

    # Activities
    _page("activities", "/activities", activities.index, "activities.read", lists=activity.LIST),
    _page("newActivity", "/activities/new", activities.new, "activities.write"),
    _form("createActivity", "/activities", activities.create, "activities.write"),
    _page("activity", "/activities/{id}", activities.show_one, "activities.read", on=activity.exists),
    _form("updateActivity", "/activities/{id}", activities.update, "activities.write", on=activity.exists),
    _form("deleteActivity", "/activities/{id}/delete", activities.delete, "activities.delete", on=activity.exists),

    # Contacts
    _page("contacts", "/contacts", contacts.index, "contacts.read", lists=contact.LIST),
    _page("newContact", "/contacts/new", contacts.new, "contacts.write"),
    _page("exportContacts", "/contacts/export", file_response, "contacts.read", lists=contact.LIST.download),
    _form("createContact", "/contacts", contacts.create, "contacts.write"),
    _page("contact", "/contacts/{id}", contacts.show_one, "contacts.read", on=contact.exists),
    _form("updateContact", "/contacts/{id}", contacts.update, "contacts.write", on=contact.exists),
    _form("deleteContact", "/contacts/{id}/delete", contacts.delete, "contacts.write", on=contact.exists),
    _page("newMembership", "/contacts/{id}/members", contacts.new_membership, "members.write", on=contact.exists),
    _form("addMembership", "/contacts/{id}/members", contacts.join, "members.write", on=contact.exists),
    _form("updateMembership", "/contacts/{id}/members/{organizationId}", contacts.change_role, "members.write",
          on=contacts.is_member),
    _form("removeMembership", "/contacts/{id}/members/{organizationId}/remove", contacts.leave, "members.write",
          on=contacts.is_member),

    # Projects
    _page("projects", "/projects", projects.index, "projects.read"),
    _page("newProject", "/projects/new", projects.new, "projects.write"),
    _page("exportProjects", "/projects/export", file_response, "projects.read", lists=project.LIST.download),
    _form("createProject", "/projects", projects.create, "projects.write"),
    _page("project", "/projects/{id}", projects.show_one, "projects.read", on=project.exists),
    _form("updateProject", "/projects/{id}", projects.update, "projects.write", on=project.exists),
    _form("deleteProject", "/projects/{id}/delete", projects.delete, "projects.write", on=project.exists),
    _page("newProjectTask", "/projects/{id}/tasks", projects.new_task, "tasks.write", on=project.exists),
    _form("addProjectTask", "/projects/{id}/tasks", projects.add_task, "tasks.write", on=project.exists),

    # Imports
    _page("imports", "/imports", imports.index, "imports.run", lists=imported.LIST),
    _page("newImport", "/imports/new", imports.new, "imports.run"),
    _page("importTemplate", "/imports/template", imports.show_template, "imports.run"),
    _form("createImport", "/imports", imports.create, "imports.run", form=ImportForm),
    _page("import", "/imports/{id}", imports.show, "imports.run", lists=imported.ROWS, on=imported.exists),
    _page("importColumns", "/imports/{id}/columns", imports.show_columns, "imports.run", on=imported.exists),
    _form("importColumns", "/imports/{id}/columns", imports.save_columns, "imports.run", on=imported.exists),
    _form("importReading", "/imports/{id}/reading", imports.save_reading, "imports.run", on=imported.exists),
    _form("planImport", "/imports/{id}/plan", imports.plan_again, "imports.run", on=imported.exists),
    _page("exportImportRows", "/imports/{id}/rows/export", imports.export_rows, "imports.run", lists=imported.ROWS,
          on=imported.exists),
    _form("decideImportRows", "/imports/{id}/rows", imports.decide_all, "imports.run", on=imported.exists),
    _form("decideImportRow", "/imports/{id}/rows/{n}", imports.decide, "imports.run", on=imported.row_exists),
    _form("runImport", "/imports/{id}/run", imports.run, "imports.run", on=imported.exists),
    _form("cancelImport", "/imports/{id}/cancel", imports.cancel, "imports.run", on=imported.exists),
    _form("deleteImport", "/imports/{id}/delete", imports.delete, "imports.run", on=imported.exists),

    # Views of the lists
    _page("views", "/views", views.index, "views.read"),
    _page("newView", "/views/new", views.new, "views.write"),
    _form("createView", "/views", views.create, "views.write"),
    _page("view", "/views/{id}", views.show, "views.write", on=view.exists),
    _form("updateView", "/views/{id}", views.update, "views.write", on=view.exists),
    _form("deleteView", "/views/{id}/delete", views.delete, "views.write", on=view.exists),

    # Administration
    _page("users", "/users", users.index, "users.manage", lists=user.LIST),
    _page("newUser", "/users/new", users.new, "users.manage"),
    _form("createUser", "/users", users.create, "users.manage"),
    _page("user", "/users/{id}", users.show_one, "users.manage", on=user.exists),
    _form("updateUser", "/users/{id}", users.update, "users.manage", on=user.exists),
    _page("disableUser", "/users/{id}/disable", users.confirm_disabling, "users.manage", on=user.exists),
    _form("disableUser", "/users/{id}/disable", users.disable, "users.manage", on=user.exists),
    _form("enableUser", "/users/{id}/enable", users.enable, "users.manage", on=user.exists),
    _page("recoverUser", "/users/{id}/link", users.confirm_recovering, "users.manage", on=user.exists),
    _form("recoverUser", "/users/{id}/link", users.recover, "users.manage", on=user.exists),
    _form("endUserSessions", "/users/{id}/sessions/end", users.end_sessions, "users.manage", on=user.exists),
    _page("tenant", "/tenants/{id}", tenants.show, "settings.read", on=tenant.exists),
    _form("updateTenant", "/tenants/{id}", tenants.update, "settings.manage", on=tenant.exists),
    _page("roles", "/roles", users.roles, "users.manage"),
    _page("audit", "/audit", audit.show_all, "users.manage", lists=feed.AUDIT),
    _page("worker", "/worker", worker.show, "users.manage"),
    _page("exportAudit", "/audit/export", file_response, "users.manage", lists=feed.AUDIT.download),
]  # fmt: skip
