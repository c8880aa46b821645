"""INSERT, UPDATE, DELETE, MERGE, TRUNCATE: a worker writes one object, then one compare-and-swap adds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from sqlglot import exp

from cleanroom_ml.engine.contracts.table import DELETE, INSERT, MERGE, UPDATE, RowCounts, Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.compile.inserts import compile_insert
from cleanroom_ml.engine.sql.compile.merges import compile_merge
from cleanroom_ml.engine.sql.compile.preparing import written_source
from cleanroom_ml.engine.sql.compile.updates import compile_delete, compile_update
from cleanroom_ml.engine.sql.compiled import Mutation
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.dml import Delete, Insert, Merge, Update
from cleanroom_ml.engine.sql.read.table import Truncate
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements import compaction
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.nanoseconds import to_the_nanosecond
from cleanroom_ml.engine.statements.nullability import refuse_nulls
from cleanroom_ml.engine.statements.refusals import busy, displayed, no_privilege, translated
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.transactions import overlaid
from cleanroom_ml.engine.statements.turns import ATTEMPTS, attempts, turn
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.changes import Append, Change, Replace
from cleanroom_ml.engine.storage.errors import SnapshotConflict
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.identities import Numbered
from cleanroom_ml.engine.storage.keys import Key, Table, TableObject
from cleanroom_ml.engine.warehouse.outcomes import Written

Changing = TypeVar("Changing", Update, Delete, Merge)


_NUMBER = SqlType("NUMBER", 19, 0)
_INSERTED, _UPDATED, _DELETED = (f"number of rows {what}" for what in ("inserted", "updated", "deleted"))
_JOINED = "number of multi-joined rows updated"
_MERGED = {"inserted": _INSERTED, "updated": _UPDATED, "deleted": _DELETED}


def insert(work: Work, statement: Insert) -> Rows:
    """INSERT, with OVERWRITE, VALUES, a query, or a batch of bound rows."""

    def reply(written: Written) -> Rows:
        replaced = rows_of(work, statement.target) if statement.overwrite else 0
        counts = None if replaced is None else RowCounts(written.rows, replaced)
        return counted({_INSERTED: written.rows}, counts)

    source = work.fixed(statement.source)
    statement = statement if source is statement.source else replace(statement, source=source)
    return write(work, statement.target, lambda: compile_insert(statement, work.catalog, work.binds), reply)


def update(work: Work, statement: Update) -> Rows:
    """UPDATE."""

    def reply(written: Written) -> Rows:
        counts = {_UPDATED: written.updated, _JOINED: written.joined}
        return counted(counts, RowCounts(updated=written.updated, duplicates=written.joined))

    return write(work, statement.target, lambda: compile_update(statement, work.catalog, work.binds), reply)


def delete(work: Work, statement: Delete) -> Rows:
    """DELETE."""

    def reply(written: Written) -> Rows:
        return counted({_DELETED: written.deleted}, RowCounts(deleted=written.deleted))

    return write(work, statement.target, lambda: compile_delete(statement, work.catalog, work.binds), reply)


def merge(work: Work, statement: Merge) -> Rows:
    """MERGE. As on Snowflake there is a count for each kind of clause that the statement has, and no other."""
    clauses = _merge_clauses(statement.ast)

    def reply(written: Written) -> Rows:
        counts = {"inserted": written.inserted, "updated": written.updated, "deleted": written.deleted}
        shown = {_MERGED[kind]: count for kind, count in counts.items() if kind in clauses}
        return counted(shown, RowCounts(written.inserted, written.deleted, written.updated))

    return write(work, statement.target, lambda: compile_merge(statement, work.catalog, work.binds), reply)


def truncate(work: Work, statement: Truncate) -> Rows:
    """TRUNCATE [IF EXISTS]."""
    for attempt in attempts():
        work.attempt()
        source = written_source(statement.target, work.catalog)
        if not isinstance(source, TableSource) or not source.writable:
            if statement.if_exists and source is None:
                return success()
            if isinstance(source, TableSource):
                raise no_privilege("Table", displayed(statement.target))
            raise SqlError.not_found("Table", displayed(statement.target))
        key = work.writable(statement.target, source.key)
        deleted = _rows(work, source)
        reply = success(counts=None if deleted is None else RowCounts(deleted=deleted))
        change = Replace(key, source.snapshot, (), session_id=work.session.id, forgets_loads=True)
        if committed(work, [change], source, reply, attempt):
            return reply
    raise busy()


def rows_of(work: Work, target: tuple[str, ...]) -> int | None:
    """`_rows` of the table of a name."""
    return _rows(work, written_source(target, work.catalog))


def _rows(work: Work, source: object) -> int | None:
    """How many rows a table has; None where an open transaction has changed it, and for a role that may not read it."""
    if not isinstance(source, TableSource) or not isinstance(source.key, Key):
        return None
    table = work.storage.tables.get(source.key, work.session.id)
    if table is None or (table.session_id is None and not work.rights.reaches("SELECT", Thing.of("TABLE", table.key))):
        return None
    return table.rows if tuple(item.sha256 for item in table.objects) == source.objects else None


def write(
    work: Work,
    target: tuple[str, ...],
    compile_again: Callable[[], Mutation],
    reply_for: Callable[[Written], Rows],
    *,
    also: Callable[[], None] | None = None,
) -> Rows:
    """Runs a mutation and commits it, from the start again when the table moved meanwhile.

    Args:
        compile_again: compiles it against what the table is now.
        also: done in the transaction of the commit.

    Raises:
        SqlError: what the statement itself is refused for, or too many conflicts.
    """
    contested: Key | None = None
    for attempt in attempts():
        with turn(contested):
            work.attempt()
            mutation = compile_again()
            source = mutation.target
            if not source.writable:
                raise no_privilege("Table", displayed(target))
            key = work.writable(target, source.key)
            contested = key if mutation.replaces else None
            reply = _attempt(work, mutation, key, reply_for, attempt, also)
        if reply is not None:
            if not mutation.replaces:
                compaction.compact(work, key)
            return reply
    raise busy()


def _attempt(
    work: Work,
    mutation: Mutation,
    key: Key,
    reply_for: Callable[[Written], Rows],
    attempt: int,
    also: Callable[[], None] | None,
) -> Rows | None:
    """Writes and commits once; None when the table moved since it was compiled."""
    source = mutation.target
    table = work.storage.tables.get(key, work.session.id)
    if table is None or not _same_columns(table, source):
        return None
    with work.storage.pin(mutation.compiled.inputs):
        written = work.warehouse.write(mutation.compiled, source.columns, query_id=work.query_id, timeout=work.seconds)
    work.give_back(mutation.compiled.drawn, written.rows)
    refuse_nulls(work, table, written)
    _refuse_lost(mutation, written)
    reply = reply_for(written)
    objects = added(written)
    numbered = tuple(
        Numbered(name, first, first + step * written.rows)
        for name in mutation.numbered
        for first, step in (source.numbers[name],)
    )
    change: Change = (
        Replace(key, source.snapshot, objects, session_id=work.session.id, numbered=numbered)
        if mutation.replaces
        else Append(key, None, objects, session_id=work.session.id, columns=table.columns, numbered=numbered)
    )
    return reply if committed(work, [change], source, reply, attempt, also) else None


def _refuse_lost(mutation: Mutation, written: Written) -> None:
    """Raises SqlError: not all bound rows that were put into a stage are there, or not as wide as the statement."""
    lost = mutation.rows is not None and written.rows != mutation.rows
    if lost or written.rejected.count:
        raise SqlError.bad_value(
            "Not every row of the bound values could be read from the stage. Nothing was inserted. Bind them again;"
            " in one session, one batch at a time."
        )


def counted(shown: dict[str, int], counts: RowCounts | None = None) -> Rows:
    """The answer of a DML: one row of counts, named as the connector looks for them."""
    columns = tuple((name, _NUMBER) for name in shown)
    every = frozenset(range(len(columns)))
    return Rows(columns, (tuple(shown.values()),), affected=sum(shown.values()), counts=counts, never_null=every)


def added(written: Written) -> tuple[TableObject, ...]:
    """The object that a write made; none where there were no rows."""
    return () if written.sha256 is None else (TableObject(written.sha256, written.rows, written.bytes, written.bounds),)


def committed(
    work: Work,
    changes: list[Change],
    source: TableSource,
    reply: Rows,
    attempt: int,
    also: Callable[[], None] | None = None,
) -> bool:
    """Whether the changes are in; False when the table moved and there is another attempt to make."""
    overlay = work.overlay()
    if overlay is not None:
        overlay.add(changes, source)
        if work.recording:
            # The record holds the objects of the open transaction, which nothing else points at yet.
            objects = [
                item.sha256 for change in changes if isinstance(change, Append | Replace) for item in change.objects
            ]
            work.storage.queries.finish(work.query_id, work.encoded(reply), objects=objects)
        return True
    name = (source.key.name,) if isinstance(source.key, Key) else ()
    try:
        with translated(name), work.storage.database.transaction():
            work.commit(changes, reply)
            if also is not None:
                also()
    except SnapshotConflict:
        bound = isinstance(source.key, Key) and work.bound(source.key) is not None
        if bound or attempt + 1 == ATTEMPTS:
            raise busy() from None
        return False
    return True


def _same_columns(table: Table, source: TableSource) -> bool:
    return [(column.name, column.type) for column in table.columns] == [
        (name, str(kind)) for name, kind in source.columns
    ]


def _merge_clauses(ast: exp.Expr) -> set[str]:
    whens = ast.args.get("whens")
    clauses = whens.expressions if whens is not None else ast.expressions
    kinds = {"Insert": "inserted", "Update": "updated"}
    return {kinds.get(type(when.args.get("then")).__name__, "deleted") for when in clauses}


def _batched(work: Work, statement: Changing, run: Callable[[Work, Changing], Rows]) -> Rows:
    """A batch of bound rows for a statement that is no INSERT: one execution a row, all of them in one commit."""
    rows = work.binds.rows or ()
    own = work.overlay() is None
    if own:
        work.transactions.begin(work.session)
    try:
        replies = [to_the_nanosecond(partial(run, _for_row(work, row), statement)) for row in rows]
        total = _total(replies)
        if own:
            overlay = work.transactions.end(work.session)
            with translated(statement.target):
                work.commit(overlay.changes if overlay else [], total)
    except SnapshotConflict:
        raise busy() from None
    finally:
        if own:
            work.transactions.end(work.session)
    return total


def _for_row(work: Work, row: tuple[Value, ...]) -> Work:
    """The same statement with one row of its batch."""
    overlay = work.transactions.current(work.session)
    return replace(
        work,
        binds=replace(work.binds, positional=row, rows=None),
        catalog=overlaid(work.catalog, overlay),
        recording=False,
    )


def _total(replies: list[Rows]) -> Rows:
    if not replies:
        raise SqlError.syntax("The batch has no rows.")
    sums = {
        name: sum(int(str(reply.rows[0][index])) for reply in replies)
        for index, (name, _) in enumerate(replies[0].columns)
    }
    counts = [reply.counts or RowCounts() for reply in replies]
    return counted(
        sums,
        RowCounts(
            sum(each.inserted for each in counts),
            sum(each.deleted for each in counts),
            sum(each.updated for each in counts),
            sum(each.duplicates for each in counts),
        ),
    )


def _merged(statement: Merge) -> frozenset[str]:
    verbs = {"inserted": "INSERT", "updated": "UPDATE", "deleted": "DELETE"}
    return frozenset({"SELECT", *(verbs[clause] for clause in _merge_clauses(statement.ast))})


def _shown(work: Work, target: tuple[str, ...], *names: str) -> Rows:
    """What a change of rows would answer with. Raises SqlError: there is no such table."""
    if not isinstance(written_source(target, work.catalog), TableSource):
        raise SqlError.not_found("Table", displayed(target))
    return counted(dict.fromkeys(names, 0))


# What finds rows by their values tells of them by its counts: it needs SELECT as well.
KINDS: Final = (
    Kind(
        Insert,
        insert,
        INSERT,
        Allowed.TEMPLATE,
        Roles.NAMES,
        changing=lambda each: frozenset({"INSERT", "DELETE"} if each.overwrite else {"INSERT"}),
        columns=lambda work, each: _shown(work, each.target, _INSERTED),
        again=True,
    ),
    Kind(
        Update,
        update,
        UPDATE,
        Allowed.TEMPLATE,
        Roles.NAMES,
        changing=lambda _: frozenset({"SELECT", "UPDATE"}),
        columns=lambda work, each: _shown(work, each.target, _UPDATED, _JOINED),
        batch=lambda work, each: _batched(work, each, update),
        again=True,
    ),
    Kind(
        Delete,
        delete,
        DELETE,
        Allowed.TEMPLATE,
        Roles.NAMES,
        changing=lambda _: frozenset({"SELECT", "DELETE"}),
        columns=lambda work, each: _shown(work, each.target, _DELETED),
        batch=lambda work, each: _batched(work, each, delete),
        again=True,
    ),
    Kind(
        Merge,
        merge,
        MERGE,
        Allowed.TEMPLATE,
        Roles.NAMES,
        changing=_merged,
        columns=lambda work, each: _shown(
            work, each.target, *(name for kind, name in _MERGED.items() if kind in _merge_clauses(each.ast))
        ),
        batch=lambda work, each: _batched(work, each, merge),
        again=True,
    ),
    Kind(
        Truncate,
        truncate,
        allowed=Allowed.TEMPLATE,
        roles=Roles.NAMES,
        changing=lambda _: frozenset({"TRUNCATE"}),
        commits=True,
    ),
)
