"""What a block's statements give, and what the block itself gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.types.sql_type import SqlType


@dataclass(frozen=True, slots=True)
class BlockResult:
    """What a statement of a block gave: its column names and (at most a few) rows; a DML's rows are its counts.
    `types` are the columns', where they are known, `affected` how many rows a DML changed, `query_id` the statement's
    own; `handle` is the runner's own.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()
    handle: object = None
    types: tuple[SqlType, ...] = ()
    affected: int | None = None
    query_id: str | None = None


RunStatement = Callable[[str, Mapping[str, Value]], BlockResult]
"""Runs one SQL statement of a block; the mapping are the block's variables (upper case), to be bound as `:NAME`
(Binds.named).
"""


@dataclass(frozen=True, slots=True)
class Returned:
    """A block's outcome: `value` of RETURN (None without one), and what is known of its type; `table` is the result of
    RETURN TABLE(…), then value is None.
    """

    value: Value = None
    table: BlockResult | None = None
    type: SqlType | None = None
