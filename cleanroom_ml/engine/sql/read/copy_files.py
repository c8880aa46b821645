"""COPY FILES: files of one stage become files of another (sql-reference/sql/copy-files)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Statement
from cleanroom_ml.engine.sql.tree.dialect import parse_ast


@dataclass(frozen=True, slots=True)
class CopyFiles(Statement):
    """COPY FILES INTO `target` FROM `source` (with its PATTERN; `files` is FILES = (…)), or FROM (`ast`), whose first
    column is what is copied and whose second one is what it is called there. `detailed`: it tells each file.
    """

    target: StageReference
    source: StageReference | None
    ast: exp.Expr | None = None
    files: tuple[str, ...] = ()
    detailed: bool = True


def _copy_files(source: Source) -> CopyFiles:
    cursor = source.cursor
    cursor.expect("COPY", "FILES", "INTO")
    target = source.names.stage()
    cursor.expect("FROM")
    tree, reference = None, None
    if cursor.looking_at("("):
        before = cursor.placeholders()
        group = cursor.group()
        if not group:
            raise cursor.surprise("expected a query")
        tree = parse_ast(source.text[group[0].start : group[-1].end], placeholders_before=before)
        if not isinstance(tree, exp.Query):
            raise cursor.surprise("expected a query")
    else:
        reference = source.names.stage()
    options = source.names.options()
    cursor.expect_end()
    detailed = options.pop("DETAILED_OUTPUT", True)
    files = options.pop("FILES", ())
    pattern = options.pop("PATTERN", None)
    if options:
        raise SqlError.syntax(f"invalid parameter '{min(options)}'")
    if not isinstance(detailed, bool):
        raise SqlError.syntax("Invalid value for DETAILED_OUTPUT: TRUE or FALSE is needed.")
    if tree is not None and (files or pattern is not None):
        raise SqlError.syntax("FILES and PATTERN are of a stage, not of a query.")
    if reference is not None and pattern is not None:
        reference = StageReference(reference.parts, reference.path, str(pattern))
    names = files if isinstance(files, tuple) else (files,)
    return CopyFiles(target, reference, tree, tuple(str(name) for name in names), detailed)


FORMS: Final = (Form(("COPY", "FILES"), _copy_files),)
