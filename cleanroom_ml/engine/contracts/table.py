"""A small result by value: what procedures, SHOW and DESCRIBE answer with, whichever room gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type

# Clients know a result by these (snowflake/connector/cursor.py, STATEMENT_TYPE_ID_*: 0x3000 to 0x3500 make the row
# count the sum of the counts, and everything else the number of rows; snowflake-jdbc, SFStatementType).
SELECT: Final = 0x1000
INSERT: Final = 0x3100
UPDATE: Final = 0x3200
DELETE: Final = 0x3300
MERGE: Final = 0x3400
COPY: Final = 0x3000 + 0x600
SESSION: Final = 0x4000
ALTER_SESSION: Final = 0x4100
USE: Final = 0x4300
SHOW: Final = 0x4400
DESCRIBE: Final = 0x4500
LIST: Final = 0x4701
TRANSACTION: Final = 0x5400
DDL: Final = 0x6000
GET: Final = 0x7101
PUT: Final = 0x7102
REMOVE: Final = 0x7103
CALL: Final = 0x8000

TextColumns = tuple[tuple[str, str], ...]
"""Column names with canonical type text."""


@dataclass(frozen=True, slots=True)
class RowCounts:
    """What a statement did to the rows of tables. Clients show it beside a result (connector: `cursor.stats`)."""

    inserted: int = 0
    deleted: int = 0
    updated: int = 0
    duplicates: int = 0
    """Rows of an UPDATE that more than one row of its FROM matched."""

    def __bool__(self) -> bool:
        """Whether any row changed."""
        return bool(self.inserted or self.deleted or self.updated)


@dataclass(frozen=True, slots=True)
class Rows:
    """A small result by value. `affected`: how many rows a DML changed, else None; `counts`: in which way.

    Values are None, bool, int, float, Decimal, str, bytes, date, time, datetime, and what JSON knows for VARIANT.
    """

    columns: tuple[tuple[str, SqlType], ...]
    rows: Sequence[tuple[Value, ...]]
    statement_type: int = SELECT
    affected: int | None = None
    counts: RowCounts | None = None

    @classmethod
    def answer(cls, columns: TextColumns, rows: Sequence[tuple[Value, ...]], statement_type: int = CALL) -> Rows:
        """What a procedure answers with, or a statement of another type."""
        return cls(tuple((name, parse_type(text)) for name, text in columns), rows, statement_type)

    @classmethod
    def one(cls, name: str, value: Value) -> Rows:
        """One row of one VARCHAR column: how a procedure that returns a string answers."""
        return cls.answer(((name, "VARCHAR"),), ((value,),))
