"""Stages and file formats: CREATE, ALTER, DROP, LIST, REMOVE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.file_format import CreateFileFormat
from cleanroom_ml.engine.sql.read.stage import AlterStage, CreateStage
from cleanroom_ml.engine.sql.read.stage_files import ListFiles, Remove
from cleanroom_ml.engine.sql.types import SqlType
from cleanroom_ml.engine.statements.kinds.namespace import existed, if_exists
from cleanroom_ml.engine.statements.kinds.table import already_dropped
from cleanroom_ml.engine.statements.refusals import translated
from cleanroom_ml.engine.statements.results import LIST, REMOVE, VARCHAR, Rows, success
from cleanroom_ml.engine.statements.stage_reader import file_options, listed_name, stage_format_key
from cleanroom_ml.engine.statements.work import Work

_NUMBER = SqlType("NUMBER", 38, 0)
_STAGE_OPTIONS = frozenset({"DIRECTORY", "ENCRYPTION", "FILE_FORMAT", "COMMENT", "COPY_OPTIONS", "TAG"})
_ENCRYPTIONS = frozenset({"SNOWFLAKE_SSE", "SNOWFLAKE_FULL"})


def create_stage(work: Work, statement: CreateStage) -> Rows:
    """CREATE [TEMPORARY] STAGE: internal ones; whoever asks for an external one is refused."""
    options = statement.options
    if unknown := sorted(options.keys() - _STAGE_OPTIONS):
        raise SqlError.unsupported(f"stage option {unknown[0]}")
    encryption = str(_group(options, "ENCRYPTION").get("TYPE", "SNOWFLAKE_FULL")).upper()
    if encryption not in _ENCRYPTIONS:
        raise SqlError.unsupported(f"encryption type {encryption}")
    file_format = _file_format(work, options)
    key = work.catalog.target(statement.name, "STAGE")
    session_id = work.temporary(statement.temporary)
    reply = success(f"Stage area {key.name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        made = work.storage.stages.create(
            key,
            directory=bool(_group(options, "DIRECTORY").get("ENABLE", False)),
            session_id=session_id,
            encryption=encryption,
            if_exists=if_exists(statement),
            comment=str(options.get("COMMENT", "")),
        )
        if made:
            hidden = stage_format_key(key)
            work.storage.file_formats.drop(hidden, session_id=session_id, if_exists=True)
            if file_format:
                kind = str(file_format.get("TYPE", "CSV")).upper()
                rest = {name: value for name, value in file_format.items() if name != "TYPE"}
                work.storage.file_formats.create(hidden, kind, rest, session_id=session_id, if_exists="replace")
    return reply if made else existed(key.name)


def alter_stage(work: Work, statement: AlterStage) -> Rows:
    """ALTER STAGE … REFRESH (one row a file that changed) or SET DIRECTORY = (ENABLE = …)."""
    stage = work.stages.stage(statement.name)
    if stage is None and statement.if_exists:
        return success()
    stage = work.stages.existing(statement.name)
    if statement.refresh:
        with translated(statement.name):
            refreshed = work.storage.stages.refresh(stage.key, session_id=stage.session_id)
        rows = [(path, "REGISTERED_NEW", "File registered successfully.") for path in refreshed.added]
        rows += [(path, "REGISTERED_UPDATED", "File updated successfully.") for path in refreshed.updated]
        rows += [(path, "UNREGISTERED", "File unregistered successfully.") for path in refreshed.removed]
        return Rows((("file", VARCHAR), ("status", VARCHAR), ("description", VARCHAR)), rows, LIST)
    if unknown := sorted(statement.options.keys() - {"DIRECTORY"}):
        raise SqlError.unsupported(f"ALTER STAGE SET {unknown[0]}")
    with translated(statement.name):
        enabled = bool(_group(statement.options, "DIRECTORY").get("ENABLE", False))
        work.storage.stages.set_directory(stage.key, enabled, session_id=stage.session_id)
    return success()


def drop_stage(work: Work, statement: Drop) -> Rows:
    """DROP STAGE, with its files."""
    stage = work.stages.stage(statement.name) if statement.name != ("~",) else None
    if stage is None:
        work.catalog.target(statement.name, "STAGE")
        if statement.if_exists:
            return already_dropped(statement.name[-1])
        stage = work.stages.existing(statement.name)
    reply = success(f"{stage.key.name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        work.storage.stages.drop(stage.key, session_id=stage.session_id, if_exists=statement.if_exists)
        work.storage.file_formats.drop(stage_format_key(stage.key), session_id=stage.session_id, if_exists=True)
    return reply


def list_files(work: Work, statement: ListFiles) -> Rows:
    """LIST @stage/prefix [PATTERN = '…']."""
    stage = work.stages.existing(statement.source.parts)
    rows = [
        (listed_name(stage, file.path), file.size, file.md5, f"{file.last_modified:%a, %d %b %Y %H:%M:%S} GMT")
        for file in work.stages.files(stage, statement.source.path, statement.source.pattern)
    ]
    return Rows((("name", VARCHAR), ("size", _NUMBER), ("md5", VARCHAR), ("last_modified", VARCHAR)), rows, LIST)


def remove(work: Work, statement: Remove) -> Rows:
    """REMOVE @stage/prefix [PATTERN = '…']."""
    stage = work.stages.existing(statement.source.parts)
    files = work.stages.files(stage, statement.source.path, statement.source.pattern)
    rows = [(listed_name(stage, file.path), "removed") for file in files]
    reply = Rows((("name", VARCHAR), ("result", VARCHAR)), rows, REMOVE)
    with translated(statement.source.parts), work.recorded(reply):
        for file in files:
            work.storage.stages.remove(stage.key, file.path, session_id=stage.session_id)
    return reply


def create_file_format(work: Work, statement: CreateFileFormat) -> Rows:
    """CREATE [TEMPORARY] FILE FORMAT."""
    options = {name: value for name, value in statement.options.items() if name != "COMMENT"}
    kind = str(options.pop("TYPE", "CSV")).upper()
    file_options({"TYPE": kind, **options})
    key = work.catalog.target(statement.name, "FILE FORMAT")
    reply = success(f"File format {key.name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        made = work.storage.file_formats.create(
            key,
            kind,
            options,
            session_id=work.temporary(statement.temporary),
            if_exists=if_exists(statement),
            comment=str(statement.options.get("COMMENT", "")),
        )
    return reply if made else existed(key.name)


def drop_file_format(work: Work, statement: Drop) -> Rows:
    """DROP FILE FORMAT."""
    key = work.catalog.target(statement.name, "FILE FORMAT")
    reply = success(f"{key.name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        dropped = work.storage.file_formats.drop(key, session_id=work.session.id, if_exists=statement.if_exists)
    return reply if dropped else already_dropped(key.name)


def _group(options: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = options.get(name, {})
    if not isinstance(value, Mapping):
        if value == ():
            return {}
        raise SqlError.syntax(f"Invalid value for {name}: options in parentheses are needed.")
    return value


def _file_format(work: Work, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The FILE_FORMAT of a stage, checked and with a named format's options in it."""
    given = options.get("FILE_FORMAT", {})
    if isinstance(given, str):
        given = {"FORMAT_NAME": given}
    given = dict(_group({"FILE_FORMAT": given}, "FILE_FORMAT"))
    if "FORMAT_NAME" in given:
        raise SqlError.unsupported("a named file format of a stage; name it where the files are read")
    file_options(given)
    return given
