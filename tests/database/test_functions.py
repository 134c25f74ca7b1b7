"""SQL functions: each in one file of database/functions/; stored values are those that the functions return now."""

import re
from pathlib import Path
from typing import Any

import pytest

import retainer
from retainer.database.migrate import FUNCTIONS, STORED, functions
from support import samples
from support.cast import Cast
from support.documents import eventually
from support.sql import Sql

FOLDER = Path(retainer.__file__).parent / "database" / "functions"

OURS = """
    p.pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"""

# What generated columns, indexes, CHECKs, policies and the triggers of words call by themselves.
STORED_CALLS = f"""
    SELECT DISTINCT p.proname::text FROM pg_proc p
    JOIN pg_depend d ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid AND d.classid IN (
        'pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_class'::regclass, 'pg_policy'::regclass)
    WHERE {OURS}
    UNION
    SELECT p.proname::text FROM pg_proc p, searched_tables t
    WHERE {OURS} AND 'words_of() bits_of() ' || t.named || t.told ~ ('\\m' || p.proname || '[(]')"""

# Each generated column with its expression, and the words of each searched table, which a trigger keeps.
COMPUTED = """
    SELECT a.attrelid::regclass::text AS table, a.attname::text AS column,
        pg_get_expr(d.adbin, d.adrelid) AS expression
    FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attgenerated = 's' AND a.attrelid::regclass::text !~ '^pg_'
    UNION ALL
    SELECT name, 'words', replace(format('words_of(%s, %s)', named, told), 'NEW.', '') FROM searched_tables
    UNION ALL
    SELECT name, 'word_bits', 'bits_of(words)' FROM searched_tables"""

# Each index of an expression: the expression and the predicate.
EXPRESSION_INDEXES = """
    SELECT i.indexrelid::regclass::text AS index, i.indrelid::regclass::text AS table,
        pg_get_indexdef(i.indexrelid, k.place::int, true) AS expression,
        coalesce(pg_get_expr(i.indpred, i.indrelid), 'true') AS predicate
    FROM pg_index i, unnest(i.indkey::int[]) WITH ORDINALITY AS k (attribute, place), pg_class c
    WHERE k.attribute = 0
        AND c.oid = i.indexrelid AND c.relnamespace = 'public'::regnamespace"""
OTHER_INDEXES = """
    SELECT o.indexrelid::regclass::text FROM pg_index i JOIN pg_index o ON o.indrelid = i.indrelid
    WHERE i.indexrelid = $1::text::regclass AND o.indexrelid <> i.indexrelid
        AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = o.indexrelid)"""
# By type: the values under which a row is found, and the condition that finds it.
SAMPLED = {
    "tsvector": ("unnest(tsvector_to_array({0}))", "({0}) @@ format('%L', $1::text)::tsquery"),
    "text[]": ("unnest({0})", "({0}) && ARRAY[$1::text]"),
    "text": ("{0}", "({0}) = $1::text"),
}


def names(sql: Sql, condition: str = "true") -> set[str]:
    return {
        row[0]
        for row in sql.rows(f"SELECT p.proname::text FROM pg_proc p WHERE {OURS} AND {condition}")
    }


def defined_by(sql: Sql, text: str) -> dict[str, str]:
    """The functions that a file defines, templates included, with what they become: applied and taken back."""
    sql.rows("BEGIN")
    try:
        sql.run(sql.connection.execute(text))
        rows = sql.rows(
            f"""SELECT p.oid::regprocedure::text AS name, pg_get_functiondef(p.oid) AS definition FROM pg_proc p
            WHERE {OURS} AND p.xmin = pg_current_xact_id()::xid"""
        )
        return {row["name"]: row["definition"] for row in rows}
    finally:
        sql.rows("ROLLBACK")


def granted(text: str) -> str:
    """A file's REVOKEs and GRANTs alone, which write to pg_proc too."""
    return text[text.index("REVOKE ALL") :] if "REVOKE ALL" in text else ""


def test_the_list_is_the_folder() -> None:
    assert sorted(FUNCTIONS) == sorted(path.name for path in FOLDER.iterdir())
    stored = [text.startswith(STORED) for text in functions().values()]
    assert stored == sorted(stored, reverse=True), "what others call comes first"


def test_every_function_is_in_one_file_and_as_that_file_defines_it(sql: Sql) -> None:
    now = {
        row["name"]: row["definition"]
        for row in sql.rows(
            f"SELECT p.oid::regprocedure::text AS name, pg_get_functiondef(p.oid) AS definition FROM pg_proc p WHERE {OURS}"
        )
    }
    found: dict[str, str] = {}
    for name, text in functions().items():
        defined = defined_by(sql, text)
        assert not found.keys() & defined.keys(), name
        found |= defined
    assert found == now


def test_nothing_else_defines_functions() -> None:
    defines = re.compile(r"\bCREATE\s+(OR\s+REPLACE\s+)?(FUNCTION|PROCEDURE)\b")
    package = Path(retainer.__file__).parent
    others = [path for path in package.rglob("*.py") if defines.search(path.read_text())]
    others += [path for path in package.glob("database/migrations/*.sql")
               if int(path.name[:4]) >= 18 and defines.search(path.read_text())]  # fmt: skip
    assert not others


def test_nobody_but_the_owner_and_the_application_may_call_a_function(sql: Sql) -> None:
    everybody = (
        "(p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))"
    )
    assert not names(sql, everybody)
    of_app = "EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 'retainer_app'::regrole)"
    triggers_and_procedures = "(p.prorettype = 'trigger'::regtype OR p.prokind = 'p')"
    assert not names(sql, f"{triggers_and_procedures} AND {of_app}")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_file_ends_with_its_grants(sql: Sql, name: str) -> None:
    text = functions()[name]
    last_definition = max(text.rfind("CREATE OR REPLACE"), 0)
    assert "FROM PUBLIC" in text[last_definition:]


def test_functions_that_compute_stored_values_are_marked(sql: Sql) -> None:
    marked = {name for text in functions().values() if text.startswith(STORED)
              for name in re.findall(r"^CREATE OR REPLACE FUNCTION (\w+)", text, re.MULTILINE)}  # fmt: skip
    called = {row[0] for row in sql.rows(STORED_CALLS)}
    assert len(called) > 15
    bodies = {row["name"]: row["body"] for row in sql.rows(
        f"""SELECT p.proname::text AS name, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) AS body
        FROM pg_proc p WHERE {OURS}""")}  # fmt: skip
    while True:  # and what those call
        further = {name for name in bodies for caller in called
                   if re.search(rf"\b{name}\(", bodies[caller])} - called  # fmt: skip
        if not further:
            break
        called |= further
    assert called == marked


def everything(cast: Cast) -> None:
    """A row of each table that has something computed."""
    cast.ada.made("/api/organizations", name="Gärtnerei Süß", type="other", tags=["Öko", "Garten"],
                  website="https://www.süß.example/garten")  # fmt: skip
    for make in (samples.project, samples.task, samples.activity, samples.view):
        make(cast)
    (document,) = samples.file(cast)
    passage = "SELECT count(*) FROM document_passages WHERE tenant_id = $1 AND document_id = $2"
    eventually(lambda: cast.sql.value(passage, cast.tenant, document))
    eventually(lambda: cast.sql.value("SELECT count(*) FROM words"))


def test_every_computed_column_is_what_its_functions_answer_now(cast: Cast, sql: Sql) -> None:
    everything(cast)
    columns = sql.rows(COMPUTED)
    assert len(columns) > 30
    for row in columns:
        table, column, expression = row["table"], row["column"], row["expression"]
        assert not sql.value(
            f"SELECT count(*) FROM {table} WHERE {column} IS DISTINCT FROM ({expression})"
        ), f"{table}.{column}"


def test_every_check_holds_now(cast: Cast, sql: Sql) -> None:
    checks = sql.rows(
        """SELECT conrelid::regclass::text AS table, conname::text AS name, pg_get_expr(conbin, conrelid) AS expression
        FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace"""
    )
    assert len(checks) > 60
    for row in checks:
        broken = sql.value(f"SELECT count(*) FROM {row['table']} WHERE NOT ({row['expression']})")
        assert not broken, row["name"]


@pytest.mark.slow
def test_every_index_of_an_expression_finds_what_a_scan_does(cast: Cast, sql: Sql) -> None:
    everything(cast)
    indexes = sql.rows(EXPRESSION_INDEXES)
    assert len(indexes) > 14
    for row in indexes:
        type = sql.value(f"SELECT pg_typeof({row['expression']})::text FROM {row['table']} LIMIT 1")
        assert type, f"no row in {row['table']}"
        values, condition = (part.format(row["expression"]) for part in SAMPLED[type])
        samples = sql.rows(
            f"SELECT DISTINCT {values} AS value FROM {row['table']} WHERE {row['predicate']}"
            f" AND ({row['expression']}) IS NOT NULL LIMIT 20"
        )
        rows = f"""SELECT array_agg(ctid::text ORDER BY ctid) FROM {row["table"]}
            WHERE {row["predicate"]} AND {condition}"""
        by_index = found(sql, row["index"], rows, samples)
        assert by_index == found(sql, None, rows, samples), row["index"]
        assert by_index and all(by_index), row["index"]


def found(sql: Sql, index: str | None, query: str, samples: list[Any]) -> list[list[str]]:
    """The answers of a query that reads this index, or by a scan of the table."""
    sql.rows("BEGIN")
    try:
        # Of few rows the planner would rather filter what another index has.
        for (other,) in sql.rows(OTHER_INDEXES, index) if index else []:
            sql.rows(f"DROP INDEX {other}")
        off = "seqscan" if index else "indexscan indexonlyscan bitmapscan"
        for way in off.split():
            sql.rows("SELECT set_config($1, 'off', true)", f"enable_{way}")
        answers = []
        for (sample,) in samples:
            plan = "\n".join(row[0] for row in sql.rows(f"EXPLAIN {query}", sample))
            assert (f"Scan on {index}" if index else "Seq Scan") in plan.replace(" using ", " on ")
            answers.append(sql.value(query, sample))
        return answers
    finally:
        sql.rows("ROLLBACK")
