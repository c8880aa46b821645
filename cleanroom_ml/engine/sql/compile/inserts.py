"""INSERT → `Mutation`: the rows of a query, or a batch of bound rows as one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds, FineMoment, Scalar
from cleanroom_ml.engine.sql.catalog import Catalog, TableSource
from cleanroom_ml.engine.sql.compile import defaults
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
from cleanroom_ml.engine.sql.files.bound_rows import staged_rows
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.read.dml import Insert
from cleanroom_ml.engine.sql.resolve.casts import assigned, check_coerced
from cleanroom_ml.engine.sql.resolve.resolver import Resolver
from cleanroom_ml.engine.sql.resolve.scope import Draws, Kinds, Scope, by_position
from cleanroom_ml.engine.sql.tree import fine
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.kinds import KIND, kind_of
from cleanroom_ml.engine.sql.tree.literals import literal
from cleanroom_ml.engine.sql.types.kind import TEXT, Kind
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.naming import quote

_MILLISECONDS: Final = (
    "CASE WHEN regexp_full_match({0}, '-?[0-9]+') AND length({0}) <= 15"
    " THEN CAST(epoch_ms(CAST({0} AS BIGINT)) AS DATE) ELSE {1} END"
)


def compile_insert(statement: Insert, catalog: Catalog, binds: Binds = NO_BINDS) -> Mutation:
    """INSERT: rows in the target's column order, columns that are not named NULL. A batch (`binds.rows`) is one
    statement. Raises SqlError.
    """

    def make() -> Mutation:
        target = target_table(statement.target, catalog)
        names = statement.columns or tuple(name for name, _ in target.columns)
        positions = positions_of(names, target)
        tree, resolver = prepare(statement.source, catalog, binds)
        resolver.outermost = tree
        _put_defaults(tree, names, target)
        known: tuple[Kind | None, ...] | None
        rows: int | None = None
        if binds.is_batch:
            query, of_batch, rows = _batch(tree, binds, catalog, resolver)
            width, known = len(names), tuple(of_batch)
        else:
            query, kinds = _given(tree, resolver, [dict(target.columns)[name] for name in names], names)
            resolver.listening.call_by_position(dict.fromkeys(names), kinds)
            # Behind a star there may be more columns than names: those of the same name are known once.
            least = 0 if kinds is None else len(by_position(kinds))
            width = _width(query, least if isinstance(tree, exp.Values) else max(least, len(names)))
            known = tuple(by_position(kinds)) if kinds is not None else None
        if width != len(names):
            raise SqlError.width(len(names), width)
        given = ", ".join(f'"_{number}"' for number in range(len(names)))
        columns = ", ".join(
            f"{{{positions[name] + 1}}} AS {quote(name)}"
            if name in positions
            else f"{defaults.value(target, name, sql_type, resolver)} AS {quote(name)}"
            for name, sql_type in target.columns
        )
        listed = f"({given})"
        for name, _ in target.columns:
            safe(name)
        types = dict(target.columns)
        # Values that were staged are texts here, whatever the client bound.
        checked = () if binds.staged is not None else names
        values = [_assigned(number, types[name], known, width, checked) for number, name in enumerate(names)]
        if binds.staged is not None:
            bare = [isinstance(item, exp.Placeholder) for item in _batch_row(tree)]
            values = [
                _bound(value, types[name]) if plain else value
                for value, name, plain in zip(values, names, bare, strict=True)
            ]
        body = raw(f"SELECT {columns} FROM ({no_rows(len(names))} UNION ALL {{0}}) AS _given{listed}", query, *values)
        taken = defaults.numbered(target, positions)
        made = replace(finished(resolver, body, target.columns), quoting=resolver.build.seen)
        return Mutation(made, target, statement.overwrite, taken, rows)

    return bounded(make)


def _given(tree: Node, resolver: Resolver, types: Sequence[SqlType], names: Sequence[str]) -> tuple[Node, Kinds | None]:
    """The rows of a query, or of VALUES: there each value is taken as its column takes it, whatever the others are."""
    if not isinstance(tree, exp.Values):
        return resolver.query(tree, {})
    return resolver.values(tree, types, names)


def _width(query: Node, otherwise: int) -> int:
    """How many columns a rewritten query gives; `otherwise` where a star hides it."""
    while not isinstance(query, exp.Select):
        if not isinstance(query, exp.Subquery | exp.Union | exp.Except | exp.Intersect):
            return otherwise
        query = query.this
    stars = any(item.is_star for item in query.expressions)
    return otherwise if stars else len(query.expressions)


def _assigned(
    number: int, target: SqlType, known: tuple[Kind | None, ...] | None, width: int, names: Sequence[str]
) -> Node:
    """The value at a place of what is given, as its column takes it; `names`: those of the columns that are checked."""
    value = exp.column(f"_{number}", quoted=True)
    value.meta[KIND] = known[number] if known is not None and len(known) == width else None
    if names:
        check_coerced(value, target, names[number])
    return assigned(value, target)


def _bound(value: Node, target: SqlType) -> Node:
    """A bound text as its column takes it. Of a DATE the connector writes how many milliseconds it is after 1970
    (snowflake-connector-python, `converter.py`, `to_csv_bindings`): TO_DATE would take few of them for seconds.
    """
    if target.record.moment != "DATE":
        return value
    text = value.find(exp.Column) or value
    return raw(_MILLISECONDS, text.copy(), value, kind=target.kind)


def _put_defaults(tree: Node, names: Sequence[str], target: TableSource) -> None:
    """`VALUES (…, DEFAULT)`: the word stands for the column's own default."""
    if not isinstance(tree, exp.Values):
        return
    for row in tree.expressions:
        for name, item in zip(names, row.expressions if isinstance(row, exp.Tuple) else [row], strict=False):
            if not isinstance(item, exp.Var) or item.name.upper() != "DEFAULT":
                continue
            if name in target.numbers:
                raise SqlError.unsupported("DEFAULT of an IDENTITY column in VALUES; leave the column out")
            text = target.defaults.get(name)
            item.replace(exp.Null() if text is None else defaults.expression(text))


def _batch(
    tree: Node, binds: Binds, catalog: Catalog, resolver: Resolver
) -> tuple[Node, list[Kind | None], int | None]:
    """`VALUES (?, f(?), …)` or `SELECT ?, …` over many rows of bound values: the row's expressions over a relation of
    the values, their kinds, and how many rows there must be where the client said so.
    """
    items = _batch_row(tree)
    used = sorted({str(node.this) for item in items for node in item.find_all(exp.Placeholder)})
    places = [whole_number(name) or 0 for name in used]
    expected: int | None = None
    if binds.staged is not None:
        kinds: list[Kind | None] = [TEXT] * max(places, default=0)
        relation, expected = staged_rows(binds.staged, len(kinds), catalog, resolver)
    else:
        kinds, relation = _given_rows(binds.rows or ())
    if any(not 1 <= place <= len(kinds) for place in places):
        raise SqlError.bad_value("The statement has other placeholders than the batch has values.")
    holder = exp.Select(
        expressions=[exp.alias_(_columns_for(item), f"C{number}", quoted=True) for number, item in enumerate(items)]
    )
    scope = Scope(None, {"_BATCH": {f"_{number + 1}": kind for number, kind in enumerate(kinds)}})
    scope.draws = Draws(expected if binds.staged is not None else len(binds.rows or ()))
    projections = [resolver.expressions.rewrite(expression, scope, {}) for expression in holder.expressions]
    slots = ", ".join(f"{{{number}}}" for number in range(len(projections)))
    made = raw(f"(SELECT {slots} FROM {{{len(projections)}}})", *projections, relation)
    return made, [kind_of(projection) for projection in projections], expected


def _given_rows(rows: tuple[tuple[Scalar, ...], ...]) -> tuple[list[Kind | None], Node]:
    """Rows that came with the statement: the kinds of their values, and the relation `_BATCH` of them."""
    if not rows or len({len(row) for row in rows}) != 1:
        raise SqlError.bad_value("The rows of a batch must all have the same number of values, and there must be some.")
    columns = [fine.alike([literal(value) for value in column]) for column in zip(*rows, strict=True)]
    values = [raw("{0}", exp.Tuple(expressions=list(row))) for row in zip(*columns, strict=True)]
    listed = ", ".join(f'"_{number + 1}"' for number in range(len(rows[0])))
    relation = raw(f'(SELECT * FROM (VALUES {{*}}) AS "_BATCH"({listed})) AS "_BATCH"', *values)
    return [_kind(rows, number) for number in range(len(rows[0]))], relation


def _kind(rows: tuple[tuple[Scalar, ...], ...], number: int) -> Kind | None:
    """The kind that all values of a column have, NULLs apart."""
    values = [row[number] for row in rows if row[number] is not None]
    whole = [value.whole if isinstance(value, FineMoment) else value for value in values]
    classes = {(type(value), isinstance(value, datetime) and value.tzinfo is not None) for value in whole}
    exact = next((value for value in values if isinstance(value, FineMoment)), values[0] if values else None)
    return kind_of(literal(exact)) if len(classes) == 1 else None


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
