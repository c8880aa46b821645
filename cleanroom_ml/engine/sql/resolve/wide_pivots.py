"""PIVOT for values that only a query knows: `IN (ANY)` and `IN (SELECT …)` (sql-reference/constructs/pivot).

DuckDB's own PIVOT finds the values; what its columns are called, the first query says: texts and dates in quotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.identifiers import fold, fold_column, quoted
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


def call_of(pivot: exp.Pivot) -> tuple[exp.Anonymous, str]:
    """The aggregate of one column, and what its alias adds to the names. Raises SqlError: it is another PIVOT."""
    calls = pivot.expressions
    call = calls[0] if len(calls) == 1 else None
    suffix = f"_{fold(call.args['alias'])}" if isinstance(call, exp.Alias) else ""
    call = call.this if isinstance(call, exp.Alias) else call
    known = isinstance(call, exp.Anonymous) and str(call.this).upper() in _CALLS and len(call.expressions) == 1
    if not known or not isinstance(call, exp.Anonymous) or not isinstance(call.expressions[0], exp.Column):
        raise SqlError.unsupported("PIVOT of anything but AVG, COUNT, MAX, MIN or SUM of one column")
    return call, suffix


def rows_of(item: Node, pivot: exp.Pivot, columns: Mapping[str, Kind | None], row: str) -> exp.Select | exp.Union:
    """The rows that are pivoted: what groups them, what the columns are to be called, what is in them, and whether they
    are rows of the item: those that say which values a query gives are not.

    Raises SqlError: it is a PIVOT of another form.
    """
    fields = pivot.args.get("fields") or []
    call, suffix = call_of(pivot)
    if len(fields) != 1:
        raise SqlError.unsupported("PIVOT of anything but AVG, COUNT, MAX, MIN or SUM of one column")
    by, of = fold_column(fields[0].this), fold_column(call.expressions[0])
    for name in (by, of):
        if name not in columns:
            raise SqlError.invalid_identifier(name)
    asked = fields[0].expressions[0]
    value: Node = exp.column(by, table=row, quoted=True)
    shown = _shown(value, columns[by], suffix)
    bare: Node | None = None
    if isinstance(asked, exp.Query):
        bare = asked.unnest() if isinstance(asked, exp.Subquery) else asked
        if any(item.args.get("desc") for item in (bare.args.get("order") or exp.Order(expressions=[])).expressions):
            raise SqlError.unsupported("PIVOT for the values of a query in another order than theirs")
        chosen = exp.In(this=value.copy(), query=exp.Subquery(this=bare.copy()))
        shown = exp.Case(ifs=[exp.If(this=chosen, true=shown)])
    elif _is_otherwise_ordered(asked, by):
        raise SqlError.unsupported("PIVOT for ANY in another order than that of its values")
    alias = item.args.get("alias")
    item.set(
        "alias", exp.TableAlias(this=quoted(row), columns=alias.args.get("columns") if alias is not None else None)
    )
    keys = [exp.column(name, table=row, quoted=True) for name in columns if name not in {by, of}]
    named = [
        exp.Alias(this=shown, alias=quoted(_by(row))),
        exp.Alias(this=exp.column(of, table=row, quoted=True), alias=quoted(_of(row))),
        exp.Alias(this=exp.Boolean(this=True), alias=quoted(_real(row))),
    ]
    rows = exp.Select(expressions=[*keys, *named], from_=exp.From(this=item))
    if bare is None:
        return rows
    listed = exp.TableAlias(this=quoted(_by(row)), columns=[quoted("V")])
    given = _shown(exp.column("V", table=_by(row), quoted=True), columns[by], suffix)
    values = exp.Select(
        expressions=[
            exp.Alias(this=made, alias=quoted(column.alias_or_name))
            for made, column in zip(
                [*(exp.Null() for _ in keys), given, exp.Null(), exp.Boolean(this=False)], rows.expressions, strict=True
            )
        ],
        from_=exp.From(this=exp.Subquery(this=bare.copy(), alias=listed)),
    )
    return exp.Union(this=rows, expression=values, distinct=False)


def _shown(value: Node, kind: Kind | None, suffix: str) -> Node:
    """What the column of a value is called; a NULL is a value, too."""
    if kind == NUM and not suffix:
        return exp.Anonymous(this="COALESCE", expressions=[value.copy(), raw("error('cleanroom:pivot')", kind=kind)])
    if kind == NUM:
        return exp.Anonymous(this="CONCAT", expressions=[value.copy(), literal(suffix)])
    text = exp.Anonymous(this="REPLACE", expressions=[value.copy(), literal("'"), literal("''")])
    quoted_text = exp.Anonymous(this="CONCAT", expressions=[literal("'"), text, literal(f"{suffix}'")])
    return exp.Anonymous(this="COALESCE", expressions=[quoted_text, literal(f"NULL{suffix}")])


def pivoted(rows: Node, pivot: exp.Pivot, keys: list[str], row: str, default: Node | None) -> Raw:
    """The PIVOT over these rewritten rows."""
    call = _CALLS[str(call_of(pivot)[0].this).upper()].replace("{0}", "{2}")
    by, of, real = (exp.column(name(row), quoted=True) for name in (_by, _of, _real))
    slots: list[Node] = [exp.Subquery(this=rows), by, of, real]
    if default is not None:
        call = f"coalesce({call}, {{4}})"
        slots.append(default)
    listed = "".join(f", {{{len(slots) + n}}}" for n in range(len(keys)))
    made = f"(SELECT * EXCLUDE ({{3}}) FROM (PIVOT {{0}} ON {{1}} USING {call} GROUP BY {{3}}{listed}) WHERE {{3}})"
    return raw(made, *slots, *(exp.column(name, quoted=True) for name in keys))


def _by(row: str) -> str:
    return f"{row}_BY"


def _of(row: str) -> str:
    return f"{row}_OF"


def _real(row: str) -> str:
    return f"{row}_REAL"


def _is_otherwise_ordered(asked: Node, by: str) -> bool:
    order = asked.this
    if order is None:
        return False
    first = order.expressions[0]
    same = isinstance(first.this, exp.Column) and fold_column(first.this) == by
    return len(order.expressions) != 1 or not same or bool(first.args.get("desc"))
