"""SHOW …: Snowflake's column names, in the documented order, with what storage knows; the rest is its default."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.types import SqlType, parse_type
from cleanroom_ml.engine.statements.kinds import namespace as ddl_namespaces
from cleanroom_ml.engine.statements.kinds import session as context
from cleanroom_ml.engine.statements.kinds.warehouse import pools
from cleanroom_ml.engine.statements.like import like
from cleanroom_ml.engine.statements.refusals import no_current, shown
from cleanroom_ml.engine.statements.results import SHOW, VARCHAR, Rows
from cleanroom_ml.engine.statements.transactions import session_variables
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.keys import Column, Key

_TIME = SqlType("TIMESTAMP_LTZ")
_NUMBER = SqlType("NUMBER", 38, 0)
_OWNER = "ACCOUNTADMIN"
_TERSE = ("created_on", "name", "kind", "database_name", "schema_name")
_TIMES = frozenset({"created_on", "resumed_on", "updated_on"})
_NUMBERS = frozenset(
    {"rows", "bytes", "min_cluster_count", "max_cluster_count", "started_clusters", "running", "queued", "auto_suspend",
     "assigned_to_users", "granted_to_roles", "granted_roles", "search_optimization_progress",
     "search_optimization_bytes"}
)  # fmt: skip

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "TABLES": (
        "created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "rows", "bytes", "owner",
        "retention_time", "automatic_clustering", "change_tracking", "search_optimization",
        "search_optimization_progress", "search_optimization_bytes", "is_external", "enable_schema_evolution",
        "owner_role_type", "is_event", "budget", "is_hybrid", "is_iceberg", "is_dynamic", "is_immutable",
    ),
    "VIEWS": (
        "created_on", "name", "reserved", "database_name", "schema_name", "owner", "comment", "text", "is_secure",
        "is_materialized", "owner_role_type", "change_tracking",
    ),
    "OBJECTS": (
        "created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "rows", "bytes", "owner",
        "retention_time", "owner_role_type", "budget", "is_hybrid", "is_dynamic", "is_iceberg",
    ),
    "SCHEMAS": (
        "created_on", "name", "is_default", "is_current", "database_name", "owner", "comment", "options",
        "retention_time", "owner_role_type", "budget",
    ),
    "DATABASES": (
        "created_on", "name", "is_default", "is_current", "origin", "owner", "comment", "options", "retention_time",
        "kind", "budget", "owner_role_type",
    ),
    "STAGES": (
        "created_on", "name", "database_name", "schema_name", "url", "has_credentials", "has_encryption_key", "owner",
        "comment", "region", "type", "cloud", "notification_channel", "storage_integration", "endpoint",
        "owner_role_type", "directory_enabled",
    ),
    "FILE FORMATS": (
        "created_on", "name", "database_name", "schema_name", "type", "owner", "comment", "format_options",
        "owner_role_type",
    ),
    "WAREHOUSES": (
        "name", "state", "type", "size", "min_cluster_count", "max_cluster_count", "started_clusters", "running",
        "queued", "is_default", "is_current", "auto_suspend", "auto_resume", "available", "provisioning", "quiescing",
        "other", "created_on", "resumed_on", "updated_on", "owner", "comment", "owner_role_type",
    ),
    "COLUMNS": (
        "table_name", "schema_name", "column_name", "data_type", "null?", "default", "kind", "expression", "comment",
        "database_name", "autoincrement", "schema_evolution_record",
    ),
    "PARAMETERS": ("key", "value", "default", "level", "description", "type"),
    "VARIABLES": ("session_id", "created_on", "updated_on", "name", "value", "type", "comment"),
    "ROLES": (
        "created_on", "name", "is_default", "is_current", "is_inherited", "assigned_to_users", "granted_to_roles",
        "granted_roles", "owner", "comment",
    ),
    "GRANTS": (
        "created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option", "granted_by",
    ),
    "PRIMARY KEYS": (
        "created_on", "database_name", "schema_name", "table_name", "column_name", "key_sequence", "constraint_name",
        "rely", "comment",
    ),
    "PROCEDURES": (
        "created_on", "name", "schema_name", "is_builtin", "is_aggregate", "is_ansi", "min_num_arguments",
        "max_num_arguments", "arguments", "description", "catalog_name", "is_table_function",
        "valid_for_clustering", "is_secure",
    ),
    "TRANSACTIONS": ("id", "user", "session", "name", "started_on", "state", "scope"),
}  # fmt: skip
_SAME = {"USER FUNCTIONS": "PROCEDURES", "FUNCTIONS": "PROCEDURES", "USER PROCEDURES": "PROCEDURES",
         "IMPORTED KEYS": "PRIMARY KEYS", "EXPORTED KEYS": "PRIMARY KEYS", "UNIQUE KEYS": "PRIMARY KEYS"}  # fmt: skip
RESTRICTED = frozenset({"TABLES", "VIEWS", "OBJECTS", "COLUMNS", "STAGES", "FILE FORMATS", "PARAMETERS", "VARIABLES"})

_DEFAULTS = {
    "TIMEZONE": "Etc/UTC", "AUTOCOMMIT": "true", "QUERY_TAG": "", "STATEMENT_TIMEOUT_IN_SECONDS": "3600",
    "MULTI_STATEMENT_COUNT": "1", "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ", "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM", "QUOTED_IDENTIFIERS_IGNORE_CASE": "false",
    "PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS": "false",
}  # fmt: skip

Listed = Iterable[dict[str, Any]]


def show(work: Work, statement: Show) -> Rows:
    """SHOW [TERSE] kind [LIKE] [IN scope] [STARTS WITH] [LIMIT n [FROM name]]."""
    kind = _SAME.get(statement.kind, statement.kind)
    if work.restricted and statement.kind not in RESTRICTED:
        raise SqlError.unsupported(f"SHOW {statement.kind} in a clean room")
    if statement.kind == "COMPUTE POOLS":
        return pools(work).show(work.session, statement.like)
    if statement.kind == "COMPUTE POOL INSTANCE FAMILIES":
        return pools(work).show_families(work.session)
    if statement.kind == "APPLICATIONS" and work.applications is not None:
        return work.applications.show(work.session, statement.like)
    if kind not in COLUMNS:
        raise SqlError.unsupported(f"SHOW {statement.kind}")
    lister = _LISTERS.get(kind)
    rows = _filtered(statement, lister(work, statement) if lister is not None else ())
    names = COLUMNS[kind]
    if statement.terse and {"created_on", "name"} <= set(names):
        names = tuple(name for name in _TERSE if name in (*names, "kind"))
    return Rows(
        tuple((name, _type(name)) for name in names), [tuple(row.get(name) for name in names) for row in rows], SHOW
    )


def _filtered(statement: Show, rows: Listed) -> list[dict[str, Any]]:
    named = _NAMES.get(statement.kind, "name")
    kept = [
        row
        for row in rows
        if (statement.like is None or like(statement.like, str(row[named])))
        and (statement.starts_with is None or str(row[named]).startswith(statement.starts_with))
        and (statement.from_name is None or str(row[named]) > statement.from_name)
    ]
    return kept if statement.limit is None else kept[: statement.limit]


_NAMES = {"COLUMNS": "column_name", "PARAMETERS": "key"}


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a SHOW looks: one schema, one database (`schema` None), or all standard databases (both None)."""

    database: str | None
    schema: str | None


def _scope(work: Work, statement: Show) -> _Scope:
    """The scope of a SHOW, checked. Raises SqlError not found: it names what is not this session's."""
    if work.restricted:
        # A room has one schema; whatever is asked, the answer is that schema or a refusal.
        name = (*(statement.scope or ()), "X") if statement.scope_kind in {"SCHEMA", "DATABASE", None} else ("X",)
        if statement.scope_kind == "DATABASE" and statement.scope:
            name = (*statement.scope, work.catalog.target(("X",), "TABLE").schema, "X")
        key = work.catalog.target(name, "TABLE")
        return _Scope(key.database, key.schema)
    session, scope = work.session, statement.scope
    if statement.scope_kind == "ACCOUNT":
        return _Scope(None, None)
    if scope is None:
        if statement.scope_kind == "SCHEMA" and session.schema is None:
            raise no_current("schema")
        if statement.scope_kind == "DATABASE" and session.database is None:
            raise no_current("database")
        database = session.database if session.database and ddl_namespaces.owns(work, session.database) else None
        return _Scope(database, session.schema if database and statement.scope_kind != "DATABASE" else None)
    as_schema = statement.scope_kind == "SCHEMA" or len(scope) == 2
    if not as_schema:
        if not ddl_namespaces.owns(work, scope[0]):
            raise SqlError.not_found("Database", shown(scope))
        return _Scope(scope[0], None)
    database, schema = ddl_namespaces.own_schema(work, scope)
    if not work.storage.namespaces.schema_exists(session.account, database, schema):
        raise SqlError.not_found("Schema", shown(scope))
    return _Scope(database, schema)


def _place(key: Key) -> dict[str, Any]:
    return {"name": key.name, "database_name": key.database, "schema_name": key.schema, "owner": _OWNER,
            "owner_role_type": "ROLE"}  # fmt: skip


def _tables(work: Work, statement: Show) -> Listed:
    scope = _scope(work, statement)
    for table in work.storage.tables.list(work.session.account, scope.database, scope.schema, work.session.id):
        yield _place(table.key) | {
            "created_on": table.created_on, "kind": table.kind, "comment": table.comment, "cluster_by": "",
            "rows": table.rows, "bytes": table.bytes, "retention_time": "1", "automatic_clustering": "OFF",
            "change_tracking": "OFF", "search_optimization": "OFF", "is_external": "N", "enable_schema_evolution": "N",
            "is_event": "N", "is_hybrid": "N", "is_iceberg": "N", "is_dynamic": "N", "is_immutable": "N",
        }  # fmt: skip


def _views(work: Work, statement: Show) -> Listed:
    scope = _scope(work, statement)
    for view in work.storage.views.list(work.session.account, scope.database, scope.schema):
        yield _place(view.key) | {
            "created_on": view.created_on, "reserved": "", "comment": view.comment, "text": view.text, "kind": "VIEW",
            "is_secure": str(view.secure).lower(), "is_materialized": "false", "change_tracking": "OFF",
        }  # fmt: skip


def _objects(work: Work, statement: Show) -> Listed:
    rows = [*_tables(work, statement), *_views(work, statement)]
    return sorted(rows, key=lambda row: (row["database_name"], row["schema_name"], row["name"]))


def _schemas(work: Work, statement: Show) -> Listed:
    scope = _scope(work, statement)
    databases = [scope.database] if scope.database else [each["name"] for each in _databases(work, statement)]
    for database in databases:
        for schema in work.storage.namespaces.schemas(work.session.account, database):
            current = (database, schema.name) == (work.session.database, work.session.schema)
            yield {
                "created_on": schema.created_on, "name": schema.name, "is_default": "N",
                "is_current": "Y" if current else "N", "database_name": database, "owner": _OWNER,
                "comment": schema.comment, "options": "", "retention_time": "1", "owner_role_type": "ROLE",
            }  # fmt: skip


def _databases(work: Work, statement: Show) -> Listed:
    for database in work.storage.namespaces.databases(work.session.account):
        if database.kind == "standard":
            yield {
                "created_on": database.created_on, "name": database.name, "is_default": "N",
                "is_current": "Y" if database.name == work.session.database else "N", "origin": "", "owner": _OWNER,
                "comment": database.comment, "options": "", "retention_time": "1", "kind": "STANDARD",
                "owner_role_type": "ROLE",
            }  # fmt: skip


def _stages(work: Work, statement: Show) -> Listed:
    scope = _scope(work, statement)
    for stage in work.storage.stages.list(work.session.account, scope.database, scope.schema, work.session.id):
        if work.restricted and stage.session_id is None:
            continue
        yield _place(stage.key) | {
            "created_on": stage.created_on, "url": "", "has_credentials": "N", "has_encryption_key": "N",
            "comment": stage.comment, "type": "INTERNAL TEMPORARY" if stage.session_id else "INTERNAL",
            "directory_enabled": "Y" if stage.directory else "N",
        }  # fmt: skip


def _file_formats(work: Work, statement: Show) -> Listed:
    scope = _scope(work, statement)
    for each in work.storage.file_formats.list(work.session.account, scope.database, scope.schema, work.session.id):
        if not each.key.name.startswith("@") and not (work.restricted and each.session_id is None):
            options = json.dumps({"TYPE": each.type, **each.options})
            yield _place(each.key) | {
                "created_on": each.created_on, "type": each.type, "comment": each.comment, "format_options": options,
            }  # fmt: skip


def _warehouses(work: Work, statement: Show) -> Listed:
    for each in work.storage.warehouses.list(work.session.account):
        yield {
            "name": each.name, "state": "STARTED", "type": "STANDARD", "size": each.size, "min_cluster_count": 1,
            "max_cluster_count": 1, "started_clusters": 1, "running": 0, "queued": 0, "is_default": "N",
            "is_current": "Y" if each.name == work.session.warehouse else "N", "auto_suspend": 600,
            "auto_resume": "true", "available": "100", "provisioning": "0", "quiescing": "0", "other": "0",
            "created_on": each.created_on, "resumed_on": each.created_on, "updated_on": each.created_on,
            "owner": _OWNER, "comment": each.comment, "owner_role_type": "ROLE",
        }  # fmt: skip


def _columns(work: Work, statement: Show) -> Listed:
    account, session_id = work.session.account, work.session.id
    if statement.scope is not None and statement.scope_kind in {"TABLE", "VIEW"}:
        key = work.catalog.target(statement.scope, "TABLE")
        table, view = work.storage.tables.get(key, session_id), work.storage.views.get(key)
        found: list[tuple[Key, tuple[Column, ...]]] = []
        if table is not None:
            found = [(table.key, table.columns)]
        elif view is not None:
            found = [(view.key, view.columns)]
        else:
            raise SqlError.not_found("Table", shown(statement.scope))
    else:
        scope = _scope(work, statement)
        tables = work.storage.tables.list(account, scope.database, scope.schema, session_id)
        views = work.storage.views.list(account, scope.database, scope.schema)
        found = [(each.key, each.columns) for each in tables] + [(each.key, each.columns) for each in views]
    for key, columns in found:
        for column in columns:
            yield {
                "table_name": key.name, "schema_name": key.schema, "column_name": column.name,
                "data_type": _data_type(parse_type(column.type), column.nullable),
                "null?": "true" if column.nullable else "NOT_NULL", "default": "", "kind": "COLUMN", "expression": "",
                "comment": "", "database_name": key.database, "autoincrement": "",
            }  # fmt: skip


def _parameters(work: Work, statement: Show) -> Listed:
    for name in sorted(_DEFAULTS.keys() | work.session.parameters.keys()):
        default = _DEFAULTS.get(name, "")
        value = work.session.parameters.get(name, default)
        level = "SESSION" if name in work.session.parameters else ""
        kind = "BOOLEAN" if value in {"true", "false"} else "NUMBER" if value.isdigit() else "STRING"
        yield {"key": name, "value": value, "default": default, "level": level, "description": "", "type": kind}


def _variables(work: Work, statement: Show) -> Listed:
    for name, value in sorted(session_variables(work.session).items()):
        kind = "fixed" if isinstance(value, int) else "real" if isinstance(value, float) else "text"
        yield {"session_id": work.session.id, "name": name, "value": str(value), "type": kind, "comment": ""}


def _roles(work: Work, statement: Show) -> Listed:
    for role in context.ROLES:
        current = "Y" if role == work.session.role else "N"
        yield {"name": role, "is_default": "Y" if role == _OWNER else "N", "is_current": current, "is_inherited": "N",
               "assigned_to_users": 1, "granted_to_roles": 0, "granted_roles": 0, "owner": "",
               "comment": ""}  # fmt: skip


def _grants(work: Work, statement: Show) -> Listed:
    for each in work.storage.warehouses.grants(work.session.account):
        yield {
            "created_on": each.granted_on, "privilege": "USAGE", "granted_on": each.kind.replace(" ", "_"),
            "name": each.name, "granted_to": "APPLICATION", "grantee_name": each.application, "grant_option": "false",
            "granted_by": _OWNER,
        }  # fmt: skip


_LISTERS: Mapping[str, Callable[[Work, Show], Listed]] = {
    "TABLES": _tables,
    "VIEWS": _views,
    "OBJECTS": _objects,
    "SCHEMAS": _schemas,
    "DATABASES": _databases,
    "STAGES": _stages,
    "FILE FORMATS": _file_formats,
    "WAREHOUSES": _warehouses,
    "COLUMNS": _columns,
    "PARAMETERS": _parameters,
    "VARIABLES": _variables,
    "ROLES": _roles,
    "GRANTS": _grants,
}


def _type(name: str) -> SqlType:
    return _TIME if name in _TIMES else _NUMBER if name in _NUMBERS else VARCHAR


def _data_type(kind: SqlType, nullable: bool) -> str:
    """A type as the JSON of SHOW COLUMNS."""
    described: dict[str, Any] = {
        "type": {"NUMBER": "FIXED", "VARCHAR": "TEXT", "FLOAT": "REAL"}.get(kind.name, kind.name)
    }
    if kind.name == "NUMBER":
        described |= {"precision": kind.precision, "scale": kind.scale}
    elif kind.name == "VARCHAR":
        described |= {"length": kind.length or 16_777_216, "byteLength": 16_777_216}
    return json.dumps(
        described | {"nullable": nullable, "fixed": False}
        if kind.name == "VARCHAR"
        else described | {"nullable": nullable}
    )
