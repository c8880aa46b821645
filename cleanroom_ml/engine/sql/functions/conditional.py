"""Functions that choose between values, and of truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Builder, Function, Scalar
from cleanroom_ml.engine.sql.resolve.comparing import alike, pair
from cleanroom_ml.engine.sql.tree.arithmetic import as_number
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import as_text, as_truth, kind_of, kind_of_any, order_key
from cleanroom_ml.engine.sql.types.kind import JSON, NUM, OTHER, TEXT


def _decode(args: Sequence[Node]) -> Node:
    rest = list(args[1:])
    default = rest.pop() if len(rest) % 2 else exp.Null()
    *values, default = alike([*rest[1::2], default])
    kind = kind_of_any([*values, default])
    parts: list[Node] = []
    for wanted, value in zip(rest[::2], values, strict=True):
        parts += [*pair(args[0].copy(), wanted), value]
    whens = "".join(f" WHEN {{{n}}} IS NOT DISTINCT FROM {{{n + 1}}} THEN {{{n + 2}}}" for n in range(0, len(parts), 3))
    return raw(f"CASE{whens} ELSE {{{len(parts)}}} END", *parts, default, kind=kind)


def _null_if(args: Sequence[Node]) -> Node:
    kind = kind_of(args[0])
    left, right = pair(args[0].copy(), args[1])
    if left == args[0]:
        return raw("nullif({0}, {1})", args[0], right, kind=kind)
    return raw("CASE WHEN {1} = {2} THEN NULL ELSE {0} END", args[0], left, right, kind=kind)


def _equal_null(args: Sequence[Node]) -> Node:
    return raw("({0} IS NOT DISTINCT FROM {1})", *pair(args[0], args[1]), kind=OTHER)


def _one_of(template: str, first: int = 0, before: Callable[[Node], Node] = lambda node: node) -> Builder:
    """A template that gives one of its arguments, from the `first` on; `before` makes of the others what they are."""

    def build(args: Sequence[Node]) -> Node:
        given = alike(args[first:])
        return raw(template, *map(before, args[:first]), *given, kind=kind_of_any(given))

    return build


def _zero_if_null(args: Sequence[Node]) -> Node:
    given = as_number(args[0])
    return raw("coalesce({0}, 0)", given, kind=kind_of(given))


def _of_those_there(name: str) -> Builder:
    """GREATEST_IGNORE_NULLS and LEAST_IGNORE_NULLS."""

    def build(args: Sequence[Node]) -> Node:
        given = [as_text(arg) for arg in args] if kind_of(args[0]) == TEXT else alike(args)
        if kind_of_any(given) == JSON:
            raise SqlError.unsupported(f"{name.upper()}_IGNORE_NULLS of VARIANTs: cast them")
        return raw(f"{name}({{*}})", *given, kind=kind_of_any(given))

    return build


def _of_truths(template: str) -> Builder:
    """BOOLAND and its like: a number is true unless it is rounded to zero (functions/booland.md)."""

    def build(args: Sequence[Node]) -> Node:
        truths = [raw("(round({0}) <> 0)" if kind_of(arg) == NUM else "CAST({0} AS BOOLEAN)", arg) for arg in args]
        return raw(template, *truths, kind=OTHER)

    return build


def _extreme(name: str) -> Builder:
    """GREATEST and LEAST give NULL where any argument is NULL; DuckDB's skip NULLs. A text that is the first argument
    makes texts of all (functions/greatest.md); VARIANTs are compared by value.
    """

    def build(args: Sequence[Node]) -> Node:
        given = [as_text(arg) for arg in args] if kind_of(args[0]) == TEXT else alike(args)
        nulls = " OR ".join(f"{{{n}}} IS NULL" for n in range(len(given)))
        if kind_of_any(given) == JSON:
            pairs = ", ".join(f"struct_pack(k := {{{n + len(given)}}}, v := {{{n}}})" for n in range(len(given)))
            sort = "list_reverse_sort" if name == "greatest" else "list_sort"
            found = f"struct_extract({sort}([{pairs}])[1], 'v')"
            keys = [order_key(node.copy()) for node in given]
            return raw(f"CASE WHEN {nulls} THEN NULL ELSE {found} END", *given, *keys, kind=kind_of_any(given))
        return raw(f"CASE WHEN {nulls} THEN NULL ELSE {name}({{*}}) END", *given, kind=kind_of_any(given))

    return build


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("IFF", arguments=3, sql=_one_of("CASE WHEN {0} THEN {1} ELSE {2} END", 1, as_truth), wide=True, fine=True),
    Scalar("NVL IFNULL", arguments=2, sql=_one_of("coalesce({*})"), wide=True, fine=True),
    Scalar("COALESCE", arguments=(2, None), sql=_one_of("coalesce({*})"), wide=True, fine=True),
    Scalar(
        "NVL2", arguments=3, sql=_one_of("CASE WHEN {0} IS NOT NULL THEN {1} ELSE {2} END", 1), wide=True, fine=True
    ),
    Scalar("NULLIF", arguments=2, sql=_null_if, wide=True, fine=True),
    Scalar("ZEROIFNULL", sql=_zero_if_null, wide=True),
    Scalar("NULLIFZERO", sql="nullif({0}, 0)", takes=NUM, gives=0, wide=True),
    Scalar("EQUAL_NULL", arguments=2, sql=_equal_null, wide=True, fine=True),
    Scalar("DECODE", arguments=(3, None), sql=_decode, wide=True, fine=True),
    Scalar("GREATEST", arguments=(1, None), sql=_extreme("greatest"), wide=True, fine=True),
    Scalar("LEAST", arguments=(1, None), sql=_extreme("least"), wide=True, fine=True),
    Scalar("GREATEST_IGNORE_NULLS", arguments=(1, None), sql=_of_those_there("greatest"), wide=True, fine=True),
    Scalar("LEAST_IGNORE_NULLS", arguments=(1, None), sql=_of_those_there("least"), wide=True, fine=True),
    Scalar("BOOLAND", arguments=2, sql=_of_truths("({0} AND {1})"), wide=True),
    Scalar("BOOLOR", arguments=2, sql=_of_truths("({0} OR {1})"), wide=True),
    Scalar("BOOLNOT", sql=_of_truths("(NOT {0})"), wide=True),
    Scalar("REGR_VALX", arguments=2, sql="CASE WHEN {0} IS NULL THEN NULL ELSE {1} END", gives=1, wide=True, fine=True),
    Scalar("REGR_VALY", arguments=2, sql="CASE WHEN {1} IS NULL THEN NULL ELSE {0} END", gives=0, wide=True, fine=True),
    Scalar("BOOLXOR", arguments=2, sql=_of_truths("({0} <> {1})"), wide=True),
)
