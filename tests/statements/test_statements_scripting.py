"""Blocks as they are sent: what their statements did is told (developer-guide/snowflake-scripting/dml-status.md of
Snowflake's documentation), what they return has its type, and what a template may not do. The language itself:
tests/sql/test_sql_scripting.py.
"""

from __future__ import annotations

import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.executor import Executor

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
