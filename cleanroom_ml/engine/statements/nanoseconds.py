"""Statements are compiled for moments of microseconds first, and once more where a value has nanoseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cleanroom_ml.engine.sql.errors import TooFineValue
from cleanroom_ml.engine.sql.settings import keeping_nanoseconds, keeps_nanoseconds

_Made = TypeVar("_Made")


def to_the_nanosecond(run: Callable[[], _Made]) -> _Made:
    """What `run` gives; run again with nanoseconds, where it met some. It has changed nothing where it fails.

    Raises:
        SqlError: as `run`; a TooFineValue where it has something that is not computed with nanoseconds.
    """
    try:
        return run()
    except TooFineValue:
        if keeps_nanoseconds():
            raise
    with keeping_nanoseconds():
        return run()
