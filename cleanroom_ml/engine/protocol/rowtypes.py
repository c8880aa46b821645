"""Values of small results as the texts of a JSON rowset: each type's record says how (sql/types)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cleanroom_ml.engine.sql.types.record import plain_text
from cleanroom_ml.engine.sql.types.table import BY_WIRE_NAME


def rowset(kinds: Sequence[str], rows: Iterable[Sequence[object]]) -> list[list[str | None]]:
    """The rows as texts. `kinds` are the `type` entries of the rowtype, one a column."""
    return [[wire_text(kind, value) for kind, value in zip(kinds, row, strict=True)] for row in rows]


def wire_text(kind: str, value: object) -> str | None:
    """One value as text; None for NULL."""
    if value is None:
        return None
    record = BY_WIRE_NAME.get(kind)
    return plain_text(value) if record is None else record.write(value)
