"""PIVOT and UNPIVOT, as the queries that they are short for (sql-reference/constructs/pivot, …/unpivot)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve import casts
from cleanroom_ml.engine.sql.resolve.identifiers import fold, fold_column, quoted
from cleanroom_ml.engine.sql.tree.dialect import Node, snowflake_text

_FUNCTIONS = frozenset({"AVG", "COUNT", "MAX", "MIN", "SUM"})
"""Those that the page names."""
_PIVOT = frozenset(
    {
        "this",
        "expressions",
        "fields",
        "unpivot",
        "alias",
        "columns",
        "include_nulls",
        "default_on_null",
        "identify_pivot_strings",
        "pivot_column_naming",
    }
)


def spelled_out(item: Node, pivot: exp.Pivot, columns: Sequence[str], row: str) -> exp.Subquery:
    """A FROM item with a PIVOT or UNPIVOT, as a subquery over the item. `columns`: those of the item; `row`: a name
    that nothing else has. Raises SqlError.
    """
    unexpected = {part for part, value in pivot.args.items() if value} - _PIVOT
    if unexpected or len(pivot.args.get("fields") or []) != 1:
        raise SqlError.unsupported("this kind of PIVOT")
    query = (_unpivot if pivot.args.get("unpivot") else _pivot)(item, pivot, columns, row)
    return exp.Subquery(this=query, alias=pivot.args.get("alias"))


def _pivot(item: Node, pivot: exp.Pivot, columns: Sequence[str], row: str) -> exp.Select:
    """One row for each combination of the columns that PIVOT does not name; one column a value."""
    field = pivot.args["fields"][0]
    by = _known(fold_column(field.this), columns)
    calls = pivot.expressions
    call = calls[0] if len(calls) == 1 else None
    suffix = ""
    if isinstance(call, exp.Alias):
        call, suffix = call.this, f"_{fold(call.args['alias'])}"
    whole = isinstance(call, exp.Anonymous) and str(call.this).upper() in _FUNCTIONS and len(call.expressions) == 1
    if call is None or not whole or not isinstance(call.expressions[0], exp.Column):
        raise SqlError.unsupported("PIVOT of anything but AVG, COUNT, MAX, MIN or SUM of one column")
    of = _known(fold_column(call.expressions[0]), columns)
    keys = [exp.column(name, table=row, quoted=True) for name in columns if name not in {by, of}]
    default = pivot.args.get("default_on_null")
    made: list[Node] = []
    for value in field.expressions:
        bare = value.this if isinstance(value, exp.PivotAlias) else value
        if isinstance(bare, exp.PivotAny | exp.Query):
            raise SqlError.unsupported("PIVOT for values that only a query knows: list them in IN (…)")
        name = fold(value.args["alias"]) if isinstance(value, exp.PivotAlias) else _called(bare)
        name = f"{name[:-1]}{suffix}'" if suffix and name.endswith("'") else name + suffix
        is_it = exp.EQ(this=exp.column(by, table=row, quoted=True), expression=bare.copy())
        chosen = exp.Case(ifs=[exp.If(this=is_it, true=exp.column(of, table=row, quoted=True))])
        total: Node = exp.Anonymous(this=call.this, expressions=[chosen])
        if default:
            total = exp.Anonymous(this="COALESCE", expressions=[total, default.copy()])
        made.append(exp.Alias(this=total, alias=quoted(name)))
    query = exp.Select(expressions=[*keys, *made], from_=exp.From(this=_named(item, row)))
    if keys:
        query.set("group", exp.Group(expressions=[key.copy() for key in keys]))
    return query


def _called(value: Node) -> str:
    """The column of a value, which goes by its text: `CAST(1 AS NUMBER(38,0))` for `1::INT`, as snowpark-python has it
    (tests/integ/scala/test_dataframe_suite.py::test_df_stat_crosstab).
    """
    if isinstance(value, exp.Cast) and isinstance(value.this, exp.Literal) and not value.this.is_string:
        return f"CAST({value.this.this} AS {casts.sql_type(value.to)})"
    return snowflake_text(value)


def _unpivot(item: Node, pivot: exp.Pivot, columns: Sequence[str], row: str) -> exp.Select:
    """A row for each of the columns that it names, with their names and values; without those that are NULL."""
    field = pivot.args["fields"][0]
    name, values = fold_column(field.this), pivot.expressions
    if len(values) != 1:
        raise SqlError.unsupported("UNPIVOT of several columns at once")
    value = fold_column(values[0])
    pairs: list[Node] = []
    taken: set[str] = set()
    for listed in field.expressions:
        column = _known(fold_column(listed.this if isinstance(listed, exp.PivotAlias) else listed), columns)
        alias = listed.args["alias"] if isinstance(listed, exp.PivotAlias) else None
        shown = column if alias is None else (fold(alias) if isinstance(alias, exp.Identifier) else alias.name)
        taken.add(column)
        pairs.append(exp.Tuple(expressions=[exp.Literal.string(shown), exp.column(column, table=row, quoted=True)]))
    kept = [exp.column(other, table=row, quoted=True) for other in columns if other not in taken]
    each = f"{row}_EACH"
    lateral = exp.Lateral(
        this=exp.Values(expressions=pairs),
        alias=exp.TableAlias(this=quoted(each), columns=[quoted(name), quoted(value)]),
    )
    query = exp.Select(
        expressions=[*kept, *(exp.column(made, table=each, quoted=True) for made in (name, value))],
        from_=exp.From(this=_named(item, row)),
        joins=[exp.Join(this=lateral)],
    )
    if not pivot.args.get("include_nulls"):
        is_null = exp.Is(this=exp.column(value, table=each, quoted=True), expression=exp.Null())
        query.set("where", exp.Where(this=exp.Not(this=is_null)))
    return query


def _known(name: str, columns: Sequence[str]) -> str:
    if name not in columns:
        raise SqlError.invalid_identifier(name)
    return name


def _named(item: Node, name: str) -> Node:
    columns = item.args["alias"].args.get("columns") if item.args.get("alias") is not None else None
    item.set("alias", exp.TableAlias(this=quoted(name), columns=columns))
    return item
