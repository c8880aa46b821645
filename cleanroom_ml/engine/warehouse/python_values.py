"""Values of functions in Python: what Arrow has, what a handler gets, and what it may give (runs inside of sandboxes).

Source: developer-guide/udf-stored-procedure-data-type-mapping, "SQL-Python Data Type Mappings".
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from cleanroom_ml.engine.sql.types.record import InPython
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.sql.values import json_text

Plain = Any  # Any: whatever a party's handler takes or gives
_TZ: Final = pa.struct([("utc", pa.timestamp("us")), ("shift", pa.int16())])
_ARROW: Final[dict[InPython, pa.DataType]] = {
    "float": pa.float64(),
    "bool": pa.bool_(),
    "bytes": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "naive": pa.timestamp("us"),
    "local": pa.timestamp("us", "UTC"),
    "aware": _TZ,
}
_CONTEXT: Final = Context(prec=100)


class SqlNull:
    """What a handler gets for an SQL NULL in a VARIANT, whose JSON null is None
    (developer-guide/udf/python/udf-python-designing).
    """

    is_sql_null = True

    def __repr__(self) -> str:
        return "sqlNullWrapper"


SQL_NULL: Final = SqlNull()


def arrow_type(found: SqlType) -> pa.DataType:
    """The Arrow type in which values of a type travel."""
    if _is_int64(found):
        return pa.int64()
    if found.record.python == "decimal":
        return pa.decimal128(found.precision or 38, found.scale or 0)
    return _ARROW.get(found.record.python, pa.string())


def given(column: pa.Array, found: SqlType, zone: str) -> list[Plain]:
    """A column as its handler gets the values."""
    values = column.to_pylist()
    if found.is_json:
        null = SQL_NULL if found.record.python == "any" else None
        return [null if value is None else json_text.in_python(json_text.read(value)) for value in values]
    if found.is_of_any_size:
        return [None if value is None else int(value) for value in values]
    if found.record.python == "local":
        local = ZoneInfo(zone)
        return [None if value is None else value.astimezone(local).replace(tzinfo=None) for value in values]
    if found.record.python == "aware":
        return [None if value is None else _aware(value) for value in values]
    return list(values)


def taken(values: Sequence[Plain], found: SqlType, zone: str) -> pa.Array:
    """What a handler gave, as a column. Raises TypeError or ValueError: a value is none of its type."""
    rule = _rule(found, zone)
    plain = [None if value is None or value is SQL_NULL else rule(unwrapped(value)) for value in values]
    return pa.array(plain, arrow_type(found))


def unwrapped(value: Plain) -> Plain:
    """A scalar of numpy's or pandas' as Python's own."""
    module = type(value).__module__
    if module == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        return value.item()
    if hasattr(value, "to_pydatetime") and module.startswith("pandas"):
        return value.to_pydatetime()
    return value


def _rule(found: SqlType, zone: str) -> Callable[[Plain], Plain]:
    match found.record.python:
        case "decimal":
            return lambda value: _number(value, found.precision or 38, found.scale or 0, decimal=not _is_int64(found))
        case "local":
            local = ZoneInfo(zone)
            return lambda value: _naive(value).replace(tzinfo=local).astimezone(datetime.UTC)
        case "any" | "list" | "dict" as form:
            return lambda value: _to_json(value, form)
        case form:
            return _RULES[form]


def _is_int64(found: SqlType) -> bool:
    return found.is_whole and not found.is_of_any_size


def _number(value: Plain, precision: int, scale: int, *, decimal: bool) -> Plain:
    if not isinstance(value, int | float | Decimal):
        raise TypeError(f"a NUMBER is expected, not {type(value).__name__}")
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else int(value) if isinstance(value, bool) else value)
        rounded = exact.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _CONTEXT)
    except InvalidOperation as error:
        raise ValueError("a number is out of range") from error
    if not rounded.is_finite() or rounded.copy_abs() >= Decimal(10) ** (precision - scale):
        raise ValueError(f"a number is out of the range of NUMBER({precision},{scale})")
    return rounded if decimal else int(rounded)


def _float(value: Plain) -> float:
    if not isinstance(value, int | float | Decimal):
        raise TypeError(f"a FLOAT is expected, not {type(value).__name__}")
    return float(value)


def _boolean(value: Plain) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"a BOOLEAN is expected, not {type(value).__name__}")
    return value


def _bytes(value: Plain) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError(f"bytes are expected, not {type(value).__name__}")
    return bytes(value)


def _text(value: Plain) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is expected, not {type(value).__name__}")
    return value


def _date(value: Plain) -> datetime.date:
    if isinstance(value, datetime.datetime):
        return value.date()
    if not isinstance(value, datetime.date):
        raise TypeError(f"a date is expected, not {type(value).__name__}")
    return value


def _time(value: Plain) -> datetime.time:
    if isinstance(value, datetime.timedelta):
        value = (datetime.datetime(1970, 1, 1) + value).time()
    if not isinstance(value, datetime.time):
        raise TypeError(f"a time is expected, not {type(value).__name__}")
    return value


def _naive(value: Plain) -> datetime.datetime:
    if not isinstance(value, datetime.datetime) or value.tzinfo is not None:
        raise TypeError(f"a datetime without a time zone is expected, not {type(value).__name__}")
    return value


def _shifted(value: Plain) -> dict[str, object]:
    shift = value.utcoffset() if isinstance(value, datetime.datetime) else None
    if shift is None:
        raise TypeError(f"a datetime with a time zone is expected, not {type(value).__name__}")
    utc = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return {"utc": utc, "shift": shift // datetime.timedelta(minutes=1)}


def _aware(value: dict[str, Any]) -> datetime.datetime:
    zone = datetime.timezone(datetime.timedelta(minutes=value["shift"]))
    moment: datetime.datetime = value["utc"].replace(tzinfo=datetime.UTC)
    return moment.astimezone(zone)


def _to_json(value: Plain, form: InPython) -> str:
    if form == "list" and not isinstance(value, list | tuple):
        raise TypeError(f"a list is expected, not {type(value).__name__}")
    if form == "dict" and not isinstance(value, dict):
        raise TypeError(f"a dict is expected, not {type(value).__name__}")
    return json_text.write(_member(value))


def _member(value: Plain) -> Plain:
    value = unwrapped(value)
    match value:
        case None | bool() | int() | str():
            return value
        case SqlNull():
            return None
        case float():
            text = repr(value)
            return Decimal(text) if math.isfinite(value) and "e" not in text else json_text.double(value)
        case Decimal():
            return str(value)
        case bytes() | bytearray():
            return bytes(value).hex().upper()
        case datetime.date() | datetime.time():
            return str(value)
        case list() | tuple():
            return [_member(item) for item in value]
        case dict():
            return {str(key): _member(item) for key, item in value.items()}
        case _:
            raise TypeError(f"a {type(value).__name__} is no value of a VARIANT")


_RULES: Final[dict[InPython, Callable[[Plain], Plain]]] = {
    "float": _float,
    "bool": _boolean,
    "bytes": _bytes,
    "str": _text,
    "date": _date,
    "time": _time,
    "naive": _naive,
    "aware": _shifted,
}
