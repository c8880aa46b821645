"""A RemoteTable as a DataFrame: each column is filled as its chunks arrive, so that nothing is there twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np
import pyarrow as pa

from ..values import Array
from . import memory
from .prefetch import read_ahead_bytes
from .tensors import is_tensor, to_numpy

if TYPE_CHECKING:
    import pandas as pd

    # A Series of categories or of times; what is in it, Arrow's type says, which mypy does not see.
    Column: TypeAlias = Array | pd.Series[Any]

_LOOK_EVERY: Final = 64 << 20
_NS_LIMIT: Final = (1 << 63) // 1000 - 1


class Readable(Protocol):
    """What a RemoteTable is here: rows that come in batches, and what is known of them before."""

    @property
    def num_rows(self) -> int: ...

    @property
    def nbytes(self) -> int: ...

    @property
    def column_names(self) -> list[str]: ...

    @property
    def schema(self) -> pa.Schema: ...

    def pandas_bytes(self) -> int: ...

    def described(self, what: str) -> str: ...

    def batches(self) -> Iterator[pa.RecordBatch]: ...


def to_pandas(table: Readable) -> pd.DataFrame:
    """All rows. Whole numbers with NULLs among them become float64, times datetime64[ns] where that holds them.

    Raises:
        NotEnoughMemoryError: before it starts where the size is known; under way where texts turn out longer.
    """
    import pandas as pd

    rows = table.num_rows
    what, total = table.described("to_pandas()"), table.pandas_bytes()
    memory.require(total + min(read_ahead_bytes(), table.nbytes), what)
    columns = [_Filled(field.type, rows) for field in table.schema]
    begin, unlooked = 0, 0
    for batch in table.batches():
        for column, array in zip(columns, batch.columns, strict=True):
            column.put(begin, array)
        begin += batch.num_rows
        unlooked += batch.nbytes
        if unlooked > _LOOK_EVERY and begin < rows:
            # What was asked for with np.empty counts as used only once it is written to: it is still to come.
            memory.require(total * (rows - begin) // rows, what)
            unlooked = 0
    series = {number: column.result() for number, column in enumerate(columns)}
    frame = pd.DataFrame(series, index=pd.RangeIndex(rows), copy=False)
    frame.columns = pd.Index(table.column_names, dtype=object)
    return frame


class _Filled:
    """One column under way."""

    def __init__(self, kind: pa.DataType, rows: int) -> None:
        self._kind = kind
        self._array: Array | None = None
        self._parts: list[pa.Array] = []
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
            self._array = np.empty(rows, kind.to_pandas_dtype())
        elif pa.types.is_timestamp(kind):
            self._array = np.empty(rows, f"datetime64[{kind.unit}]")
        elif not pa.types.is_dictionary(kind):
            self._array = np.empty(rows, object)

    def put(self, begin: int, array: pa.Array) -> None:
        """The values from row `begin` on."""
        if self._array is None:
            self._parts.append(array)
            return
        end = begin + len(array)
        if array.null_count:
            if pa.types.is_integer(self._kind) and self._array.dtype.kind != "f":
                self._array = self._array.astype(np.float64)
            elif pa.types.is_boolean(self._kind) and self._array.dtype != object:
                self._array = self._array.astype(object)
        if is_tensor(self._kind):
            for number, value in enumerate(to_numpy(array), begin):
                self._array[number] = value
            return
        if pa.types.is_timestamp(self._kind):
            values = array.cast(pa.timestamp(self._kind.unit)).to_numpy(zero_copy_only=False)
        elif self._array.dtype == object:
            # Unlike to_numpy, this makes one object of equal texts.
            values = array.to_pandas(date_as_object=True).to_numpy(dtype=object)
        else:
            values = array.to_numpy(zero_copy_only=False)
        self._array[begin:end] = values

    def result(self) -> Column:
        """The whole column, as pandas has it."""
        import pandas as pd

        if self._array is None:
            categories: Column = pa.chunked_array(self._parts, self._kind).to_pandas()
            return categories
        if not pa.types.is_timestamp(self._kind):
            return self._array
        moments, self._array = self._array, None
        if self._kind.unit != "ns" and _fits_nanoseconds(moments):
            moments = moments.astype("datetime64[ns]")
        if self._kind.tz is None:
            return moments
        local: Column = pd.Series(moments).dt.tz_localize("UTC").dt.tz_convert(self._kind.tz)
        return local


def _fits_nanoseconds(moments: Array) -> bool:
    known = moments[~np.isnat(moments)].astype("datetime64[us]").astype(np.int64)
    return not len(known) or (known.min() >= -_NS_LIMIT and known.max() <= _NS_LIMIT)
