"""NOT NULL: what a worker wrote is looked at before it becomes part of a table."""

from __future__ import annotations

from cleanroom_ml.engine.sql.catalog import ContextValues, RoleValues, Source, TableSource
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.keys import Column, Table
from cleanroom_ml.engine.warehouse.outcomes import Written
from cleanroom_ml.naming import quote


def refuse_nulls(work: Work, table: Table, written: Written) -> None:
    """Raises SqlError where `written` has a NULL in a column of `table` that allows none."""
    refuse_nulls_in(work, table.columns, written)


def refuse_nulls_in(work: Work, columns: tuple[Column, ...], written: Written) -> None:
    """`refuse_nulls` for columns of a table that is still to be made."""
    strict = [column for column in columns if not column.nullable]
    if not strict or written.sha256 is None:
        return
    tests = ", ".join(f"COUNT_IF({quote(column.name)} IS NULL)" for column in strict)
    compiled = compile_query(f"SELECT {tests} FROM WRITTEN", _Written(columns, written))
    _, rows = work.warehouse.rows(compiled, query_id=work.query_id, timeout=work.seconds)
    for column, count in zip(strict, rows[0], strict=True):
        if count:
            raise SqlError(100072, "22000", f"NULL result in a non-nullable column {column.name}")


class _Written:
    def __init__(self, columns: tuple[Column, ...], written: Written) -> None:
        declared = tuple((column.name, parse_type(column.type)) for column in columns)
        self._source = TableSource(declared, written.objects, bounds=written.bounds_of_object)

    def source(self, parts: tuple[str, ...]) -> Source | None:
        return self._source if parts == ("WRITTEN",) else None

    def context(self) -> ContextValues:
        # Of the account whose table it is: its columns may differ only in case.
        return ContextValues(account="", user="", role="", roles=RoleValues(tuple, str, tuple, tuple))
