"""The journal's triggers, which replace foreign keys (docs/decisions/0008)."""

import asyncpg
import pytest

from support.cast import Cast
from support.sql import Sql


def test_a_change_belongs_to_the_tenant_of_its_operation(cast: Cast) -> None:
    """The owner is bound too, without policy and foreign key (docs/decisions/0008)."""
    with pytest.raises(asyncpg.RaiseError, match="another tenant"):
        cast.sql.rows(
            """WITH acting AS MATERIALIZED (
                   SELECT set_config('retainer.tenant', $1, true), acting_as(NULL, 'command', 'command', NULL, 'test'))
               UPDATE organizations SET name = 'stolen' FROM acting WHERE id = $2""",
            str(cast.other_tenant), cast.acme,
        )  # fmt: skip


@pytest.mark.parametrize("actor", ["stranger", "nobody"])
def test_an_actor_outside_the_tenant_is_refused(cast: Cast, actor: str) -> None:
    tenant, user = (cast.other_tenant, cast.ada.id) if actor == "stranger" else (2**52, None)
    with pytest.raises(asyncpg.RaiseError, match="nobody who could act"):
        cast.sql.rows(
            """SELECT set_config('retainer.tenant', $1, true), acting_as($2, 'user', 'api', NULL, 'test')""",
            str(tenant), user,
        )  # fmt: skip


@pytest.mark.parametrize("statement", [
    "DELETE FROM operations", "UPDATE operations SET id = id + 1", "DELETE FROM users", "UPDATE users SET tenant_id = 1",
    "DELETE FROM tenants", "UPDATE tenants SET id = id + 1",
])  # fmt: skip
def test_rows_named_in_the_journal_can_neither_be_deleted_nor_renumbered(
    cast: Cast, statement: str
) -> None:
    """The owner is bound too; the journal has no foreign keys."""
    with pytest.raises(asyncpg.RestrictViolationError):
        cast.sql.rows(statement)


def test_an_operation_takes_only_known_kinds_channels_and_outcomes(cast: Cast) -> None:
    for words in (
        "'robot', 'api', NULL, 'x'",
        "'system', 'smoke', NULL, 'x'",
        "'system', 'api', repeat('r', 101), 'x'",
    ):
        with pytest.raises(asyncpg.CheckViolationError, match="operations_words_known"):
            cast.sql.rows(
                f"""WITH acting AS MATERIALIZED (
                       SELECT set_config('retainer.tenant', $1, true), acting_as(NULL, {words}))
                   SELECT operation() FROM acting""",
                str(cast.tenant),
            )


def test_computed_columns_are_not_journalled(sql: Sql) -> None:
    """A derived value is no change of its own, and none is written down."""
    loud = sql.rows(
        """SELECT t.tgrelid::regclass::text, t.tgname::text, a.attname::text FROM pg_trigger t
           JOIN pg_attribute a ON a.attrelid = t.tgrelid AND NOT a.attisdropped
               AND (a.attgenerated <> '' OR a.attname IN ('words', 'word_bits'))
           WHERE t.tgname IN ('journal', 'count_version')
               AND position(quote_literal(a.attname) IN pg_get_triggerdef(t.oid)) = 0"""
    )
    assert not loud, "CALL journalled(...) again for this table"


def test_a_statement_over_several_tables_is_one_operation(cast: Cast) -> None:
    """Every row of it is journalled, each in a place of its own."""
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="P")["id"]
    tasks = [cast.ada.made("/api/tasks", projectId=project, title=f"T{n}")["id"] for n in range(3)]
    links = [cast.ada.made("/api/documents", name=f"D{n}", url="https://x.example", organizationId=cast.acme)["id"]
             for n in range(2)]  # fmt: skip
    loose = cast.ada.made(
        "/api/documents", name="L", url="https://x.example", projectIds=[project]
    )["id"]
    path, people = (
        f"/api/organizations/{cast.acme}/activities",
        [cast.stan_contact, cast.gita_contact],
    )
    activities = [cast.ada.made(path, text=f"A{n}", contactIds=people)["id"] for n in range(2)]
    assert cast.ada.delete(f"/api/organizations/{cast.acme}").status_code == 204
    rows = cast.sql.rows(
        """SELECT c.entity, c.entity_id, c.sequence FROM changes c JOIN operations o
               ON o.tenant_id = c.tenant_id AND o.id = c.operation_id AND o.action = 'deleteOrganization'
           WHERE c.tenant_id = $1 ORDER BY c.sequence""",
        cast.tenant,
    )
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    gone = {(row["entity"], row["entity_id"]) for row in rows}
    assert gone >= {("organizations", cast.acme), ("projects", project), *(("tasks", n) for n in tasks),
                    *(("documents", n) for n in [*links, loose]),
                    *(("activities", n) for n in activities)}  # fmt: skip
    assert {"members", "document_projects", "activity_contacts"} <= {entity for entity, _ in gone}
    assert len(gone) == len(rows)


def test_an_operation_tells_the_session_that_asked_for_it(cast: Cast) -> None:
    made = cast.ada.post("/api/organizations", {"name": "From a session", "type": "other"})
    changed = cast.ada.put(f"/api/organizations/{made.json()['id']}", {"name": "Again"})
    assert (made.status_code, changed.status_code) == (200, 200)
    rows = cast.sql.rows(
        """SELECT o.session_id, s.user_id FROM operations o
               LEFT JOIN sessions s ON s.tenant_id = o.tenant_id AND s.id = o.session_id
           WHERE o.tenant_id = $1 ORDER BY o.id DESC LIMIT 2""",
        cast.tenant,
    )
    assert [row["user_id"] for row in rows] == [cast.ada.id] * 2
    xids = cast.sql.rows("SELECT DISTINCT xid FROM operations WHERE tenant_id = $1", cast.tenant)
    assert len(xids) > 2, "each notes its transaction"
    without = "SELECT session_id FROM operations WHERE tenant_id = $1 AND actor_kind = 'command'"
    assert {row[0] for row in cast.sql.rows(without, cast.tenant)} == {None}
