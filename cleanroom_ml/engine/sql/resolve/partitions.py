"""`TABLE(f(…) OVER (PARTITION BY … ORDER BY …))`: a table function gets all rows of a partition that stand before it.

What stands before it in FROM is gathered into one list a partition, the function gives rows that say which row they
are of, and what was gathered is laid out again under the aliases that it had. A row that the end of a partition gives
is of no row: of it the columns that the partition is by are there, and all others are NULL.

Source: developer-guide/udf/udf-calling-sql, "Table functions and partitions", and
developer-guide/udf/python/udf-python-tabular-functions.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import absent
from cleanroom_ml.engine.sql.resolve import transport
from cleanroom_ml.engine.sql.resolve.calls import called_parts
from cleanroom_ml.engine.sql.resolve.expressions import Expressions
from cleanroom_ml.engine.sql.resolve.identifiers import quoted
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Kinds, Scope
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import Node, raw


def window_of(node: Node) -> exp.Window | None:
    """The call with its OVER, where a FROM item is one."""
    table = node.this if isinstance(node, exp.Table) else None
    if not isinstance(table, exp.Anonymous) or str(table.this).upper() != "TABLE" or len(table.expressions) != 1:
        return None
    inner = table.expressions[0]
    return inner if isinstance(inner, exp.Window) else None


def laid_out(
    window: exp.Window,
    left: Sequence[Node],
    alias: str | None,
    expressions: Expressions,
    build: Build,
    scope: Scope,
    ctes: CommonTables,
) -> tuple[list[Node], str, Kinds]:
    """The items of FROM in place of those before the call and itself; the call's alias and its columns.

    Raises SqlError. `left` are the item of FROM and the joins before the call, rewritten; `scope` knows what they are
    called.
    """
    written = called_parts(window.this)
    if written is None or window.args.get("spec") or window.args.get("alias"):
        raise SqlError.unsupported("this OVER of a table function")
    name, given = written
    functions = expressions.user_functions
    chosen = functions.chosen(name, given, scope, ctes, rows=True)
    if chosen is None:
        raise absent.unknown(name)
    if scope.staged is not None or any(kinds is None for kinds in scope.sources.values()):
        raise SqlError.unsupported("OVER of a table function beside columns that are not known")
    if scope.called:
        raise SqlError.unsupported("OVER of a table function beside columns whose names differ only in case")
    keys = [expressions.rewrite(item, scope, ctes) for item in window.args.get("partition_by") or []]
    order = window.args.get("order")
    ordered = expressions.rewrite(order, scope, ctes) if order is not None else None
    columns = [(source, column) for source, kinds in scope.sources.items() for column in kinds or ()]
    kept = [exp.column(column, table=source, quoted=True) for source, column in columns]
    slots = ", ".join(f"r{place} := {{{place + 1}}}" for place in range(len(kept)))
    row = raw(f"struct_pack(a := {{0}}, {slots})" if kept else "struct_pack(a := {0})", functions.packed(chosen), *kept)
    gathered = raw("list({0} {1})", row, ordered) if ordered is not None else raw("list({0})", row)
    # A constant is one partition of all rows, and no rows are none.
    varying = [key for key in keys if key.find(exp.Column) is not None]
    by = raw((" GROUP BY {*}" if varying else "") + " HAVING count(*) > 0", *varying)
    source = raw(" FROM " + " ".join(f"{{{place}}}" for place in range(len(left))), *left) if left else raw("")
    listed, whole = build.fresh("listed"), build.fresh("rows")
    partitions = raw(f"(SELECT {{0}} AS _l{{1}}{{2}}) AS {listed}", gathered, source, by)
    given_rows = raw(f"list_transform({listed}._l, lambda _x: _x.a)")
    called = functions.partitions(chosen, given_rows)
    items: list[Node] = [
        raw(f"(SELECT unnest({{0}}) AS _r, {listed}._l AS _l FROM {{1}}) AS {whole}", called, partitions)
    ]
    for source_alias, kinds in scope.sources.items():
        made = [
            exp.Alias(this=_value(whole, place, _is_key(keys, each)), alias=quoted(each[1]))
            for place, each in enumerate(columns)
            if each[0] == source_alias
        ]
        if made and kinds:
            items.append(raw("LATERAL (SELECT {0}) AS {1}", raw("{*}", *made), quoted(source_alias)))
    own = alias or name[-1]
    results = [
        exp.Alias(this=transport.taken(raw(f"{whole}._r.c{place}"), found), alias=quoted(column))
        for place, (column, found) in enumerate(chosen.routine.columns)
    ]
    items.append(raw("LATERAL (SELECT {0}) AS {1}", raw("{*}", *results), quoted(own)))
    return items, own, {column: found.kind for column, found in chosen.routine.columns}


def _value(whole: str, place: int, key: bool) -> Node:
    """A gathered column: of the row that the result is of, or what all rows of the partition have."""
    if key:
        return raw(f"{whole}._l[1].r{place}")
    return raw(f"CASE WHEN {whole}._r.i IS NULL THEN NULL ELSE {whole}._l[{whole}._r.i].r{place} END")


def _is_key(keys: Sequence[Node], column: tuple[str, str]) -> bool:
    return any(isinstance(key, exp.Column) and key.name == column[1] and key.table in {"", column[0]} for key in keys)
