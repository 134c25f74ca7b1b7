"""Rows of lists as pages read them: the API's objects, expanded by those that they refer to."""

from msgspec import Struct

from retainer.http.fields import Id
from retainer.pages.record_picker import Person
from retainer.records.activities.model import ListedActivity
from retainer.records.documents.model import ListedDocument
from retainer.records.members.model import Member
from retainer.records.organizations.model import Organization, OrganizationStatus, OrganizationType
from retainer.records.projects.model import Project
from retainer.records.tasks.model import ListedTask

MAX_ROW_ASSIGNEES = 30  # colleagues offered in each row of tasks; a task's own page offers all


class OrganizationName(Struct):
    """An organization by name."""

    id: Id
    name: str


class Work(Struct, rename="camel"):
    """Numbers of an organization's projects and open tasks."""

    projects: int
    open_tasks: int


class Counts(Struct):
    """Numbers of an organization's members and documents."""

    members: int
    documents: int


class OrganizationRow(Organization, rename="camel"):
    owner: Person | None
    work: Work


class OrganizationShown(OrganizationRow, rename="camel"):
    """An organization as its page shows it."""

    parent: OrganizationName | None
    counts: Counts


class ProjectRow(Project, rename="camel"):
    organization: OrganizationName | None


class TaskRow(ListedTask, rename="camel"):
    organization: OrganizationName | None


class DocumentRow(ListedDocument, rename="camel"):
    organization: OrganizationName | None


class ActivityRow(ListedActivity, rename="camel"):
    organization: OrganizationName | None


class MemberContact(Struct, rename="camel"):
    """The contact of a membership."""

    id: Id
    full_name: str
    email: str | None
    phone: str | None
    title: str | None


class MemberRow(Member, rename="camel"):
    """A membership, seen from the organization."""

    contact: MemberContact


class MemberOrganization(Struct):
    """The organization of a membership."""

    id: Id
    name: str
    type: OrganizationType
    status: OrganizationStatus


class MembershipRow(Member, rename="camel"):
    """A membership, seen from the contact."""

    name: str
    organization: MemberOrganization
