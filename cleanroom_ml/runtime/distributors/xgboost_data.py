"""Rows as XGBoost's matrices: whole, in pieces, or on disk. Imports xgboost, and is imported when a training starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import xgboost as xgb

from ..values import Params
from .choice import BATCH_BYTES, Way, on_gpu
from .encoding import Encoding
from .rows import Arrays, Rows

if TYPE_CHECKING:
    import pandas as pd

_HISTOGRAM_METHODS: Final = (None, "auto", "hist", "gpu_hist")


def takes_quantiles(params: Params) -> bool:
    """Whether these parameters train on a QuantileDMatrix: trees grown by histograms, and nothing unusual."""
    return (
        params.get("booster") in (None, "gbtree", "dart")
        and params.get("tree_method") in _HISTOGRAM_METHODS
        and "updater" not in params
        and params.get("process_type") in (None, "default")
    )


def matrix(
    rows: Rows, way: Way, params: Params, *, threads: int | None, cache: Path, ref: xgb.DMatrix | None = None
) -> xgb.DMatrix:
    """The rows as whatever trains fastest in that way; the model is the same whichever it is.

    `ref` is the training's matrix when this is an evaluation set, which then has its bins. `cache` is a directory for
    what is left on disk.

    A GPU bins by itself, and faster than the processors do: it wants the values (measured: 2M x 30 in 1.1 s, of bins
    made here in 1.9 s). What was binned on disk by the processors it cannot use; that way is not chosen for it.
    """
    if way is Way.DISK and on_gpu(params):
        raise ValueError("bins that the processors left on disk cannot be used by a GPU")
    quantiles = takes_quantiles(params) and (way is Way.BINS or not on_gpu(params))
    options: dict[str, object] = {"nthread": threads, "enable_categorical": bool(rows.encoding.categories)}
    if "missing" in params:
        options["missing"] = params["missing"]
    if quantiles:
        options |= {"max_bin": params.get("max_bin"), "ref": ref}
    if way is Way.MEMORY:
        arrays = rows.whole()
        made = xgb.QuantileDMatrix if quantiles else xgb.DMatrix
        return made(features(rows.encoding, arrays.data), arrays.label, weight=arrays.weight, **options)
    on_disk = way is Way.DISK or not quantiles
    pieces = Pieces(rows, str(cache / f"{id(rows):x}") if on_disk else None)
    if not quantiles:
        return xgb.DMatrix(pieces, **options)
    return xgb.ExtMemQuantileDMatrix(pieces, **options) if on_disk else xgb.QuantileDMatrix(pieces, **options)


def features(encoding: Encoding, data: pa.Table) -> pa.Table | pd.DataFrame:
    """Encoded columns in a form that XGBoost takes: Arrow, or pandas where categories are no texts."""
    encoded = encoding.dictionaries(data)
    if all(pa.types.is_string(values.type) for values in encoding.categories):
        return encoded
    return encoded.to_pandas()


class Pieces(xgb.DataIter):  # type: ignore[misc]
    """The rows, a piece at a time, as often as XGBoost goes over them."""

    def __init__(self, rows: Rows, cache: str | None) -> None:
        self._rows = rows
        self._max_rows = max(1, BATCH_BYTES // (8 * len(rows.encoding.features)))
        self._batches: Iterator[Arrays] | None = None
        super().__init__(cache_prefix=cache)

    def reset(self) -> None:
        """Back to the first piece."""
        self._batches = None

    def next(self, input_data: Callable[..., None]) -> bool:
        """Hand over the next piece; False after the last."""
        if self._batches is None:
            self._batches = self._rows.batches(self._max_rows)
        arrays = next(self._batches, None)
        if arrays is None:
            return False
        data = features(self._rows.encoding, arrays.data)
        input_data(data=data, label=arrays.label, weight=arrays.weight)
        return True
