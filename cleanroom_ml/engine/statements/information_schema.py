"""INFORMATION_SCHEMA: relations given by value, of one database of one account.

Their columns are those of sql-reference/info-schema; what the engine does not keep is NULL, and only what the roles
have a privilege on is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import Columns, RowsSource
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements import information_schema_rows as rows
from cleanroom_ml.engine.statements import query_history
from cleanroom_ml.engine.statements.information_schema_rows import Seen
from cleanroom_ml.engine.statements.packages import packages

NAME: Final = "INFORMATION_SCHEMA"
_NUMBERS: Final = """ROW_COUNT BYTES RETENTION_TIME ORDINAL_POSITION CHARACTER_MAXIMUM_LENGTH CHARACTER_OCTET_LENGTH
    NUMERIC_PRECISION NUMERIC_PRECISION_RADIX NUMERIC_SCALE DATETIME_PRECISION MAXIMUM_CARDINALITY SKIP_HEADER
    ROW_PARSED FIRST_ERROR_LINE_NUMBER FIRST_ERROR_CHARACTER_POSITION ERROR_COUNT ERROR_LIMIT NEXT_VALUE"""
_TIMES: Final = frozenset({"CREATED", "LAST_ALTERED", "LAST_DDL", "LAST_LOAD_TIME"})
_ROUTINE: Final = """_CATALOG _SCHEMA _NAME _OWNER ARGUMENT_SIGNATURE DATA_TYPE CHARACTER_MAXIMUM_LENGTH
    CHARACTER_OCTET_LENGTH NUMERIC_PRECISION NUMERIC_PRECISION_RADIX NUMERIC_SCALE _LANGUAGE _DEFINITION CREATED
    LAST_ALTERED COMMENT"""


def _routine(kind: str) -> str:
    return " ".join(f"{kind}{name}" if name.startswith("_") else name for name in _ROUTINE.split())


@dataclass(frozen=True, slots=True)
class _Relation:
    """Its columns in order, and its rows: what a row leaves out is NULL."""

    columns: str
    rows: Callable[[Seen], Iterable[Mapping[str, Value]]] = lambda _: ()


_RELATIONS: Final[Mapping[str, _Relation]] = {
    "TABLES": _Relation(
        """TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_OWNER TABLE_TYPE IS_TRANSIENT CLUSTERING_KEY ROW_COUNT BYTES
        RETENTION_TIME SELF_REFERENCING_COLUMN_NAME REFERENCE_GENERATION USER_DEFINED_TYPE_CATALOG
        USER_DEFINED_TYPE_SCHEMA USER_DEFINED_TYPE_NAME IS_INSERTABLE_INTO IS_TYPED COMMIT_ACTION CREATED LAST_ALTERED
        LAST_DDL LAST_DDL_BY AUTO_CLUSTERING_ON COMMENT IS_TEMPORARY IS_ICEBERG IS_DYNAMIC IS_IMMUTABLE IS_HYBRID""",
        rows.tables,
    ),
    "COLUMNS": _Relation(
        """TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION COLUMN_DEFAULT IS_NULLABLE DATA_TYPE
        CHARACTER_MAXIMUM_LENGTH CHARACTER_OCTET_LENGTH NUMERIC_PRECISION NUMERIC_PRECISION_RADIX NUMERIC_SCALE
        DATETIME_PRECISION INTERVAL_TYPE INTERVAL_PRECISION CHARACTER_SET_CATALOG CHARACTER_SET_SCHEMA
        CHARACTER_SET_NAME COLLATION_CATALOG COLLATION_SCHEMA COLLATION_NAME DOMAIN_CATALOG DOMAIN_SCHEMA DOMAIN_NAME
        UDT_CATALOG UDT_SCHEMA UDT_NAME SCOPE_CATALOG SCOPE_SCHEMA SCOPE_NAME MAXIMUM_CARDINALITY DTD_IDENTIFIER
        IS_SELF_REFERENCING IS_IDENTITY IDENTITY_GENERATION IDENTITY_START IDENTITY_INCREMENT IDENTITY_MAXIMUM
        IDENTITY_MINIMUM IDENTITY_CYCLE IDENTITY_ORDERED SCHEMA_EVOLUTION_RECORD COMMENT DATA_TYPE_ALIAS
        EXPRESSION KIND""",
        rows.columns,
    ),
    "SCHEMATA": _Relation(
        """CATALOG_NAME SCHEMA_NAME SCHEMA_OWNER IS_TRANSIENT IS_MANAGED_ACCESS RETENTION_TIME
        DEFAULT_CHARACTER_SET_CATALOG DEFAULT_CHARACTER_SET_SCHEMA DEFAULT_CHARACTER_SET_NAME SQL_PATH CREATED
        LAST_ALTERED COMMENT""",
        rows.schemata,
    ),
    "DATABASES": _Relation(
        "DATABASE_NAME DATABASE_OWNER IS_TRANSIENT COMMENT CREATED LAST_ALTERED RETENTION_TIME TYPE", rows.databases
    ),
    "INFORMATION_SCHEMA_CATALOG_NAME": _Relation("CATALOG_NAME", rows.catalog_name),
    "VIEWS": _Relation(
        """TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_OWNER VIEW_DEFINITION CHECK_OPTION IS_UPDATABLE INSERTABLE_INTO
        IS_SECURE CREATED LAST_ALTERED LAST_DDL LAST_DDL_BY COMMENT""",
        rows.views,
    ),
    "SEQUENCES": _Relation(
        """SEQUENCE_CATALOG SEQUENCE_SCHEMA SEQUENCE_NAME SEQUENCE_OWNER DATA_TYPE NUMERIC_PRECISION
        NUMERIC_PRECISION_RADIX NUMERIC_SCALE START_VALUE MINIMUM_VALUE MAXIMUM_VALUE NEXT_VALUE INCREMENT CYCLE_OPTION
        CREATED LAST_ALTERED ORDERED COMMENT""",
        rows.sequences,
    ),
    "STAGES": _Relation(
        """STAGE_CATALOG STAGE_SCHEMA STAGE_NAME STAGE_URL STAGE_REGION STAGE_TYPE STAGE_OWNER COMMENT CREATED
        LAST_ALTERED ENDPOINT DIRECTORY_ENABLED""",
        rows.stages,
    ),
    "FILE_FORMATS": _Relation(
        """FILE_FORMAT_CATALOG FILE_FORMAT_SCHEMA FILE_FORMAT_NAME FILE_FORMAT_OWNER FILE_FORMAT_TYPE RECORD_DELIMITER
        FIELD_DELIMITER SKIP_HEADER DATE_FORMAT TIME_FORMAT TIMESTAMP_FORMAT BINARY_FORMAT ESCAPE
        ESCAPE_UNENCLOSED_FIELD TRIM_SPACE FIELD_OPTIONALLY_ENCLOSED_BY NULL_IF COMPRESSION
        ERROR_ON_COLUMN_COUNT_MISMATCH CREATED LAST_ALTERED COMMENT""",
        rows.file_formats,
    ),
    "LOAD_HISTORY": _Relation(
        """SCHEMA_NAME FILE_NAME TABLE_NAME LAST_LOAD_TIME STATUS ROW_COUNT ROW_PARSED FIRST_ERROR_MESSAGE
        FIRST_ERROR_LINE_NUMBER FIRST_ERROR_CHARACTER_POSITION FIRST_ERROR_COL_NAME ERROR_COUNT ERROR_LIMIT""",
        rows.load_history,
    ),
    "TABLE_CONSTRAINTS": _Relation(
        """CONSTRAINT_CATALOG CONSTRAINT_SCHEMA CONSTRAINT_NAME TABLE_CATALOG TABLE_SCHEMA TABLE_NAME CONSTRAINT_TYPE
        IS_DEFERRABLE INITIALLY_DEFERRED ENFORCED COMMENT CREATED LAST_ALTERED RELY""",
        rows.table_constraints,
    ),
    "REFERENTIAL_CONSTRAINTS": _Relation(
        """CONSTRAINT_CATALOG CONSTRAINT_SCHEMA CONSTRAINT_NAME UNIQUE_CONSTRAINT_CATALOG UNIQUE_CONSTRAINT_SCHEMA
        UNIQUE_CONSTRAINT_NAME MATCH_OPTION UPDATE_RULE DELETE_RULE COMMENT CREATED LAST_ALTERED""",
        rows.referential_constraints,
    ),
    "OBJECT_PRIVILEGES": _Relation(
        """GRANTOR GRANTEE GRANTED_TO OBJECT_CATALOG OBJECT_SCHEMA OBJECT_NAME OBJECT_TYPE PRIVILEGE_TYPE IS_GRANTABLE
        CREATED""",
        rows.object_privileges,
    ),
    "TABLE_PRIVILEGES": _Relation(
        """GRANTOR GRANTEE GRANTED_TO TABLE_CATALOG TABLE_SCHEMA TABLE_NAME PRIVILEGE_TYPE IS_GRANTABLE WITH_HIERARCHY
        CREATED""",
        rows.table_privileges,
    ),
    "APPLICABLE_ROLES": _Relation("GRANTEE ROLE_NAME ROLE_OWNER IS_GRANTABLE", rows.applicable_roles),
    "ENABLED_ROLES": _Relation("ROLE_NAME ROLE_OWNER", rows.enabled_roles),
    "FUNCTIONS": _Relation(_routine("FUNCTION"), rows.functions),
    "PROCEDURES": _Relation(_routine("PROCEDURE"), rows.procedures),
    "PACKAGES": _Relation("PACKAGE_NAME VERSION LANGUAGE RUNTIME_VERSION", packages),
}


_OF_ROOMS: Final = frozenset({"TABLES", "VIEWS", "COLUMNS"})


def relation(seen: Seen, name: str) -> RowsSource | None:
    """A relation of a database that the caller has checked; None for another name."""
    found = _RELATIONS.get(name)
    if seen.shared and name not in _OF_ROOMS:
        return None
    if found is None:
        return query_history.relation(seen, (NAME, name))
    names = found.columns.split()
    columns: Columns = tuple((each, _type(each)) for each in names)
    return RowsSource(columns, tuple(tuple(row.get(each) for each in names) for row in found.rows(seen)))


def _type(column: str) -> SqlType:
    if column in _NUMBERS.split():
        return SqlType("NUMBER", 38, 0)
    return SqlType("TIMESTAMP_LTZ") if column in _TIMES else SqlType("VARCHAR")
