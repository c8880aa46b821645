"""Columns as CREATE TABLE declares them, and as ALTER TABLE leaves them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.sql.compile import defaults
from cleanroom_ml.engine.sql.compile.queries import compile_scalars
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.columns import ColumnSpec
from cleanroom_ml.engine.sql.read.table import AlterTable, ColumnChange
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Column, Table

_DIGITS: Final = 9
"""Of a second, where a type says nothing (sql-reference/data-types-datetime)."""
Kept = tuple[Column, str | None, str | None]
"""A column, which one it was (None: it is new), and the DEFAULT that rows get which are there already."""


def declared(work: Work, spec: ColumnSpec) -> Column:
    """A declared column as storage keeps it. Raises SqlError: its DEFAULT is none that an INSERT could use."""
    default = _checked_default(work, spec.default)
    if spec.default is not None and spec.start is not None:
        raise SqlError.syntax(f"column '{spec.name}' has a DEFAULT and is an IDENTITY.")
    if spec.start is not None and not parse_type(str(spec.type)).is_whole:
        raise SqlError.syntax(f"column '{spec.name}' is an IDENTITY, and so a whole number.")
    return Column(spec.name, str(spec.type), spec.nullable, default, spec.start, spec.step, spec.comment or "")


def altered_columns(work: Work, table: Table, statement: AlterTable) -> list[Kept]:
    """The columns after one action. Raises SqlError."""
    old = {each.name: each for each in table.columns}
    kept: list[Kept] = [(each, each.name, None) for each in table.columns]
    match statement.action:
        case "add":
            for spec in statement.columns:
                if spec.name in old:
                    if statement.exists:
                        continue
                    raise SqlError.syntax(f"column '{spec.name}' already exists")
                if table.rows and spec.start is not None:
                    raise SqlError.unsupported("ADD COLUMN of an IDENTITY to a table with rows")
                if not spec.nullable and table.rows and spec.default is None:
                    raise SqlError.syntax(f"Non-nullable column '{spec.name}' cannot be added to a table with rows.")
                kept.append((declared(work, spec), None, spec.default))
        case "drop":
            for name in statement.names:
                if name not in old and not statement.exists:
                    raise SqlError.syntax(f"column '{name}' does not exist")
            kept = [(each, was, given) for each, was, given in kept if each.name not in statement.names]
            if not kept:
                raise SqlError.syntax("The last column of a table cannot be dropped.")
        case "rename column":
            was, becomes = statement.names
            if was not in old:
                raise SqlError.syntax(f"column '{was}' does not exist")
            if becomes in old:
                raise SqlError.syntax(f"column '{becomes}' already exists")
            if old[was].start is not None:
                raise SqlError.unsupported("RENAME COLUMN of an IDENTITY")
            if (listener := work.catalog.context().listener) is not None:
                listener.on_column(becomes)
            kept = [
                (replace(each, name=becomes), name, None) if name == was else (each, name, None)
                for each, name, _ in kept
            ]
        case "change":
            wanted = {change.name: change for change in statement.changes}
            for name in wanted:
                if name not in old:
                    raise SqlError.syntax(f"column '{name}' does not exist")
            kept = [
                (_changed(work, each, wanted[each.name]) if each.name in wanted else each, was, None)
                for each, was, _ in kept
            ]
        case action:
            raise SqlError.unsupported(f"ALTER TABLE {action}")
    return kept


def _changed(work: Work, column: Column, change: ColumnChange) -> Column:
    """sql-reference/sql/alter-table-column: a type may only become wider."""
    if change.type is not None:
        was = parse_type(column.type)
        longer = was.name == change.type.name and (change.type.length or 1 << 62) >= (was.length or 1 << 62)
        wider = (was.precision or 0) <= (change.type.precision or 0) and was.scale == change.type.scale
        # Of a moment no other number of digits: the page lists no such change, and fewer would cut what is there.
        digits = [_DIGITS if each.scale is None else each.scale for each in (was, change.type)]
        other = was.record.moment is not None and digits[0] != digits[1]
        if not longer or other or (was.precision is not None and not wider):
            raise SqlError(
                2108,
                "22000",
                f"SQL compilation error: cannot change column {column.name} from type {was} to {change.type}",
            )
        column = replace(column, type=str(change.type))
    if change.default is not None:
        if _is_sequence(change.default) and not (column.default and _is_sequence(column.default)):
            raise SqlError.unsupported("SET DEFAULT to a sequence of a column that has none already")
        column = replace(column, default=_checked_default(work, change.default))
    if change.drops_default:
        column = replace(column, default=None)
    if change.nullable is not None:
        column = replace(column, nullable=change.nullable)
    return column if change.comment is None else replace(column, comment=change.comment)


def _checked_default(work: Work, text: str | None) -> str | None:
    """A DEFAULT as it is kept: a sequence by its full name. Raises SqlError: it is none that an INSERT could use."""
    if text is None:
        return None
    found = defaults.expression(text)
    name = defaults.sequence(found)
    if name is None:
        compile_scalars([found], defaults.NoTables(work.catalog.context()))
        return text
    key = work.catalog.target(name, "SEQUENCE")
    if work.restricted or work.storage.sequences.get(key) is None:
        raise SqlError.not_found("Sequence", displayed(name))
    work.require("USAGE", Thing.of("SEQUENCE", key))
    return f"{displayed((key.database, key.schema, key.name))}.NEXTVAL"


def _is_sequence(default: str) -> bool:
    return defaults.sequence(defaults.expression(default)) is not None
