"""Whole results in a job's session: `DataFrame.to_pandas()`, `to_arrow()`, and the cursor's `fetch_pandas_all`,
`fetch_arrow_all` and `fetchall`.

The connector would hold every chunk twice while it joins them, and be killed where they do not fit. In a job it asks
first, and reads as RemoteTable does: each column once, into the place where it stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, ParamSpec, TypeAlias, TypeVar

from . import memory
from .columns import ColumnValueError
from .tables import from_cursor

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from snowflake.connector.cursor import SnowflakeCursor
    from snowflake.connector.result_set import ResultSet

Given = ParamSpec("Given")
Read = TypeVar("Read")
Rows: TypeAlias = list[tuple[object, ...]]

_POINTER: Final = 8
_TUPLE: Final = 56
_NUMBER: Final = 32
_FIXED, _REAL = 0, 1  # snowflake.connector.constants.FIELD_TYPES
_KNOWN_OPTIONS: Final = {"split_blocks"}


def install() -> None:
    """Make this process's connector and Snowpark read so. Once, before the script runs."""
    from snowflake.connector.cursor import SnowflakeCursor
    from snowflake.connector.result_set import ResultSet
    from snowflake.snowpark._internal.server_connection import ServerConnection

    ResultSet._fetch_pandas_all = _pandas(ResultSet._fetch_pandas_all)
    ResultSet._fetch_arrow_all = _arrow(ResultSet._fetch_arrow_all)
    SnowflakeCursor.fetchall = _rows(SnowflakeCursor.fetchall)
    ServerConnection._to_data_or_iter = _unwrapped(ServerConnection._to_data_or_iter)


def _pandas(original: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    def fetch(result: ResultSet, **options: object) -> pd.DataFrame:
        result._can_create_arrow_iter()
        table = from_cursor(result._cursor)
        if not options.keys() <= _KNOWN_OPTIONS:
            # pyarrow's or pandas' own options: the connector knows what to do with them, and takes twice the memory.
            memory.require(2 * table.pandas_bytes(), table.described("to_pandas()"))
            return original(result, **options)
        try:
            frame = table.to_pandas()
        except ColumnValueError:
            return original(result, **options)  # numbers beyond 64 bits come as Decimal
        frame.columns = _names(result)
        return frame

    return fetch


def _arrow(original: Callable[..., pa.Table | None]) -> Callable[..., pa.Table | None]:
    def fetch(result: ResultSet, force_return_table: bool = False, **options: object) -> pa.Table | None:
        result._can_create_arrow_iter()
        table = from_cursor(result._cursor)
        if options.get("force_microsecond_precision") or not table.num_rows:
            memory.require(table.nbytes, table.described("to_arrow()"))
            return original(result, force_return_table, **options)
        try:
            return table.to_arrow().rename_columns(_names(result))
        except ColumnValueError:
            return original(result, force_return_table, **options)

    return fetch


def _rows(original: Callable[[SnowflakeCursor], Rows]) -> Callable[[SnowflakeCursor], Rows]:
    def fetchall(cursor: SnowflakeCursor) -> Rows:
        batches = cursor.get_result_batches() if cursor._result_set is not None else None
        if batches:
            rows = sum(max(0, each.rowcount) for each in batches)
            wire = sum(each.uncompressed_size or 0 for each in batches)
            columns = len(cursor.description)
            numbers = all(each.type_code in (_FIXED, _REAL) for each in cursor.description)
            needed = rows * (_TUPLE + columns * (_POINTER + _NUMBER)) + (0 if numbers else wire)
            memory.require(needed, f"fetching {rows:,} rows × {columns} columns as Python objects")
        return original(cursor)

    return fetchall


def _unwrapped(original: Callable[Given, Read]) -> Callable[Given, Read]:
    """Snowpark makes every error of this an error of its own, which `except MemoryError` would not catch."""

    def read(*arguments: Given.args, **options: Given.kwargs) -> Read:
        try:
            return original(*arguments, **options)
        except Exception as error:
            if isinstance(error.__context__, memory.NotEnoughMemoryError):
                raise error.__context__ from None
            raise

    return read


def _names(result: ResultSet) -> list[str]:
    return [each.name for each in result._cursor.description]
