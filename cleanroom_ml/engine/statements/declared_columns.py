"""What RETURNS TABLE (…) of a procedure says of its columns, held against the table that it gives.

Source: developer-guide/stored-procedure/python/procedure-python-tabular-data ("Specifying return column names and
types").
"""

from __future__ import annotations

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError
from cleanroom_ml.engine.sql.routines import Routine
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.warehouse.outcomes import Spooled


def check_columns(routine: Routine, table: Rows | Spooled) -> None:
    """Raises SqlError: a table has other columns than RETURNS TABLE (…) declares; without any it may have all."""
    if not routine.columns:
        return
    if len(routine.columns) != len(table.columns):
        raise SqlError.syntax(
            f"{routine.name} returns {len(table.columns)} columns, it declares {len(routine.columns)}."
        )
    types = [found for _, found in table.columns] if isinstance(table, Rows) else [each.type for each in table.columns]
    for place, ((name, declared), given) in enumerate(zip(routine.columns, types, strict=True)):
        nothing = isinstance(table, Rows) and all(row[place] is None for row in table.rows)
        if declared.name != given.name and not nothing:
            raise SqlError(
                90207,
                "42601",
                f"{COMPILATION}Declared return type '{declared}' for column '{displayed((name,))}' is incompatible with"
                f" actual return type '{given}'",
            )
