"""THE SITEMAP of pages: what browsers get at the bare paths, one line each, under the same permissions as the API.

A GET shows a page; a POST is a form of one, and makes its change through the API's own route (actions.py). Forms know
no other methods, so that each works without scripts.
"""

from typing import Any

from retainer.documents import pages as documents
from retainer.documents import store as document
from retainer.documents.model import DocumentForm, VersionForm
from retainer.organizations import documents_tab
from retainer.organizations import pages as organizations
from retainer.organizations import store as organization
from retainer.pages import style_guide
from retainer.permissions import PUBLIC
from retainer.routing import Handler, Route
from retainer.search import pages as search
from retainer.sessions import pages as sessions


def _page(name: str, path: str, handler: Handler, permission: str, **more: Any) -> Route:
    return Route(f"{name}Page", "GET", path, handler, permission, f"The page {name}", page=True, html=True, **more)


def _form(name: str, path: str, handler: Handler, permission: str, **more: Any) -> Route:
    return Route(f"{name}Form", "POST", path, handler, permission, f"The form {name}", page=True, html=True, **more)


PAGES = [
    _page("home", "/", sessions.home, "account.own"),
    _page("login", "/login", sessions.login, PUBLIC),
    _form("login", "/login", sessions.sign_in, PUBLIC),
    _form("logout", "/logout", sessions.sign_out, "account.own"),
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

    _page("search", "/search", search.index, "search.use"),

    # Documents
    _page("organizationDocuments", "/organizations/{id}/documents", documents_tab.index, "documents.read",
          on=organization.exists, lists=document.OF_ORGANIZATION),
    _page("documents", "/documents", documents.index, "documents.read", lists=document.LIST),
    _page("newDocument", "/documents/new", documents.new, "documents.create"),
    _page("documentOrganizations", "/documents/organizations", documents.find_organizations, "documents.read"),
    _page("documentProjects", "/documents/projects", documents.find_projects, "documents.read"),
    _form("createDocument", "/documents", documents.create, "documents.create", form=DocumentForm),
    _page("document", "/documents/{id}", documents.show_one, "documents.read", on=document.exists),
    _form("updateDocument", "/documents/{id}", documents.update, "documents.write", on=document.exists),
    _form("deleteDocument", "/documents/{id}/delete", documents.delete, "documents.write", on=document.exists),
    _page("documentOrganization", "/documents/{id}/organization", documents.move, "documents.write",
          on=document.exists),
    _form("documentOrganization", "/documents/{id}/organization", documents.moved, "documents.write",
          on=document.exists),
    _form("documentProjects", "/documents/{id}/projects", documents.link_projects, "documents.write",
          on=document.exists),
    _form("addDocumentVersion", "/documents/{id}/versions", documents.add_version, "documents.create",
          on=document.exists, form=VersionForm),
    # Pictures and frames ask for it too, so it is no matter of what the browser accepts.
    Route("previewDocument", "GET", "/documents/{id}/versions/{number}/preview", documents.show_preview,
          "documents.read", "A file, shown in its page", page=True, on=document.version_exists),
]  # fmt: skip
