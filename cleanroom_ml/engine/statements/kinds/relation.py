"""SHOW OBJECTS and SHOW COLUMNS: tables and views together."""

from __future__ import annotations

import json
from typing import Final

from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.types.descriptions import column_json
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.described import default_text, relation
from cleanroom_ml.engine.statements.kinds.table import listed_tables
from cleanroom_ml.engine.statements.kinds.view import listed_views
from cleanroom_ml.engine.statements.listing import Listed, Listing, visible
from cleanroom_ml.engine.statements.scope import scope_of
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.keys import Column, Key


def _objects(work: Work, statement: Show) -> Listed:
    rows = [*listed_tables(work, statement), *listed_views(work, statement)]
    return sorted(rows, key=lambda row: (row["database_name"], row["schema_name"], row["name"]))


def _columns(work: Work, statement: Show) -> Listed:
    account, session_id = work.session.account, work.session.id
    named = statement.scope_kind in {"TABLE", "VIEW"} or (
        statement.scope_kind is None and statement.scope is not None and len(statement.scope) != 2
    )
    if statement.scope is not None and named:
        key = work.catalog.target(statement.scope, "TABLE")
        there = relation(work, key, statement.scope)
        listed: list[tuple[Key, tuple[Column, ...]]] = [(there.key, there.columns)]
    else:
        scope = scope_of(work, statement)
        tables = work.storage.tables.list(account, scope.database, scope.schema, session_id)
        views = work.storage.views.list(account, scope.database, scope.schema, session_id)
        listed = [(each.key, each.columns) for each, _ in visible(work, "TABLE", tables)]
        listed += [(each.key, each.columns) for each, _ in visible(work, "VIEW", views)]
    for key, columns in listed:
        for column in columns:
            yield {
                "table_name": key.name, "schema_name": key.schema, "column_name": column.name,
                "data_type": json.dumps(
                    column_json(parse_type(column.type), nullable=column.nullable), separators=(",", ":")
                ),
                "null?": "true" if column.nullable else "NOT_NULL", "default": column.default or "", "kind": "COLUMN",
                "expression": "", "comment": column.comment, "database_name": key.database,
                "autoincrement": (default_text(column) or "") if column.start is not None else "",
            }  # fmt: skip


_OBJECTS: Final = (
    "created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "rows", "bytes", "owner",
    "retention_time", "owner_role_type", "budget", "is_hybrid", "is_dynamic", "is_iceberg",
)  # fmt: skip
_COLUMNS: Final = (
    "table_name", "schema_name", "column_name", "data_type", "null?", "default", "kind", "expression", "comment",
    "database_name", "autoincrement", "schema_evolution_record",
)  # fmt: skip
LISTINGS: Final = (
    Listing("OBJECTS", _OBJECTS, _objects, in_room=True, numbers=frozenset({"rows", "bytes"})),
    Listing("COLUMNS", _COLUMNS, _columns, in_room=True, named="column_name"),
)
