"""What a second look at lists, search and safe writes found, through HTTP."""

import csv
import io
import json

from conftest import Cast


def test_a_row_with_several_others_in_it_stays_one_line(cast: Cast) -> None:
    """A contact of two organizations, and a document of two projects, in each format."""
    contact = cast.contact("Mia")
    for organization in (cast.acme, cast.globex):
        cast.ada.made(f"/api/organizations/{organization}/members", contactId=contact, role="member")
    made = [cast.ada.made("/api/projects", organizationId=cast.acme, title=title)["id"] for title in "AB"]
    cast.ada.made("/api/documents", name="Plan", url="https://plan.example", projectIds=made)
    for path, field in (("/api/contacts?expand=organizations", "organizations"), ("/api/documents?", "projects")):
        whole = cast.ada.get(path).json()
        assert any(len(row[field]) == 2 for row in whole)
        lines = cast.ada.get(path, headers={"Accept": "application/x-ndjson"}).text
        assert [json.loads(line) for line in lines.splitlines()] == whole
        sheet = csv.DictReader(io.StringIO(cast.ada.get(path, headers={"Accept": "text/csv"}).text))
        assert [json.loads(row[field]) for row in sheet] == [row[field] for row in whole]
