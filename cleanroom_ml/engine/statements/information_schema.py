"""INFORMATION_SCHEMA, as far as clients ask it: relations given by value, of one database of one account."""

from __future__ import annotations

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import RowsSource
from cleanroom_ml.engine.sql.types.descriptions import characters, standard
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.statements.packages import packages
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Column, Key
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.roles import ADMIN
from cleanroom_ml.engine.storage.storage import Storage

NAME = "INFORMATION_SCHEMA"
_TEXT = SqlType("VARCHAR")
_NUMBER = SqlType("NUMBER", 38, 0)
_MOMENT = SqlType("TIMESTAMP_LTZ")

_TABLES = (
    ("TABLE_CATALOG", _TEXT), ("TABLE_SCHEMA", _TEXT), ("TABLE_NAME", _TEXT), ("TABLE_OWNER", _TEXT),
    ("TABLE_TYPE", _TEXT), ("IS_TRANSIENT", _TEXT), ("ROW_COUNT", _NUMBER), ("BYTES", _NUMBER), ("CREATED", _MOMENT),
    ("COMMENT", _TEXT),
)  # fmt: skip
_COLUMNS = (
    ("TABLE_CATALOG", _TEXT), ("TABLE_SCHEMA", _TEXT), ("TABLE_NAME", _TEXT), ("COLUMN_NAME", _TEXT),
    ("ORDINAL_POSITION", _NUMBER), ("COLUMN_DEFAULT", _TEXT), ("IS_NULLABLE", _TEXT), ("DATA_TYPE", _TEXT),
    ("CHARACTER_MAXIMUM_LENGTH", _NUMBER), ("NUMERIC_PRECISION", _NUMBER), ("NUMERIC_SCALE", _NUMBER),
    ("COMMENT", _TEXT),
)  # fmt: skip
_SCHEMATA = (
    ("CATALOG_NAME", _TEXT), ("SCHEMA_NAME", _TEXT), ("SCHEMA_OWNER", _TEXT), ("CREATED", _MOMENT), ("COMMENT", _TEXT),
)  # fmt: skip
_VIEWS = (
    ("TABLE_CATALOG", _TEXT), ("TABLE_SCHEMA", _TEXT), ("TABLE_NAME", _TEXT), ("TABLE_OWNER", _TEXT),
    ("VIEW_DEFINITION", _TEXT), ("IS_SECURE", _TEXT), ("CREATED", _MOMENT), ("COMMENT", _TEXT),
)  # fmt: skip


def relation(
    storage: Storage, account: str, database: str, name: str, session_id: str | None, rights: Rights
) -> RowsSource | None:
    """TABLES, COLUMNS, SCHEMATA, VIEWS or PACKAGES of a database that the caller has checked; None for another name.

    Only what the roles have a privilege on is in them.
    """
    tables = [
        table
        for table in storage.tables.list(account, database, None, session_id)
        if table.session_id is not None or rights.finds(Thing.of("TABLE", table.key))
    ]
    views = [view for view in storage.views.list(account, database) if rights.finds(Thing.of("VIEW", view.key))]
    owners = {**storage.grants.owners(account, "TABLE"), **storage.grants.owners(account, "VIEW")}
    match name:
        case "TABLES":
            rows: list[tuple[Value, ...]] = [
                (
                    *(database, table.key.schema, table.key.name, owners.get(Thing.of("TABLE", table.key), ADMIN)),
                    "LOCAL TEMPORARY" if table.kind == "TEMPORARY" else "BASE TABLE",
                    "YES" if table.kind == "TRANSIENT" else "NO",
                    *(table.rows, table.bytes, table.created_on, table.comment or None),
                )
                for table in tables
            ]
            rows += [
                (
                    database,
                    view.key.schema,
                    view.key.name,
                    owners.get(Thing.of("VIEW", view.key), ADMIN),
                    "VIEW",
                    "NO",
                    None,
                    None,
                    view.created_on,
                    None,
                )
                for view in views
            ]
            return RowsSource(_TABLES, tuple(rows))
        case "COLUMNS":
            described = [(table.key, table.columns) for table in tables] + [(view.key, view.columns) for view in views]
            return RowsSource(_COLUMNS, tuple(row for key, columns in described for row in _columns(key, columns)))
        case "PACKAGES":
            return packages()
        case "SCHEMATA":
            owners = storage.grants.owners(account, "SCHEMA")
            schemas = [
                (each, Thing("SCHEMA", database, each.name)) for each in storage.namespaces.schemas(account, database)
            ]
            return RowsSource(
                _SCHEMATA,
                tuple(
                    (database, each.name, owners.get(thing, ADMIN), each.created_on, each.comment or None)
                    for each, thing in schemas
                    if rights.sees(thing)
                ),
            )
        case "VIEWS":
            return RowsSource(
                _VIEWS,
                tuple(
                    (database, view.key.schema, view.key.name, owners.get(Thing.of("VIEW", view.key), ADMIN),
                     None if view.secure and not rights.owns(Thing.of("VIEW", view.key)) else view.text,
                     "YES" if view.secure else "NO", view.created_on, view.comment or None)
                    for view in views
                ),
            )  # fmt: skip
    return None


def _columns(key: Key, columns: tuple[Column, ...]) -> list[tuple[Value, ...]]:
    rows: list[tuple[Value, ...]] = []
    for position, column in enumerate(columns, start=1):
        kind = parse_type(column.type)
        rows.append(
            (
                *(
                    key.database,
                    key.schema,
                    key.name,
                    column.name,
                    position,
                    _default(column),
                    "YES" if column.nullable else "NO",
                ),
                *(standard(kind), characters(kind), kind.precision, kind.scale, column.comment or None),
            )
        )
    return rows


def _default(column: Column) -> str | None:
    """An IDENTITY's numbers are no default of it."""
    return None if column.start is not None else column.default
