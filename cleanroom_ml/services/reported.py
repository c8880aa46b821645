"""The one reader of JSON that the other side made: a job's result, records of a segment, details of a status.

Its depth is bounded, because what reads it afterwards (tables, reports, JSON of our own) goes down level by level, and
Python ends such a descent with an error of its own.
"""

from __future__ import annotations

import json
from typing import TypeVar

from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.json_values import Document

MAX_DEPTH = 200

T = TypeVar("T")


class UnreadableError(CleanroomError):
    """What the target sent is no JSON that can be read here."""


class NotJsonError(UnreadableError):
    """It is some other text."""


def reported(value: object, what: str) -> object:
    """A JSON text as data; what the driver has read already (VARIANT on some targets) passes the same bound.

    Args:
        what: what the text is, for the error.

    Raises:
        NotJsonError: it is no JSON.
        UnreadableError: it is nested deeper than MAX_DEPTH.
    """
    try:
        loaded = json.loads(value) if isinstance(value, str | bytes | bytearray) else value
    except RecursionError:
        raise _too_deep(what) from None
    except ValueError as error:
        raise NotJsonError(f"{what} cannot be read", why=f"it is no JSON: {error}") from None
    if _deeper_than(loaded, MAX_DEPTH):
        raise _too_deep(what)
    return loaded


def reported_mapping(value: object) -> Document:
    """A JSON object that only adds to what is known; anything else is treated as telling nothing."""
    return reported_or(value, {})


def reported_or(value: object, otherwise: T) -> T:
    """The same for any kind: where the target sent something else than the kind of `otherwise`, that."""
    try:
        loaded = reported(value, "a detail")
    except UnreadableError:
        return otherwise
    return loaded if isinstance(loaded, type(otherwise)) else otherwise


def _too_deep(what: str) -> UnreadableError:
    return UnreadableError(f"{what} cannot be read", why=f"it is nested more than {MAX_DEPTH} levels deep")


def _deeper_than(value: object, most: int) -> bool:
    level = [value]
    for _ in range(most + 1):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
