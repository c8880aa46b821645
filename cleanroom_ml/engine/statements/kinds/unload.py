"""COPY INTO a stage: the rows of a query become one file, or one for each value of PARTITION BY. A worker writes it;
the front sees its size and its hash.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.contracts.table import SELECT, Rows
from cleanroom_ml.engine.sql.catalog import FileOptions
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.compile.unloads import compile_lines
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.files.staged import FOREIGN
from cleanroom_ml.engine.sql.read.unload import Unload
from cleanroom_ml.engine.sql.resolve.identifiers import quoted
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.types.kind import COARSE
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.statements.kind import Kind, Roles
from cleanroom_ml.engine.statements.refusals import translated
from cleanroom_ml.engine.statements.work import Work

_OPTIONS: Final = frozenset({"HEADER", "OVERWRITE", "SINGLE", "MAX_FILE_SIZE"})
_NUMBER: Final = SqlType("NUMBER", 38, 0)
_COLUMNS: Final = (("rows_unloaded", _NUMBER), ("input_bytes", _NUMBER), ("output_bytes", _NUMBER))
_MOST_PARTS: Final = 1000
_COMPRESSIONS: Final = {"AUTO": True, "GZIP": True, "NONE": False}


@dataclass(frozen=True, slots=True)
class _File:
    """One file that was written: where it goes, what it is, and how many rows are in it."""

    path: str
    sha256: str
    size: int
    rows: int


def unload(work: Work, statement: Unload) -> Rows:
    """COPY INTO @stage/path FROM …. Always one file, or one for each value of PARTITION BY: MAX_FILE_SIZE is the most
    that Snowflake would put into each.

    Raises:
        SqlError: the file is there already and OVERWRITE is not said; an option that is not supported.
    """
    options = statement.options
    if unknown := sorted(options.keys() - _OPTIONS):
        raise SqlError.unsupported(f"COPY INTO a stage with {unknown[0]}")
    stage = work.stages.existing(statement.target.parts, "WRITE")
    layout = work.stages.options(statement.target, stage)
    if layout.type.upper() in FOREIGN:
        raise SqlError.unsupported(f"COPY INTO a stage with TYPE = {layout.type.upper()}")
    files = [_written(work, statement, layout, *part) for part in _parts(work, statement)]
    files = [file for file in files if file.rows > 0]
    if not files:
        return Rows(_COLUMNS, ((0, 0, 0),))
    size = sum(file.size for file in files)
    reply = Rows(_COLUMNS, ((sum(file.rows for file in files), size, size),))
    there = {each.path for each in work.storage.stages.list_files(stage.key, session_id=stage.session_id)}
    if options.get("OVERWRITE") is not True and (found := [file.path for file in files if file.path in there]):
        raise SqlError(
            1030,
            "22000",
            f"Files already existing at the unload destination: @{stage.key.name}/{found[0]}. Use overwrite option to"
            " force unloading.",
        )
    pinned = [file.sha256 for file in files]
    with work.storage.pin(pinned), translated(statement.target.parts), work.recorded(reply):
        for file in files:
            digest = _md5(work, file.sha256)
            work.storage.stages.put_file(
                stage.key, file.path, file.sha256, file.size, digest, session_id=stage.session_id
            )
    return reply


def _parts(work: Work, statement: Unload) -> list[tuple[Node, str, int | None]]:
    """The query of each file, the directory that it goes to, and how many rows there must be; None: nobody counted.

    PARTITION BY: sql-reference/sql/copy-into-location. Raises SqlError: it makes too many files.
    """
    if statement.partition is None:
        return [(statement.ast, "", None)]
    for name in ("SINGLE", "OVERWRITE"):
        if statement.options.get(name) is True:
            raise SqlError.syntax(f"PARTITION BY does not go with {name} = TRUE.")
    by = exp.Cast(this=exp.Paren(this=statement.partition), to=exp.DataType.build("VARCHAR", dialect="snowflake"))
    rows = exp.From(this=exp.Subquery(this=statement.ast.copy(), alias=exp.TableAlias(this=quoted("_ROWS"))))
    counted = exp.Select(
        expressions=[by.copy(), exp.Anonymous(this="COUNT", expressions=[exp.Star()])],
        from_=rows.copy(),
        group=exp.Group(expressions=[by.copy()]),
    )
    compiled = compile_query(counted, work.catalog, work.binds)
    with work.storage.pin(compiled.inputs):
        _, found = work.warehouse.rows(compiled, query_id=work.query_id, limit=_MOST_PARTS, timeout=work.seconds)
    parts: list[tuple[Node, str, int | None]] = []
    for value, count in found:
        same = exp.Is(this=by.copy(), expression=exp.Null())
        meant = same if value is None else exp.EQ(this=by.copy(), expression=exp.Literal.string(str(value)))
        query = exp.Select(expressions=[exp.Star()], from_=rows.copy(), where=exp.Where(this=meant))
        parts.append((query, "__NULL__/" if value is None else f"{value!s}/", int(str(count))))
    return parts


def _written(work: Work, statement: Unload, layout: FileOptions, query: Node, below: str, wanted: int | None) -> _File:
    """One file. Raises SqlError: it has not the rows that were counted for it."""
    header = statement.options.get("HEADER") is True
    compiled = compile_query(query, work.catalog, work.binds)
    if any(kind in COARSE for kind in compiled.kinds):
        raise SqlError.nanoseconds("COPY INTO a stage")
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
                query, columns, layout, work.catalog, work.binds, header=header and layout.type.upper() == "CSV"
            )
            packed = _packed(layout)
            made = work.warehouse.lines(lines, packed=packed, query_id=work.query_id, timeout=work.seconds)
    rows = made.rows - (header and layout.type.upper() == "CSV")
    if wanted is not None and rows != wanted:
        raise SqlError.unsupported("PARTITION BY of rows that are others each time that they are asked for")
    target = statement.target.path
    directory = target + ("/" if below and target and not target.endswith("/") else "") + below
    path = _path(directory, layout, single=statement.options.get("SINGLE") is True)
    return _File(path, made.sha256 or "", made.bytes, rows if made.sha256 is not None else 0)


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
