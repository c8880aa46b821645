"""What every compilation starts and ends with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlglot import exp

from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.catalog import Catalog, Columns, Source, TableSource, WrittenCatalog
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.numbers import whole_number
from cleanroom_ml.engine.sql.resolve.columns import quoted_position
from cleanroom_ml.engine.sql.resolve.identifiers import quote_plain
from cleanroom_ml.engine.sql.resolve.resolver import Resolver
from cleanroom_ml.engine.sql.settings import current
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import SLOT, Node, generate, parse_ast

_Made = TypeVar("_Made")


def bounded(make: Callable[[], _Made]) -> _Made:
    """Run a compilation; a tree deeper than Python's stack is an error of the client's."""
    try:
        with BIG_TEXTS.turn():
            return make()
    except RecursionError:
        raise SqlError.too_complex() from None


def prepare(tree: str | Node, catalog: Catalog, binds: Binds) -> tuple[Node, Resolver]:
    """A copy of a tree that may be rewritten, and a resolver for it."""
    copy = parse_ast(tree) if isinstance(tree, str) else tree.copy()
    numbers = [
        whole_number(str(node.this.this)) or 1
        for node in copy.find_all(exp.Parameter)
        if isinstance(node.this, exp.Literal)
    ]
    numbers += [quoted_position(node) or 1 for node in copy.find_all(exp.Column)]
    return copy, Resolver(Build(), catalog, binds, width=min(max(numbers, default=1), 1000))


def finished(resolver: Resolver, tree: Node, columns: Columns | None = None, *, operations: bool = False) -> Compiled:
    build = resolver.build
    return Compiled(
        generate(tree),
        tuple(build.inputs),
        build.token,
        columns,
        operations=operations,
        staged=tuple(build.staged),
        foreign=tuple(build.foreign.items()),
        zone=current().zone,
        indent=current().indent,
        functions=tuple(function for _, function in build.functions.values()),
        drawn=tuple(build.drawn),
        of_tables=build.tables == build.sources,
    )


def target_table(name: tuple[str, ...], catalog: Catalog) -> TableSource:
    """The table that a DML statement changes. Raises SqlError: there is none, or it may not be written."""
    source = written_source(name, catalog)
    if not isinstance(source, TableSource):
        raise SqlError.not_found("Table", quote_plain(name))
    if not source.writable:
        raise SqlError(
            3001,
            "42501",
            f"SQL access control error:\nInsufficient privileges to operate on table '{quote_plain(name)[:200]}'",
        )
    return source


def written_source(name: tuple[str, ...], catalog: Catalog) -> Source | None:
    """What a statement changes, as its catalog has it for that."""
    return catalog.written(name) if isinstance(catalog, WrittenCatalog) else catalog.source(name)


def safe(text: str) -> str:
    """Column names in a template: a name like `{0}` would be a slot."""
    if SLOT.search(text):
        raise SqlError.unsupported("'{…}' in column names")
    return text


def no_rows(count: int) -> str:
    """No rows of `count` columns: what is UNIONed to it must have as many. An alias list alone would drop what is too
    much.
    """
    return f"SELECT {', '.join(['NULL'] * count)} WHERE FALSE"


def positions_of(names: Sequence[str], target: TableSource) -> dict[str, int]:
    """Where each named column of a target stands in what is given. Raises SqlError: it has none such, or one is named
    twice.
    """
    known = {name for name, _ in target.columns}
    for name in names:
        if name not in known:
            raise SqlError.invalid_identifier(name)
    if len(set(names)) != len(names):
        raise SqlError.syntax("a column is named twice.")
    return {name: number for number, name in enumerate(names)}
