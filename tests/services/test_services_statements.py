"""Which of several statements was refused, where it begins, and what was done before it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, cast

import pytest

from cleanroom_ml.connection import Connection
from cleanroom_ml.errors import ServerError
from cleanroom_ml.services.statements import lines_of, run, split

TEXT = "-- first\nSELECT 1;\n\nSELECT 1;\n/* the\nthird; */ SELECT bad\n  FROM t;\n"


class Server:
    """Refuses what is bad."""

    def query(self, statement: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        if "bad" in statement:
            raise ServerError("error line 1 at position 7", why="it is bad")
        return ("N",), [(1,)]


def told(text: str) -> tuple[str, str | None]:
    statements = split(text)
    with pytest.raises(ServerError) as caught:
        list(run(cast(Connection, Server()), statements, lines_of(text, statements)))
    return caught.value.what, caught.value.why


def test_the_statement_that_is_refused_is_told() -> None:
    assert told(TEXT) == (
        "statement 3 of 3 (line 6): error line 1 at position 7",
        "it is bad; the 2 before it were run",
    )
    assert told("SELECT bad; SELECT 1") == (
        "statement 1 of 2 (line 1): error line 1 at position 7",
        "it is bad; none was run",
    )
    assert told("SELECT bad") == ("error line 1 at position 7", "it is bad")


def test_a_time_is_told_with_the_zone_that_it_has() -> None:
    """A TIMESTAMP_NTZ was told as a time of UTC, and the offset of a TIMESTAMP_TZ was lost."""
    east = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    class Times:
        def query(self, statement: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
            return ("NTZ", "TZ"), [(east.replace(tzinfo=None), east)]

    answer = next(run(cast(Connection, Times()), ("SELECT 1",)))
    assert answer.rows == ({"NTZ": "2026-03-01T12:00:00.123456", "TZ": "2026-03-01T12:00:00.123456+05:30"},)
