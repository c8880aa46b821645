"""What comes of a statement in a warehouse, as the rest of the engine knows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.sql.types.sql_type import SqlType


@dataclass(frozen=True, slots=True)
class ResultColumn:
    name: str
    type: SqlType
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Batch:
    """One Arrow IPC stream inside the spool file: byte `offset` and `length`, and its number of `rows`."""

    offset: int
    length: int
    rows: int


@dataclass(frozen=True, slots=True)
class Spooled:
    """A query's result on disk. `batches[0]`, if any, has at most 2,048 rows so that it can be inlined; no rows, no
    batches. `texts`: the same rows as chunks of JSON, where those were asked for.
    """

    path: Path
    columns: tuple[ResultColumn, ...]
    batches: tuple[Batch, ...]
    rows: int
    texts: tuple[Batch, ...] | None = None


NO_TEXT: Final = 1
"""A line whose bytes are none of the file's encoding."""
TOO_LONG: Final = 2
"""A line of more bytes than are read as one."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Lines of a CSV file that are no rows: how many, and of the first its line and its number of fields, `found` and
    `wanted`. Where `wanted` is 0 it is damaged in another way, and `found` says in which (NO_TEXT, TOO_LONG).
    """

    count: int
    line: int
    wanted: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """A write's outcome: the new Parquet object (None: no rows, nothing written), and how many rows each operation
    touched. `rejected`: what a COPY of exact CSV files left out.
    """

    sha256: str | None
    rows: int
    bytes: int
    updated: int = 0
    inserted: int = 0
    deleted: int = 0
    joined: int = 0
    """Of those updated: by one of several rows that match."""
    rejected: Rejected = Rejected(0, 0)
    bounds: str = ""
    """What is known of the values of its columns (engine/sql/bounds.py)."""

    @property
    def objects(self) -> tuple[str, ...]:
        """The object, if there is one, as a `TableSource` has it."""
        return () if self.sha256 is None else (self.sha256,)

    @property
    def bounds_of_object(self) -> dict[str, str]:
        """Its bounds, as a `TableSource` has them."""
        return dict.fromkeys(self.objects, self.bounds)


@dataclass(frozen=True, slots=True)
class InferredColumn:
    """A row of INFER_SCHEMA."""

    name: str
    type: SqlType
    nullable: bool
    expression: str
    filenames: tuple[str, ...] = ()
    order: int = 0
