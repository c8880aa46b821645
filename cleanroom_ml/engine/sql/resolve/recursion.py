"""Recursive common tables: which are, and what their first rows say of the columns that all rows have."""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quoted, table_alias
from cleanroom_ml.engine.sql.resolve.scope import Kinds, by_position, differ_only_in_case
from cleanroom_ml.engine.sql.tree import equality
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.types.kind import COARSE, Number


def is_recursive(cte: exp.CTE, name: str) -> bool:
    """Whether a common table names itself after its first rows: the word RECURSIVE may be left out."""
    query = cte.this
    return isinstance(query, exp.Union) and any(
        isinstance(table.this, exp.Identifier) and not table.args.get("db") and fold(table.this) == name
        for table in query.expression.find_all(exp.Table)
    )


def name_first(query: Node, columns: list[str]) -> None:
    """Call the columns of a SELECT as the common table does that it is in: two of them may have the same name."""
    if isinstance(query, exp.Select) and len(query.expressions) == len(columns) and not query.is_star:
        named = [item.this if isinstance(item, exp.Alias) else item for item in query.expressions]
        pairs = zip(named, columns, strict=True)
        query.set("expressions", [exp.Alias(this=item, alias=quoted(column)) for item, column in pairs])


def refuse_finer(first: Kinds) -> None:
    """Raises SqlError: UNION in a recursive common table would tell values apart that are equal."""
    if any(map(equality.is_finer, first.values())):
        raise SqlError.unsupported("UNION of TIMESTAMP_TZ or VARIANT columns in a recursive common table: UNION ALL")


def check(first: Kinds, kinds: Kinds | None) -> None:
    """Raises SqlError: a recursive common table's later rows have numbers with more digits after the point than its
    first ones, which say what its columns are.
    """
    for (column, kind), later in zip(first.items(), by_position(kinds or {}), strict=False):
        if kind not in COARSE and later in COARSE:
            raise SqlError.unsupported(
                f"nanoseconds in {column[:100]}, of which the first rows of a recursive common table have none: add"
                " 0 nanoseconds there"
            )
        exact = isinstance(kind, Number) and kind.scale is not None
        if isinstance(kind, Number) and exact and isinstance(later, Number) and kind.scale != later.scale:
            raise SqlError.unsupported(
                f"more digits after the point in {column[:100]} than the first rows of a recursive common table have:"
                " cast it there"
            )


def of_any_size(query: Node, kinds: Kinds) -> Node:
    """The first rows of a recursive common table, with numbers that may grow: DuckDB takes the types of the first."""
    if differ_only_in_case(kinds):
        raise SqlError.unsupported("a recursive common table of columns whose names differ only in case")
    columns: list[Node] = []
    for name, kind in kinds.items():
        target = "{0}"
        if isinstance(kind, Number) and kind.scale is not None:
            target = f"CAST({{0}} AS DECIMAL(38,{kind.scale}))" if kind.scale else "CAST({0} AS HUGEINT)"
        columns.append(exp.Alias(this=raw(target, exp.column(name, quoted=True)), alias=quoted(name)))
    rows = exp.Subquery(this=query, alias=table_alias("_first", list(kinds)))
    return exp.Select(expressions=columns, from_=exp.From(this=rows))
