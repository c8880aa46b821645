"""Functions that need an OVER clause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.sql.functions.entry import Aggregate, Count, Function, Gives
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.types.kind import NUM


def _window(name: str, count: Count, sql: str, gives: Gives = NUM) -> Aggregate:
    return Aggregate(name, count, sql=sql, gives=gives, window_only=True)


def _ratio(total: Node, arguments: Sequence[Node]) -> Node:
    return raw("(CAST({0} AS DOUBLE) / nullif({1}, 0))", arguments[0], total, kind=NUM)


FUNCTIONS: Final[tuple[Function, ...]] = (
    _window("ROW_NUMBER", 0, "row_number()"),
    _window("RANK", 0, "rank()"),
    _window("DENSE_RANK", 0, "dense_rank()"),
    _window("PERCENT_RANK", 0, "percent_rank()"),
    _window("CUME_DIST", 0, "cume_dist()"),
    _window("NTILE", 1, "ntile(CAST({0} AS BIGINT))"),
    _window("LAG", (1, 3), "lag({*}{nulls})", gives=0),
    _window("LEAD", (1, 3), "lead({*}{nulls})", gives=0),
    _window("FIRST_VALUE", 1, "first_value({0}{nulls})", gives=0),
    _window("LAST_VALUE", 1, "last_value({0}{nulls})", gives=0),
    _window("NTH_VALUE", 2, "nth_value({*}{nulls})", gives=0),
    Aggregate("RATIO_TO_REPORT", sql="sum({0})", gives=NUM, around=_ratio, window_only=True),
)
