"""The script's `__return__` as a JSON document (docs/api-digest.md §6)."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from .notices import say
from .values import Json

_MAX_DEPTH = 100


class NotJson(TypeError):
    """The script returned what JSON cannot say; the message names the type and where it is."""


def to_json(value: object) -> tuple[str, tuple[str, ...]]:
    """`value` as strict JSON, and the places where a number that JSON does not have (NaN, infinity) became null.

    Besides what JSON has: NumPy scalars and arrays, pandas scalars, Series and DataFrames (a list of rows), dates,
    Decimal, tuples and sets. Raises NotJson.
    """
    nulls: list[str] = []
    return json.dumps(_plain(value, "__return__", 0, nulls), ensure_ascii=False, separators=(",", ":")), tuple(nulls)


def write(text: str, limit_bytes: int, path: Path) -> None:
    """Leave the result for the engine, which reads it once the job is over (engine/jobs/results.py).

    A larger one than allowed is left too: the engine's refusal is what counts.
    """
    data = text.encode("utf-8")
    if len(data) > limit_bytes:
        say(f"__return__ has {len(data):,} bytes; at most {limit_bytes:,} bytes may leave the room")
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)


def _plain(value: object, where: str, depth: int, nulls: list[str]) -> Json:
    if depth > _MAX_DEPTH:
        raise NotJson(f"{where[:80]}… is nested more than {_MAX_DEPTH} deep")
    value = _unwrapped(value)
    match value:
        case None | bool():
            return value
        case int():
            return int(value)
        case float():
            if math.isfinite(value):
                return float(value)
            nulls.append(where)
            return None
        case str():
            return str(value)
        case Mapping():
            return {
                _key(key, where): _plain(item, f"{where}[{key!r}]", depth + 1, nulls) for key, item in value.items()
            }
        case list() | tuple():
            return [_plain(item, f"{where}[{index}]", depth + 1, nulls) for index, item in enumerate(value)]
        case set() | frozenset():
            return [_plain(item, f"{where}{{…}}", depth + 1, nulls) for item in sorted(value, key=repr)]
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case decimal.Decimal():
            return _plain(float(value), where, depth, nulls)
    raise NotJson(
        f"{where} is a {_type_name(value)}, which cannot be written as JSON; "
        "return numbers, strings, lists and dictionaries"
    )


def _unwrapped(value: object) -> object:
    """NumPy's and pandas' own types as Python's; without importing the modules: no script has such a value without."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if pandas is not None:
        if value is pandas.NaT or value is pandas.NA:
            return None
        if isinstance(value, pandas.DataFrame):
            return value.to_dict(orient="records")
        if isinstance(value, (pandas.Series, pandas.Index)):
            return value.tolist()
        if isinstance(value, pandas.Timedelta):
            return value.isoformat()
    if numpy is not None:
        if isinstance(value, (numpy.datetime64, numpy.timedelta64)):
            return str(value)
        if isinstance(value, numpy.ndarray):
            return value.tolist()
        if isinstance(value, numpy.generic):
            return value.item()
    return value


def _key(key: object, where: str) -> str:
    key = _unwrapped(key)
    if isinstance(key, bool) or key is None:
        return json.dumps(key)
    if isinstance(key, (str, int, float)):
        return str(key)
    if isinstance(key, (datetime.date, datetime.datetime)):
        return key.isoformat()
    raise NotJson(f"{where} has a key that is a {_type_name(key)}; keys of JSON are strings")


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
