"""CREATE TABLE in its forms, DROP TABLE, ALTER TABLE."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final, Literal

from sqlglot import exp

from cleanroom_ml.engine.contracts.limits import MAX_COLUMNS
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import TableSource, ViewSource
from cleanroom_ml.engine.sql.compile.queries import compile_query, compile_rewrite
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.columns import ColumnSpec
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.read.table import AlterTable, CreateTable
from cleanroom_ml.engine.sql.types.descriptions import described
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.statements import system_relations
from cleanroom_ml.engine.statements.column_changes import altered_columns, declared
from cleanroom_ml.engine.statements.kind import Allowed, Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.kinds import dml
from cleanroom_ml.engine.statements.listing import Listed, Listing, place, texts, visible
from cleanroom_ml.engine.statements.nullability import refuse_nulls_in
from cleanroom_ml.engine.statements.refusals import busy, displayed, translated
from cleanroom_ml.engine.statements.replies import already_dropped
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.scope import of_the_system, scope_of
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage import changes
from cleanroom_ml.engine.storage.errors import SnapshotConflict
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing
from cleanroom_ml.engine.storage.keys import Column, Key, Table, TableKind, TableObject, View

_KINDS: dict[str, TableKind] = {"TABLE": "TABLE", "TEMPORARY": "TEMPORARY", "TRANSIENT": "TRANSIENT"}


def create_table(work: Work, statement: CreateTable) -> Rows:
    """CREATE [OR REPLACE] [TEMPORARY|TRANSIENT] TABLE [IF NOT EXISTS], empty, AS SELECT, or LIKE another."""
    key = work.catalog.target(statement.name, "TABLE")
    kind = _KINDS[statement.kind]
    session_id = work.temporary(kind == "TEMPORARY")
    there = work.storage.tables.get(key, session_id)
    exists = there is not None and there.session_id == session_id
    if session_id is None:
        work.require("CREATE TABLE", Thing("SCHEMA", key.database, key.schema))
    if exists and statement.if_not_exists:
        return success(f"{key.name} already exists, statement succeeded.")
    if exists and not statement.or_replace:
        raise SqlError.already_exists("Table", displayed(statement.name))
    objects: tuple[TableObject, ...] = ()
    if statement.query is not None:
        columns, objects = _selected(work, statement, statement.query)
    elif statement.like is not None:
        columns = _like(work, statement.like)
    elif statement.clone is not None:
        columns, objects = _cloned(work, statement.clone)
    else:
        columns = tuple(declared(work, spec) for spec in statement.columns)
    if not columns:
        raise SqlError.syntax("A table needs at least one column.")
    if_exists: Literal["error", "replace", "ignore"] = (
        "replace" if statement.or_replace else "ignore" if statement.if_not_exists else "error"
    )
    reply = success(f"Table {key.name} successfully created.")
    change = changes.CreateTable(key, columns, kind, session_id, objects, if_exists, comment=statement.comment or "")
    with translated(statement.name), work.storage.database.transaction():
        copied = work.grants_on(Thing.of("TABLE", key)) if statement.copy_grants and session_id is None else ()
        (made,) = work.commit([change], reply)
        work.grant_again(copied)
    return reply if made else success(f"{key.name} already exists, statement succeeded.")


def drop_table(work: Work, statement: Drop) -> Rows:
    """DROP TABLE [IF EXISTS]: the session's temporary one first."""
    key = _owned(work, statement.name)
    with translated(statement.name):
        (dropped,) = work.commit(
            [changes.DropTable(key, statement.if_exists, work.session.id)], success(f"{key.name} successfully dropped.")
        )
    return success(f"{key.name} successfully dropped.") if dropped else already_dropped(key.name)


def alter_table(work: Work, statement: AlterTable) -> Rows:
    """ALTER TABLE … RENAME TO, ADD COLUMN, DROP COLUMN, RENAME COLUMN."""
    key = _owned(work, statement.name)
    reply = success()
    if work.storage.tables.get(key, work.session.id) is None:
        if statement.if_exists:
            return reply
        raise SqlError.not_found("Table", displayed(statement.name))
    if statement.action == "nothing":
        return reply
    if statement.new_name is not None and statement.action == "swap":
        return _swapped(work, key, statement.new_name, reply)
    if statement.new_name is not None:
        new_key = work.catalog.target(statement.new_name, "TABLE")
        work.require("CREATE TABLE", Thing("SCHEMA", new_key.database, new_key.schema))
        try:
            with translated(statement.new_name):
                work.commit([changes.RenameTable(key, new_key, work.session.id)], reply)
        except SnapshotConflict:
            raise busy() from None
        return reply
    for _ in range(dml.ATTEMPTS):
        table = work.storage.tables.get(key, work.session.id)
        if table is None:
            raise SqlError.not_found("Table", displayed(statement.name))
        try:
            with translated(statement.name):
                work.commit([_altered(work, table, statement)], reply)
        except SnapshotConflict:
            continue
        return reply
    raise busy()


def _owned(work: Work, name: tuple[str, ...]) -> Key:
    """The key of a table that is to be changed or dropped. Raises SqlError: it is there, and another role's."""
    key = work.catalog.target(name, "TABLE")
    there = work.storage.tables.get(key, work.session.id)
    if there is not None and there.session_id is None:
        work.require(OWNERSHIP, Thing.of("TABLE", key))
    return key


def _selected(
    work: Work, statement: CreateTable, query: exp.Expr
) -> tuple[tuple[Column, ...], tuple[TableObject, ...]]:
    names = statement.query_columns or tuple(spec.name for spec in statement.columns)
    compiled = compile_query(query, work.catalog, work.binds, names=names)
    with work.storage.pin(compiled.inputs):
        found = work.warehouse.describe(compiled, query_id=work.query_id)
        columns = tuple(Column(each.name, str(each.type)) for each in found)
        if names and len(names) != len(columns):
            raise SqlError.syntax(f"The query has {len(columns)} columns, {len(names)} are named.")
        if names:
            columns = tuple(Column(name, each.type) for name, each in zip(names, columns, strict=True))
        if statement.columns:
            columns = tuple(
                declared(work, spec) if _typed(spec) else Column(spec.name, each.type, spec.nullable)
                for spec, each in zip(statement.columns, columns, strict=True)
            )
        if len({each.name.casefold() for each in columns}) != len(columns):
            raise SqlError.syntax("duplicate column name (names that differ only in case are not supported).")
        written = work.warehouse.write(
            compiled,
            [(each.name, _kind(each)) for each in columns],
            query_id=work.query_id,
            timeout=work.seconds,
        )
    refuse_nulls_in(work, columns, written)
    return columns, dml.added(written)


def _typed(spec: ColumnSpec) -> bool:
    # The grammar gives no type where CREATE TABLE t (a, b) AS SELECT leaves it to the query.
    kind: SqlType | None = spec.type
    return kind is not None


def _kind(each: Column) -> SqlType:
    return parse_type(each.type)


def _like(work: Work, name: tuple[str, ...]) -> tuple[Column, ...]:
    source = work.catalog.source(name)
    if isinstance(source, TableSource):
        table = work.storage.tables.get(source.key, work.session.id) if isinstance(source.key, Key) else None
        if table is not None:
            return table.columns
        return tuple(Column(each, str(kind)) for each, kind in source.columns)
    if isinstance(source, ViewSource):
        raise SqlError.unsupported("CREATE TABLE LIKE a view")
    raise SqlError.not_found("Table", displayed(name))


def _cloned(work: Work, name: tuple[str, ...]) -> tuple[tuple[Column, ...], tuple[TableObject, ...]]:
    """The columns and the rows of another table; the objects are the same ones. A table of the account only: what a
    room shows of a table is bounded by its policies, and a copy would have none.
    """
    if work.restricted:
        raise SqlError.unsupported("CLONE in a clean room")
    source = work.catalog.source(name)
    if not isinstance(source, TableSource) or not isinstance(source.key, Key):
        raise SqlError.not_found("Table", displayed(name))
    table = work.storage.tables.get(source.key, work.session.id)
    if table is None:
        raise SqlError.not_found("Table", displayed(name))
    columns = tuple(
        replace(each, start=table.numbers[each.name]) if each.start is not None else each for each in table.columns
    )
    return columns, table.objects


def _swapped(work: Work, key: Key, name: tuple[str, ...], reply: Rows) -> Rows:
    """SWAP WITH: each of two tables gets the other's name, in one commit."""
    other = work.catalog.target(name, "TABLE")
    aside = Key(key.account, key.database, key.schema, f"SWAP {secrets.token_hex(8)}")
    session_id = work.session.id
    steps = [(key, aside), (other, key), (aside, other)]
    try:
        with translated(name):
            work.commit([changes.RenameTable(was, becomes, session_id) for was, becomes in steps], reply)
    except SnapshotConflict:
        raise busy() from None
    return reply


def _altered(work: Work, table: Table, statement: AlterTable) -> changes.Change:
    """The change that an action on columns is, from the table as it is now."""
    kept = altered_columns(work, table, statement)
    columns = tuple(each for each, _, _ in kept)
    if len(columns) > MAX_COLUMNS:
        raise SqlError.too_many_columns(len(columns))
    objects: tuple[TableObject, ...] = ()
    before = {each.name: each for each in table.columns}
    same = [each.name for each in table.columns] == [was for _, was, _ in kept] and all(
        was is not None
        and (each.name, each.type) == (was, before[was].type)
        and (each.nullable or not before[was].nullable)
        for each, was, _ in kept
    )
    if table.objects and not same:
        source = TableSource(
            tuple((each.name, _kind(each)) for each in table.columns), tuple(item.sha256 for item in table.objects)
        )
        compiled = compile_rewrite(source, [(each.name, _kind(each), was, given) for each, was, given in kept])
        with work.storage.pin(compiled.inputs):
            written = work.warehouse.write(
                compiled,
                [(each.name, _kind(each)) for each in columns],
                query_id=work.query_id,
                timeout=work.seconds,
            )
            refuse_nulls_in(work, columns, written)
        objects = dml.added(written)
    else:
        objects = table.objects
    return changes.AlterColumns(table.key, table.snapshot, columns, objects, work.session.id)


def describe_table(work: Work, statement: Describe) -> Rows:
    """Columns of a table or view; each may be asked for as the other, as on Snowflake."""
    key = work.catalog.target(statement.name, statement.kind)
    return Rows(_DESCRIBED, [_described_column(column) for column in relation(work, key, statement.name).columns])


def relation(work: Work, key: Key, name: tuple[str, ...]) -> Table | View:
    """A table or view that the session's roles may know of. Raises SqlError not found."""
    table = work.storage.tables.get(key, work.session.id)
    if table is not None and (table.session_id is not None or work.rights.finds(Thing.of("TABLE", key))):
        return table
    view = work.storage.views.get(key) if table is None else None
    if view is None or not work.rights.finds(Thing.of("VIEW", key)):
        raise SqlError.not_found("Table", displayed(name))
    return view


def _described_column(column: Column) -> tuple[Value, ...]:
    nullable = "Y" if column.nullable else "N"
    kind = described(parse_type(column.type))
    rest = (None, None, column.comment or None, None, None)
    return (column.name, kind, "COLUMN", nullable, default_text(column), "N", "N", *rest)


def default_text(column: Column) -> str | None:
    """What DESCRIBE and INFORMATION_SCHEMA say of a column's default."""
    if column.start is not None:
        return f"IDENTITY START {column.start} INCREMENT {column.step} NOORDER"
    return column.default


def listed_tables(work: Work, statement: Show) -> Listed:
    """The rows of SHOW TABLES."""
    scope = scope_of(work, statement)
    tables = work.storage.tables.list(work.session.account, scope.database, scope.schema, work.session.id)
    for table, owner in visible(work, "TABLE", tables):
        yield place(table.key, owner) | _NO_FEATURES | {
            "created_on": table.created_on, "kind": table.kind, "comment": table.comment,
            "rows": table.rows, "bytes": table.bytes,
        }  # fmt: skip
    if scope.database is not None and of_the_system(work, (scope.database,)):
        yield from (_sample(work, name) for name in system_relations.SAMPLE_TABLES)


def _sample(work: Work, name: str) -> dict[str, Value]:
    key = Key(work.session.account, system_relations.SAMPLES, system_relations.SAMPLE_SCHEMA, name)
    there = system_relations.relation((key.database, key.schema, key.name))
    assert there is not None
    created_on = next(each.created_on for each in work.storage.accounts.list() if each.name == key.account)
    return place(key) | _NO_FEATURES | {
        "created_on": created_on, "kind": "TABLE", "comment": "", "rows": len(there.rows), "bytes": None,
    }  # fmt: skip


_NO_FEATURES: Final[dict[str, Value]] = {
    "cluster_by": "", "retention_time": "1", "automatic_clustering": "OFF", "change_tracking": "OFF",
    "search_optimization": "OFF", "is_external": "N", "enable_schema_evolution": "N", "is_event": "N",
    "is_hybrid": "N", "is_iceberg": "N", "is_dynamic": "N", "is_immutable": "N",
}  # fmt: skip


def _thing(work: Work, name: tuple[str, ...]) -> Thing:
    key = work.catalog.target(name, "TABLE")
    table = work.storage.tables.get(key)
    if table is None:
        raise SqlError.not_found("Table", displayed(name))
    return Thing.of("TABLE", key)


def _all(work: Work, database: str, schema: str | None) -> list[Thing]:
    return [Thing.of("TABLE", each.key) for each in work.storage.tables.list(work.session.account, database, schema)]


_DESCRIBED: Final = texts(
    "name", "type", "kind", "null?", "default", "primary key", "unique key", "check", "expression", "comment",
    "policy name", "privacy domain",
)  # fmt: skip
_TABLES: Final = (
    "created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "rows", "bytes", "owner",
    "retention_time", "automatic_clustering", "change_tracking", "search_optimization",
    "search_optimization_progress", "search_optimization_bytes", "is_external", "enable_schema_evolution",
    "owner_role_type", "is_event", "budget", "is_hybrid", "is_iceberg", "is_dynamic", "is_immutable",
)  # fmt: skip
KINDS: Final = (
    Kind(CreateTable, create_table, allowed=Allowed.TEMPLATE, roles=Roles.NAMES, commits=True),
    Kind(AlterTable, alter_table, allowed=Allowed.TEMPLATE, roles=Roles.NAMES, commits=True),
)
OBJECTS: Final = (
    ObjectKind(
        "TABLE",
        drop=drop_table,
        room_drops=True,
        describe=describe_table,
        room_describes=True,
        thing=_thing,
        privileges=("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES"),
        everything=_all,
    ),
)
LISTINGS: Final = (
    Listing(
        "TABLES",
        _TABLES,
        listed_tables,
        in_room=True,
        numbers=frozenset({"rows", "bytes", "search_optimization_progress", "search_optimization_bytes"}),
    ),
)
