"""Many rows that are given by value, as one text: no parser of ours then goes through them value by value."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import RowsSource
from cleanroom_ml.engine.sql.types.record import ExactText

FEWEST: Final = 200


def as_texts(source: RowsSource) -> list[list[str | None]] | None:
    """The rows as texts, NULL as None; None: there are few, or a value is one that a text would change."""
    if len(source.rows) < FEWEST:
        return None
    exact = [sql_type.record.exact for _, sql_type in source.columns]
    try:
        return [[_text(value, kind) for value, kind in zip(row, exact, strict=True)] for row in source.rows]
    except ValueError:
        return None


def _text(value: Value, exact: ExactText | None) -> str | None:
    """Raises ValueError: no text says it exactly."""
    if value is None:
        return None
    if exact is None:
        raise ValueError
    return exact.text(value)
