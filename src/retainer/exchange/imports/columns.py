"""Meanings of the columns of a file, as their headers and values suggest."""

import re
from collections.abc import Mapping, Sequence

from retainer.exchange.imports.model import ColumnMapping
from retainer.exchange.imports.targets import TARGETS, ImportField

LOOKED_AT = 200  # values of a column
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_DATE = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-]\d{2,4}", re.ASCII)

# Headers, in small letters without signs, by the fields that they mean: ours, those of other
# systems' exports, and German ones.
_HEADERS: Mapping[str, Mapping[str, str]] = {
    "organizations": {
        "name": "name companyname company organizationname organization accountname account firma "
        "firmenname unternehmen name1 kunde organisation",
        "type": "type lifecyclestage companytype accounttype label art typ",
        "status": "status state leadstatus zustand",
        "industry": "industry branche sector",
        "website": "website companydomainname domainname url web webseite homepage "
        "domainnamelinkurl domain",
        "description": "description aboutus notes beschreibung notizen bemerkungen about",
        "externalId": "externalid recordid id companyid organizationid accountid kundennummer "
        "nummer customerid recordidcompany",
        "domains": "domains",
        "ownerId": "ownerid companyowner owner accountowner assigneduser assignedusername "
        "assigneduserfullname verantwortlich betreuer",
        "parentId": "parentid parentcompany parentaccount muttergesellschaft",
        "tags": "tags tag labels schlagworte stichworte",
        "metadata": "metadata",
    },
    "contacts": {
        "fullName": "fullname name contactname person personname kontakt ansprechpartner",
        "email": "email emailaddress mail emailwork emailprimary emails emailsprimaryemail "
        "personemail personemailwork epostadresse",
        "phone": "phone phonenumber telephone tel telefon phonework mobile mobilephone "
        "mobilephonenumber telefonnummer phonesprimaryphonenumber personphonework",
        "company": "company companyname organization associatedcompany account accountname firma "
        "primaryassociatedcompany companyid",
        "title": "title jobtitle position funktion berufsbezeichnung",
        "department": "department abteilung",
        "type": "type contacttype",
        "isActive": "isactive active aktiv",
        "externalId": "externalid recordid contactid id personid recordidcontact",
        "mentionName": "mentionname nickname",
        "metadata": "metadata",
    },
    "members": {
        "organizationId": "organizationid organization company companyname firma account",
        "contactId": "contactid contact email name person kontakt",
        "role": "role rolle",
    },
    "projects": {
        "title": "title name dealname dealtitle opportunityname project projekt titel",
        "organizationId": "organizationid organization company companyname account accountname "
        "associatedcompany firma kunde",
        "description": "description beschreibung notes",
        "status": "status stage dealstage",
        "startDate": "startdate start beginn created createdate",
        "dueDate": "duedate closedate expectedclosedate end ende faellig enddate",
        "audience": "audience",
        "externalId": "externalid recordid dealid id",
    },
    "tasks": {
        "title": "title name subject task tasktitle aufgabe betreff titel",
        "description": "description notes body note beschreibung",
        "organizationId": "organizationid organization company companyname account "
        "associatedcompany",
        "projectId": "projectid project projekt deal",
        "assigneeId": "assigneeid assignee assignedto assignedtouser owner assigneduser "
        "assignedusername verantwortlich zustaendig",
        "status": "status taskstatus state",
        "priority": "priority prioritaet",
        "dueDate": "duedate due datedue enddate dateend faellig faelligam",
        "order": "order",
        "audience": "audience",
        "externalId": "externalid recordid taskid id",
    },
    "activities": {
        "organizationId": "organizationid organization company companyname account firma",
        "text": "text note notes subject body description betreff notiz",
        "kind": "kind type activitytype art",
        "happenedAt": "happenedat date activitydate datum createdate createdat duedate",
        "contactIds": "contactids",
        "audience": "audience",
        "externalId": "externalid recordid activityid id",
    },
}
# Values of other systems, in small letters without signs, by ours.
_VALUES: Mapping[str, str] = {
    "customer": "customer kunde kunden client active evangelist klant",
    "prospect": "prospect lead interessent subscriber opportunity marketingqualifiedlead "
    "salesqualifiedlead",
    "partner": "partner reseller investor",
    "vendor": "vendor supplier lieferant",
    "internal": "internal intern",
    "other": "other andere sonstige competitor press analyst",
    "todo": "todo notstarted open planned offen",
    "in_progress": "inprogress started inarbeit",
    "review": "review waiting deferred",
    "completed": "completed done closed erledigt held won closedwon",
    "low": "low niedrig tief",
    "medium": "medium normal mittel none",
    "high": "high hoch urgent dringend",
    "active": "active aktiv",
    "inactive": "inactive inaktiv",
    "archived": "archived archiviert",
}
_SOURCES = (  # prefixes of external ids, by headers that only one system writes
    ("hubspot:", {"recordid", "companyowner", "lifecyclestage", "createdate", "dealstage"}),
    ("pipedrive:", {"organizationid", "personphonework", "personemailwork", "labels"}),
    ("espocrm:", {"assigneduserid", "assignedusername", "accountid"}),
    ("twenty:", {"domainnamelinkurl", "emailsprimaryemail", "deletedat", "searchvector"}),
)


def plain(header: str) -> str:
    """A header as it is compared: small letters and digits alone."""
    folded = header.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    return re.sub(r"[^a-z0-9]", "", folded)


def is_own_export(noun: str, header: Sequence[str]) -> bool:
    """True for the header of a list of ours, whole: then its ids are those of records."""
    fields = tuple(TARGETS[noun].noun.list.fields)
    return tuple(header) == fields


def propose(
    noun: str,
    fields: Sequence[ImportField],
    header: Sequence[str],
    samples: Sequence[Sequence[str]],
) -> list[ColumnMapping]:
    """The meaning of each column. A field is taken once, by the first column that means it."""
    own = is_own_export(noun, header)
    known = {field.name: field for field in fields}
    meant = {word: name for name, words in _HEADERS[noun].items() for word in words.split()}
    free = set(known)
    found = []
    for place, column in enumerate(header):
        name: str | None = column if own else meant.get(plain(column))
        if own and column not in known:
            name = None
        if name not in free:
            name = None
        free.discard(name or "")
        values = [row[place] for row in samples[:LOOKED_AT] if place < len(row) and row[place]]
        mapped = ColumnMapping(column=column, field=name, confirmed=own and name == "id")
        if name is not None:
            _describe(mapped, known[name], values, header, own=own)
        elif not own and column.strip() and values and "metadata" in known:
            mapped.field = f"metadata.{column.strip()[:80]}"
        found.append(mapped)
    return found


def _describe(
    mapped: ColumnMapping,
    field: ImportField,
    values: Sequence[str],
    header: Sequence[str],
    *,
    own: bool,
) -> None:
    """Add what its values show: the words of an enum, the order of dates, a prefix of ids."""
    if field.type == "enum":
        words = {value: _ours(value, field) for value in dict.fromkeys(values)}
        mapped.values = {theirs: ours for theirs, ours in words.items() if ours and ours != theirs}
    if field.type in ("date", "moment"):
        mapped.format = _date_order(values)
    if field.name == "externalId" and not own:
        mapped.prefix = _prefix(header)


def _ours(value: str, field: ImportField) -> str | None:
    word = plain(value)
    for ours in field.values:
        if plain(ours) == word or word in _VALUES.get(ours, "").split():
            return ours
    return None


def _date_order(values: Sequence[str]) -> str | None:
    """The order of a column's dates; None where no day tells it."""
    if any(_ISO.match(value) for value in values):
        return "YMD"
    pairs = [(int(m[1]), int(m[2])) for value in values if (m := _DATE.match(value))]
    if any(first > 12 for first, _ in pairs) or any("." in value for value in values):
        return "DMY"
    return "MDY" if any(second > 12 for _, second in pairs) else None


def _prefix(header: Sequence[str]) -> str | None:
    """The prefix of another system's ids, if the headers tell which one it is."""
    words = {plain(column) for column in header}
    for prefix, told in _SOURCES:
        if len(words & told) >= 2:
            return prefix
    return None
