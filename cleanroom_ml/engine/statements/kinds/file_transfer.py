"""PUT and GET: what moves where, the protocol moves it; LIST and REMOVE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts.table import GET, LIST, PUT, REMOVE, Rows
from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.stage_files import Get, ListFiles, Put, Remove
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.listing import NUMBER
from cleanroom_ml.engine.statements.refusals import translated
from cleanroom_ml.engine.statements.results import VARCHAR, Download, StagedDownload, Upload
from cleanroom_ml.engine.statements.stage_reader import listed_name
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.errors import InvalidPath
from cleanroom_ml.engine.storage.stage_paths import checked_path

_WINDOWS = re.compile(r"/?[A-Za-z]:[\\/]")
_PATTERN = frozenset("*?[")
_PUT = frozenset({"PARALLEL", "AUTO_COMPRESS", "SOURCE_COMPRESSION", "OVERWRITE"})
_GET = frozenset({"PARALLEL", "PATTERN"})
_COMPRESSIONS = frozenset(
    {"AUTO_DETECT", "GZIP", "BZ2", "BROTLI", "ZSTD", "DEFLATE", "RAW_DEFLATE", "PARQUET", "ORC", "NONE"}
)


def put(work: Work, statement: Put) -> Upload:
    """PUT file://… @stage/directory."""
    options = _known(statement.options, _PUT)
    stage = work.stages.existing(statement.target.parts, "WRITE")
    directory = statement.target.path.rstrip("/")
    _check_path(directory, statement)
    compression = str(options.get("SOURCE_COMPRESSION", "AUTO_DETECT")).upper()
    if compression not in _COMPRESSIONS:
        raise SqlError.unsupported(f"SOURCE_COMPRESSION {compression}")
    return Upload(
        stage=stage.key,
        session_id=stage.session_id,
        directory=f"{directory}/" if directory else "",
        source=statement.source,
        parallel=_parallel(options, 4),
        auto_compress=_flag(options, "AUTO_COMPRESS", True),
        source_compression=compression,
        overwrite=_flag(options, "OVERWRITE", False),
    )


def get(work: Work, statement: Get) -> Download:
    """GET @stage/prefix file://… [PATTERN = '…']. Nothing that matches is no error, as on Snowflake."""
    options = _known(statement.options, _GET)
    stage = work.stages.existing(statement.source.parts)
    pattern = options.get("PATTERN", statement.source.pattern)
    files = work.stages.files(stage, statement.source.path, None if pattern is None else str(pattern))
    return Download(
        stage=stage.key,
        session_id=stage.session_id,
        target=statement.target,
        files=tuple(StagedDownload(file.path, file.sha256, file.size) for file in files),
        parallel=_parallel(options, 10),
    )


def file_name(source: str) -> str:
    """The name of a local file, or the pattern of the names, in a path as a PUT has it."""
    return (source.replace("\\", "/") if _WINDOWS.match(source) else source).rstrip("/").rpartition("/")[2]


def _check_path(directory: str, statement: Put) -> None:
    """Refuse what cannot be stored before the client has opened the file.

    The client asks again for each of its files, by the name that it would have there. Where the path is a bound value
    it cannot, and has one answer for all of them.

    Raises:
        SqlError: the directory or the name is none of a stage's; or a bound path is for several files.
    """
    name = file_name(statement.source)
    if statement.bound and _PATTERN.intersection(statement.source):
        raise SqlError.unsupported("PUT of several files whose path is a bound value; write the path in the statement")
    try:
        checked_path(f"{directory}/{name}" if directory else name)
    except InvalidPath as error:
        raise SqlError.syntax(f"the file cannot be stored under this name: {error}. Rename the file.") from error


def _known(options: Mapping[str, Option], known: frozenset[str]) -> Mapping[str, Option]:
    if unknown := sorted(options.keys() - known):
        raise SqlError.syntax(f"invalid parameter '{unknown[0]}'")
    return options


def _flag(options: Mapping[str, Option], name: str, default: bool) -> bool:
    value = options.get(name, default)
    if isinstance(value, str) and value.upper() in {"TRUE", "FALSE"}:
        return value.upper() == "TRUE"
    if not isinstance(value, bool):
        raise SqlError.syntax(f"Invalid value for {name}: TRUE or FALSE is needed.")
    return value


def _parallel(options: Mapping[str, Option], default: int) -> int:
    value = options.get("PARALLEL", default)
    if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > 2 or not int(str(value)):
        raise SqlError.syntax("Invalid value for PARALLEL: a number from 1 to 99 is needed.")
    return int(str(value))


def list_files(work: Work, statement: ListFiles) -> Rows:
    """LIST @stage/prefix [PATTERN = '…']."""
    stage = work.stages.existing(statement.source.parts)
    rows = [
        (listed_name(stage, file.path), file.size, file.md5, f"{file.last_modified:%a, %d %b %Y %H:%M:%S} GMT")
        for file in work.stages.files(stage, statement.source.path, statement.source.pattern)
    ]
    return Rows((("name", VARCHAR), ("size", NUMBER), ("md5", VARCHAR), ("last_modified", VARCHAR)), rows)


def remove(work: Work, statement: Remove) -> Rows:
    """REMOVE @stage/prefix [PATTERN = '…']."""
    stage = work.stages.existing(statement.source.parts, "WRITE")
    files = work.stages.files(stage, statement.source.path, statement.source.pattern)
    rows = [(listed_name(stage, file.path), "removed") for file in files]
    reply = Rows((("name", VARCHAR), ("result", VARCHAR)), rows)
    with translated(statement.source.parts), work.recorded(reply):
        for file in files:
            work.storage.stages.remove(stage.key, file.path, session_id=stage.session_id)
    return reply


KINDS: Final = (
    Kind(Put, put, PUT, Allowed.JOB, Roles.NAMES),
    Kind(Get, get, GET, Allowed.JOB, Roles.NAMES),
    Kind(ListFiles, list_files, LIST, Allowed.TEMPLATE, Roles.NAMES),
    Kind(Remove, remove, REMOVE, Allowed.TEMPLATE, Roles.NAMES),
)
