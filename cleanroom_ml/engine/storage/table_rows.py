"""Tables as the catalog's rows have them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict

from cleanroom_ml.engine.contracts.limits import MAX_COLUMNS
from cleanroom_ml.engine.storage import identities, shadowing
from cleanroom_ml.engine.storage.errors import InvalidName
from cleanroom_ml.engine.storage.keys import Column, Constraint, Table, TableObject, checked_name, from_micros


def columns_json(columns: Sequence[Column]) -> str:
    """Columns as the catalog stores them. Raises InvalidName: a name is none or there twice, or too many."""
    names = [checked_name(column.name, "column") for column in columns]
    if len(names) > MAX_COLUMNS:
        raise InvalidName(f"{len(names)} columns are more than MAX_COLUMNS, {MAX_COLUMNS}")
    if len(set(names)) != len(names):
        raise InvalidName("two columns have the same name")
    return json.dumps([_column_json(column) for column in columns], ensure_ascii=False)


def _column_json(column: Column) -> list[object]:
    """Name, type and whether it may be NULL; what else there is, where it is."""
    rest = {"default": column.default, "start": column.start, "step": column.step, "comment": column.comment}
    plain = Column(column.name, column.type, column.nullable)
    return [column.name, column.type, column.nullable, *([] if column == plain else [rest])]


def columns_from_json(text: str) -> tuple[Column, ...]:
    """What `columns_json` wrote."""
    return tuple(
        Column(name, kind, nullable, **(rest[0] if rest else {})) for name, kind, nullable, *rest in json.loads(text)
    )


def columns_of(row: sqlite3.Row) -> tuple[Column, ...]:
    """A row's columns."""
    return columns_from_json(row["columns"])


def table_of(connection: sqlite3.Connection, row: sqlite3.Row) -> Table:
    """A row's table, with what it holds now."""
    return Table(
        key=shadowing.key_of(row),
        columns=columns_of(row),
        objects=objects_of(connection, row["id"]),
        snapshot=row["snapshot"],
        kind=row["kind"],
        session_id=row["session_id"],
        created_on=from_micros(row["created_on"]),
        comment=row["comment"],
        rows=row["rows"],
        bytes=row["bytes"],
        numbers=identities.numbers(connection, row["id"], columns_of(row)),
        retention=row["retention"],
        constraints=_constraints(row["constraints"]),
        clustering=row["clustering"],
    )


def constraints_json(constraints: Sequence[Constraint]) -> str:
    """Keys as the catalog stores them."""
    return json.dumps([asdict(each) for each in constraints], ensure_ascii=False)


def _constraints(text: str) -> tuple[Constraint, ...]:
    if text == "[]":
        return ()
    return tuple(
        Constraint(
            each["kind"],
            tuple(each["columns"]),
            each["name"],
            tuple(each["references"]),
            tuple(each["reference_columns"]),
            each["comment"],
        )
        for each in json.loads(text)
    )


def objects_of(connection: sqlite3.Connection, table_id: int) -> tuple[TableObject, ...]:
    """What a table holds now, in order."""
    rows = connection.execute(
        "SELECT sha256, rows, bytes, bounds FROM table_objects WHERE table_id = ? AND removed IS NULL ORDER BY id",
        (table_id,),
    )
    return tuple(TableObject(sha256, count, size, bounds) for sha256, count, size, bounds in rows)
