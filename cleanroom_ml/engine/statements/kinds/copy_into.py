"""COPY INTO table FROM @stage: each file becomes rows, all of them in one commit, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts.table import COPY, Rows
from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.catalog import StagedFile, StagedSource, TableSource
from cleanroom_ml.engine.sql.compile.copies import compile_copy
from cleanroom_ml.engine.sql.compile.preparing import written_source
from cleanroom_ml.engine.sql.compile.queries import compile_rewrite
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.kinds import dml
from cleanroom_ml.engine.statements.nullability import refuse_nulls
from cleanroom_ml.engine.statements.refusals import busy, displayed, no_privilege
from cleanroom_ml.engine.statements.results import VARCHAR
from cleanroom_ml.engine.statements.stage_reader import listed_name
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.changes import Append
from cleanroom_ml.engine.storage.keys import Key, TableObject
from cleanroom_ml.engine.storage.stages import Stage

_OPTIONS = frozenset({"ON_ERROR", "PURGE", "FORCE", "MATCH_BY_COLUMN_NAME", "TRUNCATECOLUMNS", "ENFORCE_LENGTH"})
_NUMBER = SqlType("NUMBER", 38, 0)
_COLUMNS = (
    ("file", VARCHAR), ("status", VARCHAR), ("rows_parsed", _NUMBER), ("rows_loaded", _NUMBER),
    ("error_limit", _NUMBER), ("errors_seen", _NUMBER), ("first_error", VARCHAR), ("first_error_line", _NUMBER),
    ("first_error_character", _NUMBER), ("first_error_column_name", VARCHAR),
)  # fmt: skip

# Each file is one object of its own up to here; of more, the objects are made into one before the commit.
_MOST_OBJECTS = 32


def copy_into(work: Work, statement: CopyInto) -> Rows:
    """COPY INTO. Only ON_ERROR = ABORT_STATEMENT; every COPY loads its files, also those that were loaded before."""
    _check_options(statement.options)
    stage = work.stages.existing(statement.source.parts, "WRITE" if statement.options.get("PURGE") is True else "READ")
    staged = work.stages.staged(statement.source, statement.files)
    if staged is None:
        raise SqlError.not_found("Stage", displayed(statement.source.parts))
    source = written_source(statement.target, work.catalog)
    if isinstance(source, TableSource) and not source.writable:
        raise no_privilege("Table", displayed(statement.target))
    if not isinstance(source, TableSource):
        raise SqlError.not_found("Table", displayed(statement.target))
    if not staged.files:
        return Rows((("status", VARCHAR),), (("Copy executed with 0 files processed.",),))
    key = work.writable(statement.target, source.key)
    purge = statement.options.get("PURGE") is True
    for attempt in range(dml.ATTEMPTS):
        reply = _load(work, statement, stage, staged, key, attempt, purge=purge)
        if reply is not None:
            return reply
    raise busy()


def _load(
    work: Work, statement: CopyInto, stage: Stage, staged: StagedSource, key: Key, attempt: int, *, purge: bool
) -> Rows | None:
    """One attempt; None when the table's columns changed meanwhile."""
    source = written_source(statement.target, work.catalog)
    table = work.storage.tables.get(key, work.session.id)
    if not isinstance(source, TableSource) or table is None:
        raise SqlError.not_found("Table", displayed(statement.target))
    objects: list[TableObject] = []
    counts: list[int] = []
    with work.storage.pin(file.sha256 for file in staged.files):
        for file in staged.files:
            one = work.warehouse.looked_into(StagedSource((file,), staged.options), query_id=work.query_id)
            mutation = compile_copy(statement, one, work.catalog, work.binds)
            written = work.warehouse.write(
                mutation.compiled, source.columns, query_id=work.query_id, timeout=work.seconds
            )
            refuse_nulls(work, table, written)
            objects += dml.added(written)
            counts.append(written.rows)
    if len(objects) > _MOST_OBJECTS:
        objects = _merged(work, source, objects)
    rows = [
        (listed_name(stage, file.path), "LOADED", count, count, 1, 0, None, None, None, None)
        for file, count in zip(staged.files, counts, strict=True)
    ]
    reply = Rows(_COLUMNS, rows, affected=sum(counts))
    change = Append(key, None, tuple(objects), session_id=work.session.id, columns=table.columns)
    done = dml.committed(
        work, [change], source, reply, attempt, (lambda: _purge(work, stage, staged.files)) if purge else None
    )
    return reply if done else None


def _merged(work: Work, source: TableSource, objects: list[TableObject]) -> list[TableObject]:
    merged = TableSource(source.columns, tuple(item.sha256 for item in objects))
    compiled = compile_rewrite(merged, [(name, kind, name) for name, kind in source.columns])
    with work.storage.pin(compiled.inputs):
        written = work.warehouse.write(compiled, source.columns, query_id=work.query_id, timeout=work.seconds)
    return list(dml.added(written))


def _purge(work: Work, stage: Stage, files: tuple[StagedFile, ...]) -> None:
    """Removes the files that were loaded, unless one was replaced meanwhile."""
    now = {file.path: file.sha256 for file in work.storage.stages.list_files(stage.key, session_id=stage.session_id)}
    for file in files:
        if now.get(file.path) == file.sha256:
            work.storage.stages.remove(stage.key, file.path, session_id=stage.session_id)


def _check_options(options: Mapping[str, Option]) -> None:
    if unknown := sorted(options.keys() - _OPTIONS):
        raise SqlError.unsupported(f"COPY INTO option {unknown[0]}")
    on_error = str(options.get("ON_ERROR", "ABORT_STATEMENT")).upper()
    if on_error != "ABORT_STATEMENT":
        raise SqlError.unsupported(f"ON_ERROR = {on_error}")


KINDS: Final = (
    Kind(CopyInto, copy_into, COPY, Allowed.TEMPLATE, Roles.NAMES, changing=lambda _: frozenset({"INSERT"})),
)
