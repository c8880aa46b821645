"""Blocks as they are sent: what their statements did is told (developer-guide/snowflake-scripting/dml-status.md of
Snowflake's documentation), what they return has its type, and what a template may not do. The language itself:
tests/sql/test_sql_scripting.py.
"""

from __future__ import annotations

import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.protocol.rowtypes import rowset
from cleanroom_ml.engine.sql.binds import Variant
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.statements.results import decode, encode

pytestmark = pytest.mark.sandbox

TABLE = "CREATE TABLE w AS SELECT column1 AS k, column2 AS x FROM VALUES (1, 10), (1, 20), (2, 5)"

WIRED: list[tuple[str, object]] = [
    ("begin let c int; select count(*) into :c from w; return c; end", 3),
    # dml-status.md, snowflake-scripting variables
    ("begin update w set x = x where k = 1; return sqlrowcount || sqlfound || sqlnotfound; end", "2truefalse"),
    ("begin update w set x = x where k = 9; return sqlrowcount || sqlfound || sqlnotfound; end", "0falsetrue"),
    ("begin select 1; return sqlid = last_query_id() and sqlrowcount is null; end", True),
    (
        "begin show tables like 'W'; let n varchar; select \"name\" into :n from table(result_scan(last_query_id()));"
        " return n; end",
        "W",
    ),
    ("begin execute immediate 'create or replace table made (a int)'; execute immediate 'insert into made values (1)';"
     " return sqlrowcount; end", 1),
]  # fmt: skip


def test_what_blocks_return(alpha: Client) -> None:
    alpha.result(TABLE)
    found = [(text, alpha.rows(text)) for text, _ in WIRED]
    assert found == [(text, [(expected,)]) for text, expected in WIRED]


VARIANTS: list[tuple[str, object]] = [
    # snowflake-scripting/variables.md: a variable has its declared type; functions/typeof.md, sql-reference/sql/call.md
    ("CALL told(1.5::FLOAT)", "1.5DOUBLE"),
    ("CALL inner_told(1.5::FLOAT)", "1.5DOUBLE"),
    ("CALL same(1.5::FLOAT)", "1.500000000000000e+00"),
    ("CALL same(PARSE_JSON('[\"\\\\u0001F1.5\"]'))", '[\n  "\\u0001F1.5"\n]'),
    ("declare v variant := 1.5::float; w float; begin w := (select :v * 2); return w; end", 3.0),
    ("declare x int; begin select 1.6 into :x; return x; end", 2),
    ("begin for r in (select 1.5::float::variant as x) do return typeof(r.x); end for; end", "DOUBLE"),
    (
        "declare v variant := 1.5::float; rs resultset; begin rs := (select :v as x); return table(rs); end",
        "1.500000000000000e+00",
    ),
    ("declare v variant := parse_json('{\"f\": false}'); begin if (v:f) then return 'yes'; end if; return 'no'; end",
     "no"),
    ("SELECT TYPEOF(v) || TYPEOF($sv) FROM kept", "DOUBLEDOUBLE"),
]  # fmt: skip


def test_a_variant_stays_one(alpha: Client) -> None:
    for text in (
        "create procedure told(a variant) returns varchar language sql as 'begin return a::varchar || typeof(a); end'",
        "create procedure same(a variant) returns variant language sql as 'begin return a; end'",
        "create procedure inner_told(a variant) returns varchar language sql as"
        " 'declare r varchar; begin call told(:a) into :r; return r; end'",
        "set sv = 1.5::float::variant",
        "create table kept (v variant)",
        "declare v variant := 1.5::float; begin insert into kept select :v; end",
    ):
        alpha.result(text)
    assert [(text, alpha.rows(text)) for text, _ in VARIANTS] == [(text, [(found,)]) for text, found in VARIANTS]
    (variable,) = alpha.dicts("SHOW VARIABLES")
    assert (variable["value"], variable["type"]) == ("1.500000000000000e+00", "variant")


def test_what_is_kept_of_a_variant_is_one_again() -> None:
    """A repeated request is answered with what was recorded: as the first one was."""
    rows = Rows((("V", parse_type("VARIANT")),), ((Variant('"\\u0001F1.5"'),),))
    again = decode(encode(rows))
    assert again is not None
    assert again.rows == rows.rows
    assert rowset(["variant"], again.rows) == [["1.500000000000000e+00"]]


def test_arguments_of_call_are_exact(alpha: Client) -> None:
    """sql-reference/data-types-numeric.md: a number with a point and no exponent is a NUMBER; casts round."""
    alpha.result("create procedure pd(a number(38,10)) returns varchar language sql as 'begin return a::varchar; end'")
    alpha.result("create procedure pv(a varchar) returns varchar language sql as 'begin return a; end'")
    cases = [
        ("pd(-12345678901234567890.1234567891)", "-12345678901234567890.1234567891"),
        ("pv(1.50)", "1.50"),
        ("pv(1.55::number(10,1))", "1.6"),
    ]
    assert [(text, alpha.rows(f"CALL {text}")) for text, _ in cases] == [(text, [(found,)]) for text, found in cases]
    assert alpha.rows("CALL pv(?::number(10,1))", 1.25) == [("1.3",)]
    with pytest.raises(SqlError, match="too long"):
        alpha.rows("CALL pv('abc'::varchar(2))")


def test_the_types_of_what_is_returned(alpha: Client) -> None:
    alpha.result(TABLE)
    for text, expected in [
        ("begin return 1.50; end", "NUMBER(3,2)"),
        ("begin return current_date(); end", "DATE"),
        ("begin return true; end", "BOOLEAN"),
        ("begin return 'a'; end", "VARCHAR"),
    ]:
        made = alpha.result(text)
        assert isinstance(made, Rows)
        assert str(made.columns[0][1]) == expected
    table = alpha.result("begin let r resultset := (select k, x from w order by x); return table(r); end")
    assert isinstance(table, Rows)
    assert ([name for name, _ in table.columns], list(table.rows)) == (["K", "X"], [(2, 5), (1, 10), (1, 20)])


def test_execute_immediate_of_a_text(alpha: Client) -> None:
    alpha.result(TABLE)
    alpha.result("SET stmt = 'SELECT count(*) FROM w'")
    assert alpha.rows("EXECUTE IMMEDIATE $stmt") == [(3,)]
    assert alpha.rows("EXECUTE IMMEDIATE 'SELECT max(x) FROM w'") == [(20,)]
    with pytest.raises(SqlError, match="one statement"):
        alpha.rows("EXECUTE IMMEDIATE 'SELECT 1; SELECT 2'")


@pytest.mark.attack
def test_a_template_makes_no_statements_of_texts(
    alpha: Client, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a template says is what was approved: a text of a table's would be something else."""
    from cleanroom_ml.engine.statements import blocks
    from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
    from cleanroom_ml.engine.storage.rights import Rights

    catalog = AccountCatalog(
        alpha.storage,
        alpha.session,
        lambda _, paths: [True] * len(paths),
        Rights.of_session(alpha.storage, alpha.session),
    )
    texts = ("begin execute immediate 'select 1'; end", "EXECUTE IMMEDIATE 'select 1'", "show tables ->> select 1")
    for text in texts:
        with pytest.raises(SqlError, match=r"template|clean room"):
            executor.execute_in(catalog, alpha.session, text, None, "q")
    run_block = blocks.run_block
    monkeypatch.setattr(blocks, "run_block", lambda *a, **k: run_block(*a, **{**k, "dynamic": True}))
    executor.execute_in(catalog, alpha.session, texts[0], None, "q")
