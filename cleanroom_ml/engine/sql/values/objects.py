"""Functions of OBJECTs, on the texts of VARIANTs (`sql-reference/functions/object_*`, `…/get`)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from cleanroom_ml.engine.sql.values import marks, paths
from cleanroom_ml.engine.sql.values.arrays import items
from cleanroom_ml.engine.sql.values.json_text import (
    UNDEFINED,
    DuplicateKey,
    Json,
    Marked,
    double,
    read,
    shown,
    text_of,
    write,
)

_TYPES: Final = {"DATE": "D", "TIME": "T", "BLOB": "B", "TIMESTAMP WITH TIME ZONE": "L"}
_BYTE: Final = re.compile(r"\\x([0-9A-F]{2})")


class NotAnObject(ValueError):
    """A VARIANT that holds something else was given as an OBJECT."""


def members(text: str) -> dict[str, Json]:
    """The members of an OBJECT. Raises NotAnObject."""
    found = read(text)
    if not isinstance(found, dict):
        raise NotAnObject
    return found


def construct(pairs: list[str | None], *, keep_nulls: bool) -> str:
    """OBJECT_CONSTRUCT of keys and values in turn: a pair with a NULL is left out, or its NULL is JSON's null.

    Raises DuplicateKey.
    """
    made: dict[str, Json] = {}
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if key is None or (value is None and not keep_nulls):
            continue
        if key in made:
            raise DuplicateKey
        made[key] = None if value is None else read(value)
    return write({key: None if value is UNDEFINED else value for key, value in made.items()})


def gathered(pairs: list[str | None]) -> str:
    """OBJECT_AGG: each item is an array of a key and a value. Raises DuplicateKey."""
    made: dict[str, Json] = {}
    for text in pairs:
        key, value = items(text or "[]")
        if key in made:
            raise DuplicateKey
        made[key] = value
    return write(made)


def from_arrays(keys: str, values: str) -> str:
    """ARRAYS_TO_OBJECT: a pair whose key is NULL is left out; a value that is NULL is JSON's null."""
    names, found = items(keys), items(values)
    if len(names) != len(found):
        raise NotAnObject
    made: dict[str, Json] = {}
    for name, value in zip(names, found, strict=True):
        if name is UNDEFINED or name is None:
            continue
        key = text_of(name) or ""
        if key in made:
            raise DuplicateKey
        made[key] = None if value is UNDEFINED else value
    return write(made)


def insert(target: str | None, key: str | None, value: str | None, update: bool | None) -> str | None:
    """A pair with a NULL in it is left out. Raises DuplicateKey: the key is there, and is not to be updated."""
    if target is None or update is None:
        return None
    made = members(target)
    if key is None:
        return target
    if key in made and not update:
        raise DuplicateKey
    made.pop(key, None)
    if value is not None:
        made[key] = read(value)
    return write(made)


def delete(target: str, keys: list[str | None]) -> str:
    return write({key: value for key, value in members(target).items() if key not in keys})


def pick(target: str, keys: list[str | None]) -> str:
    wanted = {key for key in keys if key is not None}
    return write({key: value for key, value in members(target).items() if key in wanted})


def pick_listed(target: str, keys: str) -> str:
    """OBJECT_PICK with an array of keys."""
    return pick(target, [text_of(key) for key in items(keys)])


def keys(target: str) -> str:
    return write(sorted(members(target)))


def get(value: str, key: str) -> str | None:
    """GET by a key that is no constant: a member, or an item where the key is a whole number."""
    found = read(value)
    if isinstance(found, list):
        step: str | int = int(key) if re.fullmatch(r"\d{1,9}", key) else -1
    else:
        step = key
    return _found(paths.follow(found, [step])) if step != -1 else None


def get_ignore_case(value: str, key: str) -> str | None:
    """The member of that very name, or else one whose name differs in case."""
    found = read(value)
    if not isinstance(found, dict):
        return get(value, key)
    if key in found:
        return _found(found[key])
    return next((_found(found[name]) for name in sorted(found) if name.lower() == key.lower()), None)


def at_path(value: str, path: str) -> str | None:
    """GET_PATH by a path that is no constant. Raises ValueError: it is none."""
    return _found(paths.follow(read(value), paths.steps(path)))


def as_object(value: str) -> str | None:
    """TO_OBJECT: JSON's null is NULL. Raises NotAnObject."""
    found = read(value)
    if found is None:
        return None
    if not isinstance(found, dict):
        raise NotAnObject
    return value


def strip_null(value: str) -> str | None:
    """STRIP_NULL_VALUE: JSON's null becomes NULL."""
    return None if read(value) is None else value


def variant(kind: str, text: str) -> str:
    """A value that DuckDB has as `kind`, from DuckDB's text of it."""
    if kind in {"DOUBLE", "FLOAT"}:
        return write(double(float(text)))
    if kind.startswith("DECIMAL"):
        return write(Decimal(text))
    if kind == "BLOB":
        return write(Marked(marks.BINARY + _hex(text)))
    mark = _TYPES.get(kind)
    if mark is None and kind.startswith("TIMESTAMP"):
        mark = "N"
    return write(text if mark is None else Marked(marks.MARK + mark + text))


def text(value: str) -> str | None:
    """`v::VARCHAR`."""
    return text_of(read(value))


def to_json(value: str) -> str:
    return shown(read(value), indent=None)


def pretty(value: str, indent: int | None = 2) -> str:
    """As results show it."""
    return shown(read(value), indent=indent)


def double_of(value: str) -> float | None:
    """AS_DOUBLE: any number."""
    found = read(value)
    if isinstance(found, Marked) and found.startswith(marks.DOUBLE):
        return float(found[2:])
    return float(found) if isinstance(found, int | Decimal) and not isinstance(found, bool) else None


def _found(value: Json) -> str | None:
    return None if value is UNDEFINED else write(value)


def _hex(text: str) -> str:
    """DuckDB's text of bytes: letters as they are, others as \\xNN."""
    return "".join(
        part if number % 2 else part.encode("ascii").hex().upper() for number, part in enumerate(_BYTE.split(text))
    )
