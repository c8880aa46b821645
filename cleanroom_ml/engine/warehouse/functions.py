"""Puts the functions that a statement names into a worker's DuckDB (runs inside the sandbox)."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Final

import duckdb
import pyarrow as pa
from duckdb.func import ARROW, SPECIAL

from cleanroom_ml.engine.sql.values.table import (
    ERRORS,
    FINE_NTZ,
    FINE_TIME,
    FINE_ZONED,
    FUNCTIONS,
    MATCHED,
    PARTS,
    ROWS,
    ZONED,
    WorkerFunction,
)

_NAMED: Final = re.compile(r"\b_sf_[a-z0-9_]+")
_ARROW: Final[dict[str, pa.DataType]] = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "BLOB": pa.binary(),
    "BOOLEAN": pa.bool_(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "TIMESTAMP": pa.timestamp("us"),
    ZONED: pa.struct([("w", pa.timestamp("us")), ("m", pa.int64())]),
    FINE_ZONED: pa.struct([("w", pa.timestamp("us")), ("m", pa.int64()), ("n", pa.int64())]),
    FINE_NTZ: pa.struct([("moment_us", pa.timestamp("us")), ("moment_ns", pa.int16())]),
    FINE_TIME: pa.struct([("moment_us", pa.time64("us")), ("moment_ns", pa.int16())]),
    ROWS: pa.list_(
        pa.struct(
            [
                ("s", pa.int64()),
                ("k", pa.string()),
                ("p", pa.string()),
                ("i", pa.int64()),
                ("v", pa.string()),
                ("t", pa.string()),
            ]
        )
    ),
    MATCHED: pa.list_(
        pa.struct(
            [
                *((name, pa.int64()) for name in "nmq"),
                ("c", pa.string()),
                *((name, pa.bool_()) for name in "xl"),
            ]
        )
    ),
    PARTS: pa.list_(pa.struct([("s", pa.int64()), ("i", pa.int64()), ("v", pa.string())])),
}


class _NoPandas:
    """Says that there is no pandas: pyarrow asks for it at the first array that it makes of Python's values, and
    loading it takes longer than most statements do. Nothing in a worker is one of its values.
    """

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("a warehouse's worker has no pandas", name=name)


def without_pandas() -> None:
    """From here on this process has none, unless it was loaded."""
    if not any(isinstance(each, _NoPandas) for each in sys.meta_path):
        sys.meta_path.insert(0, _NoPandas())


def register(connection: duckdb.DuckDBPyConnection, sql: str, there: Collection[str] = ()) -> set[str]:
    """Puts in those of our functions whose names stand anywhere in `sql`, but for those that are `there`. The names of
    all that are there then. Before the configuration is locked.
    """
    named = {name for name in _NAMED.findall(sql) if name in FUNCTIONS}
    for name in named.difference(there):
        _create(connection, name, FUNCTIONS[name])
    return named.union(there)


def _create(connection: duckdb.DuckDBPyConnection, name: str, function: WorkerFunction) -> None:
    connection.create_function(
        name,
        _ARITY[len(function.takes)](_Vectors(function)),
        [duckdb.type(found) for found in function.takes],
        duckdb.type(function.gives),
        type=ARROW,
        null_handling=SPECIAL,
        side_effects=function.once,
    )


_Call = Callable[..., pa.Array]
_ARITY: Final[Mapping[int, Callable[[_Call], _Call]]] = {
    1: lambda call: lambda a: call(a),
    2: lambda call: lambda a, b: call(a, b),
    3: lambda call: lambda a, b, c: call(a, b, c),
    4: lambda call: lambda a, b, c, d: call(a, b, c, d),
    5: lambda call: lambda a, b, c, d, e: call(a, b, c, d, e),
}
"""DuckDB counts a Python function's parameters."""


class _Vectors:
    """A function of single values as one of DuckDB's vectors."""

    def __init__(self, function: WorkerFunction) -> None:
        self._function = function
        self._gives = _ARROW[function.gives]

    def __call__(self, *columns: pa.ChunkedArray) -> pa.Array:
        call, nulls = self._function.call, self._function.nulls
        made: list[object] = []
        row: tuple[object, ...] = ()
        try:
            for row in zip(*[column.to_pylist() for column in columns], strict=True):
                made.append(call(*row) if nulls or None not in row else None)
        except RecursionError:
            raise ValueError("cleanroom:depth") from None
        except ValueError as error:
            kind = next((kind for known, kind in ERRORS.items() if isinstance(error, known)), "conversion")
            # What is quoted of it is told to nobody who may not see it (worker.failure).
            gives = "TIME" if self._function.gives == FINE_TIME else self._function.gives
            type_name = gives if gives in {"DATE", "TIME"} else "TIMESTAMP"
            given = f"\n{type_name}\n{row[0]}" if kind == "moment" else ""
            raise ValueError(f"cleanroom:{kind}{given}") from None
        return pa.array(made, self._gives)
