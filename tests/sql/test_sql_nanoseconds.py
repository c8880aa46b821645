"""Moments with nanoseconds inside of a query: nine digits of a second (sql-reference/data-types-datetime), and what the
pages sql-reference/functions/<name> give of them.
"""

from __future__ import annotations

import copy
import datetime
from pathlib import Path

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.binds import Binds, FineMoment
from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError, TooFineValue
from cleanroom_ml.engine.sql.settings import keeping_nanoseconds
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse.answers import declared

FORM = "'YYYY-MM-DD HH24:MI:SS.FF9'"
ZONED = "'YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM'"
T = "'2024-03-10 22:00:00.123456789'::timestamp_ntz"
TZ = "'2024-03-10 22:00:00.123456789 -0800'::timestamp_tz"
HALF = "'2024-03-10 22:00:00.5'::timestamp"
LATE = "'9999-12-31 23:59:59.999999999'::timestamp_ntz"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


def value(world: World, text: str, binds: Binds | None = None) -> object:
    world.parameters = {}
    [(found,)] = world.query(f"select {text} as x", binds or Binds())
    return found


VALUES = [
    # every digit is kept, whatever the year: DuckDB's own nanoseconds end in 2262 (data-types-datetime)
    (f"to_char({T}, {FORM})", "2024-03-10 22:00:00.123456789"),
    (f"to_char({LATE}, {FORM})", "9999-12-31 23:59:59.999999999"),
    (f"to_char('1400-01-01 01:02:03.000000001'::timestamp, {FORM})", "1400-01-01 01:02:03.000000001"),
    (f"to_char('1969-12-31 23:59:59.999999999'::timestamp, {FORM})", "1969-12-31 23:59:59.999999999"),
    (f"to_char({T}, 'SS.FF')", "00.123456789"),
    (f"to_char({T}, 'SS.FF8')", "00.12345678"),
    (f"to_char({T}, 'SS.FF7')", "00.1234567"),
    (f"to_char({T}, 'SS.FF3')", "00.123"),
    (f"{T}::varchar", "2024-03-10 22:00:00.123"),
    (f"to_char({TZ}, {ZONED})", "2024-03-10 22:00:00.123456789 -0800"),
    (f"to_char({TZ}::timestamp_ltz, {ZONED})", "2024-03-11 06:00:00.123456789 +0000"),
    (f"to_char({TZ}::timestamp_ntz, {FORM})", "2024-03-10 22:00:00.123456789"),
    (f"to_char({T}::timestamp_tz, {ZONED})", "2024-03-10 22:00:00.123456789 +0000"),
    ("to_char('01:02:03.123456789'::time, 'HH24:MI:SS.FF9')", "01:02:03.123456789"),
    (f"to_char({T}::time, 'HH24:MI:SS.FF9')", "22:00:00.123456789"),
    (f"{T}::date", datetime.date(2024, 3, 10)),
    # digits that a type does not have are cut
    (f"to_char({T}::timestamp_ntz(8), {FORM})", "2024-03-10 22:00:00.123456780"),
    (f"to_char({T}::timestamp_ntz(7), {FORM})", "2024-03-10 22:00:00.123456700"),
    (f"to_char({T}::timestamp_ntz(6), {FORM})", "2024-03-10 22:00:00.123456000"),
    (f"to_char({T}::timestamp_ntz(0), {FORM})", "2024-03-10 22:00:00.000000000"),
    ("to_char('01:02:03.123456789'::time(7), 'FF9')", "123456700"),
    # dateadd, datediff, date_part, date_trunc, time_slice, add_months, last_day, convert_timezone
    (f"to_char(dateadd(nanosecond, 1, {T}), {FORM})", "2024-03-10 22:00:00.123456790"),
    (f"to_char(dateadd(ns, -123456790, {T}), {FORM})", "2024-03-10 21:59:59.999999999"),
    (f"to_char(dateadd(day, 1, {T}), {FORM})", "2024-03-11 22:00:00.123456789"),
    (f"to_char(dateadd(month, 1, {TZ}), {ZONED})", "2024-04-10 22:00:00.123456789 -0800"),
    (f"to_char(add_months({T}, 1), {FORM})", "2024-04-10 22:00:00.123456789"),
    (f"to_char({T} + interval '1 day, 211 nanoseconds', {FORM})", "2024-03-11 22:00:00.123457000"),
    (f"to_char({T} - interval '790 ns', {FORM})", "2024-03-10 22:00:00.123455999"),
    (f"datediff(nanosecond, '2024-03-10 22:00:00'::timestamp, {T})", 123456789),
    (f"datediff(ns, {T}, '2024-03-10 22:00:00.123456790'::timestamp)", 1),
    (f"datediff(microsecond, '2024-03-10 22:00:00'::timestamp, {T})", 123456),
    (f"date_part(nanosecond, {T})", 123456789),
    (f"extract(second from {T})", 0),
    (f"date_part(epoch_nanosecond, {T})", 1710108000123456789),
    (f"date_part(epoch_microsecond, {T})", 1710108000123456),
    (f"to_char(date_trunc(microsecond, {T}), {FORM})", "2024-03-10 22:00:00.123456000"),
    (f"to_char(date_trunc(ns, {T}), {FORM})", "2024-03-10 22:00:00.123456789"),
    (f"date_trunc(day, {T})", datetime.datetime(2024, 3, 10)),
    (f"trunc({T}, 'month')", datetime.datetime(2024, 3, 1)),
    (f"time_slice({T}, 1, 'SECOND')", datetime.datetime(2024, 3, 10, 22)),
    (f"last_day({T})", datetime.date(2024, 3, 31)),
    (f"dayname({T})", "Sun"),
    (f"year({T})", 2024),
    (f"months_between('2024-04-10 22:00:00.123456789'::timestamp, {T})", 1),
    (f"to_char(convert_timezone('UTC', {TZ}), {ZONED})", "2024-03-11 06:00:00.123456789 +0000"),
    (f"to_char(convert_timezone('UTC', 'Asia/Tokyo', {T}), {FORM})", "2024-03-11 07:00:00.123456789"),
    # compared, chosen
    (f"{T} = '2024-03-10 22:00:00.123456789'", True),
    (f"{T} > '2024-03-10 22:00:00.123456'::timestamp", True),
    (f"{T} between '2024-03-10 22:00:00.123456788' and '2024-03-10 22:00:00.123456789'", True),
    (f"{T} in ('2024-03-10 22:00:00.123456788', '2024-03-10 22:00:00.123456789')", True),
    (f"{T} = '2024-03-10'::date", False),
    (f"{TZ} = '2024-03-11 06:00:00.123456789 +0000'::timestamp_tz", True),
    (f"{TZ} < '2024-03-11 06:00:00.12345679 +0000'::timestamp_tz", True),
    (f"equal_null({T}, null)", False),
    (f"to_char(coalesce(null, {T}, '2024-01-01'::timestamp), {FORM})", "2024-03-10 22:00:00.123456789"),
    (f"to_char(greatest('2024-01-01'::timestamp, {T}), {FORM})", "2024-03-10 22:00:00.123456789"),
    (f"to_char(iff(true, '2024-01-01'::timestamp, {T}), {FORM})", "2024-01-01 00:00:00.000000000"),
    (f"to_char(case when true then {T} else '2024-01-01'::timestamp end, {FORM})", "2024-03-10 22:00:00.123456789"),
    (f"nullif({T}, {T})", None),
    (f"decode({T}, '2024-03-10 22:00:00.123456789', 1, 2)", 1),
    (f"hash({T}) = hash('2024-03-10 22:00:00.123456789'::timestamp)", True),
    (f"hash({T}::timestamp_ntz(6)) = hash(iff(false, {T}, '2024-03-10 22:00:00.123456'::timestamp))", True),
    # a VARIANT keeps them
    (f"{T}::variant::varchar", "2024-03-10 22:00:00.123456789"),
    (
        f"iff(false, {T}, '2024-03-10 22:00:00.5'::timestamp)::variant = '2024-03-10 22:00:00.5'::timestamp::variant",
        True,
    ),
    ("'01:02:03.12345678'::time::variant::varchar", "01:02:03.12345678"),
    (f"typeof({T}::variant)", "TIMESTAMP_NTZ"),
    # numbers (to_timestamp): seconds with nine digits
    (f"to_char(to_timestamp(1.123456789), {FORM})", "1970-01-01 00:00:01.123456789"),
    (f"to_char(to_timestamp(-0.000000001), {FORM})", "1969-12-31 23:59:59.999999999"),
    (f"to_char(to_timestamp('1710108000123456789'), {FORM})", "2024-03-10 22:00:00.123456789"),
    (
        f"to_char(timestamp_from_parts('2024-03-10'::date, '22:00:00.123456789'::time), {FORM})",
        "2024-03-10 22:00:00.123456789",
    ),
]


def all_of(world: World, texts: list[str], source: str = "") -> list[tuple[str, object]]:
    """What each of these expressions gives, in one query."""
    world.parameters = {}
    listed = ", ".join(f"{text} as x{number}" for number, text in enumerate(texts))
    [row] = world.query(f"select {listed} {source}")
    return list(zip(texts, row, strict=True))


def test_every_digit_is_kept(world: World) -> None:
    assert all_of(world, [text for text, _ in VALUES]) == VALUES


RUN_AGAIN = [
    (f"to_char(column1::timestamp, {FORM})", "2024-03-10 22:00:00.123456789"),
    (f"to_char(column1::timestamp_tz, {ZONED})", "2024-03-10 22:00:00.123456789 +0000"),
    (f"to_char(column1::timestamp_ltz, {ZONED})", "2024-03-10 22:00:00.123456789 +0000"),
    ("to_char(column1::time, 'HH24:MI:SS.FF9')", "22:00:00.123456789"),
    ("column1::timestamp = '2024-03-10 22:00:00.123456789'", True),
    (f"to_char(parse_json('\"' || column1 || '\"')::timestamp, {FORM})", "2024-03-10 22:00:00.123456789"),
    (f"to_char(try_to_timestamp(column1), {FORM})", "2024-03-10 22:00:00.123456789"),
    (f"to_char(as_timestamp_ntz({T}::variant), {FORM})", "2024-03-10 22:00:00.123456789"),
    (f"to_char(as_timestamp_ltz({T}::timestamp_ltz::variant), {FORM})", "2024-03-10 22:00:00.123456789"),
    (f"to_char(as_time({T}::time::variant), 'HH24:MI:SS.FF9')", "22:00:00.123456789"),
    (f"to_char(dateadd(ns, length(column1), '2024-01-01'::timestamp), {FORM})", "2024-01-01 00:00:00.000000029"),
    (f"to_char(to_timestamp(1000000000000000000 + length(column1), 9), {FORM})", "2001-09-09 01:46:40.000000029"),
    (f"to_char(timestamp_from_parts(2024, 1, 1, 1, 1, 1, length(column1)), {FORM})", "2024-01-01 01:01:01.000000029"),
    ("to_char(time_from_parts(1, 2, 3, length(column1)), 'HH24:MI:SS.FF9')", "01:02:03.000000029"),
    (
        f"to_char('2024-01-01'::timestamp + interval '0 00:00:00.000000001' day to second, {FORM})",
        "2024-01-01 00:00:00.000000001",
    ),
]


def test_what_only_the_rows_know_is_refused_first_and_kept_then(world: World) -> None:
    source = "from values ('2024-03-10 22:00:00.123456789')"
    for text, _ in RUN_AGAIN:
        with pytest.raises(TooFineValue):
            world.answer(f"select {text} {source}")
    with keeping_nanoseconds():
        assert all_of(world, [text for text, _ in RUN_AGAIN], source) == RUN_AGAIN


@pytest.mark.parametrize("text", [LATE, "'9999-12-31'::timestamp"])
def test_a_count_that_is_no_number_of_64_bits_is_out_of_range(world: World, text: str) -> None:
    with pytest.raises(SqlError) as raised:
        world.answer(f"select date_part(epoch_nanosecond, {text})")
    assert raised.value.code == 100132


def test_rows_are_put_in_order_and_grouped_by_every_digit(world: World) -> None:
    world.parameters = {}
    rows = ", ".join(f"('2024-01-01 00:00:00.00000000{digit}'::timestamp)" for digit in (2, 1, 0))
    rows = f"values {rows}"
    names = [0, 1, 2]
    assert world.query(f"select date_part(ns, column1) from {rows} order by column1") == [(each,) for each in names]
    assert world.query(f"select count(distinct column1), date_part(ns, max(column1)) from {rows}") == [(3, 2)]
    assert world.query(f"select date_part(ns, column1), count(*) from {rows} group by column1 order by 1") == [
        (each, 1) for each in names
    ]
    assert world.query(f"select date_part(ns, lag(column1) over (order by column1)) from {rows} order by column1") == [
        (None,),
        (0,),
        (1,),
    ]
    same = ("01:00:00.000000001 +0100", "00:00:00.000000001 +0000")
    zoned = "values " + ", ".join(f"('2024-01-01 {each}'::timestamp_tz)" for each in same)
    assert world.query(f"select count(distinct column1) from {zoned}") == [(1,)]
    both = "select '2024-01-01 00:00:00.000000001'::timestamp as t union all select '2024-01-01'::timestamp"
    assert world.query(f"select date_part(ns, t) from ({both}) order by t") == [(0,), (1,)]
    dated = "select '2024-01-01 00:00:00.000000001'::timestamp as t union all select '2024-01-01'::date"
    assert world.query(f"select date_part(ns, t) from ({dated}) order by t") == [(0,), (1,)]
    lagged = f"select date_part(ns, lag(column1, 1, '2024-01-01'::timestamp) over (order by column1)) from {rows}"
    assert world.query(f"{lagged} order by column1") == [(0,), (0,), (1,)]


def test_a_bound_value_has_nanoseconds(world: World) -> None:
    """connector: converter.py binds a count of nanoseconds."""
    fine = FineMoment(datetime.datetime(2024, 3, 10, 22, 0, 0, 123456), 789)
    assert value(world, f"to_char(?, {FORM})", Binds.of(fine)) == "2024-03-10 22:00:00.123456789"
    zone = datetime.timezone(datetime.timedelta(hours=-8))
    aware = FineMoment(datetime.datetime(2024, 3, 10, 22, tzinfo=zone), 1)
    assert value(world, f"to_char(?, {ZONED})", Binds.of(aware)) == "2024-03-10 22:00:00.000000001 -0800"
    time = FineMoment(datetime.time(1, 2, 3), 4)
    assert value(world, "to_char(?, 'HH24:MI:SS.FF9')", Binds.of(time)) == "01:02:03.000000004"


REFUSED = [
    f"{TZ}::variant",
    f"array_contains({T}, array_construct({T}))",
    f"approx_top_k({T})",
    f"percentile_disc(0.5) within group (order by {T})",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_computed_with_them_is_refused_by_name(world: World, text: str) -> None:
    with pytest.raises(SqlError, match="nanoseconds in "):
        value(world, text)


DECLARED = [
    ("a", 3),
    ("max(a)", 3),
    ("lag(a) over (order by a)", 3),
    ("coalesce(a, a::timestamp(5))", 5),
    ("a::timestamp_ltz(2)", 2),
    ("'10:00'::time(4)", 4),
    ("'2024-01-01 00:00:00.123456789'::timestamp(8)", 8),
    # what is computed may have more digits than what it is computed of
    ("a::timestamp", None),
    ("dateadd(ms, 1, a)", None),
    ("dateadd(ns, 1, a)", None),
    ("a + interval '1 ms'", None),
    ("date_trunc(day, a)", None),
    ("nvl(a, current_timestamp()::timestamp)", None),
]


def test_a_result_says_how_many_digits_its_type_declares(world: World) -> None:
    """sql-reference/data-types-datetime: the precision of a type is its number of digits, 9 by default."""
    world.sources[("DECLARED",)] = TableSource((("A", parse_type("TIMESTAMP_NTZ(3)")),), ())
    for text, digits in DECLARED:
        [kind] = compile_query(f"select {text} from declared", world).kinds
        found = declared((("A", parse_type("TIMESTAMP_NTZ")),), (copy.deepcopy(kind),))[0][1]
        assert (text, found.wire("A")["scale"]) == (text, 9 if digits is None else digits)


ROWS = "values (1, '2024-01-01 00:00:00.000000001'), (2, '2024-01-01 00:00:00.000000002'), (3, '2024-01-02'), (4, null)"
COARSE_ROWS = "values (1, '2024-01-01'), (2, '2024-01-01 00:00:00.000001'), (3, '2024-01-02'), (4, null)"
COLUMNS = (
    "column1 as id, column2::timestamp{0} as n, column2::timestamp_ltz{0} as l, column2::timestamp_tz{0} as z,"
    " column2::timestamp{0}::time{0} as t"
)
LOW, HIGH = "'2024-01-01 00:00:00.000000001'", "'2024-01-01 00:00:00.000000002'"
BOUNDS = f"(select {LOW}::timestamp as lo, {HIGH}::timestamp as hi)"


def of_both(world: World, text: str) -> list[tuple[object, ...]]:
    """The rows of a query of `f`, whose moments have nanoseconds, and `c`, whose have none."""
    world.parameters = {}
    fine, coarse = COLUMNS.format(""), COLUMNS.format("(6)")
    with keeping_nanoseconds():
        return world.answer(f"with f as (select {fine} from {ROWS}), c as (select {coarse} from {COARSE_ROWS}) {text}")


RANGES = [
    *(f"select id from f where {each} between {LOW} and {HIGH}" for each in ("n", "l", "z")),
    "select id from f where t between '00:00:00.000000001' and '00:00:00.000000002'",
    f"select id from f where n >= {LOW} and n <= {HIGH}",
    f"select id from f where n > '2024-01-01'::date and {HIGH} >= n",
    f"select id from f where n >= '2024-01-01'::timestamp_tz and l < '2024-01-02' and n <= {HIGH} and l > n::date",
    f"select id from f where n between (select {LOW}::timestamp) and (select {HIGH}::timestamp)",
    f"select id from f, {BOUNDS} where n >= lo and n <= hi",
    f"select id from (select * from f cross join {BOUNDS}) where n between lo and hi",
    f"select id from (select id, n, {LOW}::timestamp as lo, {HIGH}::timestamp as hi from f) where n between lo and hi",
    f"select f.id from f, f a, f b where f.n >= a.n and f.n <= b.n and a.n = {LOW} and b.n in ({HIGH})",
    f"select id from f qualify max(n) over (partition by id) between {LOW} and {HIGH}",
    f"select id from f group by id having max(n) >= {LOW} and max(n) <= {HIGH}",
    "select f.id from f join c on f.n > c.n and f.n < dateadd(ns, 5, c.n)",
    f"select f.id from f left join c on f.id = c.id and c.n >= {LOW} and c.n <= {HIGH} where f.n <= {HIGH}",
    f"select id from f where exists (select 1 from f g where g.id = f.id and g.n >= {LOW} and g.n <= {HIGH})",
    f"select id from f where n >= any (select {LOW}::timestamp) and n <= any (select {HIGH}::timestamp)",
]


@pytest.mark.parametrize("text", RANGES)
def test_moments_are_found_between_two_bounds(world: World, text: str) -> None:
    """Of two bounds DuckDB's optimizer makes one BETWEEN, and has none of what has nanoseconds."""
    assert of_both(world, f"{text} order by 1") == [(1,), (2,)]


def test_ranges_of_two_tables_are_joined_by_what_is_less(world: World) -> None:
    """Not row by row: a comparison that DuckDB does not know for one is asked of each row with each other one."""
    text = f"select 1 from (select {T} as n, 1 as a) f join (select {T} as n, 2 as b) g on f.n >= g.n and f.n <= g.n"
    world.parameters = {}
    assert "coalesce" not in compile_query(text, world).sql
    apart = f"select 1 from (select {T} as n) where n >= {LOW} and n <= {HIGH}"
    assert compile_query(apart, world).sql.count("coalesce") == 2


ROW_VALUES = [
    (f"(id, n) in ((1, {LOW}), (3, '2024-01-02'))", [1, 3]),
    (f"(id, n) = (1, {LOW})", [1]),
    (f"(n, id) <> ({LOW}, 1) and id < 3", [2]),
    ("(id, n) in (select id, n from c)", [3]),
    ("(id, z) in (select id, z from f g where id < 3)", [1, 2]),
    ("(id, to_variant(id)) in ((1, 1), (2, 3))", [1]),
    ("(id, id) in ((1, '1.0'), (2, '3'))", [1]),
    # what is NULL is equal to nothing
    ("(id, n) in ((4, null))", []),
    ("(id, n) = (4, null) or (id, n) <> (3, null)", [1, 2, 4]),
    ("exists (select 1 from f g where (g.id, g.n) = (f.id, f.n))", [1, 2, 3]),
]


def test_rows_of_moments_are_compared_as_moments_are(world: World) -> None:
    """Text beside a moment is read as one in a row of several values as well (sql-reference/data-type-conversion)."""
    for text, found in ROW_VALUES:
        assert (text, of_both(world, f"select id from f where {text} order by 1")) == (
            text,
            [(each,) for each in found],
        )
    for text in ("(id, n) in ((1, '2024-1-1'))", "(id, t) = (1, '00:00')", "(id, n::date) in ((1, '2024-1-1'))"):
        assert (text, of_both(world, f"select id from c where {text}")) == (text, [(1,)])


NEIGHBOURS = [
    ("f", "'2024-01-01'", 0),
    ("f", "'2024-01-01 00:00:00.000000003'", 3),
    ("f", "'2024-01-01'::date", 0),
    ("c", "'2024-01-01 00:00:00.000000003'", 3),
]


@pytest.mark.parametrize(("table", "default", "digits"), NEIGHBOURS)
def test_what_stands_for_a_row_that_is_not_there_has_every_digit(
    world: World, table: str, default: str, digits: int
) -> None:
    lagged = f"lag(n, 1, {default}) over (order by id)"
    assert of_both(world, f"select date_part(ns, {lagged}) from {table} order by id limit 1") == [(digits,)]


REFUSED_QUERIES = [
    "select 1 from f join c using (n)",
    "select 1 from c left join f using (n)",
    "select 1 from (select n from f) f natural join (select n from c) c",
    "select count(*) over (order by n range between interval '1 day' preceding and current row) from f",
    "select * from (with recursive r(i, t) as (select 1, n from c union all select i + 1, dateadd(ns, 1, t) from r"
    " where i < 3) select * from r)",
]


@pytest.mark.parametrize("text", REFUSED_QUERIES)
def test_a_query_that_is_not_computed_with_them_is_refused_by_name(world: World, text: str) -> None:
    with pytest.raises(SqlError, match="nanoseconds"):
        of_both(world, text)


def test_what_is_computed_once_is_no_column_of_an_alias(world: World) -> None:
    """DuckDB takes `a._0` in a lambda for a column of a relation `a`, whatever the lambda's own parameter is."""
    added = f'date_part(ns, dateadd(ns, 1, iff("_0" = 1, {T}, {T})))'
    for alias in ("_given", "_moment"):
        assert of_both(world, f'select {added} from (select id from c limit 1) as "{alias}"("_0")') == [(123456790,)]
