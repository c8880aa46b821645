"""COMMENT ON … IS (sql-reference/sql/comment): for whom the thing is."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.comment import Comment
from cleanroom_ml.engine.sql.read.routine import Altered
from cleanroom_ml.engine.statements import routines
from cleanroom_ml.engine.statements.kind import Kind, Roles
from cleanroom_ml.engine.statements.refusals import busy, displayed, translated
from cleanroom_ml.engine.statements.registry import object_kinds
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.changes import AlterColumns
from cleanroom_ml.engine.storage.errors import SnapshotConflict
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing
from cleanroom_ml.engine.storage.keys import Column, Key


def comment(work: Work, statement: Comment) -> Rows:
    """COMMENT [IF EXISTS] ON kind name IS 'text'. Raises SqlError."""
    reply = success()
    try:
        with translated(statement.name), work.recorded(reply):
            _write(work, statement)
    except SqlError as error:
        if statement.if_exists and error.code == _NOT_FOUND:
            return reply
        raise
    except SnapshotConflict:
        raise busy() from None
    return reply


def _write(work: Work, statement: Comment) -> None:
    storage, text = work.storage, statement.text
    if statement.kind == "COLUMN":
        _of_column(work, statement)
        return
    if statement.kind in {"FUNCTION", "PROCEDURE"}:
        altered = Altered(statement.name, comment=text)
        routines.alter(work, altered, "FUNCTION" if statement.kind == "FUNCTION" else "PROCEDURE")
        return
    kind = object_kinds()[statement.kind]
    if statement.kind not in {"TABLE", "VIEW", "SCHEMA", "DATABASE", "SEQUENCE"} or kind.thing is None:
        raise SqlError.unsupported(f"COMMENT ON {statement.kind}")
    if statement.kind in {"TABLE", "VIEW"}:
        key = work.catalog.target(statement.name, statement.kind)
        if statement.kind == "TABLE":
            table = storage.tables.get(key, work.session.id)
            if table is not None and table.session_id is not None:
                storage.tables.comment(key, text, work.session.id)
                return
        else:
            view = storage.views.get(key, work.session.id)
            if view is not None and view.session_id is not None:
                storage.views.alter(key, comment=text, session_id=work.session.id)
                return
    thing = kind.thing(work, statement.name)
    work.require(OWNERSHIP, thing)
    key = Key(work.session.account, thing.database, thing.schema, thing.name)
    match thing.kind:
        case "TABLE":
            storage.tables.comment(key, text)
        case "VIEW":
            storage.views.alter(key, comment=text)
        case "SEQUENCE":
            storage.sequences.alter(key, comment=text)
        case _:
            storage.namespaces.alter(key.account, key.database, key.schema or None, comment=text)


def _of_column(work: Work, statement: Comment) -> None:
    *parts, column = statement.name
    if not parts:
        raise SqlError.syntax("COMMENT ON COLUMN takes table.column.")
    key = work.catalog.target(tuple(parts), "TABLE")
    table = work.storage.tables.get(key, work.session.id)
    view = work.storage.views.get(key, work.session.id)
    if view is not None and (table is None or view.session_id is not None):
        if view.session_id is None:
            work.require(OWNERSHIP, Thing.of("VIEW", key))
        columns = _commented(view.columns, column, statement)
        work.storage.views.alter(key, columns=columns, session_id=work.session.id)
        return
    if table is None:
        raise SqlError.not_found("Table", displayed(tuple(parts)))
    columns = _commented(table.columns, column, statement)
    work.change([AlterColumns(key, table.snapshot, columns, None, work.session.id)])


def _commented(columns: tuple[Column, ...], name: str, statement: Comment) -> tuple[Column, ...]:
    if all(each.name != name for each in columns):
        raise SqlError.invalid_identifier(displayed(statement.name))
    return tuple(replace(each, comment=statement.text) if each.name == name else each for each in columns)


_NOT_FOUND: Final = 2003
KINDS: Final = (Kind(Comment, comment, roles=Roles.NAMES, commits=True),)
