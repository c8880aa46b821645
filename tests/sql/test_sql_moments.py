"""Dates, times and moments, by Snowflake's reference: pages sql-reference/functions/<name> where none is named."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from sql_world import World

import cleanroom_ml
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.moment_text import _COMPUTED, _NATIVE

D = datetime.date
M = datetime.datetime
C = datetime.time


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


def value(world: World, text: str, parameters: Mapping[str, str] | None = None) -> object:
    world.parameters = dict(parameters or {})
    [(found,)] = world.query(f"select {text} as x")
    return found


TZ = "'2024-03-10 22:00:00 -0800'::timestamp_tz"
VALUES = [
    # a TIMESTAMP_TZ keeps its offset (data-types-datetime)
    (f"{TZ}::varchar", "2024-03-10 22:00:00.000 -0800"),
    (f"{TZ}::date", D(2024, 3, 10)),
    (f"{TZ}::timestamp_ntz", M(2024, 3, 10, 22)),
    (f"hour({TZ})", 22),
    (f"date_trunc(day, {TZ})::varchar", "2024-03-10 00:00:00.000 -0800"),
    (f"dateadd(month, 1, {TZ})::varchar", "2024-04-10 22:00:00.000 -0800"),
    (f"date_part(timezone_hour, {TZ})", -8),
    (f"date_part(epoch_second, {TZ})", 1710136800),
    (f"{TZ} = '2024-03-11 06:00:00 +0000'::timestamp_tz", True),
    (f"{TZ} between '2024-03-11' and '2024-03-12'", True),
    (f"{TZ}::variant::varchar", "2024-03-10 22:00:00.000 -0800"),
    ("'2024-03-10 22:00:00 -0800'::timestamp_ntz", M(2024, 3, 10, 22)),
    ("null::timestamp_tz::varchar", None),
    (
        "convert_timezone('Asia/Tokyo', '2024-01-01 00:00:00 +0000'::timestamp_tz)::varchar",
        "2024-01-01 09:00:00.000 +0900",
    ),
    (
        "convert_timezone('America/Los_Angeles', 'America/New_York', '2024-01-01 14:00:00'::timestamp_ntz)",
        M(2024, 1, 1, 17),
    ),
    # what AUTO reads (date-time-input-output), and texts of digits (to_timestamp)
    ("'1/2/2024'::date", D(2024, 1, 2)),
    ("'17-DEC-1980'::date", D(1980, 12, 17)),
    ("'2013-04-28T20:57:01.123456+07:00'::timestamp_tz::varchar", "2013-04-28 20:57:01.123 +0700"),
    ("'2013-04-28 20:57'::timestamp", M(2013, 4, 28, 20, 57)),
    ("'Thu, 21 Dec 2000 16:01:07 +0200'::timestamp_tz::varchar", "2000-12-21 16:01:07.000 +0200"),
    ("'04:01 PM'::time", C(16, 1)),
    ("to_timestamp('31536000')", M(1971, 1, 1)),
    ("to_timestamp('31536000000')", M(1971, 1, 1)),
    ("to_timestamp('31536000000000')", M(1971, 1, 1)),
    ("to_date('31536000000000000')", D(1971, 1, 1)),
    ("to_timestamp(1000000000, 3)", M(1970, 1, 12, 13, 46, 40)),
    ("to_timestamp(1000000000, 9)", M(1970, 1, 1, 0, 0, 1)),
    ("to_timestamp(1700000000.5)", M(2023, 11, 14, 22, 13, 20, 500000)),
    ("try_to_date('2024-02-30')", None),
    ("try_to_timestamp('x')", None),
    # formats in and out
    ("to_date('03-MAR-2024', 'DD-MON-YYYY')", D(2024, 3, 3)),
    ("to_date('2012.07.23', 'YYYY.MM.DD')", D(2012, 7, 23)),
    ("to_time('11.15.00', 'HH24.MI.SS')", C(11, 15)),
    ("to_timestamp('04/05/2024 01:02:03 PM', 'mm/dd/yyyy hh12:mi:ss am')", M(2024, 4, 5, 13, 2, 3)),
    ("to_date('5/1/79', 'DD/MM/YY')", D(1979, 1, 5)),
    ("to_char('2024-03-05 14:07:09.12'::timestamp, 'FF')", "120000000"),
    ("to_char('2024-03-05 14:07:09'::timestamp, 'MMMM D, Y HH12:MI P \"at\" H24')", "March 5, 24 02:07 P at 14"),
    ("to_char('14:05'::time, 'HH12:MI AM')", "02:05 PM"),
    (f"to_char({TZ}, 'TZH:TZM TZHTZM TZH')", "-08:00 -0800 -08"),
    ("'2024-03-05 09:08:07'::timestamp_ntz || ''", "2024-03-05 09:08:07.000"),
    # arithmetic
    ("add_months('2016-02-29'::date, 1)", D(2016, 3, 31)),
    ("add_months('2016-05-31'::date, 1)", D(2016, 6, 30)),
    ("add_months('2016-05-15'::date, -1)", D(2016, 4, 15)),
    ("'2024-01-31'::date + interval '1 month'", D(2024, 2, 29)),
    ("'2024-01-01'::date - interval '1 year'", D(2023, 1, 1)),
    ("'2024-01-01'::timestamp + interval '1 day, 2 hours'", M(2024, 1, 2, 2)),
    ("'2024-01-01'::date + interval '1 h'", M(2024, 1, 1, 1)),
    ("1 + '2024-01-01'::date", D(2024, 1, 2)),
    ("dateadd(hour, 1, '10:00:00'::time)", C(11)),
    ("datediff(nanosecond, '2024-01-01'::timestamp, '2024-01-01 00:00:01'::timestamp)", 1_000_000_000),
    ("date_part(nanosecond, '2024-01-01 00:00:00.5'::timestamp)", 500_000_000),
    ("trunc('2024-05-05'::date, 'month')", D(2024, 5, 1)),
    ("date_trunc(week, '2024-03-17 10:00:00'::timestamp)", M(2024, 3, 11)),
    ("last_day('2024-01-10'::date, 'week')", D(2024, 1, 14)),
    ("date_from_parts(2010, 1, 0)", D(2009, 12, 31)),
    ("date_from_parts(2010, 13, 1)", D(2011, 1, 1)),
    ("time_from_parts(0, 100, 0)", C(1, 40)),
    ("timestamp_ntz_from_parts('2013-04-05'::date, '12:00:00'::time)", M(2013, 4, 5, 12)),
    ("timestamp_from_parts(2013, 4, 5, 12, 0, -3600)", M(2013, 4, 5, 11)),
    (
        "timestamp_tz_from_parts(2013, 4, 5, 12, 0, 0, 0, 'America/Los_Angeles')::varchar",
        "2013-04-05 12:00:00.000 -0700",
    ),
    # a declared scale is kept
    ("'2024-01-01 00:00:00.123456'::timestamp_ntz(3)", M(2024, 1, 1, 0, 0, 0, 123000)),
    # sql-reference/data-types-datetime.md: the precision is how many digits of a second are kept.
    ("'2024-01-01 00:00:00.123956789'::timestamp_ntz(3)", M(2024, 1, 1, 0, 0, 0, 123000)),
    ("'2024-01-01 00:00:00.123456789'::timestamp_ntz(6)", M(2024, 1, 1, 0, 0, 0, 123456)),
    ("'10:11:12.999'::time(0)", C(10, 11, 12)),
    ("typeof(getdate()::variant)", "TIMESTAMP_LTZ"),
]


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[text for text, _ in VALUES])
def test_a_moment_is_what_the_page_says(worlds: World, text: str, expected: object) -> None:
    assert value(worlds, text) == expected


LOS_ANGELES = {"TIMEZONE": "America/Los_Angeles"}
OF_THE_SESSION = [
    # the number of a VARIANT is a moment, of a NUMBER a wall clock (to_timestamp)
    (LOS_ANGELES, "to_timestamp(parse_json('0'))::varchar", "1969-12-31 16:00:00.000"),
    (LOS_ANGELES, "to_timestamp(0)::varchar", "1970-01-01 00:00:00.000"),
    # parameters, to_timestamp
    (LOS_ANGELES, "to_timestamp_tz('2024-04-05 01:02:03')::varchar", "2024-04-05 01:02:03.000 -0700"),
    (LOS_ANGELES, "'2024-06-01 12:00:00'::timestamp_ntz::timestamp_ltz::varchar", "2024-06-01 12:00:00.000 -0700"),
    (LOS_ANGELES, "hour('2024-07-01 12:00:00 +0000'::timestamp_ltz)", 5),
    (LOS_ANGELES, "'2024-07-01 02:00:00 +0000'::timestamp_ltz::date", D(2024, 6, 30)),
    (LOS_ANGELES, "date_trunc(day, '2024-07-01 02:00:00 +0000'::timestamp_ltz)::timestamp_ntz", M(2024, 6, 30)),
    (LOS_ANGELES, "current_date() = convert_timezone('UTC', 'America/Los_Angeles', sysdate())::date", True),
    (LOS_ANGELES, "1700000000::timestamp_ntz", M(2023, 11, 14, 22, 13, 20)),
    ({"DATE_OUTPUT_FORMAT": "DD.MM.YYYY"}, "to_char('2024-01-05'::date)", "05.01.2024"),
    ({"TIMESTAMP_NTZ_OUTPUT_FORMAT": "DD.MM.YYYY"}, "'2024-01-05 10:00:00'::timestamp_ntz || '!'", "05.01.2024!"),
    ({"TIME_OUTPUT_FORMAT": "HH12:MI AM"}, "'14:05'::time::varchar", "02:05 PM"),
    ({"DATE_INPUT_FORMAT": "DD/MM/YYYY"}, "'05/02/2013'::date", D(2013, 2, 5)),
    ({"TWO_DIGIT_CENTURY_START": "1980"}, "to_date('79', 'YY')", D(2079, 1, 1)),
    # functions-date-time, "Calendar weeks and weekdays"
    ({"WEEK_START": "0"}, "dayofweek('2017-01-01'::date)", 0),
    ({"WEEK_START": "1"}, "dayofweek('2017-01-01'::date)", 7),
    ({"WEEK_START": "7"}, "dayofweek('2017-01-01'::date)", 1),
    ({"WEEK_START": "7"}, "date_trunc('week', '2024-01-10'::date)", D(2024, 1, 7)),
    ({"WEEK_START": "7"}, "last_day('2024-01-10'::date, 'week')", D(2024, 1, 13)),
    ({"WEEK_START": "7"}, "datediff(week, '2024-01-06'::date, '2024-01-07'::date)", 1),
    ({"WEEK_START": "7"}, "date_trunc('weekiso', '2024-01-10'::date)", D(2024, 1, 8)),
    ({"WEEK_OF_YEAR_POLICY": "0"}, "week('2017-01-01'::date)", 52),
    ({"WEEK_OF_YEAR_POLICY": "0"}, "yearofweek('2017-01-01'::date)", 2016),
    ({"WEEK_OF_YEAR_POLICY": "1"}, "week('2017-01-01'::date)", 1),
    ({"WEEK_OF_YEAR_POLICY": "1"}, "yearofweek('2017-01-01'::date)", 2017),
    ({"WEEK_OF_YEAR_POLICY": "1"}, "weekiso('2017-01-01'::date)", 52),
]


@pytest.mark.parametrize(
    ("parameters", "text", "expected"), OF_THE_SESSION, ids=[f"{next(iter(p))}-{t}" for p, t, _ in OF_THE_SESSION]
)
def test_a_parameter_of_the_session_acts(
    worlds: World, parameters: Mapping[str, str], text: str, expected: object
) -> None:
    assert value(worlds, text, parameters) == expected


def test_columns_are_read_as_constants_are(worlds: World) -> None:
    worlds.parameters = {}
    rows = worlds.query(
        "select column1::timestamp_tz::varchar, column1::timestamp_ntz, column1::date, try_to_time(column1) from values"
        " ('2024-01-02 10:00:00 +0200'), (null)"
    )
    assert rows == [
        ("2024-01-02 10:00:00.000 +0200", M(2024, 1, 2, 10), D(2024, 1, 2), C(10)),
        (None, None, None, None),
    ]
    with pytest.raises(Exception, match=r"cleanroom:moment\nDATE\nabc$"):
        worlds.query("select column1::date from values ('abc')")


def test_digits_beyond_what_a_type_keeps_are_cut_from_a_columns_texts(worlds: World) -> None:
    worlds.parameters = {}
    texts = "('2024-01-02 10:00:00.123956789 +0200'), ('2024-01-02 10:00:00.1239567Z'), (null)"
    rows = worlds.query(f"select column1::timestamp_tz(3)::varchar from values {texts}")
    assert rows == [("2024-01-02 10:00:00.123 +0200",), ("2024-01-02 10:00:00.123 +0000",), (None,)]
    with pytest.raises(Exception, match=r"cleanroom:nanoseconds$"):
        worlds.query(f"select column1::timestamp_tz(9) from values {texts}")


REFUSED = [
    ("'2024-02-30'::date", "Date '2024-02-30' is not recognized"),
    ("'2019/01/02'::date", "is not recognized"),
    ("'x'::timestamp", "Timestamp 'x' is not recognized"),
    ("'2024-01-02'::timestamp - '2024-01-01'::timestamp", "use DATEADD or DATEDIFF"),
    ("dateadd(dayofweek, 1, '2024-01-01'::date)", "not a valid date/time component"),
    ("'2024-01-01'::date + interval '1 fortnight'", "not a valid date/time component"),
    ("to_char('2024-01-01'::date, '" + "Y" * 300 + "')", "longer than 256"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_cannot_be_is_refused_by_name(worlds: World, text: str, words: str) -> None:
    with pytest.raises(SqlError, match=words):
        value(worlds, text)


def test_values_of_a_type_are_compared_and_grouped_as_moments(worlds: World) -> None:
    worlds.parameters = {}
    rows = worlds.query(
        "select max(column1)::varchar, min(column1)::varchar from values"
        " ('2024-01-01 10:00:00 +0200'::timestamp_tz), ('2024-01-01 09:00:00 +0000'::timestamp_tz)"
    )
    assert rows == [("2024-01-01 09:00:00.000 +0000", "2024-01-01 10:00:00.000 +0200")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # functions/dateadd: an epoch's milliseconds are the everyday case
        ("dateadd(ms, 1700000000000, '1970-01-01'::timestamp)", M(2023, 11, 14, 22, 13, 20)),
        ("dateadd(second, -3000000000, '2024-01-01'::timestamp)", M(1928, 12, 7, 18, 40)),
        ("dateadd(hour, 3000000, '1970-01-01'::timestamp)", M(2312, 3, 29)),
        # snowflake-connector-python, test_arrow_pandas.py::test_time_interval_microsecond
        (
            "'2010-06-25 12:15:30.747'::timestamp + interval '8999999999999998 microseconds'",
            M(2295, 9, 6, 4, 15, 30, 746998),
        ),
        ("'2024-01-01'::timestamp - interval '3000000000 seconds, 1 ms'", M(1928, 12, 7, 18, 39, 59, 999000)),
    ],
)
def test_steps_of_more_than_32_bits(worlds: World, text: str, expected: object) -> None:
    assert value(worlds, text) == expected


NINE = re.compile(r"(?<!`)%n")
WIDE = "2024-03-05 14:07:09.123456"
SHOWN = {
    "FF": "123456000",
    "FF0": "",
    **{f"FF{digits}": "123456000"[:digits] for digits in range(1, 10)},
    **{"YYYY": "2024", "UUUU": "2024", "YY": "24", "Y": "24", "MM": "03", "MO": "3", "MON": "Mar", "MMMM": "March"},
    **{"DD": "05", "D": "5", "DY": "Tue", "HH24": "14", "HH": "14", "H24": "14", "H": "14", "HH12": "02", "H12": "2"},
    **{"AM": "PM", "PM": "PM", "P": "P", "MI": "07", "ME": "7", "SS": "09", "S": "9"},
    **{"TZH": "+00", "TZM": "00", "TZHTZM": "+0000", "TZH:TZM": "+00:00"},
}
"""Each element of a format, and what it is of that moment (sql-reference/date-time-input-output)."""


@pytest.mark.attack
def test_a_format_shows_nothing_but_the_moment(worlds: World) -> None:
    """DuckDB 2.0's `%n` is as long as nine digits and writes six: the rest was whatever had been in that memory."""
    assert {*_NATIVE, *_COMPUTED} <= SHOWN.keys()
    columns = ", ".join(
        f"listagg(distinct hex_encode(to_char(t, '{element}\"!\"{element}|{element}')), ' ')" for element in SHOWN
    )
    rows = f"select dateadd(day, column1 - column1, '{WIDE}'::timestamp) as t from values (1), (2), (3)"
    [found] = worlds.query(f"select {columns} from ({rows})")
    assert [bytes.fromhex(str(text)).decode() for text in found] == [f"{x}!{x}|{x}" for x in SHOWN.values()]


def test_no_template_formats_by_what_duckdb_leaves_unwritten() -> None:
    written = {str(path) for path in Path(cleanroom_ml.__file__).parent.rglob("*.py") if NINE.search(path.read_text())}
    assert written == set()
