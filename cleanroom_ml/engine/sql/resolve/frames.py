"""RANGE BETWEEN n PRECEDING …: the bounds of a frame and what its window is ordered by go together
(sql-reference/functions-window-syntax, "RANGE BETWEEN").
"""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.kind import INTERVAL, NUM


def refuse_mixed(window: Node) -> None:
    """Raises SqlError: a rewritten window's frame has bounds that are none of what it is ordered by."""
    spec, order = window.args.get("spec"), window.args.get("order")
    if spec is None or order is None or str(spec.args.get("kind")).upper() != "RANGE":
        return
    bounds = [spec.args.get("start"), spec.args.get("end")]
    kinds = [kind_of(bound) for bound in bounds if isinstance(bound, exp.Expr)]
    if INTERVAL in kinds and any(kind == NUM for kind in kinds):
        raise _invalid("Mixing numeric and interval frames is not supported")
    if INTERVAL in kinds and kind_of(order.expressions[0].this) == NUM:
        raise _invalid("numeric ORDER BY clause only allows numeric window frame boundaries")


def _invalid(what: str) -> SqlError:
    return SqlError(2303, "42601", f"{COMPILATION}error: Invalid window frame: {what}.")
