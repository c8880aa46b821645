"""Rows as a DataFrame for a vectorized handler, and what it returns as values (runs inside of the functions' sandbox).

Source: developer-guide/udf/python/udf-python-batch, "Type support".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.warehouse.python_values import Plain, given

_WHOLE: Final = ((4, "Int16"), (9, "Int32"), (18, "Int64"))
_DTYPES: Final = {"FLOAT": "float64", "BOOLEAN": "boolean", "VARCHAR": "string"}
_MOST: Final = 2**63


def frame(columns: Sequence[pa.Array], types: Sequence[SqlType], zone: str) -> Any:  # Any: pandas has no types here
    """Arguments as a DataFrame whose columns are numbered."""
    import pandas

    series = {
        place: _series(given(column, found, zone), found)
        for place, (column, found) in enumerate(zip(columns, types, strict=False))  # a column at least, types or not
    }
    return pandas.DataFrame(series, index=range(len(columns[0]) if columns else 0))


def _series(values: list[Plain], found: SqlType) -> Any:  # Any: see frame
    import pandas

    if found.is_whole:
        fits = all(value is None or -_MOST <= value < _MOST for value in values)
        wide = "Int64" if fits else "object"
        dtype = next((name for digits, name in _WHOLE if (found.precision or 38) <= digits), wide)
        return pandas.Series(values, dtype=dtype)
    if found.record.moment in {"DATE", "NTZ", "LTZ"}:
        return pandas.to_datetime(pandas.Series(values, dtype="object"))
    if found.record.moment == "TIME":
        return pandas.Series(pandas.to_timedelta([None if value is None else value.isoformat() for value in values]))
    return pandas.Series(values, dtype=_DTYPES.get(found.name, "object"))


def rows(found: Plain) -> list[Plain]:
    """What a vectorized method of a table function returned, row by row: a DataFrame, or a tuple of columns."""
    import pandas

    if found is None:
        return []
    listed = [found.iloc[:, place] for place in range(found.shape[1])] if isinstance(found, pandas.DataFrame) else found
    if isinstance(listed, pandas.Series) or getattr(listed, "ndim", 0) == 1:
        listed = [listed]
    return list(zip(*[values(column) for column in listed], strict=True))


def values(found: Plain) -> list[Plain]:
    """What a handler returned, value by value: what is missing is NULL, and so is NaN."""
    import pandas

    listed = found.tolist() if hasattr(found, "tolist") else list(found)
    return [None if _is_missing(pandas, value) else value for value in listed]


def _is_missing(pandas: Any, value: Plain) -> bool:  # Any: the module
    return value is None or (not isinstance(value, list | dict | tuple | bytes | str) and bool(pandas.isna(value)))
