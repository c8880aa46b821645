"""What is seen where a name is looked up, and who resolves queries inside of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cleanroom_ml.engine.sql.catalog import ViewSource
from cleanroom_ml.engine.sql.routines import UserFunction
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.types.kind import Kind

Kinds = Mapping[str, Kind | None]
"""Column → kind."""


class Repeated(dict[str, Kind | None]):
    """`Kinds` of columns of which several have one name: `every` one in its place."""

    def __init__(self, every: Sequence[tuple[str, Kind | None]]) -> None:
        super().__init__(every)
        self.every = tuple(every)

    def is_ambiguous(self, column: str) -> bool:
        """Whether several have this name."""
        return sum(name == column for name, _ in self.every) > 1


def by_name(columns: Sequence[tuple[str, Kind | None]]) -> Kinds:
    """The kinds of columns in their order."""
    found = dict(columns)
    return found if len(found) == len(columns) else Repeated(columns)


def by_position(kinds: Kinds) -> list[Kind | None]:
    """The kinds of all columns, in their order."""
    return [kind for _, kind in kinds.every] if isinstance(kinds, Repeated) else list(kinds.values())


@dataclass(slots=True)
class Draws:
    """Where the numbers of sequences go: to how many `rows` (None: nobody knows), each of them just one where
    `single`; `exact`: whoever runs the statement sees by its rows how many were used.
    """

    rows: int | None = None
    single: bool = False
    exact: bool = False
    shared: dict[str, Node] = field(default_factory=dict)
    """What the alias of a TABLE(GETNEXTVAL(…)) stands for, once it was asked for."""


@dataclass(slots=True)
class Scope:
    """What one SELECT sees: its FROM items by alias (None: columns not known), and the query around it."""

    parent: Scope | None = None
    sources: dict[str, Kinds | None] = field(default_factory=dict)
    positional: tuple[str, tuple[str, ...]] | None = None
    """Alias and columns that `$1`, `$2` … mean."""
    positions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns that `alias.$1`, `alias.$2` … mean."""
    staged: str | None = None
    """Alias of a staged source: `$1` are its columns by number."""
    staged_columns: Mapping[str, str] | None = None
    """Of a staged Parquet source whose columns are known: the file's column → its name in the relation."""
    generated: str | None = None
    """Alias of a GENERATOR: its rows are numbered."""
    laid_out: bool = False
    """FROM has more columns than the statement may see: `*` is spelled out."""
    parameters: Mapping[str, Node] = field(default_factory=dict)
    """Of the text of a function: what its arguments are, rewritten already."""
    most: int | None = 1
    """How many rows the FROM items have at most; None: nobody knows."""
    draws: Draws | None = None
    """What a sequence gives here; None: none may stand here."""
    drawing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Sequences by the alias of a TABLE(GETNEXTVAL(…))."""

    def kind(self, column: str, table: str | None) -> Kind | None:
        scope: Scope | None = self
        while scope is not None:
            found = [kinds for alias, kinds in scope.sources.items() if table is None or alias == table]
            if any(kinds is None for kinds in found):
                return None
            for kinds in found:
                if kinds is not None and column in kinds:
                    return kinds[column]
            scope = scope.parent
        return None

    def is_ambiguous(self, column: str, table: str | None) -> bool:
        """Whether the item that has a column of this name has several: DuckDB would take the first."""
        scope: Scope | None = self
        while scope is not None:
            for alias, kinds in scope.sources.items():
                if (table is None or alias == table) and kinds is not None and column in kinds:
                    return isinstance(kinds, Repeated) and kinds.is_ambiguous(column)
            scope = scope.parent
        return False

    def known(self) -> list[Kind | None]:
        """What is known of the columns of its FROM items."""
        return [kind for kinds in self.sources.values() for kind in (kinds or {}).values()]

    def has(self, table: str) -> bool:
        """Whether an alias stands for something here."""
        scope: Scope | None = self
        while scope is not None:
            if table in scope.sources:
                return True
            scope = scope.parent
        return False

    def is_row(self, column: str) -> bool:
        """Whether DuckDB would take a column's name without an alias for a whole row: it is only an alias here."""
        folded = column.casefold()
        scope: Scope | None = self
        while scope is not None:
            if any(kinds is not None and column in kinds for kinds in scope.sources.values()):
                return False
            if any(alias.casefold() == folded for alias in scope.sources):
                above = scope.parent.sources if scope.parent is not None else {}
                return column not in (above.get("") or {})  # what SELECT calls its columns
            scope = scope.parent
        return False

    def other_case(self, column: str, table: str | None) -> bool:
        """Whether there is no such column, but one that only DuckDB would take for it: its name in another case."""
        folded = column.casefold()
        found = False
        scope: Scope | None = self
        while scope is not None:
            for alias, kinds in scope.sources.items():
                if table is not None and alias != table:
                    continue
                if kinds is None or column in kinds:
                    return False
                found = found or any(name.casefold() == folded for name in kinds)
            scope = scope.parent
        return found


@dataclass(frozen=True, slots=True)
class CommonTable:
    name: str
    kinds: Kinds | None


CommonTables = Mapping[str, CommonTable]


@dataclass(frozen=True, slots=True)
class Relation:
    """A rewritten FROM item and its columns."""

    node: Node
    kinds: Kinds | None
    name: tuple[str, ...] | None = None
    """What the catalog knows it by; None: it is nothing of the catalog's."""
    rows: int | None = None
    """How many it has at most, where that is known."""


class Inside(Protocol):
    """The text of a function, resolved by its definer's names. Raises SqlError."""

    def expression(self, text: str, scope: Scope) -> Node:
        """An expression as written."""

    def rewritten(self, expression: Node, scope: Scope) -> Node:
        """A parsed one."""

    def query(self, query: Node, scope: Scope) -> tuple[Node, Kinds | None]:
        """A parsed query, and the kinds of its columns."""


class Queries(Protocol):
    """Who resolves the queries that stand inside of expressions and of FROM: the resolver."""

    def query(self, node: Node, ctes: CommonTables, parent: Scope | None = None) -> tuple[Node, Kinds | None]:
        """A query, rewritten in place, and the kinds of its columns. Raises SqlError."""

    def inside(self, function: UserFunction) -> Inside:
        """What resolves the text of a function."""

    def view(self, source: ViewSource) -> tuple[Node, Kinds | None]:
        """The same of a view's text, with its definer's catalog. Raises SqlError."""


class Rewrite(Protocol):
    """Rewrites an expression and everything below it. Raises SqlError for what is on no list."""

    def __call__(self, node: Node, scope: Scope, ctes: CommonTables) -> Node: ...
