"""APPROX_PERCENTILE_ACCUMULATE, _COMBINE and _ESTIMATE: the state is that of a t-digest in which every value is still
one of its own, so that what is estimated is exact (sql-reference/functions/approx_percentile_accumulate; the form of
the state: snowpark-python, tests/integ/scala/test_function_suite.py::test_approx_percentile_accumulate).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Aggregate, Function, Scalar
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import FLOAT, JSON, NUM, OBJECT

_PLAIN: Final = "CAST(CASE WHEN starts_with(_s, chr(1)) THEN substr(_s, 3) ELSE _s END AS DOUBLE)"
"""A FLOAT inside of a VARIANT has a mark (values/marks.py)."""
_MEMBERS: Final = f"list_transform(json_extract_string({{0}}, '$.state[*]'), lambda _s: {_PLAIN})"
_VALUES: Final = (
    "list_transform([{0}], lambda _m: CASE WHEN"
    f" len(list_filter(_m, lambda _v, _i: _i % 2 = 0 AND _v <> 1)) > 0 THEN {fails('percentile')}"
    " ELSE list_filter(_m, lambda _v, _i: _i % 2 = 1) END)[1]"
).replace("{0}", _MEMBERS)
"""The values of a state; one that stands for several is of another state than ours."""
_STATE: Final = (
    f"list_transform([{{0}}], lambda _l: CASE WHEN len(_l) > 20000 THEN {fails('percentile')} ELSE"
    " json_object('state', list_transform(flatten(list_transform(_l, lambda _v: [_v, CAST(1 AS DOUBLE)])),"
    " lambda _v: chr(1) || 'F' || CAST(_v AS VARCHAR)), 'type', 'tdigest', 'version', 1) END)[1]"
)


def _state(made: Node, arguments: Sequence[Node]) -> Node:
    return raw(_STATE.replace("{0}", "list_sort(coalesce({0}, CAST([] AS DOUBLE[])))"), made, kind=OBJECT)


def _joined(made: Node, arguments: Sequence[Node]) -> Node:
    return _state(raw("flatten({0})", made), arguments)


def _estimate(args: Sequence[Node]) -> Node:
    state, fraction = args
    if not isinstance(fraction, exp.Literal | exp.Neg) or (isinstance(fraction, exp.Literal) and fraction.is_string):
        raise SqlError.unsupported("APPROX_PERCENTILE_ESTIMATE of a fraction that is not a constant")
    text = str(fraction.this) if isinstance(fraction, exp.Literal) else f"-{fraction.this.this}"
    if not 0 <= float(text) <= 1:
        raise SqlError(1014, "22023", f"Invalid value [{float(text)}] for function 'APPROX_PERCENTILE_ESTIMATE'")
    return raw(f"list_aggregate({_VALUES}, 'quantile_cont', {float(text)!r})", state, kind=FLOAT)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Aggregate(
        "APPROX_PERCENTILE_ACCUMULATE", sql="list(CAST({0} AS DOUBLE))", takes=NUM, around=_state, drop_nulls=True
    ),
    Aggregate("APPROX_PERCENTILE_COMBINE", sql=f"list({_VALUES})", takes=JSON, around=_joined, drop_nulls=True),
    Scalar("APPROX_PERCENTILE_ESTIMATE", 2, sql=_estimate, takes=(JSON, None)),
)
