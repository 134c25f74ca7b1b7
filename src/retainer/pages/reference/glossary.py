"""The sentences of operations, tags and statuses: words for people, no rules."""

from typing import NamedTuple

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
