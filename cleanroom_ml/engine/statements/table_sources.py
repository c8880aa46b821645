"""Tables of the catalog as `sql` reads them."""

from __future__ import annotations

from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.storage.keys import Table


def table_source(table: Table, *, writable: bool = True) -> TableSource:
    """A table of the catalog as `sql` reads it."""
    return TableSource(
        columns=tuple((column.name, parse_type(column.type)) for column in table.columns),
        objects=tuple(item.sha256 for item in table.objects),
        writable=writable,
        key=table.key,
        snapshot=table.snapshot,
        rows=table.rows,
        bounds={item.sha256: item.bounds for item in table.objects if item.bounds},
        required=frozenset(column.name for column in table.columns if not column.nullable),
        defaults={column.name: column.default for column in table.columns if column.default is not None},
        numbers={
            column.name: (table.numbers[column.name], column.step)
            for column in table.columns
            if column.start is not None
        },
    )
