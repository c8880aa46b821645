"""Python values as nodes of a query: bound values enter the tree here, never the text."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import FineMoment, Value, Variant
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree import fine
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.types.kind import BINARY, DATE, FLOAT, JSON, TIME, TIMESTAMP, TZ, Kind
from cleanroom_ml.engine.sql.types.moment_casts import made_tz
from cleanroom_ml.engine.sql.values import json_text


def literal(value: Value) -> Node:
    """The node that means `value`. Raises SqlError for what no column can hold."""
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int):
        if not -(10**38) < value < 10**38:
            raise SqlError.bad_value("A bound number is out of range.")
        return _number(str(abs(value)), value < 0)
    if isinstance(value, float):
        text = repr(value) if math.isfinite(value) else {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
        return _cast(text, "DOUBLE", FLOAT)
    if isinstance(value, Decimal):
        if not value.is_finite():
            return _cast("NaN", "DOUBLE", FLOAT)
        _, digits, exponent = value.as_tuple()
        if len(digits) > 38 or not isinstance(exponent, int) or not -37 <= exponent <= 37:
            raise SqlError.bad_value("A bound number is out of range.")
        return _number(format(value.copy_abs(), "f"), value.is_signed())
    if isinstance(value, Variant):
        return _cast(value, "JSON", JSON)
    if isinstance(value, str):
        if "\0" in value:
            raise SqlError.bad_value("A bound text has a NUL character.")
        return exp.Literal.string(value)
    if isinstance(value, bytes | bytearray):
        return raw("unhex({0})", exp.Literal.string(value.hex()), kind=BINARY)
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            return _cast(value.isoformat(sep=" "), "TIMESTAMP", TIMESTAMP)
        shift = exp.Literal.number((value.utcoffset() or datetime.timedelta()) // datetime.timedelta(minutes=1))
        wall = _cast(value.replace(tzinfo=None).isoformat(sep=" "), "TIMESTAMP", TIMESTAMP)
        return raw(made_tz("{0}", "{1}"), wall, shift, kind=TZ)
    if isinstance(value, datetime.date):
        return _cast(value.isoformat(), "DATE", DATE)
    if isinstance(value, datetime.time):
        return _cast(value.isoformat(), "TIME", TIME)
    if isinstance(value, FineMoment):
        return fine.made(literal(value.whole), exp.Literal.number(value.nanos))
    if isinstance(value, list | dict):
        return _cast(json_text.write(_member(value)), "JSON", JSON)
    raise SqlError.bad_value("A bound value has a type that is not supported.")


def _member(value: object) -> object:
    """A value inside of a document: a float is the number that its shortest text says; a text stays one, whatever it
    begins with. Raises SqlError: a VARIANT has nothing of its kind.
    """
    match value:
        case None | bool() | int() | Decimal():
            return value
        case float():
            return json_text.number(repr(value)) if math.isfinite(value) else json_text.double(value)
        case str():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise SqlError.bad_value("A bound document has half of a character.") from None
            return value
        case list() | tuple():
            return [_member(item) for item in value]
        case dict():
            return {_member(str(key)): _member(item) for key, item in value.items()}
        case _:
            raise SqlError.bad_value("A bound value has a type that is not supported.")


def _number(text: str, negative: bool) -> Node:
    number = exp.Literal.number(text)
    return exp.Paren(this=exp.Neg(this=number)) if negative else number


def _cast(text: str, target: str, kind: Kind) -> Node:
    return raw(f"CAST({{0}} AS {target})", exp.Literal.string(text), kind=kind)
