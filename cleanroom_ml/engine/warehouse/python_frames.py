"""Frames between a statement's DuckDB and the process of its functions in Python (runs inside of both sandboxes).

A call is `!IQ` (the function's number, a length) and an Arrow stream of one batch, a column an argument; an answer
`!BQ` (0: a batch of one column, 1: it failed) and as much. Neither side believes the other: what comes is bounded
before it is read, and its types and its rows are those that are wanted, or it is refused.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.warehouse.python_signature import Signature
from cleanroom_ml.engine.warehouse.python_values import arrow_type

CALL: Final = struct.Struct("!IQ")
ANSWER: Final = struct.Struct("!BQ")
MOST_BYTES: Final = 64 << 20
"""Of one frame: some thousand rows."""

_FIRST_DAY: Final = -719_162
_LAST_DAY: Final = 2_932_896
_DAY: Final = 86_400_000_000
_BOUNDS: Final = (
    (pa.types.is_date32, (_FIRST_DAY, _LAST_DAY)),
    (pa.types.is_timestamp, ((_FIRST_DAY - 1) * _DAY, (_LAST_DAY + 2) * _DAY)),
)
"""Python's dates are of the years 1 to 9999, and so are its moments, of whatever time zone; of its times Arrow itself
knows how late they can be.
"""


class BadFrame(ValueError):
    """The other side sent what it should not."""


def argument_types(signature: Signature) -> list[pa.DataType]:
    """The columns of a call: one at least; of a group or a partition one list of all its rows."""
    each = [arrow_type(parse_type(name)) for name in signature["parameters"]] or [pa.int32()]
    if signature["aggregate"] or signature["partitioned"]:
        return [pa.list_(pa.struct([(f"a{place}", found) for place, found in enumerate(each)]))]
    return each


def result_type(signature: Signature) -> pa.DataType:
    """The column of an answer: of a table function a list of its rows."""
    if signature["returns"] is not None:
        return arrow_type(parse_type(signature["returns"]))
    columns = [(f"c{place}", arrow_type(each)) for place, each in enumerate(columns_of(signature))]
    return pa.list_(pa.struct([("i", pa.int64()), *columns] if signature["partitioned"] else columns))


def columns_of(signature: Signature) -> list[SqlType]:
    """The types of the columns of a table function."""
    return [parse_type(name) for name in signature["columns"]]


def packed(columns: list[pa.Array]) -> bytes:
    """Columns as an Arrow stream. Raises BadFrame: it is too large."""
    batch = pa.record_batch(columns, names=[f"f{place}" for place in range(len(columns))])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    made: bytes = sink.getvalue().to_pybytes()
    if len(made) > MOST_BYTES:
        raise BadFrame("a batch is too large")
    return made


def unpacked(data: bytes, types: list[pa.DataType], rows: int | None) -> list[pa.Array]:
    """The columns of an Arrow stream that has these types and so many rows. Raises BadFrame: it has not."""
    wanted = pa.schema([(f"f{place}", found) for place, found in enumerate(types)])
    try:
        with pa.ipc.open_stream(data) as reader:
            if not reader.schema.equals(wanted):
                raise BadFrame("other types than those that are declared")
            batch = reader.read_next_batch()
            batch.validate(full=True)
    except (pa.ArrowException, StopIteration, OSError) as error:
        raise BadFrame("no Arrow stream") from error
    if rows is not None and batch.num_rows != rows:
        raise BadFrame("another number of rows")
    for column in batch.columns:
        _check_moments(column)
    return list(batch.columns)


def _check_moments(column: pa.Array) -> None:
    """Raises BadFrame: a date or a time is one that no handler can give, and that DuckDB may take for another value
    (2^31 - 1 days are its infinity).
    """
    if pa.types.is_list(column.type):
        _check_moments(column.flatten())
    elif pa.types.is_struct(column.type):
        for member in column.flatten():
            _check_moments(member)
    bounds = next((found for is_one, found in _BOUNDS if is_one(column.type)), None)
    if bounds is None:
        return
    units = column.view(pa.int32() if pa.types.is_date32(column.type) else pa.int64())
    least, most = pc.min_max(units).values()
    if least.is_valid and not bounds[0] <= least.as_py() <= most.as_py() <= bounds[1]:
        raise BadFrame("a date or a time is out of range")


def send(connection: socket.socket, header: bytes, data: bytes) -> None:
    """One frame."""
    connection.sendall(header)
    connection.sendall(data)


def receive(connection: socket.socket, header: struct.Struct) -> tuple[int, bytes] | None:
    """The number and the bytes of the next frame; None: the other side is gone. Raises BadFrame: it is too large."""
    first = _exactly(connection, header.size)
    if first is None:
        return None
    number, length = header.unpack(first)
    if length > MOST_BYTES:
        raise BadFrame("a frame is too large")
    data = _exactly(connection, length)
    return None if data is None else (number, data)


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(min(size - len(data), 1 << 20))
        if not part:
            return None
        data += part
    return bytes(data)
