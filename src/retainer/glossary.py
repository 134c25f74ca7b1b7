"""What the API's fields, operations and statuses mean, in sentences, with an example each: words for people, no rules.

A field is looked up as "Type.field", then as "field"; a body counts as the noun it changes. The examples make whole
ones: the OpenAPI document shows them, and its test checks each against its schema.
"""

from typing import Any, NamedTuple

from retainer import errors

TAGS = {
    "organizations": "The clients, prospects, partners and vendors that everything else belongs to.",
    "members": "Which contacts belong to an organization, and in which role.",
    "contacts": "People: at our clients, at vendors, and our own.",
    "projects": "Work for one organization, with a status and dates.",
    "tasks": "What is to be done, on an organization, on a project, or by itself.",
    "documents": "Files with their versions, and links.",
    "search": "Finding anything by what is remembered of it.",
    "account": "Signing in and out, and one's own name, password and sessions.",
    "users": "Who may sign in, and with which role. For administrators.",
    "api": "This API's own description.",
}

FIELDS: dict[str, tuple[str, Any]] = {
    "id": ("Unique identifier, never used again for another", 1),
    "createdAt": ("Creation timestamp", "2026-01-31T09:30:00.000Z"),
    "updatedAt": ("Last update timestamp", "2026-02-03T16:05:12.480Z"),
    "organizationId": ("Organization ID", 1),
    "projectId": ("Project ID", 1),
    "contactId": ("Contact ID", 1),
    "description": ("Description, as plain text", "Renewal is due in spring."),
    "audience": ("For whom it is meant: guests see only what is for the client", "client"),
    "metadata": (
        "Additional metadata: any object, at most 64 KiB as text and 32 levels deep; replaced whole by an update",
        {"region": "EMEA", "employees": 600},
    ),
    "Organization.id": ("Unique organization identifier", 1),
    "Organization.name": ("Organization name", "Acme Corporation"),
    "OrganizationCreate.name": ("Organization name", "New Client Inc."),
    "Organization.type": ("Organization type", "customer"),
    "Organization.status": ("Organization status", "active"),
    "Organization.industry": ("Industry category", "Technology"),
    "Organization.website": ("Organization website URL; any text is kept", "https://acme.example.com"),
    "Organization.description": ("Organization description", "Machine tools, three plants; with us since 2019."),
    "Member.contactId": ("Contact ID", 3),
    "Member.role": ("What the contact is to us there", "primary_contact"),
    "fullName": ("Full name", "Jordan Meyer"),
    "Contact.mentionName": ("Short name to mention them by", "jordan"),
    "Contact.email": ("E-mail address; no two contacts share one, whatever its case", "jordan.meyer@acme.example.com"),
    "Contact.phone": ("Phone number, as people write it", "+41 44 555 01 23"),
    "Contact.company": ("Company they work for", "Acme Corporation"),
    "Contact.title": ("Job title", "Head of Operations"),
    "Contact.department": ("Department", "Operations"),
    "Contact.type": ("Whose person it is", "client"),
    "Contact.isActive": ("False once they have left", True),
    "Project.title": ("Project title", "Warehouse redesign"),
    "Project.status": ("Project status", "active"),
    "Project.startDate": ("First day", "2026-02-02"),
    "Project.dueDate": ("Last day, not before startDate", "2026-06-30"),
    "TaskProject.title": ("Project title", "Warehouse redesign"),
    "DocumentProject.title": ("Project title", "Warehouse redesign"),
    "Task.title": ("Task title", "Send the kick-off agenda"),
    "Task.status": ("Task status", "todo"),
    "Task.priority": ("Task priority", "medium"),
    "Task.dueDate": ("Day it is due", "2026-02-09"),
    "Task.order": ("Place in lists, the lowest first", 0),
    "Task.assigneeId": ("User it is assigned to", 2),
    "Task.assignee": ("The user it is assigned to; null where there is none", None),
    "Task.project": ("Its project; null where there is none, or none that you may see", None),
    "Task.projectId": ("Project ID; the project of the same organization where both are given", 1),
    "Document.name": ("Name of the document", "Statement of work.pdf"),
    "DocumentForm.name": ("Name of the document; left out, the file's own", "Statement of work.pdf"),
    "DocumentCreate.name": ("Name of the document", "Shared board"),
    "Document.type": ('A file\'s media type, found from its bytes; "link" for a link', "application/pdf"),
    "Document.url": ("Where it leads: a file's content here, or the link's address", "/api/documents/1/content"),
    "DocumentCreate.url": ("Where the link leads, http or https", "https://board.example.com/acme"),
    "DocumentUpdate.url": ("Where the link leads; files have no address to change", "https://board.example.com/acme"),
    "Document.uploaderId": ("User who added it", 2),
    "Document.uploader": ("The user who added it", None),
    "Document.projects": ("Its projects, those that you may see", None),
    "Document.projectIds": ("Projects it belongs to, of its organization where it has one", [1]),
    "DocumentForm.projectIds": ("Projects it belongs to; the part is repeated for each", [1]),
    "Document.size": ("Size of the file in bytes; null for a link", 48213),
    "Document.sha256": ("SHA-256 of the file; null for a link", "9f86d081884c7d65" * 4),
    "Document.version": ("Number of the newest version", 1),
    "file": ("The file, with its name; not empty", "(the bytes of the file)"),
    "DocumentVersion.number": ("1 for the first version, 2 for the next", 1),
    "DocumentVersion.size": ("Size in bytes", 48213),
    "DocumentVersion.sha256": ("SHA-256 of the bytes", "9f86d081884c7d65" * 4),
    "DocumentVersion.type": ("Media type, found from the bytes", "application/pdf"),
    "DocumentVersion.url": ("Where the bytes are", "/api/documents/1/versions/1/content"),
    "DocumentVersion.uploaderId": ("User who added it", 2),
    "username": ("E-mail address to sign in with; nobody else in this installation has it", "cora@example.com"),
    "Login.username": ("E-mail address of the user", "ada@example.com"),
    "User.fullName": ("Full name", "Cora"),
    "UserCreate.username": ("E-mail address to sign in with", "nora@example.com"),
    "UserCreate.fullName": ("Full name", "Nora Lind"),
    "User.role": ("What they may do", "consultant"),
    "User.tenantId": ("The consultancy they belong to", 1),
    "User.contactId": ("The contact they are; staff and guests see that contact's organizations", 2),
    "User.isActive": ("False keeps them from signing in", True),
    "timeZone": ("Name of a time zone (IANA)", "Europe/Zurich"),
    "AccountUpdate.timeZone": ("Name of a time zone (IANA); null for the consultancy's", "Europe/Zurich"),
    "Login.password": ("Their password", "quiet-ledger-2026"),
    "token": ("What stands in the link after #token=", "kJ3v0m1sXh2y8dQeR7uTzA5bC9fGnLwPoI4YxKq6M-E"),
    "Setup.password": ("The password to have: 8 characters or more, and no common one", "slow-river-violet-42"),
    "currentPassword": ("The password until now", "quiet-ledger-2026"),
    "newPassword": ("The password to have: 8 characters or more, and no common one", "slow-river-violet-42"),
    "Link.url": ("The link to hand over", "https://retainer.example.com/setup#token=kJ3v0m1sXh2y8dQeR7uTzA5bC9fGnLwP"),
    "expiresAt": ("When it ends", "2026-02-03T09:30:00.000Z"),
    "Session.lastSeenAt": ("When it was used last", "2026-01-31T11:02:45.120Z"),
    "Session.expiresAt": ("When it ends if it is not used any more", "2026-02-01T11:02:45.120Z"),
    "Session.userAgent": ("What the browser calls itself", "curl/8.14.1"),
    "Session.address": ("Address it began from", "192.0.2.10"),
    "Session.current": ("Whether it is the one that asks", True),
    "SearchQuery.q": ("What to find: words, or their beginnings", "aceme corpration"),
    "SearchQuery.kinds": ("Only these kinds, with commas between; all when left out", ["organization", "contact"]),
    "SearchQuery.limit": ("How many hits at most", 20),
    "Hit.kind": ("What was found; its id is one of that kind", "organization"),
    "Hit.title": ("Its name, full name or title", "Acme Corporation"),
    "Hit.subtitle": ("An organization's industry, a contact's e-mail, else the organization's name", "Technology"),
    "Hit.organizationId": ("The organization, when there is one that the viewer sees", 1),
    "Hit.score": ("The higher the better; comparable within one answer only", 83.58),
    "Hit.highlights": ("Where the words stand; none when they resemble something else", None),
    "Highlight.field": ("Which of its fields, or content: the text of a file", "name"),
    "Highlight.parts": ("The text in pieces; together they are it, or a part of it with … where it was cut", None),
    "Part.text": ("A piece of the text as it is, without any markup", "Acme"),
    "Part.match": ("Whether this piece was found", True),
    "ProblemDetails.type": ("What kind of problem; always about:blank, the status says it", "about:blank"),
    "ProblemDetails.title": ("The status in words", "Unprocessable Entity"),
    "ProblemDetails.status": ("The status code", 422),
    "ProblemDetails.detail": ("What is wrong, where, and what would be right", "name: is required; it must be text."),
    "ProblemDetails.instance": ("The path that was asked for", "/api/organizations"),
    "ProblemDetails.requestId": ("Finds the request in the server's log", "3f9c0b7a21-1f"),
    "ProblemDetails.errors": ("Each problem of the request by field, on 422 and some 409", None),
    "FieldError.field": ("Path of the field, such as metadata or projectIds[2]", "name"),
    "FieldError.message": ("What is wrong with it and what would be right", "is required; it must be text"),
}

# What a body shows as a whole where the fields' own examples would not make a plausible one.
BODIES: dict[str, dict[str, Any]] = {
    "OrganizationCreate": {"name": "New Client Inc.", "type": "customer", "status": "active", "industry": "Technology"},
    "OrganizationUpdate": {"status": "inactive", "industry": "Logistics"},
    "ContactUpdate": {"title": "Chief Operating Officer", "phone": None},
    "ProjectUpdate": {"status": "completed"},
    "TaskCreate": {"title": "Send the kick-off agenda", "organizationId": 1, "dueDate": "2026-02-09"},
    "TaskUpdate": {"status": "in_progress", "priority": "high"},
    "DocumentCreate": {"name": "Shared board", "url": "https://board.example.com/acme", "organizationId": 1},
    "DocumentForm": {"file": "(the bytes of the file)", "organizationId": 1, "audience": "client"},
    "DocumentUpdate": {"name": "Statement of work, signed.pdf", "audience": "client"},
    "UserUpdate": {"fullName": "Ada Berg"},
    "AccountUpdate": {"timeZone": "Europe/Zurich"},
}

# What an operation's summary and permission leave open.
OPERATIONS = {
    "listOrganizations": "Returns all organizations accessible to the authenticated user, by name.",
    "createOrganization": "Creates a new organization. Requires consultant or admin role.",
    "getOrganization": "Returns a specific organization by ID.",
    "updateOrganization": "Updates an existing organization: only the fields that are sent change; null clears.",
    "deleteOrganization": "Deletes an organization with its members, projects, tasks and documents. "
    "Requires consultant or admin role.",
    "duplicateOrganization": "Creates a copy of an existing organization's own fields, named “Name (copy)”, "
    "“Name (copy 2)” and so on.",
    "listOrganizationTasks": "Returns all tasks of an organization: those on it and those on its projects.",
    "listOrganizationProjects": "Returns all projects associated with a specific organization.",
    "listOrganizationDocuments": "Returns all documents of an organization: its own and its projects'.",
    "listMembers": "Returns all contact members of a specific organization.",
    "addMember": "Associates a contact with an organization. The answer's body is empty.",
    "removeMember": "Removes the association between a contact and an organization; both stay.",
    "updateMember": "Updates a member's role in the organization. The answer's body is empty.",
    "deleteContact": "A contact who is a member of an organization, or the person behind a user, is kept: "
    "409 says what to do instead.",
    "createTask": "Staff name an organization or a project that they see.",
    "createDocument": "A file as multipart/form-data, or a link as JSON. Staff name an organization or a project that "
    "they see.",
    "updateDocument": "The url of a link can be changed; a file's content changes by a new version.",
    "addDocumentVersion": "Only files have versions; 409 for a link.",
    "getDocumentContent": "The newest version's bytes, as an attachment; by Range a part of them. 409 for a link.",
    "getDocumentVersionContent": "One version's bytes, as an attachment; by Range a part of them.",
    "searchEverything": "Finds organizations, contacts, projects, tasks and documents, these also by the text in PDF, "
    "Word, Excel and plain text files. The words typed count as beginnings of words, in any order, without regard to "
    "case and accents, and with typing errors. The best hits come first.",
    "login": "Sets the session cookie. Too many wrong attempts lock the account and the address for some minutes.",
    "logout": "Ends the session and takes the cookie back.",
    "setup": "The link is made by an administrator and works once, for 72 hours.",
    "changeOwnPassword": "Ends the user's other sessions.",
    "endOwnSession": "Ending the session that asks signs out.",
    "createUser": "The new user cannot sign in until they have used a link: make one next.",
    "updateUser": "Changing the role, or disabling, acts at once. The last active admin stays (409).",
    "createUserLink": "Shown this once. The user's older links end.",
    "getOpenApi": "The OpenAPI 3.1 document that this page is made of.",
}


class Status(NamedTuple):
    """An answer from 400 on as the document describes it."""

    name: str
    description: str
    detail: str


STATUSES = {
    400: Status("BadRequest", "The body is not valid JSON, or not a valid form.", errors.MalformedJson.detail),
    401: Status("Unauthorized", "Nobody is signed in, or the credentials are wrong.", errors.NotSignedIn.detail),
    403: Status(
        "Forbidden",
        "The role may not do this, or a change comes from another site's page.",
        "Your role, guest, may not do this. It takes one of: admin, consultant.",
    ),
    404: Status("NotFound", "Not there, or nothing the signed-in user may see.", errors.NotFound.detail),
    409: Status(
        "Conflict",
        "It clashes with what is there; the detail says with what and what to do.",
        "email: is already the e-mail of another contact; use that contact or another address.",
    ),
    413: Status(
        "ContentTooLarge",
        "The body is larger than what is accepted: 1 MiB of JSON, 1 GiB of a file unless configured otherwise.",
        "The body has 2097152 bytes; at most 1048576 are accepted.",
    ),
    415: Status(
        "UnsupportedMediaType",
        "The body's media type is not the one that the operation takes.",
        "The body must be application/json; set the Content-Type header.",
    ),
    416: Status(
        "RangeNotSatisfiable",
        "The range begins after the end of the file; Content-Range says how long it is.",
        "The file has 48213 bytes; the range begins after them.",
    ),
    422: Status(
        "UnprocessableContent",
        "Something sent is not acceptable; errors has each problem by field.",
        "name: is required; it must be text of 1 to 255 characters, not only spaces.",
    ),
    429: Status("TooManyRequests", "Too many attempts; Retry-After says when to come back.",
                "Too many attempts. Try again in 12 minutes."),
    500: Status("InternalServerError", "Something is wrong on the server; its log has it by the request id.",
                errors.Problem.detail),
    503: Status("ServiceUnavailable", "The database is gone or busy, or the time ran out; Retry-After says when to "
                "come back.", errors.Unavailable.detail),
    507: Status("InsufficientStorage", "There is no space left to store it; nothing was changed.",
                errors.StorageFull.detail),
}  # fmt: skip
