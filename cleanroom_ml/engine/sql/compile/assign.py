"""A value that a column is given: cast as an assignment is, by what is known of the value."""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.compile.preparing import safe
from cleanroom_ml.engine.sql.resolve.casts import as_type
from cleanroom_ml.engine.sql.resolve.identifiers import quoted
from cleanroom_ml.engine.sql.tree.dialect import Node, generate, raw
from cleanroom_ml.engine.sql.tree.kinds import KIND
from cleanroom_ml.engine.sql.types.kind import Kind
from cleanroom_ml.engine.sql.types.sql_type import SqlType


def assigned(value: Node, sql_type: SqlType) -> Node:
    """A value as a column's type. Raises SqlError: it cannot be one.

    Dates, moments and VARIANTs are cast by our own rules; what else is given is DuckDB's to cast.
    """
    if sql_type.is_json or sql_type.record.moment is not None:
        return as_type(value, sql_type)
    return raw(f"CAST({{0}} AS {sql_type.duckdb})", value)


def assigned_column(name: str, table: str | None, kind: Kind | None, sql_type: SqlType) -> str:
    """The same of a column of a relation, as DuckDB's text. Raises SqlError."""
    column = exp.Column(this=quoted(name), table=quoted(table) if table is not None else None)
    column.meta[KIND] = kind
    return safe(generate(assigned(column, sql_type)))
