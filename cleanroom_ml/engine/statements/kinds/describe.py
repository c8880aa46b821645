"""DESCRIBE …, with Snowflake's column names in the documented order."""

from __future__ import annotations

from typing import Any

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.types import MAX_BINARY, MAX_LENGTH, SqlType, parse_type
from cleanroom_ml.engine.statements.kinds import namespace as ddl_namespaces
from cleanroom_ml.engine.statements.kinds.warehouse import pools
from cleanroom_ml.engine.statements.refusals import shown
from cleanroom_ml.engine.statements.results import DESCRIBE, VARCHAR, Rows
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.keys import Column

_TIME = SqlType("TIMESTAMP_LTZ")
_COLUMN = (
    "name", "type", "kind", "null?", "default", "primary key", "unique key", "check", "expression", "comment",
    "policy name", "privacy domain",
)  # fmt: skip
_PROPERTY = ("parent_property", "property", "property_type", "property_value", "property_default")
_MEMBER = (("created_on", _TIME), ("name", VARCHAR), ("kind", VARCHAR))


def describe(work: Work, statement: Describe) -> Rows:
    """DESCRIBE TABLE, VIEW, STAGE, FILE FORMAT, DATABASE, SCHEMA, WAREHOUSE, COMPUTE POOL, APPLICATION."""
    match statement.kind:
        case "TABLE" | "VIEW":
            return _table(work, statement)
        case "STAGE":
            return _stage(work, statement)
        case "FILE FORMAT":
            return _file_format(work, statement)
        case "DATABASE" | "SCHEMA":
            return _namespace(work, statement)
        case "WAREHOUSE":
            found = work.storage.warehouses.get(work.session.account, statement.name[-1])
            if found is None or len(statement.name) != 1:
                raise SqlError.not_found("Warehouse", shown(statement.name))
            return Rows(_MEMBER, ((found.created_on, found.name, "WAREHOUSE"),), DESCRIBE)
        case "COMPUTE POOL":
            return pools(work).describe(work.session, statement.name[-1])
        case "APPLICATION" if work.applications is not None:
            return work.applications.describe(work.session, statement.name[-1])
        case kind:
            raise SqlError.unsupported(f"DESCRIBE {kind}")


def type_text(kind: SqlType) -> str:
    """A type with the lengths that Snowflake says and our canonical text leaves out."""
    match kind.name:
        case "VARCHAR":
            return f"VARCHAR({kind.length or MAX_LENGTH})"
        case "BINARY":
            return f"BINARY({kind.length or MAX_BINARY})"
        case "TIME" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ":
            return f"{kind.name}(9)"
        case _:
            return str(kind)


def _table(work: Work, statement: Describe) -> Rows:
    """Columns of a table or view; each may be asked for as the other, as on Snowflake."""
    key = work.catalog.target(statement.name, statement.kind)
    found = work.storage.tables.get(key, work.session.id) or work.storage.views.get(key)
    if found is None:
        raise SqlError.not_found("Table", shown(statement.name))
    return Rows(_texts(_COLUMN), [_column(column) for column in found.columns], DESCRIBE)


def _column(column: Column) -> tuple[Any, ...]:
    nullable = "Y" if column.nullable else "N"
    return (column.name, type_text(parse_type(column.type)), "COLUMN", nullable, None, "N", "N", *(None,) * 5)


def _stage(work: Work, statement: Describe) -> Rows:
    stage = work.stages.existing(statement.name)
    rows = [
        ("STAGE_FILE_FORMAT", "TYPE", "String", "CSV", "CSV"),
        ("STAGE_LOCATION", "URL", "String", "", ""),
        ("DIRECTORY", "ENABLE", "Boolean", str(stage.directory).lower(), "false"),
        ("DIRECTORY", "AUTO_REFRESH", "Boolean", "false", "false"),
        ("ENCRYPTION", "TYPE", "String", stage.encryption, "SNOWFLAKE_FULL"),
    ]
    if stage.directory and stage.refreshed_on is not None:
        rows.insert(4, ("DIRECTORY", "LAST_REFRESHED_ON", "String", stage.refreshed_on.isoformat(), ""))
    return Rows(_texts(_PROPERTY), rows, DESCRIBE)


def _file_format(work: Work, statement: Describe) -> Rows:
    key = work.catalog.target(statement.name, "FILE FORMAT")
    found = work.storage.file_formats.get(key, work.session.id)
    if found is None or (work.restricted and found.session_id is None):
        raise SqlError.not_found("File format", shown(statement.name))
    rows = [("TYPE", "String", found.type, "CSV")]
    rows += [(name, "String", str(value), "") for name, value in sorted(found.options.items())]
    return Rows(_texts(_PROPERTY[1:]), rows, DESCRIBE)


def _namespace(work: Work, statement: Describe) -> Rows:
    account = work.session.account
    if statement.kind == "DATABASE":
        if len(statement.name) != 1 or not ddl_namespaces.owns(work, statement.name[0]):
            raise SqlError.not_found("Database", shown(statement.name))
        schemas = work.storage.namespaces.schemas(account, statement.name[0])
        return Rows(_MEMBER, [(each.created_on, each.name, "SCHEMA") for each in schemas], DESCRIBE)
    database, schema = ddl_namespaces.own_schema(work, statement.name)
    if not work.storage.namespaces.schema_exists(account, database, schema):
        raise SqlError.not_found("Schema", shown(statement.name))
    tables = work.storage.tables.list(account, database, schema, work.session.id)
    views = work.storage.views.list(account, database, schema)
    rows = [(each.created_on, each.key.name, "TABLE") for each in tables]
    rows += [(each.created_on, each.key.name, "VIEW") for each in views]
    return Rows(_MEMBER, rows, DESCRIBE)


def _texts(names: tuple[str, ...]) -> tuple[tuple[str, SqlType], ...]:
    return tuple((name, VARCHAR) for name in names)
