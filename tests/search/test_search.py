"""Search: the intended record comes first; invisible records are never found."""

from typing import Any

import httpx
import pytest

from support.cast import Cast
from support.searching import both_ways, eventually, learnt, search, titles
from support.sql import Sql


@pytest.fixture(scope="module")
def similar(sql: Sql, client: httpx.Client) -> Cast:
    """A consultancy with similar names, made once: tests only read it."""
    cast = Cast(sql, client)
    ada = cast.ada
    for name, more in ORGANIZATIONS.items():
        ada.made("/api/organizations", name=name, type="customer", **more)
    for name, email, more in CONTACTS:
        ada.made("/api/contacts", fullName=name, email=email, type="client", **more)
    project = ada.made("/api/projects", organizationId=cast.acme, title="Data platform migration",
                       description="From the old warehouse to the lake")["id"]  # fmt: skip
    ada.made("/api/projects", organizationId=cast.globex, title="ERP selection")
    ada.made(
        "/api/tasks",
        projectId=project,
        title="Interview the stakeholders",
        description="Ask about Zürich",
    )
    ada.made(
        "/api/documents",
        name="Framework agreement",
        url="https://x.example",
        organizationId=cast.acme,
    )
    learnt(cast, "gartenverein", "stakeholders", "perez", "framework")
    return cast


ORGANIZATIONS: dict[str, dict[str, Any]] = {
    "Acmetal Werke AG": {},
    "Zürich Garden Society": {"industry": "Non-profit"},
    "Gartenverein Zürich": {},
    "Züri Corporation Partners": {},
    "Müller-Lüdenscheid GmbH & Co. KG": {"website": "https://www.mueller.example/start"},
    "Café Lumière": {
        "industry": "Hospitality",
        "description": "Three houses in Genève, one more planned in Lyon.",
    },
    "Société Générale des Eaux": {},
    "Żabka Łódź Sp. z o.o.": {},
    "Sørensen Design": {},
    "Bergmann & Söhne": {"description": "Came through Acme; reviews each spring."},
    "Northlight Consulting": {},
    "Strasse & Straße": {},
    "Österreichische Bundesbahnen": {},
    "Meridian Foods": {"industry": "Food"},
    "Vega Telecom": {"industry": "Telecommunications"},
    "Ωμέγα Ελλάς": {},
}

CONTACTS: list[tuple[str, str, dict[str, Any]]] = [
    ("Anna Kowalczyk", "anna.k@zabka.example", {"title": "Head of finance"}),
    ("Jürgen Weiß", "jw@weiss.example", {"company": "Weiß Logistik"}),
    ("François Dubois", "francois@eaux.example", {}),
    ("María Pérez", "maria.perez@vega.example", {}),
    ("John Smith", "john.smith@globex.example", {}),
    ("Joan Smyth", "joan@globex.example", {}),
]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("Acme Corporation", "Acme Corporation"),
        ("acme", "Acme Corporation"),
        ("ACME CORP", "Acme Corporation"),
        ("corporation acme", "Acme Corporation"),
        ("corp acme", "Acme Corporation"),
        ("acmet", "Acmetal Werke AG"),
        # typing errors: a letter too many, one missing, another one, two exchanged
        ("Aceme Corpration", "Acme Corporation"),
        ("Aceme", "Acme Corporation"),
        ("Corpration Acme", "Acme Corporation"),
        ("acne corporation", "Acme Corporation"),
        ("amce", "Acme Corporation"),
        ("Globx", "Globex"),
        ("Golbex", "Globex"),
        ("meridain foods", "Meridian Foods"),
        ("meridian fods", "Meridian Foods"),
        ("northlite consulting", "Northlight Consulting"),
        ("nortlight consullting", "Northlight Consulting"),
        ("kowalczik", "Anna Kowalczyk"),
        ("stakeholdres", "Interview the stakeholders"),
        # accents and other alphabets
        ("Zurich", "Zürich Garden Society"),
        ("zürich garden", "Zürich Garden Society"),
        ("Zuerich Garden", "Zürich Garden Society"),
        ("Zürich Garden", "Zürich Garden Society"),
        ("gartenverein zurich", "Gartenverein Zürich"),
        ("ludenscheid", "Müller-Lüdenscheid GmbH & Co. KG"),
        ("muller gmbh", "Müller-Lüdenscheid GmbH & Co. KG"),
        ("mueller", "Müller-Lüdenscheid GmbH & Co. KG"),
        ("cafe lumiere", "Café Lumière"),
        ("cafe lumire", "Café Lumière"),
        ("societe generale", "Société Générale des Eaux"),
        ("zabka lodz", "Żabka Łódź Sp. z o.o."),
        ("lodz", "Żabka Łódź Sp. z o.o."),
        ("sorensen", "Sørensen Design"),
        ("sorenson desing", "Sørensen Design"),
        ("strasse", "Strasse & Straße"),
        ("osterreichische", "Österreichische Bundesbahnen"),
        ("bundesbanen", "Österreichische Bundesbahnen"),
        ("ωμεγα", "Ωμέγα Ελλάς"),
        ("weiss", "Jürgen Weiß"),
        ("francois", "François Dubois"),
        ("maria perez", "María Pérez"),
        ("perez maria", "María Pérez"),
        ("smiht john", "John Smith"),
        # as one types
        ("gl", "Globex"),
        ("zur", "Zürich Garden Society"),
        ("data pl", "Data platform migration"),
        ("migr data", "Data platform migration"),
        # other texts than the name
        ("hospitality", "Café Lumière"),
        ("geneve", "Café Lumière"),
        ("john.smith@globex.example", "John Smith"),
        ("john.smith@", "John Smith"),
        ("lake warehouse", "Data platform migration"),
        ("head of finance", "Anna Kowalczyk"),
        ("https://www.mueller.example/start", "Müller-Lüdenscheid GmbH & Co. KG"),
        # a word that is nowhere hides nothing
        ("acme corporation holding", "Acme Corporation"),
        ("vega telecom xyzzyq", "Vega Telecom"),
    ],
)
def test_a_typed_query_finds_the_intended_record_first(
    similar: Cast, typed: str, first: str
) -> None:
    assert titles(similar.ada, typed)[:1] == [first]


@pytest.mark.parametrize(
    "typed",
    ["acme", "zur", "corp acme", "Aceme", "ludenscheid", "strasse", "cafe lumire", "geneve", "mueller start", "a",
     "ωμεγα", "acme nothing"],
)  # fmt: skip
def test_a_walk_of_the_list_finds_the_same_organizations_as_the_index(
    similar: Cast, typed: str
) -> None:
    """Few rows are looked up in the index; many are found by a walk in the list's order."""
    looked_up, walked = both_ways(similar, typed)
    assert looked_up == walked
    assert (looked_up is None) == (typed == "acme nothing")


def test_hits_in_names_come_first_and_nouns_are_ranked_together(similar: Cast) -> None:
    found = titles(similar.ada, "acme")
    assert found[:2] == ["Acme Corporation", "Acmetal Werke AG"]
    assert found[-1] == "Bergmann & Söhne", "only its description has the word"
    kinds = {hit["kind"] for hit in search(similar.ada, "zurich")}
    assert kinds == {"organization", "task"}
    scores = [hit["score"] for hit in search(similar.ada, "s", limit=100)]
    assert scores == sorted(scores, reverse=True)


def test_a_hit_has_its_noun_title_subtitle_and_highlights(similar: Cast) -> None:
    hit = search(similar.ada, "interview")[0]
    assert hit | {"id": 0, "score": 0} == {
        "kind": "task", "id": 0, "title": "Interview the stakeholders", "subtitle": "Acme Corporation",
        "organizationId": similar.acme, "score": 0, "highlights": [
            {"field": "title", "parts": [{"text": "Interview", "match": True},
                                         {"text": " the stakeholders", "match": False}]}],
    }  # fmt: skip
    subtitles = {
        h["title"]: h["subtitle"] for h in search(similar.ada, "john") + search(similar.ada, "cafe")
    }
    assert subtitles == {"John Smith": "john.smith@globex.example", "Café Lumière": "Hospitality"}


def test_highlights_keep_accents_and_mark_misspelt_words(similar: Cast) -> None:
    def marked(q: str) -> list[str]:
        return [
            part["text"]
            for part in search(similar.ada, q)[0]["highlights"][0]["parts"]
            if part["match"]
        ]

    assert marked("zurich") == ["Zürich"]
    assert marked("strasse") == ["Strasse", "Straße"]
    assert marked("lodz") == ["Łódź"]
    assert marked("Aceme Corpration") == ["Acme", "Corporation"]


def test_a_long_text_is_cut_around_the_hit(cast: Cast) -> None:
    text = "first " * 200 + "needle <b>in</b> " + "last " * 200
    cast.ada.made("/api/organizations", name="Hay", type="other", description=text)
    parts = search(cast.ada, "needle")[0]["highlights"][0]["parts"]
    assert [parts[0]["text"], parts[-1]["text"]] == ["…", "…"]
    assert [part["text"] for part in parts if part["match"]] == ["needle"]
    shown = "".join(part["text"] for part in parts[1:-1])
    assert shown in text
    assert "<b>" in shown, "text as it is: a page escapes it"
    assert len(shown) < 250


def test_a_search_is_limited_to_nouns_and_a_number(similar: Cast) -> None:
    assert {hit["kind"] for hit in search(similar.ada, "zurich", kinds="task")} == {"task"}
    assert {hit["kind"] for hit in search(similar.ada, "zurich", kinds="task,organization")} == {
        "task",
        "organization",
    }
    assert len(search(similar.ada, "s", limit=2)) == 2
    assert search(similar.ada, "s", limit=2) == search(similar.ada, "s", limit=100)[:2]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"), ("q=", "q"), ("q=%20%20", "q"), ("q=" + "a" * 201, "q"), ("q=a%00b", "q"), ("q=a&kinds=user", "kinds[0]"),
        ("q=a&kinds=", "kinds[0]"), ("q=a&limit=0", "limit"), ("q=a&limit=101", "limit"), ("q=a&limit=x", "limit"),
        ("q=a&limit=1.5", "limit"), ("q=a&limit=99999999999999999999", "limit"), ("q=a&bogus=1", "bogus"), ("q=a&q=b", "q"),
    ],
)  # fmt: skip
def test_wrong_parameters_of_search_are_refused_by_name(cast: Cast, query: str, field: str) -> None:
    answer = cast.ada.get(f"/api/search?{query}")
    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]], answer.text


@pytest.mark.parametrize("typed", [
    "!!!", "'", "\\", "%", "_", "a:*", "'a' & !b", "<->", "a" * 200, "ſ", "🙂", "x" * 100 + " " + "y" * 99, "a\u0301", "\u0301", "İ",
    "1 2 3 4 5 6 7 8 9 10 11 12", "null", "\ud7ff\U0010ffff", "ﷺ" * 40, "00000000000000000000000000000000000000000000000000000000000000000000",
])  # fmt: skip
def test_any_typed_query_is_answered_without_an_error(cast: Cast, typed: str) -> None:
    search(cast.ada, typed)
    cast.ada.made(
        "/api/organizations", name=f"{typed} Ltd", type="other", description=typed, website=typed
    )
    found = titles(cast.ada, typed)
    assert f"{typed} Ltd" in found or not any(map(str.isalnum, typed)), found


def test_a_viewer_finds_no_invisible_record(cast: Cast) -> None:
    ada = cast.ada
    ours = ada.made("/api/projects", organizationId=cast.acme, title="Kestrel for us")["id"]
    theirs = ada.made(
        "/api/projects", organizationId=cast.acme, title="Kestrel for them", audience="client"
    )["id"]
    ada.made(
        "/api/projects", organizationId=cast.globex, title="Kestrel elsewhere", audience="client"
    )
    ada.made("/api/tasks", projectId=ours, title="Kestrel task for us")
    ada.made("/api/tasks", projectId=theirs, title="Kestrel task for them", audience="client")
    ada.made(
        "/api/tasks", organizationId=cast.globex, title="Kestrel task elsewhere", audience="client"
    )
    ada.made(
        "/api/documents",
        name="Kestrel paper for us",
        url="https://x.example",
        organizationId=cast.acme,
    )
    ada.made("/api/documents", name="Kestrel paper for them", url="https://x.example", projectIds=[theirs],
             audience="client")  # fmt: skip
    ada.made("/api/documents", name="Kestrel paper elsewhere", url="https://x.example", organizationId=cast.globex,
             audience="client")  # fmt: skip
    for text, audience in (("for us", "internal"), ("for them", "client")):
        ada.made(
            f"/api/organizations/{cast.acme}/activities",
            text=f"Kestrel call {text}",
            audience=audience,
        )
    ada.made(
        f"/api/organizations/{cast.globex}/activities",
        text="Kestrel call elsewhere",
        audience="client",
    )
    them, us, elsewhere = ({f"Kestrel{what} {where}" for what in ("", " task", " paper", " call")}
                           for where in ("for them", "for us", "elsewhere"))  # fmt: skip
    assert (
        set(titles(cast.ada, "kestrel"))
        == set(titles(cast.cora, "kestrel"))
        == them | us | elsewhere
    )
    assert set(titles(cast.stan, "kestrel")) == them | us
    assert set(titles(cast.gita, "kestrel")) == them
    assert titles(cast.sam, "kestrel") == titles(cast.olga, "kestrel") == []
    learnt(cast, "kestrel")
    assert set(titles(cast.gita, "kestrle")) == them
    assert titles(cast.olga, "kestrle") == []


def test_staff_and_guests_find_their_own_organizations_and_contacts(cast: Cast) -> None:
    cast.contact("Gilda")
    assert titles(cast.gita, "acme") == titles(cast.stan, "acme") == ["Acme Corporation"]
    assert (
        titles(cast.gita, "globex") == titles(cast.stan, "globex") == titles(cast.sam, "acme") == []
    )
    assert titles(cast.gita, "gi", kinds="contact") == ["Gita"]
    assert set(titles(cast.ada, "gi", kinds="contact")) == {"Gilda", "Gita"}


def test_a_hit_does_not_name_an_invisible_organization(cast: Cast) -> None:
    cast.ada.made("/api/tasks", organizationId=cast.globex, title="Kestrel", assigneeId=cast.sam.id)
    hit = search(cast.sam, "kestrel")[0]
    assert (hit["subtitle"], hit["organizationId"]) == (None, None)
    hit = search(cast.ada, "kestrel")[0]
    assert (hit["subtitle"], hit["organizationId"]) == ("Globex", cast.globex)


def test_a_new_record_is_found_at_once_and_a_deleted_one_no_more(cast: Cast) -> None:
    id = cast.ada.made("/api/organizations", name="Quince Partners", type="other")["id"]
    assert titles(cast.ada, "quin") == ["Quince Partners"]
    cast.ada.put(
        f"/api/organizations/{id}", {"name": "Medlar Partners", "description": "was Quince"}
    )
    assert titles(cast.ada, "medlar") == titles(cast.ada, "quince") == ["Medlar Partners"]
    cast.ada.delete(f"/api/organizations/{id}")
    assert titles(cast.ada, "medlar") == []


def test_a_guest_of_one_organization_finds_it_among_many(cast: Cast) -> None:
    """The first candidates all belong to other organizations."""
    cast.sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
                                               acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO organizations (tenant_id, name, type)
           SELECT $1, 'Acme Corporation ' || n, 'other' FROM generate_series(1, 3000) n, acting""",
        cast.tenant, str(cast.tenant),
    )  # fmt: skip
    assert titles(cast.gita, "acme corporation") == ["Acme Corporation"]
    assert titles(cast.gita, "corporation") == ["Acme Corporation"]
    assert titles(cast.ada, "acme corporation")[0] == "Acme Corporation"
    learnt(cast, "corporation")
    eventually(
        lambda: (
            cast.sql.value(
                "SELECT uses FROM words WHERE tenant_id = $1 AND word = 'acme'", cast.tenant
            )
            > 3000
        )
    )
    assert titles(cast.gita, "aceme corpration") == ["Acme Corporation"]
    assert titles(cast.ada, "corporation acme 2999") == ["Acme Corporation 2999"]
    assert titles(cast.ada, "acme c")[0] == "Acme Corporation"
    assert len(titles(cast.ada, "corporation", limit=100)) == 100


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("q=acme&knds=task", "knds", "the nearest is kinds"),
        ("q=acme&q=globex", "q", "given twice"),
        ("q=%ff", "q", "UTF-8"),
        ("q=%00", "q", "NUL"),
    ],
)
def test_parameters_of_search_are_validated_like_those_of_lists(
    cast: Cast, query: str, field: str, words: str
) -> None:
    [error] = cast.ada.get(f"/api/search?{query}").json()["errors"]
    assert error["field"] == field
    assert words in error["message"]
