"""Arithmetic of numbers by Snowflake's rules of precision and scale (sql-reference/operators-arithmetic): a NUMBER is
computed in whole numbers of its last digit, exactly; a FLOAT as a double; what overflows fails.

What a value's precision and scale are, its kind says (types/kind.Number). A template never computes an operand twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import as_digits, kind_of, literal_text
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import (
    DATE,
    FLOAT,
    JSON,
    MAX_PRECISION,
    NUM,
    OTHER,
    TEXT,
    WHOLE,
    Kind,
    Number,
    number,
)
from cleanroom_ml.engine.sql.types.numbers import PLAIN_NUMBER

Sign = Literal["+", "-", "*", "/", "%"]
Zero = Literal["fails", "is 0", "or NULL is 0", "is NULL"]
"""What division by zero gives: it fails (`/`), 0 (DIV0), 0 also for NULL (DIV0NULL), NULL (AVG of nothing, DIVNULL)."""
IN_BIGINT: Final = 18
"""Digits that every BIGINT has."""
_EXACT_IN_DOUBLE: Final = 1 << 52
_DIGITS_IN_DOUBLE: Final = 15
_IMPLIED: Final = Number(18, 5)
"""What Snowflake takes text for next to a NUMBER."""
_MORE_DIGITS: Final = 6
_MOST_DIGITS: Final = 12
_CONSTANT: Final = re.compile(r"([+-]?)(\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})")


def arithmetic(sign: Sign, left: Node, right: Node) -> Node:
    """`left sign right` of rewritten operands. Raises SqlError: it has more digits than can be computed."""
    left, right = as_number(left, right), as_number(right, left)
    one, other = kind_of(left), kind_of(right)
    if sign == "-" and one == DATE and other == DATE:
        return raw("({0} - {1})", left, right, kind=WHOLE)
    if not isinstance(one, Number) or not isinstance(other, Number):
        return _of_unknown(sign, left, right)
    if sign == "/":
        return divided(left, right)
    if one.scale is None or other.scale is None:
        if sign == "%":
            return _modulo(left, right, FLOAT)
        return raw(f"(CAST({{0}} AS DOUBLE) {sign} CAST({{1}} AS DOUBLE))", left, right, kind=FLOAT)
    if sign == "%":
        left, right = of_one_scale((left, right))
        return _modulo(left, right, number(max(one.leading, other.leading), max(one.scale, other.scale)))
    if sign == "*":
        return _product(left, right, one, other)
    made = number(max(one.leading, other.leading) + 1, max(one.scale, other.scale))
    if not made.scale:
        left, right = (as_whole(part, made.precision) for part in (left, right))
    elif made.precision > IN_BIGINT:
        left, right = widest(left, one), widest(right, other)
    return raw(f"({{0}} {sign} {{1}})", left, right, kind=made)


def divided(left: Node, right: Node, zero: Zero = "fails", *, more: int | None = None) -> Node:
    """`left / right`. Of two NUMBERs: rounded to the scale that the result has, half away from zero; with `more` it has
    so many digits more than `left`, and what follows them is cut off.
    """
    left, right = as_number(left, right), as_number(right, left)
    one, other = kind_of(left), kind_of(right)
    if not isinstance(one, Number) or not isinstance(other, Number):
        return _unknown_quotient(left, right, zero)
    if one.scale is None or other.scale is None:
        template = _guarded("CAST({0} AS DOUBLE) / CAST({1} AS DOUBLE)", right, zero, "CAST(0 AS DOUBLE)")
        return once(template, left, right, kind=FLOAT)
    scale = quotient_scale(one.scale) if more is None else one.scale + more
    made = number(one.leading + other.scale, scale)
    digits = scale - one.scale + other.scale
    zeros = 10**digits
    whole = "round" if more is None else "trunc"
    quick = f"CAST({whole}(CAST({{0}} AS DOUBLE) * 1e{digits} / CAST({{1}} AS DOUBLE)) AS HUGEINT)"
    long = (
        f"(({{0}} // {{1}}) * {zeros} + sign({{0}}) * sign({{1}})"
        f" * ((2 * abs({{0}} % {{1}}) * {zeros} + abs({{1}})) // (2 * abs({{1}}))))"
    )
    if more is not None:
        long = f"(({{0}} // {{1}}) * {zeros} + (({{0}} % {{1}}) * {zeros}) // {{1}})"
    bound = _EXACT_IN_DOUBLE // zeros
    small = f"abs({{0}}) < {bound} AND abs({{1}}) < {_EXACT_IN_DOUBLE}"
    if one.precision + digits <= _DIGITS_IN_DOUBLE and other.precision <= _DIGITS_IN_DOUBLE:
        units = quick
    elif not bound:
        units = long
    else:
        units = f"CASE WHEN {small} THEN {quick} ELSE {long} END"
    value = f"CAST(CAST({units} AS DECIMAL(38,0)) * {unit(scale)} AS {_decimal(made)})"
    return once(_guarded(value, right, zero, "0"), _units(left, one.scale), _units(right, other.scale), kind=made)


def unit(scale: int) -> str:
    """The smallest NUMBER of this scale, in DuckDB's SQL."""
    return f"CAST('0.{'0' * (scale - 1)}1' AS DECIMAL({scale},{scale}))"


def power(digits: int) -> str:
    """10 to a power, in DuckDB's SQL."""
    return f"CAST({10**digits} AS DECIMAL({digits + 1},0))"


def widest(node: Node, kind: Number) -> Raw:
    """A NUMBER in 128 bits: DuckDB computes in 64 where both operands have them, and fails where the result has not."""
    return raw(f"CAST({{0}} AS DECIMAL({MAX_PRECISION},{kind.scale}))", node, kind=kind)


def quotient_scale(scale: int) -> int:
    """The scale of what a number of this scale is divided by something gives."""
    return max(scale, min(scale + _MORE_DIGITS, _MOST_DIGITS))


def as_number(node: Node, beside: Node | None = None) -> Node:
    """An operand as a number: text and VARIANT are cast as what they stand beside is, and fail if they hold none. A
    constant text beside a NUMBER has the digits that it is written with; any other is a NUMBER(18,5)
    (sql-reference/data-type-conversion, usage notes).
    """
    kind = kind_of(node)
    if kind == JSON:
        return as_float(node)
    if kind != TEXT:
        return node
    other = kind_of(beside) if beside is not None else FLOAT
    if other == JSON or (isinstance(other, Number) and other.scale is None):
        return as_float(node)
    constant = constant_number(node)
    if constant is not None:
        return constant
    return raw(f"CAST({PLAIN_NUMBER} AS {_decimal(_IMPLIED)})", node, kind=_IMPLIED)


def as_float(node: Node) -> Node:
    """A number or text as a FLOAT."""
    if kind_of(node) in {TEXT, JSON}:
        return raw(f"CAST({PLAIN_NUMBER} AS DOUBLE)", as_digits(node), kind=FLOAT)
    return raw("CAST({0} AS DOUBLE)", node, kind=FLOAT)


def as_whole(node: Node, precision: int = MAX_PRECISION) -> Node:
    """Of a NUMBER of scale 0: as a DuckDB type that holds so many digits, and no more than 38."""
    return raw(f"CAST({{0}} AS {'BIGINT' if precision <= IN_BIGINT else 'DECIMAL(38,0)'})", node, kind=kind_of(node))


def compared(left: Node, right: Node) -> tuple[Node, Node]:
    """Two sides of a comparison: text next to a number is one (as_number), a constant one with all of its digits."""
    if kind_of(left) == kind_of(right) == NUM:
        return _of_any_size(left, right)
    if {kind_of(left), kind_of(right)} != {TEXT, NUM}:
        return left, right
    if kind_of(left) == TEXT:
        return constant_number(left) or as_number(left, right), right
    return left, constant_number(right) or as_number(right, left)


def _of_any_size(left: Node, right: Node) -> tuple[Node, Node]:
    """Two NUMBERs to be compared. Of those whose digits are more than 38 together, the one with fewer digits after the
    point becomes one of the other's type, and what is too large for that the least that is larger than all of it.
    """
    one, other = kind_of(left), kind_of(right)
    if not isinstance(one, Number) or not isinstance(other, Number) or fit_together((left, right)):
        return left, right
    if (one.scale or 0) > (other.scale or 0):
        second, first = _of_any_size(right, left)
        return first, second
    if other.precision == MAX_PRECISION:
        return _in_two(widest(left, one), other), _in_two(widest(right, other), other)
    bound = f"CAST(1{'0' * other.leading} AS DECIMAL({MAX_PRECISION},{one.scale}))"
    template = (
        f"CAST(CASE WHEN {{0}} > {bound} THEN {bound} WHEN {{0}} < -{bound} THEN -{bound} ELSE {{0}} END"
        f" AS DECIMAL({other.precision + 1},{other.scale}))"
    )
    return once(template, widest(left, one), kind=Number(other.precision + 1, other.scale)), right


def _in_two(node: Node, like: Number) -> Node:
    """A NUMBER as the whole number below it and the rest, which order and tell apart as it does."""
    rest = f"CAST({{0}} - floor({{0}}) AS DECIMAL({MAX_PRECISION},{like.scale}))"
    template = f"CASE WHEN {{0}} IS NOT NULL THEN row(CAST(floor({{0}}) AS DECIMAL({MAX_PRECISION},0)), {rest}) END"
    return once(template, node, kind=OTHER)


def fit_together(nodes: Sequence[Node]) -> bool:
    """Whether DuckDB compares these NUMBERs exactly, as they are."""
    numbers = [kind for kind in map(kind_of, nodes) if isinstance(kind, Number)]
    scales = [kind.scale for kind in numbers if kind.scale is not None]
    if len(scales) < len(numbers) or not scales or min(scales) == max(scales):
        return True
    return max(kind.leading for kind in numbers) + max(scales) <= MAX_PRECISION


def of_one_scale(nodes: Sequence[Node]) -> list[Node]:
    """NUMBERs of different scales whose digits are more than 38 together, as one type: DuckDB would make doubles of
    them, or cut those with more digits after the point.
    """
    if fit_together(nodes):
        return list(nodes)
    scale = max(kind.scale or 0 for kind in map(kind_of, nodes) if isinstance(kind, Number))
    target = Number(MAX_PRECISION, scale)
    template = f"CAST({{0}} AS DECIMAL({MAX_PRECISION},{scale}))"
    return [raw(template, node, kind=target) if kind_of(node) == NUM else node for node in nodes]


def constant_number(node: Node) -> Node | None:
    """A constant text as the number that it is: it has the digits that it is written with. None: it is no constant.

    Raises SqlError: it is no number.
    """
    text = literal_text(node)
    if text is None:
        return None
    found = _CONSTANT.fullmatch(text.strip())
    if found is not None:
        number = exp.Literal.number(found[2].rstrip("."))
        return exp.Paren(this=exp.Neg(this=number)) if found[1] == "-" else number
    try:
        float(text.replace("_", "?"))
    except ValueError:
        raise SqlError.bad_value(f"Numeric value '{text[:200]}' is not recognized") from None
    return None


_ONCE: Final = "_computed_once"
"""No alias of a relation: DuckDB would take `alias._0` for that one's column, whatever the lambda's parameter is."""


def once(template: str, *arguments: Node, kind: Kind | None) -> Raw:
    """A template in which arguments stand several times, and each is computed once all the same."""
    if all(is_simple(argument) or template.count(f"{{{n}}}") < 2 for n, argument in enumerate(arguments)):
        return raw(f"({template})", *arguments, kind=kind)
    packed = ", ".join(f"_{n} := {{{n}}}" for n in range(len(arguments)))
    for n in range(len(arguments)):
        template = template.replace(f"{{{n}}}", f"{_ONCE}._{n}")
    return raw(f"list_transform([struct_pack({packed})], lambda {_ONCE}: {template})[1]", *arguments, kind=kind)


def is_simple(node: Node) -> bool:
    """What costs nothing to write and to compute twice."""
    while (isinstance(node, Raw) and len(node.expressions) == 1) or isinstance(node, exp.Paren | exp.Neg):
        node = node.expressions[0] if isinstance(node, Raw) else node.this
    return isinstance(node, exp.Column | exp.Literal | exp.Null)


def _units(node: Node, scale: int) -> Node:
    """A NUMBER in whole numbers of its last digit."""
    if not scale:
        return raw("CAST({0} AS HUGEINT)", node, kind=number(38, 0))
    kind = kind_of(node)
    if not isinstance(kind, Number) or kind.precision + scale > MAX_PRECISION:
        return raw("CAST(replace(CAST({0} AS VARCHAR), '.', '') AS HUGEINT)", node, kind=number(38, 0))
    return raw(f"CAST({{0}} * {power(scale)} AS HUGEINT)", widest(node, kind), kind=number(38, 0))


def _product(left: Node, right: Node, one: Number, other: Number) -> Node:
    scales = (one.scale or 0, other.scale or 0)
    scale = min(sum(scales), max(*scales, _MOST_DIGITS))
    made = number(one.leading + other.leading, scale)
    if not sum(scales):
        left, right = (as_whole(part, made.precision) for part in (left, right))
        return raw("({0} * {1})", left, right, kind=made)
    if sum(scales) > MAX_PRECISION:
        raise SqlError.unsupported("a product with more than 38 digits after the point: cast its factors to fewer")
    if one.precision + other.precision > IN_BIGINT:
        left = widest(left, one)
    if sum(scales) > scale and one.precision + other.precision > MAX_PRECISION:
        return _long_product(left, right, scales, made)
    return raw(f"CAST({{0}} * {{1}} AS {_decimal(made)})", left, right, kind=made)


def _long_product(left: Node, right: Node, scales: tuple[int, int], made: Number) -> Node:
    """A product that has more digits before it is rounded than DuckDB can hold, though not after: that of the whole
    part, which needs no rounding, and that of the rest.
    """
    whole = f"CAST(trunc({{0}}) AS DECIMAL({MAX_PRECISION},0))"
    rest = f"CAST({{0}} - trunc({{0}}) AS DECIMAL({min(scales[0] + 1, MAX_PRECISION)},{scales[0]}))"
    template = (
        f"CAST({whole} * {{1}} + CAST({rest} * {{1}} AS DECIMAL({MAX_PRECISION},{made.scale})) AS {_decimal(made)})"
    )
    return once(template, left, right, kind=made)


def _modulo(left: Node, right: Node, made: Number) -> Node:
    if made.scale is None:
        return once(_guarded("CAST({0} AS DOUBLE) % CAST({1} AS DOUBLE)", right, "fails", "0"), left, right, kind=made)
    return once(_guarded("{0} % {1}", right, "fails", "0"), left, right, kind=made)


def _guarded(template: str, divisor: Node, zero: Zero, nothing: str) -> str:
    """A template of a division by `{1}`, with what it gives where that is zero."""
    if _is_not_zero(divisor):
        return template
    match zero:
        case "fails":
            return f"CASE WHEN {{0}} IS NOT NULL AND {{1}} = 0 THEN {fails('division')} ELSE {template} END"
        case "is NULL":
            return f"CASE WHEN {{1}} = 0 THEN NULL ELSE {template} END"
        case "is 0":
            return f"CASE WHEN {{0}} IS NULL THEN NULL WHEN {{1}} = 0 THEN {nothing} ELSE {template} END"
        case "or NULL is 0":
            return f"CASE WHEN {{0}} IS NULL THEN NULL WHEN coalesce({{1}}, 0) = 0 THEN {nothing} ELSE {template} END"


def _is_not_zero(node: Node) -> bool:
    literal = node
    while isinstance(literal, Raw) and len(literal.expressions) == 1:
        literal = literal.expressions[0]
    if not isinstance(literal, exp.Literal) or literal.is_string:
        return False
    return whole_number(literal.this) != 0 and float(literal.this) != 0


def _decimal(kind: Number) -> str:
    return f"DECIMAL({kind.precision},{kind.scale})"


def _of_unknown(sign: Sign, left: Node, right: Node) -> Node:
    """DuckDB's own operator, where one of the types is not known before DuckDB knows it."""
    if sign == "/":
        return _unknown_quotient(left, right, "fails")
    known: Kind | None = NUM if kind_of(left) == NUM and kind_of(right) == NUM else None
    if sign == "%":
        return once(_guarded("{0} % {1}", right, "fails", "0"), left, right, kind=known)
    return raw(f"({{0}} {sign} {{1}})", left, right, kind=known)


def _unknown_quotient(left: Node, right: Node, zero: Zero) -> Node:
    """To as many digits as the quotient of what turns out to be NUMBERs has."""
    scale = "coalesce(TRY_CAST(regexp_extract(typeof({0}), '^DECIMAL\\(\\d+,(\\d+)\\)$', 1) AS INTEGER), 0)"
    exact = "typeof({0}) NOT IN ('DOUBLE', 'FLOAT', 'VARCHAR') AND typeof({1}) NOT IN ('DOUBLE', 'FLOAT', 'VARCHAR')"
    quotient = "CAST({0} AS DOUBLE) / CAST({1} AS DOUBLE)"
    rounded = f"round({quotient}, greatest({scale}, least({scale} + {_MORE_DIGITS}, {_MOST_DIGITS})))"
    template = _guarded(f"CASE WHEN {exact} THEN {rounded} ELSE {quotient} END", right, zero, "0")
    return once(template, left, right, kind=FLOAT)
