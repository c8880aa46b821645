"""Which objects of a table a SELECT need not read: those none of whose rows its WHERE can let through, by their bounds.

Only what WHERE says of one column and constants is looked at, joined by AND. A row of a table that is left out could
not have been in the result: no such condition holds of a NULL, so that this is true on either side of an outer join.
Where rows count before WHERE is asked (SAMPLE, ASOF JOIN, CONNECT BY, a table function that sees other rows), nothing
is left out; nor is anything of what UPDATE, DELETE and MERGE write again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql import bounds
from cleanroom_ml.engine.sql.binds import Value as Bound
from cleanroom_ml.engine.sql.bounds import Range, Sort
from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.numbers import exact_number
from cleanroom_ml.engine.sql.resolve.constants import Constants
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.settings import reads_iso
from cleanroom_ml.engine.sql.tree.dialect import Node

# Parts of a SELECT that come after WHERE, or say nothing of which rows there are before it.
_AFTERWARDS: Final = frozenset(
    {"kind", "with_", "expressions", "from_", "joins", "where", "group", "having", "qualify", "order", "limit"}
    | {"offset", "distinct", "windows"}
)
_ITEM: Final = frozenset({"this", "db", "catalog", "alias", "when"})
_SIDES: Final[Mapping[type[exp.Expr], tuple[str, str]]] = {
    exp.EQ: ("=", "="),
    exp.LT: ("<", ">"),
    exp.LTE: ("<=", ">="),
    exp.GT: (">", "<"),
    exp.GTE: (">=", "<="),
}
"""An operator, and the same with its sides exchanged."""
_WHOLE: Final = frozenset({exp.DType.INT, exp.DType.BIGINT})
_TEXTS: Final = frozenset({exp.DType.TEXT, exp.DType.VARCHAR})

Constant = Decimal | datetime | str
Test = tuple[str, Constant]


@dataclass(frozen=True, slots=True)
class Condition:
    """What WHERE asks of a column. `table`: the alias that it goes by; None: there is one item alone. `any_of`: one of
    these has to hold, all of whose tests do.
    """

    table: str | None
    column: str
    any_of: tuple[tuple[Test, ...], ...]


def conditions(select: exp.Select, constants: Constants) -> tuple[Condition, ...]:
    """Of a SELECT as it was written, before its names are resolved. Raises SqlError: nothing is bound to a `?`."""
    where = select.args.get("where")
    source = select.args.get("from_")
    if where is None or source is None or _parts(select) - _AFTERWARDS:
        return ()
    joins = select.args.get("joins") or []
    if not _is_plain(source.this) or not all(_is_plain_join(join) for join in joins):
        return ()
    found = (_condition(node, constants) for node in _all_of(where.this))
    return tuple(each for each in found if each is not None and (each.table is not None or not joins))


def left(source: TableSource, item: exp.Table, wanted: Sequence[Condition]) -> TableSource:
    """The table without the objects that none of the rows wanted are in. `item`: how FROM names it."""
    alias = item.args.get("alias")
    if not wanted or not source.bounds or _parts(item) - _ITEM:
        return source
    if alias is not None and (alias.args.get("columns") or alias.this is None):
        return source
    name = fold(alias.this if alias is not None else item.this)
    types = dict(source.columns)
    asked = [
        (each, sort)
        for each in wanted
        if each.table in (None, name) and each.column in types and (sort := bounds.sort_of(types[each.column]))
    ]
    kept = tuple(
        sha256
        for sha256 in source.objects
        if all(_may_hold(source.bounds.get(sha256, ""), each, sort) for each, sort in asked)
    )
    return source if len(kept) == len(source.objects) else replace(source, objects=kept)


def _is_plain(item: Node) -> bool:
    """A name in FROM, or a query."""
    if isinstance(item, exp.Table):
        return isinstance(item.this, exp.Identifier) and not _parts(item) - _ITEM
    return isinstance(item, exp.Subquery) and isinstance(item.this, exp.Query) and not item.args.get("sample")


def _parts(node: Node) -> set[str]:
    """Which of its parts a node has."""
    return {part for part, value in node.args.items() if value}


def _is_plain_join(join: exp.Join) -> bool:
    return not join.args.get("method") and not join.args.get("match_condition") and _is_plain(join.this)


def _all_of(node: Node) -> Iterator[Node]:
    """What has to hold, without recursion: a chain of AND may be long."""
    waiting = [node]
    while waiting:
        each = waiting.pop().unnest()
        if isinstance(each, exp.And):
            waiting += [each.this, each.expression]
        else:
            yield each


def _condition(node: Node, constants: Constants) -> Condition | None:
    if type(node) in _SIDES:
        operator, exchanged = _SIDES[type(node)]
        one, other = node.this.unnest(), node.expression.unnest()
        if not isinstance(one, exp.Column):
            one, other, operator = other, one, exchanged
        value = _constant(other, constants)
        return None if value is None else _of_column(one, (((operator, value),),))
    if isinstance(node, exp.Between) and not node.args.get("symmetric"):
        low, high = (_constant(node.args[part].unnest(), constants) for part in ("low", "high"))
        if low is None or high is None or type(low) is not type(high):
            return None
        return _of_column(node.this.unnest(), (((">=", low), ("<=", high)),))
    if isinstance(node, exp.In) and node.expressions and not node.args.get("query"):
        values = [_constant(each.unnest(), constants) for each in node.expressions]
        known = [each for each in values if each is not None]
        if len(known) == len(values) and len({type(each) for each in known}) == 1:
            return _of_column(node.this.unnest(), tuple((("=", each),) for each in known))
    return None


def _of_column(node: Node, any_of: tuple[tuple[Test, ...], ...]) -> Condition | None:
    if not isinstance(node, exp.Column) or _parts(node) - {"this", "table"}:
        return None
    if not isinstance(node.this, exp.Identifier):
        return None
    table = node.args.get("table")
    return Condition(None if table is None else fold(table), fold(node.this), any_of)


def _constant(node: Node, constants: Constants) -> Constant | None:
    """A constant whose value does not hang on anything else; None: it is none."""
    if isinstance(node, exp.Placeholder | exp.Parameter):
        return _of_bound(constants.known(node))
    if isinstance(node, exp.Neg):
        number = _constant(node.this.unnest(), constants)
        return number.copy_negate() if isinstance(number, Decimal) else None
    if isinstance(node, exp.Literal):
        return str(node.this) if node.is_string else exact_number(str(node.this))
    if type(node) is exp.Cast and _parts(node) <= {"this", "to", "_type"}:
        return _cast(_constant(node.this.unnest(), constants), node.to)
    return None


def _cast(value: Constant | None, to: exp.DataType) -> Constant | None:
    if isinstance(value, str) and not to.expressions and to.this in _TEXTS:
        return value
    if isinstance(value, str) and not to.expressions and reads_iso():
        if to.this == exp.DType.DATE:
            return _day(value)
        if to.this in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ):
            return bounds.moment(value)
    if isinstance(value, Decimal) and to.this in _WHOLE and value == value.to_integral_value():
        return value
    return None


def _day(text: str) -> datetime | None:
    return bounds.moment(text) if len(text) == len("2020-01-01") else None


def _of_bound(value: Bound) -> Constant | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, datetime):
        return value if value.tzinfo is None else None
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return value if isinstance(value, str) else None


def _may_hold(text: str, condition: Condition, sort: Sort) -> bool:
    """Whether a row of an object may be one that the condition lets through."""
    found = bounds.of_column(text, condition.column, sort)
    if found is None:
        return True
    return any(all(_may_pass(found, test, sort) for test in tests) for tests in condition.any_of)


def _may_pass(found: Range, test: Test, sort: Sort) -> bool:
    operator, constant = test
    value = _alike(constant, sort)
    if value is None:
        return True  # of another kind: what is compared then is for DuckDB to say
    if found.least is None or found.greatest is None:
        return False
    short = value[: bounds.LONGEST] if found.cut and isinstance(value, str) else value
    # Of texts longer than what is kept only the beginnings are known: what begins alike may be less or more.
    below = found.greatest < short or (found.greatest == short and operator == ">" and not found.cut)  # type: ignore[operator]
    start = value[: bounds.LONGEST] if isinstance(value, str) else value
    above = found.least > start or (found.least == value and operator == "<")  # type: ignore[operator]
    return not ((operator in {"=", ">", ">="} and below) or (operator in {"=", "<", "<="} and above))


def _alike(constant: Constant, sort: Sort) -> Constant | None:
    """The constant as a column of this sort is compared with it; None: as something else."""
    match constant:
        case Decimal():
            return constant if sort == "number" else None
        case datetime():
            return constant if sort in {"date", "moment"} else None
        case str() if sort == "moment":
            return bounds.moment(constant) if reads_iso() else None
        case str() if sort == "date":  # of a moment that is read as a date, the time goes
            return _day(constant) if reads_iso() else None
        case _:
            return constant if sort == "text" else None
