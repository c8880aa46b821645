"""Functions that choose between values, and of truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.functions.entry import Builder, Function, Scalar
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.kind import NUM


def _decode(args: Sequence[Node]) -> Node:
    rest = list(args[1:])
    default = rest.pop() if len(rest) % 2 else exp.Null()
    whens = "".join(
        f" WHEN {{0}} IS NOT DISTINCT FROM {{{1 + 2 * n}}} THEN {{{2 + 2 * n}}}" for n in range(len(rest) // 2)
    )
    return raw(f"CASE{whens} ELSE {{{1 + len(rest)}}} END", args[0], *rest, default, kind=kind_of(args[2]))


def _extreme(name: str) -> Builder:
    """GREATEST and LEAST give NULL where any argument is NULL; DuckDB's skip NULLs."""

    def build(args: Sequence[Node]) -> Node:
        nulls = " OR ".join(f"{{{n}}} IS NULL" for n in range(len(args)))
        return raw(f"CASE WHEN {nulls} THEN NULL ELSE {name}({{*}}) END", *args, kind=kind_of(args[0]))

    return build


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("IFF", arguments=3, sql="CASE WHEN {0} THEN {1} ELSE {2} END", gives=1),
    Scalar("NVL IFNULL", arguments=2, sql="coalesce({*})", gives=0),
    Scalar("COALESCE", arguments=(1, None), sql="coalesce({*})", gives=0),
    Scalar("NVL2", arguments=3, sql="CASE WHEN {0} IS NOT NULL THEN {1} ELSE {2} END", gives=1),
    Scalar("NULLIF", arguments=2, sql="nullif({*})", gives=0),
    Scalar("ZEROIFNULL", sql="coalesce({0}, 0)", gives=NUM),
    Scalar("NULLIFZERO", sql="nullif({0}, 0)", gives=NUM),
    Scalar("EQUAL_NULL", arguments=2, sql="({0} IS NOT DISTINCT FROM {1})"),
    Scalar("DECODE", arguments=(3, None), sql=_decode),
    Scalar("GREATEST", arguments=(1, None), sql=_extreme("greatest")),
    Scalar("LEAST", arguments=(1, None), sql=_extreme("least")),
    Scalar("GREATEST_IGNORE_NULLS", arguments=(1, None), sql="greatest({*})", gives=0),
    Scalar("LEAST_IGNORE_NULLS", arguments=(1, None), sql="least({*})", gives=0),
    Scalar("BOOLAND", arguments=2, sql="({0} AND {1})"),
    Scalar("BOOLOR", arguments=2, sql="({0} OR {1})"),
    Scalar("BOOLNOT", sql="(NOT {0})"),
    Scalar("BOOLXOR", arguments=2, sql="(CAST({0} AS BOOLEAN) <> CAST({1} AS BOOLEAN))"),
)
