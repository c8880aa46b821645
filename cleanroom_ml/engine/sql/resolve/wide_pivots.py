"""PIVOT for values that only a query knows: `IN (ANY)` and `IN (SELECT …)` (sql-reference/constructs/pivot).

DuckDB's own PIVOT finds the values; what its columns are called, the first query says: texts and dates in quotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.identifiers import fold_column, quoted
from cleanroom_ml.engine.sql.tree.dialect import Node, Raw, raw
from cleanroom_ml.engine.sql.tree.literals import literal
from cleanroom_ml.engine.sql.types.kind import NUM, Kind

_CALLS: Final = {
    "AVG": "CAST(round(avg({0}), 6) AS DECIMAL(38,6))",
    "COUNT": "count({0})",
    "MAX": "max({0})",
    "MIN": "min({0})",
    "SUM": "sum({0})",
}


def is_wide(pivot: exp.Pivot) -> bool:
    """Whether the values are not written in the statement."""
    fields = pivot.args.get("fields") or []
    return any(isinstance(item, exp.PivotAny | exp.Query) for field in fields for item in field.expressions)


def rows_of(item: Node, pivot: exp.Pivot, columns: Mapping[str, Kind | None], row: str) -> exp.Select:
    """The rows that are pivoted: what groups them, what the columns are to be called, and what is in them.

    Raises SqlError: it is a PIVOT of another form.
    """
    fields, calls = pivot.args.get("fields") or [], pivot.expressions
    call = calls[0] if len(calls) == 1 else None
    known = isinstance(call, exp.Anonymous) and str(call.this).upper() in _CALLS and len(call.expressions) == 1
    if not known or call is None or len(fields) != 1 or not isinstance(call.expressions[0], exp.Column):
        raise SqlError.unsupported("PIVOT of anything but AVG, COUNT, MAX, MIN or SUM of one column")
    by, of = fold_column(fields[0].this), fold_column(call.expressions[0])
    for name in (by, of):
        if name not in columns:
            raise SqlError.invalid_identifier(name)
    asked = fields[0].expressions[0]
    value: Node = exp.column(by, table=row, quoted=True)
    if isinstance(asked, exp.Query):
        bare = asked.unnest() if isinstance(asked, exp.Subquery) else asked
        chosen = exp.In(this=value.copy(), query=exp.Subquery(this=bare.copy()))
        value = exp.Case(ifs=[exp.If(this=chosen, true=value)])
    elif _is_otherwise_ordered(asked, by):
        raise SqlError.unsupported("PIVOT for ANY in another order than that of its values")
    shown = (
        value if columns[by] == NUM else exp.Anonymous(this="REPLACE", expressions=[value, literal("'"), literal("''")])
    )
    if columns[by] != NUM:
        shown = exp.Anonymous(this="CONCAT", expressions=[literal("'"), shown, literal("'")])
    alias = item.args.get("alias")
    item.set(
        "alias", exp.TableAlias(this=quoted(row), columns=alias.args.get("columns") if alias is not None else None)
    )
    keys = [exp.column(name, table=row, quoted=True) for name in columns if name not in {by, of}]
    named = [
        exp.Alias(this=shown, alias=quoted(_by(row))),
        exp.Alias(this=exp.column(of, table=row, quoted=True), alias=quoted(_of(row))),
    ]
    return exp.Select(expressions=[*keys, *named], from_=exp.From(this=item))


def pivoted(rows: Node, pivot: exp.Pivot, keys: list[str], row: str, default: Node | None) -> Raw:
    """The PIVOT over these rewritten rows."""
    call = _CALLS[str(pivot.expressions[0].this).upper()].replace("{0}", "{2}")
    by, of = exp.column(_by(row), quoted=True), exp.column(_of(row), quoted=True)
    slots: list[Node] = [exp.Subquery(this=rows), by, of]
    if default is not None:
        call = f"coalesce({call}, {{3}})"
        slots.append(default)
    listed = ", ".join(f"{{{len(slots) + n}}}" for n in range(len(keys)))
    group = f" GROUP BY {listed}" if keys else ""
    made = f"(SELECT * FROM (PIVOT {{0}} ON {{1}} USING {call}{group}))"
    return raw(made, *slots, *(exp.column(name, quoted=True) for name in keys))


def _by(row: str) -> str:
    return f"{row}_BY"


def _of(row: str) -> str:
    return f"{row}_OF"


def _is_otherwise_ordered(asked: Node, by: str) -> bool:
    order = asked.this
    if order is None:
        return False
    first = order.expressions[0]
    same = isinstance(first.this, exp.Column) and fold_column(first.this) == by
    return len(order.expressions) != 1 or not same or bool(first.args.get("desc"))
