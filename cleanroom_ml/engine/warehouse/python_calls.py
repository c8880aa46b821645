"""A statement's calls of functions in Python, as functions of its DuckDB (runs inside the warehouse's sandbox).

The functions themselves are in another sandbox: here is one end of a socket to it, and what comes from there is checked
before DuckDB sees it.
"""

from __future__ import annotations

import inspect
import socket
import threading
from collections.abc import Callable

import duckdb
import pyarrow as pa
from duckdb.func import ARROW, SPECIAL

from cleanroom_ml.engine.warehouse import python_frames as frames
from cleanroom_ml.engine.warehouse.python_signature import Signature

FAILED = "cleanroom:function"


class Channel:
    """The way to the process of the functions; DuckDB's threads take turns. Without a descriptor nothing is called:
    the statement is only described.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._socket = None if descriptor is None else socket.socket(fileno=descriptor)
        self._lock = threading.Lock()

    def call(self, number: int, arguments: list[pa.Array], gives: pa.DataType) -> pa.Array:
        """What a function gives for some rows. Raises ValueError: it failed, or its answer is none."""
        if self._socket is None:
            raise ValueError(FAILED)
        rows = len(arguments[0])
        try:
            data = frames.packed(arguments)
            with self._lock:
                frames.send(self._socket, frames.CALL.pack(number, len(data)), data)
                answer = frames.receive(self._socket, frames.ANSWER)
            if answer is None or answer[0] != 0:
                raise ValueError(FAILED)
            return frames.unpacked(answer[1], [gives], rows)[0]
        except (OSError, frames.BadFrame):
            raise ValueError(FAILED) from None


def register(connection: duckdb.DuckDBPyConnection, signatures: list[Signature], channel: Channel) -> None:
    """Puts functions into a connection by what the statement calls them, before its configuration is locked."""
    for number, signature in enumerate(signatures):
        connection.create_function(
            signature["called"],
            _function(number, signature, channel),
            [duckdb.type(name) for name in signature["takes"]],
            duckdb.type(signature["gives"]),
            type=ARROW,
            null_handling=SPECIAL,
            side_effects=True,
        )


def _function(number: int, signature: Signature, channel: Channel) -> Callable[..., pa.Array]:
    types, gives = frames.argument_types(signature), frames.result_type(signature)

    def call(*columns: pa.ChunkedArray) -> pa.Array:
        arguments = [
            column.cast(found).combine_chunks() if column.type != found else column.combine_chunks()
            for column, found in zip(columns, types, strict=True)
        ]
        return channel.call(number, [_one(each) for each in arguments], gives)

    # DuckDB counts a Python function's parameters.
    names = [f"a{place}" for place in range(len(types))]
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect reads
    return call


def _one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
    return column
