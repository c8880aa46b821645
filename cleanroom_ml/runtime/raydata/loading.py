"""Files of rows into a table, all of them or none: the last statement, and only that, changes the table."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from .names import quoted
from .parts import Part
from .rows import json_type, sql_type, together

if TYPE_CHECKING:
    from snowflake.connector.cursor import SnowflakeCursor
    from snowflake.snowpark import Session

_MISSING: Final = 2003
"""Snowflake's error number of "does not exist or not authorized"."""


class TableUnavailableError(ValueError):
    """The table cannot be written; the text names it, and says what can."""


@dataclass(frozen=True, slots=True)
class Target:
    """The table: its name's parts as SQL, whether it may be created, whether its rows are replaced."""

    parts: tuple[str, ...]
    create: bool
    replace: bool

    @property
    def name(self) -> str:
        return ".".join(self.parts)

    def beside(self, purpose: str) -> str:
        """A new name in the same schema, as SQL."""
        return ".".join((*self.parts[:-1], f"{purpose}_{uuid.uuid4().hex.upper()}"))


def require_table(session: Session, target: Target) -> None:
    """Raise TableUnavailableError where the table is not there and may not be created: before anything is computed."""
    if _columns(session, target) is None and not target.create:
        raise TableUnavailableError(
            f"there is no table {target.name} for this job; auto_create_table=True makes it. A clean room's job writes "
            "tables of its clean room only: CLEANROOM.<table>, or the table's name alone"
        )


def load(session: Session, target: Target, parts: Sequence[Part], schema: pa.Schema | None) -> int:
    """Put the rows of these parts into the table; how many there were.

    `schema` is the dataset's where there are no parts.

    Raises:
        TableUnavailableError: it is not there, or cannot be created, or lacks a column of the dataset.
        UnwritableColumnError: a column's values are none that a table holds.
        snowflake.connector.errors.ProgrammingError: the rows do not fit the table's columns.
    """
    if parts:
        schema = together([part.schema for part in parts])
    columns = _columns(session, target)
    if columns is None or (target.create and target.replace and schema is not None):
        if schema is None:
            raise TableUnavailableError(f"the dataset is empty and has no columns: nothing to make {target.name} of")
        matched = {field.name: quoted(_unquoted(field.name)) for field in schema}
    else:
        matched = _matched(schema, columns, target)
    with session.connection.cursor() as cursor:
        if schema is None:
            if target.replace:
                cursor.execute(f"TRUNCATE TABLE {target.name}")
            return 0
        waiting = _waiting_table(cursor, target, schema)
        try:
            if parts:
                _collect(cursor, target, waiting, parts)
            _finish(cursor, target, waiting, schema, matched, exists=columns is not None)
        finally:
            cursor.execute(f"DROP TABLE IF EXISTS {waiting}")
    return sum(part.rows for part in parts)


def _columns(session: Session, target: Target) -> list[str] | None:
    """The names of the table's columns, None where there is no such table."""
    from snowflake.connector.errors import ProgrammingError

    with session.connection.cursor() as cursor:
        try:
            cursor.execute(f"DESCRIBE TABLE {target.name}")
            return [str(row[0]) for row in cursor.fetchall()]
        except ProgrammingError as error:
            if error.errno != _MISSING:
                raise
            return None


def _matched(schema: pa.Schema | None, columns: Sequence[str], target: Target) -> dict[str, str]:
    """The table's column, as SQL, for each of the dataset's: of the same name, else of the same but for its case."""
    folded: dict[str, list[str]] = {}
    for column in columns:
        folded.setdefault(column.upper(), []).append(column)
    found = {}
    for field in schema or ():
        name = _unquoted(field.name)
        near = folded.get(name.upper(), [])
        if name in columns:
            found[field.name] = quoted(name)
        elif len(near) == 1:
            found[field.name] = quoted(near[0])
        else:
            raise TableUnavailableError(
                f"the table {target.name} has no column {field.name}; it has {', '.join(columns)}. Rename columns with "
                "rename_columns, drop them with drop_columns, or replace the table with override=True and "
                "auto_create_table=True"
            )
    return found


def _unquoted(name: str) -> str:
    """A DataConnector writes the column `target` as `"target"` (data/columns.py)."""
    return name[1:-1].replace('""', '"') if len(name) > 2 and name[0] == name[-1] == '"' else name


def _waiting_table(cursor: SnowflakeCursor, target: Target, schema: pa.Schema) -> str:
    """A new temporary table for the rows, beside the target. Raises TableUnavailableError."""
    waiting = target.beside("RAY_ROWS")
    listed = ", ".join(f"{quoted(field.name)} {sql_type(field)}" for field in schema)
    try:
        cursor.execute(f"CREATE TEMPORARY TABLE {waiting} ({listed})")
    except Exception as error:
        if getattr(error, "errno", None) != _MISSING:
            raise
        raise TableUnavailableError(
            f"this job cannot write the table {target.name} ({getattr(error, 'msg', error)}). A clean room's job "
            "writes tables of its clean room only: CLEANROOM.<table>, or the table's name alone"
        ) from error
    return waiting


def _collect(cursor: SnowflakeCursor, target: Target, waiting: str, parts: Sequence[Part]) -> None:
    """All rows into the temporary table."""
    stage = target.beside("RAY_FILES")
    cursor.execute(f"CREATE TEMPORARY STAGE {stage}")
    try:
        for part in parts:
            cursor.execute(f"PUT 'file://{_escaped(part.path)}' @{stage} AUTO_COMPRESS=FALSE")
        cursor.execute(
            f"COPY INTO {waiting} FROM @{stage} FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) "
            "MATCH_BY_COLUMN_NAME = CASE_SENSITIVE"
        )
    finally:
        cursor.execute(f"DROP STAGE IF EXISTS {stage}")


def _finish(
    cursor: SnowflakeCursor, target: Target, waiting: str, schema: pa.Schema, matched: dict[str, str], *, exists: bool
) -> None:
    """The statement that changes the table."""
    if not exists or (target.create and target.replace):
        renamed = ", ".join(f"{_value(field)} AS {matched[field.name]}" for field in schema)
        replacing = "OR REPLACE " if target.replace else ""
        cursor.execute(f"CREATE {replacing}TABLE {target.name} AS SELECT {renamed} FROM {waiting}")
        return
    overwrite = "OVERWRITE " if target.replace else ""
    given = ", ".join(map(_value, schema))
    into = ", ".join(matched[field.name] for field in schema)
    cursor.execute(f"INSERT {overwrite}INTO {target.name} ({into}) SELECT {given} FROM {waiting}")


def _value(field: pa.Field) -> str:
    kind = json_type(field)
    return quoted(field.name) if kind is None else f"PARSE_JSON({quoted(field.name)})::{kind}"


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace("'", "\\'")
