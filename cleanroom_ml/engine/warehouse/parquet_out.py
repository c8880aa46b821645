"""A query's rows as one Parquet object in declared columns (runs inside the sandbox)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cleanroom_ml.engine.sql.compiled import Operation
from cleanroom_ml.engine.sql.types import fine
from cleanroom_ml.engine.sql.types.moment_casts import cut, stored
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.warehouse import parquet_bounds
from cleanroom_ml.engine.warehouse.arrow_types import fine_type, is_fine, nanoseconds, stored_type
from cleanroom_ml.engine.warehouse.depth import check
from cleanroom_ml.naming import quote

ROW_GROUP: Final = 122_880
DICTIONARY_BYTES: Final = 64 << 10
PAGE_BYTES: Final = 128 << 10
"""Whoever wants one row reads the dictionary of its column and one page: both are small, and a dictionary is for values
that are many times the same (docs/measured-facts.md, Statements).
"""


def casting(
    sql: str, names: Sequence[str], columns: Sequence[Sequence[str]], given: Sequence[str] | None = None
) -> str:
    """The query with its columns cast, by position, to the declared types; what does not fit fails with the column's
    number. `given` are DuckDB's names of the columns' types; None: all are text, which names every function that may
    be needed.
    """
    sources = ["VARCHAR"] * len(columns) if given is None else given
    casts = [
        _cast(quote(names[number]), number, parse_type(text), sources[number])
        for number, (_, text) in enumerate(columns)
    ]
    casts += [quote(name) for name in names[len(columns) :]]
    return f"SELECT {', '.join(casts)} FROM ({sql}) AS _written({', '.join(map(quote, names))})"


def _cast(name: str, number: int, sql_type: SqlType, source: str) -> str:
    if sql_type.is_json:
        return sql_type.cast_of(None).template_for(name)
    if sql_type.record.moment is not None:
        exact = fine.stored(sql_type.record.moment, source, sql_type.scale)
        if exact is not None:
            return exact.replace("{0}", name)
        made = stored(sql_type.record.moment, source).replace("{0}", name)
        return cut(sql_type.record.moment, sql_type.scale).replace("{0}", made)
    # DuckDB rounds the half of a DOUBLE to the even number, Snowflake away from zero.
    given = f"round({name})" if sql_type.is_whole and source in {"DOUBLE", "FLOAT"} else name
    value = f"CAST({given} AS {sql_type.duckdb})"
    bound = None
    if sql_type.length is not None:
        bound = f"{'length' if sql_type.record.characters else 'octet_length'}({value}) > {sql_type.length}"
        kind = "length"
    elif sql_type.is_whole:
        bound = f"abs(CAST({value} AS HUGEINT)) >= {10 ** (sql_type.precision or 38)}"
        kind = "range"
    if bound is None:
        return value
    return f"CASE WHEN {bound} THEN error('cleanroom:{kind}:{number}') ELSE {value} END"


class TooWide(Exception):
    """A column has whole numbers that 64 bits do not hold, or moments that microseconds do not. `column`: its
    position.
    """

    def __init__(self, column: int) -> None:
        super().__init__(column)
        self.column = column


def write(
    reader: pa.RecordBatchReader,
    columns: Sequence[Sequence[str]],
    output: int,
    *,
    operations: bool,
    wide: frozenset[int] = frozenset(),
) -> dict[str, object]:
    """Write the reader's rows; {rows, updated, joined, inserted, deleted, bounds}. With `operations` the last column
    says what each row is. The columns `wide` are written in 128 bits, or with nanoseconds. Raises TooWide: another one
    has to be.
    """
    types = [parse_type(text) for _, text in columns]
    schema = pa.schema(
        [
            pa.field(name, _wide_type(found) if number in wide else stored_type(found))
            for number, ((name, _), found) in enumerate(zip(columns, types, strict=True))
        ]
    )
    with_nanoseconds = [number for number in sorted(wide) if is_fine(schema.field(number).type)]
    documents = [number for number, (_, text) in enumerate(columns) if parse_type(text).is_json]
    counts = dict.fromkeys((Operation.UPDATED, Operation.INSERTED, Operation.DELETED, Operation.JOINED), 0)
    rows = 0
    pending: list[pa.RecordBatch] = []
    waiting = 0
    noted: list[pq.FileMetaData] = []
    with open(output, "wb", closefd=False) as file:
        with pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            use_dictionary=True,
            dictionary_pagesize_limit=DICTIONARY_BYTES,
            data_page_size=PAGE_BYTES,
            metadata_collector=noted,
        ) as writer:
            for batch in reader:
                if operations:
                    batch = _counted(batch, counts)
                if not batch.num_rows:
                    continue
                arrays = [_stored(array, schema.field(n).type, n) for n, array in enumerate(batch.columns)]
                for number in documents:
                    check(arrays[number])
                pending.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
                waiting += batch.num_rows
                rows += batch.num_rows
                if waiting >= ROW_GROUP:
                    writer.write_table(pa.Table.from_batches(pending), row_group_size=ROW_GROUP)
                    pending, waiting = [], 0
            if pending:
                writer.write_table(pa.Table.from_batches(pending), row_group_size=ROW_GROUP)
        file.flush()
    return {
        "rows": rows,
        "updated": counts[Operation.UPDATED] + counts[Operation.JOINED],
        "joined": counts[Operation.JOINED],
        "inserted": counts[Operation.INSERTED],
        "deleted": counts[Operation.DELETED],
        "bounds": parquet_bounds.of_file(noted[0], schema, columns, with_nanoseconds),
    }


def _counted(batch: pa.RecordBatch, counts: dict[int, int]) -> pa.RecordBatch:
    """Count a batch's operations, and drop its deleted rows and the operation column."""
    operation = batch.column(batch.num_columns - 1)
    for found in pc.value_counts(operation).to_pylist():
        if found["values"] in counts:
            counts[found["values"]] += found["counts"]
    kept = batch.filter(pc.not_equal(operation, Operation.DELETED))
    return kept.select(list(range(batch.num_columns - 1)))


def _wide_type(sql_type: SqlType) -> pa.DataType:
    moment = sql_type.record.moment
    return pa.decimal128(38, 0) if moment is None else fine_type(moment)


def _stored(array: pa.Array, target: pa.DataType, number: int) -> pa.Array:
    if is_fine(array.type):
        nanoseconds(array)
        return array.cast(target) if is_fine(target) else _to_the_microsecond(array, target, number)
    if array.type == target:
        return array
    try:
        return array.cast(target)
    except pa.ArrowInvalid:
        if target != pa.int64() or not pa.types.is_decimal(array.type):
            raise
        raise TooWide(number) from None


def _to_the_microsecond(array: pa.StructArray, target: pa.DataType, number: int) -> pa.Array:
    """Moments that have no nanoseconds without them. Raises TooWide: some have."""
    if pc.any(pc.not_equal(pc.struct_field(array, "moment_ns"), 0)).as_py():
        raise TooWide(number)
    micros = pc.struct_field(array, "moment_us")
    if not pa.types.is_struct(target):
        return micros.cast(target)
    parts = [micros, pc.struct_field(array, "shift")]
    return pa.StructArray.from_arrays(parts, fields=list(target), mask=pc.is_null(array))
