"""The frame of a window: what its bounds are, and which functions take them (sql-reference/functions-window-syntax,
"RANGE BETWEEN limitations").
"""

from __future__ import annotations

import math
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError
from cleanroom_ml.engine.sql.numbers import is_whole
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.kind import COARSE, INTERVAL, NUM, TEXT, TIME

_OF_RANGES: Final = frozenset(
    (
        *("COUNT", "COUNT_IF", "SUM", "MIN", "MAX", "AVG", "ARRAY_AGG", "FIRST_VALUE", "LAST_VALUE"),
        *("STDDEV", "STDDEV_SAMP", "STDDEV_POP"),
        *("VARIANCE", "VARIANCE_SAMP", "VAR_SAMP", "VARIANCE_POP", "VAR_POP"),
    )
)
"""The functions that take RANGE with an offset."""


def check(window: Node, name: str, *, distinct: bool) -> None:
    """Raises SqlError: a rewritten window's frame has bounds that are none, or none of what it is ordered by; or the
    function `name` does not take it.
    """
    spec, order = window.args.get("spec"), window.args.get("order")
    if spec is None or order is None:
        return
    bounds = [bound for bound in (spec.args.get("start"), spec.args.get("end")) if isinstance(bound, exp.Expr)]
    if str(spec.args.get("kind")).upper() != "RANGE":
        if any(isinstance(each, exp.Literal) and not is_whole(str(each.this)) for each in bounds):
            raise _invalid("ROWS are counted in whole numbers")
        return
    kinds = [kind_of(bound) for bound in bounds]
    ordered = kind_of(order.expressions[0].this)
    if INTERVAL in kinds and any(kind == NUM for kind in kinds):
        raise _invalid("Mixing numeric and interval frames is not supported")
    if INTERVAL in kinds and ordered == NUM:
        raise _invalid("numeric ORDER BY clause only allows numeric window frame boundaries")
    if bounds and (name not in _OF_RANGES or distinct):
        what = f"{name}(DISTINCT …)" if distinct else name
        raise SqlError(2303, "0A000", f"{COMPILATION}Sliding window frame unsupported for function {what}")
    if bounds and ordered in {TEXT, TIME}:
        raise _invalid("ORDER BY of a RANGE with offsets is a number, a date or a timestamp")
    if bounds and ordered in COARSE:
        raise SqlError.nanoseconds("ORDER BY of a RANGE with offsets")
    if _place(spec, "start") > _place(spec, "end"):
        raise _invalid("its end is before its start")


def is_whole_partition(window: Node) -> bool:
    """Whether a window's frame is every row of its partition, which is as if it had none and no order: Snowpark writes
    it so for functions that take neither (its tests/integ/scala/test_window_spec_suite.py).
    """
    spec = window.args.get("spec")
    return spec is not None and (_place(spec, "start"), _place(spec, "end")) == (-math.inf, math.inf)


def _place(spec: Node, side: str) -> float:
    """Where a bound is, seen from the current row, as far as that is a number; a frame that names no end ends there."""
    bound, where = spec.args.get(side), str(spec.args.get(f"{side}_side") or "").upper()
    if isinstance(bound, exp.Literal) and not bound.is_string:
        return float(bound.this) * (-1 if where == "PRECEDING" else 1)
    if isinstance(bound, str) and bound.upper() == "UNBOUNDED":
        return -math.inf if where == "PRECEDING" else math.inf
    if isinstance(bound, exp.Expr):  # an interval: which of two is longer, DuckDB finds out
        return -1.0 if where == "PRECEDING" else 1.0
    return 0.0


def _invalid(what: str) -> SqlError:
    return SqlError(2303, "42601", f"{COMPILATION}error: Invalid window frame: {what}.")
