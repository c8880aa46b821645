"""What is gathered while one statement is resolved: its marker token and the objects it reads."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import Columns, Drawn, RowsSource, TableSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.routines import UserFunction, called_as
from cleanroom_ml.engine.sql.tree import literals, many_rows
from cleanroom_ml.engine.sql.tree.dialect import SLOT, Node, Raw, raw
from cleanroom_ml.engine.sql.types import fine as fine_type
from cleanroom_ml.engine.sql.types.kind import TIMESTAMP
from cleanroom_ml.engine.sql.types.moment_casts import WITHOUT_OFFSET
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.naming import quote

MAX_SOURCES: Final = 1000
"""Tables and views that one statement may come to, views resolved: views over views can double at every level."""
MAX_INPUTS: Final = 4000
MAX_FUNCTIONS: Final = 50


@dataclass(slots=True)
class Build:
    """One statement in the making."""

    token: str = field(default_factory=lambda: secrets.token_hex(16))
    inputs: dict[str, int] = field(default_factory=dict)
    staged: dict[str, None] = field(default_factory=dict)
    """Names of the staged files among them."""
    foreign: dict[int, str] = field(default_factory=dict)
    """Inputs that are staged files of a format that DuckDB does not read."""
    functions: dict[tuple[str, str], tuple[int, UserFunction]] = field(default_factory=dict)
    """Functions in Python that it calls, each once."""
    sources: int = 0
    tables: int = 0
    """Of these sources, those that are tables, by their own names."""
    names: int = 0
    seen: bool = False
    """Whether all rows that it reads are the caller's to see: those behind a view, or in a clean room, are not."""
    drawn: list[Drawn] = field(default_factory=list)
    """Numbers of sequences of which the statement uses as many as it gives rows."""

    def marker(self, sha256: str) -> str:
        """The text that the worker replaces by the path of this object's descriptor."""
        number = self.inputs.setdefault(sha256, len(self.inputs))
        if number >= MAX_INPUTS:
            raise SqlError.too_complex()
        return f"{self.token}:{number}:"

    def files(self, objects: Iterable[str]) -> str:
        """A DuckDB list of paths."""
        return "[" + ", ".join(f"'{self.marker(sha256)}'" for sha256 in objects) + "]"

    def count_source(self) -> None:
        self.sources += 1
        if self.sources > MAX_SOURCES:
            raise SqlError.too_complex()

    def function(self, function: UserFunction) -> str:
        """The name by which the worker knows a function in Python. Raises SqlError: there are too many."""
        key = (function.owner, json.dumps([function.routine.to_json(), function.partitioned]))
        number, _ = self.functions.setdefault(key, (len(self.functions), function))
        if number >= MAX_FUNCTIONS:
            raise SqlError.unsupported(f"more than {MAX_FUNCTIONS} functions in Python in one statement")
        return called_as(self.token, number)

    def fresh(self, prefix: str) -> str:
        """A name that no other of this statement has."""
        self.names += 1
        return f"_{prefix}{self.names}_{self.token[:6]}"

    def scan(self, table: TableSource) -> Raw:
        """A table's rows as a query, in its declared columns. Objects hold exactly these columns (warehouse writes
        them so).
        """
        if not table.objects:
            return empty(table.columns)
        names = read_as([name for name, _ in table.columns])
        if any(sql_type.fine or sql_type.record.moment == "TZ" for _, sql_type in table.columns):
            # Of different objects a TIMESTAMP_TZ may be of different types, and a moment with nanoseconds or without:
            # those that are alike are read together, those of other versions each for itself.
            apart = len(table.objects) > 1 and any(sql_type.record.moment == "TZ" for _, sql_type in table.columns)
            alike: dict[object, list[str]] = {}
            for sha256 in table.objects:
                fine = table.fine_in(sha256)
                alike.setdefault((fine, sha256 if apart else ""), []).append(sha256)
            return raw(
                " UNION ALL ".join(self._part(table, names, found, table.fine_in(found[0])) for found in alike.values())
            )
        return raw(self._part(table, names, table.objects, frozenset()))

    def _part(self, table: TableSource, names: Sequence[str], objects: Sequence[str], fine: frozenset[int]) -> str:
        """Objects that have the same columns with nanoseconds, as a query."""
        columns = ", ".join(
            _read(_slotless(read), _slotless(name), sql_type, place in fine)
            for place, ((name, sql_type), read) in enumerate(zip(table.columns, names, strict=True))
        )
        # Objects may have whole numbers in 64 bits or in 128: the widest of them is what the column is.
        widest = len(objects) > 1 and any(sql_type.is_of_any_size for _, sql_type in table.columns)
        together = ", union_by_name = true" if widest else ""
        return f"SELECT {columns} FROM read_parquet({self.files(objects)}{together})"


def read_as(names: Sequence[str]) -> list[str]:
    """What DuckDB calls the columns of an object that were written by these names: of those that differ only in case
    the second one is `NAME_1`. Raises SqlError: another column is called so.
    """
    seen: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        folded = name.casefold()
        number = seen.get(folded, 0)
        seen[folded] = number + 1
        found.append(f"{name}_{number}" if number else name)
    if len({name.casefold() for name in found}) < len(found):
        raise SqlError.unsupported("columns whose names differ only in case, beside one that ends in a number")
    return found


def _read(read: str, name: str, sql_type: SqlType, with_nanoseconds: bool) -> str:
    if sql_type.fine:
        return f"{_fine(read, sql_type, with_nanoseconds)} AS {name}"
    if sql_type.is_of_any_size:
        return name if read == name else f"{read} AS {name}"
    return f"{_stored(read, sql_type)} AS {name}"


def _stored(column: str, sql_type: SqlType) -> str:
    """A stored column as its declared type. A TIMESTAMP_TZ without an offset is one of UTC: so earlier versions of the
    engine stored all of them.
    """
    made = f"CAST({column} AS {sql_type.duckdb})"
    return made if sql_type.record.moment != "TZ" else WITHOUT_OFFSET.format(column=column, made=made)


def _fine(column: str, sql_type: SqlType, with_nanoseconds: bool) -> str:
    """A stored column as a moment with nanoseconds: an object has some, or was written without."""
    if with_nanoseconds:
        return f"CAST({column} AS {sql_type.duckdb})"
    shifted = sql_type.record.moment == "TZ"
    plain = _stored(column, replace(sql_type, fine=False))
    return f"CAST({fine_type.made(plain, '0', shifted=shifted)} AS {sql_type.duckdb})"


def empty(columns: Columns) -> Raw:
    """No rows, but typed columns."""
    nulls = ", ".join(f"CAST(NULL AS {sql_type.duckdb}) AS {_slotless(name)}" for name, sql_type in columns)
    return raw(f"SELECT {nulls} WHERE FALSE")


def rows(source: RowsSource) -> Raw:
    """A relation given by value."""
    if not source.rows:
        return empty(source.columns)
    texts = many_rows.as_texts(source)
    if texts is not None:
        return _of_texts(source, texts)
    names = ", ".join(
        f"CAST({_column(n)} AS {sql_type.duckdb}) AS {_slotless(name)}"
        for n, (name, sql_type) in enumerate(source.columns)
    )
    listed = ", ".join(_column(n) for n in range(len(source.columns)))
    types = [sql_type for _, sql_type in source.columns]
    values = [
        exp.Tuple(expressions=[_literal(value, sql_type) for value, sql_type in zip(row, types, strict=True)])
        for row in source.rows
    ]
    return raw(f"SELECT {names} FROM (VALUES {{*}}) AS _rows({listed})", *(raw("{0}", value) for value in values))


def _of_texts(source: RowsSource, texts: list[list[str | None]]) -> Raw:
    """Many rows by value (many_rows.py). Of a type that no text is made of there are NULLs only."""
    made = ", ".join(
        (sql_type.record.exact.made if sql_type.record.exact else "CAST(NULL AS {type})").format(
            text=f"_row[{n + 1}]", type=sql_type.duckdb
        )
        + f" AS {_slotless(name)}"
        for n, (name, sql_type) in enumerate(source.columns)
    )
    return raw(
        f"SELECT {made} FROM (SELECT unnest(from_json(CAST({{0}} AS JSON), '[[\"VARCHAR\"]]')) AS _row)",
        exp.Literal.string(json.dumps(texts)),
    )


def _literal(value: Value, sql_type: SqlType) -> Node:
    """A value of a column: a moment with a zone is a TIMESTAMP_TZ, unless the column says otherwise."""
    if isinstance(value, datetime) and value.tzinfo is not None and sql_type.record.moment != "TZ":
        naive = literals.literal(value.astimezone(UTC).replace(tzinfo=None))
        return raw("({0} AT TIME ZONE 'UTC')", naive, kind=TIMESTAMP)
    return literals.literal(value)


def _column(number: int) -> str:
    return f'"_{number}"'


def _slotless(name: str) -> str:
    """A quoted identifier inside a template: a name that would read as a slot of it is refused."""
    if SLOT.search(name) or "\0" in name:
        raise SqlError.unsupported("'{…}' in column names")
    return quote(name)
