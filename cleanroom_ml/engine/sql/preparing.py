"""What every compilation starts and ends with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.build import Build
from cleanroom_ml.engine.sql.catalog import Catalog, Columns, TableSource
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.dialect import SLOT, generate, parse_ast
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve import Resolver, quote_plain


def bounded(make: Callable[[], Any]) -> Any:
    """Run a compilation; a tree deeper than Python's stack is an error of the client's."""
    try:
        with BIG_TEXTS.turn():
            return make()
    except RecursionError:
        raise SqlError.too_complex() from None


def prepare(tree: Any, catalog: Catalog, binds: Binds) -> tuple[Any, Resolver]:
    """A copy of a tree that may be rewritten, and a resolver for it."""
    copy = parse_ast(tree) if isinstance(tree, str) else tree.copy()
    resolver = Resolver(Build(), catalog, binds)
    numbers = [
        int(node.this.this)
        for node in copy.find_all(exp.Parameter)
        if isinstance(node.this, exp.Literal) and str(node.this.this).isdigit()
    ]
    resolver.width = min(max(numbers, default=1), 1000)
    return copy, resolver


def finished(resolver: Resolver, tree: Any, columns: Columns | None = None, *, operations: bool = False) -> Compiled:
    build = resolver.build
    return Compiled(generate(tree), tuple(build.inputs), build.token, columns, operations)


def target_table(name: tuple[str, ...], catalog: Catalog) -> TableSource:
    """The table that a DML statement changes. Raises SqlError: there is none, or it may not be written."""
    source = catalog.source(name)
    if not isinstance(source, TableSource):
        raise SqlError.not_found("Table", quote_plain(name))
    if not source.writable:
        raise SqlError(
            3001,
            "42501",
            f"SQL access control error:\nInsufficient privileges to operate on table '{quote_plain(name)[:200]}'",
        )
    return source


def safe(text: str) -> str:
    """Column names in a template: a name like `{0}` would be a slot."""
    if SLOT.search(text):
        raise SqlError.unsupported("'{…}' in column names")
    return text
