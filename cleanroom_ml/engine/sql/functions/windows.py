"""Functions that need an OVER clause (sql-reference/functions/<name>)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.sql.functions.entry import TRUTH, Aggregate, Count, Frame, Function, Gives
from cleanroom_ml.engine.sql.tree.arithmetic import divided
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import FLOAT, NUM, TEXT, WHOLE, Kind

_CHANGES: Final = (
    f"CASE WHEN len({{0}}) > 20000 THEN {fails('partition')} ELSE"
    " len(list_filter(list_zip({0}, {0}[2:]), lambda _pair: _pair[1] <> _pair[2])) END"
)
"""How often a value differs from the one before it: the values so far are a list, of which each is looked at."""


def _window(
    name: str,
    count: Count,
    sql: str,
    gives: Gives = WHOLE,
    frame: Frame | None = None,
    constant: tuple[int, int, int] | None = None,
) -> Aggregate:
    return Aggregate(
        name, count, sql=sql, gives=gives, window_only=True, frame=frame, needs_order=True, constant=constant, fine=True
    )


def _or_default(kind: Kind | None) -> Kind | None:
    """A value, or the one for rows that have none before them, which may be a longer text."""
    return TEXT if kind == TEXT else kind


def _ratio(total: Node, arguments: Sequence[Node]) -> Node:
    return divided(arguments[0], total, "is NULL")


def _changes(values: Node, arguments: Sequence[Node]) -> Node:
    return raw(f"list_transform([{{0}}], lambda _so_far: {_CHANGES.replace('{0}', '_so_far')})[1]", values, kind=WHOLE)


FUNCTIONS: Final[tuple[Function, ...]] = (
    _window("ROW_NUMBER", 0, "row_number()"),
    _window("RANK", 0, "rank()"),
    _window("DENSE_RANK", 0, "dense_rank()"),
    _window("PERCENT_RANK", 0, "percent_rank()", FLOAT),
    _window("CUME_DIST", 0, "cume_dist()", FLOAT),
    # A column too: Snowpark hands one over, in its own tests (`df.with_column("n", lit(4))`, `ntile("n")`).
    _window("NTILE", 1, "ntile(CAST({0} AS BIGINT))"),
    _window("LAG", (1, 3), "lag({*}{nulls})", gives=_or_default),
    _window("LEAD", (1, 3), "lead({*}{nulls})", gives=_or_default),
    _window("FIRST_VALUE", 1, "first_value({0}{nulls})", gives=0, frame=Frame.PARTITION),
    _window("LAST_VALUE", 1, "last_value({0}{nulls})", gives=0, frame=Frame.PARTITION),
    _window("NTH_VALUE", 2, "nth_value({*}{nulls})", gives=0, frame=Frame.PARTITION, constant=(1, 1, 1000)),
    Aggregate(
        "CONDITIONAL_TRUE_EVENT",
        sql="count(CASE WHEN {0} THEN 1 END)",
        takes=TRUTH,
        gives=WHOLE,
        window_only=True,
        frame=Frame.SO_FAR,
        needs_order=True,
    ),
    Aggregate(
        "CONDITIONAL_CHANGE_EVENT",
        sql="list({0})",
        around=_changes,
        window_only=True,
        frame=Frame.SO_FAR,
        needs_order=True,
    ),
    # Of all rows, in whatever order they are (functions/ratio_to_report.md).
    Aggregate(
        "RATIO_TO_REPORT",
        sql="sum({0})",
        takes=NUM,
        gives=0,
        around=_ratio,
        window_only=True,
        frame=Frame.PARTITION,
    ),
)
