"""Queries over a catalog → `Compiled`, for a warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.catalog import Catalog, ContextValues, TableSource
from cleanroom_ml.engine.sql.compile import defaults
from cleanroom_ml.engine.sql.compile.preparing import bounded, finished, prepare, safe
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.resolve.casts import assigned
from cleanroom_ml.engine.sql.resolve.resolver import Resolver
from cleanroom_ml.engine.sql.resolve.scope import Scope, by_position, never_null, pairs
from cleanroom_ml.engine.sql.tree import fine
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import Node, generate, raw
from cleanroom_ml.engine.sql.types.kind import TEXT
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.naming import quote


def compile_query(
    query: str | Node, catalog: Catalog, binds: Binds = NO_BINDS, *, names: Sequence[str] = ()
) -> Compiled:
    """A query: its text, or its tree. `names`: what the statement calls its columns, by position.

    Raises:
        SqlError: a name that the catalog does not give, a construct or function that is on no list, or over the bounds.
    """

    def make() -> Compiled:
        tree, resolver = prepare(query, catalog, binds)
        resolver.outermost = tree
        rewritten, kinds = resolver.query(tree, {})
        if names:
            resolver.listening.call_by_position(dict.fromkeys(names), kinds)
        found = kinds or {}
        never = frozenset(number for number, (name, _) in enumerate(pairs(found)) if name in never_null(kinds))
        made = finished(resolver, rewritten)
        return replace(made, kinds=tuple(by_position(found)), never_null=never, quoting=resolver.build.seen)

    return bounded(make)


def compile_scalars(expressions: Sequence[Node], catalog: Catalog, binds: Binds = NO_BINDS) -> Compiled:
    """One row of the given expressions, columns V1, V2, … (SET a = …, scripting). Raises SqlError."""
    aliased = [
        exp.alias_(expression.copy(), f"V{number + 1}", quoted=True) for number, expression in enumerate(expressions)
    ]
    made = compile_query(exp.Select(expressions=aliased), catalog, binds)
    # A variable that begins as 'a' is no VARCHAR(1).
    return replace(made, kinds=tuple(TEXT if kind == TEXT else kind for kind in made.kinds))


def compile_rewrite(
    source: TableSource,
    columns: Sequence[tuple[str, SqlType, str | None] | tuple[str, SqlType, str | None, str | None]],
) -> Compiled:
    """A table's content under new columns (ALTER TABLE): (name, type, the old column or None, the DEFAULT of a new one
    or None for NULLs).
    """
    resolver = Resolver(Build(), _NoNames(), NO_BINDS)
    made = []
    types = dict(source.columns)
    before = {name: f"_old{number}" for number, (name, _) in enumerate(source.columns)}
    for name, sql_type, old, *given in columns:
        value = "NULL" if old is None else before[old]
        exact = old is not None and types[old].fine  # the worker casts it as it writes it
        if old is None and given and given[0] is not None:
            default = resolver.expressions.rewrite(defaults.expression(given[0]), Scope(None), {})
            exact = fine.is_fine(default) and sql_type.record.moment is not None
            value = generate(assigned(default, sql_type) if exact else default)
        made.append(f"{value if exact else f'CAST({value} AS {sql_type.duckdb})'} AS {quote(name)}")
    listed = ", ".join(made)
    body = raw(f"SELECT {safe(listed)} FROM ({{0}}) AS _old({', '.join(before.values())})", resolver.build.scan(source))
    return finished(resolver, body, tuple((each[0], each[1]) for each in columns))


class _NoNames:
    """A catalog without anything."""

    def source(self, parts: tuple[str, ...]) -> None:
        return None

    def context(self) -> ContextValues:
        return ContextValues(account="", user="", role="")
