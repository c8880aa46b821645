"""COPY FILES: the same objects under other names, all of them in one transaction; nothing is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.table import SELECT, Rows
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError
from cleanroom_ml.engine.sql.read.copy_files import CopyFiles
from cleanroom_ml.engine.sql.read.names import stage_reference
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.kind import Kind, Roles
from cleanroom_ml.engine.statements.refusals import displayed, translated
from cleanroom_ml.engine.statements.results import VARCHAR
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.stages import StageFile

_DETAILED: Final = (("file", VARCHAR),)
_COUNTED: Final = (("numOfFilesCopied", SqlType("NUMBER", 38, 0)),)
_MOST: Final = 1000
"""Files that a query may name."""


def copy_files(work: Work, statement: CopyFiles) -> Rows:
    """COPY FILES. Raises SqlError: there is no such stage or file, or none may be called so."""
    target = work.stages.existing(statement.target.parts, "WRITE")
    files = _of_a_query(work, statement) if statement.source is None else _of_a_stage(work, statement)
    into = statement.target.path.rstrip("/") + "/" * bool(statement.target.path.strip("/"))
    before = "" if statement.source is not None else f"{target.key}/"
    told = [(f"{before}{into}{name}",) for name, _ in files]
    reply = Rows(_DETAILED, told) if statement.detailed else Rows(_COUNTED, ((len(files),),))
    shas = [file.sha256 for _, file in files]
    with work.storage.pin(shas), translated(statement.target.parts), work.recorded(reply):
        for name, file in files:
            path = f"{into}{name}"
            work.storage.stages.put_file(
                target.key, path, file.sha256, file.size, file.md5, session_id=target.session_id
            )
    return reply


def _of_a_stage(work: Work, statement: CopyFiles) -> list[tuple[str, StageFile]]:
    """What is copied, by its path below the last directory of the source."""
    assert statement.source is not None
    source = work.stages.existing(statement.source.parts, "READ")
    found = work.stages.files(source, statement.source.path, statement.source.pattern)
    if statement.files:
        start = statement.source.path.rstrip("/") + "/" * bool(statement.source.path)
        by_path = {file.path: file for file in found}
        for name in statement.files:
            if f"{start}{name}" not in by_path:
                raise SqlError.not_found("File", f"{start}{name}")
        found = [by_path[f"{start}{name}"] for name in statement.files]
    below = statement.source.path.rpartition("/")[0]
    skipped = len(below) + 1 if below else 0
    return [(file.path[skipped:], file) for file in found]


def _of_a_query(work: Work, statement: CopyFiles) -> list[tuple[str, StageFile]]:
    """What its rows name: `@stage/path`, and what it is to be called, else its path."""
    assert statement.ast is not None
    compiled = compile_query(statement.ast, work.catalog, work.binds)
    with work.storage.pin(compiled.inputs):
        columns, rows = work.warehouse.rows(compiled, query_id=work.query_id, timeout=work.seconds, limit=_MOST)
    if len(columns) > 2:
        raise SqlError(
            1003, "42000", f"{COMPILATION}The query of COPY FILES exceeds maximum allowable number of columns: 2."
        )
    named: list[tuple[str, StageFile]] = []
    for row in rows:
        text = row[0]
        if not isinstance(text, str) or not text.startswith("@"):
            raise SqlError.unsupported("COPY FILES of what is no text '@stage/path'")
        reference = stage_reference(text)
        source = work.stages.existing(reference.parts, "READ")
        exact = replace(reference, path=reference.path.rstrip("/"))
        file = next((each for each in work.stages.files(source, exact.path) if each.path == exact.path), None)
        if file is None:
            raise SqlError.not_found("File", f"{displayed(reference.parts)}/{exact.path}")
        name = row[1] if len(row) > 1 else None
        named.append((file.path if name is None else str(name), file))
    return named


KINDS: Final = (Kind(CopyFiles, copy_files, SELECT, roles=Roles.NAMES),)
