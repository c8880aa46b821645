"""COPY INTO with VALIDATION_MODE: what the files hold, or what is wrong with them; nothing is loaded.

Source: sql-reference/sql/copy-into-table, "VALIDATION_MODE"; the columns of errors are those of
sql-reference/functions/validate.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import Option, Value
from cleanroom_ml.engine.sql.catalog import StagedSource, TableSource
from cleanroom_ml.engine.sql.compile.copies import compile_copy
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.copy_errors import misfits
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.statements.stage_reader import listed_name
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.stages import Stage

_ROWS: Final = re.compile(r"RETURN_([0-9]{1,9})_ROWS")
_ERRORS: Final = frozenset({"RETURN_ERRORS", "RETURN_ALL_ERRORS"})
_TEXTS: Final = frozenset({"ERROR", "FILE", "CATEGORY", "SQL_STATE", "COLUMN_NAME", "REJECTED_RECORD"})
_COLUMNS: Final = tuple(
    (name, parse_type("VARCHAR" if name in _TEXTS else "NUMBER"))
    for name in (
        "ERROR", "FILE", "LINE", "CHARACTER", "BYTE_OFFSET", "CATEGORY", "CODE", "SQL_STATE", "COLUMN_NAME",
        "ROW_NUMBER", "ROW_START_LINE", "REJECTED_RECORD",
    )
)  # fmt: skip
_NOT_THERE: Final = (
    "Remote file '{0}' was not found. There are several potential causes. The file might not exist."
    " The required credentials may be missing or invalid."
)


def validated(
    work: Work, statement: CopyInto, stage: Stage, target: TableSource, required: frozenset[str], mode: Option
) -> StatementResult:
    """What VALIDATION_MODE asks for. Raises SqlError: the first error of RETURN_n_ROWS."""
    text = str(mode).upper()
    rows = _ROWS.fullmatch(text)
    if rows is None and text not in _ERRORS:
        raise SqlError.syntax(f"Invalid value for VALIDATION_MODE: {text[:40]}")
    if statement.ast is not None:
        raise SqlError.unsupported("VALIDATION_MODE of a COPY that transforms what it loads")
    if rows is None:
        return _errors(work, statement, stage, required, text)
    staged = work.stages.staged(statement.source, statement.files)
    if staged is None:
        raise SqlError.not_found("Stage", displayed(statement.source.parts))
    return _rows(work, statement, stage, staged, target, required, int(rows[1]))


def _rows(
    work: Work,
    statement: CopyInto,
    stage: Stage,
    staged: StagedSource,
    target: TableSource,
    required: frozenset[str],
    wanted: int,
) -> StatementResult:
    """The first rows. Raises SqlError: one of them does not fit."""
    if not staged.files:
        return Rows(target.columns, ())
    with work.storage.pin(file.sha256 for file in staged.files):
        left = wanted
        for file in staged.files:
            one = work.warehouse.looked_into(StagedSource((file,), staged.options), query_id=work.query_id)
            found = misfits(work, statement, one, required)
            if found.errors and (found.row or found.line or 1) <= left:
                raise found.error(listed_name(stage, file.path))
            left -= found.rows
            if left <= 0:
                break
        looked = work.warehouse.looked_into(staged, query_id=work.query_id)
        made = compile_copy(statement, looked, work.catalog, work.binds).compiled
        limited = replace(made, sql=f"SELECT * FROM ({made.sql}) AS _rows LIMIT {wanted}")
        return work.warehouse.query(limited, query_id=work.query_id, timeout=work.seconds)


def _errors(work: Work, statement: CopyInto, stage: Stage, required: frozenset[str], mode: str) -> Rows:
    """Files that are not there; nothing of those in which every row fits. Raises SqlError: there is a row that does
    not fit, of which all would have to be told.
    """
    missing: list[tuple[Value, ...]] = []
    for name in statement.files or (None,):
        try:
            staged = work.stages.staged(statement.source, () if name is None else (name,))
        except SqlError as error:
            if error.code != SqlError.not_found("File", "").code:
                raise
            told = (_NOT_THERE.format(name), name, None, None, None, "copy", 91016, "22000")
            missing.append((*told, None, None, None, None))
            continue
        if staged is None:
            continue
        for file in staged.files:
            with work.storage.pin((file.sha256,)):
                one = work.warehouse.looked_into(StagedSource((file,), staged.options), query_id=work.query_id)
                found = misfits(work, statement, one, required)
            if found.errors:
                where = listed_name(stage, file.path)
                raise SqlError.unsupported(
                    f"VALIDATION_MODE = {mode} of a file with errors ({where}):"
                    " COPY INTO … ON_ERROR = CONTINUE tells the first error of each file"
                )
    return Rows(_COLUMNS, missing)
