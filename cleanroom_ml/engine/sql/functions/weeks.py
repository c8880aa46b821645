"""Weeks, by the session's WEEK_START and WEEK_OF_YEAR_POLICY (`sql-reference/functions-date-time`, "Calendar weeks and
weekdays"): DuckDB templates of a date `{0}`.
"""

from __future__ import annotations

from cleanroom_ml.engine.sql.settings import current


def day_of_week() -> str:
    """0, Sunday, to 6 the old way; else from 1, the first day of the week."""
    start = current().week_start
    if not start:
        return "date_part('dow', {0})"
    return f"((date_part('isodow', {{0}}) - {start} + 7) % 7 + 1)"


def start_of_week() -> str:
    """The first day of the week, a DATE."""
    start = current().week_start or 1
    return f"(CAST({{0}} AS DATE) - CAST((date_part('isodow', CAST({{0}} AS DATE)) - {start} + 7) % 7 AS INTEGER))"


def truncated_to_week() -> str:
    """The same of a date or a moment, at midnight, as a moment of that type."""
    start = current().week_start or 1
    return f"(date_trunc('day', {{0}}) - ((date_part('isodow', {{0}}) - {start} + 7) % 7) * INTERVAL 1 DAY)"


def year_of_week() -> str:
    """The year that the week belongs to."""
    if current().week_policy:
        return "date_part('year', {0})"
    return f"date_part('year', {start_of_week()} + 3)"


def week_of_year() -> str:
    """The number of the week in its year: 1 is the one with four days of the year, or with its first of January."""
    week = start_of_week()
    if current().week_policy:
        first = week.replace("{0}", "date_trunc('year', {0})")
        return f"(date_diff('day', {first}, {week}) // 7 + 1)"
    return f"((date_part('doy', {week} + 3) - 1) // 7 + 1)"
