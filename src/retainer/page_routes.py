"""THE SITEMAP of pages: what browsers get at the bare paths, one line each, under the same permissions as the API.

A GET shows a page; a POST is a form of one, and makes its change through the API's own route (actions.py). Forms know
no other methods, so that each works without scripts.
"""

from typing import Any

from retainer.journal import audit
from retainer.journal import pages as journal
from retainer.journal import store as history
from retainer.members import store as member
from retainer.organizations import pages as organizations
from retainer.organizations import selection
from retainer.organizations import store as organization
from retainer.organizations import tabs as organization_tabs
from retainer.pages import style_guide
from retainer.permissions import PUBLIC
from retainer.projects import store as project
from retainer.routing import Handler, Route
from retainer.sessions import pages as sessions
from retainer.sessions import store as session
from retainer.trash import pages as trash
from retainer.trash import store as deleted
from retainer.users import pages as users
from retainer.users import profile
from retainer.users import store as user
from retainer.views import pages as views
from retainer.views import store as view


def _page(name: str, path: str, handler: Handler, permission: str, **more: Any) -> Route:
    return Route(f"{name}Page", "GET", path, handler, permission, f"The page {name}", page=True, html=True, **more)


def _form(name: str, path: str, handler: Handler, permission: str, **more: Any) -> Route:
    return Route(f"{name}Form", "POST", path, handler, permission, f"The form {name}", page=True, html=True, **more)


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
    _form("endSession", "/profile/sessions/{id}/end", profile.end_session, "account.own", on=session.exists),
    _page("styleguide", "/styleguide", style_guide, "account.own"),

    # Organizations
    _page("organizations", "/organizations", organizations.index, "organizations.read", lists=organization.LIST),
    _page("newOrganization", "/organizations/new", organizations.new, "organizations.create"),
    _page("duplicates", "/organizations/duplicates", organizations.duplicates, "organizations.create"),
    _form("createOrganization", "/organizations", organizations.create, "organizations.create"),
    _page("organization", "/organizations/{id}", organizations.show_overview, "organizations.read",
          on=organization.exists),
    _form("updateOrganization", "/organizations/{id}", organizations.update, "organizations.update",
          on=organization.exists),
    _form("deleteOrganization", "/organizations/{id}/delete", organizations.delete, "organizations.delete",
          on=organization.exists),
    _form("changeOrganizations", "/organizations/bulk", selection.change, "organizations.update"),
    _page("exportOrganizations", "/organizations/export", selection.export, "organizations.read",
          lists=organization.LIST),
    _form("exportOrganizations", "/organizations/export", selection.export_chosen, "organizations.read",
          lists=organization.CHOSEN),
    _page("organizationProjects", "/organizations/{id}/projects", organization_tabs.show_projects, "projects.read",
          lists=project.OF_ORGANIZATION, on=organization.exists),
    _page("organizationMembers", "/organizations/{id}/members", organization_tabs.show_members, "members.read",
          lists=member.LIST, on=organization.exists),
    _page("memberChoices", "/organizations/{id}/members/choices", organization_tabs.choices, "members.write",
          on=organization.exists),
    _form("addMember", "/organizations/{id}/members", organization_tabs.add_member, "members.write",
          on=organization.exists),
    _form("updateMember", "/organizations/{id}/members/{contactId}", organization_tabs.change_member, "members.write",
          on=member.exists),
    _form("removeMember", "/organizations/{id}/members/{contactId}/remove", organization_tabs.remove_member,
          "members.write", on=member.exists),
    _page("organizationHistory", "/organizations/{id}/history", organization_tabs.show_history, "history.read",
          lists=history.HISTORY["organizations"], on=organization.exists),

    # What was done
    _page("activity", "/activity", journal.activity, "history.read", lists=history.FEED),
    _page("operation", "/operations/{id}", journal.operation, "history.read", on=history.exists),
    _form("undo", "/operations/{id}/undo", journal.undo, "operations.undo", on=history.exists),
    _page("trash", "/trash", trash.index, "trash.read", lists=deleted.TRASH),

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
    _page("roles", "/roles", users.roles, "users.manage"),
    _page("audit", "/audit", audit.show_all, "users.manage", lists=history.AUDIT),
    _page("exportAudit", "/audit/export", audit.export, "users.manage", lists=history.AUDIT),
]  # fmt: skip
