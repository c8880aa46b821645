"""What does not fit together in a statement is told by the names that Snowflake has for it, and never by DuckDB's text;
and a worker's answer, which may be anything, brings no name of its own through.
"""

from __future__ import annotations

import duckdb
import pytest

from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.warehouse.failing import failure
from cleanroom_ml.engine.warehouse.failures import from_answer


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.mark.parametrize(
    ("sql", "code", "message"),
    [
        ("SELECT sum(DATE '2024-01-01')", 1044, "Invalid argument types for function 'SUM': (DATE)"),
        ("SELECT TRUE + 1.5", 1044, "Invalid argument types for function '+': (BOOLEAN, NUMBER)"),
        ("SELECT DATE '2024-01-01' > 5::BIGINT", 1044, "Can not convert a value of type [DATE] into expected type"),
        ("SELECT coalesce(DATE '2024-01-01', 1)", 1044, "[DATE] into expected type [NUMBER]"),
        ("SELECT CAST(d AS INTEGER) FROM (SELECT DATE '2024-01-01' d)", 1044, "[DATE] into expected type [NUMBER]"),
        ("SELECT list_transform(1, lambda x: x)", 1044, "Invalid argument types or number of columns"),
        ("SELECT sum(sum(1))", 1003, "Aggregate functions cannot be nested"),
        ("SELECT sum(a) FROM (SELECT 1 a) GROUP BY sum(a)", 1003, "is not a valid group by expression"),
        (
            "SELECT sum(lag(a) OVER (ORDER BY a)) OVER () FROM (SELECT 1 a)",
            2,
            "a window function inside of another one",
        ),
        ("SELECT 1 WHERE sum(1) > 0", 1003, "Invalid aggregate function in where clause"),
        ("SELECT 1 ORDER BY 7", 1003, "A position in ORDER BY or GROUP BY"),
        ("SELECT 1 UNION SELECT 1, 2", 1789, "invalid number of result columns for set operator"),
        ("SELECT 1 QUALIFY TRUE", 1003, "found no window function within the QUALIFY clause"),
        ('SELECT "abC" FROM (SELECT 1 a)', 904, "invalid identifier '\"abC\"'"),
        ('SELECT "_AB" FROM (SELECT 1 a)', 904, "invalid identifier '_AB'"),
        ('SELECT t."NOPE" FROM (SELECT 1 a) t', 904, "invalid identifier 'NOPE'"),
        ('SELECT "_ab" FROM (SELECT 1 a)', 904, "invalid identifier '?'"),
        ("SELECT 1 WHERE rank() OVER () > 1", 2303, "outside of SELECT, QUALIFY, and ORDER BY clauses"),
        ("SELECT grouping(a) FROM (SELECT 1 a)", 1003, "GROUPING function without a GROUP BY"),
        # snowpark-python, tests/integ/test_df_aggregate.py::test_agg_filter_snowpark_connect_compatible
        ("SELECT a FROM (SELECT 1 a) WHERE grouping(a) = 0", 1003, "GROUPING function without a GROUP BY"),
        (
            "SELECT sum(a) OVER (ORDER BY a RANGE BETWEEN CURRENT ROW AND 1 PRECEDING) FROM (SELECT 1 a)",
            2303,
            "Invalid window frame",
        ),
        ("SELECT ntile(0) OVER (ORDER BY a) FROM (SELECT 1 a)", 2061, "NTILE argument must be at least 1"),
        ("SELECT regexp_matches('secret', '(')", 100048, "Invalid regular expression"),
        ("SELECT (SELECT range FROM range(2))", 90150, "Single-row subquery returns more than one row"),
        ("SELECT 1 WHERE row_number() OVER () = 1", 2303, "outside of SELECT, QUALIFY, and ORDER BY"),
        ("SELECT sum(row_number() OVER ())", 1003, "no argument of an aggregate function"),
        ("SELECT (SELECT 1, 2)", 1003, "another number of columns"),
        ("SELECT quantile_cont(a, 2) FROM (SELECT 1 a)", 1003, "A percentile is a constant"),
        ("SELECT ntile(0) OVER (ORDER BY 1)", 2061, "NTILE argument must be at least 1"),
        ("SELECT TIMESTAMP '2024-01-01' AT TIME ZONE 'Nowhere'", 100256, "Unknown time zone"),
    ],
)
def test_an_error_is_in_snowflakes_words(
    connection: duckdb.DuckDBPyConnection, sql: str, code: int, message: str
) -> None:
    with pytest.raises(duckdb.Error) as raised:
        connection.sql(sql).fetchall()
    error = from_answer(failure(raised.value), Compiled(sql, (), "token"), (), "id")
    assert error.code == code
    assert message in error.message
    assert "secret" not in error.message


@pytest.mark.attack
@pytest.mark.parametrize(
    "answer",
    [
        {"kind": "arguments", "function": "stolen", "types": ["stolen"]},
        {"kind": "arguments", "function": ["stolen"], "types": "stolen"},
        {"kind": "unlike", "types": ["stolen", {"stolen": 1}]},
        {"kind": "unlike", "types": None},
    ],
)
def test_an_answer_brings_no_name_of_its_own(answer: dict[str, object]) -> None:
    told = from_answer(answer, Compiled("SELECT 1", (), "token"), (), "id").message
    assert "stolen" not in told
    known = {"kind": "arguments", "function": "sum", "types": ["DATE"]}
    assert "'SUM': (DATE)" in from_answer(known, Compiled("SELECT 1", (), "token"), (), "id").message
