"""What CREATE and DROP do, and say, where the thing is there already, or not there."""

from __future__ import annotations

from typing import Literal, Protocol

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.statements.results import success

IfExists = Literal["error", "replace", "ignore"]


class Creates(Protocol):
    """A CREATE that says what it does where the thing is there."""

    @property
    def or_replace(self) -> bool: ...

    @property
    def if_not_exists(self) -> bool: ...


def if_exists(statement: Creates) -> IfExists:
    """What a CREATE does where the thing is there."""
    return "replace" if statement.or_replace else "ignore" if statement.if_not_exists else "error"


def existed(name: str) -> Rows:
    """The answer of a CREATE … IF NOT EXISTS that made nothing."""
    return success(f"{name} already exists, statement succeeded.")


def already_dropped(name: str) -> Rows:
    """The answer of a DROP … IF EXISTS that found nothing."""
    return success(f"Drop statement executed successfully ({name} already dropped).")
