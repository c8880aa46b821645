"""A spooled result once more as JSON texts, behind the Arrow streams in the same file (runs inside the sandbox).

A client that asked for JSON gets these; RESULT_SCAN goes on reading the streams. A chunk is rows separated by commas,
which the connector puts into brackets (`result_batch.JSONResultBatch._load`); what the text of each type is says its
`converter.py`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from cleanroom_ml.engine.sql.types.sql_type import SqlType

FIRST_ROWS: Final = 2048
FIRST_BYTES: Final = 512 << 10
"""Of the rows that the front reads and sends with the answer itself."""
CHUNK_BYTES: Final = 2 << 20
_CELLS: Final = 65_536
"""Values that are Python objects at once."""
_STEP_BYTES: Final = 4 << 20
_IN_NANOS: Final = 9
_NANOS: Final = 10**_IN_NANOS


def append(
    fd: int, batches: Sequence[Sequence[int]], types: Sequence[SqlType], seconds: Sequence[int | None] = ()
) -> list[list[int]]:
    """Writes the rows of these streams behind them: [offset, length, rows] of each chunk of text. `seconds`: the digits
    of a second that columns declare, which is how many the connector reads.
    """
    if len(seconds) == len(types):
        types = [kind if each is None else replace(kind, scale=each) for kind, each in zip(types, seconds, strict=True)]
    end = sum(length for _, length, _ in batches)
    chunks: list[list[int]] = []
    pending: list[bytes] = []
    size = 0

    def flush() -> None:
        nonlocal end, size
        text = b",".join(pending)
        _write(fd, text, end)
        chunks.append([end, len(text), len(pending)])
        end += len(text)
        pending.clear()
        size = 0

    for row in _rows(fd, batches, types):
        most = CHUNK_BYTES if chunks else FIRST_BYTES
        if pending and (size + len(row) + 1 > most or (not chunks and len(pending) == FIRST_ROWS)):
            flush()
        pending.append(row)
        size += len(row) + 1
    if pending:
        flush()
    return chunks


def _rows(fd: int, batches: Sequence[Sequence[int]], types: Sequence[SqlType]) -> Iterator[bytes]:
    for offset, length, _ in batches:
        with pa.ipc.open_stream(pa.py_buffer(os.pread(fd, length, offset))) as reader:
            for batch in reader:
                each = max(1, batch.nbytes // max(1, batch.num_rows))
                step = max(1, min(_CELLS // max(1, batch.num_columns), _STEP_BYTES // each))
                for start in range(0, batch.num_rows, step):
                    part = batch.slice(start, step)
                    columns = [texts(array, kind) for array, kind in zip(part.columns, types, strict=True)]
                    for row in zip(*columns, strict=True):
                        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def _write(fd: int, text: bytes, offset: int) -> None:
    view = memoryview(text)
    while view:
        written = os.pwrite(fd, view, offset)
        offset += written
        view = view[written:]


def texts(array: pa.Array, kind: SqlType) -> list[str | None]:
    """One column of a stream as texts; None for NULL."""
    writer = _MOMENTS.get(kind.record.moment or "")
    if writer is not None:
        return writer(array, (kind.record.seconds or 0) if kind.scale is None else kind.scale)
    values = array.to_pylist()
    one = _written(array.type, kind)
    return values if one is None else [None if value is None else one(value) for value in values]


def _written(given: pa.DataType, kind: SqlType) -> Callable[..., str] | None:
    if pa.types.is_decimal(given):
        return _decimal
    if pa.types.is_integer(given):
        scale = kind.scale or 0
        return (lambda units: _scaled(units, scale)) if scale else str
    if pa.types.is_floating(given):
        return _float
    if pa.types.is_boolean(given):
        return lambda value: "1" if value else "0"
    if pa.types.is_binary(given) or pa.types.is_large_binary(given):
        return lambda value: value.hex().upper()
    return None


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else "inf" if value > 0 else "-inf"


def _scaled(units: int, digits: int) -> str:
    """A count of units of the last of `digits` digits behind the point; exact, also before zero."""
    if not digits:
        return str(units)
    whole, rest = divmod(abs(units), 10**digits)
    return f"{'-' if units < 0 else ''}{whole}.{rest:0{digits}d}"


def _dates(array: pa.Array, _: int) -> list[str | None]:
    return [None if days is None else str(days) for days in array.view(pa.int32()).to_pylist()]


def _counts(array: pa.Array, digits: int) -> list[str | None]:
    if pa.types.is_struct(array.type):
        return _locals(array, digits)
    unit = 10 ** (_IN_NANOS - digits)
    return [None if units is None else _scaled(units // unit, digits) for units in array.to_pylist()]


def _locals(array: pa.Array, digits: int) -> list[str | None]:
    unit = 10 ** (_IN_NANOS - digits)
    return [
        None if value is None else _scaled((value["epoch"] * _NANOS + value["fraction"]) // unit, digits)
        for value in array.to_pylist()
    ]


def _with_offsets(array: pa.Array, digits: int) -> list[str | None]:
    zones = pc.struct_field(array, "timezone").to_pylist()
    return [
        None if text is None else f"{text} {zone}" for text, zone in zip(_locals(array, digits), zones, strict=True)
    ]


_MOMENTS: Final[dict[str, Callable[[pa.Array, int], list[str | None]]]] = {
    "DATE": _dates,
    "TIME": _counts,
    "NTZ": _counts,
    "LTZ": _locals,
    "TZ": _with_offsets,
}
