"""Many rows that are given by value, as one text: no parser of ours then goes through them value by value."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import RowsSource

FEWEST: Final = 200
MADE: Final = {
    "VARCHAR": "{text}",
    "NUMBER": "CAST({text} AS {type})",
    "BOOLEAN": "CAST({text} AS {type})",
    "TIMESTAMP_LTZ": "(CAST({text} AS TIMESTAMP) AT TIME ZONE 'UTC')",
}
"""What makes a value of its text, by the name of its type."""


def as_texts(source: RowsSource) -> list[list[str | None]] | None:
    """The rows as texts, NULL as None; None: there are few, or a value is one that a text would change."""
    if len(source.rows) < FEWEST:
        return None
    names = [sql_type.name for _, sql_type in source.columns]
    try:
        return [[_text(value, name) for value, name in zip(row, names, strict=True)] for row in source.rows]
    except ValueError:
        return None


def _text(value: Value, name: str) -> str | None:
    """Raises ValueError (a UnicodeError is one): it is none of those that a text says exactly."""
    match name, value:
        case _, None:
            return None
        case "VARCHAR", str() if "\0" not in value:
            value.encode()
            return value
        case "BOOLEAN", bool():
            return "true" if value else "false"
        case "NUMBER", int() | Decimal() if not isinstance(value, bool):
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        case "TIMESTAMP_LTZ", datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    raise ValueError(name)
