"""What clients are told of NULLs in a result: only what the query's text shows."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.sql.compile.never_null import never_null
from cleanroom_ml.engine.sql.tree.dialect import parse_ast


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # snowflake-connector-python, test_cursor.py::test_resultbatch_schema_exists_when_zero_rows
        ("select seq4() as c1, randstr(1, random()) as c2 from table(generator(rowcount => 1))", (True, True)),
        ("select 1, 'a', true, -1.5, count(*), count(x), row_number() over (order by x) from t", (True,) * 7),
        ("select x, null, x + 1, randstr(x, 1), upper('a'), 1 + 1, max(1), (select 1) from t", (False,) * 8),
        ("select 1 union all select null", ()),
        ("select *, 1 from t", ()),
        ("select t.*, 1 from t", ()),
        ("values (1), (null)", ()),
        ("select 1, count(*) from t group by rollup (1)", ()),
        ("with a as (select null as x) select x, 1 from a", (False, True)),
    ],
)
def test_only_what_the_text_shows(query: str, expected: tuple[bool, ...]) -> None:
    assert never_null(parse_ast(query)) == expected
