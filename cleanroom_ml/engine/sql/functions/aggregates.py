"""Aggregate functions, with or without OVER; those that need OVER are in windows.py. Pages:
sql-reference/functions/<name>.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.functions.entry import KEY, TRUTH, VALUE, Aggregate, Function, constant_int
from cleanroom_ml.engine.sql.tree.arithmetic import quotient_scale
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.fine import refuse
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.kind import (
    ARRAY,
    FLOAT,
    JSON,
    MAX_PRECISION,
    NUM,
    OBJECT,
    OTHER,
    TEXT,
    WHOLE,
    Kind,
    Number,
    number,
    widened,
)

_NO_NAN: Final = "nullif({0}, CAST('nan' AS DOUBLE))"
"""Where nothing varies DuckDB says NaN, Snowflake NULL."""
_ARRAY: Final = "coalesce(to_json({0}), CAST('[]' AS JSON))"
_REGRESSIONS: Final = (
    "REGR_SLOPE",
    "REGR_INTERCEPT",
    "REGR_R2",
    "REGR_AVGX",
    "REGR_AVGY",
    "REGR_SXX",
    "REGR_SXY",
    "REGR_SYY",
)
_MORE_DIGITS: Final = 3
"""Of a value between two others (MEDIAN, PERCENTILE_CONT): `DECIMAL(10,2)` → `22.50000` on their pages."""


def _between(kind: Kind | None) -> Kind | None:
    if not isinstance(kind, Number) or kind.scale is None:
        return kind
    return number(kind.leading, kind.scale + _MORE_DIGITS)


def _floats(names: str, target: str, count: int = 1, *, whole: bool = False) -> Aggregate:
    arguments = ", ".join(f"CAST({{{n}}} AS DOUBLE)" for n in range(count))
    return Aggregate(names, count, sql=f"{target}({arguments})", takes=NUM, gives=FLOAT, whole=whole)


def _of_squares(scale: int) -> int:
    """The digits of a quotient of squares: `96.2222222222` of a DECIMAL(10,2) is var_pop's page's."""
    return quotient_scale(min(2 * scale, max(scale, 12)))


def _moment(names: str, target: str, scale_of: Callable[[int], int]) -> Aggregate:
    """Of NUMBERs a NUMBER, of a scale that depends on theirs; of FLOATs a FLOAT."""

    def around(made: Node, arguments: Sequence[Node]) -> Node:
        values = arguments[0].expressions if isinstance(arguments[0], exp.Distinct) else arguments
        kind = kind_of(values[0])
        if not isinstance(kind, Number) or kind.scale is None:
            return raw("{0}", made, kind=FLOAT)
        scale = scale_of(kind.scale)
        return raw(f"CAST({{0}} AS DECIMAL({MAX_PRECISION},{scale}))", made, kind=Number(MAX_PRECISION, scale))

    return Aggregate(names, 1, sql=f"{target}(CAST({{0}} AS DOUBLE))", takes=NUM, gives=FLOAT, around=around)


def _deviation(names: str, target: str) -> Aggregate:
    """The root of a variance, which of NUMBERs is a NUMBER: 0.577349980514419 of 1, 1 and 2 is that of 0.333333, and
    what the service gives (snowpark-python, tests/integ/test_df_aggregate.py::test_df_agg_tuples_std_basic).
    """

    def around(made: Node, arguments: Sequence[Node]) -> Node:
        values = arguments[0].expressions if isinstance(arguments[0], exp.Distinct) else arguments
        kind = kind_of(values[0])
        if not isinstance(kind, Number) or kind.scale is None:
            return raw("sqrt({0})", made, kind=FLOAT)
        exact = f"DECIMAL({MAX_PRECISION},{_of_squares(kind.scale)})"
        return raw(f"sqrt(CAST(CAST({{0}} AS {exact}) AS DOUBLE))", made, kind=FLOAT)

    return Aggregate(names, 1, sql=f"{target}(CAST({{0}} AS DOUBLE))", takes=NUM, gives=FLOAT, around=around)


def _at_extreme(name: str, extreme: str, order: str) -> Aggregate:
    """The value where another is largest or smallest, or an ARRAY of the first so many."""
    several = f"list({{0}} ORDER BY {{1}} {order}) FILTER (WHERE {{1}} IS NOT NULL AND {{2}} > 0)"
    one = f"arg_{extreme}_null({{0}}, {{1}})"
    return Aggregate(name, (2, 3), sql=(one, several), takes=(None, KEY), gives=0, around=_first, fine=True)


def _first(made: Node, arguments: Sequence[Node]) -> Node:
    if len(arguments) < 3:
        return raw("{0}", made, kind=kind_of(arguments[0]))
    refuse("an ARRAY of MIN_BY or MAX_BY", arguments[:1])
    most = constant_int(arguments[2], "MIN_BY and MAX_BY")
    return raw(f"coalesce(to_json(list_slice({{0}}, 1, {most})), CAST('[]' AS JSON))", made, kind=ARRAY)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Aggregate("COUNT", (1, None), sql="count({*})", gives=number(18, 0), star=True, rows=True, fine=True),
    Aggregate("SUM", sql="sum({0})", takes=NUM, gives=widened),
    # `1.79166667` without OVER, `1.79166` with it: user-guide/functions-window-using shows both of a NUMBER(7,2).
    Aggregate("AVG", sql="sum({0})", takes=NUM, gives=widened, divided_by="count({0})", more_over=3),
    Aggregate("MIN", sql="min({0})", json="arg_min({0}, {key})", gives=0, fine=True),
    Aggregate("MAX", sql="max({0})", json="arg_max({0}, {key})", gives=0, fine=True),
    Aggregate("ANY_VALUE", sql="any_value({0})", gives=0, whole=True, fine=True),
    Aggregate("MODE", sql="mode({0})", gives=0, whole=True, fine=True),
    Aggregate("MEDIAN", sql="quantile_cont({0}, 0.5)", takes=NUM, gives=_between, between=True, whole=True),
    _deviation("STDDEV STDDEV_SAMP", "var_samp"),
    _deviation("STDDEV_POP", "var_pop"),
    _moment("VARIANCE VARIANCE_SAMP VAR_SAMP", "var_samp", _of_squares),
    _moment("VAR_POP VARIANCE_POP", "var_pop", _of_squares),
    Aggregate(
        "CORR",
        2,
        sql="corr(CAST({0} AS DOUBLE), CAST({1} AS DOUBLE))",
        takes=NUM,
        gives=FLOAT,
        outer=_NO_NAN,
        whole=True,
    ),
    _floats("COVAR_POP", "covar_pop", 2, whole=True),
    _floats("COVAR_SAMP", "covar_samp", 2, whole=True),
    Aggregate("REGR_COUNT", 2, sql="regr_count({*})", gives=WHOLE, whole=True),
    *(
        Aggregate(
            name,
            2,
            sql=f"{name.lower()}(CAST({{0}} AS DOUBLE), CAST({{1}} AS DOUBLE))",
            takes=NUM,
            gives=FLOAT,
            outer=_NO_NAN,
            whole=True,
        )
        for name in _REGRESSIONS
    ),
    _moment("KURTOSIS", "kurtosis", lambda _: 12),
    _floats("SKEW", "skewness"),
    Aggregate("COUNT_IF", sql="count_if({0})", takes=TRUTH, gives=WHOLE, outer="coalesce({0}, 0)"),
    Aggregate(
        "APPROX_PERCENTILE",
        2,
        sql="approx_quantile(CAST({0} AS DOUBLE), {1})",
        takes=(NUM, None),
        gives=FLOAT,
        whole=True,
    ),
    Aggregate("BOOLAND_AGG", sql="bool_and(CAST({0} AS BOOLEAN))", takes=TRUTH, gives=OTHER, whole=True),
    Aggregate("BOOLOR_AGG", sql="bool_or(CAST({0} AS BOOLEAN))", takes=TRUTH, gives=OTHER, whole=True),
    Aggregate(
        "BOOLXOR_AGG",
        sql="sum(CAST(CAST({0} AS BOOLEAN) AS INTEGER))",
        takes=TRUTH,
        outer="({0} = 1)",
        gives=OTHER,
        whole=True,
    ),
    Aggregate(
        "BITAND_AGG BIT_AND_AGG BIT_ANDAGG BITANDAGG",
        sql="bit_and(CAST({0} AS BIGINT))",
        takes=NUM,
        gives=WHOLE,
        whole=True,
    ),
    Aggregate(
        "BITOR_AGG BIT_OR_AGG BIT_ORAGG BITORAGG", sql="bit_or(CAST({0} AS BIGINT))", takes=NUM, gives=WHOLE, whole=True
    ),
    Aggregate(
        "BITXOR_AGG BIT_XOR_AGG BIT_XORAGG BITXORAGG",
        sql="bit_xor(CAST({0} AS BIGINT))",
        takes=NUM,
        gives=WHOLE,
        whole=True,
    ),
    _at_extreme("MIN_BY", "min", "ASC"),
    _at_extreme("MAX_BY", "max", "DESC"),
    Aggregate(
        "LISTAGG STRING_AGG",
        (1, 2),
        sql="string_agg({*}{order})",
        takes=(TEXT, None),
        gives=TEXT,
        outer="coalesce({0}, '')",
        ordered=True,
        separator=True,
        whole=True,
    ),
    Aggregate(
        "ARRAY_AGG ARRAYAGG",
        sql="list({*}{order})",
        takes=VALUE,
        gives=ARRAY,
        outer=_ARRAY,
        ordered=True,
        drop_nulls=True,
    ),
    Aggregate("ARRAY_UNIQUE_AGG", sql="list(DISTINCT {0})", takes=VALUE, gives=ARRAY, outer=_ARRAY, drop_nulls=True),
    Aggregate(
        "ARRAY_UNION_AGG",
        sql="list(CAST({0} AS VARCHAR))",
        takes=JSON,
        gives=ARRAY,
        outer="CAST(_sf_array_union(coalesce({0}, [])) AS JSON)",
        drop_nulls=True,
    ),
    Aggregate(
        "OBJECT_AGG",
        2,
        sql="list(CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN CAST(json_array({0}, {1}) AS VARCHAR) END)"
        " FILTER (WHERE {0} IS NOT NULL AND {1} IS NOT NULL)",
        takes=(TEXT, VALUE),
        gives=OBJECT,
        outer="CAST(_sf_object_agg(coalesce({0}, [])) AS JSON)",
        whole=True,
    ),
    Aggregate(
        "PERCENTILE_CONT",
        sql="quantile_cont({of}, {fraction})",
        takes=NUM,
        gives=_between,
        ordered=True,
        between=True,
        whole=True,
    ),
    Aggregate("PERCENTILE_DISC", sql="quantile_disc({of}, {0}{order})", gives=0, ordered=True, whole=True),
    Aggregate("GROUPING GROUPING_ID", (1, None), sql="grouping({*})", gives=WHOLE),
)
