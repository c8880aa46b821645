"""The rows of a training: a table, which of its columns mean what, and its content as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..data import RemoteTable
from ..values import Array
from .encoding import Encoding
from .names import ColumnError, displayed, find


class Arrays(NamedTuple):
    """Some rows: the columns of the features (not yet encoded), what is to be learned, and what a row weighs."""

    data: pa.Table
    label: Array
    weight: Array | None


@dataclass(frozen=True)
class Rows:
    """Rows that a model is trained or evaluated on. Picklable; a worker reads its own."""

    table: RemoteTable
    encoding: Encoding
    label: str
    weight: str | None = None
    name: str = "train"

    def shard(self, rank: int, world_size: int) -> Rows:
        """One worker's part."""
        return replace(self, table=self.table.shard(rank, world_size))

    def whole(self) -> Arrays:
        """All of it, in memory; without a copy where it is there already. Raises NotEnoughMemoryError."""
        return self._arrays(self.table.to_arrow())

    def batches(self, max_rows: int) -> Iterator[Arrays]:
        """All of it, in order, a piece at a time."""
        for batch in self.table.batches(max_rows):
            yield self._arrays(pa.Table.from_batches([batch]))

    def _arrays(self, table: pa.Table) -> Arrays:
        label = numbers(table.column(self.label), self.label, "label")
        weight = None if self.weight is None else numbers(table.column(self.weight), self.weight, "weight")
        return Arrays(table, label, weight)


class Roles(NamedTuple):
    """Which column is what, in the table's own spelling."""

    features: list[str]
    label: str
    weight: str | None


def roles(
    table: RemoteTable, input_cols: Sequence[str] | str | None, label_col: str | None, weight_col: str | None
) -> Roles:
    """The columns that a script named, found in the table; without `input_cols`, all but label and weight.

    Raises:
        ColumnError: one is missing, named for two things, of no use, or there is no row at all.
    """
    columns = table.column_names
    if label_col is None:
        raise ColumnError(f"label_col is missing: the name of the column to learn, one of {displayed(columns)}")
    label = find(label_col, columns, what="label_col")
    weight = None if weight_col is None else find(weight_col, columns, what="weight_col")
    if input_cols is None:
        features = [column for column in columns if column not in (label, weight)]
    else:
        listed = [input_cols] if isinstance(input_cols, str) else list(input_cols)
        features = [find(name, columns, what="input_cols") for name in listed]
    if not features:
        raise ColumnError("there is no feature: input_cols is empty, or the data has the label only")
    if label in features:
        raise ColumnError(f"the label {label} is among the input_cols: a model would learn to repeat it")
    twice = sorted({column for column in features if features.count(column) > 1})
    if twice:
        raise ColumnError(f"input_cols names {displayed(twice)} more than once")
    for column in (label, *([weight] if weight else [])):
        _check_number(table.schema.field(column).type, column, "label" if column == label else "weight")
    if not table.num_rows:
        raise ColumnError("the data is empty: there is no row to learn from; look at the query, or at what it joins")
    return Roles(features, label, weight)


def numbers(column: pa.ChunkedArray, name: str, what: str) -> Array:
    """A label or a weight as numbers. Raises ColumnError where it is missing somewhere."""
    missing = column.null_count
    if missing:
        raise ColumnError(
            f"the {what} {name} is NULL in {missing:,} of {len(column):,} rows; leave these out with a WHERE "
            f"{name} IS NOT NULL, or fill them in the query"
        )
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    array: Array = column.to_numpy()
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise ColumnError(f"the {what} {name} is NaN in {np.isnan(array).sum():,} of {len(array):,} rows")
    return array


def _check_number(kind: pa.DataType, column: str, what: str) -> None:
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return
    raise ColumnError(
        f"the {what} {column} is a {kind}, not a number: number the classes from 0 in the query "
        f"(IFF({column} = 'yes', 1, 0), or DENSE_RANK() OVER (ORDER BY {column}) - 1)"
    )
