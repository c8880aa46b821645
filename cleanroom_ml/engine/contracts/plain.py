"""Dataclasses as JSON and back, by their own fields: no list of names beside the type that could miss one."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

_KNOWN: dict[type[object], dict[str, object]] = {}


def to_json(value: DataclassInstance) -> str:
    """A dataclass as one JSON document; moments in ISO 8601."""
    return json.dumps(asdict(value), separators=(",", ":"), default=_moment)


def from_json(kind: type[T], text: str | bytes) -> T:
    """The inverse of `to_json`. Raises ValueError: it is no JSON, or not of this type."""
    return from_plain(kind, json.loads(text))


def from_plain(kind: type[T], value: object) -> T:
    """A dataclass from what JSON made of it. What has a default may be missing.

    Raises:
        ValueError: a field is missing that has none, or there is one that the type does not have.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{kind.__name__} is written as an object")
    hints = _hints(kind)
    unknown = value.keys() - hints.keys()
    missing = {
        one.name
        for one in fields(kind)  # type: ignore[arg-type]
        if one.name not in value and one.default is MISSING and one.default_factory is MISSING
    }
    if unknown or missing:
        raise ValueError(f"{kind.__name__}: unknown {sorted(unknown)}, missing {sorted(missing)}")
    return kind(**{name: _read(hints[name], each) for name, each in value.items()})


def _read(hint: object, value: Any) -> object:  # Any: what JSON made, of whatever the hint says
    if value is None:
        return None
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    origin = get_origin(hint) or hint
    if origin is tuple:
        inner = get_args(hint)[0]
        return tuple(_read(inner, each) for each in value)
    if is_dataclass(origin) and isinstance(origin, type):
        return from_plain(origin, value)
    if isinstance(origin, type) and issubclass(origin, Enum):
        return origin(value)
    return datetime.fromisoformat(value) if origin is datetime else value


def _hints(kind: type[object]) -> dict[str, object]:
    if kind not in _KNOWN:
        _KNOWN[kind] = get_type_hints(kind)
    return _KNOWN[kind]


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
