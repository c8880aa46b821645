"""What resolution and translation produce: DuckDB text that names its inputs by markers only."""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.engine.sql.catalog import Columns, Drawn, TableSource
from cleanroom_ml.engine.sql.routines import UserFunction
from cleanroom_ml.engine.sql.types.kind import Kind


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement for a warehouse worker.

    Args:
        sql: DuckDB text. Where it reads input `n` it says `<token>:<n>:`; the worker puts that descriptor's path there.
        inputs: SHA-256 of the objects it may read, in marker order. Nothing else is handed over.
        token: random per statement, so that no text of the client's can be a marker.
        columns: names and types that the result is known to have (a write's target columns), or None.
        staged: the staged files that it reads, as their owner calls them: what a client made, and may be damaged.
        kinds: what is known of the types of a query's columns before it runs: as many as there are columns, or none.
        never_null: which columns of a query are never NULL, by position.
        quoting: whoever sent it may see every row that it reads, so that an error may quote a value.
        foreign: which inputs are staged files of a format that the worker makes Parquet of, and of which.
        zone: the session's time zone, in which a moment without one is meant.
        indent: of documents in a result; None: they are on one line.
        functions: the functions in Python that it calls by `routines.called_as`
        drawn: numbers of sequences of which it uses as many as it gives rows.
        of_tables: all that it reads are tables that its own text names.
        operations: the last column is the row's operation (`Operation`), not data: a write counts and drops it.
    """

    sql: str
    inputs: tuple[str, ...]
    token: str
    columns: Columns | None = None
    kinds: tuple[Kind | None, ...] = ()
    never_null: frozenset[int] = frozenset()
    quoting: bool = False
    foreign: tuple[tuple[int, str], ...] = ()
    operations: bool = False
    staged: tuple[str, ...] = ()
    zone: str = "Etc/UTC"
    indent: int | None = 2
    functions: tuple[UserFunction, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    of_tables: bool = False


class Operation:
    """The operation column of a mutation. Rows marked DELETED are left out of the new content."""

    KEPT = 0
    UPDATED = 1
    INSERTED = 2
    DELETED = 3
    JOINED = 4
    """Updated, from one of several rows that match it."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A DML statement: `compiled` gives rows in the target's column order; write it with `warehouse.write(compiled,
    columns=target.columns)`.

    `replaces`: the rows are the table's whole new content (UPDATE, DELETE, MERGE, INSERT OVERWRITE); otherwise they
    are appended.
    """

    compiled: Compiled
    target: TableSource
    replaces: bool
    numbered: tuple[str, ...] = ()
    """IDENTITY columns whose next numbers the rows got, in order."""
    rows: int | None = None
    """How many rows it has to give, where that is known: with another number, something of them was lost."""
