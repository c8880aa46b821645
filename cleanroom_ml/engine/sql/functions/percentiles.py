"""APPROX_PERCENTILE_ACCUMULATE, _COMBINE and _ESTIMATE (sql-reference/functions/approx_percentile_accumulate): what
becomes of a state is Python (values/digests.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Aggregate, Function, Scalar
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.types.kind import FLOAT, JSON, NUM, OBJECT


def _state(made: Node, arguments: Sequence[Node]) -> Node:
    return raw("CAST(_sf_percentile_state(coalesce({0}, CAST([] AS DOUBLE[]))) AS JSON)", made, kind=OBJECT)


def _joined(made: Node, arguments: Sequence[Node]) -> Node:
    return raw("CAST(_sf_percentile_combine(coalesce({0}, CAST([] AS VARCHAR[]))) AS JSON)", made, kind=OBJECT)


def _estimate(args: Sequence[Node]) -> Node:
    state, fraction = args
    if not isinstance(fraction, exp.Literal | exp.Neg) or (isinstance(fraction, exp.Literal) and fraction.is_string):
        raise SqlError.unsupported("APPROX_PERCENTILE_ESTIMATE of a fraction that is not a constant")
    text = str(fraction.this) if isinstance(fraction, exp.Literal) else f"-{fraction.this.this}"
    if not 0 <= float(text) <= 1:
        raise SqlError(1014, "22023", f"Invalid value [{float(text)}] for function 'APPROX_PERCENTILE_ESTIMATE'")
    return raw(f"_sf_percentile(CAST({{0}} AS VARCHAR), CAST({float(text)!r} AS DOUBLE))", state, kind=FLOAT)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Aggregate(
        "APPROX_PERCENTILE_ACCUMULATE",
        sql="list(CAST({0} AS DOUBLE))",
        takes=NUM,
        around=_state,
        drop_nulls=True,
        grouped=True,
    ),
    Aggregate(
        "APPROX_PERCENTILE_COMBINE",
        sql="list(CAST({0} AS VARCHAR))",
        takes=JSON,
        around=_joined,
        drop_nulls=True,
        grouped=True,
    ),
    Scalar("APPROX_PERCENTILE_ESTIMATE", 2, sql=_estimate, takes=(JSON, None)),
)
