"""Lists of rows as FROM items."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from cleanroom_ml.engine.sql.resolve.scope import Scope
from cleanroom_ml.engine.sql.tree.dialect import Node


def unnested(rows: str, arguments: Sequence[Node], scope: Scope, this: str = "NULL") -> str:
    """What follows FROM to get the rows of a list, `rows`, a template of rewritten arguments: each is `_row`, and
    beside it `_this`.

    Where an argument is a column of a query around this one, DuckDB takes other columns of that query for the rows, or
    fails, if `unnest` stands in a SELECT; it is right, and slower, where that stands in FROM.
    """
    columns = [column for argument in arguments for column in argument.find_all(exp.Column)]
    if all(scope.has_column(column.name, column.table or None) for column in columns):
        return f"(SELECT unnest({rows}) AS _row, {this} AS _this) AS _each"
    return f"(SELECT {this} AS _this) AS _whole, unnest({rows}) AS _each(_row)"
