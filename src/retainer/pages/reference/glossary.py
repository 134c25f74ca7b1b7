"""What the API's fields, operations and statuses mean, in sentences, with an example each: words
for people, no rules.

A field is looked up as "Type.field", then as "field"; a body counts as the noun it changes. The
examples make whole ones: the OpenAPI document shows them, and its test checks each against its
schema.
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
    "activities": "Calls, meetings, e-mails and notes of an organization.",
    "operations": "What was done, by whom and when; and taking it back.",
    "trash": "What was deleted, and can be restored.",
    "search": "Finding anything by what is remembered of it.",
    "views": "What people keep of the lists under a name: filters, sort and fields. Private, or shared.",
    "account": "Signing in and out, and one's own name, preferences, password and sessions.",
    "users": "Who may sign in, and with which role. For administrators.",
    "writes": "Many writes of records at once.",
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
    "Organization.website": (
        "Organization website URL; any text is kept",
        "https://acme.example.com",
    ),
    "Organization.description": (
        "Organization description",
        "Machine tools, three plants; with us since 2019.",
    ),
    "Organization.externalId": (
        "What another system calls it; no two organizations share one",
        "CRM-1042",
    ),
    "Organization.domains": (
        "Its host names, in small letters and international ones as xn--…; no two organizations share one",
        ["acme.example"],
    ),
    "Organization.parentId": (
        "Organization it is a part of; null for none, and when that one is deleted",
        7,
    ),
    "Organization.ownerId": ("User who looks after it", 2),
    "Organization.tags": (
        "Words to find it by, in their order; each once, whatever case and accents",
        ["Key account"],
    ),
    "Organization.suggestedDomain": (
        "The website's host, without www., while it is none of the domains: put it there if it is right",
        "acme.example.com",
    ),
    "Member.contactId": ("Contact ID", 3),
    "Member.role": ("What the contact is to us there", "primary_contact"),
    "fullName": ("Full name", "Jordan Meyer"),
    "Contact.mentionName": ("Short name to mention them by", "jordan"),
    "Contact.email": (
        "E-mail address; no two contacts share one, whatever its case",
        "jordan.meyer@acme.example.com",
    ),
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
    "DocumentForm.name": (
        "Name of the document; left out, the file's own",
        "Statement of work.pdf",
    ),
    "DocumentCreate.name": ("Name of the document", "Shared board"),
    "Document.type": (
        'A file\'s media type, found from its bytes; "link" for a link',
        "application/pdf",
    ),
    "Document.url": (
        "Where it leads: a file's content here, or the link's address",
        "/api/documents/1/content",
    ),
    "DocumentCreate.url": ("Where the link leads, http or https", "https://board.example.com/acme"),
    "DocumentUpdate.url": (
        "Where the link leads; files have no address to change",
        "https://board.example.com/acme",
    ),
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
    "Activity.kind": ("What it was", "call"),
    "Activity.text": (
        "What was said, written or noted, as plain text",
        "Jordan wants the offer by Friday.",
    ),
    "Activity.happenedAt": ("When it was", "2026-01-30T14:00:00.000Z"),
    "ActivityCreate.happenedAt": (
        "When it was, with the zone; now when left out",
        "2026-01-30T15:00:00+01:00",
    ),
    "ActivityUpdate.happenedAt": ("When it was, with the zone", "2026-01-30T15:00:00+01:00"),
    "ActivityUpdate.organizationId": ("Organization it is to belong to", 1),
    "Activity.authorId": ("User who logged it", 2),
    "Activity.contactIds": (
        "Contacts it was with; once linked they stay, deleted or out of your sight, until another list is sent",
        [3],
    ),
    "Activity.author": ("The user who logged it", None),
    "Activity.contacts": (
        "The contacts it was with, those that are there and that you may see",
        None,
    ),
    "username": (
        "E-mail address to sign in with; nobody else in this installation has it",
        "cora@example.com",
    ),
    "Login.username": ("E-mail address of the user", "ada@example.com"),
    "User.fullName": ("Full name", "Cora"),
    "UserCreate.username": ("E-mail address to sign in with", "nora@example.com"),
    "UserCreate.fullName": ("Full name", "Nora Lind"),
    "User.role": ("What they may do", "consultant"),
    "User.tenantId": ("The consultancy they belong to", 1),
    "User.contactId": (
        "The contact they are; staff and guests see that contact's organizations",
        2,
    ),
    "User.isActive": ("False keeps them from signing in", True),
    "User.lastLoginAt": (
        "When they signed in last; null before the first time",
        "2026-02-03T16:05:12.480Z",
    ),
    "theme": ("Colours of the pages: the system's, light or dark", "dark"),
    "density": ("Height of the rows of lists", "comfortable"),
    "shortcuts": (
        "Whether single keys do something on pages; false leaves those with Ctrl or Cmd",
        True,
    ),
    "View.noun": ("The list that it is of, for good", "organizations"),
    "View.name": (
        "Name; no two views of a list that one person keeps share one, whatever case and accents",
        "Key accounts",
    ),
    "View.query": (
        "Parameters of the list as they stand behind the ? of its address, but limit and cursor",
        "status=active&tags=vip&sort=-updatedAt",
    ),
    "View.isShared": (
        "True lets everybody but guests see it, and administrators change it; guests cannot share",
        False,
    ),
    "View.ownerId": ("User who made it", 2),
    "timeZone": ("Name of a time zone (IANA)", "Europe/Zurich"),
    "AccountUpdate.timeZone": (
        "Name of a time zone (IANA); null for the consultancy's",
        "Europe/Zurich",
    ),
    "Login.password": ("Their password", "quiet-ledger-2026"),
    "token": (
        "What stands in the link after #token=",
        "kJ3v0m1sXh2y8dQeR7uTzA5bC9fGnLwPoI4YxKq6M-E",
    ),
    "Setup.password": (
        "The password to have: 8 characters or more, and no common one",
        "slow-river-violet-42",
    ),
    "currentPassword": ("The password until now", "quiet-ledger-2026"),
    "newPassword": (
        "The password to have: 8 characters or more, and no common one",
        "slow-river-violet-42",
    ),
    "Link.url": (
        "The link to hand over",
        "https://retainer.example.com/setup#token=kJ3v0m1sXh2y8dQeR7uTzA5bC9fGnLwP",
    ),
    "expiresAt": ("When it ends", "2026-02-03T09:30:00.000Z"),
    "Session.lastSeenAt": ("When it was used last", "2026-01-31T11:02:45.120Z"),
    "Session.expiresAt": ("When it ends if it is not used any more", "2026-02-01T11:02:45.120Z"),
    "Session.userAgent": ("What the browser calls itself", "curl/8.14.1"),
    "Session.address": ("Address it began from", "192.0.2.10"),
    "Session.current": ("Whether it is the one that asks", True),
    "Actor.id": ("Unique identifier of the user", 1),
    "Operation.id": ("Number of the operation; all that it did has the same", 41),
    "Operation.at": ("When it began", "2026-02-03T16:05:12.480Z"),
    "Operation.action": (
        "What was asked for: an operation of this document, or a command",
        "updateOrganization",
    ),
    "Operation.via": ("Through what", "api"),
    "Operation.requestId": (
        "Finds the request in the server's log; null for a command",
        "3f9c0b7a21-1f",
    ),
    "Operation.actor": ("The user who acted; null for the command line and the system", None),
    "Operation.actorKind": ("Who acted: user, command or system", "user"),
    "Operation.undoes": ("The operation that it took back; null for any other", None),
    "Operation.outcome": ("Whether it was done, or refused because the role may not do it", "done"),
    "Operation.undoneBy": ("The operation that took it back; null where none did", None),
    "Operation.records": ("How many records it was done to, of those that you see", 1),
    "Operation.canUndo": (
        "Whether you may undo it: your role may do so, and nothing it was done to has changed since",
        True,
    ),
    "OperationDetails.changes": ("What it did to each record, in order", None),
    "RecordChange.entity": ("Which kind of record, as in histories", "organizations"),
    "RecordChange.entityId": (
        "Its id; a member or an activity's contact is told by the contact's, a document's project by the project's, a "
        "version by the document's",
        1,
    ),
    "RecordChange.version": ("The record's version after it, the second number of its ETag", 2),
    "RecordChange.action": ("What was done to it", "update"),
    "RecordChange.changes": ("Each field that changed; of a new record each that it has", None),
    "TrashEntry.kind": ("What was deleted", "organization"),
    "TrashEntry.id": ("Its id; of a member the contact's", 1),
    "TrashEntry.title": ("Its name or title; of a member the contact's name", "Acme Corporation"),
    "TrashEntry.organizationId": (
        "The organization it is, or belonged to; null where there is none",
        1,
    ),
    "TrashEntry.deletedAt": ("When it was deleted", "2026-02-03T16:05:12.480Z"),
    "TrashEntry.deletedBy": (
        "The user who deleted it; null for the command line and the system",
        None,
    ),
    "TrashEntry.operationId": ("The operation that deleted it: undo that one to restore it", 41),
    "TrashEntry.alsoDeleted": ("How many records went with it, and would come back with it", 12),
    "Clash.entity": ("Which kind of record it is, as in histories", "tasks"),
    "Clash.entityId": ("Its id", 12),
    "Clash.title": ("Its name or title", "Send the kick-off agenda"),
    "Clash.message": (
        "What is in the way, and what would be right",
        "was changed by Cora at 2026-02-03T16:05:12.480Z (operation 42); undo that first, or change it by hand",
    ),
    "Clash.by": ("Who changed it; left out where nobody did", "Cora"),
    "Clash.at": ("When; left out where nobody did", "2026-02-03T16:05:12.480Z"),
    "Clash.operationId": ("By which operation; left out where nobody did", 42),
    "FieldChange.field": ("Name of the field", "status"),
    "FieldChange.before": ("Its value before; null of a new record", "active"),
    "FieldChange.after": ("Its value after", "inactive"),
    "HistoryEntry.operation": ("What was done, by whom and when", None),
    "HistoryEntry.entity": (
        "Which kind of record it was done to: the one asked for, members of an organization, documentProjects "
        "or activityContacts",
        "organizations",
    ),
    "HistoryEntry.entityId": (
        "Its id; a member or an activity's contact is told by the contact's id, a document's project by the project's",
        1,
    ),
    "HistoryEntry.version": ("The record's version after it, the second number of its ETag", 2),
    "HistoryEntry.action": ("What was done to it", "update"),
    "HistoryEntry.changes": ("Each field that changed; of a new record each that it has", None),
    "SearchQuery.q": ("What to find: words, or their beginnings", "aceme corpration"),
    "SearchQuery.kinds": (
        "Only these kinds, with commas between; all when left out",
        ["organization", "contact"],
    ),
    "SearchQuery.limit": ("How many hits at most", 20),
    "Hit.kind": ("What was found; its id is one of that kind", "organization"),
    "Hit.title": ("Its name, full name or title", "Acme Corporation"),
    "Hit.subtitle": (
        "An organization's industry, a contact's e-mail, else the organization's name",
        "Technology",
    ),
    "Hit.organizationId": ("The organization, when there is one that the viewer sees", 1),
    "Hit.score": ("The higher the better; comparable within one answer only", 83.58),
    "Hit.highlights": ("Where the words stand; none when they resemble something else", None),
    "Highlight.field": ("Which of its fields, or content: the text of a file", "name"),
    "Highlight.parts": (
        "The text in pieces; together they are it, or a part of it with … where it was cut",
        None,
    ),
    "Part.text": ("A piece of the text as it is, without any markup", "Acme"),
    "Part.match": ("Whether this piece was found", True),
    "ProblemDetails.type": (
        "What kind of problem; always about:blank, the status says it",
        "about:blank",
    ),
    "ProblemDetails.title": ("The status in words", "Unprocessable Content"),
    "ProblemDetails.status": ("The status code", 422),
    "ProblemDetails.detail": (
        "What is wrong, where, and what would be right",
        "name: is required; it must be text.",
    ),
    "ProblemDetails.instance": ("The path that was asked for", "/api/organizations"),
    "ProblemDetails.requestId": ("Finds the request in the server's log", "3f9c0b7a21-1f"),
    "ProblemDetails.errors": ("Each problem of the request by field, on 422 and some 409", None),
    "BulkLine.method": ("Method of the write", "PUT"),
    "BulkLine.path": ("Path of the write, without /api", "/organizations/1"),
    "BulkLine.body": ("Its body, where it has one", {"industry": "Energy"}),
    "BulkLine.ifMatch": (
        "ETags of the states in which it is made; left out, it is made in any",
        '"1-4"',
    ),
    "BulkAnswer.line": ("Number of the line, from 1", 1),
    "BulkAnswer.status": ("Status that the write would have alone", 200),
    "BulkAnswer.etag": ("ETag of the record after the write; null where there is none", '"1-5"'),
    "BulkAnswer.body": (
        "What the write would answer alone; null where that is nothing",
        {"id": 1, "industry": "Energy"},
    ),
    "BulkAnswer.problem": ("The problem document of a line that was refused, else null", None),
    "LineProblem.line": ("Number of the line, from 1", 3),
    "LineProblem.status": ("Status that the write would have alone", 404),
    "LineProblem.detail": ("What is wrong, where, and what would be right", errors.NotFound.detail),
    "LineProblem.errors": ("Each problem of the write by field", []),
    "ProblemDetails.lines": ("On 422 of /bulk: each line that cannot be done", None),
    "ProblemDetails.clashes": (
        "On 409 of an undoing: each record that is in the way, at most 20",
        None,
    ),
    "ProblemDetails.current": (
        "On 412: the record as it is now",
        {"id": 1, "name": "Acme Corporation"},
    ),
    "FieldError.field": ("Path of the field, such as metadata or projectIds[2]", "name"),
    "FieldError.message": (
        "What is wrong with it and what would be right",
        "is required; it must be text",
    ),
}

# What a body shows as a whole where the fields' own examples would not make a plausible one.
BODIES: dict[str, dict[str, Any]] = {
    "BulkAnswer": {
        "line": 1,
        "status": 200,
        "etag": '"1-5"',
        "body": {"id": 1, "industry": "Energy"},
        "problem": None,
    },
    "OrganizationCreate": {
        "name": "New Client Inc.",
        "type": "customer",
        "status": "active",
        "industry": "Technology",
    },
    "OrganizationUpdate": {"status": "inactive", "industry": "Logistics"},
    "ContactUpdate": {"title": "Chief Operating Officer", "phone": None},
    "ProjectUpdate": {"status": "completed"},
    "TaskCreate": {
        "title": "Send the kick-off agenda",
        "organizationId": 1,
        "dueDate": "2026-02-09",
    },
    "TaskUpdate": {"status": "in_progress", "priority": "high"},
    "DocumentCreate": {
        "name": "Shared board",
        "url": "https://board.example.com/acme",
        "organizationId": 1,
    },
    "DocumentForm": {"file": "(the bytes of the file)", "organizationId": 1, "audience": "client"},
    "DocumentUpdate": {"name": "Statement of work, signed.pdf", "audience": "client"},
    "ActivityCreate": {
        "kind": "call",
        "text": "Jordan wants the offer by Friday.",
        "contactIds": [3],
    },
    "ActivityUpdate": {"text": "Jordan wants the offer by Thursday.", "audience": "client"},
    "UserUpdate": {"fullName": "Ada Berg"},
    "AccountUpdate": {"timeZone": "Europe/Zurich", "theme": "dark"},
    "ViewUpdate": {"name": "Key accounts, newest first", "isShared": True},
}

# What an operation's summary and permission leave open.
OPERATIONS = {
    "listOrganizations": "Returns all organizations accessible to the authenticated user, by name.",
    "createOrganization": "Creates a new organization. Requires consultant or admin role.",
    "getOrganization": "Returns a specific organization by ID.",
    "updateOrganization": "Updates an existing organization: only the fields that are sent change; null clears.",
    "deleteOrganization": "Deletes an organization with its members, projects, tasks, documents and "
    "activities. Requires consultant or admin role.",
    "duplicateOrganization": "Creates a copy of an existing organization's own fields, named “Name (copy)”, "
    "“Name (copy 2)” and so on.",
    "putOrganizationByExternalId": "Changes the organization that has this external id (200), or adds one with it "
    "(201), for which name and type are required. However often it is repeated, there is one.",
    "putOrganizationByDomain": "Changes the organization that has this domain (200), or adds one with it (201), for "
    "which name and type are required. However often it is repeated, there is one.",
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
    "bulk": "Each line is a write as it would be sent alone, of organizations, members, contacts, projects, tasks, "
    "documents, activities, views or users, by JSON. All of it is done or nothing (422 with the lines that cannot be "
    "done), unless `Prefer: handling=lenient` asks for each by itself. It is one operation of the journal. The answer "
    "has a line for each, in their order.",
    "listOrganizationHistory": "Returns who changed what and when, newest first: the organization and its members.",
    "listDocumentHistory": "Returns who changed what and when, newest first: the document and its projects.",
    "listActivities": "Returns all activities, the newest first.",
    "listOrganizationActivities": "Returns all activities of an organization, the newest first.",
    "createActivity": "Who sends it is its author. A text is enough: it is a note of now.",
    "listActivityHistory": "Returns who changed what and when, newest first: the activity and its contacts.",
    "listOperations": "Returns every change, newest first: those of records that you see, and to administrators "
    "sign-ins, refusals and changes of users too.",
    "getOperation": "The operation as the list has it, with each field that it changed.",
    "undoOperation": "Everything that it changed becomes what it was before, as a new operation, or nothing does. 409 "
    "names each record that was changed since, with who did it. An undoing is undone the same way. It takes the "
    "permission of each record's own change; staff undo what they did themselves.",
    "listTrash": "Returns what was deleted, newest first, each record with all that went with it as one. Undo the "
    "operation that deleted it to restore it.",
    "listViews": "Returns your own views and, but for guests, the shared ones, by name; noun asks for one list's.",
    "createView": "The query is judged as its list would judge it (422 names what it would refuse). One person keeps "
    "at most 200 (409).",
    "updateView": "The owner's to change; a shared one also an administrator's, and for all others 403. A view stays "
    "with its list and its owner.",
    "deleteView": "The owner's to delete; a shared one also an administrator's, and for all others 403.",
    "searchEverything": "Finds organizations, contacts, projects, tasks, activities and documents, these also by the "
    "text in PDF, Word, Excel and plain text files. The words typed count as beginnings of words, in any order, "
    "without regard to case and accents, and with typing errors. The best hits come first.",
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
    412: Status(
        "PreconditionFailed",
        "The record is not in the state that If-Match or If-None-Match expects; current has it as it is.",
        'The record is not in the state that the request expects: its ETag is "1-5" now, see current.',
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
