"""Functions of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.sql.functions.dates import date_trunc
from cleanroom_ml.engine.sql.functions.entry import Function, Scalar
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.kind import DATE, NUM, TIMESTAMP, TZ

_SAME_NAME: Final = (
    "ABS",
    "SIGN",
    "SQRT",
    "EXP",
    "LN",
    "CBRT",
    "SIN",
    "COS",
    "TAN",
    "COT",
    "ASIN",
    "ACOS",
    "ATAN",
    "SINH",
    "COSH",
    "TANH",
    "DEGREES",
    "RADIANS",
    "FACTORIAL",
)
"""What DuckDB calls the same, and means the same by."""

_HAVERSINE: Final = (
    "(2 * 6371 * asin(sqrt(pow(sin(radians({2} - {0}) / 2), 2)"
    " + cos(radians({0})) * cos(radians({2})) * pow(sin(radians({3} - {1}) / 2), 2))))"
)
_WIDTH_BUCKET: Final = (
    "CASE WHEN {0} < {1} THEN 0 WHEN {0} >= {2} THEN {3} + 1"
    " ELSE CAST(floor(({0} - {1}) * {3} / ({2} - {1})) AS BIGINT) + 1 END"
)


def _to_digits(name: str) -> tuple[str, str]:
    """A function that takes whole numbers, or a number of digits."""
    return f"{name}({{0}})", f"({name}({{0}} * pow(10, {{1}})) / pow(10, {{1}}))"


def _trunc(args: Sequence[Node]) -> Node:
    """TRUNC(number [, digits]), or TRUNC(date, 'part')."""
    if len(args) == 2 and kind_of(args[0]) in {DATE, TIMESTAMP, TZ}:
        return date_trunc([args[1], args[0]])
    return raw(_to_digits("trunc")[len(args) - 1], *args, kind=NUM)


FUNCTIONS: Final[tuple[Function, ...]] = (
    *(Scalar(name, sql=f"{name.lower()}({{*}})", gives=NUM) for name in _SAME_NAME),
    Scalar("ATAN2", arguments=2, sql="atan2({*})", gives=NUM),
    Scalar("PI", arguments=0, sql="pi()", gives=NUM),
    Scalar("LOG", arguments=2, sql="(ln({1}) / ln({0}))", gives=NUM),
    Scalar("POW POWER", arguments=2, sql="pow({*})", gives=NUM),
    Scalar("SQUARE", sql="pow({0}, 2)", gives=NUM),
    Scalar("MOD", arguments=2, sql="({0} % {1})", gives=NUM),
    Scalar("DIV0", arguments=2, sql="CASE WHEN {1} = 0 THEN {0} * 0 ELSE {0} / {1} END", gives=NUM),
    Scalar("DIV0NULL", arguments=2, sql="CASE WHEN coalesce({1}, 0) = 0 THEN {0} * 0 ELSE {0} / {1} END", gives=NUM),
    Scalar("ROUND", arguments=(1, 2), sql=("round({0})", "round({0}, CAST({1} AS INTEGER))"), gives=NUM),
    Scalar("TRUNC TRUNCATE", arguments=(1, 2), sql=_trunc),
    Scalar("CEIL", arguments=(1, 2), sql=_to_digits("ceil"), gives=NUM),
    Scalar("FLOOR", arguments=(1, 2), sql=_to_digits("floor"), gives=NUM),
    Scalar("BITAND", arguments=2, sql="(CAST({0} AS BIGINT) & CAST({1} AS BIGINT))", gives=NUM),
    Scalar("BITOR", arguments=2, sql="(CAST({0} AS BIGINT) | CAST({1} AS BIGINT))", gives=NUM),
    Scalar("BITXOR", arguments=2, sql="xor(CAST({0} AS BIGINT), CAST({1} AS BIGINT))", gives=NUM),
    Scalar("BITNOT", sql="(~CAST({0} AS BIGINT))", gives=NUM),
    Scalar(
        "BITSHIFTLEFT",
        arguments=2,
        sql="(CAST({0} AS BIGINT) * CAST(pow(2, CAST({1} AS INTEGER)) AS BIGINT))",
        gives=NUM,
    ),
    Scalar("BITSHIFTRIGHT", arguments=2, sql="(CAST({0} AS BIGINT) >> CAST({1} AS INTEGER))", gives=NUM),
    Scalar("WIDTH_BUCKET", arguments=4, sql=_WIDTH_BUCKET, gives=NUM),
    Scalar("HAVERSINE", arguments=4, sql=_HAVERSINE, gives=NUM),
)
