"""Functions whose meaning in Snowflake is easy to get wrong: each case is from its documentation or follows from it.

The pages are sql-reference/functions/<name> of Snowflake's documentation.
"""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError

D = datetime.date
T = datetime.datetime

SCALARS = [
    # dates
    ("datediff(week, date '2024-01-06', date '2024-01-08')", 1),
    ("datediff(week, date '2024-01-08', date '2024-01-14')", 0),
    ("datediff(year, date '2023-12-31', date '2024-01-01')", 1),
    ("datediff(hour, timestamp '2024-01-01 00:59:59', timestamp '2024-01-01 01:00:00')", 1),
    ("datediff(day, date '2024-03-01', date '2024-02-28')", -2),
    ("dateadd(month, -1, date '2024-03-31')", D(2024, 2, 29)),
    ("dateadd(hour, 25, date '2024-01-01')", T(2024, 1, 2, 1)),
    ("date_trunc('week', date '2024-03-17')", D(2024, 3, 11)),
    ("date '2024-02-28' + 2::int", D(2024, 3, 1)),
    ("date '2024-03-01' - 1", D(2024, 2, 29)),
    ("date '2024-03-01' - date '2024-02-28'", 2),
    ("last_day(date '2024-02-03')", D(2024, 2, 29)),
    ("last_day(timestamp '2024-02-03 10:00:00')", D(2024, 2, 29)),
    ("last_day(date '2024-02-03', 'year')", D(2024, 12, 31)),
    ("last_day(date '2024-02-03', week)", D(2024, 2, 4)),
    ("next_day(date '2024-03-15', 'Friday')", D(2024, 3, 22)),
    ("previous_day(date '2024-03-15', 'th')", D(2024, 3, 14)),
    ("months_between(date '2019-02-01', date '2019-02-15')", Decimal("-0.451613")),
    ("months_between(date '2019-03-31', date '2019-02-28')", 1.0),
    ("months_between(date '2019-03-28', date '2019-02-28')", 1.0),
    ("time_slice(timestamp '2024-03-15 13:14:15', 15, 'minute')", T(2024, 3, 15, 13)),
    ("time_slice(timestamp '2024-03-15 13:14:15', 15, 'minute', 'end')", T(2024, 3, 15, 13, 15)),
    ("time_slice(date '2024-03-15', 1, 'week')", D(2024, 3, 11)),
    ("date_part(epoch_second, timestamp '2024-01-01 00:00:01')", 1704067201),
    ("date_part('epoch_millisecond', timestamp '2024-01-01 00:00:01')", 1704067201000),
    ("dayofweek(date '2024-03-17') || dayofweekiso(date '2024-03-17')", "07"),
    ("to_char(timestamp '2024-03-05 07:08:09', 'YYYY-MM-DD HH24:MI:SS')", "2024-03-05 07:08:09"),
    ("to_char(date '2024-03-05', 'DY, DD MON YY')", "Tue, 05 Mar 24"),
    ("to_date('2024-03-05T10:00:00')", D(2024, 3, 5)),
    ("'2024-01-01 00:00:00 +0200'::timestamp_tz = '2023-12-31 22:00:00+00'::timestamp_tz", True),
    ("to_timestamp_tz('2024-01-01 00:00:00.5 -0530') = '2024-01-01 05:30:00.5'::timestamp_tz", True),
    # numbers
    ("round(2.5) || ' ' || round(-2.5)", "3 -3"),
    ("div0(1, 0) + div0null(1, null)", 0),
    ("zeroifnull(null) + nullifzero(5)", 5),
    ("width_bucket(290000, 200000, 600000, 4)", 1),
    ("width_bucket(-1, 0, 10, 5) + width_bucket(10, 0, 10, 5)", 6),
    ("bitshiftleft(-5, 1)", -10),
    ("mod(-7, 3)", -1),
    # text
    ("initcap('the quick-brown fox_JUMPS')", "The Quick-Brown Fox_Jumps"),
    ("initcap('o''neill a.b', ' ')", "O'neill A.b"),
    ("split_part('a|b|c', '|', -1)", "c"),
    ("split_part('a|b|c', '|', 0)", "a"),
    ("split_part('a|b|c', '|', 4)", ""),
    ("substr('hello', -3, 2)", "ll"),
    ("substr('hello', 2)", "ello"),
    ("charindex('an', 'banana', 3)", 4),
    ("charindex('x', 'banana', 3)", 0),
    ("position('an', 'banana', 5)", 0),
    ("position('an' in 'banana')", 2),
    ("insert('abcdef', 3, 2, 'zzz')", "abzzzef"),
    ("strtok('a.b;c', '.;', 3)", "c"),
    ("strtok('a', '.', 2)", None),
    ("strtok_to_array('a.b', '.')::string", '["a","b"]'),
    ("hex_encode('SNOW')", "534E4F57"),
    ("hex_encode('SNOW', 0)", "534e4f57"),
    ("sha2('a', 256)", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
    ("hash('a') = hash('a') and hash('a') <> hash('b')", True),
    ("'SnowFlake' ilike 'snow%'", True),
    ("'SnowFlake' like 'snow%'", False),
    ("'100%' like '100^%' escape '^'", True),
    ("'1000' like '100^%' escape '^'", False),
    # regular expressions: REGEXP_LIKE matches the whole text, the others look inside
    ("regexp_like('San Jose', 'san.*', 'i')", True),
    ("regexp_like('San Jose', 'San')", False),
    ("regexp_replace('Hello World', '(\\\\w+) (\\\\w+)', '\\\\2 \\\\1')", "World Hello"),
    ("regexp_replace('aaa', 'a', 'b', 2)", "abb"),
    ("regexp_replace('aaa', 'a', 'b', 1, 1)", "baa"),
    ("regexp_replace('aXa', 'A', '', 1, 0, 'i')", "X"),
    ("regexp_substr('It was the best of times', 'the\\\\W+(\\\\w+)', 1, 1, 'e')", "best"),
    ("regexp_substr('a1b2c3', '[0-9]', 1, 2)", "2"),
    ("regexp_substr('a1', '([a-z])([0-9])', 1, 1, 'e', 2)", "1"),
    ("regexp_substr('abc', 'x')", None),
    ("regexp_count('a1b2', '[0-9]', 3)", 1),
    ("regexp_instr('nevermore', 'e', 3)", 4),
    ("regexp_instr('abc', 'x')", 0),
    # arrays and objects
    ("array_slice([0, 1, 2, 3], 1, -1)::string", "[1,2]"),
    ("array_slice([0, 1, 2, 3], 0, 2)::string", "[0,1]"),
    ("array_position(7::variant, [1, 7])", 1),
    ("array_position(8::variant, [1, 7])", None),
    ("array_size(array_distinct([1, 1, 2]))", 2),
    ("arrays_overlap([1, 2], [2, 3])", True),
    ("array_flatten([[1], [2, 3]])::string", "[1,2,3]"),
    ("array_generate_range(2, 5)::string", "[2,3,4]"),
    ("object_delete(object_construct('a', 1, 'b', 2), 'a')::string", '{"b":2}'),
    ("is_integer(parse_json('3')) and not is_integer(parse_json('3.5'))", True),
    # snowpark-python, tests/integ/scala/test_function_suite.py::test_check_json
    ("check_json('{\"a\": null') || '; ' || check_json('[1')",
     "incomplete object value, pos 11; incomplete array value, pos 3"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SCALARS, ids=[text for text, _ in SCALARS])
def test_a_function_means_what_its_documentation_says(world: World, text: str, expected: object) -> None:
    assert world.query(f"select {text} as x") == [(expected,)]


QUERIES = [
    # no NULLS FIRST or LAST: NULL is the largest value
    ("select column1 from values (3), (null), (1) order by 1", [(1,), (3,), (None,)]),
    ("select column1 from values (3), (null), (1) order by 1 desc", [(None,), (3,), (1,)]),
    ("select column1 from values (3), (null) order by column1 desc nulls last", [(3,), (None,)]),
    ("select listagg(column1, ',') within group (order by column1 desc) from values ('a'), ('b'), (null)", [("b,a",)]),
    ("select listagg(column1) from values (null::varchar)", [("",)]),
    ("select percentile_cont(0.25) within group (order by column1) from values (0), (10), (20)", [(5.0,)]),
    ("select median(column1) from values (1), (2), (null)", [(1.5,)]),
    ("select stddev(column1), stddev_samp(column1), variance(column1) from values (1)", [(None, None, None)]),
    # snowpark-python, tests/integ/test_df_aggregate.py and scala/test_dataframe_aggregate_suite.py (test_count_if)
    ("select stddev(column1) = 0.577349980514419 from values (1), (1), (2)", [(True,)]),
    ("select stddev(column1::float) from values (1), (1), (2)", [(0.5773502691896258,)]),
    ("select count_if(null), count_if(column1 > 5), count_if(column1 > 1) from values (1), (2)", [(0, 0, 1)]),
    ("select to_decimal('0.5', 6, 6)", [(Decimal("0.500000"),)]),
    # the state: snowpark-python, tests/integ/scala/test_function_suite.py::test_approx_percentile_accumulate
    (
        "select approx_percentile_accumulate(column1):state[2]::int, approx_percentile_accumulate(column1):type::text"
        " from values (3), (1), (2)",
        [(2, "tdigest")],
    ),
    (
        "select approx_percentile_estimate(approx_percentile_combine(s), 0.5) from (select"
        " approx_percentile_accumulate(column1) as s from values (0), (1), (null) union all select"
        " approx_percentile_accumulate(column1) from values (8), (9))",
        [(4.5,)],
    ),
    ("select approx_percentile_estimate(approx_percentile_accumulate(id), 0.5) from people where id > 100", [(None,)]),
    # sql-reference/constructs/sample stands behind any item of FROM
    ("select a from values (1, 2), (3, 4) as t(a, b) sample (100) where b > 2", [(3,)]),
    ("select corr(column1, column2) from values (1, 5), (2, 5)", [(None,)]),
    ("select regr_slope(column1, column2) from values (5, 1), (5, 1)", [(None,)]),
    ("select ntile(2) over (order by column1) from values (1), (2), (3) order by column1", [(1,), (1,), (2,)]),
    ("select ratio_to_report(column1) over () from values (1), (3) order by 1", [(0.25,), (0.75,)]),
    ("select count(distinct column1, column2) from values (1, 1), (1, 1), (1, null)", [(1,)]),
    ("select approx_count_distinct(column1) from values (1), (1)", [(1,)]),
    ("select value from table(split_to_table('a,b', ',')) order by index desc", [("b",), ("a",)]),
    ("select x.id, s.value from people x, lateral split_to_table(x.name || '-q', '-') s where x.id = 1 and s.index = 2",
     [(1, "q")]),
    ("select (row_number() over (order by seq8()) - 1) * 3 as id from (table(generator(rowcount => 2)))", [(0,), (3,)]),
    ("select seq4() % 2, count(*) from table(generator(rowcount => 5)) group by 1 order by 1", [(0, 3), (1, 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), QUERIES, ids=[text for text, _ in QUERIES])
def test_a_query_means_what_the_documentation_says(world: World, text: str, expected: object) -> None:
    assert world.query(text) == expected


JOINS = [
    ("select count(*) from ((select * from people) a join (select * from orders) b on a.id = b.id)", 5),
    ("select count(*) from (((people a)) join orders b on a.id = b.id)", 5),
    ("select count(*) from (people a join orders b on a.id = b.id) join names n on true", 10),
    # on the right side they say what is joined first, and what is inside can be named outside
    ("select count(n.who) from orders b left join (people a join names n on n.who = a.name) on a.id = b.id", 0),
    ("select count(n.who) from orders b left join people a on a.id = b.id join names n on n.who <> a.name", 10),
    ("select count(*) from orders b join ((people a) join (names n join names m on true) on true) on a.id = b.id", 20),
]


@pytest.mark.parametrize(("text", "expected"), JOINS, ids=[text for text, _ in JOINS])
def test_joins_in_parentheses(world: World, text: str, expected: int) -> None:
    assert world.query(text) == [(expected,)]


def test_a_name_inside_of_a_parenthesised_join_is_looked_up_like_any_other(world: World) -> None:
    with pytest.raises(SqlError, match="does not exist"):
        world.query("select 1 from people a join (orders b join read_csv c on true) on true")
    with pytest.raises(SqlError, match="duplicate alias"):
        world.query("select 1 from people a join (orders b join orders a on true) on true")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("count(*)", "COUNT(*)"),
        ("max(score)", "MAX(SCORE)"),
        ("'Abc'", "'ABC'"),
        ("md5('Snowflake')", "MD5('SNOWFLAKE')"),
        ('max("ID")', 'MAX("ID")'),
    ],
)
def test_a_column_without_a_name_has_its_text_in_capitals(world: World, text: str, name: str) -> None:
    assert world.names(f"select {text} from people") == [name]


@pytest.mark.parametrize(
    "text",
    [
        "sha2('a', 500)",
        "regexp_replace('a', 'a', 'b', 1, -2)",
        "regexp_like('a', 'a', name)",
        "regexp_like('a', 'a', 'q')",
        "time_slice(born, id, 'day')",
        "next_day(born, 'someday')",
        "bool_and(true)",
        "'a' like 'b' escape 'ab'",
        # snowpark-python, tests/integ/test_function.py::test_is_negative, test_as_negative; test_convert_timezone_neg
        "is_char(name)",
        "as_date(name)",
        "convert_timezone('UTC', 'Asia/Tokyo', '2024-01-01 00:00:00 +0100'::timestamp_tz)",
    ],
)
def test_what_is_not_there_is_refused(world: World, text: str) -> None:
    with pytest.raises(SqlError):
        world.query(f"select {text} from people")


def test_an_alias_is_no_column(world: World) -> None:
    """DuckDB gives the whole row for it."""
    for text in ("select people from people", "select to_json(a) from people a", "select a from people b, people a"):
        with pytest.raises(SqlError, match="invalid identifier"):
            world.query(text)
    assert world.query("select max(a.id) as a from people a group by a.id order by a limit 1") == [(0,)]


def test_names_in_quotes_keep_their_case(world: World) -> None:
    """DuckDB does not tell `"x"` from `"X"`: what it would mix up is refused."""
    with pytest.raises(SqlError, match="invalid identifier"):
        world.query('select "X" from (select 1 as "x")')
    with pytest.raises(SqlError, match="invalid identifier"):
        world.query('select id from people where "id" = 1')
    assert world.query('select "x" from (select 1 as "x") where "x" = 1') == [(1,)]
    assert world.names('select 1 as "x", 2 as "X"') == ["x", "X"]


def test_random_over_a_generator_may_be_read_again_by_its_alias(world: World) -> None:
    """As the published scripts make their data: `uniform(…, random()) AS f, f + f AS t`."""
    rows = world.query(
        "select uniform(0::float, 10::float, random()) as f, uniform(0::float, 10::float, random()) as g, f + f as t"
        " from table(generator(rowcount=>(200)))"
    )
    assert len(rows) == 200
    assert all(t == 2 * f for f, _, t in rows)
    assert len({f for f, _, _ in rows}) == 200
    assert all(f != g for f, g, _ in rows)
    assert all(0 <= f < 10 for f, _, _ in rows)


def test_a_seed_gives_the_same_numbers_again(world: World) -> None:
    text = "select random(7), randstr(6, random(8)) from table(generator(rowcount => 5))"
    first = world.query(text)
    assert first == world.query(text)
    assert len({number for number, _ in first}) == 5
    assert all(len(letters) == 6 and letters.isalnum() for _, letters in first)
    assert world.query("select random() from table(generator(rowcount => 1))") != world.query(
        "select random() from table(generator(rowcount => 1))"
    )
