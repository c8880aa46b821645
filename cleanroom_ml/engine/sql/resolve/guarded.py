"""The rows of guarded views, as `sql.policies.select` has put them into a FROM."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import ViewSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.policies.nodes import GuardedTable, Sized
from cleanroom_ml.engine.sql.read.names import folded
from cleanroom_ml.engine.sql.resolve.constants import Constants
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Queries, Relation
from cleanroom_ml.engine.sql.tree import equality
from cleanroom_ml.engine.sql.tree.dialect import raw
from cleanroom_ml.engine.sql.types.kind import OTHER, WHOLE
from cleanroom_ml.naming import quote

NODES: Final = (GuardedTable, Sized)


def refuse(source: ViewSource) -> None:
    """Raises SqlError: a view has a guard, and is read by a query that nobody has looked at."""
    if source.guard is not None and source.guard.constrains:
        raise source.guard.violation("this kind of query; SELECT … FROM the view by its name")


def name_of(table: exp.Table, constants: Constants) -> tuple[str, ...] | None:
    """The name of a table of FROM, IDENTIFIER(…) included; None: it is something else. Raises SqlError."""
    inner = table.this
    if isinstance(inner, exp.Identifier):
        parts = (table.args.get("catalog"), table.args.get("db"), inner)
        return tuple(fold(part) for part in parts if part)
    if isinstance(inner, exp.DynamicIdentifier):
        return folded(constants.text(inner.this))
    if isinstance(inner, exp.Anonymous) and str(inner.this).upper() == "IDENTIFIER" and len(inner.expressions) == 1:
        return folded(constants.text(inner.expressions[0]))
    return None


def relation(node: GuardedTable | Sized, queries: Queries, ctes: CommonTables) -> Relation:
    """What stands in FROM. Raises SqlError."""
    return _table(node, queries) if isinstance(node, GuardedTable) else _sized(node, queries, ctes)


def _table(node: GuardedTable, queries: Queries) -> Relation:
    """A guarded view's rows, each with a number of its own where they are what is counted."""
    source: ViewSource = node.args["source"]
    query, kinds = queries.view(source)
    if kinds is None:
        raise SqlError.unsupported("a view with a policy whose columns are not known")
    row = node.args.get("row")
    query = query if isinstance(query, exp.Subquery) else exp.Subquery(this=query)
    if row is None:
        return Relation(raw("{0}", query), kinds)
    numbered = raw(f"(SELECT *, row_number() OVER () AS {quote(row)} FROM {{0}} AS _guarded)", query)
    return Relation(numbered, {**kinds, row: WHOLE})


def _sized(node: Sized, queries: Queries, ctes: CommonTables) -> Relation:
    """The rows of a SELECT with what is known of the sizes of their groups (`Sized`).

    Raises:
        SqlError: what groups, or identifies an entity, is of a type of which DuckDB tells values apart that are equal.
    """
    query, kinds = queries.query(node.this, ctes, None)
    keys, sizes = node.args["keys"], node.args["sizes"]
    if kinds is None:
        raise SqlError.unsupported("a query with a policy whose columns are not known")
    for name in (*keys, *(column for column, _ in sizes)):
        if equality.is_finer(kinds[name]) or (kinds[name] is None and name not in keys):
            raise SqlError.unsupported("a VARIANT or a TIMESTAMP_TZ that an aggregation policy groups by or counts")
    whole, told = quote(node.args["whole"]), quote(node.args["told"])
    by_key = ", ".join(quote(name) for name in keys)
    enough = _enough(sizes, f"PARTITION BY {by_key}" if keys else "")
    remaining = _enough(sizes, f"PARTITION BY {whole}")
    made = raw(
        f"(SELECT *, {whole} OR ({remaining}) AS {told} FROM"
        f" (SELECT *, ({enough}) AS {whole} FROM {{0}} AS _rows) AS _sized)",
        exp.Subquery(this=query),
    )
    return Relation(made, {**kinds, node.args["whole"]: OTHER, node.args["told"]: OTHER})


def _enough(sizes: list[tuple[str, int]], window: str) -> str:
    counted = [f"count(DISTINCT {quote(column)}) OVER ({window}) >= {int(size)}" for column, size in sizes]
    return " AND ".join(counted) or "TRUE"
