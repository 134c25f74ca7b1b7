"""THE SITEMAP: one line per route. Permission stands on the line; a route without one does not start."""

from retainer.organizations import store as organization
from retainer.organizations import web as organizations
from retainer.organizations.model import Organization, OrganizationCreate, OrganizationUpdate
from retainer.routing import Route, Table

ROUTES = [
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
]  # fmt: skip

TABLE = Table(ROUTES)
