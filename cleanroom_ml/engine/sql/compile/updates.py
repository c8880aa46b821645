"""UPDATE and DELETE → `Mutation`."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.catalog import Catalog
from cleanroom_ml.engine.sql.compile.change import ROW, Change, only, slots
from cleanroom_ml.engine.sql.compile.preparing import bounded, finished, prepare, safe, target_table
from cleanroom_ml.engine.sql.compiled import Mutation, Operation
from cleanroom_ml.engine.sql.read.dml import Delete, Update
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.naming import quote

_COUNT: Final = '"_count"'


def compile_update(statement: Update, catalog: Catalog, binds: Binds = NO_BINDS) -> Mutation:
    """UPDATE t SET … [FROM …] [WHERE …]. A row that several rows of FROM match is updated from one of them. Raises
    SqlError.
    """

    def make() -> Mutation:
        target = target_table(statement.target, catalog)
        tree, resolver = prepare(statement.ast, catalog, binds)
        only(tree, {"this", "expressions", "where", "from_"})
        change = Change(resolver, target, tree.this, statement.target)
        others = [tree.args["from_"].this] if tree.args.get("from_") else []
        items = change.items(others)
        assigned = change.assignments(tree.expressions)
        condition = change.rewrite(tree.args["where"].this) if tree.args.get("where") else exp.Boolean(this=True)
        values = [raw(f'{{0}} AS "_v{number}"', value) for number, value in enumerate(assigned.values())]
        count = f"count(*) OVER (PARTITION BY {change.row})" if others else "1"
        matched = raw(
            f"SELECT DISTINCT ON ({change.row}) {change.row} AS {ROW}, {count} AS {_COUNT}, {slots(values)} FROM {{{len(values)}}} WHERE {{{len(values) + 1}}}",  # noqa: E501
            *values,
            _join(items),
            condition,
        )
        picks = []
        names = list(assigned)
        for name, sql_type in change.target.columns:
            if name in assigned:
                value = f'CAST(_m."_v{names.index(name)}" AS {sql_type.duckdb})'
                picks.append(f"CASE WHEN _m.{ROW} IS NULL THEN _t.{quote(name)} ELSE {value} END AS {quote(name)}")
            else:
                picks.append(f"_t.{quote(name)}")
        operation = (
            f"CASE WHEN _m.{ROW} IS NULL THEN {Operation.KEPT}"
            f" WHEN _m.{_COUNT} > 1 THEN {Operation.JOINED} ELSE {Operation.UPDATED} END"
        )
        body = raw(
            f'WITH {change.numbered} AS MATERIALIZED ({{0}}), "_matched" AS MATERIALIZED ({{1}}) SELECT {safe(", ".join(picks))}, {operation} AS "_operation"'  # noqa: E501
            f' FROM {change.numbered} AS _t LEFT JOIN "_matched" AS _m ON _t.{ROW} = _m.{ROW}',
            change.rows(),
            raw("{0}", matched),
        )
        return Mutation(finished(resolver, body, target.columns, operations=True), target, True)

    return bounded(make)


def compile_delete(statement: Delete, catalog: Catalog, binds: Binds = NO_BINDS) -> Mutation:
    """DELETE FROM t [USING …] [WHERE …]. Raises SqlError."""

    def make() -> Mutation:
        target = target_table(statement.target, catalog)
        tree, resolver = prepare(statement.ast, catalog, binds)
        only(tree, {"this", "where", "using"})
        change = Change(resolver, target, tree.this, statement.target)
        using = tree.args.get("using") or []
        items = change.items(using if isinstance(using, list) else [using])
        condition = change.rewrite(tree.args["where"].this) if tree.args.get("where") else exp.Boolean(this=True)
        matched = raw(f"SELECT DISTINCT {change.row} AS {ROW} FROM {{0}} WHERE {{1}}", _join(items), condition)
        picks = ", ".join(f"_t.{quote(name)}" for name, _ in target.columns)
        operation = f"CASE WHEN _m.{ROW} IS NULL THEN {Operation.KEPT} ELSE {Operation.DELETED} END"
        body = raw(
            f'WITH {change.numbered} AS MATERIALIZED ({{0}}), "_matched" AS MATERIALIZED ({{1}}) SELECT {safe(picks)}, {operation} AS "_operation"'  # noqa: E501
            f' FROM {change.numbered} AS _t LEFT JOIN "_matched" AS _m ON _t.{ROW} = _m.{ROW}',
            change.rows(),
            matched,
        )
        return Mutation(finished(resolver, body, target.columns, operations=True), target, True)

    return bounded(make)


def _join(items: list[Node]) -> Node:
    """FROM items: those that are joins follow the one before them."""
    text = ""
    for number, item in enumerate(items):
        text += f"{'' if not text or isinstance(item, exp.Join) else ', '}{{{number}}}"
    return raw(text, *(raw("{0}", item) if not isinstance(item, exp.Join) else item for item in items))
