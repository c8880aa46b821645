"""What Snowpark's own suite has of functions and joins that the pages say less of (snowpark-python, tests/integ: the
test is named beside each), with the page where there is one.
"""

from __future__ import annotations

from datetime import date, time

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError

FORMATS = "(select column1 s, column2 f from values ('2024-04-18', 'YYYY-MM-DD'), ('01 09 1999', 'DD MM YYYY'))"
PAIRS = "(select 1 a, 2 b union all select 3, 4)"
CASES = [
    # scala/test_function_suite.py::test_to_date: a format of each row
    (f"select to_date(s, f) from {FORMATS} order by s desc", [(date(2024, 4, 18),), (date(1999, 9, 1),)]),
    (f"select try_to_date('x', f) from {FORMATS}", [(None,), (None,)]),
    (f"select to_date(s, null::varchar) from {FORMATS}", [(None,), (None,)]),
    ("select to_time(column1, column2) from values ('13-02', 'HH24-MI')", [(time(13, 2),)]),
    # scala/test_function_suite.py::test_array_size; functions/array_size: NULL of a VARIANT that is no ARRAY
    ("select array_size(column1) from values (2)", [(None,)]),
    ("select array_size(parse_json('[1, 2]')), array_size('x'::variant)", [(2, None)]),
    # scala/test_function_suite.py::test_as_timestamp_all
    (
        "select as_timestamp_tz(to_variant('2017-02-24 14:00:00 +0100'::timestamp_tz))::varchar,"
        " as_timestamp_tz(to_variant('2017-02-24'::timestamp_ntz)), as_timestamp_tz('x'::variant)",
        [("2017-02-24 14:00:00.000 +0100", None, None)],
    ),
    # functions/seq1.md, its example; test_dataframe.py::test_generator_table_function
    (
        "select * from (select seq2(0), seq1(1) from table(generator(rowcount => 132))) order by 1 limit 3 offset 126",
        [(126, 126), (127, 127), (128, -128)],
    ),
    ("select max(seq1()), max(seq4(1)) from table(generator(rowcount => 130))", [(127, 129)]),
    # test_dataframe.py::test_join_directed
    (f"select x.b, y.b from {PAIRS} x inner directed join {PAIRS} y on x.a = y.a order by 1", [(2, 2), (4, 4)]),
    (f"select count(*) from {PAIRS} x cross directed join {PAIRS} y", [(4,)]),
    # test_reduce_describe_query.py::test_join: sources without a name in common
    (f"select a, c from {PAIRS} natural join (select 5 c) order by a", [(1, 5), (3, 5)]),
    (f"select a, c from {PAIRS} natural left join (select 5 c where false) order by a", [(1, None), (3, None)]),
]


@pytest.mark.parametrize(("query", "rows"), CASES)
def test_values(world: World, query: str, rows: list[tuple[object, ...]]) -> None:
    assert world.query(query) == rows


@pytest.mark.parametrize(
    ("query", "said"),
    [
        # scala/test_dataframe_suite.py::test_df_stat_approx_quantile
        (
            "select approx_percentile_estimate(approx_percentile_accumulate(1), -1)",
            r"Invalid value \[-1.0\] for function 'APPROX_PERCENTILE_ESTIMATE'",
        ),
        ("select as_timestamp_tz('x')", "AS_TIMESTAMP_TZ"),
        ("select to_date(1, column1) from values ('YYYY')", "format"),
    ],
)
def test_refusals(world: World, query: str, said: str) -> None:
    with pytest.raises(SqlError, match=said):
        world.query(query)
