"""Headers of other systems' exports, and words of people for the same, by the fields that they
mean: those that HubSpot, Pipedrive, EspoCRM and Twenty write, and usual English and German ones.

Headers are compared without case, accents and signs. Of several columns for one field the one whose
header stands first here is taken.
"""

from collections.abc import Mapping

HEADERS: Mapping[str, Mapping[str, str]] = {
    "organizations": {
        "name": """Name|Company name|Organization name|Account name|Organization - Name|Company|
            Organization|Organisation|Account|Firma|Firmenname|Unternehmen|Name 1|Kunde""",
        "type": """Type|Company type|Account type|Organization type|Organization - Label|
            Lifecycle stage|Label|Labels|Relationship|Art|Typ|Kundentyp|Customer type""",
        "status": "Status|State of account|Account status|Organization - Active flag|Zustand",
        "industry": "Industry|Branche|Sector|Organization - Industry|Branch of industry",
        "website": """Website|Website URL|Organization - Website|Company domain name|
            Domain Name / Link URL|domainName.primaryLinkUrl|Domain Name|Web|Webseite|Homepage|URL|
            Internet|Domain""",
        "description": """Description|About us|Organization - Description|Beschreibung|Notes|Notiz|
            Notizen|Bemerkung|Bemerkungen|About|Comment|Kommentar""",
        "externalId": """External ID|Record ID|Record ID - Company|Organization - ID|Company ID|
            Organization ID|Account ID|ID|Customer ID|Customer number|Kundennummer|Kunden-Nr.|
            Nummer""",
        "domains": "Domains|Additional domains",
        "ownerId": """Owner ID|Company owner|Organization - Owner|Assigned User|Assigned User Name|
            Account Owner / Email|Account Owner|Owner|Owner email|Betreuer|Verantwortlich|
            Zuständig|Kundenbetreuer""",
        "parentId": """Parent ID|Parent company|Parent account|Organization - Parent|
            Muttergesellschaft|Konzern""",
        "tags": "Tags|Tag|Schlagworte|Schlagwörter|Stichworte|Keywords",
        "metadata": "Metadata",
    },
    "contacts": {
        "fullName": """Full name|Name|Person - Name|Contact name|Person|Ansprechpartner|Kontakt|
            Vollständiger Name|First Name|Name / First Name|name.firstName|Person - First name|
            Vorname|Given name|Last Name|Name / Last Name|name.lastName|Person - Last name|
            Nachname|Familienname|Surname|Family name""",
        "email": """Email|E-mail|Email address|Person - Email - Work|Emails / Primary Email|
            emails.primaryEmail|Mail|E-Mail-Adresse|Person - Email|Work email|Person - Email - Home|
            Person - Email - Other|Additional email addresses|Private email""",
        "phone": """Phone|Phone number|Person - Phone - Work|Phones / Primary Phone Number|
            phones.primaryPhoneNumber|Telephone|Telefon|Telefonnummer|Tel.|Person - Phone|
            Office phone|Mobile phone number|Person - Phone - Mobile|Mobile phone|Mobile|Mobil|
            Handy|Person - Phone - Home|Person - Phone - Other""",
        "company": """Company|Company name|Person - Organization|Primary Associated Company|
            Associated Company|Account Name|Account|Company / Name|Organization|Organisation|
            Firma|Unternehmen|Arbeitgeber""",
        "title": """Job title|Title|Person - Job title|Account Title|Position|Funktion|
            Berufsbezeichnung""",
        "department": "Department|Abteilung",
        "type": "Type|Contact type|Typ|Kontaktart",
        "isActive": "Is active|Active|Aktiv|Person - Active flag",
        "externalId": """External ID|Record ID|Record ID - Contact|Person - ID|Contact ID|Person ID|
            ID""",
        "mentionName": "Mention name|Nickname|Kurzname|Spitzname",
        "metadata": "Metadata",
    },
    "members": {
        "organizationId": """Organization ID|Organization|Company|Company name|Account|Organisation|
            Firma|Unternehmen|Kunde""",
        "contactId": """Contact ID|Contact|Email|E-mail|Person|Name|Full name|Kontakt|
            Ansprechpartner""",
        "role": "Role|Rolle|Funktion",
    },
    "projects": {
        "title": """Title|Deal name|Deal - Title|Project|Project name|Name|Opportunity name|Projekt|
            Projektname|Titel|Bezeichnung|Subject""",
        "organizationId": """Organization ID|Associated Company|Primary Associated Company|
            Deal - Organization|Account Name|Account|Company / Name|Company|Company name|
            Organization|Organisation|Customer|Client|Firma|Kunde|Unternehmen""",
        "description": "Description|Deal Description|Beschreibung|Notes|Notizen|Bemerkungen",
        "status": "Status|Deal - Status|Deal stage|Stage|Deal - Stage|Phase",
        "startDate": """Start date|Start|Beginn|Startdatum|Begin|Projektbeginn""",
        "dueDate": """Due date|Close date|Deal - Expected close date|Expected close date|End date|
            End|Ende|Enddatum|Fällig|Fällig am|Deadline|Projektende""",
        "audience": "Audience",
        "externalId": """External ID|Record ID|Record ID - Deal|Deal - ID|Deal ID|Opportunity ID|
            Project ID|ID""",
    },
    "tasks": {
        "title": """Title|Task Title|Subject|Activity - Subject|Task name|Name|Task|Aufgabe|Betreff|
            Titel""",
        "description": """Description|Notes|Activity - Note|Note|Body|Task notes|Body V2 / Markdown|
            Beschreibung|Notiz|Notizen""",
        "organizationId": """Organization ID|Associated Company|Activity - Organization|
            Account Name|Account|Parent|Company|Company name|Organization|Firma|Kunde""",
        "projectId": "Project ID|Project|Projekt|Associated Deal|Activity - Deal|Deal",
        "assigneeId": """Assignee ID|Assigned to|Assignee|Assignee / Email|Assigned User|
            Assigned User Name|Activity - Assigned to user|Task owner|Owner|Verantwortlich|
            Zuständig""",
        "status": "Status|Task Status|Activity - Done|Done|Erledigt",
        "priority": "Priority|Task Priority|Activity - Priority|Priorität",
        "dueDate": """Due date|Activity - Due date|Date due|Date end|Due|Due at|End date|Fällig|
            Fällig am|Fälligkeit|Termin""",
        "order": "Order",
        "audience": "Audience",
        "externalId": "External ID|Record ID|Record ID - Task|Activity - ID|Task ID|ID",
    },
    "activities": {
        "organizationId": """Organization ID|Associated Company|Activity - Organization|
            Account Name|Account|Parent|Company|Company name|Organization|Firma|Kunde""",
        "text": """Text|Note|Activity - Note|Body|Notes|Description|Subject|Activity - Subject|
            Betreff|Notiz|Beschreibung|Name""",
        "kind": "Kind|Type|Activity type|Activity - Type|Art|Typ",
        "happenedAt": """Happened at|Activity date|Activity - Due date|Date start|Date|Datum|
            Create date|Created at|Am""",
        "contactIds": "Contact IDs",
        "audience": "Audience",
        "externalId": "External ID|Record ID|Activity - ID|Activity ID|ID",
    },
}

# Fields that several columns may fill: the text of each is added, or the first text is taken.
ADDED = {"fullName": " ", "description": "\n\n", "text": "\n\n"}
FIRST_TAKEN = frozenset({"email", "phone", "website"})
FAMILY_NAMES = """Last Name|Name / Last Name|name.lastName|Person - Last name|Nachname|
    Familienname|Surname|Family name"""
GIVEN_NAMES = "First Name|Name / First Name|name.firstName|Person - First name|Vorname|Given name"

# Values of other systems by ours, of a field of a noun.
VALUES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("organizations", "type"): {
        "customer": "customer|client|kunde|kundin|kunden|evangelist|bestandskunde|active customer",
        "prospect": """prospect|lead|interessent|subscriber|opportunity|marketing qualified lead|
            sales qualified lead|hot lead|warm lead|cold lead|target|neukunde""",
        "partner": "partner|reseller|investor|wiederverkäufer|agency",
        "vendor": "vendor|supplier|lieferant",
        "internal": "internal|intern|own company",
        "other": "other|andere|andere art|sonstige|competitor|press|analyst|integrator",
    },
    ("organizations", "status"): {
        "active": "active|aktiv|open|in progress|true|yes|ja|1",
        "inactive": "inactive|inaktiv|false|no|nein|0|unqualified",
        "archived": "archived|archiviert|closed|deleted",
    },
    ("contacts", "type"): {
        "client": "client|customer|kunde|kundin",
        "internal": "internal|intern|employee|mitarbeiter",
        "external": "external|extern|partner",
        "vendor": "vendor|supplier|lieferant",
    },
    ("projects", "status"): {
        "planned": """planned|open|geplant|offen|new|screening|meeting|proposal|qualification|
            prospecting|negotiation|appointment scheduled|qualified to buy|presentation scheduled|
            decision maker bought in|contract sent|qualified|contact made|demo scheduled|
            proposal made|negotiations started|value proposition|perception analysis""",
        "active": "active|won|closed won|customer|aktiv|laufend|in progress|gewonnen",
        "on_hold": "on hold|pausiert|paused|wartend",
        "completed": "completed|done|finished|abgeschlossen|fertig|beendet",
        "cancelled": "cancelled|canceled|lost|closed lost|deleted|verloren|abgebrochen|storniert",
    },
    ("tasks", "status"): {
        "todo": "todo|to do|not started|open|planned|offen|false|no|nein|0|inbox",
        "in_progress": "in progress|started|in arbeit|begonnen",
        "blocked": "blocked|blockiert",
        "review": "review|waiting|deferred|wartend",
        "completed": "completed|done|closed|erledigt|held|true|yes|ja|1|canceled|cancelled",
    },
    ("tasks", "priority"): {
        "low": "low|niedrig|tief|none",
        "medium": "medium|normal|mittel",
        "high": "high|urgent|hoch|dringend|sehr hoch",
    },
    ("activities", "kind"): {
        "call": "call|anruf|telefonat|phone call",
        "meeting": "meeting|treffen|besprechung|termin|lunch|demo|visit|besuch",
        "email": "email|e-mail|mail|incoming email|outgoing email",
        "note": "note|notiz|task|deadline|other|post|comment",
    },
    ("members", "role"): {
        "primary_contact": "primary contact|hauptkontakt|ansprechpartner|primary",
        "executive_sponsor": "executive sponsor|sponsor|decision maker|entscheider|executive buyer",
        "project_manager": "project manager|projektleiter|projektleiterin|pm",
        "technical_lead": "technical lead|technical evaluator|technischer leiter|it",
        "subject_matter_expert": "subject matter expert|expert|experte|fachexperte",
        "billing_contact": "billing contact|billing|buchhaltung|rechnung|finance",
        "stakeholder": "stakeholder|influencer|evaluator|beteiligt",
        "member": "member|mitglied|other|user",
    },
}

# Prefixes of external ids, by headers that only this system writes: two of them tell it.
SOURCES = {
    "pipedrive:": """Organization - ID|Organization - Name|Person - ID|Person - Name|Deal - ID|
        Deal - Title|Activity - ID|Activity - Subject|Organization - Owner|Deal - Status|
        Organization - Label|Person - Organization|Person - Email - Work|Deal - Organization""",
    "hubspot:": """Record ID|Record ID - Company|Record ID - Contact|Record ID - Deal|Company owner|
        Contact owner|Deal owner|Lifecycle Stage|Deal Stage|Company Domain Name|Lead Status|
        Associated Company|Associated Company IDs|Primary Associated Company|Task Title|
        Task Status|Pipeline|Associated Contact|Task Type""",
    "twenty:": """Domain Name / Link URL|domainName.primaryLinkUrl|Emails / Primary Email|
        emails.primaryEmail|Name / First Name|name.firstName|Creation date|Last update|
        Deleted at|Created by / Name|Account Owner|Linkedin / Link URL|ICP|ARR / Amount|
        Annual Recurring Revenue / Amount|Address / Address 1|Point of Contact / Name|
        Amount / Amount|Amount / Currency|Body V2 / Markdown|Due Date|Position|Company / Name""",
    "espocrm:": """Assigned User|Assigned User Name|Assigned User ID|Account Name|Account ID|
        SIC Code|Billing Address City|Billing Address Country|Created By|Modified By|Teams|
        Date Start|Date End|Created At|Modified At|Stage|Account Title|Probability""",
}

# Columns that systems keep for themselves: nobody misses them.
LEFT_OUT = """Create Date|Created at|Created by|Creation date|Last update|Last modified date|
    Modified at|Modified by|Updated at|Deleted at|Position|Created by / Name|Created by / Source|
    Last activity date|Number of associated contacts|Number of associated deals|
    Number of times contacted|Update time|Add time|Organization - Organization created|
    Organization - Update time|Organization - Open deals|Organization - Won deals|
    Organization - Lost deals|Organization - Closed deals|Organization - People|
    Organization - Total activities|Organization - Done activities|Organization - Activities to do|
    Person - Person created|Person - Update time|Person - Open deals|Person - Won deals|
    Person - Lost deals|Person - Closed deals|Person - Total activities|Person - Done activities|
    Deal - Deal created|Deal - Update time|Activity - Add time|Search Vector|Deleted|
    Associated Contact IDs|Associated Company IDs|Associated Deal IDs|problem"""
