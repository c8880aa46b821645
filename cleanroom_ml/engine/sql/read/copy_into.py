"""COPY INTO a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import STAGE, STRING
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.names import OF_A_TABLE, stage_reference
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.stage_options import with_options
from cleanroom_ml.engine.sql.read.statement import Name, Statement
from cleanroom_ml.engine.sql.read.unload import read_unload
from cleanroom_ml.engine.sql.tree.dialect import parse_ast


@dataclass(frozen=True, slots=True)
class CopyInto(Statement):
    """COPY INTO table FROM @stage … or FROM (SELECT … FROM @stage …): `compile_copy(statement, staged, catalog,
    binds)`. Without FROM it is the table's own stage (sql-reference/sql/copy-into-table, its own examples).

    `source` has the statement's own FILE_FORMAT, PATTERN merged in; `files` is FILES = (…); `ast` the transforming
    SELECT or None; `options`
    the rest (ON_ERROR, PURGE, FORCE, MATCH_BY_COLUMN_NAME, …).
    """

    target: Name
    columns: tuple[str, ...] | None
    source: StageReference
    files: tuple[str, ...] = ()
    ast: exp.Expr | None = None
    options: Mapping[str, Option] = field(default_factory=dict)


def _copy(source: Source) -> Statement:
    cursor = source.cursor
    if cursor.looking_at("COPY", "FILES"):
        raise SqlError.unsupported("COPY FILES")
    cursor.expect("COPY", "INTO")
    token = cursor.peek()
    if token is not None and (token.kind == STAGE or (token.kind == STRING)):
        return read_unload(source)
    target = source.names.name()
    columns = source.name_list() if cursor.looking_at("(") else None
    tree = None
    if not cursor.accept("FROM"):
        reference = StageReference((*target[:-1], f"{OF_A_TABLE}{target[-1]}"))
    elif cursor.looking_at("("):
        before = cursor.placeholders()
        group = cursor.group()
        if not group:
            raise cursor.surprise("expected a query")
        tree = parse_ast(source.text[group[0].start : group[-1].end], placeholders_before=before)
        reference = _stage_of(source, tree)
    else:
        reference = source.names.stage()
    options = source.names.options()
    cursor.expect_end()
    files = options.pop("FILES", ())
    merged = with_options(reference, options)
    if merged.file_format is None and not merged.options:
        merged = replace(merged, file_format=reference.file_format)
    rest = {key: value for key, value in options.items() if key not in {"FILE_FORMAT", "PATTERN"}}
    return CopyInto(
        target,
        columns,
        merged,
        tuple(str(file) for file in (files if isinstance(files, tuple) else (files,))),
        tree,
        rest,
    )


def _stage_of(source: Source, tree: exp.Expr) -> StageReference:
    """The one stage that a COPY's SELECT reads."""
    if not isinstance(tree, exp.Select) or tree.args.get("joins") or not tree.args.get("from_"):
        raise SqlError.unsupported("this query in COPY INTO")
    table = tree.args["from_"].this
    if isinstance(table, exp.Table) and isinstance(table.this, exp.Var | exp.Literal | exp.RawString):
        return stage_reference(str(table.this.this))
    if isinstance(table, exp.Table) and isinstance(table.this, exp.Placeholder):
        return stage_reference(source.constant(table.this))
    raise SqlError.unsupported("this query in COPY INTO")


FORMS: Final = (Form(("COPY",), _copy),)
