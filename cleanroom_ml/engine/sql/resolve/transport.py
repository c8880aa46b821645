"""How values get to a function in Python and back: each type in a form that DuckDB and Arrow both have without loss.

What Python makes of them is `warehouse/python_values.py`.
"""

from __future__ import annotations

from cleanroom_ml.engine.sql.routines import UserFunction
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.fine import refuse
from cleanroom_ml.engine.sql.types.sql_type import SqlType


def duckdb_type(found: SqlType) -> str:
    """The type in which values of a type travel."""
    if found.is_whole:
        return "DECIMAL(38,0)" if found.is_of_any_size else "BIGINT"
    return "VARCHAR" if found.is_json else found.duckdb


def given(value: Node, found: SqlType) -> Node:
    """A value of a type as it is handed over. Raises SqlError: it has nanoseconds, and Python's moments have none."""
    refuse("an argument of a function in Python", [value])
    return raw(f"CAST({{0}} AS {duckdb_type(found)})", value)


def taken(value: Node, found: SqlType) -> Node:
    """What came back, as a value of its type."""
    return raw(f"CAST({{0}} AS {found.duckdb})", value, kind=found.kind)


def takes(function: UserFunction) -> list[str]:
    """The types of the arguments that DuckDB gives: one at least; of a group or a partition all in one list."""
    routine = function.routine
    each = [duckdb_type(parameter.type) for parameter in routine.parameters]
    if routine.aggregate or function.partitioned:
        packed = ", ".join(f"a{place} {name}" for place, name in enumerate(each or ["INTEGER"]))
        return [f"STRUCT({packed})[]"]
    return each or ["INTEGER"]


def gives(function: UserFunction) -> str:
    """The type of what DuckDB gets: rows of a table function in one list, of a partition with the row they are of."""
    routine = function.routine
    if routine.returns is not None:
        return duckdb_type(routine.returns)
    listed = ", ".join(f"c{place} {duckdb_type(found)}" for place, (_, found) in enumerate(routine.columns))
    row = "i BIGINT, " if function.partitioned else ""
    return f"STRUCT({row}{listed})[]"
