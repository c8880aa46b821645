"""The table of activated records: where it is, and its records as rows of columns.

Its name is what PROCESS_ACTIVATION answers. Documented is `<collaboration>.activation.segment_records`; on accounts it
was `SFDCR_<collaboration>.ACTIVATION.SEGMENT_RECORDS`, with records `{"ID": {"p1.COLUMN": …}}` (docs/api-digest.md §9).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.literals import identifier, text
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import ServerError
from cleanroom_ml.naming import split_name
from cleanroom_ml.services.reported import UnreadableError, reported

_DOES_NOT_EXIST = frozenset({2003, 2043})
_NAMED = re.compile(
    r'(?:[\w$]+|"[^"]+")\.(?:activation|"ACTIVATION")\.(?:segment_records|"SEGMENT_RECORDS")', re.IGNORECASE
)
_MOST_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """A batch in the table that has it, with all of its columns."""

    table: str
    batch: str
    columns: tuple[str, ...]


def named(rows: Sequence[Row]) -> tuple[str, ...]:
    """The tables that PROCESS_ACTIVATION has named, as SQL; what is no name of one is passed over."""
    found = []
    for row in rows:
        by_column = [value for column, value in row.items() if column.lower() in ("table_name", "table")]
        for value in by_column or row.values():
            whole = str(value or "")[:_MOST_CHARACTERS].strip()
            inside = _NAMED.search(whole)
            found.append(_name(whole) or (_name(inside.group()) if inside else ""))
    return tuple(dict.fromkeys(name for name in found if name))


def candidates(collaboration: str, told: Sequence[str] = ()) -> tuple[str, ...]:
    """Where records can be: in the tables that the target named, then in the documented one, then in the other."""
    usual = (f"{collaboration}.activation.segment_records", f"SFDCR_{collaboration}.ACTIVATION.SEGMENT_RECORDS")
    return tuple(dict.fromkeys((*told, *map(identifier, usual))))


def find(connection: Connection, tables: Sequence[str], batch: str) -> Found | None:
    """The batch with its columns; None: none of the tables has a record of it.

    OBJECT_CONSTRUCT leaves out what is NULL: only all records together tell the columns.
    """
    for table in tables:
        try:
            columns = tuple(dict.fromkeys(key for record in records(connection, table, batch) for key in record))
        except ServerError as error:
            if error.code not in _DOES_NOT_EXIST:
                raise
            continue
        if columns:
            return Found(table, batch, columns)
    return None


def newest_of(connection: Connection, tables: Sequence[str], segment: str, shared_by: str) -> str | None:
    """The newest batch of a segment that somebody shared, as the table itself tells it; None where there is none."""
    for table in tables:
        wanted = (
            f"SELECT BATCH_ID FROM {table} WHERE SEGMENT_NAME = {text(segment)}"
            f" AND SHARED_BY = {text(shared_by)} ORDER BY UPDATED_ON DESC LIMIT 1"
        )
        try:
            for batch in _values(connection.stream(wanted)):
                return str(batch)
        except ServerError as error:
            if error.code not in _DOES_NOT_EXIST:  # the table comes with the first records
                raise
    return None


def records(connection: Connection, table: str, batch: str) -> Iterator[dict[str, object]]:
    """The records of a batch, one by one. Raises UnreadableError: one is no object of columns."""
    for record in _values(connection.stream(f"SELECT RECORDS FROM {table} WHERE BATCH_ID = {text(batch)}")):
        read = reported(record, f"a record of batch {batch}")
        if not isinstance(read, dict):
            raise UnreadableError(f"a record of batch {batch} cannot be read", why="it is no object of columns")
        yield flat(read)


def _values(rows: Iterable[tuple[object, ...]]) -> Iterator[object]:
    """Of the one column that was asked for. Raises ServerError: the answer has others."""
    for row in rows:
        if len(row) != 1:
            raise ServerError(f"the target's answer has {len(row)} columns where one was asked for")
        yield row[0]


def flat(record: dict[str, object]) -> dict[str, object]:
    """A record's columns: they are its members, or those of its one member `ID`. Names stay as they came."""
    if len(record) == 1:
        ((name, inner),) = record.items()
        if name.upper() == "ID" and isinstance(inner, dict):
            return inner
    return record


def _name(wanted: str) -> str:
    """A table's name of three parts as SQL; empty where it is none."""
    try:
        return identifier(wanted) if len(split_name(wanted)) == 3 else ""
    except ValueError:
        return ""
