"""Fields of organizations beyond the contract: external id, domains, parent, owner, tags."""

from typing import Any

import asyncpg
import pytest

from retainer.records.organizations.model import normalized_domain
from support.cast import Cast
from support.organizations import change, refused
from support.races import together
from support.server import Server


def made(cast: Cast, name: str = "New", **body: Any) -> dict[str, Any]:
    return cast.ada.made("/api/organizations", name=name, type="other", **body)


def put(cast: Cast, id: int, **body: Any) -> Any:
    return cast.ada.put(f"/api/organizations/{id}", body)


def test_a_client_of_the_contract_is_not_disturbed_by_the_new_fields(cast: Cast) -> None:
    plain = made(cast, industry="Energy")
    assert (
        plain | {"externalId": None, "domains": [], "parentId": None, "ownerId": None, "tags": []}
        == plain
    )
    full = made(
        cast,
        externalId="A-1",
        domains=["a.example"],
        parentId=cast.acme,
        ownerId=cast.cora.id,
        tags=["x"],
    )
    changed = put(cast, full["id"], industry="Retail").json()
    assert changed | {"industry": None, "updatedAt": ""} == full | {"updatedAt": ""}
    assert cast.gita.get(f"/api/organizations/{cast.acme}").json()["ownerId"] is None


def test_a_put_of_the_read_body_changes_nothing(cast: Cast) -> None:
    leaver = cast.person("Lea", "consultant")
    full = made(
        cast,
        externalId="A-1",
        domains=["a.example"],
        parentId=cast.acme,
        ownerId=leaver.id,
        tags=["x", "y"],
    )
    cast.ada.put(f"/api/users/{leaver.id}", {"isActive": False})
    read = cast.ada.get(f"/api/organizations/{full['id']}")
    body = {
        k: v
        for k, v in read.json().items()
        if k not in ("id", "createdAt", "updatedAt", "suggestedDomain")
    }
    again = put(cast, full["id"], **body)
    assert (again.status_code, again.content, again.headers["etag"]) == (
        200,
        read.content,
        read.headers["etag"],
    )


def test_an_external_id_belongs_to_one_live_organization_of_the_tenant(cast: Cast) -> None:
    first = made(cast, externalId="CRM-1")
    assert refused(
        cast.ada.post("/api/organizations", {"name": "B", "type": "other", "externalId": "CRM-1"}),
        409,
    ) == (
        "externalId",
        "is already the external id of another organization; change that one, or choose another id",
    )
    assert refused(put(cast, cast.acme, externalId="CRM-1"), 409)[0] == "externalId"
    assert put(cast, cast.acme, externalId="crm-1").status_code == 200, "another case is another id"
    cast.olga.made("/api/organizations", name="Theirs", type="other", externalId="CRM-1")
    cast.ada.delete(f"/api/organizations/{first['id']}")
    assert put(cast, cast.globex, externalId="CRM-1").status_code == 200, (
        "a deleted one holds nothing"
    )
    assert put(cast, cast.globex, externalId=None).json()["externalId"] is None


def test_of_many_simultaneous_writers_one_gets_an_external_id(cast: Cast) -> None:
    ids = [made(cast, f"N{n}")["id"] for n in range(12)]
    answers = together([lambda id=id: put(cast, id, externalId="ONE") for id in ids])
    assert sorted(a.status_code for a in answers) == [200] + [409] * 11


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ACME.com", "acme.com"),
        ("www.acme.com", "acme.com"),
        ("acme.com.", "acme.com"),
        ("https://acme.com", "acme.com"),
        ("acme.com/", "acme.com"),
        (" HTTPS://www.Acme.com:8443/start?x=https://b.example#y", "acme.com"),
        ("www.com", "www.com"),
        ("https://www.bücher.example./", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("नमस्ते.भारत", "xn--h2bhs4b8d8a.xn--h2brj9c"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_a_domain_is_stored_in_its_dns_form(cast: Cast, given: str, kept: str) -> None:
    assert normalized_domain(given) == kept
    assert made(cast, domains=[given, kept])["domains"] == [kept]


@pytest.mark.parametrize(
    "name",
    ["localhost", "10.0.0.1", "-a.example", "a-.example", "a..example", ".example.com", "a.example..", "a_b.example",
     "ftp://a.example", "see https://a.example", "https://", "a@b.example", "a b.example", "a\u200b.example", "☃.example", "",
     "a" * 64 + ".example", "ü" * 62 + ".example", "abc." * 63 + "example", "a.exa\nmple", "a.example\0"],
)  # fmt: skip
def test_an_invalid_host_name_is_refused_by_its_place(cast: Cast, name: str) -> None:
    answer = put(cast, cast.acme, domains=["good.example", name])
    assert refused(answer, 422)[0] in ("domains[1]", "domains")
    assert cast.ada.get(f"/api/organizations/{cast.acme}").json()["domains"] == []


def test_domains_are_never_null_and_at_most_fifty(cast: Cast) -> None:
    assert refused(put(cast, cast.acme, domains=None), 422)[0] == "domains"
    names = [f"d{n}.example" for n in range(51)]
    assert refused(put(cast, cast.acme, domains=names), 422)[0] == "domains"
    assert put(cast, cast.acme, domains=names[:50]).json()["domains"] == names[:50]
    assert put(cast, cast.acme, domains=[]).json()["domains"] == []
    assert held(cast) == {}


def held(cast: Cast) -> dict[str, int]:
    """The organization of each domain, from the table with the unique key."""
    rows = cast.sql.rows(
        "SELECT domain, organization_id FROM organization_domains WHERE tenant_id = $1", cast.tenant
    )
    return {row["domain"]: row["organization_id"] for row in rows}


def test_a_domain_belongs_to_one_live_organization_of_the_tenant(cast: Cast) -> None:
    put(cast, cast.acme, domains=["acme.example", "acme.test"])
    assert refused(put(cast, cast.globex, domains=["globex.example", "ACME.test"]), 409) == (
        "domains",
        f'"acme.test" is already a domain of organization {cast.acme}, which is in another'
        " hierarchy; take it away there first",
    )
    assert cast.ada.get(f"/api/organizations/{cast.globex}").json()["domains"] == []
    assert refused(
        cast.ada.post(
            "/api/organizations", {"name": "B", "type": "other", "domains": ["acme.test"]}
        ),
        409,
    )
    assert cast.olga.made("/api/organizations", name="Theirs", type="other", domains=["acme.test"])[
        "domains"
    ]
    put(cast, cast.acme, domains=["acme.example"])
    assert put(cast, cast.globex, domains=["acme.test"]).status_code == 200
    assert held(cast) == {"acme.example": cast.acme, "acme.test": cast.globex}


def test_a_deleted_organization_frees_its_domains_and_takes_them_back_when_restored(
    cast: Cast,
) -> None:
    put(cast, cast.acme, domains=["acme.example", "acme.test"])
    cast.ada.delete(f"/api/organizations/{cast.acme}")
    assert held(cast) == {}
    restore(cast, cast.acme)
    assert held(cast) == {"acme.example": cast.acme, "acme.test": cast.acme}
    cast.ada.delete(f"/api/organizations/{cast.acme}")
    put(cast, cast.globex, domains=["acme.test"])
    with pytest.raises(asyncpg.PostgresError, match=r'"acme.test" is already a domain'):
        restore(cast, cast.acme)
    assert held(cast) == {"acme.test": cast.globex}


def restore(cast: Cast, id: int) -> None:
    change(cast.sql, cast.tenant, f"UPDATE organizations SET deleted_by = NULL WHERE id = {id}")


def test_of_many_simultaneous_writers_one_gets_the_same_domains(cast: Cast) -> None:
    ids = [made(cast, f"N{n}")["id"] for n in range(12)]
    names = ["a.example", "b.example", "c.example"]
    jobs = [
        lambda id=id, n=n: put(cast, id, domains=names if n % 2 else names[::-1])
        for n, id in enumerate(ids)
    ]
    answers = together(jobs)
    assert sorted(a.status_code for a in answers) == [200] + [409] * 11
    (winner,) = {id for id, a in zip(ids, answers, strict=True) if a.status_code == 200}
    assert held(cast) == dict.fromkeys(names, winner)


@pytest.mark.parametrize(
    ("website", "suggested"),
    [
        ("https://www.acme.example", "acme.example"),
        ("HTTP://Acme.Example:8080/a?b#c", "acme.example"),
        ("https://shop.acme.example/", "shop.acme.example"),
        ("https://acme.example?x", "acme.example"),
        ("acme.example", None),
        ("ftp://acme.example", None),
        ("https://user@acme.example", None),
        ("https://10.0.0.1/", None),
        ("https://localhost/", None),
        ("https://a b.example", None),
        ("https://www.taken.example", None),
        ("https://www.co.uk", None),
        ("https://com.au/a", None),
        ("https://govt.nz", None),
        ("https://www.or.jp", None),
        ("https://acme.co.uk", "acme.co.uk"),
        ("https://co.example", "co.example"),
        ("https://x.com", "x.com"),
        ("https://bbc.uk", "bbc.uk"),
        (None, None),
    ],
)
def test_the_websites_host_is_suggested_while_it_is_none_of_the_domains(
    cast: Cast, website: str | None, suggested: str | None
) -> None:
    answer = made(cast, website=website, domains=["taken.example"])
    assert answer["suggestedDomain"] == suggested
    if suggested:
        accepted = put(cast, answer["id"], domains=[suggested])
        assert accepted.json()["suggestedDomain"] is None
        assert put(cast, answer["id"], domains=[]).json()["suggestedDomain"] == suggested
    body = {"name": "A", "type": "other", "suggestedDomain": "x.example"}
    told = refused(cast.ada.post("/api/organizations", body), 422)
    assert told == ("suggestedDomain", "is read-only; leave it out")


def test_a_parent_is_another_live_organization_of_the_tenant(cast: Cast) -> None:
    theirs = cast.olga.made("/api/organizations", name="Theirs", type="other")["id"]
    gone = made(cast)["id"]
    cast.ada.delete(f"/api/organizations/{gone}")
    words = "is no organization that is there and that you may see"
    for parent in (theirs, gone, 2**52):
        assert refused(put(cast, cast.acme, parentId=parent), 422) == ("parentId", words)
        body = {"name": "C", "type": "other", "parentId": parent, "ownerId": 2**52}
        both = cast.ada.post("/api/organizations", body)
        assert {e["field"] for e in both.json()["errors"]} == {"parentId", "ownerId"}
    assert refused(put(cast, cast.acme, parentId=cast.acme), 422) == (
        "parentId",
        "must be another organization, or null for none",
    )
    assert put(cast, cast.acme, parentId=cast.globex).json()["parentId"] == cast.globex
    assert put(cast, cast.acme, parentId=None).json()["parentId"] is None
    assert put(cast, 2**52, parentId=cast.globex).status_code == 404


def chain(cast: Cast, length: int, top: int | None = None) -> list[int]:
    """Organizations of which each is below the one before."""
    ids: list[int] = []
    for n in range(length):
        ids.append(made(cast, f"Level {n}", parentId=ids[-1] if ids else top)["id"])
    return ids


def test_an_organization_is_never_put_below_itself(cast: Cast) -> None:
    ids = chain(cast, 5)
    for below in ids[1:]:
        assert refused(put(cast, ids[0], parentId=below), 422) == (
            "parentId",
            "must not be below the organization itself",
        )
    assert put(cast, ids[4], parentId=ids[0]).status_code == 200


def test_a_tree_has_at_most_32_levels(cast: Cast) -> None:
    ids = chain(cast, 32)
    body = {"name": "Deep", "type": "other", "parentId": ids[-1]}
    words = "would make more than 32 levels; choose one further up"
    assert refused(cast.ada.post("/api/organizations", body), 422) == ("parentId", words)
    assert refused(put(cast, ids[0], parentId=cast.acme), 422) == ("parentId", words)
    assert put(cast, ids[1], parentId=cast.acme).status_code == 200


def test_of_two_organizations_made_each_others_parent_at_once_one_succeeds(cast: Cast) -> None:
    for _ in range(5):
        one, other = made(cast)["id"], made(cast)["id"]
        answers = together(
            [lambda: put(cast, one, parentId=other), lambda: put(cast, other, parentId=one)]
        )
        assert sorted(a.status_code for a in answers) == [200, 422], [a.text for a in answers]


def test_simultaneous_changes_of_parents_never_close_a_ring(cast: Cast) -> None:
    ids = [made(cast, f"R{n}")["id"] for n in range(10)]
    pairs = list(zip(ids, ids[1:] + ids[:1], strict=True))
    answers = together([lambda a=a, b=b: put(cast, a, parentId=b) for a, b in pairs])
    assert sorted(a.status_code for a in answers) == [200] * 9 + [422]
    parents = {row["id"]: row["parentId"] for row in cast.ada.get("/api/organizations").json()}
    for id in ids:
        seen = set[int]()
        while id is not None:
            assert id not in seen
            seen.add(id)
            id = parents[id]


def test_an_organization_put_below_one_being_deleted_ends_without_a_parent(cast: Cast) -> None:
    for _ in range(8):
        parent, child = made(cast)["id"], made(cast)["id"]
        linked, gone = together(
            [
                lambda: put(cast, child, parentId=parent),
                lambda: cast.ada.delete(f"/api/organizations/{parent}"),
            ]
        )
        assert gone.status_code == 204
        assert linked.status_code in (200, 422), linked.text
        assert cast.ada.get(f"/api/organizations/{child}").json()["parentId"] is None


def test_deleting_a_parent_keeps_its_children_in_the_same_operation(cast: Cast) -> None:
    top, middle, bottom = chain(cast, 3)
    assert cast.ada.delete(f"/api/organizations/{middle}").status_code == 204
    assert cast.ada.get(f"/api/organizations/{bottom}").json()["parentId"] == top
    rows = cast.sql.rows(
        """SELECT entity_id, before::text, after::text, operation_id FROM changes
           WHERE tenant_id = $1 AND entity = 'organizations' AND action = 'update' ORDER BY sequence""",
        cast.tenant,
    )
    assert {row["entity_id"] for row in rows} == {middle, bottom}
    assert len({row["operation_id"] for row in rows}) == 1
    assert (f'{{"parent_id": {middle}}}', f'{{"parent_id": {top}}}') in {
        (r["before"], r["after"]) for r in rows
    }
    assert subtree(cast, top) == {top, bottom}


def test_an_organization_is_not_restored_below_a_deleted_one_and_a_tree_is_restored_in_any_order(
    cast: Cast,
) -> None:
    top, middle, _bottom = chain(cast, 3)
    cast.ada.delete(f"/api/organizations/{middle}")
    cast.ada.delete(f"/api/organizations/{top}")
    with pytest.raises(asyncpg.PostgresError, match="is no organization that is there"):
        restore(cast, middle)
    change(
        cast.sql,
        cast.tenant,
        f"""SET CONSTRAINTS keep_hierarchy_changed DEFERRED;
            UPDATE organizations SET deleted_by = NULL WHERE id = {middle};
            UPDATE organizations SET deleted_by = NULL WHERE id = {top}""",
    )
    assert subtree(cast, top) == {top, middle}


def subtree(cast: Cast, root: int, tenant: int | None = None) -> set[int]:
    rows = cast.sql.rows("SELECT * FROM organization_subtree($1, $2)", tenant or cast.tenant, root)
    return {row[0] for row in rows}


def test_a_subtree_is_the_root_and_all_that_lives_below(cast: Cast) -> None:
    top, middle, bottom = chain(cast, 3)
    side = made(cast, parentId=top)["id"]
    assert subtree(cast, top) == {top, middle, bottom, side}
    assert subtree(cast, middle) == {middle, bottom}
    assert subtree(cast, top, cast.other_tenant) == set()
    cast.ada.delete(f"/api/organizations/{side}")
    assert subtree(cast, top) == {top, middle, bottom}
    assert subtree(cast, side) == set()
    change(
        cast.sql,
        cast.tenant,
        f"""ALTER TABLE organizations DISABLE TRIGGER keep_hierarchy_changed;
            UPDATE organizations SET parent_id = {bottom} WHERE id = {top};
            ALTER TABLE organizations ENABLE TRIGGER keep_hierarchy_changed""",
    )
    assert subtree(cast, middle) == {top, middle, bottom}, "it ends even where there is a ring"


def test_an_owner_is_an_active_user_of_the_tenant(cast: Cast) -> None:
    leaver = cast.person("Lea", "staff")
    cast.ada.put(f"/api/users/{leaver.id}", {"isActive": False})
    for user in (cast.olga.id, leaver.id, 2**52):
        field, message = refused(put(cast, cast.acme, ownerId=user), 422)
        assert (field, "GET /api/users/names" in message) == ("ownerId", True)
    assert put(cast, cast.acme, ownerId=cast.stan.id).json()["ownerId"] == cast.stan.id
    assert put(cast, cast.acme, ownerId=None).json()["ownerId"] is None


def test_tags_are_trimmed_and_each_is_there_once_in_the_order_given(cast: Cast) -> None:
    assert made(cast, tags=["  Zoo ", "Café", "cafe", "zoo", "CAFÉ ", "a"])["tags"] == [
        "Zoo",
        "Café",
        "a",
    ]
    kept = put(cast, cast.acme, tags=["b", "a"])
    assert kept.json()["tags"] == ["b", "a"]
    again = put(cast, cast.acme, tags=[" b", "B", "a"])
    assert again.headers["etag"] == kept.headers["etag"], "nothing has changed"
    assert put(cast, cast.acme, tags=["a", "b"]).json()["tags"] == ["a", "b"]


@pytest.mark.parametrize(
    ("tags", "field"),
    [(None, "tags"), ([""], "tags[0]"), (["a", "  "], "tags[1]"), (["x" * 51], "tags[0]"), ([7], "tags[0]"),
     ([None], "tags[0]"), (["t"] * 51, "tags"), ("a", "tags"), (["a\0"], "tags")],
)  # fmt: skip
def test_malformed_tags_are_refused(cast: Cast, tags: Any, field: str) -> None:
    assert refused(put(cast, cast.acme, tags=tags), 422)[0] == field


def test_the_journal_has_the_new_fields(cast: Cast) -> None:
    put(
        cast,
        cast.acme,
        externalId="A",
        domains=["a.example"],
        tags=["t"],
        ownerId=cast.cora.id,
        parentId=cast.globex,
    )
    row = cast.sql.rows(
        "SELECT after::text FROM changes WHERE tenant_id = $1 AND entity_id = $2 ORDER BY operation_id DESC LIMIT 1",
        cast.tenant,
        cast.acme,
    )[0]
    for part in ('"external_id": "A"', '"domains": ["a.example"]', '"tags": ["t"]', f'"owner_id": {cast.cora.id}',
                 f'"parent_id": {cast.globex}'):  # fmt: skip
        assert part in row["after"]


def test_a_duplicate_has_all_fields_but_the_unique_ones(cast: Cast) -> None:
    full = made(cast, website="https://a.example", externalId="A", domains=["a.example"], parentId=cast.acme,
                ownerId=cast.cora.id, tags=["x"])  # fmt: skip
    copy = cast.ada.post(f"/api/organizations/{full['id']}/duplicate").json()
    expected = full | {"externalId": None, "domains": [], "suggestedDomain": "a.example"}
    own = ("id", "name", "createdAt", "updatedAt")
    assert {k: v for k, v in copy.items() if k not in own} == {
        k: v for k, v in expected.items() if k not in own
    }


def test_the_database_checks_parents_and_owners_written_past_the_api(
    cast: Cast, server: Server
) -> None:
    for values in ("domains = '{UPPER.example}'", "domains = '{nodot}'", "tags = '{\" \"}'",
                   "domains = ARRAY[NULL]", f"parent_id = {cast.acme}", "owner_id = 1"):  # fmt: skip
        with pytest.raises(asyncpg.PostgresError):
            change(
                cast.sql, cast.tenant, f"UPDATE organizations SET {values} WHERE id = {cast.acme}"
            )


@pytest.mark.parametrize(("column", "value"), [
    ("name", "repeat('n', 256)"), ("type", "'friend'"), ("status", "'new'"),
    ("industry", "repeat('i', 256)"), ("website", "repeat('w', 2001)"), ("description", "repeat('d', 20001)"),
    ("external_id", "repeat('e', 256)"),
    ("domains", "array_fill('a.example'::text, ARRAY[51])"), ("domains", "ARRAY[NULL]::text[]"),
    ("tags", "ARRAY(SELECT 't' || n FROM generate_series(1, 51) n)"),
])  # fmt: skip
def test_the_database_refuses_the_values_that_the_models_refuse(
    cast: Cast, column: str, value: str
) -> None:
    """Constraints hold for every writer and every other column."""
    with pytest.raises(asyncpg.CheckViolationError, match="organizations_values_known"):
        cast.sql.rows(f"UPDATE organizations SET {column} = {value} WHERE id = $1", cast.acme)
