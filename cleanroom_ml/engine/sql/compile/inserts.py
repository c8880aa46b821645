"""INSERT → `Mutation`: the rows of a query, or a batch of bound rows as one statement."""

from __future__ import annotations

from datetime import datetime

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds, Scalar
from cleanroom_ml.engine.sql.catalog import Catalog
from cleanroom_ml.engine.sql.compile.assign import assigned_column
from cleanroom_ml.engine.sql.compile.preparing import (
    bounded,
    finished,
    no_rows,
    positions_of,
    prepare,
    safe,
    target_table,
)
from cleanroom_ml.engine.sql.compiled import Mutation
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.read.dml import Insert
from cleanroom_ml.engine.sql.resolve.resolver import Resolver
from cleanroom_ml.engine.sql.resolve.scope import Scope
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.tree.literals import literal
from cleanroom_ml.engine.sql.types.kind import Kind
from cleanroom_ml.naming import quote


def compile_insert(statement: Insert, catalog: Catalog, binds: Binds = NO_BINDS) -> Mutation:
    """INSERT: rows in the target's column order, columns that are not named NULL. A batch (`binds.rows`) is one
    statement. Raises SqlError.
    """

    def make() -> Mutation:
        target = target_table(statement.target, catalog)
        names = statement.columns or tuple(name for name, _ in target.columns)
        positions = positions_of(names, target)
        tree, resolver = prepare(statement.source, catalog, binds)
        if binds.rows is not None:
            query, known = _batch(tree, binds.rows, resolver)
        else:
            query, kinds = resolver.query(tree, {})
            known = list(kinds.values()) if kinds is not None else []
            resolver.listening.call_by_position(dict.fromkeys(names), kinds)
        given = ", ".join(f'"_{number}"' for number in range(len(names)))
        if len(known) != len(names):
            known = [None] * len(names)
        columns = ", ".join(
            f"{assigned_column(f'_{positions[name]}', None, known[positions[name]], sql_type)} AS {quote(name)}"
            if name in positions
            else f"CAST(NULL AS {sql_type.duckdb}) AS {quote(name)}"
            for name, sql_type in target.columns
        )
        listed = f"({given})"
        body = raw(f"SELECT {safe(columns)} FROM ({no_rows(len(names))} UNION ALL {{0}}) AS _given{listed}", query)
        return Mutation(finished(resolver, body, target.columns), target, statement.overwrite)

    return bounded(make)


def _batch(tree: Node, rows: tuple[tuple[Scalar, ...], ...], resolver: Resolver) -> tuple[Node, list[Kind | None]]:
    """`VALUES (?, f(?), …)` or `SELECT ?, …` over many rows of bound values: the row's expressions over a relation of
    the values, and their kinds.
    """
    if not rows or len({len(row) for row in rows}) != 1:
        raise SqlError.bad_value("The rows of a batch must all have the same number of values, and there must be some.")
    items = _batch_row(tree)
    used = sorted({str(node.this) for item in items for node in item.find_all(exp.Placeholder)})
    if any(not 1 <= (whole_number(name) or 0) <= len(rows[0]) for name in used):
        raise SqlError.bad_value("The statement has other placeholders than the batch has values.")
    holder = exp.Select(
        expressions=[exp.alias_(_columns_for(item), f"C{number}", quoted=True) for number, item in enumerate(items)]
    )
    scope = Scope(None, {"_BATCH": {f"_{number + 1}": _kind(rows, number) for number in range(len(rows[0]))}})
    projections = [resolver.expressions.rewrite(expression, scope, {}) for expression in holder.expressions]
    values = [raw("{0}", exp.Tuple(expressions=[literal(value) for value in row])) for row in rows]
    listed = ", ".join(f'"_{number + 1}"' for number in range(len(rows[0])))
    slots = ", ".join(f"{{{number}}}" for number in range(len(projections)))
    relation = raw(f'(SELECT * FROM (VALUES {{*}}) AS "_BATCH"({listed})) AS "_BATCH"', *values)
    made = raw(f"(SELECT {slots} FROM {{{len(projections)}}})", *projections, relation)
    return made, [kind_of(projection) for projection in projections]


def _kind(rows: tuple[tuple[Scalar, ...], ...], number: int) -> Kind | None:
    """The kind that all values of a column have, NULLs apart."""
    values = [row[number] for row in rows if row[number] is not None]
    classes = {(type(value), isinstance(value, datetime) and value.tzinfo is not None) for value in values}
    return kind_of(literal(values[0])) if len(classes) == 1 else None


def _batch_row(tree: Node) -> list[Node]:
    if isinstance(tree, exp.Values) and len(tree.expressions) == 1:
        row = tree.expressions[0]
        return list(row.expressions) if isinstance(row, exp.Tuple) else [row]
    if isinstance(tree, exp.Select) and {part for part, value in tree.args.items() if value} == {"expressions"}:
        return [item.this if isinstance(item, exp.Alias) else item for item in tree.expressions]
    raise SqlError.unsupported("a batch of this statement")


def _columns_for(item: Node) -> Node:
    return item.transform(
        lambda node: (
            exp.column(f"_{node.this}", table="_BATCH", quoted=True) if isinstance(node, exp.Placeholder) else node
        )
    )
