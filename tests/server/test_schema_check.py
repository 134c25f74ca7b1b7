"""The check of the database at the start: a noun that the migrations forgot is refused by name."""

from dataclasses import replace
from typing import Any

import pytest

from retainer.database.migrate import MigrationError
from retainer.lists.noun import Link, Noun
from retainer.lists.spec import Field, FieldType, ListSpec
from retainer.nouns import NOUNS
from retainer.server.schema_check import check_schema
from support.sql import Sql

PROJECTS = NOUNS["projects"]
MEMBERS = NOUNS["members"]
assert PROJECTS.search


def check(sql: Sql, *nouns: Noun) -> None:
    sql.run(check_schema(sql.connection, nouns))


def test_the_database_has_what_the_nouns_declare(sql: Sql) -> None:
    check(sql, *NOUNS.values())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"table": "engagements"}, "the column engagements.tenant_id"),
        ({"title": "name"}, "the column projects.name"),
        ({"references": {"client_id": "organizations"}}, "the column projects.client_id"),
        ({"search": PROJECTS.search._replace(name="name_folded")}, "projects.name_folded"),
        ({"search": PROJECTS.search._replace(words=("notes",))}, "the column projects.notes"),
        ({"search": PROJECTS.search._replace(sites=("website",))}, "the column projects.website"),
        (
            {"links": (Link("project_contacts", own_column="project_id"),)},
            "project_contacts.tenant_id",
        ),
        ({"links": (Link("members", own_column="project_id"),)}, "the column members.project_id"),
        (
            {
                "links": (
                    Link("document_projects", own_column="project_id", other_column="task_id"),
                )
            },
            "the column document_projects.task_id",
        ),
    ],
)
def test_a_column_that_is_declared_and_not_there_refuses_to_start(
    sql: Sql, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(MigrationError, match=rf"noun {changes.get('table', 'projects')} .*{words}"):
        check(sql, replace(PROJECTS, **changes))


@pytest.mark.parametrize(
    "field",
    [
        Field("p.segment"),
        Field("p.title", FieldType.FOLDED, "p.segment"),
        Field("p.title", FieldType.FOLDED, "p.title_folded", sort="p.segment"),
    ],
)
def test_a_field_of_a_list_without_a_column_refuses_to_start(sql: Sql, field: Field) -> None:
    listed = ListSpec(
        "projects p", "true", PROJECTS.list.fields | {"segment": field}, order="title", id="p.id"
    )
    with pytest.raises(MigrationError, match=r"the column projects\.segment"):
        check(sql, replace(PROJECTS, list=listed))


def test_a_noun_that_is_searched_and_was_not_made_searchable_refuses_to_start(sql: Sql) -> None:
    search = PROJECTS.search._replace(name="role", words=(), sites=())
    noun = replace(MEMBERS, search=search)
    with pytest.raises(
        MigrationError, match=r"The noun members declares the column members\.words"
    ):
        check(sql, noun)


def test_a_noun_whose_views_the_constraint_does_not_know_refuses_to_start(sql: Sql) -> None:
    with pytest.raises(MigrationError, match=r"The noun members has views, .*views_noun_known"):
        check(sql, replace(MEMBERS, has_views=True))


def test_links_without_an_organization_in_the_journal_refuse_to_start(sql: Sql) -> None:
    # Of all journalled tables without an organization's column, views have no case.
    link = Link("views", own_column="owner_id")
    with pytest.raises(MigrationError, match=r"The links views of the noun projects have no org"):
        check(sql, replace(PROJECTS, links=(link,)))
    check(sql, replace(PROJECTS, belongs_to="", links=(link,)))
