"""Values of the INTERVAL types, written and computed with: `INTERVAL '1-2' YEAR TO MONTH`, added to dates, moments and
to each other (`sql-reference/data-types-datetime`, "Interval data types"). Other arithmetic is refused.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError
from cleanroom_ml.engine.sql.settings import keeps_nanoseconds
from cleanroom_ml.engine.sql.tree import moments
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.checks import fails
from cleanroom_ml.engine.sql.types.intervals import field_of, read
from cleanroom_ml.engine.sql.types.kind import DATE, FINE_TIMESTAMP, FINE_TZ, TEXT, TIMESTAMP, TZ, Kept, Kind
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.sql.values.durations import UNITS, NotAnInterval, count, fields_of

_MONTHS: Final = frozenset({"YEAR", "MONTH"})
_LONGEST: Final = 10**9
"""Nine digits of the first field."""


def literal(text: str, span: exp.IntervalSpan) -> Node:
    """`INTERVAL 'text' FIRST [TO LAST]` with a span. Raises SqlError: there is no such type, or no such value."""
    written = f"INTERVAL {_field(span.this)} TO {_field(span.expression)}"
    if read(written) is None:
        raise SqlError.syntax(f"there is no type {written[:80]}.")
    found = parse_type(written)
    try:
        count(text, _qualifier(found), found.precision or 9, 9 if found.scale is None else found.scale)
    except NotAnInterval:
        raise SqlError(100035, "22007", f"{COMPILATION}Interval '{text[:60]}' is not recognized") from None
    rule = found.record.cast_of(found, TEXT)
    return raw(rule.template or "{0}", exp.Literal.string(text), kind=rule.kind)


def _field(node: Node) -> str:
    """A field with its digits: the parser has `SECOND(3)` as a call."""
    if not isinstance(node, exp.Anonymous):
        return node.name.upper()
    digits = ", ".join(str(each.this) for each in node.expressions if isinstance(each, exp.Literal))
    return f"{str(node.this).upper()}({digits})"


def moved(left: Node, right: Node, sign: str) -> Node | None:
    """`moment ± interval`, `interval ± interval`; None: one side is neither. Raises SqlError: not these two."""
    kinds = kind_of(left), kind_of(right)
    if isinstance(kinds[0], Kept) and isinstance(kinds[1], Kept):
        return _together(left, right, sign, kinds[0], kinds[1])
    if isinstance(kinds[0], Kept) and sign == "+":
        left, right, kinds = right, left, (kinds[1], kinds[0])
    if not isinstance(kinds[1], Kept) or kinds[0] not in {DATE, TIMESTAMP, TZ, FINE_TIMESTAMP, FINE_TZ}:
        return None
    return _from(left, right, sign, kinds[1])


def _together(left: Node, right: Node, sign: str, first: Kept, second: Kept) -> Node:
    of, other = parse_type(first.text), parse_type(second.text)
    if of.name != other.name:
        raise SqlError.unsupported(f"{of.name} {sign} {other.name}: cast one to the type of the other")
    unit = UNITS[fields_of(_qualifier(of))[0]]
    field, duckdb = field_of(of.name), str(SqlType(of.name).duckdb)
    total = f"(struct_extract({{0}}, '{field}') {sign} struct_extract({{1}}, '{field}'))"
    made = (
        f"CASE WHEN abs({total}) >= {_LONGEST * unit} THEN {fails('notaninterval')}"
        f" WHEN {{0}} IS NOT NULL AND {{1}} IS NOT NULL THEN CAST(struct_pack({field} := {total}) AS {duckdb}) END"
    )
    return raw(made, left, right, kind=Kept(of.name))


def _from(moment: Node, interval: Node, sign: str, kept: Kept) -> Node:
    of = parse_type(kept.text)
    fields = fields_of(_qualifier(of))
    number = f"struct_extract({{1}}, '{field_of(of.name)}')"
    clock = moments.wall(moment)
    kind: Kind | None = kind_of(clock)
    if fields[0] in _MONTHS:
        made = f"({{0}} {sign} to_months(CAST({number} AS INTEGER)))"
        if kind == DATE:
            made = f"CAST({made} AS DATE)"
    elif kind == DATE and fields == ("DAY",):
        raise SqlError.unsupported(f"DATE {sign} INTERVAL DAY: add a number of days, or take INTERVAL DAY TO SECOND")
    else:
        if keeps_nanoseconds():
            given = moments.to("NTZ", moment) if kind == DATE else moment
            count = raw(f"({'-' if sign == '-' else ''}CAST({number.replace('{1}', '{0}')} AS HUGEINT))", interval)
            return moments.later(given, count)
        fine = f"CASE WHEN {number} % 1000 <> 0 THEN {fails('nanoseconds')} ELSE {number} // 1000 END"
        made = f"({{0}} {sign} to_microseconds(CAST({fine} AS BIGINT)))"
        kind = TIMESTAMP if kind == DATE else kind
    return moments.rewound(moment, raw(made, clock, interval, kind=kind))


def _qualifier(of: SqlType) -> str:
    return of.name.removeprefix("INTERVAL ")
