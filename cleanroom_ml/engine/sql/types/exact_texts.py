"""Values as texts that say them exactly, so that many can be handed over as one text (tree/many_rows.py)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.types.record import ExactText


def _of_text(value: Value) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    value.encode()
    return value


def _of_boolean(value: Value) -> str:
    if not isinstance(value, bool):
        raise ValueError
    return "true" if value else "false"


def _of_number(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _of_moment(value: Value) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


TEXT: Final = ExactText(_of_text, "{text}")
BOOLEAN: Final = ExactText(_of_boolean)
NUMBER: Final = ExactText(_of_number)
MOMENT: Final = ExactText(_of_moment, "(CAST({text} AS TIMESTAMP) AT TIME ZONE 'UTC')")
