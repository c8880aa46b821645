"""COPY INTO a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.stage_options import with_options
from cleanroom_ml.engine.sql.read.statement import Statement
from cleanroom_ml.engine.sql.tree.dialect import parse_ast


@dataclass(frozen=True, slots=True)
class Unload(Statement):
    """COPY INTO @stage/path FROM table | (query): `options` are those that are no FILE_FORMAT; `partition`: what the
    files are by (PARTITION BY).
    """

    target: StageReference
    ast: exp.Expr
    options: Mapping[str, Option] = field(default_factory=dict)
    partition: exp.Expr | None = None


def read_unload(source: Source) -> Unload:
    """What stands behind COPY INTO. Raises SqlError."""
    cursor = source.cursor
    reference = source.names.stage()
    cursor.expect("FROM")
    before = cursor.placeholders()
    if cursor.looking_at("("):
        group = cursor.group()
        if not group:
            raise cursor.surprise("expected a query")
        tree = parse_ast(source.text[group[0].start : group[-1].end], placeholders_before=before)
    else:
        start = cursor.at
        source.names.name()
        written = source.text[cursor.tokens[start].start : cursor.tokens[cursor.at - 1].end]
        tree = parse_ast(f"SELECT * FROM {written}", placeholders_before=before)
    if not isinstance(tree, exp.Query):
        raise cursor.surprise("expected a query")
    partition = _partition(source) if cursor.accept("PARTITION", "BY") else None
    options = source.names.options()
    cursor.expect_end()
    merged = with_options(reference, options)
    if merged.pattern is not None:
        raise SqlError.unsupported("COPY INTO a stage with PATTERN")
    if merged.file_format is None and not merged.options:
        merged = replace(merged, file_format=reference.file_format)
    rest = {name: value for name, value in options.items() if name != "FILE_FORMAT"}
    return Unload(merged, tree, rest, partition)


def _partition(source: Source) -> exp.Expr:
    """An expression in parentheses, as it has to stand there."""
    cursor = source.cursor
    before = cursor.placeholders()
    group = cursor.group() if cursor.looking_at("(") else ()
    if not group:
        raise cursor.surprise("expected an expression in parentheses")
    text = source.text[group[0].start : group[-1].end]
    found = parse_ast(f"SELECT {text}", placeholders_before=before)
    if not isinstance(found, exp.Select) or len(found.expressions) != 1 or found.args.get("from_"):
        raise cursor.surprise("expected an expression")
    return found.expressions[0].unalias()
