"""Every page and form with a path that exists, and the check of a page's HTML."""

import gzip
import re
import secrets
from html.parser import HTMLParser
from typing import Any

from retainer.http.routing import Route
from retainer.pages.routes import PAGES
from retainer.permissions import PUBLIC, Role
from support.cast import Cast, Person
from support.samples import (
    activity,
    contact,
    file,
    membership,
    operation,
    organization,
    planned_import,
    planned_row,
    project,
    task,
    user,
    view,
)

HTML = {"Accept": "text/html,application/xhtml+xml"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ROLES = {"ada": Role.ADMIN, "cora": Role.CONSULTANT, "stan": Role.STAFF, "gita": Role.GUEST}
SHOWN = [route for route in PAGES if not route.changes and route.permission != PUBLIC]
FORMS = [route for route in PAGES if route.changes and route.permission != PUBLIC]


def own_session(cast: Cast) -> list[int]:
    """A second session of the person who is about to ask."""
    return [
        cast.sql.value(
            """INSERT INTO sessions (tenant_id, user_id, token_hash, idle_expires_at, expires_at)
               VALUES ($1, $2, $3, now() + interval '1 day', now() + interval '30 days') RETURNING id""",
            cast.asking.tenant, cast.asking.id, secrets.token_bytes(32),
        )
    ]  # fmt: skip


# The records that the ids of a path name, by its first word.
IDS = {
    "organizations": organization,
    "contacts": contact,
    "projects": project,
    "tasks": task,
    "documents": file,
    "activities": activity,
    "users": user,
    "tenants": lambda cast: [cast.tenant],
    "views": view,
    "imports": planned_import,
    "operations": operation,
    "profile": own_session,
}

# Parameters without which a page has nothing to show.
QUERIES: dict[str, str] = {"newView": "?noun=tasks&query=status%3Dtodo"}

# Pages that answer no page: a part of one, or a file.
PARTS = {
    "duplicates",
    "choices",
    "exportOrganizations",
    "exportContacts",
    "exportProjects",
    "exportTasks",
    "exportAudit",
    "exportImportRows",
    "importTemplate",
    "previewDocument",
}


def path_of(cast: Cast, route: Route, known: dict[str, list[int]] | None = None) -> str:
    """A path of the route: to records of the cast, or to those in `known`, by the path's first word."""
    path, known = route.path, known or {}
    if route.parameters:
        noun = path.split("/")[1]
        ids = known.get(noun) or IDS[noun](cast)
        if len(route.parameters) > len(ids):
            members = known.get("members") or membership(cast)
            ids = members if "contactId" in path else [*ids, 1]
            if noun == "imports":
                ids = planned_row(cast)
        for parameter, id in zip(route.parameters, ids, strict=False):
            path = path.replace(f"{{{parameter}}}", str(id))
    return path + QUERIES.get(route.name.removesuffix("Page"), "")


def get(person: Person, path: str, **headers: str) -> Any:
    return person.get(path, headers=HTML | headers, follow_redirects=False)


def post(person: Person, path: str, **fields: Any) -> Any:
    return person.request("POST", path, headers=HTML | FORM, data=fields, follow_redirects=False)


# Fields whose text is no person's: a link, and the filter of the API's description.
OF_MACHINES = ("link", None)


class Outline(HTMLParser):
    """The parts of a page that the rules of check() need."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.h1 = self.main = 0
        self.ids: list[str] = []
        self.wrong: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[dict[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.h1 += tag == "h1"
        self.main += tag == "main"
        self.ids += [given["id"] or ""] if "id" in given else []
        self.wrong += [
            name for name in given if name == "style" or name.startswith(("on", "hx-on"))
        ]
        if tag == "script" and "src" not in given:
            self.wrong.append("a script in the page")
        if tag == "label" and given.get("for"):
            self.labelled.add(given["for"] or "")
        if tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "submit"):
            given["wrapped"] = "yes" if "label" in self.open else None
            given["kind"] = given.get("type", "text") if tag == "input" else tag
            self.fields.append(given)
        if tag not in (
            "input",
            "meta",
            "link",
            "br",
            "path",
            "circle",
            "rect",
            "line",
            "img",
            "hr",
            "polyline",
        ):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]


def check(text: str) -> None:
    """Check the rules for the HTML of every page."""
    found = Outline(text)
    assert (found.h1, found.main) == (1, 1)
    assert re.search(r'<h1[^>]* tabindex="-1"', text), "it takes the focus when the page is another"
    assert found.wrong == [], "the content security policy forbids it"
    assert len(set(found.ids)) == len(found.ids), sorted(
        i for i in found.ids if found.ids.count(i) > 1
    )
    for field in found.fields:
        assert (
            field.get("wrapped") or field.get("aria-label") or field.get("id") in found.labelled
        ), field
        if field["kind"] in ("text", "search", "textarea") and field.get("name") not in OF_MACHINES:
            assert field.get("dir") == "auto", "Arabic and Hebrew are cut at the wrong end"
    assert re.search(r"<title>\S.* · Retainer</title>", text)
    assert len(gzip.compress(text.encode())) <= 12_000, "the budget of a page"
