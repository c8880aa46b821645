"""COPY INTO a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.stage_options import with_options
from cleanroom_ml.engine.sql.read.statement import Statement
from cleanroom_ml.engine.sql.tree.dialect import parse_ast

_OPTIONS: Final = frozenset(
    {"DETAILED_OUTPUT", "FILE_FORMAT", "HEADER", "INCLUDE_QUERY_ID", "MAX_FILE_SIZE", "OVERWRITE", "SINGLE"}
    | {"VALIDATION_MODE"}
)


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
    """An expression, which goes on to the first option."""
    tokens, cursor = source.tokens, source.cursor
    end = next((n for n in range(cursor.at, len(tokens)) if tokens[n].upper in _OPTIONS), len(tokens))
    found = source.expression_here(end)
    cursor.at = end
    return found.unalias()
