"""The bounds of a Parquet object's columns, from what its writer noted of each row group (runs inside the sandbox)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

from cleanroom_ml.engine.sql import bounds
from cleanroom_ml.engine.sql.bounds import Range, Value
from cleanroom_ml.engine.sql.types.sql_type import parse_type


def of_file(
    metadata: pq.FileMetaData, schema: pa.Schema, columns: Sequence[Sequence[str]], fine: Sequence[int] = ()
) -> str:
    """What `engine.sql.bounds` reads. A column without notes in any row group is left out, and so are those with
    nanoseconds (`fine`).
    """
    found: dict[str, Range] = {}
    for number, ((name, text), leaf) in enumerate(zip(columns, _leaves(schema), strict=True)):
        sort = bounds.sort_of(parse_type(text))
        if number in fine or sort is None or len(found) == bounds.MOST_COLUMNS:
            continue
        known = _range(metadata, leaf)
        if known is not None:
            found[name] = known
    return bounds.written(found, fine)


def _leaves(schema: pa.Schema) -> Iterator[int]:
    """Where the first of each column's values is among those of the file: a struct has as many as fields."""
    place = 0
    for field in schema:
        yield place
        place += max(1, field.type.num_fields)


def _range(metadata: pq.FileMetaData, leaf: int) -> Range | None:
    values: list[Value] = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        noted = group.column(leaf).statistics
        if noted is None or not noted.has_null_count:
            return None
        if noted.null_count == group.num_rows:
            continue
        if not noted.has_min_max:  # its texts are too long for a note
            return None
        try:
            ends = [_value(each) for each in (noted.min, noted.max)]
        except (OverflowError, ValueError):  # a date that Python has none of
            return None
        values += ends
    if not values:
        return Range(None, None)
    least, greatest = min(values), max(values)
    if isinstance(least, str) and isinstance(greatest, str):
        return bounds.text_range(least, greatest)
    return Range(least, greatest)


def _value(noted: object) -> Value:
    if isinstance(noted, int):
        return Decimal(noted)
    if isinstance(noted, datetime | Decimal | str):
        return noted
    if isinstance(noted, date):
        return datetime(noted.year, noted.month, noted.day)
    raise ValueError(type(noted).__name__)
