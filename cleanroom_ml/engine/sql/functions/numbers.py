"""Functions of numbers: of NUMBERs exact, with the precision and scale that their pages give, of FLOATs in doubles.

Pages: sql-reference/functions/<name>, and sql-reference/operators-arithmetic for the rules of scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.dates import date_trunc
from cleanroom_ml.engine.sql.functions.entry import Builder, Function, Scalar, constant_int, constant_text
from cleanroom_ml.engine.sql.tree.arithmetic import (
    Zero,
    arithmetic,
    as_float,
    as_number,
    divided,
    once,
    power,
    unit,
    widest,
)
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.fine import refuse
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import (
    COARSE,
    DATE,
    FLOAT,
    MAX_PRECISION,
    NUM,
    TIMESTAMP,
    TZ,
    WHOLE,
    Kind,
    Number,
    number,
)

_OF_FLOATS: Final = (
    "EXP",
    "SIN",
    "COS",
    "TAN",
    "COT",
    "ATAN",
    "SINH",
    "COSH",
    "TANH",
    "ASINH",
    "DEGREES",
    "RADIANS",
)
"""What DuckDB calls the same, and means the same by."""
_DOMAINS: Final = {
    "SQRT": "{0} < 0",
    "LN": "{0} <= 0",
    "ASIN": "abs({0}) > 1",
    "ACOS": "abs({0}) > 1",
    "ACOSH": "{0} < 1",
    "ATANH": "abs({0}) >= 1",
}
"""Where a function has no value, and fails."""
_POWER: Final = (
    f"CASE WHEN ({{0}} < 0 AND {{1}} <> trunc({{1}})) OR ({{0}} = 0 AND {{1}} < 0) THEN {fails('floating')}"
    " ELSE pow({0}, {1}) END"
)
_HAVERSINE: Final = (
    "(2 * 6371 * asin(sqrt(pow(sin(radians({2} - {0}) / 2), 2)"
    " + cos(radians({0})) * cos(radians({2})) * pow(sin(radians({3} - {1}) / 2), 2))))"
)
_WIDTH_BUCKET: Final = (
    "CASE WHEN {0} < {1} THEN 0 WHEN {0} >= {2} THEN {3} + 1 ELSE floor(({0} - {1}) * {3} / ({2} - {1})) + 1 END"
)
_EVEN: Final = (
    "({0} // {1} + CASE WHEN 2 * abs({0} % {1}) > {1} OR (2 * abs({0} % {1}) = {1} AND ({0} // {1}) % 2 <> 0)"
    " THEN sign({0}) ELSE 0 END)"
)


_BUCKET: Final = "CASE WHEN {0} > 0 THEN (CAST({0} AS HUGEINT) - 1) // 32768 + 1 ELSE CAST({0} AS HUGEINT) // 32768 END"
_BIT: Final = "CASE WHEN {0} > 0 THEN (CAST({0} AS HUGEINT) - 1) % 32768 ELSE abs(CAST({0} AS HUGEINT)) % 32768 END"
"""functions/bitmap_bucket_number.md and bitmap_bit_position.md: bitmaps of 32768 bits."""


def _of_floats(name: str) -> Scalar:
    def build(args: Sequence[Node]) -> Node:
        return raw(f"{name.lower()}({{0}})", as_float(args[0]), kind=FLOAT)

    return Scalar(name, sql=build, wide=True)


def _in_domain(name: str, invalid: str) -> Scalar:
    def build(args: Sequence[Node]) -> Node:
        given = as_float(args[0])
        return once(f"CASE WHEN {invalid} THEN {fails('floating')} ELSE {name.lower()}({{0}}) END", given, kind=FLOAT)

    return Scalar(name, sql=build, wide=True)


def _log(args: Sequence[Node]) -> Node:
    invalid = "{0} <= 0 OR {0} = 1 OR {1} <= 0"
    template = f"CASE WHEN {invalid} THEN {fails('floating')} ELSE ln({{1}}) / ln({{0}}) END"
    return once(template, *(as_float(arg) for arg in args), kind=FLOAT)


def _floats(template: str, kind: Kind = FLOAT) -> Builder:
    return lambda args: once(template, *(as_float(arg) for arg in args), kind=kind)


def _width_bucket(args: Sequence[Node]) -> Node:
    return raw("CAST({0} AS BIGINT)", _floats(_WIDTH_BUCKET)(args), kind=WHOLE)


def _cbrt(args: Sequence[Node]) -> Node:
    """DuckDB's is one bit off for 27: one step of Newton's."""
    better = "list_transform([cbrt({0})], lambda _root: _root - (_root * _root * _root - {0}) / (3 * _root * _root))[1]"
    return once(f"CASE WHEN {{0}} = 0 THEN {{0}} ELSE {better} END", as_float(args[0]), kind=FLOAT)


def _same(template: str, kind: Kind | None = None) -> Builder:
    """What gives a number like its argument."""

    def build(args: Sequence[Node]) -> Node:
        given = as_number(args[0])
        return raw(template, given, kind=kind_of(given) if kind is None else kind)

    return build


def _division(zero: Zero) -> Builder:
    return lambda args: divided(args[0], args[1], zero)


def _digits(args: Sequence[Node], name: str) -> int | None:
    """The scale that a call asks for; None: it is no constant."""
    if len(args) < 2:
        return 0
    try:
        return max(-MAX_PRECISION, min(MAX_PRECISION, constant_int(args[1], name)))
    except SqlError:
        return None


def _round(args: Sequence[Node]) -> Node:
    given = as_number(args[0])
    kind, digits = kind_of(given), _digits(args, "ROUND")
    even = len(args) == 3 and _mode(args[2]) == "HALF_TO_EVEN"
    if not isinstance(kind, Number) or kind.scale is None:
        if len(args) == 3:
            raise SqlError.syntax("ROUND takes a rounding mode for fixed-point numbers only.")
        return raw("(round({0}, CAST({1} AS INTEGER)) + 0)", given, *(args[1:2] or [raw("0")]), kind=kind)
    if digits is None:
        if even:
            raise SqlError.unsupported("ROUND with HALF_TO_EVEN to a scale that is not a constant")
        made = number(kind.leading + 1, kind.scale)
        text = f"CAST(round(CAST({{0}} AS DOUBLE), CAST({{1}} AS INTEGER)) AS DECIMAL({made.precision},{made.scale}))"
        return raw(text, given, args[1], kind=made)
    if digits >= kind.scale:
        return raw("({0})", given, kind=kind)
    made = number(kind.leading + 1, max(digits, 0))
    target = f"DECIMAL({made.precision},{made.scale})"
    if even:
        return _rounded_to_even(given, kind.scale, digits, made)
    if digits < 0:
        return raw(f"CAST(round({{0}}, {digits}) AS {target})", given, kind=made)
    return raw(f"CAST({{0}} AS {target})", given, kind=made)


def _in_order(given: list[Node]) -> list[Node]:
    """ROUND(EXPR => …, SCALE => …, ROUNDING_MODE => …): its arguments by position. Raises SqlError."""
    names = ("EXPR", "SCALE", "ROUNDING_MODE")
    for place, argument in enumerate(given[:3]):
        if isinstance(argument, exp.Kwarg):
            if str(argument.this.name).upper() != names[place]:
                raise SqlError.syntax(f"ROUND takes {', '.join(names)}, in this order.")
            given[place] = argument.expression
    return given


def _mode(node: Node) -> str:
    mode = constant_text(node, "ROUND").upper()
    if mode not in {"HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN"}:
        raise SqlError.syntax("The rounding mode must be one of 'HALF_AWAY_FROM_ZERO' or 'HALF_TO_EVEN'.")
    return mode


def _rounded_to_even(given: Node, scale: int, digits: int, made: Number) -> Node:
    units = raw(f"CAST({{0}} * {power(scale)} AS HUGEINT)", widest(given, Number(MAX_PRECISION, scale)))
    last_digit = raw(f"CAST({10 ** (scale - digits)} AS HUGEINT)")
    back = f" * {10**-digits}" if digits < 0 else ""
    last = f" * {unit(digits)}" if digits > 0 else ""
    text = f"CAST(CAST({_EVEN}{back} AS DECIMAL(38,0)){last} AS DECIMAL({made.precision},{made.scale}))"
    return once(text, units, last_digit, kind=made)


def _to_digits(name: str) -> Builder:
    """FLOOR, CEIL and TRUNC: of whole numbers, or of so many digits after the point (before it, where negative)."""

    def build(args: Sequence[Node]) -> Node:
        given = as_number(args[0])
        kind, digits = kind_of(given), _digits(args, name.upper())
        if not isinstance(kind, Number) or kind.scale is None:
            if len(args) < 2:
                return raw(f"({name}({{0}}) + 0)", given, kind=kind)  # no negative nought
            return once(f"{name}({{0}} * pow(10, {{1}})) / pow(10, {{1}}) + 0", given, args[1], kind=kind)
        if digits is None:
            raise SqlError.unsupported(f"{name.upper()} of a NUMBER to a scale that is not a constant")
        if digits >= kind.scale:
            return raw("({0})", given, kind=kind)
        made = number(kind.leading + 1, max(digits, 0))
        target = f"DECIMAL({made.precision},{made.scale})"
        if digits == 0:
            return raw(f"CAST({name}({{0}}) AS {target})", given, kind=made)
        size = abs(digits)
        shift = (power(size), unit(size))
        there, back = shift if digits > 0 else reversed(shift)
        return raw(f"CAST({name}({{0}} * {there}) * {back} AS {target})", widest(given, kind), kind=made)

    return build


def _bits(name: str, template: str, count: int = 2) -> Scalar:
    return Scalar(name, arguments=count, sql=template, takes=NUM, gives=WHOLE, wide=True)


def _trunc(args: Sequence[Node]) -> Node:
    """TRUNC(number [, digits]), or TRUNC(date, 'part')."""
    if len(args) == 2 and kind_of(args[0]) in {DATE, TIMESTAMP, TZ, *COARSE}:
        return date_trunc([args[1], args[0]])
    refuse("TRUNC", args)
    return _to_digits("trunc")(args)


FUNCTIONS: Final[tuple[Function, ...]] = (
    *map(_of_floats, _OF_FLOATS),
    *(_in_domain(name, invalid) for name, invalid in _DOMAINS.items()),
    Scalar("CBRT", sql=_cbrt, wide=True),
    Scalar("ABS", sql=_same("abs({0})"), wide=True),
    Scalar("SIGN", sql=_same("sign({0})", number(1, 0)), wide=True),
    Scalar("ATAN2", arguments=2, sql=_floats("atan2({0}, {1})"), wide=True),
    Scalar("PI", arguments=0, sql="pi()", gives=FLOAT),
    Scalar("LOG", arguments=2, sql=_log, wide=True),
    Scalar("POW POWER", arguments=2, sql=_floats(_POWER), wide=True),
    Scalar("SQUARE", sql=_floats("{0} * {0}"), wide=True),
    Scalar("FACTORIAL", sql="factorial(CAST({0} AS INTEGER))", takes=NUM, gives=WHOLE),
    Scalar("MOD", arguments=2, sql=lambda args: arithmetic("%", args[0], args[1]), wide=True),
    Scalar("DIV0", arguments=2, sql=_division("is 0"), wide=True),
    Scalar("DIV0NULL", arguments=2, sql=_division("or NULL is 0"), wide=True),
    Scalar("ROUND", arguments=(1, 3), sql=_round, arrange=_in_order, wide=True),
    Scalar("TRUNC TRUNCATE", arguments=(1, 2), sql=_trunc, wide=True, fine=True),
    Scalar("CEIL", arguments=(1, 2), sql=_to_digits("ceil"), wide=True),
    Scalar("FLOOR", arguments=(1, 2), sql=_to_digits("floor"), wide=True),
    _bits("BITAND BIT_AND", "(CAST({0} AS HUGEINT) & CAST({1} AS HUGEINT))"),
    _bits("BITOR BIT_OR", "(CAST({0} AS HUGEINT) | CAST({1} AS HUGEINT))"),
    _bits("BITXOR BIT_XOR", "xor(CAST({0} AS HUGEINT), CAST({1} AS HUGEINT))"),
    _bits("BITNOT BIT_NOT", "(~CAST({0} AS HUGEINT))", 1),
    _bits("BITSHIFTLEFT BIT_SHIFTLEFT", "(CAST({0} AS HUGEINT) * CAST(pow(2, CAST({1} AS INTEGER)) AS HUGEINT))"),
    _bits("BITSHIFTRIGHT BIT_SHIFTRIGHT", "(CAST({0} AS HUGEINT) >> CAST({1} AS HUGEINT))"),
    _bits("GETBIT", "((CAST({0} AS HUGEINT) >> CAST({1} AS HUGEINT)) & CAST(1 AS HUGEINT))"),
    _bits("BITMAP_BUCKET_NUMBER", _BUCKET, 1),
    _bits("BITMAP_BIT_POSITION", _BIT, 1),
    Scalar("WIDTH_BUCKET", arguments=4, sql=_width_bucket, wide=True),
    Scalar("HAVERSINE", arguments=4, sql=_floats(_HAVERSINE), wide=True),
)
