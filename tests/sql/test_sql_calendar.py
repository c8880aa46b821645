"""Dates beyond the years that Python has: sql-reference/data-types-datetime names no last year, DuckDB's is 294247."""

from __future__ import annotations

from datetime import datetime

import duckdb
import pytest

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree import moments as tree
from cleanroom_ml.engine.sql.tree.dialect import generate
from cleanroom_ml.engine.sql.values import calendar, moments


@pytest.mark.parametrize(
    "written",
    [
        (1970, 1, 1),
        (2000, 2, 29),
        (1, 1, 1),
        (9999, 12, 31),
        (10000, 1, 1),
        (12345, 2, 28),
        (-1, 2, 5),
        (293000, 12, 31),
    ],
)
def test_days_are_counted_as_duckdb_counts_them(written: tuple[int, int, int]) -> None:
    year, month, day = written
    micros = calendar.micros_of(year, month, day, 1, 2, 3, 4)
    [(expected,)] = duckdb.execute(
        "SELECT epoch_us(make_timestamp(?, ?, ?, 1, 2, 3.000004))", [year, month, day]
    ).fetchall()
    assert micros == expected
    assert micros // calendar.DAY == duckdb.execute(
        "SELECT make_date(?, ?, ?) - DATE '1970-01-01'", [year, month, day]
    ).fetchall()[0][0]  # fmt: skip


@pytest.mark.parametrize("text", ["10000-02-30", "2021-02-29", "300000-01-01", "-999999-01-01", "9" * 22])
def test_what_is_no_date_or_too_far_is_refused(text: str) -> None:
    """Never an overflow of the 64 bits that hold it."""
    with pytest.raises(moments.NotAMoment):
        moments.moment(text)
    assert moments.tried(moments.wall)("10000-02-30", "AUTO", 1970) is None
    for target in ("DATE", "NTZ", "TZ"):
        with pytest.raises(SqlError):
            tree._constant(target, text, "AUTO", False)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["2024-02-29 12:34:56.5", "10000-01-01 00:00:00", "12345-06-07 08:09:10"])
def test_a_constant_is_the_value_of_a_column_with_the_same_text(text: str) -> None:
    for target, read in (("DATE", moments.day), ("NTZ", moments.wall)):
        sql = generate(tree._constant(target, text, "AUTO", False))  # type: ignore[arg-type]
        count = f"epoch_us({sql})" if target == "NTZ" else f"({sql}) - DATE '1970-01-01'"
        [(found,)] = duckdb.execute(f"SELECT {count}").fetchall()
        assert found == read(text)
    assert moments.day_time("2024-01-01 23:59:59.25") == datetime(1970, 1, 1, 23, 59, 59, 250000).time()
    assert moments.day_time("1969-12-31 23:59:59") == datetime(1970, 1, 1, 23, 59, 59).time()
