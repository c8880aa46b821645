"""CREATE TABLE in its forms, DROP TABLE, ALTER TABLE."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final, Literal

from sqlglot import exp

from cleanroom_ml.engine.contracts.limits import MAX_COLUMNS
from cleanroom_ml.engine.contracts.table import RowCounts, Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import TableSource, ViewSource
from cleanroom_ml.engine.sql.compile.queries import compile_query, compile_rewrite
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.columns import ColumnSpec, refuse_twice
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.past import RETENTION, Past
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.read.table import AlterTable, CreateTable
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.statements import clustered, constraints, time_travel
from cleanroom_ml.engine.statements.column_changes import altered_columns, declared
from cleanroom_ml.engine.statements.described import describe_table
from cleanroom_ml.engine.statements.dropped import dropped
from cleanroom_ml.engine.statements.kind import Allowed, Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.kinds import dml
from cleanroom_ml.engine.statements.kinds.transaction import going
from cleanroom_ml.engine.statements.listing import Listed, Listing, place, visible
from cleanroom_ml.engine.statements.nullability import refuse_nulls_in
from cleanroom_ml.engine.statements.refusals import busy, displayed, translated
from cleanroom_ml.engine.statements.replies import already_dropped
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.scope import scope_of
from cleanroom_ml.engine.statements.turns import ATTEMPTS
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage import changes, sample_listing
from cleanroom_ml.engine.storage.errors import SnapshotConflict
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing
from cleanroom_ml.engine.storage.keys import Column, Key, Table, TableKind, TableObject
from cleanroom_ml.engine.storage.retention import INHERITED, SHORT
from cleanroom_ml.engine.storage.roles import APP_ROLE

_KINDS: dict[str, TableKind] = {"TABLE": "TABLE", "TEMPORARY": "TEMPORARY", "TRANSIENT": "TRANSIENT"}


def create_table(work: Work, statement: CreateTable) -> Rows:
    """CREATE [OR REPLACE] [TEMPORARY|TRANSIENT] TABLE [IF NOT EXISTS], empty, AS SELECT, or LIKE another."""
    key = work.catalog.target(statement.name, "TABLE")
    kind = _KINDS[statement.kind]
    session_id = work.temporary(kind == "TEMPORARY", lambda: work.relation(key))
    there = work.storage.tables.get(key, session_id)
    exists = there is not None and there.session_id == session_id
    if session_id is None:
        work.require("CREATE TABLE", Thing("SCHEMA", key.database, key.schema))
    if exists and statement.if_not_exists:
        return success(f"{key.name} already exists, statement succeeded.")
    if exists and not statement.or_replace:
        raise SqlError.already_exists("Table", displayed(statement.name))
    objects: tuple[TableObject, ...] = ()
    inherited = ""
    if statement.query is not None:
        columns, objects = _selected(work, statement, statement.query)
    elif statement.like is not None:
        columns = _like(work, statement.like)
        inherited = clustered.inherited(work, statement.like)
    elif statement.clone is not None:
        columns, objects = _cloned(work, statement.clone, statement.moment)
        inherited = clustered.inherited(work, statement.clone)
    else:
        columns = tuple(declared(work, spec) for spec in statement.columns)
    if not columns:
        raise SqlError.syntax("A table needs at least one column.")
    keys = constraints.declared(work, columns, statement.constraints, of=key)
    not_null = constraints.keyed(columns, keys)
    columns = tuple(replace(each, nullable=False) if each.name in not_null else each for each in columns)
    if_exists: Literal["error", "replace", "ignore"] = (
        "replace" if statement.or_replace else "ignore" if statement.if_not_exists else "error"
    )
    counts = None if statement.query is None else RowCounts(sum(item.rows for item in objects))
    reply = success(f"Table {key.name} successfully created.", counts)
    change = changes.CreateTable(
        key,
        columns,
        kind,
        session_id,
        objects,
        if_exists,
        comment=statement.comment or "",
        retention=_retention(work, statement),
        constraints=keys,
        clustering=clustered.checked(columns, statement.clustering) or inherited,
    )
    going(work, there if exists else None)
    with translated(statement.name), work.storage.database.transaction():
        copied = work.grants_on(Thing.of("TABLE", key)) if statement.copy_grants and session_id is None else ()
        (made,) = replace(work, copies_grants=statement.copy_grants).commit([change], reply)
        work.grant_again(copied)
    return reply if made else success(f"{key.name} already exists, statement succeeded.")


def _retention(work: Work, statement: CreateTable) -> int:
    """For how many days what the table held can be had back. What a room writes is nobody's to go back to."""
    if work.restricted:
        return 0
    days = statement.retention
    if statement.kind in SHORT and days is not None and days > 1:
        of = f"of a {statement.kind.lower()} table"
        raise SqlError(
            1008, "22023", f"SQL compilation error:\ninvalid value [{days}] for parameter '{RETENTION}' {of}"
        )
    return INHERITED if days is None else days


def drop_table(work: Work, statement: Drop) -> Rows:
    """DROP TABLE [IF EXISTS]: the session's temporary one first."""
    key = _owned(work, statement.name)
    going(work, work.storage.tables.get(key, work.session.id))
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
    if statement.action in {"set", "constrain", "unconstrain", "cluster"}:
        return _set(work, key, statement, reply)
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
    for _ in range(ATTEMPTS):
        table = work.storage.tables.get(key, work.session.id)
        if table is None:
            raise SqlError.not_found("Table", displayed(statement.name))
        try:
            with translated(statement.name), work.storage.database.transaction():
                work.commit([_altered(work, table, statement)], reply)
                clustered.keep(work, table, statement)
        except SnapshotConflict:
            continue
        return reply
    raise busy()


def _set(work: Work, key: Key, statement: AlterTable, reply: Rows) -> Rows:
    """SET and UNSET of the comment and of the retention, ADD and DROP of keys, CLUSTER BY."""
    with translated(statement.name), work.recorded(reply):
        table = work.storage.tables.get(key, work.session.id)
        if table is not None and table.session_id is None and not work.restricted:
            work.require(OWNERSHIP, Thing.of("TABLE", key))
        if table is not None and statement.constraints:
            keys = constraints.declared(work, table.columns, statement.constraints, table.constraints)
            work.storage.tables.constrain(key, keys, work.session.id)
        if table is not None and statement.dropped is not None:
            work.storage.tables.constrain(
                key, constraints.without(table.constraints, statement.dropped), work.session.id
            )
        if table is not None and statement.action == "cluster":
            work.storage.tables.cluster(key, clustered.checked(table.columns, statement.clustering), work.session.id)
        if statement.comment is not None:
            work.storage.tables.comment(key, statement.comment, work.session.id)
        if statement.retention is not None and table is not None and table.session_id is None and not work.restricted:
            work.storage.tables.set_retention(key, statement.retention)
    return reply


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
    compiled = compile_query(work.fixed(query), work.catalog, work.binds, names=names)
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
        refuse_twice([each.name for each in columns])
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


def _cloned(work: Work, name: tuple[str, ...], past: Past | None) -> tuple[tuple[Column, ...], tuple[TableObject, ...]]:
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
    columns = table.numbered
    if past is None:
        return columns, table.objects
    (value,) = work.constants([time_travel.expression(past.kind, past.text)])
    moment = time_travel.past_moment(past.kind, value, work.storage.database.now(), before=past.before)
    return columns, time_travel.past_objects(work.storage, work.session, table, moment)


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
            tuple((each.name, _kind(each)) for each in table.columns),
            tuple(item.sha256 for item in table.objects),
            bounds={item.sha256: item.bounds for item in table.objects},
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


def listed_tables(work: Work, statement: Show) -> Listed:
    """The rows of SHOW TABLES."""
    scope = scope_of(work, statement)
    tables = work.storage.tables.list(work.session.account, scope.database, scope.schema, work.session.id)
    for table, owner in visible(work, "TABLE", tables):
        yield place(table.key, owner) | _NO_FEATURES | {
            "created_on": table.created_on, "kind": table.kind, "comment": table.comment,
            "rows": table.rows, "bytes": table.bytes, "retention_time": str(retention_days(work, table)),
        } | clustered.listed(table)  # fmt: skip
    if statement.scope_kind == "ACCOUNT" or scope.database is not None:
        for table in sample_listing.tables(work.storage, work.session.account, scope.database):
            yield place(table.key, APP_ROLE) | _NO_FEATURES | {
                "created_on": table.created_on, "kind": table.kind, "comment": "", "rows": table.rows, "bytes": None,
            }  # fmt: skip


_NO_FEATURES: Final[dict[str, Value]] = {
    "cluster_by": "", "retention_time": "1", "automatic_clustering": "OFF", "change_tracking": "OFF",
    "search_optimization": "OFF", "is_external": "N", "enable_schema_evolution": "N", "is_event": "N",
    "is_hybrid": "N", "is_iceberg": "N", "is_dynamic": "N", "is_immutable": "N",
}  # fmt: skip


def retention_days(work: Work, table: Table) -> int:
    """The days for which what a table held can be had back."""
    if table.retention >= 0:
        return table.retention
    namespaces = work.storage.namespaces
    days = namespaces.retention(table.key.account, table.key.database, table.key.schema)
    return min(days, 1) if table.kind in SHORT else days


def _thing(work: Work, name: tuple[str, ...]) -> Thing:
    key = work.catalog.target(name, "TABLE")
    table = work.storage.tables.get(key)
    if table is None:
        raise SqlError.not_found("Table", displayed(name))
    return Thing.of("TABLE", key)


def _all(work: Work, database: str, schema: str | None) -> list[Thing]:
    return [Thing.of("TABLE", each.key) for each in work.storage.tables.list(work.session.account, database, schema)]


_TABLES: Final = (
    "created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "rows", "bytes", "owner",
    "retention_time", "automatic_clustering", "change_tracking", "search_optimization",
    "search_optimization_progress", "search_optimization_bytes", "is_external", "enable_schema_evolution",
    "owner_role_type", "is_event", "budget", "is_hybrid", "is_iceberg", "is_dynamic", "is_immutable",
)  # fmt: skip
KINDS: Final = (
    Kind(CreateTable, create_table, allowed=Allowed.TEMPLATE, roles=Roles.NAMES, commits=True, again=True),
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
        dropped=lambda work, statement: dropped(work, "TABLE", scope_of(work, statement)),
        numbers=frozenset({"rows", "bytes", "search_optimization_progress", "search_optimization_bytes"}),
    ),
)
