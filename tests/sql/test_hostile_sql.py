"""Statements that try to get past the resolver: all of them end as SqlError, and none gives a text that reads what it
was not given.
"""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sql_world import World

from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.split import split
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.sql.script.block import BlockResult, run_block

pytestmark = pytest.mark.attack

FILE_FUNCTIONS = [
    "read_csv",
    "read_csv_auto",
    "read_parquet",
    "parquet_scan",
    "read_json",
    "read_text",
    "read_blob",
    "glob",
    "duckdb_settings",
    "duckdb_tables",
    "pragma_database_list",
    "sniff_csv",
    "getenv",
    "current_setting",
    "sqlite_scan",
    "query",
    "query_table",
    "parquet_metadata",
    "which_secret",
    "duckdb_secrets",
    "read_duckdb",
    "error",
    "json_execute_serialized_sql",
    "test_all_types",
    "checkpoint",
    "nextval",
]
POSITIONS = [
    "select {0}('/etc/passwd')",
    "select * from {0}('/etc/passwd')",
    "select * from table({0}('/etc/passwd'))",
    "select * from people, lateral {0}('/etc/passwd')",
    "select * from people where id in (select 1 from {0}('/etc/passwd'))",
    "with x as (select * from {0}('/etc/passwd')) select * from x",
    "with {0} as (select 1) select {0}('/etc/passwd')",
    "select case when true then {0}('x') end",
    "select sum({0}('x')) over (order by {0}('y'))",
    "select id from people order by {0}('x')",
    "select id from people limit {0}('x')",
    "select id from people group by {0}('x')",
    "select 1 from people join orders on {0}('x') = 1",
    "select \"{0}\"('x')",
    "select {0}/**/('x')",
    "values ({0}('x'))",
    "select count(*) filter (where {0}('x'))",
]


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("function", FILE_FUNCTIONS)
def test_functions_of_duckdb_do_not_exist_anywhere(world, function, position):
    with pytest.raises(SqlError):
        compile_query(position.format(function), world)


REFUSED = [
    "select * from '/etc/passwd'",
    'select * from "/etc/passwd"',
    "select * from 'x.parquet'",
    "select * from information_schema.tables",
    "select * from sqlite_master",
    "select * from duckdb_tables",
    "select * from pg_catalog.pg_class",
    "select * from memory.main.people",
    "select * from other.public.people",
    "select * from people at(timestamp => 1)",
    "select columns('.*') from people",
    "select people from people as of 1",
    "select * from people pivot(sum(id) for name in (any))",
    "select * from people pivot(list_transform(id) for name in ('a'))",
    "select x -> x + 1",
    "select list_transform([1], x -> x)",
    "select * into outfile '/tmp/x' from people",
    "select id from people for update",
    "select * from (select 1; select 2)",
    'select 1 as "{0}" from "a{0}"',
    "select * from people tablesample ('x')",
    "select * from read_csv('x') as people",
    "select $1 from people, nope",
    "select * from @stage/x",
    "select * from directory(@stage)",
    "select next value for s",
    "select ?",
    "select :nope",
    "select $nope",
    "select {0}",
    "select * from identifier('/etc/passwd')",
    "select * from table('nope')",
    "select * from table(result_scan('x')) r join people",
    "select try_cast(1 as evil)",
    "select 1::struct(a int)",
    "select cast(1 as enum('a'))",
    "select interval '1; drop'",
    "select date_trunc('x'')--', born) from people",
    "select dateadd('day) --', 1, born) from people",
    "select to_varchar(born, '%Y') from people where 1 = nope(2)",
    "select extract(evil from born) from people",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_on_no_list_is_refused(world, text):
    with pytest.raises(SqlError):
        compile_query(text, world)


NOT_STATEMENTS = [
    "attach '/tmp/x' as y",
    "copy people to '/tmp/x'",
    "copy (select 1) to '/tmp/x'",
    "install httpfs",
    "load httpfs",
    "pragma version",
    "set threads to 4",
    "export database '/tmp/x'",
    "import database '/tmp/x'",
    "create macro f(x) as x",
    "create function f() as 1",
    "create secret s (type s3)",
    "checkpoint",
    "vacuum",
    "prepare x as select 1",
    "execute x",
    "explain analyze select 1",
    "summarize people",
    "use 'x'",
    "call pragma_version",
    "detach x",
    "create type t as enum ('a')",
    "select 1; attach 'x'",
    "create external table t (a int)",
    "create table t as attach 'x'",
    "insert into t attach 'x'",
    "begin attach 'x'; end; attach 'y'",
]


@pytest.mark.parametrize("text", NOT_STATEMENTS)
def test_statements_of_duckdb_are_none_of_ours(text):
    with pytest.raises(SqlError):
        classify(text)


@pytest.mark.parametrize(
    "text",
    [
        "select " + "(" * 10_000 + "1" + ")" * 10_000,
        "select " + "[" * 140 + "1" + "]" * 140 + " from nope",
        "select " + "case when 1=1 then " * 500 + "1" + " end" * 500,
        "select " + "not " * 20_000 + "true",
        "select " + "- " * 20_000 + "1",
        "select 1 " + "union all select 1 " * 20_000,
        "select " + "+".join(["nope"] * 20_000),
        "select " + "months_between(" * 140 + "1" + ",1)" * 140,
        "x" * (2 << 20),
        "select " + "a." * 50_000 + "b",
        "select 1 where " + " and ".join(["1=1"] * 30_000) + " and nope() = 1",
        "select " + "1 in (" * 140 + "1" + ")" * 140 + " from nope",
    ],
    ids=range(12),
)
def test_nesting_and_size_are_bounded(world, text):
    with pytest.raises(SqlError):
        compile_query(text, world)


def test_long_flat_conditions_are_fine(world):
    text = "select count(*) from people where " + " or ".join(f"id = {number}" for number in range(2000))
    assert world.query(text) == [(4,)]


def test_brackets_up_to_the_bound_are_fine(world):
    assert world.query("select " + "(" * 140 + "1" + ")" * 140) == [(1,)]
    nested = "select 1 as a"
    for _ in range(60):
        nested = f"select * from ( {nested} )"
    assert world.query(nested) == [(1,)]


def test_text_that_looks_like_a_marker_stays_text(world):
    first = compile_query("select * from people", world)
    text = f"{first.token}:0:"
    assert world.query(f"select '{text}', $${text}$$ from people limit 1") == [(text, text)]
    assert first.token != compile_query("select * from people", world).token


def test_a_column_named_like_a_slot_is_refused(world):
    world.table("ODD", "A INT", 'SELECT 1::BIGINT AS "A"')
    assert world.query('select a as "{0}" from odd') == [(1,)]
    assert world.query("select '{0} {1} {*}' from odd") == [("{0} {1} {*}",)]


def test_names_of_another_account_read_as_not_existing(world):
    with pytest.raises(SqlError, match=re.escape("Object 'OTHER.PUBLIC.SECRET' does not exist or not authorized.")):
        compile_query("select * from other.public.secret", world)


PIECES = st.sampled_from(
    [
        "select",
        "from",
        "where",
        "people",
        "orders",
        "id",
        "name",
        "(",
        ")",
        ",",
        ";",
        "'",
        '"',
        "$$",
        "$1",
        "?",
        ":x",
        "::",
        ":",
        ".",
        "*",
        "+",
        "-",
        "/",
        "--",
        "/*",
        "*/",
        "with",
        "as",
        "union",
        "all",
        "group",
        "by",
        "order",
        "limit",
        "values",
        "join",
        "on",
        "using",
        "lateral",
        "table",
        "flatten",
        "generator",
        "rowcount",
        "=>",
        "identifier",
        "over",
        "partition",
        "rows",
        "between",
        "case",
        "when",
        "then",
        "end",
        "begin",
        "declare",
        "let",
        ":=",
        "return",
        "if",
        "insert",
        "into",
        "update",
        "set",
        "delete",
        "merge",
        "matched",
        "create",
        "temp",
        "view",
        "stage",
        "copy",
        "@s/x",
        "[",
        "]",
        "{",
        "}",
        "1",
        "0.5",
        "'a'",
        "null",
        "true",
        "cast",
        "int",
        "varchar(3)",
        "interval",
        "qualify",
        "count",
        "sum",
        "listagg",
        "within",
        "\\",
        "\x01",
        "é",
        "😀",
        "%",
        "ilike",
        "escape",
    ]
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.one_of(
        st.lists(PIECES, max_size=25).map(" ".join),
        st.text(max_size=60),
        st.lists(PIECES, max_size=20).map(lambda found: "select " + " ".join(found)),
    )
)
def test_nothing_but_sql_errors_comes_out(world, text):
    with contextlib.suppress(SqlError):
        split(text)
    with contextlib.suppress(SqlError):
        statement = classify(text)
        if isinstance(statement, Query):
            compile_query(statement.ast, world)
    with contextlib.suppress(SqlError):
        run_block(f"begin {text}; end", lambda _text, _variables: BlockResult(("A",), ((1,),)), max_steps=50)


@pytest.mark.attack
@pytest.mark.parametrize(
    "text",
    [
        "SELECT doc.s FROM people p",  # DuckDB: the field `s` of the column DOC
        "SELECT IDENTIFIER('doc.s') FROM people p",
        "SELECT doc.* FROM people p",
        'SELECT P.name FROM people "p"',  # DuckDB: an alias in any case
        "SELECT people.name FROM people p",
        "SELECT p.id FROM people p WHERE EXISTS (SELECT 1 FROM orders o WHERE doc.s = 'str1')",
        "SELECT p.id FROM people p ORDER BY doc.s",
        "SELECT p.id FROM people p JOIN orders o ON doc.s = o.id::VARCHAR",
    ],
)
def test_a_qualifier_is_an_alias_in_scope_or_nothing(world: World, text: str) -> None:
    with pytest.raises(SqlError, match="invalid identifier"):
        compile_query(text, world)


def test_qualifiers_of_outer_queries_and_laterals_are_in_scope(world: World) -> None:
    assert world.query("SELECT p.id FROM people p WHERE EXISTS (SELECT 1 FROM orders o WHERE o.id = p.id)")
    assert world.query("SELECT f.value FROM people p, LATERAL FLATTEN(p.doc:a.b) f")
    assert world.query("WITH w AS (SELECT id FROM people) SELECT w.id FROM w ORDER BY w.id")
