"""Fields of a document, for the forms that add one and for its properties."""

from retainer.http.fields import Audience
from retainer.http.request import Request
from retainer.pages.form import MAX_NAME, Field, Fields
from retainer.pages.list_page import find
from retainer.pages.rows import OrganizationName
from retainer.pages.web_address import web_link
from retainer.records.documents.model import DocumentProject
from retainer.records.organizations.model import Organization
from retainer.records.projects import store as projects

AUDIENCES = list(Audience)
_COMMON = (
    Field("organization", "Organization", in_form="own", in_properties="own"),
    Field("projectIds", "Projects", in_form="own", in_properties="no"),
    Field("audience", "Audience", "select", options=AUDIENCES, default="internal", required=True,
          hint="Guests see what is meant for clients", permission="users.names"),
    Field("description", "Description", rows=2, in_properties="no"),
)  # fmt: skip
FILE = Fields(
    Field("file", "File", "file", required=True, in_properties="no"),
    Field("name", "Name", maxlength=MAX_NAME, hint="Without one it has the file's own"),
    *_COMMON,
)
LINK = Fields(
    Field("url", "Address", required=True, autofocus=True, maxlength=2000, link=web_link,
          hint="Where the document is, such as https://files.example.com/brief", after="name"),
    Field("name", "Name", required=True, maxlength=MAX_NAME),
    *_COMMON,
)  # fmt: skip


def fields_of(*, is_link: bool) -> Fields:
    """Fields of a link, or of a file."""
    if is_link:
        return LINK
    return FILE


async def projects_of(
    request: Request, organization: Organization | OrganizationName | None
) -> list[DocumentProject]:
    """Projects of an organization that the viewer sees, to be chosen for a document."""
    if organization is None:
        return []
    return await find(
        request,
        projects.OF_ORGANIZATION,
        DocumentProject,
        parent=organization.id,
        fields="id,title",
        limit="100",
    )
