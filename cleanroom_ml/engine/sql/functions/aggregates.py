"""The aggregate and window functions that a query may call, by Snowflake's names. What is not here does not exist.

A template has `{0}`…; `{order}` is where the ORDER BY of WITHIN GROUP goes; `outer` wraps the call with its OVER
clause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree.dialect import Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, kind_of
from cleanroom_ml.engine.sql.types.kind import JSON, NUM, TEXT


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`ordered`: takes WITHIN GROUP; `window_only`: needs OVER; `texts`: its first argument is taken as text; `same`:
    gives its argument's kind.
    """

    template: str
    least: int = 1
    most: int | None = 1
    kind: str | None = None
    outer: str | None = None
    ordered: bool = False
    window_only: bool = False
    texts: bool = False
    same: bool = False
    drop_nulls: bool = False


def _plain(name: str, count: int = 1) -> Aggregate:
    return Aggregate(f"{name}({{*}})", count, count, NUM)


_VARIANCES: Final = {
    "STDDEV": "stddev_samp",
    "STDDEV_SAMP": "stddev_samp",
    "STDDEV_POP": "stddev_pop",
    "VARIANCE": "var_samp",
    "VARIANCE_SAMP": "var_samp",
    "VAR_SAMP": "var_samp",
    "VAR_POP": "var_pop",
    "VARIANCE_POP": "var_pop",
}
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

_NO_NAN: Final = "nullif({0}, CAST('nan' AS DOUBLE))"
"""Where nothing varies DuckDB says NaN, Snowflake NULL."""

AGGREGATES: Final[dict[str, Aggregate]] = {
    "COUNT": Aggregate("count({*})", 1, None, NUM),
    "SUM": _plain("sum"),
    "AVG": _plain("avg"),
    "MIN": Aggregate("min({0})", same=True),
    "MAX": Aggregate("max({0})", same=True),
    "ANY_VALUE": Aggregate("any_value({0})", same=True),
    "MODE": Aggregate("mode({0})", same=True),
    "MEDIAN": _plain("median"),
    **{name: _plain(target) for name, target in _VARIANCES.items()},
    "CORR": Aggregate("corr({*})", 2, 2, NUM, outer=_NO_NAN),
    "COVAR_POP": _plain("covar_pop", 2),
    "COVAR_SAMP": _plain("covar_samp", 2),
    "REGR_COUNT": _plain("regr_count", 2),
    **{name: Aggregate(f"{name.lower()}({{*}})", 2, 2, NUM, outer=_NO_NAN) for name in _REGRESSIONS},
    "KURTOSIS": _plain("kurtosis"),
    "SKEW": _plain("skewness"),
    "COUNT_IF": _plain("count_if"),
    **dict.fromkeys(("APPROX_COUNT_DISTINCT", "HLL"), _plain("approx_count_distinct")),
    "APPROX_PERCENTILE": Aggregate("approx_quantile({0}, {1})", 2, 2, NUM),
    "BOOLAND_AGG": Aggregate("bool_and(CAST({0} AS BOOLEAN))"),
    "BOOLOR_AGG": Aggregate("bool_or(CAST({0} AS BOOLEAN))"),
    "BITAND_AGG": Aggregate("bit_and(CAST({0} AS BIGINT))", kind=NUM),
    "BITOR_AGG": Aggregate("bit_or(CAST({0} AS BIGINT))", kind=NUM),
    "BITXOR_AGG": Aggregate("bit_xor(CAST({0} AS BIGINT))", kind=NUM),
    "MIN_BY": Aggregate("arg_min({*})", 2, 2, same=True),
    "MAX_BY": Aggregate("arg_max({*})", 2, 2, same=True),
    "LISTAGG": Aggregate("string_agg({*}{order})", 1, 2, TEXT, outer="coalesce({0}, '')", ordered=True, texts=True),
    "STRING_AGG": Aggregate("string_agg({*}{order})", 1, 2, TEXT, outer="coalesce({0}, '')", ordered=True, texts=True),
    "ARRAY_AGG": Aggregate(
        "list({*}{order})",
        1,
        1,
        JSON,
        outer="coalesce(to_json({0}), CAST('[]' AS JSON))",
        ordered=True,
        drop_nulls=True,
    ),
    "ARRAY_UNIQUE_AGG": Aggregate(
        "list(DISTINCT {0})", 1, 1, JSON, outer="coalesce(to_json({0}), CAST('[]' AS JSON))", drop_nulls=True
    ),
    "OBJECT_AGG": Aggregate("json_group_object({*})", 2, 2, JSON),
    "PERCENTILE_CONT": Aggregate("quantile_cont({of}, {0}{order})", 1, 1, NUM, ordered=True),
    "PERCENTILE_DISC": Aggregate("quantile_disc({of}, {0}{order})", 1, 1, NUM, ordered=True),
    "GROUPING": Aggregate("grouping({*})", 1, None, NUM),
    "GROUPING_ID": Aggregate("grouping_id({*})", 1, None, NUM),
    "ROW_NUMBER": Aggregate("row_number()", 0, 0, NUM, window_only=True),
    "RANK": Aggregate("rank()", 0, 0, NUM, window_only=True),
    "DENSE_RANK": Aggregate("dense_rank()", 0, 0, NUM, window_only=True),
    "PERCENT_RANK": Aggregate("percent_rank()", 0, 0, NUM, window_only=True),
    "CUME_DIST": Aggregate("cume_dist()", 0, 0, NUM, window_only=True),
    "NTILE": Aggregate("ntile(CAST({0} AS BIGINT))", 1, 1, NUM, window_only=True),
    "LAG": Aggregate("lag({*}{nulls})", 1, 3, same=True, window_only=True),
    "LEAD": Aggregate("lead({*}{nulls})", 1, 3, same=True, window_only=True),
    "FIRST_VALUE": Aggregate("first_value({0}{nulls})", same=True, window_only=True),
    "LAST_VALUE": Aggregate("last_value({0}{nulls})", same=True, window_only=True),
    "NTH_VALUE": Aggregate("nth_value({*}{nulls})", 2, 2, same=True, window_only=True),
    "RATIO_TO_REPORT": Aggregate("sum({0})", 1, 1, NUM, window_only=True),
}


def call(
    name: str, arguments: Sequence[Any], *, order: Any = None, ignore_nulls: bool = False, windowed: bool = False
) -> tuple[Raw, Aggregate]:
    """An aggregate's call without its OVER and `outer`. Raises SqlError."""
    known = AGGREGATES[name]
    values = list(arguments)
    distinct = None
    if values and isinstance(values[0], exp.Distinct):
        distinct = values[0]
        values = [*distinct.expressions, *values[1:]]
    if len(values) < known.least or (known.most is not None and len(values) > known.most):
        raise SqlError(
            938, "22023", f"SQL compilation error: error\nwrong number of arguments for function {name}: {len(values)}."
        )
    if known.window_only and not windowed:
        raise SqlError(2303, "42601", f"SQL compilation error:\nThe function {name} needs an OVER clause.")
    if order is not None and not known.ordered:
        raise SqlError.unsupported(f"{name} WITHIN GROUP")
    kind = kind_of(values[0]) if known.same and values else known.kind
    if known.texts:
        values[0] = as_text(values[0])
        if len(values) == 1:
            values.append(exp.Literal.string(""))
    if distinct is not None and name == "COUNT" and len(values) > 1:
        # Snowflake leaves out rows in which any of the values is NULL.
        nulls = " OR ".join(f"{{{n}}} IS NULL" for n in range(len(values)))
        values = [raw(f"CASE WHEN {nulls} THEN NULL ELSE ROW({{*}}) END", *values)]
    template = known.template
    if distinct is not None:
        template = template.replace("({*}", "(DISTINCT {*}").replace("({0}", "(DISTINCT {0}")
    if "{of}" in template:
        if order is None or len(order.expressions) != 1:
            raise SqlError.syntax(f"{name} needs WITHIN GROUP (ORDER BY …).")
        ordered = order.expressions[0]
        values.append(ordered.this)
        template = template.replace("{of}", f"{{{len(values) - 1}}}").replace("{order}", "")
        if ordered.args.get("desc"):
            template = template.replace("{0}", "(1 - {0})")
    elif order is not None:
        values.append(order)
        template = template.replace("{*}", ", ".join(f"{{{n}}}" for n in range(len(values) - 1)))
        template = template.replace("{order}", f" {{{len(values) - 1}}}")
    template = template.replace("{order}", "").replace("{nulls}", " IGNORE NULLS" if ignore_nulls else "")
    if known.drop_nulls:
        template += " FILTER (WHERE {0} IS NOT NULL)"
    return raw(template, *values, kind=kind), known


def finish(made: Any, name: str, known: Aggregate, arguments: Sequence[Any], kind: str | None) -> Any:
    """What goes around a call once its OVER clause, if any, is on it."""
    if name == "RATIO_TO_REPORT":
        return raw("(CAST({0} AS DOUBLE) / nullif({1}, 0))", arguments[0], made, kind=NUM)
    return made if known.outer is None and kind is None else raw(known.outer or "{0}", made, kind=kind)
