"""Arrow types by pyarrow's own names of them, which the records of column types give (sql/types/record.py)."""

from __future__ import annotations

import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from cleanroom_ml.engine.sql.types.intervals import field_of
from cleanroom_ml.engine.sql.types.moment_casts import Moment
from cleanroom_ml.engine.sql.types.record import AS_COMPUTED, Parameters
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.sql.types.table import RECORDS

_DECIMAL: Final = re.compile(r"decimal128\((\d+), (\d+)\)")
TWO_PARTS: Final = pa.struct([("epoch", pa.int64()), ("fraction", pa.int32())])
"""A moment as seconds since 1970 and nanoseconds."""
_MOST_NANOSECONDS: Final = 999
_US: Final[dict[str, pa.DataType]] = {
    "TIME": pa.time64("us"),
    "NTZ": pa.timestamp("us"),
    "LTZ": pa.timestamp("us", tz="UTC"),
    "TZ": pa.timestamp("us"),
}
_WITH_PARAMETERS: Final = {
    str(found): found
    for found in (
        *(
            pa.struct([(field_of(name), pa.int64() if record.sent == "int64" else pa.decimal128(38, 0))])
            for name, record in RECORDS.items()
            if record.parameters is Parameters.INTERVAL
        ),
        pa.date32(),
        pa.time64("us"),
        pa.timestamp("us", tz="UTC"),
        pa.struct([("utc", pa.timestamp("us")), ("shift", pa.int16())]),
        pa.struct([("epoch", pa.int64()), ("fraction", pa.int32()), ("timezone", pa.int32())]),
        TWO_PARTS,
    )
}


def stored_type(sql_type: SqlType) -> pa.DataType:
    """How a declared column is stored."""
    return _named(sql_type.stored)


def fine_type(moment: Moment) -> pa.DataType:
    """How a column is stored whose values have nanoseconds (sql/types/fine.py)."""
    fields = [("moment_us", _US[moment]), ("moment_ns", pa.int16())]
    return pa.struct([*fields, ("shift", pa.int16())] if moment == "TZ" else fields)


def is_fine(given: pa.DataType) -> bool:
    """Whether an Arrow array is of moments with nanoseconds."""
    return bool(pa.types.is_struct(given) and given.get_field_index("moment_ns") >= 0)


def nanoseconds(array: pa.StructArray) -> pa.Array:
    """Those of moments that have some. Raises ArrowInvalid: they are none; a file may have columns of these names."""
    found = pc.struct_field(array, "moment_ns")
    if pc.any(pc.or_(pc.less(found, 0), pc.greater(found, _MOST_NANOSECONDS))).as_py():
        raise pa.ArrowInvalid("more nanoseconds than a microsecond has")
    return found


def sent_type(sql_type: SqlType, given: pa.DataType) -> pa.DataType:
    """The Arrow type on the wire of a result column that DuckDB gives as `given`."""
    if sql_type.record.moment == "NTZ" and (is_fine(given) or given == pa.timestamp("ns")):
        return TWO_PARTS
    if sql_type.record.sent != AS_COMPUTED:
        return _named(sql_type.record.sent)
    if pa.types.is_decimal(given):
        return pa.decimal128(given.precision, given.scale)
    return pa.decimal128(20, 0) if given == pa.uint64() else pa.int64()


def _named(name: str) -> pa.DataType:
    decimal = _DECIMAL.fullmatch(name)
    if decimal is not None:
        return pa.decimal128(int(decimal.group(1)), int(decimal.group(2)))
    return _WITH_PARAMETERS.get(name) or pa.type_for_alias(name)
