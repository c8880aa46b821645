"""The call of an aggregate or window function: DISTINCT, WITHIN GROUP, IGNORE NULLS, and what goes around its OVER."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import (
    Aggregate,
    check_coercible,
    constant_int,
    constant_text,
    fewest,
    fitting,
    kind_given,
    refuse_nanoseconds,
    taken,
)
from cleanroom_ml.engine.sql.tree import fine, moments
from cleanroom_ml.engine.sql.tree.arithmetic import as_number, divided, once, unit
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.equality import key
from cleanroom_ml.engine.sql.tree.kinds import AGGREGATE, as_text, as_variant, kind_of, order_key
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.kind import (
    ARRAY,
    DATE,
    FINE_TZ,
    JSON,
    NUM,
    TEXT,
    TIME,
    TIMESTAMP,
    TZ,
    WHOLE,
    Kind,
    Number,
)
from cleanroom_ml.engine.sql.types.moment_casts import Moment

_READ: Final[Mapping[Kind | None, Moment]] = {DATE: "DATE", TIME: "TIME", TIMESTAMP: "NTZ", TZ: "TZ", **fine.SOURCES}


def _with_default(value: Node, default: Node) -> list[Node]:
    """LAG and LEAD: a value and the one for rows that have none there, of its kind and with as many digits."""
    target = _READ.get(kind_of(value))
    if target is not None and (kind_of(default) == TEXT or (fine.is_fine(value) and kind_of(default) == DATE)):
        default = moments.to(target, default)
    return fine.alike([value, default])


def listed(known: Aggregate, arguments: Sequence[Node]) -> Aggregate:
    """LISTAGG(DISTINCT n): of what is no text, the distinct values in their own order, made texts afterwards."""
    distinct = arguments[0] if known.separator and arguments else None
    if not isinstance(distinct, exp.Distinct) or kind_of(distinct.expressions[0]) == TEXT:
        return known
    given = [*distinct.expressions, *arguments[1:]]
    separator = constant_text(given[1], "LISTAGG") if len(given) > 1 else ""

    def joined(values: Node, _: Sequence[Node]) -> Node:
        member = as_text(raw("_e", kind=kind_of(distinct.expressions[0])))
        template = "coalesce(array_to_string(list_transform({0}, lambda _e: {1}), {2}), '')"
        return raw(template, values, member, exp.Literal.string(separator), kind=TEXT)

    return replace(known, sql="list({0}{order})", takes=None, separator=False, drop_nulls=True, around=joined)


def gathered(known: Aggregate, arguments: Sequence[Node]) -> Aggregate:
    """ARRAY_AGG(DISTINCT x): of distinct values, made VARIANTs afterwards, so that they can be put in their order."""
    distinct = arguments[0] if "ARRAY_AGG" in known.names.split() and arguments else None
    if not isinstance(distinct, exp.Distinct) or kind_of(distinct.expressions[0]) in {JSON, None}:
        return known

    def made(values: Node, _: Sequence[Node]) -> Node:
        member = as_variant(raw("_e", kind=kind_of(distinct.expressions[0])))
        template = "coalesce(to_json(list_transform({0}, lambda _e: {1})), CAST('[]' AS JSON))"
        return raw(template, values, member, kind=ARRAY)

    return replace(known, takes=None, outer=None, around=made)


_EXACT_IN_DOUBLE: Final = 1 << 53
_DIGITS_IN_DOUBLE: Final = 15
_OF_ANYTHING: Final = frozenset({"LISTAGG", "PERCENTILE_CONT"})
"""What takes an argument of any type, or a number before what it is of."""


def exact(known: Aggregate, arguments: Sequence[Node], order: Node | None, *, windowed: bool) -> Aggregate:
    """MEDIAN and PERCENTILE_CONT of NUMBERs with more digits than a double has, in which DuckDB computes: from the
    sorted values themselves, and with OVER, where that would be a list a row, of values that a double has.
    """
    if not known.between or not arguments or isinstance(arguments[0], exp.Distinct):
        return known
    of = arguments[0] if order is None else order.expressions[0].this
    kind = kind_given(known.gives, [of])
    if not isinstance(kind, Number) or kind.scale is None or kind.precision <= _DIGITS_IN_DOUBLE:
        return known
    if windowed:
        return replace(known, most=_EXACT_IN_DOUBLE // 10**kind.scale)
    half = exp.Literal.number("0.5")
    desc = order is not None and bool(order.expressions[0].args.get("desc"))
    fraction = _fraction(half if order is None else arguments[0], desc=desc)
    scale, places = kind.scale, max(0, -int(fraction.as_tuple().exponent))
    whole, power = int(fraction.scaleb(places)), 10**places

    def between(values: Node, _: Sequence[Node]) -> Node:
        at = f"CAST(len(_l) - 1 AS HUGEINT) * {whole}"
        lower = f"_l[CAST({at} // {power} AS BIGINT) + 1]"
        upper = f"_l[CAST(({at} + {power - 1}) // {power} AS BIGINT) + 1]"
        part = f"CAST(CAST({at} % {power} AS DECIMAL(38,0)) * {unit(places)} AS DECIMAL({places + 1},{places}))"
        there = "list_filter({0}, lambda _v: _v IS NOT NULL)"
        made = f"{lower} + CAST(({upper} - {lower}) * {part} AS DECIMAL(38,{scale}))" if places else lower
        return raw(f"list_transform([list_sort({there})], lambda _l: {made})[1]", values, kind=kind)

    return replace(known, sql="list({of})" if order is not None else "list({0})", around=between)


def _fraction(node: Node, *, desc: bool) -> Decimal:
    """A percentile, of the ascending order. Raises SqlError: it is no constant of 0 to 1."""
    text = "" if not isinstance(node, exp.Literal) or node.is_string else str(node.this)
    try:
        fraction = Decimal(text)
    except InvalidOperation:
        raise SqlError.unsupported("PERCENTILE_CONT with a percentile that is not a constant number") from None
    if not 0 <= fraction <= 1 or len(fraction.as_tuple().digits) > _DIGITS_IN_DOUBLE:
        raise SqlError.bad_value("A percentile is a constant between 0.0 and 1.0.")
    return 1 - fraction if desc else fraction


def call(
    known: Aggregate,
    name: str,
    arguments: Sequence[Node],
    *,
    order: Node | None = None,
    condition: Node | None = None,
    ignore_nulls: bool = False,
    windowed: bool = False,
    divisor: bool = False,
) -> Raw:
    """An aggregate's call without its OVER and what goes around it (`finish`). `condition`: that of FILTER; `divisor`:
    it is the second call that its first is divided by. Raises SqlError.
    """
    values = list(arguments)
    distinct = None
    if values and isinstance(values[0], exp.Distinct):
        distinct = values[0]
        values = [*distinct.expressions, *values[1:]]
    known.check_count(name, len(values))
    if known.names.split()[0] not in _OF_ANYTHING:
        check_coercible(name, values, known.takes)
    if known.constant is not None:
        _check_constant(name, values, *known.constant)
    if known.window_only and not windowed:
        raise SqlError(2303, "42601", f"SQL compilation error:\nThe function {name} needs an OVER clause.")
    if order is not None and not known.ordered:
        raise SqlError.unsupported(f"{name} WITHIN GROUP")
    if order is not None and distinct is not None:
        _refuse_other_order(order, distinct.expressions[0])
    if windowed and known.grouped:
        raise SqlError.unsupported(f"{name} with OVER: compute it by GROUP BY, and join it")
    if name in {"LAG", "LEAD"} and len(values) == 3:
        values[0], values[2] = _with_default(values[0], values[2])
    made_for = known.sql(values) if callable(known.sql) else fitting(known.sql, len(values))
    template = known.divided_by if divisor and known.divided_by is not None else made_for
    over = _ordered(order, name) if "{of}" in template else values
    kind = WHOLE if divisor else kind_given(known.gives, taken(over, known.takes))
    if not known.fine:
        refuse_nanoseconds(name, over, known.takes)
    values = taken(values, known.takes)
    if name == "MODE" and kind_of(values[0]) in {TZ, FINE_TZ}:
        raise SqlError.unsupported("MODE of TIMESTAMP_TZ: take that of its TIMESTAMP_LTZ")
    if known.each is not None:
        of = known.each(values)
        values = [of if condition is None else raw("CASE WHEN {1} THEN {0} END", of, condition)]
        condition, distinct = None, None
    elif known.rows and (known.distinct or distinct is not None):
        values = [key(value) for value in values]
    if known.separator and len(values) == 1:
        values.append(exp.Literal.string(""))
    if known.rows and known.each is None and len(values) > 1:
        values = [_row(values, counted=distinct is None and not known.distinct)]
    if known.json is not None and kind_of(values[0]) == JSON:
        template = known.json.replace("{key}", f"{{{len(values)}}}")
        values.append(order_key(values[0]))
    if distinct is not None and not known.distinct:
        name_of, _, inside = template.partition("(")
        template = f"{name_of}(DISTINCT {inside}"
    if order is not None and "{of}" in template:
        if known.between:
            check_coercible(name, over, NUM)
        values.append(_between(as_number(over[0]), kind, known.most) if known.between else over[0])
        template = template.replace("{of}", f"{{{len(values) - 1}}}")
        if order.expressions[0].args.get("desc"):
            template = template.replace("{order}", f" ORDER BY {{{len(values) - 1}}} DESC")
            template = template.replace("{fraction}", "(1 - {0})")
    elif order is not None:
        values.append(order)
        template = template.replace("{*}", ", ".join(f"{{{n}}}" for n in range(len(values) - 1)))
        template = template.replace("{order}", f" {{{len(values) - 1}}}")
    elif known.between:
        values[0] = _between(values[0], kind, known.most)
    template = template.replace("{order}", "").replace("{fraction}", "{0}")
    template = template.replace("{nulls}", " IGNORE NULLS" if ignore_nulls else "")
    kept = [f"{{{n}}} IS NOT NULL" for n in range(fewest(known))] if known.drop_nulls else []
    if condition is not None:
        values.append(condition)
        template = template.replace("{*}", ", ".join(f"{{{n}}}" for n in range(len(values) - 1)))
        kept.append(f"{{{len(values) - 1}}}")
    made = raw(template + (f" FILTER (WHERE {' AND '.join(kept)})" if kept else ""), *values, kind=kind)
    if not windowed:
        made.meta[AGGREGATE] = known.names.split()[0]
    return made


def _check_constant(name: str, values: Sequence[Node], place: int, least: int, most: int) -> None:
    """Raises SqlError: an argument is no constant whole number between these two."""
    if not least <= constant_int(values[place], name) <= most:
        raise SqlError.syntax(f"argument {place + 1} of {name} is a constant between {least} and {most}.")


def _refuse_other_order(order: Node, distinct: Node) -> None:
    """Raises SqlError: distinct values are put in another order than theirs (functions/listagg.md, array_agg.md)."""
    for item in order.expressions:
        if item.this != distinct and item.this != order_key(distinct):
            named = item.this.name if isinstance(item.this, exp.Column) else "an expression"
            raise SqlError.syntax(f"[{named}] is not a valid order by expression")


def _ordered(order: Node | None, name: str) -> list[Node]:
    """What WITHIN GROUP orders. Raises SqlError: not one expression."""
    if order is None or len(order.expressions) != 1:
        raise SqlError.syntax(f"{name} needs WITHIN GROUP (ORDER BY …).")
    return [order.expressions[0].this]


def _row(values: Sequence[Node], *, counted: bool) -> Raw:
    """Several values as one; NULL where any of them is."""
    nulls = " OR ".join(f"{{{n}}} IS NULL" for n in range(len(values)))
    return raw(f"CASE WHEN {nulls} THEN NULL ELSE {'1' if counted else 'ROW({*})'} END", *values)


def _between(node: Node, kind: Kind | None, most: int | None) -> Node:
    if not isinstance(kind, Number) or kind.scale is None:
        return node
    value = raw(f"CAST({{0}} AS DECIMAL({kind.precision},{kind.scale}))", node, kind=kind)
    if most is None:
        return value
    return once(f"CASE WHEN abs({{0}}) > {most} THEN {fails('digits')} ELSE {{0}} END", value, kind=kind)


def finish(
    made: Node,
    known: Aggregate,
    arguments: Sequence[Node],
    kind: Kind | None,
    divisor: Node | None = None,
    *,
    windowed: bool = False,
) -> Node:
    """What goes around a call once its OVER clause, if any, is on it; `kind` is what the call gives, `divisor` what it
    is to be divided by.
    """
    if divisor is not None:
        return divided(made, divisor, "is NULL", more=known.more_over if windowed else None)
    if known.around is not None:
        return known.around(made, arguments)
    return made if known.outer is None and kind is None else raw(known.outer or "{0}", made, kind=kind)
