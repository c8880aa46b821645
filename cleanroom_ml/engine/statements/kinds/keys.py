"""SHOW PRIMARY KEYS, UNIQUE KEYS, IMPORTED KEYS and EXPORTED KEYS (sql-reference/sql/show-primary-keys)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.described import relation
from cleanroom_ml.engine.statements.listing import Listed, Listing, visible
from cleanroom_ml.engine.statements.scope import scope_of
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Key, Table


def _primary(work: Work, statement: Show) -> Listed:
    return _own(work, statement, "PRIMARY KEY")


def _unique(work: Work, statement: Show) -> Listed:
    return _own(work, statement, "UNIQUE")


def _own(work: Work, statement: Show, kind: str) -> Listed:
    for table in _tables(work, statement):
        for each in table.constraints:
            if each.kind == kind:
                for number, column in enumerate(each.columns, start=1):
                    yield {
                        "created_on": table.created_on, "database_name": table.key.database,
                        "schema_name": table.key.schema, "table_name": table.key.name, "column_name": column,
                        "key_sequence": number, "constraint_name": each.name, "rely": "false",
                        "comment": each.comment or None,
                    }  # fmt: skip


def _imported(work: Work, statement: Show) -> Listed:
    """The foreign keys of what is asked for."""
    return _foreign(work, _tables(work, statement))


def _exported(work: Work, statement: Show) -> Listed:
    """The foreign keys that refer to what is asked for."""
    here = {(each.key.database, each.key.schema, each.key.name) for each in _tables(work, statement)}
    everywhere = work.storage.tables.list(work.session.account, None, None, work.session.id)
    tables = [table for table, _ in visible(work, "TABLE", everywhere)]
    for row in _foreign(work, iter(tables)):
        if (row["pk_database_name"], row["pk_schema_name"], row["pk_table_name"]) in here:
            yield row


def _foreign(work: Work, tables: Iterator[Table]) -> Listed:
    for table in tables:
        for each in table.constraints:
            if each.kind != "FOREIGN KEY":
                continue
            named = _name_of(work, Key(table.key.account, *each.references), each.reference_columns)
            for number, (column, other) in enumerate(zip(each.columns, each.reference_columns, strict=True), start=1):
                database, schema, name = each.references
                yield {
                    "created_on": table.created_on, "pk_database_name": database, "pk_schema_name": schema,
                    "pk_table_name": name, "pk_column_name": other, "fk_database_name": table.key.database,
                    "fk_schema_name": table.key.schema, "fk_table_name": table.key.name, "fk_column_name": column,
                    "key_sequence": number, "update_rule": "NO ACTION", "delete_rule": "NO ACTION",
                    "fk_name": each.name, "pk_name": named, "deferrability": "NOT DEFERRABLE", "rely": "false",
                    "comment": each.comment or None,
                }  # fmt: skip


def _name_of(work: Work, key: Key, columns: tuple[str, ...]) -> str | None:
    """What the key is called that a foreign one refers to, where its table is there for the roles."""
    table = work.storage.tables.get(key) if work.rights.finds(Thing.of("TABLE", key)) else None
    found = () if table is None else table.constraints
    return next((each.name for each in found if each.kind != "FOREIGN KEY" and each.columns == columns), None)


def _tables(work: Work, statement: Show) -> Iterator[Table]:
    if statement.scope is not None and statement.scope_kind in {"TABLE", None}:
        found = relation(work, work.catalog.target(statement.scope, "TABLE"), statement.scope)
        if isinstance(found, Table):
            yield found
        return
    scope = scope_of(work, statement)
    tables = work.storage.tables.list(work.session.account, scope.database, scope.schema, work.session.id)
    for table, _ in visible(work, "TABLE", tables):
        yield table


_OWN: Final = (
    "created_on", "database_name", "schema_name", "table_name", "column_name", "key_sequence", "constraint_name",
    "rely", "comment",
)  # fmt: skip
_FOREIGN: Final = (
    "created_on", "pk_database_name", "pk_schema_name", "pk_table_name", "pk_column_name", "fk_database_name",
    "fk_schema_name", "fk_table_name", "fk_column_name", "key_sequence", "update_rule", "delete_rule", "fk_name",
    "pk_name", "deferrability", "rely", "comment",
)  # fmt: skip
_NUMBERS: Final = frozenset({"key_sequence"})
LISTINGS: Final = (
    Listing("PRIMARY KEYS", _OWN, _primary, named="table_name", numbers=_NUMBERS),
    Listing("UNIQUE KEYS", _OWN, _unique, named="table_name", numbers=_NUMBERS),
    Listing("IMPORTED KEYS", _FOREIGN, _imported, named="fk_table_name", numbers=_NUMBERS),
    Listing("EXPORTED KEYS", _FOREIGN, _exported, named="fk_table_name", numbers=_NUMBERS),
)
