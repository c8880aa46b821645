"""COPY INTO table FROM @stage: each file becomes rows, all of them in one commit, or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from cleanroom_ml.engine.contracts.table import COPY, RowCounts, Rows
from cleanroom_ml.engine.sql.binds import Option, Value
from cleanroom_ml.engine.sql.catalog import StagedFile, StagedSource, TableSource
from cleanroom_ml.engine.sql.compile.copies import Tolerance, compile_copy
from cleanroom_ml.engine.sql.compile.preparing import written_source
from cleanroom_ml.engine.sql.compile.queries import compile_rewrite
from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.copy_errors import Misfits, misfits
from cleanroom_ml.engine.statements.copy_validation import validated
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.kinds import dml
from cleanroom_ml.engine.statements.nullability import refuse_nulls
from cleanroom_ml.engine.statements.refusals import busy, displayed, no_privilege
from cleanroom_ml.engine.statements.results import VARCHAR, StatementResult
from cleanroom_ml.engine.statements.stage_reader import listed_name
from cleanroom_ml.engine.statements.turns import ATTEMPTS
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.changes import Append
from cleanroom_ml.engine.storage.identities import Numbered
from cleanroom_ml.engine.storage.keys import Key, Table, TableObject
from cleanroom_ml.engine.storage.loads import LoadedFile
from cleanroom_ml.engine.storage.stages import Stage
from cleanroom_ml.engine.warehouse.outcomes import Written

_OPTIONS = frozenset(
    {"ON_ERROR", "PURGE", "FORCE", "MATCH_BY_COLUMN_NAME", "TRUNCATECOLUMNS", "ENFORCE_LENGTH", "VALIDATION_MODE"}
)
_NUMBER = SqlType("NUMBER", 38, 0)
_COLUMNS = (
    ("file", VARCHAR), ("status", VARCHAR), ("rows_parsed", _NUMBER), ("rows_loaded", _NUMBER),
    ("error_limit", _NUMBER), ("errors_seen", _NUMBER), ("first_error", VARCHAR), ("first_error_line", _NUMBER),
    ("first_error_character", _NUMBER), ("first_error_column_name", VARCHAR),
)  # fmt: skip

# Each file is one object of its own up to here; of more, the objects are made into one before the commit.
_MOST_OBJECTS = 32


def copy_into(work: Work, statement: CopyInto) -> StatementResult:
    """COPY INTO. What was loaded before, unchanged, is not loaded again, unless FORCE says so."""
    tolerated = _tolerated(statement.options)
    stage = work.stages.existing(statement.source.parts, "WRITE" if statement.options.get("PURGE") is True else "READ")
    source = written_source(statement.target, work.catalog)
    if isinstance(source, TableSource) and not source.writable:
        raise no_privilege("Table", displayed(statement.target))
    if not isinstance(source, TableSource):
        raise _no_table(statement)
    key = work.writable(statement.target, source.key)
    if (mode := statement.options.get("VALIDATION_MODE")) is not None:
        return validated(work, statement, stage, source, source.required, mode)
    staged = work.stages.staged(statement.source, statement.files)
    if staged is None:
        raise SqlError.not_found("Stage", displayed(statement.source.parts))
    load = _Load(work, statement, stage, key, tolerated)
    for attempt in range(ATTEMPTS):
        reply = load.attempt(staged, attempt)
        if reply is not None:
            return reply
    raise busy()


def _no_table(statement: CopyInto) -> SqlError:
    """As clients know it from COPY INTO: Snowpark tells by the text's end that a table is to be made first
    (snowpark: `Session.write_pandas`). What one may not see reads the same.
    """
    return SqlError(2003, "42S02", f"{COMPILATION}Table '{displayed(statement.target)[:300]}' does not exist")


@dataclass(frozen=True, slots=True)
class _Tolerated:
    """ON_ERROR: how many bad rows make a whole file be skipped, or which part of them; neither: they are left out."""

    rows: int | None = None
    percent: float | None = None

    def skips(self, found: Misfits) -> bool:
        """Whether the file is not loaded."""
        if self.percent is not None:
            return bool(found.errors) and found.errors * 100 > self.percent * found.rows
        return self.rows is not None and found.errors >= self.rows


@dataclass(frozen=True, slots=True)
class _Load:
    """One COPY INTO under way. `tolerated` None: the first error ends it."""

    work: Work
    statement: CopyInto
    stage: Stage
    key: Key
    tolerated: _Tolerated | None

    def attempt(self, staged: StagedSource, attempt: int) -> Rows | None:
        """One attempt; None when the table's columns changed meanwhile, or somebody else loaded one of the files."""
        work, statement = self.work, self.statement
        source = written_source(statement.target, work.catalog)
        table = work.storage.tables.get(self.key, work.session.id)
        if not isinstance(source, TableSource) or table is None:
            raise _no_table(statement)
        force = statement.options.get("FORCE") is True
        known = {} if force else self._loaded()
        files = tuple(file for file in staged.files if known.get(self._name(file)) != file.sha256)
        if not files:
            return Rows((("status", VARCHAR),), (("Copy executed with 0 files processed.",),))
        objects: list[TableObject] = []
        rows: list[tuple[Value, ...]] = []
        loaded: list[StagedFile] = []
        numbers = dict(source.numbers)
        with work.storage.pin(file.sha256 for file in files):
            for file in files:
                one = StagedSource((file,), staged.options)
                made, row, numbered = self._file(file, one, replace(source, numbers=dict(numbers)), table)
                rows.append(row)
                if made is not None:
                    objects += dml.added(made)
                    loaded.append(file)
                    for name in numbered:
                        first, step = numbers[name]
                        numbers[name] = (first + step * made.rows, step)
        if len(objects) > _MOST_OBJECTS:
            objects = _merged(work, source, objects)
        came = sum(int(str(row[3])) for row in rows)
        reply = Rows(_COLUMNS, rows, affected=came, counts=RowCounts(came))
        change = Append(
            self.key,
            None,
            tuple(objects),
            session_id=work.session.id,
            columns=table.columns,
            loaded=tuple(LoadedFile(self._name(file), file.sha256) for file in loaded),
            again=force,
            numbered=tuple(
                Numbered(name, source.numbers[name][0], after)
                for name, (after, _) in numbers.items()
                if after != source.numbers[name][0]
            ),
        )
        purge = statement.options.get("PURGE") is True
        done = dml.committed(
            work, [change], source, reply, attempt, (lambda: _purge(work, self.stage, tuple(loaded))) if purge else None
        )
        return reply if done else None

    def _file(
        self, file: StagedFile, one: StagedSource, source: TableSource, table: Table
    ) -> tuple[Written | None, tuple[Value, ...], tuple[str, ...]]:
        """Writes the rows of one file; None where it is skipped. Its line of the answer, and what of it is numbered.

        Raises:
            SqlError: its values are of other types, or it is damaged, and no error is tolerated.
        """
        try:
            one = self.work.warehouse.looked_into(one, query_id=self.work.query_id)
            return self._written(file, one, source, table)
        except SqlError as error:
            # What no row can be left out for: it is no file of this format, or not one value of it can be read.
            if self.tolerated is None or not _is_about_data(error):
                raise
            told = (1, error.message, None, None, None)
            return None, (listed_name(self.stage, file.path), "LOAD_FAILED", 0, 0, self.tolerated.rows or 0, *told), ()

    def _written(
        self, file: StagedFile, one: StagedSource, source: TableSource, table: Table
    ) -> tuple[Written | None, tuple[Value, ...], tuple[str, ...]]:
        work = self.work
        required = frozenset(column.name for column in table.columns if not column.nullable)
        name = listed_name(self.stage, file.path)
        if self.tolerated is None:
            try:
                made, numbered = self._write(one, source, None)
                refuse_nulls(work, table, made)
            except SqlError as error:
                if not _is_about_data(error) or error.message == SqlError.too_deep().message:
                    raise  # what is nested too deeply is no value that does not fit: the limit is ours
                found = misfits(work, self.statement, one, required)
                raise (found.error(name) if found.errors else error) from error
            if made.rejected.count:
                raise misfits(work, self.statement, one, required).error(name)
            return made, (name, "LOADED", made.rows, made.rows, 1, 0, None, None, None, None), numbered
        made, numbered = self._write(one, source, Tolerance(required))
        found = misfits(work, self.statement, one, required)
        if not found.errors:
            return made, (name, "LOADED", made.rows, made.rows, found.rows, 0, None, None, None, None), numbered
        # A file of which no row fits is not loaded: it has to be read again once it is mended, or the table is
        # (sql-reference/functions/copy_history, STATUS; user-guide/data-load-considerations-load).
        skipped = self.tolerated.skips(found) or not made.rows
        status = "LOAD_FAILED" if skipped else "PARTIALLY_LOADED"
        told = (found.errors, found.message, found.line, found.character, found.column)
        limit = self.tolerated.rows if self.tolerated.rows is not None else found.rows
        row = (name, status, found.rows, 0 if skipped else made.rows, limit, *told)
        return (None if skipped else made), row, numbered

    def _write(
        self, one: StagedSource, source: TableSource, tolerance: Tolerance | None
    ) -> tuple[Written, tuple[str, ...]]:
        work, numbers = self.work, source.numbers
        mutation = compile_copy(self.statement, one, work.catalog, work.binds, tolerance=tolerance, numbers=numbers)
        compiled = mutation.compiled
        written = work.warehouse.write(compiled, source.columns, query_id=work.query_id, timeout=work.seconds)
        return written, mutation.numbered

    def _name(self, file: StagedFile) -> str:
        """A file of this stage, as the table keeps it."""
        return f"{self.stage.key}/{file.path}"

    def _loaded(self) -> Mapping[str, str]:
        """What the table was loaded from, by this transaction too."""
        work = self.work
        found = dict(work.storage.tables.loaded(self.key, work.session.id))
        overlay = work.transactions.current(work.session)
        for change in overlay.changes if overlay is not None else ():
            if isinstance(change, Append) and change.key == self.key:
                found.update({each.file: each.sha256 for each in change.loaded})
        return found


def _is_about_data(error: SqlError) -> bool:
    return 100_000 <= error.code < 101_000


def _merged(work: Work, source: TableSource, objects: list[TableObject]) -> list[TableObject]:
    bounds = {item.sha256: item.bounds for item in objects}
    merged = TableSource(source.columns, tuple(item.sha256 for item in objects), bounds=bounds)
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


def _tolerated(options: Mapping[str, Option]) -> _Tolerated | None:
    """What ON_ERROR says; None: ABORT_STATEMENT. Raises SqlError for an option that is not supported."""
    if unknown := sorted(options.keys() - _OPTIONS):
        raise SqlError.unsupported(f"COPY INTO option {unknown[0]}")
    text = str(options.get("ON_ERROR", "ABORT_STATEMENT")).upper()
    if text == "ABORT_STATEMENT":
        return None
    if text == "CONTINUE":
        return _Tolerated()
    if text == "SKIP_FILE":
        return _Tolerated(rows=1)
    number = whole_number(text.removeprefix("SKIP_FILE_").removesuffix("%"))
    if not text.startswith("SKIP_FILE_") or number is None or (text.endswith("%") and number > 100):
        raise SqlError.syntax(f"Invalid value for ON_ERROR: {text[:40]}")
    return _Tolerated(percent=number) if text.endswith("%") else _Tolerated(rows=max(number, 1))


KINDS: Final = (
    Kind(
        CopyInto, copy_into, COPY, Allowed.TEMPLATE, Roles.NAMES, changing=lambda _: frozenset({"INSERT"}), again=True
    ),
)
