"""Rows as LightGBM's Dataset: whole, or in pieces. Imports lightgbm, and is imported when a training starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import lightgbm as lgb
import numpy as np
import pyarrow as pa

from ..values import Floats, Params
from .choice import BATCH_BYTES, Way
from .encoding import Encoding
from .rows import Rows, numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray


def dataset(rows: Rows, way: Way, params: Params, *, reference: lgb.Dataset | None = None) -> lgb.Dataset:
    """The rows, still to be binned; the model is the same whichever way it is. `reference` is the training's, whose
    bins an evaluation set has.
    """
    # What cannot be written into a text, a custom objective say, has nothing to do with bins.
    plain = {name: value for name, value in params.items() if not callable(value)}
    options: dict[str, object] = {"params": plain, "reference": reference, "categorical_feature": _categorical(rows)}
    if way is Way.MEMORY:
        arrays = rows.whole()
        return lgb.Dataset(rows.encoding.codes(arrays.data), arrays.label, weight=arrays.weight, **options)
    label = _column(rows, rows.label, "label")
    weight = None if rows.weight is None else _column(rows, rows.weight, "weight")
    return lgb.Dataset(Pieces(rows), label, weight=weight, feature_name=rows.encoding.names, **options)


def categories(encoding: Encoding) -> list[list[object]]:
    """What `Booster.pandas_categorical` is: with it, the booster predicts from a DataFrame with the same categories."""
    return [values.to_pylist() for values in encoding.categories]


class Pieces(lgb.Sequence):  # type: ignore[misc]
    """The rows, of which LightGBM takes a sample, row by row, and then all, a piece at a time."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.batch_size = max(1, BATCH_BYTES // (8 * len(rows.encoding.features)))
        self._kept: tuple[int, Floats] | None = None

    def __len__(self) -> int:
        return self._rows.table.num_rows

    def __getitem__(self, index: int | slice | list[int]) -> Floats:
        if isinstance(index, slice):
            begin, end, _ = index.indices(len(self))
            return self._matrix(begin, end - begin)
        if isinstance(index, list):
            return np.array([self[each] for each in index])
        # The sample comes in order: the piece around a row has the next ones too.
        begin = index // self.batch_size * self.batch_size
        if self._kept is None or self._kept[0] != begin:
            self._kept = None
            self._kept = begin, self._matrix(begin, self.batch_size)
        row: Floats = self._kept[1][index - begin]
        return row

    def _matrix(self, begin: int, rows: int) -> Floats:
        table = self._rows.table.slice(begin, rows)
        encoded = self._rows.encoding.codes(pa.Table.from_batches(table.batches(), table.schema))
        matrix = np.empty((encoded.num_rows, encoded.num_columns), np.float64)
        for number, column in enumerate(encoded.columns):
            if pa.types.is_boolean(column.type):
                column = column.cast(pa.int8())
            matrix[:, number] = column.to_numpy()  # NULL among integers is NaN
        return matrix


def _categorical(rows: Rows) -> list[int] | Literal["auto"]:
    places = [number for number, feature in enumerate(rows.encoding.features) if feature.categories is not None]
    return places or "auto"


def _column(rows: Rows, name: str, what: str) -> NDArray[np.float32]:
    """One column of rows that are read in pieces; LightGBM keeps it as float32 in any case."""
    table = rows.table.select([name])
    parts = [numbers(pa.chunked_array([batch.column(0)]), name, what).astype(np.float32) for batch in table.batches()]
    return np.concatenate(parts)
