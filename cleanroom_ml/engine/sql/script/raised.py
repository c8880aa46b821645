"""What a block raises itself."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.script.variables import Exceptional

_STATE: Final = "P0001"


class TooManySteps(SqlError):
    """No handler of the block catches it."""


class Raised(SqlError):
    """An exception of the block's own."""

    def __init__(self, name: str, what: Exceptional, line: int, column: int) -> None:
        where = f"on line {line} at position {column} : {what.message}"
        super().__init__(what.number, _STATE, f"Uncaught exception of type '{name}' {where}")
        self.name = name
        self.text = what.message

    def __reduce__(self) -> tuple[type[SqlError], tuple[int, str, str]]:
        return SqlError, (self.code, self.sqlstate, self.message)
