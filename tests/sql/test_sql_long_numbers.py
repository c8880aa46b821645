"""A number of thousands of digits is a syntax error, wherever it stands: Python refuses to read one (ValueError)."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify

LONG = "9" * 5_000


@pytest.mark.attack
@pytest.mark.parametrize(
    "statement",
    [
        "select :{}",
        "select ${}",
        "select 1 limit {}",
        "show tables limit {}",
        "call p({})",
        "alter session set STATEMENT_TIMEOUT_IN_SECONDS = {}",
        "put file:///tmp/x @~ parallel = {}",
        "select regexp_substr('a', 'a', {})",
    ],
)
def test_a_number_without_end_is_refused(statement: str) -> None:
    with pytest.raises(SqlError, match=r"a number of 500[01] digits"):
        classify(statement.format(LONG))


def test_what_only_looks_like_a_digit_is_no_number() -> None:
    with pytest.raises(SqlError, match="LIMIT needs a number"):
        classify("show tables limit ²")
