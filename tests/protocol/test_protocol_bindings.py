"""Round trips with the real connector's own converter: what it sends is what we read, what we send is what it reads."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snowflake.connector.converter import SnowflakeConverter

from cleanroom_ml.engine.protocol.bindings import parse_bindings
from cleanroom_ml.engine.protocol.errors import WireError
from cleanroom_ml.engine.protocol.rowtypes import wire_text

CONVERTER = SnowflakeConverter(use_numpy=False)
CONVERTER.set_parameter("TIMEZONE", "UTC")


def sent(value: Any, kind: str | None = None) -> Any:
    """What the engine reads of a value that the connector binds."""
    kind = kind or CONVERTER.snowflake_type(value)
    bound = CONVERTER.to_snowflake_bindings(kind, value)
    bindings = parse_bindings({"1": {"type": kind, "value": bound}})
    assert bindings is not None
    return bindings.values[0]


def received(value: Any, kind: str, scale: int = 0) -> Any:
    """What the connector reads of a value that the engine sends."""
    text = wire_text(kind, value)
    convert = CONVERTER.to_python_method(kind.upper(), {"scale": scale, "precision": 38, "type": kind})
    return text if convert is None else convert(text)


@pytest.mark.parametrize(
    "value",
    [
        0,
        -(2**100),
        1.5,
        "é ' \" \\ 名",
        "",
        True,
        False,
        b"\x00\xff",
        Decimal("1.10"),
        date(1969, 12, 31),
        date(9999, 12, 31),
        time(23, 59, 59, 999999),
        datetime(2024, 2, 29, 1, 2, 3, 4),
        datetime(1900, 1, 1),
        None,
    ],
)
def test_values_that_the_connector_binds_arrive(value: Any) -> None:
    assert sent(value) == value


def test_zoned_timestamps_keep_their_moment_and_offset() -> None:
    zoned = datetime(2024, 7, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    arrived = sent(zoned, "TIMESTAMP_TZ")
    assert (arrived, arrived.utcoffset()) == (zoned, zoned.utcoffset())
    assert sent(zoned, "TIMESTAMP_LTZ") == zoned


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9998, 12, 31)))
def test_every_timestamp_survives_both_ways(moment: datetime) -> None:
    # The connector computes with floats: far from 1970 it sends a microsecond more or less.
    assert abs(sent(moment) - moment) < timedelta(milliseconds=1)
    assert received(moment, "timestamp_ntz", 9) == moment


@given(st.times())
def test_every_time_survives_both_ways(moment: time) -> None:
    assert sent(moment) == moment
    assert received(moment, "time", 9) == moment


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (True, "boolean", True),
        (False, "boolean", False),
        (date(1969, 12, 31), "date", date(1969, 12, 31)),
        (b"\x01\xff", "binary", b"\x01\xff"),
        ("x", "text", "x"),
        (datetime(2024, 1, 1, tzinfo=UTC), "timestamp_ltz", datetime(2024, 1, 1, tzinfo=UTC)),
        ({"a": [1, None]}, "variant", '{"a": [1, null]}'),
        (Decimal("1.10"), "fixed", Decimal("1.10")),
    ],
)
def test_small_results_read_as_they_are(value: Any, kind: str, expected: Any) -> None:
    assert received(value, kind, scale=2 if kind == "fixed" else 0) == expected


def test_columns_become_rows() -> None:
    bindings = parse_bindings(
        {"1": {"type": "FIXED", "value": ["1", "2"]}, "2": {"type": "TEXT", "value": ["a", None]}}
    )
    assert bindings is not None
    assert bindings.rows == ((1, "a"), (2, None))


@pytest.mark.parametrize(
    "wire",
    [
        {"2": {"type": "FIXED", "value": "1"}},
        {"1": "x"},
        {"1": {"type": "SECRET", "value": "1"}},
        {"1": {"type": None, "value": "1"}},
        {"1": {"type": "FIXED", "value": "1; DROP"}},
        {"1": {"type": "FIXED", "value": "NaN"}},
        {"1": {"type": "FIXED", "value": "9" * 200}},
        {"1": {"type": "FIXED", "value": 1}},
        {"1": {"type": "FIXED", "value": {"a": 1}}},
        {"1": {"type": "DATE", "value": "9" * 90}},
        {"1": {"type": "DATE", "value": "inf"}},
        {"1": {"type": "TIME", "value": "-1"}},
        {"1": {"type": "BINARY", "value": "xyz"}},
        {"1": {"type": "BOOLEAN", "value": "maybe"}},
        {"1": {"type": "TIMESTAMP_TZ", "value": "0 99999999"}},
        {"1": {"type": "FIXED", "value": ["1", "2"]}, "2": {"type": "FIXED", "value": ["1"]}},
    ],
)
def test_what_is_no_value_of_its_type_is_refused(wire: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        parse_bindings(wire)


def test_nothing_bound_is_nothing() -> None:
    assert parse_bindings(None) is None
    assert parse_bindings({}) is None


def test_values_may_have_names() -> None:
    """As the .NET client sends them, for `:name` in the statement."""
    bindings = parse_bindings({"myId": {"type": "FIXED", "value": "2"}, "n_1": {"type": "TEXT", "value": None}})
    assert bindings is not None
    assert (bindings.values, bindings.rows, dict(bindings.named)) == ((), None, {"MYID": 2, "N_1": None})


@pytest.mark.parametrize(
    "wire",
    [
        {"a": {"type": "FIXED", "value": ["1", "2"]}},
        {"a": {"type": "FIXED", "value": "1"}, "A": {"type": "FIXED", "value": "2"}},
        {"a": {"type": "FIXED", "value": "1"}, "1": {"type": "FIXED", "value": "2"}},
        {"a b": {"type": "FIXED", "value": "1"}},
        {"a": "1"},
    ],
)
def test_names_that_say_nothing_clear_are_refused(wire: dict[str, object]) -> None:
    with pytest.raises(WireError):
        parse_bindings(wire)
