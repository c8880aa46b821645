"""Where errors are, in the form that snowpark-python reads (`_internal/analyzer/snowflake_plan.py`; its suite,
tests/integ/test_trace_sql_errors_to_df.py). Lines begin at 1, positions in them at 0.
"""

from __future__ import annotations

import pytest
from statements_client import Client
from statements_foreign import refused

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.places import placed


@pytest.mark.parametrize(
    ("text", "name", "line", "position"),
    [
        ("SELECT nope", "NOPE", 1, 7),
        ("SELECT 1 AS nope,\n  t.nope FROM t", "NOPE", 2, 2),
        ('SELECT nope(1), "nope", NOPE', "NOPE", 1, 24),
        ('SELECT "a""b"', '"a""b"', 1, 7),
    ],
)
def test_where_a_name_is_used_first(text: str, name: str, line: int, position: int) -> None:
    told = placed(SqlError.invalid_identifier(name), text).message
    assert told == f"SQL compilation error: error line {line} at position {position}\ninvalid identifier '{name}'"


def test_what_is_not_in_the_text_has_no_place() -> None:
    for error in (SqlError.invalid_identifier("GONE"), SqlError.syntax("invalid identifier 'A'")):
        assert placed(error, "SELECT a FROM v") is error


@pytest.mark.sandbox
def test_a_statement_says_where(alpha: Client) -> None:
    assert refused(alpha, "SELECT 1,\n nope") == (
        "000904 SQL compilation error: error line 2 at position 1\ninvalid identifier 'NOPE'"
    )
    joined = "SELECT id FROM (SELECT 1 AS id) x, (SELECT 1 AS id) y"
    assert refused(alpha, joined) == (
        "002006 SQL compilation error: error line 1 at position 7\nambiguous column name 'ID'"
    )
    with pytest.raises(SqlError, match="error line 1 at position 7"):
        alpha.result("SELECT nope", describe_only=True)
