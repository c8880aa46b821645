"""Operators between dates, times, moments, intervals, numbers and text (`sql-reference/data-types-datetime`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve import interval_values
from cleanroom_ml.engine.sql.tree import fine, moments
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.kind import (
    COARSE,
    DATE,
    FINE_TIME,
    FINE_TIMESTAMP,
    FINE_TZ,
    INTERVAL,
    JSON,
    NUM,
    TEXT,
    TIME,
    TIMESTAMP,
    TZ,
    WHOLE,
    Kept,
    Kind,
)
from cleanroom_ml.engine.sql.types.moment_casts import Moment

_MOMENTS: Final = frozenset({DATE, TIME, TIMESTAMP, TZ, *COARSE})
_TEXTS: Final = frozenset({TEXT, JSON})
READ: Final[dict[Kind, Moment]] = {
    DATE: "DATE",
    TIME: "TIME",
    TIMESTAMP: "NTZ",
    TZ: "TZ",
    FINE_TIME: "TIME",
    FINE_TIMESTAMP: "NTZ",
    FINE_TZ: "TZ",
}


def moved(node: exp.Add | exp.Sub) -> Node | None:
    """`date ± days`, `moment ± interval`, `date - date`; None: it is none of these. Raises SqlError."""
    left, right = kind_of(node.this), kind_of(node.expression)
    sign = "+" if isinstance(node, exp.Add) else "-"
    if isinstance(left, Kept) or isinstance(right, Kept):
        return interval_values.moved(node.this, node.expression, sign)
    if INTERVAL in {left, right}:
        return _by_interval(node.this, node.expression, sign)
    if sign == "+" and left == NUM and right == DATE:
        return _days(node.expression, node.this, sign)
    if left == DATE and right == NUM:
        return _days(node.this, node.expression, sign)
    if left == DATE and right in _TEXTS and sign == "-":
        return raw("({0} - {1})", node.this, moments.to("DATE", node.expression), kind=WHOLE)
    if left == DATE and right == DATE and sign == "-":
        return raw("({0} - {1})", node.this, node.expression, kind=WHOLE)
    if left in {TIMESTAMP, TZ, TIME, *COARSE} and (right in _MOMENTS or right == NUM):
        raise SqlError(
            1044,
            "42P13",
            f"SQL compilation error:\nInvalid argument types for function '{sign}': use DATEADD or DATEDIFF.",
        )
    return None


def _days(date: Node, days: Node, sign: str) -> Raw:
    """DuckDB adds INTEGERs to a date, and no other numbers."""
    return raw(f"({{0}} {sign} CAST(round({{1}}) AS INTEGER))", date, days, kind=DATE)


def _by_interval(left: Node, right: Node, sign: str) -> Node:
    if kind_of(left) == INTERVAL and kind_of(right) != INTERVAL:
        if sign == "-":
            raise SqlError.syntax("a moment cannot be taken from an interval.")
        left, right = right, left
    if kind_of(left) == INTERVAL:
        raise SqlError.unsupported("arithmetic between intervals")
    given = moments.to("NTZ", left) if kind_of(left) in _TEXTS else left
    clock = moments.wall(given)
    made = raw(f"({{0}} {sign} {{1}})", clock, right, kind=kind_of(clock))
    nanos = right.args.get("nanos") or 0
    if kind_of(clock) == DATE:
        if right.args.get("of_days"):
            return raw("CAST({0} AS DATE)", made, kind=DATE)
        made.set("kind", TIMESTAMP)
    moved = moments.rewound(given, made)
    return moments.later(moved, whole_count(nanos if sign == "+" else -nanos)) if nanos else moved


def whole_count(number: int) -> Node:
    """A whole number, also below zero."""
    return raw(f"({number})", kind=WHOLE)


def compared(node: Node, parts: Sequence[str]) -> bool:
    """Operands of a comparison, made comparable in place; False: none of them is a date, time or moment."""
    operands = [node.args[part] for part in parts]
    made = comparable(operands)
    if made is None:
        return False
    for part, operand in zip(parts, made, strict=True):
        node.set(part, operand)
    return True


def listed(node: exp.In) -> bool:
    """The same of `a IN (…)`."""
    if not node.expressions:
        return False
    made = comparable([node.this, *node.expressions])
    if made is None:
        return False
    node.set("this", made[0])
    node.set("expressions", made[1:])
    return True


def comparable(operands: Sequence[Node]) -> list[Node] | None:
    """Text beside a moment is read as one; where one has an offset, all are moments. None: nothing to do."""
    kinds = {kind_of(operand) for operand in operands}
    there = {COARSE.get(kind, kind) for kind in kinds} & _MOMENTS
    if not there or not (kinds & _TEXTS or TZ in there or kinds & COARSE.keys()):
        return None
    if TZ in there:
        made = [moments.instant(operand) if kind_of(operand) is not None else operand for operand in operands]
    else:
        target = next(READ[kind] for kind in (TIMESTAMP, DATE, TIME) if kind in there)
        made = [moments.to(target, operand) if kind_of(operand) in _TEXTS else operand for operand in operands]
    return _to_the_nanosecond(made)


def _to_the_nanosecond(operands: Sequence[Node]) -> list[Node]:
    """Moments of which one has nanoseconds are compared with those of all; a date is the moment at its beginning."""
    if not any(map(fine.is_fine, operands)):
        return list(operands)
    return fine.alike([moments.to("NTZ", each) if kind_of(each) == DATE else each for each in operands])
