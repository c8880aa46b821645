"""COPY INTO a stage: the rows of a query become one file. A worker writes it; the front sees its size and its hash."""

from __future__ import annotations

import hashlib
import os
from typing import Final

from cleanroom_ml.engine.contracts.table import SELECT, Rows
from cleanroom_ml.engine.sql.catalog import FileOptions
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.compile.unloads import compile_lines
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.unload import Unload
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.kind import Kind, Roles
from cleanroom_ml.engine.statements.refusals import translated
from cleanroom_ml.engine.statements.work import Work

_OPTIONS: Final = frozenset({"HEADER", "OVERWRITE", "SINGLE", "MAX_FILE_SIZE"})
_NUMBER: Final = SqlType("NUMBER", 38, 0)
_COLUMNS: Final = (("rows_unloaded", _NUMBER), ("input_bytes", _NUMBER), ("output_bytes", _NUMBER))
_COMPRESSIONS: Final = {"AUTO": True, "GZIP": True, "NONE": False}


def unload(work: Work, statement: Unload) -> Rows:
    """COPY INTO @stage/path FROM …. Always one file: MAX_FILE_SIZE is the most that Snowflake would put into each.

    Raises:
        SqlError: the file is there already and OVERWRITE is not said; an option that is not supported.
    """
    options = statement.options
    if unknown := sorted(options.keys() - _OPTIONS):
        raise SqlError.unsupported(f"COPY INTO a stage with {unknown[0]}")
    stage = work.stages.existing(statement.target.parts, "WRITE")
    layout = work.stages.options(statement.target, stage)
    header = options.get("HEADER") is True
    compiled = compile_query(statement.ast, work.catalog, work.binds)
    with work.storage.pin(compiled.inputs):
        found = work.warehouse.describe(compiled, query_id=work.query_id)
        columns = tuple((each.name, each.type) for each in found)
        if layout.type.upper() == "PARQUET":
            names = [name if header else f"_COL_{number}" for number, (name, _) in enumerate(columns)]
            if len(set(names)) != len(names):
                raise SqlError.syntax("The columns of a Parquet file need different names.")
            typed = [(name, kind) for name, (_, kind) in zip(names, columns, strict=True)]
            made = work.warehouse.write(compiled, typed, query_id=work.query_id, timeout=work.seconds)
        else:
            lines = compile_lines(
                statement.ast, columns, layout, work.catalog, work.binds, header=header and layout.type.upper() == "CSV"
            )
            packed = _packed(layout)
            made = work.warehouse.lines(lines, packed=packed, query_id=work.query_id, timeout=work.seconds)
    rows = made.rows - (header and layout.type.upper() == "CSV")
    reply = Rows(_COLUMNS, ((max(rows, 0), made.bytes, made.bytes),))
    if made.sha256 is None or rows <= 0:
        return Rows(_COLUMNS, ((0, 0, 0),))
    path = _path(statement.target.path, layout, single=options.get("SINGLE") is True)
    there = {each.path for each in work.storage.stages.list_files(stage.key, path, session_id=stage.session_id)}
    if path in there and options.get("OVERWRITE") is not True:
        raise SqlError(
            1030,
            "22000",
            f"Files already existing at the unload destination: @{stage.key.name}/{path}. Use overwrite option to force"
            " unloading.",
        )
    with work.storage.pin([made.sha256]), translated(statement.target.parts), work.recorded(reply):
        work.storage.stages.put_file(
            stage.key, path, made.sha256, made.bytes, _md5(work, made.sha256), session_id=stage.session_id
        )
    return reply


def _packed(layout: FileOptions) -> bool:
    found = _COMPRESSIONS.get(layout.compression.upper())
    if found is None:
        raise SqlError.unsupported(f"COPY INTO a stage with COMPRESSION = {layout.compression[:20]}")
    return found


def _path(path: str, layout: FileOptions, *, single: bool) -> str:
    """`path` is a directory (ends with `/`, or is empty) or the beginning of a file's name, with SINGLE all of it."""
    if single:
        return path + "data" if not path or path.endswith("/") else path
    ending = ".snappy.parquet" if layout.type.upper() == "PARQUET" else f".{layout.type.lower()}"
    if layout.type.upper() != "PARQUET" and _packed(layout):
        ending += ".gz"
    beginning = path + "data" if not path or path.endswith("/") else path
    return f"{beginning}_0_0_0{ending}"


def _md5(work: Work, sha256: str) -> str:
    """What LIST shows of a file."""
    digest = hashlib.md5(usedforsecurity=False)
    with os.fdopen(work.storage.objects.open(sha256), "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


KINDS: Final = (Kind(Unload, unload, SELECT, roles=Roles.NAMES),)
