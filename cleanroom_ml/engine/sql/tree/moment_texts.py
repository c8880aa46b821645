"""Dates, times and moments as text, by a format or by the session's."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.settings import current
from cleanroom_ml.engine.sql.tree.dialect import SLOT, Node, raw
from cleanroom_ml.engine.sql.types import fine
from cleanroom_ml.engine.sql.types import moment_casts as casts
from cleanroom_ml.engine.sql.types.kind import COARSE, DATE, FINE_TIME, FINE_TZ, TEXT, TIME, TIMESTAMP, TZ, Kind
from cleanroom_ml.engine.sql.types.moment_text import text_template

KINDS: Final = frozenset({DATE, TIME, TIMESTAMP, TZ, *COARSE})
_NATIVE_TEXT: Final = "YYYY-MM-DD"


def text(value: Node, kind: Kind, layout: str | None = None) -> Node:
    """A date, time or moment as text, by a format or by the session's. Raises SqlError: it is no format."""
    settings = current()
    if kind == DATE:
        chosen = layout or settings.output("DATE")
        if chosen == _NATIVE_TEXT:
            return raw("CAST({0} AS VARCHAR)", value, kind=TEXT)
        return raw(_template(chosen, "{0}", "0"), raw("CAST({0} AS TIMESTAMP)", value), kind=TEXT)
    if kind in COARSE:
        return _fine(value, kind, layout)
    if kind == TIME:
        made = raw("(CAST('1970-01-01' AS DATE) + {0})", value)
        return raw(_template(layout or settings.output("TIME"), "{0}", "0"), made, kind=TEXT)
    if kind == TZ:
        template = _template(layout or settings.output("TIMESTAMP_TZ"), casts.TZ_WALL, casts.TZ_SHIFT)
        return raw(template, value, kind=TEXT)
    clock = "CAST({0} AS TIMESTAMP)"
    if layout is not None:
        return raw(_template(layout, clock, casts.SHIFT), value, kind=TEXT)
    naive = _template(settings.output("TIMESTAMP_NTZ"), clock, casts.SHIFT)
    local = _template(settings.output("TIMESTAMP_LTZ"), clock, casts.SHIFT)
    return raw(f"CASE WHEN typeof({{0}}) = 'TIMESTAMP' THEN {naive} ELSE {local} END", value, kind=TEXT)


def _fine(value: Node, kind: Kind, layout: str | None) -> Node:
    # The value stands in it once for every element of the format.
    return raw(fine.applied(_fine_template(kind, layout), "{0}", "_shown"), value, kind=TEXT)


def _fine_template(kind: Kind, layout: str | None) -> str:
    settings = current()
    if kind == FINE_TIME:
        clock = f"(CAST('1970-01-01' AS DATE) + {fine.MICROS})"
        return _template(layout or settings.output("TIME"), clock, "0", fine.NANOS)
    if kind == FINE_TZ:
        whole = f"({fine.WHOLE_TZ})"
        clock, shift = (template.replace("{0}", whole) for template in (casts.TZ_WALL, casts.TZ_SHIFT))
        return _template(layout or settings.output("TIMESTAMP_TZ"), clock, shift, fine.NANOS)
    clock = f"CAST({fine.MICROS} AS TIMESTAMP)"
    shift = casts.SHIFT.replace("{0}", fine.MICROS)
    if layout is not None:
        return _template(layout, clock, shift, fine.NANOS)
    naive, local = (
        _template(settings.output(name), clock, shift, fine.NANOS) for name in ("TIMESTAMP_NTZ", "TIMESTAMP_LTZ")
    )
    return f"CASE WHEN typeof({fine.MICROS}) = 'TIMESTAMP' THEN {naive} ELSE {local} END"


def _template(layout: str, clock: str, shift: str, nanos: str | None = None) -> str:
    try:
        made = text_template(layout, nanoseconds=nanos is not None)
    except ValueError:
        raise SqlError.bad_value("A date or time format that is none, or longer than 256 characters.") from None
    given = {"0": clock, "1": f"({shift})", "2": nanos or "0"}
    return SLOT.sub(lambda slot: given[slot.group(1)], made)
