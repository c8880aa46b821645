"""Python values as SQL text. Statements are sent as finished text: what is logged and tested is what is sent."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from cleanroom_ml.naming import quote_name, split_name

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*\Z")


def literal(value: object) -> str:
    """A literal that Snowflake reads back as `value`: text, numbers, booleans, None, arrays and objects of these.

    Raises:
        TypeError: anything else.
        ValueError: a number that SQL has no literal for (NaN, infinity).
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if not math.isfinite(value):
            raise ValueError(f"no SQL literal for {value!r}")
        case int() | float():
            return repr(value)
        case str():
            return text(value)
        case Mapping():
            return "{" + ", ".join(f"{text(str(key))}: {literal(item)}" for key, item in value.items()) + "}"
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            return "[" + ", ".join(literal(item) for item in value) + "]"
    raise TypeError(f"no SQL literal for {type(value).__name__}")


def text(value: str) -> str:
    """A string literal; one of several lines goes between `$$`, so that it can be read in a query history."""
    if "\n" in value and "$$" not in value and not value.endswith("$"):
        return f"$${value}$$"
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """A dotted name as SQL: kept as the person typed it where that is safe, else quoted to mean exactly it.

    Raises:
        ValueError: it is not a name.
    """
    parts = split_name(name)
    return name if all(_BARE.match(part) for part in name.split(".")) else quote_name(parts)
