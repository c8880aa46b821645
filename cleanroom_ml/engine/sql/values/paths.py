"""Paths into a VARIANT: `a.b[0]['c d']`, as GET_PATH reads and FLATTEN writes them."""

from __future__ import annotations

import re
from typing import Final

from cleanroom_ml.engine.sql.values.json_text import UNDEFINED, Json

_STEP: Final = re.compile(
    r"""(?:\A|\.)(?P<name>[^.\[\]"']++)"""
    r"""|(?:\A|\.)?"(?P<quoted>(?:[^"]|"")*+)"|\[(?P<index>\d{1,9})\]|\['(?P<key>(?:[^'\\]|\\.|'')*+)'\]"""
)
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def steps(path: str) -> list[str | int]:
    """The steps of a path; of the empty one there are none. Raises ValueError: it is none."""
    made: list[str | int] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or found.end() == at:
            raise ValueError(f"'{path[:100]}' is no path, at {at + 1}")
        at = found.end()
        if found["index"] is not None:
            made.append(int(found["index"]))
        elif found["quoted"] is not None:
            made.append(found["quoted"].replace('""', '"'))
        elif found["key"] is not None:
            made.append(found["key"].replace("''", "'").replace("\\'", "'"))
        else:
            made.append(found["name"])
    return made


def follow(value: Json, way: list[str | int]) -> Json:
    """What stands there; UNDEFINED where nothing does."""
    for step in way:
        inside = (
            isinstance(value, list) and step < len(value)
            if isinstance(step, int)
            else isinstance(value, dict) and step in value
        )
        if inside:
            value = value[step]
        else:
            return UNDEFINED
    return value


def member(path: str, key: str) -> str:
    """The path of an object's member."""
    if _PLAIN.match(key):
        return f"{path}.{key}" if path else key
    escaped = key.replace("'", "\\'")
    return f"{path}['{escaped}']"


def item(path: str, index: int) -> str:
    """The path of an array's item."""
    return f"{path}[{index}]"
