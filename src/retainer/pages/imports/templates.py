"""The file of each noun that people fill in: its headers, and two rows as an example."""

import csv
import io

# Headers, with the values of the two rows.
ROWS: dict[str, dict[str, tuple[str, str]]] = {
    "organizations": {
        "Name": ("Acme Corporation", "Globex AG"),
        "Type": ("customer", "prospect"),
        "Status": ("active", "active"),
        "Industry": ("Logistics", "Energy"),
        "Website": ("https://acme.example", "https://globex.example"),
        "Description": ("Warehouses in four countries", ""),
        "External id": ("erp:1001", "erp:1002"),
        "Tags": ("key account, swiss", ""),
    },
    "contacts": {
        "Full name": ("Grace Hopper", "Jean Bartik"),
        "Email": ("grace@acme.example", "jean@globex.example"),
        "Type": ("client", "client"),
        "Phone": ("+41 44 123 45 67", ""),
        "Company": ("Acme Corporation", "Globex AG"),
        "Title": ("Head of logistics", "Engineer"),
        "Department": ("Operations", ""),
    },
    "members": {
        "Organization": ("Acme Corporation", "Globex AG"),
        "Contact": ("grace@acme.example", "jean@globex.example"),
        "Role": ("primary_contact", "technical_lead"),
    },
    "projects": {
        "Title": ("Warehouse audit", "Grid study"),
        "Organization": ("Acme Corporation", "Globex AG"),
        "Status": ("active", "planned"),
        "Start date": ("2027-01-15", "2027-03-01"),
        "Due date": ("2027-06-30", ""),
        "Description": ("Six sites", ""),
    },
    "tasks": {
        "Title": ("Send the offer", "Call about the invoice"),
        "Organization": ("Acme Corporation", "Globex AG"),
        "Status": ("todo", "in_progress"),
        "Priority": ("high", "medium"),
        "Due date": ("2027-01-20", ""),
        "Description": ("With the new rates", ""),
    },
    "activities": {
        "Organization": ("Acme Corporation", "Globex AG"),
        "Kind": ("call", "meeting"),
        "Happened at": ("2026-11-02T14:30:00Z", "2026-11-03T09:00:00Z"),
        "Text": ("Asked for the offer", "Walked through the plan"),
    },
}


def template(noun: str) -> bytes:
    """The template of a noun as CSV, with the mark by which Excel knows UTF-8."""
    found = ROWS[noun]
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(found)
    writer.writerows(zip(*found.values(), strict=True))
    return lines.getvalue().encode("utf-8-sig")
