"""Features as the boosting libraries read them from Arrow: numbers, and categories numbered alike everywhere.

Numbers and booleans stay as they are. Texts and pandas categories become the library's own categoricals: their values
are listed once, before the data is split, so that every worker, batch, evaluation set and prediction means the same by
a number. NULL and NaN are missing; so is a text that training has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ..data import RemoteTable
from .names import ColumnError


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: the table's column, the name in the model, and the categories' values (None: a number)."""

    column: str
    name: str
    categories: pa.Array | None = None


@dataclass(frozen=True)
class Encoding:
    """All features, in the model's order. Picklable."""

    features: tuple[Feature, ...]

    @property
    def names(self) -> list[str]:
        """The features' names in the model."""
        return [feature.name for feature in self.features]

    @property
    def categories(self) -> list[pa.Array]:
        """The values of each feature that is a category, in order."""
        return [feature.categories for feature in self.features if feature.categories is not None]

    def dictionaries(self, data: pa.Table) -> pa.Table:
        """Numbers, and each category as a dictionary column with all of the training's values (XGBoost reads these)."""
        return self._table(data, lambda codes, values: pa.chunked_array(_dictionaries(codes, values)))

    def codes(self, data: pa.Table) -> pa.Table:
        """Numbers, and each category as its number (what LightGBM reads; it takes no dictionaries)."""
        return self._table(data, lambda codes, values: codes)

    def _table(self, data: pa.Table, category: Callable[[pa.ChunkedArray, pa.Array], pa.ChunkedArray]) -> pa.Table:
        columns = []
        for feature in self.features:
            column = data.column(feature.column)
            if feature.categories is None:
                columns.append(_number(column, feature.column))
            else:
                columns.append(category(_codes(column, feature.categories), feature.categories))
        return pa.table(columns, names=self.names)


def check_types(schema: pa.Schema, columns: Sequence[str]) -> None:
    """Raise ColumnError where a column is nothing that trees are grown on, before any row is read."""
    for column in columns:
        kind = schema.field(column).type
        values = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (_is_number(values) or _is_text(values) or pa.types.is_null(values)):
            raise ColumnError(
                f"the column {column} is a {kind}, which is no feature: turn it into a number in the query (a date "
                f"with DATEDIFF('day', {column}, …), say), or leave it out of input_cols"
            )


def is_category(kind: pa.DataType) -> bool:
    """Whether a column of this type becomes a categorical feature."""
    return pa.types.is_dictionary(kind) or _is_text(kind)


def learn(table: RemoteTable, columns: Sequence[str], names: Sequence[str]) -> Encoding:
    """The encoding of these columns; reads those that are categories, once.

    A pandas category keeps its order; texts are sorted, as pandas does it (`astype("category")`).
    """
    wanted = [column for column in columns if is_category(table.schema.field(column).type)]
    values = _values(table.select(wanted).batches(), wanted) if wanted else {}
    return Encoding(
        tuple(Feature(column, name, values.get(column)) for column, name in zip(columns, names, strict=True))
    )


def _values(batches: Iterable[pa.RecordBatch], columns: Sequence[str]) -> dict[str, pa.Array]:
    ordered: dict[str, pa.Array] = {}
    seen: dict[str, pa.Array] = {}
    for batch in batches:
        for column in columns:
            array = batch.column(column)
            found = array.dictionary if pa.types.is_dictionary(array.type) else pc.unique(array)
            if pa.types.is_dictionary(array.type):
                ordered.setdefault(column, found)
            if column not in seen:
                seen[column] = found
            elif not found.equals(seen[column]):
                seen[column] = pc.unique(pa.concat_arrays([seen[column], found]))
    return {column: _listed(seen.get(column), ordered.get(column)) for column in columns}


def _listed(seen: pa.Array | None, ordered: pa.Array | None) -> pa.Array:
    if seen is None:
        return pa.array([], pa.string())
    if ordered is not None and len(ordered) == len(seen):
        values = ordered
    else:
        found = seen.drop_null()
        values = found.take(pc.sort_indices(found))
    kind = pa.string() if _is_text(values.type) else values.type
    # Made anew: XGBoost wants an array without a bitmap of what is missing.
    return pa.array(values.to_pylist(), kind)


def _codes(column: pa.ChunkedArray, categories: pa.Array) -> pa.ChunkedArray:
    chunks = []
    for chunk in column.chunks:
        if pa.types.is_dictionary(chunk.type):
            places = pc.index_in(chunk.dictionary.cast(categories.type), value_set=categories)
            chunks.append(places.take(chunk.indices))
        else:
            chunks.append(pc.index_in(chunk.cast(categories.type), value_set=categories))
    return pa.chunked_array(chunks, pa.int32())


def _dictionaries(codes: pa.ChunkedArray, categories: pa.Array) -> Iterator[pa.DictionaryArray]:
    for chunk in codes.chunks or [pa.array([], pa.int32())]:
        yield pa.DictionaryArray.from_arrays(chunk, categories)


def _number(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if pa.types.is_null(column.type):
        return column.cast(pa.float64())
    if pa.types.is_float16(column.type):
        return column.cast(pa.float32())
    if not _is_number(column.type):
        # Not left to the library: LightGBM ends the whole process over a type that it does not know.
        raise ColumnError(f"the column {name} is a {column.type} here, and was a number in training")
    return column


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
