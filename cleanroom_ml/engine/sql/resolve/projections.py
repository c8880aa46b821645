"""What a SELECT's columns are called, and what is known of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.resolve.scope import Kinds, Scope, by_name, never_null, pairs
from cleanroom_ml.engine.sql.tree.dialect import WRITTEN, Node, raw, snowflake_text
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.kind import Kind

_COMMENT_OR_MARK: Final = re.compile(r"--|//|/\*|[0-9a-f]{24}:\d")
"""What makes a projection's text no name: a comment, or a mark of a list that was taken out (lex/lists.py)."""


def column_name(projection: Node) -> str | None:
    """How a result column without an alias is called: as it was written, in capitals."""
    if isinstance(projection, exp.Alias | exp.Star) or (
        isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)
    ):
        return None
    if isinstance(projection, exp.Column) and not isinstance(projection.this, exp.Parameter):
        return fold(projection.this)
    if isinstance(projection, exp.Column):
        projection = projection.this
    if isinstance(projection, exp.Parameter) and isinstance(projection.this, exp.Literal):
        return f"${projection.this.this}"
    written = projection.meta.get(WRITTEN)
    plain = isinstance(written, str) and not _COMMENT_OR_MARK.search(written)
    return (str(written) if plain else snowflake_text(projection)).upper()[:256]


def without_aliases(value: Node, queries: Mapping[str, Node], scope: Scope) -> Node:
    """A rewritten projection in which what is called like one of the `queries` before it, and like no column of FROM,
    is that query: DuckDB names none by its alias there.
    """
    if not queries or any(kinds is None for kinds in scope.sources.values()):
        return value
    for column in list(value.walk(prune=lambda node: isinstance(node, exp.Query))):
        query = queries.get(column.name) if isinstance(column, exp.Column) and not column.args.get("table") else None
        if query is None or any(column.name in (kinds or {}) for kinds in scope.sources.values()):
            continue
        made = raw("{0}", query.copy(), kind=kind_of(query))
        if column is value:
            return made
        column.replace(made)
    return value


def is_query(value: Node) -> bool:
    """Whether a rewritten value has a query in it."""
    return value.find(exp.Query) is not None


def output(projections: Sequence[Node], scope: Scope, never: Sequence[bool]) -> Kinds | None:
    """The columns of a SELECT; None where a star stands for columns that are not known. `never`: which projections are
    never NULL, and whether those of a star may be what they are in FROM.
    """
    columns: list[tuple[str, Kind | None]] = []
    required: dict[str, bool] = {}
    for projection, none in zip(projections, never, strict=True):
        if isinstance(projection, exp.Star) or isinstance(projection.args.get("this"), exp.Star):
            star = projection if isinstance(projection, exp.Star) else projection.this
            if any(star.args.get(part) for part in ("except_", "replace", "rename")):
                return None
            table = projection.args.get("table") if isinstance(projection, exp.Column) else None
            for alias, kinds in scope.sources.items():
                if table is not None and alias != table.name:
                    continue
                if kinds is None:
                    return None
                columns += pairs(kinds)
                for name in kinds:
                    required[name] = none and name in never_null(kinds) and required.get(name, True)
        else:
            name = projection.alias_or_name
            columns.append((name, kind_of(projection)))
            required[name] = none and required.get(name, True)
    return by_name(columns, frozenset(name for name, known in required.items() if known))
