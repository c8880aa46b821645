"""Avro's object container files (avro.apache.org/docs/1.11.1/specification): read as rows, inside the sandbox."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Final

import pyarrow as pa

_MAGIC: Final = b"Obj\x01"
_DEEPEST: Final = 64
_CONTEXT: Final = Context(prec=100)
"""More digits than any NUMBER has: Python's own rounds to 28."""
_MOST_EMPTY: Final = 1 << 20
"""Rows of a block that have no bytes."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_Read = Callable[["_Bytes"], object]


class Damaged(ValueError):
    """It is no such file, or one with something that is not read here."""


class _Bytes:
    """Bytes that are read once, from the front. Raises Damaged: there are not as many."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self.at

    def take(self, count: int) -> bytes:
        if not 0 <= count <= self.left:
            raise Damaged("it ends too early")
        self.at += count
        return self._data[self.at - count : self.at]

    def long(self) -> int:
        """A zig-zag number of at most 64 bits."""
        shift = found = 0
        while True:
            byte = self.take(1)[0]
            found |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return (found >> 1) ^ -(found & 1)
            if shift > 63:
                raise Damaged("a number is too long")

    def text(self) -> str:
        return self.take(self.long()).decode()


def rows(data: bytes) -> list[dict[str, object]]:
    """The records of a file. Raises Damaged."""
    try:
        return _rows(_Bytes(data))
    except (KeyError, TypeError, IndexError, UnicodeDecodeError, zlib.error, struct.error, OverflowError) as error:
        raise Damaged("it cannot be read") from error
    except (json.JSONDecodeError, pa.ArrowException) as error:
        raise Damaged("it cannot be read") from error


def _rows(source: _Bytes) -> list[dict[str, object]]:
    if source.take(len(_MAGIC)) != _MAGIC:
        raise Damaged("it is no Avro file")
    header = dict(_blocks(source, lambda: (source.text(), source.take(source.long()))))
    sync = source.take(16)
    schema = json.loads(header["avro.schema"])
    read = _reader(schema, {}, 0)
    unpack = _CODECS.get(header.get("avro.codec", b"null").decode())
    if unpack is None:
        raise Damaged("its codec is not known")
    found: list[dict[str, object]] = []
    while source.left:
        count = source.long()
        block = _Bytes(unpack(source.take(source.long())))
        if source.take(16) != sync:
            raise Damaged("a block is damaged")
        if not 0 <= count <= max(block.left, _MOST_EMPTY):
            raise Damaged("it says that it has more rows than there are")
        for _ in range(count):
            row = read(block)
            if not isinstance(row, dict):
                raise Damaged("it holds no records")
            found.append(row)
    return found


def _snappy(data: bytes) -> bytes:
    """Snappy without its frame, and four bytes of a checksum behind it."""
    size = shift = 0
    for byte in data[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return bytes(pa.decompress(data[:-4], decompressed_size=size, codec="snappy", asbytes=True))


_CODECS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "null": lambda data: data,
    "deflate": lambda data: zlib.decompress(data, wbits=-15),
    "snappy": _snappy,
}


def _blocks(source: _Bytes, item: Callable[[], tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    while count := source.long():
        if count < 0:
            source.long()
        for _ in range(abs(count)):
            yield item()


def _reader(schema: object, named: dict[str, _Read], depth: int) -> _Read:
    """What reads a value of a schema. Raises Damaged: it is none, or nested too deeply."""
    if depth > _DEEPEST:
        raise Damaged("its schema is nested too deeply")
    if isinstance(schema, list):
        branches = [_reader(each, named, depth + 1) for each in schema]
        return lambda source: branches[source.long()](source)
    if isinstance(schema, str):
        if schema in named:
            return lambda source: named[schema](source)
        return _PRIMITIVES[schema]
    if not isinstance(schema, dict):
        raise Damaged("its schema is none")
    kind = schema["type"]
    if kind in {"record", "enum", "fixed"}:
        return _named(schema, kind, named, depth)
    if kind == "array":
        items = _reader(schema["items"], named, depth + 1)
        return lambda source: _several(source, lambda: items(source))
    if kind == "map":
        values = _reader(schema["values"], named, depth + 1)
        return lambda source: dict(_pairs(_several(source, lambda: (source.text(), values(source)))))
    plain = _reader(kind, named, depth + 1)
    logical = _LOGICAL.get(str(schema.get("logicalType")))
    if schema.get("logicalType") == "decimal":
        scale = int(schema.get("scale") or 0)
        return lambda source: _decimal(_as_bytes(plain(source)), scale)
    return plain if logical is None else lambda source: logical(plain(source))


def _named(schema: Mapping[str, object], kind: str, named: dict[str, _Read], depth: int) -> _Read:
    name = str(schema["name"])
    if kind == "record":
        fields: list[tuple[str, _Read]] = []

        def record(source: _Bytes) -> object:
            return {field: read(source) for field, read in fields}

        named[name] = record
        listed = schema["fields"]
        if not isinstance(listed, list):
            raise Damaged("its schema is none")
        fields += [(str(each["name"]), _reader(each["type"], named, depth + 1)) for each in listed]
        return record
    if kind == "enum":
        symbols = schema["symbols"]
        if not isinstance(symbols, list):
            raise Damaged("its schema is none")
        read: _Read = lambda source: str(symbols[source.long()])  # noqa: E731 - it has no name of its own
    else:
        size = int(str(schema["size"]))
        read = lambda source: source.take(size)  # noqa: E731 - as above
    named[name] = read
    return read


def _several(source: _Bytes, item: Callable[[], object]) -> list[object]:
    found: list[object] = []
    while count := source.long():
        if count < 0:
            source.long()
        if abs(count) > source.left:  # each has a byte at least, but for what has no bytes
            raise Damaged("a list is longer than the file")
        found += [item() for _ in range(abs(count))]
    return found


def _pairs(items: list[object]) -> Iterator[tuple[object, object]]:
    for item in items:
        if isinstance(item, tuple):
            yield item


def _decimal(units: bytes, scale: int) -> Decimal:
    return Decimal(int.from_bytes(units, "big", signed=True)).scaleb(-scale, _CONTEXT)


def _as_bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise Damaged("a decimal has no bytes")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise Damaged("a moment is no number")
    return value


def _unpacked(layout: str, size: int) -> _Read:
    return lambda source: struct.unpack(layout, source.take(size))[0]


_PRIMITIVES: Final[Mapping[str, _Read]] = {
    "null": lambda source: None,
    "boolean": lambda source: source.take(1) == b"\x01",
    "int": _Bytes.long,
    "long": _Bytes.long,
    "float": _unpacked("<f", 4),
    "double": _unpacked("<d", 8),
    "bytes": lambda source: source.take(source.long()),
    "string": _Bytes.text,
}
_MIDNIGHT: Final = datetime(1970, 1, 1)
_LOGICAL: Final[Mapping[str, Callable[[object], object]]] = {
    "date": lambda value: date(1970, 1, 1) + timedelta(days=_count(value)),
    "time-millis": lambda value: _clock(_count(value) * 1000),
    "time-micros": lambda value: _clock(_count(value)),
    "timestamp-millis": lambda value: _EPOCH + timedelta(milliseconds=_count(value)),
    "timestamp-micros": lambda value: _EPOCH + timedelta(microseconds=_count(value)),
    "local-timestamp-millis": lambda value: _MIDNIGHT + timedelta(milliseconds=_count(value)),
    "local-timestamp-micros": lambda value: _MIDNIGHT + timedelta(microseconds=_count(value)),
}


def _clock(micros: int) -> time:
    return (_MIDNIGHT + timedelta(microseconds=micros)).time()
