"""Aggregate functions, with or without OVER; those that need OVER are in windows.py."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.functions.entry import KEY, VALUE, Aggregate, Function
from cleanroom_ml.engine.sql.types.kind import JSON, NUM, TEXT

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


def _plain(names: str, target: str, count: int = 1) -> Aggregate:
    return Aggregate(names, count, sql=f"{target}({{*}})", takes=NUM, gives=NUM)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Aggregate("COUNT", (1, None), sql="count({*})", gives=NUM, star=True, distinct_rows=True),
    _plain("SUM", "sum"),
    _plain("AVG", "avg"),
    Aggregate("MIN", sql="min({0})", json="arg_min({0}, {key})", gives=0),
    Aggregate("MAX", sql="max({0})", json="arg_max({0}, {key})", gives=0),
    Aggregate("ANY_VALUE", sql="any_value({0})", gives=0),
    Aggregate("MODE", sql="mode({0})", gives=0),
    _plain("MEDIAN", "median"),
    _plain("STDDEV STDDEV_SAMP", "stddev_samp"),
    _plain("STDDEV_POP", "stddev_pop"),
    _plain("VARIANCE VARIANCE_SAMP VAR_SAMP", "var_samp"),
    _plain("VAR_POP VARIANCE_POP", "var_pop"),
    Aggregate("CORR", 2, sql="corr({*})", gives=NUM, outer=_NO_NAN),
    _plain("COVAR_POP", "covar_pop", 2),
    _plain("COVAR_SAMP", "covar_samp", 2),
    _plain("REGR_COUNT", "regr_count", 2),
    *(Aggregate(name, 2, sql=f"{name.lower()}({{*}})", gives=NUM, outer=_NO_NAN) for name in _REGRESSIONS),
    _plain("KURTOSIS", "kurtosis"),
    _plain("SKEW", "skewness"),
    Aggregate("COUNT_IF", sql="count_if({*})", gives=NUM),
    Aggregate("APPROX_COUNT_DISTINCT HLL", sql="approx_count_distinct({*})", gives=NUM),
    Aggregate("APPROX_PERCENTILE", 2, sql="approx_quantile({0}, {1})", gives=NUM),
    Aggregate("BOOLAND_AGG", sql="bool_and(CAST({0} AS BOOLEAN))"),
    Aggregate("BOOLOR_AGG", sql="bool_or(CAST({0} AS BOOLEAN))"),
    Aggregate("BITAND_AGG", sql="bit_and(CAST({0} AS BIGINT))", gives=NUM),
    Aggregate("BITOR_AGG", sql="bit_or(CAST({0} AS BIGINT))", gives=NUM),
    Aggregate("BITXOR_AGG", sql="bit_xor(CAST({0} AS BIGINT))", gives=NUM),
    Aggregate("MIN_BY", 2, sql="arg_min({*})", takes=(None, KEY), gives=0),
    Aggregate("MAX_BY", 2, sql="arg_max({*})", takes=(None, KEY), gives=0),
    Aggregate(
        "LISTAGG STRING_AGG",
        (1, 2),
        sql="string_agg({*}{order})",
        takes=(TEXT, None),
        gives=TEXT,
        outer="coalesce({0}, '')",
        ordered=True,
        separator=True,
    ),
    Aggregate(
        "ARRAY_AGG ARRAYAGG",
        sql="list({*}{order})",
        takes=VALUE,
        gives=JSON,
        outer=_ARRAY,
        ordered=True,
        drop_nulls=True,
    ),
    Aggregate("ARRAY_UNIQUE_AGG", sql="list(DISTINCT {0})", takes=VALUE, gives=JSON, outer=_ARRAY, drop_nulls=True),
    Aggregate(
        "ARRAY_UNION_AGG",
        sql="list(CAST({0} AS VARCHAR))",
        takes=JSON,
        gives=JSON,
        outer="CAST(_sf_array_union(coalesce({0}, [])) AS JSON)",
        drop_nulls=True,
    ),
    Aggregate(
        "OBJECT_AGG",
        2,
        sql="list(CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN CAST(json_array({0}, {1}) AS VARCHAR) END)"
        " FILTER (WHERE {0} IS NOT NULL AND {1} IS NOT NULL)",
        takes=(TEXT, VALUE),
        gives=JSON,
        outer="CAST(_sf_object_agg(coalesce({0}, [])) AS JSON)",
    ),
    Aggregate("PERCENTILE_CONT", sql="quantile_cont({of}, {0}{order})", gives=NUM, ordered=True),
    Aggregate("PERCENTILE_DISC", sql="quantile_disc({of}, {0}{order})", gives=NUM, ordered=True),
    Aggregate("GROUPING", (1, None), sql="grouping({*})", gives=NUM),
    Aggregate("GROUPING_ID", (1, None), sql="grouping_id({*})", gives=NUM),
)
