"""The unmodified connector: moments with their offsets, VARIANTs as they are shown, and the session's parameters.

Right values: data-types-datetime, parameters and parse_json of Snowflake's reference.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import ProgrammingError
from snowflake.connector.pandas_tools import write_pandas

pytestmark = pytest.mark.sandbox

ZONED = dt.datetime(2024, 3, 10, 12, 0, 0, 123456, dt.timezone(dt.timedelta(hours=-8)))


def test_a_moment_keeps_its_offset_from_the_client_to_the_table_and_back(client: SnowflakeConnection) -> None:
    cursor = client.cursor()
    cursor.execute("create or replace table moments (z timestamp_tz, l timestamp_ltz, n timestamp_ntz, d date)")
    text = "2024-03-10 22:00:00.123456 -0800"
    cursor.execute(f"insert into moments select '{text}', '{text}', '{text}', '{text}'")
    cursor.execute("insert into moments (z) values (?)", (("TIMESTAMP_TZ", ZONED),))
    cursor.execute("insert into moments values (null, null, null, null)")
    cursor.execute("update moments set d = '03/11/2024' where n is null and z is not null")
    rows = cursor.execute("select * from moments order by z nulls last").fetchall()
    zoned, bound, none = rows[1], rows[0], rows[2]
    assert (zoned[0], zoned[0].utcoffset()) == (
        dt.datetime.fromisoformat("2024-03-10T22:00:00.123456-08:00"),
        dt.timedelta(hours=-8),
    )
    assert zoned[1] == zoned[0]
    assert zoned[2:] == (dt.datetime(2024, 3, 10, 22, 0, 0, 123456), dt.date(2024, 3, 10))
    assert (bound[0], bound[0].utcoffset(), bound[3]) == (ZONED, dt.timedelta(hours=-8), dt.date(2024, 3, 11))
    assert none == (None, None, None, None)
    frame = cursor.execute("select z from moments order by z nulls last").fetch_pandas_all()
    assert list(frame["Z"].dt.tz_convert("UTC")[:2]) == [
        pd.Timestamp(ZONED).tz_convert("UTC"),
        pd.Timestamp(zoned[0]).tz_convert("UTC"),
    ]
    assert cursor.execute("select count(*) from moments where z > '2024-03-11 00:00:00 +0000'").fetchall() == [(1,)]


def test_the_session_s_zone_and_formats_act_and_what_does_not_is_refused(client: SnowflakeConnection) -> None:
    cursor = client.cursor()
    try:
        cursor.execute("alter session set timezone = 'America/Los_Angeles', date_output_format = 'DD.MM.YYYY'")
        [(local, text)] = cursor.execute(
            "select '2024-06-01 12:00:00'::timestamp_ntz::timestamp_ltz, '2024-01-05'::date::varchar"
        ).fetchall()
        assert str(local) == "2024-06-01 12:00:00-07:00"
        assert text == "05.01.2024"
        for refused, words in (
            ("timezone = 'Mars/Olympus'", "invalid value"),
            ("week_start = 8", "invalid value"),
            ("no_such_parameter = 1", "invalid parameter 'NO_SUCH_PARAMETER'"),
            ("quoted_identifiers_ignore_case = true", "Unsupported feature"),
            ("timestamp_type_mapping = 'TIMESTAMP_TZ'", "Unsupported feature"),
        ):
            with pytest.raises(ProgrammingError, match=words):
                cursor.execute(f"alter session set {refused}")
    finally:
        cursor.execute("alter session unset timezone, date_output_format")
    assert cursor.execute("select '2024-01-05'::date::varchar").fetchall() == [("2024-01-05",)]


def test_variants_are_kept_and_shown_in_one_form(client: SnowflakeConnection) -> None:
    cursor = client.cursor()
    cursor.execute("create or replace table documents (v variant, a array, o object)")
    cursor.execute("""insert into documents select parse_json('{"b": 1.50, "a": [1,,null]}'), [1], {'k': 'x'}""")
    cursor.execute("insert into documents (v) values ('abc')")
    cursor.execute("update documents set v = 1.5::float where v = 'abc'")
    [(document, array, member), (number, _, _)] = cursor.execute(
        "select * from documents order by typeof(v) desc"
    ).fetchall()
    assert document == '{\n  "a": [\n    1,\n    undefined,\n    null\n  ],\n  "b": 1.5\n}'
    assert (array, member) == ("[\n  1\n]", '{\n  "k": "x"\n}')
    assert number == "1.500000000000000e+00"
    with pytest.raises(ProgrammingError, match="Error parsing JSON") as caught:
        cursor.execute("select parse_json(v::varchar || '}secret') from documents")
    assert "secret" not in str(caught.value)


def test_an_aware_column_of_pandas_becomes_a_local_timestamp(client: SnowflakeConnection) -> None:
    """pandas_tools: with use_logical_type a zone-aware column is TIMESTAMP_LTZ."""
    frame = pd.DataFrame({"C": pd.Series([pd.Timestamp("2025-01-01 12:00", tz="UTC"), pd.NaT])})
    write_pandas(client, frame, "AWARE", auto_create_table=True, overwrite=True, use_logical_type=True)
    cursor = client.cursor()
    described = cursor.execute("describe table aware").fetchall()
    assert described[0][1] == "TIMESTAMP_LTZ(9)"
    assert cursor.execute(
        "select datediff(hour, c, '2025-01-02'::timestamp_ltz) from aware where c is not null"
    ).fetchall() == [(12,)]


def test_intervals_come_back_in_both_forms(client: SnowflakeConnection) -> None:
    """snowflake-connector-python, test_interval_types.py; of pandas test_arrow_pandas.py::test_interval_day_time."""
    cursor = client.cursor()
    cursor.execute("alter session set feature_interval_types = enabled")
    cursor.execute("create or replace table spans (m interval year to month, d interval day(6) to second)")
    cursor.execute(
        "insert into spans values ('1-2', '106751 23:47:16.854775807'), ('-1-3', '-5 0:0:0.0'), (null, null)"
    )
    cursor.execute("update spans set m = '0-1' where m is null")
    expected = [("-1-03", -dt.timedelta(days=5)), ("+0-01", None), ("+1-02", dt.timedelta(106751, 85636, 854775))]
    for form in ("ARROW", "JSON"):
        asked = {"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": form}
        assert cursor.execute("select m, d from spans order by m", _statement_params=asked).fetchall() == expected
    # 3 is DAY TO SECOND (snowpark: _internal/type_utils.convert_sf_to_sp_type).
    assert [(each.precision, each.scale) for each in cursor.description] == [(9, 0), (6, 3)]
    frame = cursor.execute("select d from spans where d > (select min(d) from spans)").fetch_pandas_all()
    assert list(frame["D"]) == [pd.Timedelta(9223372036854775807, "ns")]
    with pytest.raises(ProgrammingError, match="Interval is not recognized"):
        cursor.execute("insert into spans (d) values ('1234567 0:0:0')")
    with pytest.raises(ProgrammingError, match="as a text or a VARIANT"):
        cursor.execute("select d::varchar from spans")


@pytest.mark.parametrize("form", ["ARROW", "JSON"])
def test_what_is_declared_of_a_moment_is_how_many_digits_are_read(client: SnowflakeConnection, form: str) -> None:
    """snowflake-connector-python, test_arrow_result.py::test_select_timestamp_with_scale; its converter.py takes as
    many digits off a text as are declared.
    """
    cursor = client.cursor()
    asked = {"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": form}
    text = "2017-01-01 12:00:01.123456"
    for digits in (0, 2, 6, 7, 9):
        kept = dt.datetime(2017, 1, 1, 12, 0, 1, int("123456"[:digits].ljust(6, "0")))
        items = [f"'{text}'::timestamp_{each}({digits})" for each in ("ntz", "ltz", "tz")]
        query = f"select {', '.join(items)}, '12:00:01.123456'::time({digits})"
        for sent in (f"begin let r resultset := ({query}); return table(r); end", query):
            ntz, ltz, tz, time = cursor.execute(sent, _statement_params=asked).fetchall()[0]
            assert [ntz, ltz.replace(tzinfo=None), tz.replace(tzinfo=None), time] == [kept, kept, kept, kept.time()]
        assert [each.scale for each in cursor.description] == [digits] * 4
