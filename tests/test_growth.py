"""The checklists of docs/architecture.md, carried out in a copy of the source: a field of
organizations and a noun, at the places they name and at no others; and all that follows of itself.
"""

import filecmp
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import retainer
from support.cast import Cast
from support.journal import history, last, summary, undone
from support.server import PASSWORD, Server, data_folder
from support.server import retainer as command
from support.sql import Sql

pytestmark = pytest.mark.slow  # it starts a server of a copied program

SOURCE = Path(retainer.__file__).parent
NEW_FILES = Path(__file__).with_name("growth")  # as they stand below src/retainer

FIELD = {
    "records/organizations/model.py": {
        "    suggested_domain:": """\
    segment: Annotated[Line | None, Meta(description="Part of the market", examples=["Mid-market"])]
""",
    },
    "records/organizations/store.py": {
        '    "suggestedDomain":': """\
    "segment": Field("o.segment", FieldType.TEXT, nullable=True),
""",
        '    "tags",\n)': """\
    "segment",
""",
    },
    "pages/organizations/handlers.py": {
        '    Field("description"': """\
    Field("segment", "Segment", maxlength=255, more=True),
""",
    },
}

NOUN = {
    "records/nouns.py": {
        "from retainer.records.members.noun": """\
from retainer.records.engagements.noun import ENGAGEMENT
""",
        ")\n": """\
    ENGAGEMENT,
""",
    },
    "permissions.py": {
        '    "bulk.write":': """\
    "engagements.read": Rule("See the engagements they have access to", EVERYONE),
    "engagements.write": Rule("Add, change and delete engagements", CONSULTANTS),
""",
        '    "views": {': """\
    "engagements": {
        "all": "true",
        "own": f"e.organization_id = {_MINE}",
        "client": f"e.organization_id = {_MINE} AND e.audience = 'client'",
    },
""",
    },
    "routes.py": {
        "from retainer.records.members import store": """\
from retainer.records.engagements import store as engagement
from retainer.records.engagements import web as engagements
from retainer.records.engagements.model import (
    Engagement,
    EngagementCreate,
    EngagementUpdate,
)
""",
        "    # What was done": """\
    # Engagements
    Route("listEngagements", "GET", "/engagements", engagements.index, "engagements.read",
          "List all engagements", response_type=list[Engagement], lists=engagement.LIST),
    Route("createEngagement", "POST", "/engagements", engagements.create, "engagements.write",
          "Create an engagement", body=EngagementCreate, response_type=Engagement),
    Route("getEngagement", "GET", "/engagements/{id}", engagements.show, "engagements.read",
          "Get an engagement", response_type=Engagement, on=engagement.exists),
    Route("updateEngagement", "PUT", "/engagements/{id}", engagements.update, "engagements.write",
          "Update an engagement", body=EngagementUpdate, response_type=Engagement, on=engagement.exists),
    Route("deleteEngagement", "DELETE", "/engagements/{id}", engagements.delete, "engagements.write",
          "Delete an engagement", status=204, on=engagement.exists),
    Route("listEngagementHistory", "GET", "/engagements/{id}/history", journal.of_record, "history.read",
          "List what was changed of an engagement", response_type=list[HistoryEntry],
          lists=history.HISTORY["engagements"], on=engagement.exists),

""",
    },
    "pages/routes.py": {
        "from retainer.pages.journal import audit": """\
from retainer.pages.engagements import handlers as engagements
""",
        "from retainer.records.members import store": """\
from retainer.records.engagements import store as engagement
""",
        "    # Views of the lists": """\
    # Engagements
    _page("engagements", "/engagements", engagements.index, "engagements.read", lists=engagement.LIST),
    _page("newEngagement", "/engagements/new", engagements.new, "engagements.write"),
    _form("createEngagement", "/engagements", engagements.create, "engagements.write"),
    _page("engagement", "/engagements/{id}", engagements.show_one, "engagements.read", on=engagement.exists),
    _form("updateEngagement", "/engagements/{id}", engagements.update, "engagements.write", on=engagement.exists),
    _form("deleteEngagement", "/engagements/{id}/delete", engagements.delete, "engagements.write",
          on=engagement.exists),

""",
    },
}


def add_field(copy: Path) -> None:
    """The checklist "Add a field"."""
    add_migration(copy, "segment")
    write(copy, FIELD)


def add_noun(copy: Path) -> None:
    """The checklist "Add a noun"."""
    add_migration(copy, "engagements")
    for group in ("records", "pages"):
        shutil.copytree(NEW_FILES / group / "engagements", copy / group / "engagements")
    write(copy, NOUN)


def add_migration(copy: Path, name: str) -> None:
    folder = copy / "database/migrations"
    number = max(int(path.name[:4]) for path in folder.glob("*.sql")) + 1
    shutil.copy(
        NEW_FILES / "database/migrations" / f"{name}.sql", folder / f"{number:04}_{name}.sql"
    )


def write(copy: Path, lines: dict[str, dict[str, str]]) -> None:
    """Write lines into files, each before the first line that begins so."""
    for file, inserted in lines.items():
        path = copy / file
        text = path.read_text()
        for anchor, new in inserted.items():
            assert f"\n{anchor}" in text, f"{file} has no line {anchor!r}"
            text = text.replace(f"\n{anchor}", f"\n{new}{anchor}", 1)
        path.write_text(text)


def places(before: Path, after: Path) -> set[str]:
    """Files that differ; of a folder that is new, the folder."""
    return set(_differences(filecmp.dircmp(before, after, ignore=["__pycache__"]), ""))


def _differences(found: filecmp.dircmp[str], folder: str) -> Iterator[str]:
    assert not found.left_only, "nothing is removed"
    yield from (f"{folder}{name}" for name in found.right_only)
    _, mismatch, _ = filecmp.cmpfiles(found.left, found.right, found.common_files, shallow=False)
    yield from (f"{folder}{name}" for name in mismatch)
    for name, part in found.subdirs.items():
        yield from _differences(part, f"{folder}{name}/")


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source with the field, and that with the noun too."""
    folder = tmp_path_factory.mktemp("growth")
    with_field = folder / "field" / "retainer"
    shutil.copytree(SOURCE, with_field)
    add_field(with_field)
    with_noun = folder / "noun" / "retainer"
    shutil.copytree(with_field, with_noun)
    add_noun(with_noun)
    return with_field, with_noun


@pytest.fixture(scope="module")
def server(copies: tuple[Path, Path]) -> Iterator[Server]:
    """A server of the copy with both, on data of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(copies[1].parent))
        running = Server(data_folder(), admin_email="root@example.com", admin_password=PASSWORD)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def sql(server: Server) -> Iterator[Sql]:
    owner = Sql(server.database_url)
    yield owner
    owner.close()


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as shared:
        yield shared


def test_a_field_takes_four_places(copies: tuple[Path, Path]) -> None:
    found = places(SOURCE, copies[0])
    assert {re.sub(r"\d{4}_", "", place) for place in found} == {
        "database/migrations/segment.sql",
        "records/organizations/model.py",
        "records/organizations/store.py",
        "pages/organizations/handlers.py",
    }


def test_a_noun_takes_seven_places(copies: tuple[Path, Path]) -> None:
    found = places(*copies)
    assert {re.sub(r"\d{4}_", "", place) for place in found} == {
        "database/migrations/engagements.sql",
        "records/engagements",
        "records/nouns.py",
        "pages/engagements",
        "pages/routes.py",
        "permissions.py",
        "routes.py",
    }


def test_a_database_of_before_takes_both_migrations(
    copies: tuple[Path, Path], own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("migrate", database_url=own_database).returncode == 0
    monkeypatch.setenv("PYTHONPATH", str(copies[1].parent))
    answer = command("migrate", database_url=own_database)
    assert answer.returncode == 0, answer.stderr
    assert re.findall(r"\d{4}_(\w+)\.sql", answer.stdout) == ["segment", "engagements"]


def page(person: Any, path: str, **options: Any) -> str:
    """A page as a browser gets it."""
    answer = person.get(path, headers={"Accept": "text/html"}, **options)
    assert answer.status_code == 200, answer.text
    return answer.text


def submit(person: Any, path: str, **fields: Any) -> httpx.Response:
    """Send a form as a browser does."""
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    return person.post(path, data=fields, headers=headers)


def document(cast: Cast) -> dict[str, Any]:
    return cast.ada.get("/api/openapi.json").json()


# The field


def test_a_new_field_is_created_updated_read_and_filtered_by(cast: Cast) -> None:
    made = cast.ada.made(
        "/api/organizations", name="Initech", type="customer", segment="Mid-market"
    )
    assert made["segment"] == "Mid-market"
    path = f"/api/organizations/{made['id']}"
    assert cast.ada.get(f"/api/organizations/{cast.acme}").json()["segment"] is None
    found = cast.ada.get("/api/organizations?segment=Mid-market").json()
    assert [one["id"] for one in found] == [made["id"]]
    assert cast.ada.put(path, {"segment": "Enterprise"}).json()["segment"] == "Enterprise"
    assert cast.ada.get("/api/organizations?segment=Mid-market").json() == []
    answer = cast.ada.put(path, {"segment": "x" * 256})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "segment"
    header = cast.ada.get("/api/organizations", headers={"Accept": "text/csv"}).text.splitlines()[0]
    assert "segment" in header
    cast.ada.put(f"/api/organizations/by/externalId/{made['id']}", {"segment": "SME"})


def test_a_new_field_is_duplicated_told_and_undone(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"segment": "Mid-market"})
    entry = history(cast, "organizations", cast.acme)[0]
    assert summary(entry)[2:] == ("update", {"segment": (None, "Mid-market")})
    copied = cast.ada.post(f"/api/organizations/{cast.acme}/duplicate").json()
    assert copied["segment"] == "Mid-market"
    assert "changed segment of" in page(cast.ada, "/activity")
    undone(cast, entry["operation"]["id"])
    assert cast.ada.get(f"/api/organizations/{cast.acme}").json()["segment"] is None


def test_a_new_field_is_in_the_form_the_properties_and_the_copys_form(cast: Cast) -> None:
    assert 'name="segment"' in page(cast.ada, "/organizations/new")
    answer = submit(
        cast.ada, "/organizations", name="Initech", type="customer", segment="Mid-market"
    )
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"]
    assert re.search(r'name="segment"[^>]*value="Mid-market"', page(cast.ada, path))
    copy = page(cast.ada, f"/organizations/new?copy={path.rpartition('/')[2]}")
    assert re.search(r'name="segment"[^>]*value="Mid-market"', copy)
    assert submit(cast.ada, path, segment="Enterprise").status_code == 303
    assert cast.ada.get(f"/api{path}").json()["segment"] == "Enterprise"


def test_a_new_field_is_described(cast: Cast) -> None:
    schemas = document(cast)["components"]["schemas"]
    for name in ("Organization", "OrganizationCreate", "OrganizationUpdate"):
        assert schemas[name]["properties"]["segment"]["description"] == "Part of the market"
    parameters = document(cast)["paths"]["/organizations"]["get"]["parameters"]
    (filters,) = (one for one in parameters if one["name"] == "filters")
    assert "segment" in {row["name"] for row in filters["x-filters"]}


# The noun


def engagement(cast: Cast, **fields: Any) -> dict[str, Any]:
    fields = {"organizationId": cast.acme, "title": "Interim finance lead", "fee": 48_000} | fields
    return cast.ada.made("/api/engagements", **fields)


def test_a_new_noun_is_created_listed_read_updated_and_deleted(cast: Cast) -> None:
    made = engagement(cast, startDate="2026-02-02")
    path = f"/api/engagements/{made['id']}"
    assert made["status"] == "proposed"
    assert cast.ada.get(path).json() == made
    found = cast.ada.get("/api/engagements?title:contains=finance&expand=organization").json()
    assert found[0]["organization"]["id"] == cast.acme
    assert cast.ada.get("/api/engagements?q=interim&fee:gte=50000").json() == []
    answer = cast.ada.put(path, {"status": "active"})
    assert answer.json()["status"] == "active"
    stale = cast.ada.put(path, {"fee": 1}, headers={"If-Match": f'"{made["id"]}-1"'})
    assert stale.status_code == 412
    wrong = cast.ada.put(path, {"endDate": "2026-01-01"})
    assert wrong.status_code == 422, wrong.text
    assert wrong.json()["errors"][0]["field"] == "endDate"
    assert cast.ada.delete(path).status_code == 204
    assert cast.ada.get(path).status_code == 404


def test_a_new_noun_comes_back_whole_and_is_made_without_what_the_server_sets(cast: Cast) -> None:
    made = engagement(cast)
    path = f"/api/engagements/{made['id']}"
    assert cast.ada.put(path, cast.ada.get(path).json()).status_code == 200
    answer = cast.ada.post("/api/engagements", made)
    assert answer.status_code == 422
    assert "is read-only; leave it out" in answer.text


def test_a_new_noun_is_seen_by_the_roles_of_its_permissions(cast: Cast) -> None:
    internal, shared = engagement(cast), engagement(cast, audience="client")
    elsewhere = engagement(cast, organizationId=cast.globex, audience="client")
    seen = {"ada": [internal, shared, elsewhere], "stan": [internal, shared], "gita": [shared]}
    for name, expected in (seen | {"sam": [], "olga": []}).items():
        found = getattr(cast, name).get("/api/engagements").json()
        assert {one["id"] for one in found} == {one["id"] for one in expected}, name
    assert cast.gita.get(f"/api/engagements/{internal['id']}").status_code == 404
    assert cast.gita.put(f"/api/engagements/{shared['id']}", {"fee": 1}).status_code == 403
    assert cast.gita.get("/api/search?q=interim").json()[0]["id"] == shared["id"]
    assert cast.stan.post("/api/engagements", {}).status_code == 403


def test_a_new_noun_is_found_by_search_and_palette(cast: Cast) -> None:
    made = engagement(cast)
    hit = cast.ada.get("/api/search?q=interim").json()[0]
    assert (hit["kind"], hit["id"], hit["subtitle"]) == (
        "engagement",
        made["id"],
        "Acme Corporation",
    )
    link = f'"/engagements/{made["id"]}"'
    for asked in ("engagement: interim", "interim", f"#{made['id']}"):
        assert link in page(cast.ada, "/search", params={"q": asked})
    headers = {"Accept": "text/html", "HX-Request": "true", "HX-Target": "div#results"}
    palette = cast.ada.get("/search?q=interim", headers=headers).text
    assert f"data-href={link}" in palette
    assert "<kbd>engagement:</kbd>" in page(cast.ada, "/search")


def test_a_new_nouns_history_has_sentences_and_is_undone(cast: Cast) -> None:
    made = engagement(cast)
    cast.ada.put(f"/api/engagements/{made['id']}", {"fee": 52_000})
    entry = history(cast, "engagements", made["id"])[0]
    assert summary(entry) == ("engagements", made["id"], "update", {"fee": (48_000, 52_000)})
    feed = page(cast.ada, "/activity")
    assert re.search(r"changed fee of <a [^>]*>Interim finance lead</a> at Acme Corporation", feed)
    assert re.search(r"agreed <a [^>]*>Interim finance lead</a> with Acme Corporation", feed)
    assert "engagements" in re.search(r'data-live-of="([^"]*)"', feed)[1].split()
    undone(cast)
    assert cast.ada.get(f"/api/engagements/{made['id']}").json()["fee"] == 48_000
    other = engagement(cast)
    undone(cast)
    assert cast.ada.get(f"/api/engagements/{other['id']}").status_code == 404


def test_a_new_noun_goes_with_its_organization_and_is_restored_with_it(cast: Cast) -> None:
    made, alone = engagement(cast), engagement(cast, organizationId=cast.globex, title="Alone")
    cast.ada.delete(f"/api/engagements/{alone['id']}")
    cast.ada.delete(f"/api/organizations/{cast.acme}")
    assert cast.ada.get(f"/api/engagements/{made['id']}").status_code == 404
    entries = cast.ada.get("/api/trash").json()
    assert [(one["kind"], one["title"], one["alsoDeleted"]) for one in entries] == [
        ("organization", "Acme Corporation", 3),
        ("engagement", "Alone", 0),
    ]
    trash = page(cast.ada, "/trash?kind:in=engagement")
    assert "Alone" in trash
    assert "engagements" in re.search(r'data-live-of="([^"]*)"', trash)[1].split()
    undone(cast)
    assert cast.ada.get(f"/api/engagements/{made['id']}").json()["title"] == made["title"]


def test_a_new_noun_is_followed_by_open_pages(cast: Cast) -> None:
    mark = cast.ada.get("/live").json()["mark"]
    record = f"engagements/{engagement(cast)['id']}"
    changes = cast.ada.get("/live", params={"after": mark}).json()
    assert changes["nouns"] == ["engagements"]
    assert set(changes["records"]) == {record, f"organizations/{cast.acme}"}


def test_a_new_noun_has_pages(cast: Cast) -> None:
    assert 'name="organization"' in page(cast.ada, "/engagements/new")
    answer = submit(cast.ada, "/engagements", title="Audit", organization="Acme Corporation")
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"]
    assert "Audit" in page(cast.ada, "/engagements?status:in=proposed")
    shown = page(cast.ada, path)
    assert f'action="{path}"' in shown
    assert 'name="fee"' in shown
    assert submit(cast.ada, path, fee="1200").status_code == 303
    assert cast.ada.get(f"/api{path}").json()["fee"] == 1200
    assert 'name="fee"' not in page(cast.stan, path)
    assert submit(cast.ada, f"{path}/delete", back="/engagements").status_code == 303
    assert last(cast)["action"] == "deleteEngagement"


def test_a_new_noun_stands_in_the_sidebar_and_among_what_can_be_added(cast: Cast) -> None:
    assert '<a href="/engagements"' in page(cast.ada, "/organizations")
    assert 'href="/engagements/new"' in page(cast.ada, "/new")
    assert 'href="/engagements/new"' not in page(cast.stan, "/new")
    assert "Add, change and delete engagements" in page(cast.ada, "/roles")


def test_a_new_noun_has_saved_views(cast: Cast) -> None:
    cast.ada.made("/api/views", noun="engagements", name="Running", query="status=active")
    assert "Running" in page(cast.ada, "/engagements")
    wrong = cast.ada.post("/api/views", {"noun": "engagements", "name": "X", "query": "colour=red"})
    assert wrong.status_code == 422


def test_a_new_noun_is_written_in_bulk(cast: Cast) -> None:
    lines = [
        f'{{"method": "POST", "path": "/engagements", "body": {{"organizationId": {cast.acme}, "title": "{title}"}}}}'
        for title in ("One", "Two")
    ]
    answer = cast.ada.post(
        "/api/bulk",
        content="\n".join(lines),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 200, answer.text
    assert {one["title"] for one in cast.ada.get("/api/engagements").json()} == {"One", "Two"}
    undone(cast)
    assert cast.ada.get("/api/engagements").json() == []


def test_a_new_noun_is_described(cast: Cast) -> None:
    described = document(cast)
    tags = {tag["name"]: tag["description"] for tag in described["tags"]}
    assert tags["engagements"] == (
        "What organizations have agreed with us, for which fee and until when."
    )
    operation = described["paths"]["/engagements/{id}"]["put"]
    assert operation["tags"] == ["engagements"]
    assert operation["x-roles"] == ["admin", "consultant"]
    assert "engagement" in str(described["components"]["schemas"]["Kind"]["enum"])
